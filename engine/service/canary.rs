//! Canaries: made-up secrets that are planted where nobody should look, and looked for wherever something may come out.
//!
//! A canary is derived from a key and an id, so the file that lists canaries does not hold them. In a scan each is a phrase of a rule of its
//! own: found in any case, decoded from any view, and reported with its label.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tamiz_core::{Diagnostic, RuleSet};

use crate::packs;

/// What a canary looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryFormat {
    /// An API key of a service that does not exist: `cny_…`.
    Token,
    /// An access key id of AWS: `AKIA…`.
    AwsKey,
    /// A personal access token of GitHub, checksum included: `ghp_…`.
    GithubToken,
    /// A random UUID.
    Uuid,
    /// An address at example.com, which nobody can own.
    Email,
}

/// One canary, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Chosen when it was made.
    pub id: String,
    /// What it looks like.
    pub format: CanaryFormat,
    /// Where it was planted, in the words of whoever did it.
    pub label: String,
    /// When, as RFC 3339.
    pub created: String,
}

/// The canaries of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canaries {
    version: u32,
    /// Tells a wrong key.
    check: String,
    /// All of them, in order of making.
    #[serde(default, rename = "canary")]
    pub list: Vec<Canary>,
}

const VERSION: u32 = 1;
/// Longest label, in characters.
const LONGEST_LABEL: usize = 200;
/// Canaries of a file: each is a rule.
const MOST: usize = 10_000;

impl Canaries {
    /// Reads a file, which must have been made with this key.
    ///
    /// # Errors
    /// When it cannot be read, is no such file, or was made with another key.
    pub fn read(path: &Path, key: &[u8; 32]) -> anyhow::Result<Self> {
        let (name, text) = (path.display(), packs::read(path)?);
        let canaries: Self = toml::from_str(&text).with_context(|| format!("{name}: not a file of canaries"))?;
        if canaries.version != VERSION {
            bail!("{name}: version {}; this reads {VERSION}", canaries.version);
        }
        if canaries.check != check(key) {
            bail!("{name}: these canaries were made with another key");
        }
        Ok(canaries)
    }

    /// Adds a canary to a file, which is made if there is none, and returns its value.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn add(path: &Path, key: &[u8; 32], format: CanaryFormat, label: &str) -> anyhow::Result<String> {
        if label.chars().any(char::is_control) || !(1..=LONGEST_LABEL).contains(&label.chars().count()) {
            bail!("--label: one line of 1 to {LONGEST_LABEL} characters, as reports show it");
        }
        let new = || Self { version: VERSION, check: check(key), list: Vec::new() };
        let mut canaries = if path.exists() { Self::read(path, key)? } else { new() };
        if canaries.list.len() >= MOST {
            bail!("{}: a file has at most {MOST} canaries; begin another", path.display());
        }
        #[expect(clippy::disallowed_methods, reason = "when it was made, for whoever reads the list")]
        let now = SystemTime::now();
        let moment = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let seed = format!("{moment} {} {}", std::process::id(), canaries.list.len());
        let id = blake3::keyed_hash(key, seed.as_bytes()).to_hex()[..12].to_owned();
        let created = prost_types::Timestamp::from(now);
        let created = prost_types::Timestamp { nanos: 0, ..created }.to_string();
        let canary = Canary { id, format, label: label.to_owned(), created };
        let value = canary.value(key);
        canaries.list.push(canary);
        write(path, &toml::to_string(&canaries)?)?;
        Ok(value)
    }

    /// A rule for each canary.
    ///
    /// # Errors
    /// When one of them makes no sound rule, with the reason.
    pub fn rules(&self, key: &[u8; 32]) -> anyhow::Result<RuleSet> {
        let files: Vec<(String, String)> = self.list.iter().map(|canary| canary.rule(key)).collect();
        let (rules, problems) = RuleSet::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        if !problems.is_empty() {
            bail!("{}", problems.iter().map(Diagnostic::to_string).collect::<String>());
        }
        Ok(rules)
    }
}

/// The file is replaced as a whole, so a crash leaves the old one or the new one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let name = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("{name}: its folder cannot be written to"))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).with_context(|| format!("{name}"))?;
    file.persist(path).with_context(|| format!("{name}: cannot be written"))?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("{name}"))
}

fn check(key: &[u8; 32]) -> String {
    blake3::keyed_hash(key, b"tamiz canaries: is this the key?").to_hex()[..16].to_owned()
}

impl Canary {
    /// What was planted.
    #[must_use]
    pub fn value(&self, key: &[u8; 32]) -> String {
        const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        const ALL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut random = [0_u8; 64];
        blake3::Hasher::new_keyed(key)
            .update(b"canary value\0")
            .update(self.id.as_bytes())
            .finalize_xof()
            .fill(&mut random);
        let text = |alphabet: &[u8], len: usize| -> String {
            random[..len].iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
        };
        match self.format {
            CanaryFormat::Token => format!("cny_{}", text(LOWER, 32)),
            CanaryFormat::AwsKey => format!("AKIA{}", text(UPPER, 16)),
            CanaryFormat::GithubToken => {
                let body = text(ALL, 30);
                let mut crc = flate2::Crc::new();
                crc.update(body.as_bytes());
                let mut rest = crc.sum();
                let mut digits = [b'0'; 6];
                for digit in digits.iter_mut().rev() {
                    *digit = ALL[(rest % 62) as usize];
                    rest /= 62;
                }
                format!("ghp_{body}{}", String::from_utf8_lossy(&digits))
            }
            CanaryFormat::Uuid => {
                let hex = text(b"0123456789abcdef", 32);
                format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
            }
            CanaryFormat::Email => format!("{}.{}@example.com", text(b"abcdefghijklmnoprstuvw", 7), text(LOWER, 9)),
        }
    }

    /// Name and text of its rule.
    fn rule(&self, key: &[u8; 32]) -> (String, String) {
        let value = self.value(key);
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let other = text("nothing of the kind");
        let source = format!(
            "id = {}\ntitle = {}\nseverity = \"critical\"\nconfidence = \"high\"\ndescription = \"A canary that was planted as told in its title.\"\n\
             why = \"It is nowhere but where it was planted: whoever sends it has read that.\"\n\
             remedy = \"Find out how what lay beside it came here, and plant a new one.\"\nphrases = [{value}]\nexamples = [{value}, {value}]\n\
             negative_examples = [{other}, {other}]\n",
            text(&format!("secret.canary-{}", self.id)),
            text(&format!("Canary: {}", self.label)),
            value = text(&value),
        );
        (format!("canary {}", self.id), source)
    }
}

#[cfg(test)]
mod tests {
    use tamiz_core::{Content, ContentKind, Engine};

    use super::*;

    #[test]
    fn a_planted_canary_is_found_in_any_case_and_encoded() {
        let (folder, key) = (tempfile::tempdir().unwrap(), [5; 32]);
        let path = folder.path().join("canaries.toml");
        for format in CanaryFormat::value_variants() {
            let value = Canaries::add(&path, &key, *format, "the \"old\" wiki of sales").unwrap();
            let canaries = Canaries::read(&path, &key).unwrap();
            let canary = canaries.list.last().unwrap();
            assert_eq!(canary.value(&key), value);
            assert!(!fs::read_to_string(&path).unwrap().contains(&value), "the file does not hold it");
            let engine = Engine::builder().rules(canaries.rules(&key).unwrap()).build().unwrap();
            for text in
                [value.clone(), value.to_uppercase(), format!("see %{:02x}{} now", value.as_bytes()[0], &value[1..])]
            {
                let report = engine.inspect(&Content::new(ContentKind::ModelOutput, text.as_bytes()));
                assert_eq!(report.findings.len(), 1, "{text}");
                assert_eq!(report.findings[0].rule, format!("secret.canary-{}", canary.id));
            }
        }
        assert!(Canaries::read(&path, &[6; 32]).unwrap_err().to_string().contains("another key"));
        let two_lines = Canaries::add(&path, &key, CanaryFormat::Token, "the old\nwiki").unwrap_err();
        assert!(two_lines.to_string().contains("one line"), "{two_lines}");
    }

    #[test]
    fn values_have_their_formats() {
        let canary = |format| Canary { id: "x".into(), format, label: String::new(), created: String::new() };
        let value = |format| canary(format).value(&[1; 32]);
        assert_eq!(value(CanaryFormat::AwsKey).len(), 20);
        assert_eq!(value(CanaryFormat::GithubToken).len(), 40);
        assert_eq!(value(CanaryFormat::Uuid).len(), 36);
        assert_ne!(value(CanaryFormat::Token), canary(CanaryFormat::Token).value(&[2; 32]));
    }
}
