//! Keys, from a file or a variable of the environment; never from the command line, where others can read them.
//!
//! One key a line, `ID:` and 64 hexadecimal digits; the first seals, all open. Blank lines and lines that begin with `#` say nothing.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tamiz_core::TransformKey;

/// Where keys are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySource {
    /// A file.
    pub file: Option<PathBuf>,
    /// The name of a variable.
    pub variable: Option<String>,
}

/// Reads the keys, for one tenant. No source gives no keys.
///
/// # Errors
/// When they cannot be read, or a line is no key. No message repeats a key.
pub fn load(source: &KeySource, tenant: &str) -> anyhow::Result<Vec<TransformKey>> {
    let mut keys = Vec::new();
    if let Some(file) = &source.file {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("{name}: the key file cannot be read"))?;
        keys.extend(parse(&name, &text, tenant)?);
    }
    if let Some(variable) = &source.variable {
        let text = env::var_os(variable).and_then(|text| text.into_string().ok());
        let text = text.with_context(|| format!("environment variable {variable}: there is no key in it"))?;
        keys.extend(parse(&format!("environment variable {variable}"), &text, tenant)?);
    }
    Ok(keys)
}

fn parse(name: &str, text: &str, tenant: &str) -> anyhow::Result<Vec<TransformKey>> {
    let mut keys: Vec<TransformKey> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let wrong = || format!("{name}:{}: a key is ID:64 hexadecimal digits; `tamiz key new` makes one", number + 1);
        let (id, digits) = line.trim().split_once(':').with_context(wrong)?;
        let secret = secret(digits).with_context(wrong)?;
        let key = TransformKey::new(id, &secret, tenant).with_context(wrong)?;
        if keys.iter().any(|other| other.id() == key.id()) {
            bail!("{name}:{}: there is a key with this id already", number + 1);
        }
        keys.push(key);
    }
    if keys.is_empty() {
        bail!("{name}: there is no key in it; `tamiz key new` makes one");
    }
    Ok(keys)
}

/// The first key of a file, whatever its name; it may also have none and be the 64 digits alone.
///
/// # Errors
/// When it cannot be read, or its first line is no key. No message repeats a key.
pub fn first(file: &Path) -> anyhow::Result<[u8; 32]> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{name}: the key file cannot be read"))?;
    let is_key = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    let (number, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| is_key(line))
        .with_context(|| format!("{name}: there is no key in it; `tamiz key new` makes one"))?;
    let (id, digits) = line.trim().split_once(':').unwrap_or(("unnamed", line.trim()));
    let secret = secret(digits).filter(|secret| TransformKey::new(id, secret, "").is_ok());
    secret.with_context(|| {
        format!(
            "{name}:{}: a key is ID:64 hexadecimal digits, or the digits alone; `tamiz key new` makes one",
            number + 1
        )
    })
}

fn secret(digits: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut secret = [0; 32];
    for (to, [high, low]) in secret.iter_mut().zip(pairs) {
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(secret)
}

/// The line of a new key. Without an id it gets a random one.
///
/// # Errors
/// When the system gives no random bytes, or the id cannot stand in a token.
pub fn generate(id: Option<&str>) -> anyhow::Result<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let secret: [u8; 32] = random()?;
    let id = match id {
        Some(id) => id.to_owned(),
        None => format!("k-{}", hex(&random::<4>()?)),
    };
    TransformKey::new(&id, &secret, "")?;
    Ok(format!("{id}:{}\n", hex(&secret)))
}

/// Writes a key to a new file that only its owner can read.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn write_new(path: &Path, line: &str) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.display();
    let mut file = options.open(path).with_context(|| format!("{name}: a new key file cannot be made here"))?;
    file.write_all(line.as_bytes()).with_context(|| format!("{name}: the key cannot be written"))
}

/// Bytes from the system.
///
/// # Errors
/// When it gives none.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_can_be_read_and_mistakes_show_no_key() {
        let (one, two) = (generate(None).unwrap(), generate(Some("old")).unwrap());
        let keys = parse("keys", &format!("# newest first\n{one}\n{two}"), "t").unwrap();
        assert_eq!((keys.len(), keys[1].id()), (2, "old"));
        let digits = &two[4..68];
        for wrong in [
            digits.to_owned(),
            format!("a:{}", &digits[1..]),
            format!("A:{digits}"),
            format!("{two}{two}"),
            String::new(),
        ] {
            let message = format!("{:#}", parse("keys", &wrong, "").unwrap_err());
            assert!(message.starts_with("keys") && !message.contains(&digits[..8]), "{message}");
        }
        assert!(generate(Some("Not An Id")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_key_file_is_for_its_owner_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        write_new(&file, &generate(Some("a")).unwrap()).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_new(&file, "x").is_err());
        let source = KeySource { file: Some(file), variable: None };
        assert_eq!(load(&source, "").unwrap()[0].id(), "a");
        let missing = KeySource { file: None, variable: Some("NO_SUCH_VARIABLE_OF_OURS".into()) };
        assert!(load(&missing, "").is_err());
    }
}
