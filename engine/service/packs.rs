//! Rule packs and policies from disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tamiz_core::{Diagnostic, Plan, Policy, RegisteredPrompts, RuleSet};

/// Largest rule or policy file read, in bytes.
const LARGEST: u64 = 1 << 20;
/// Largest file of prompt prints read, in bytes.
const LARGEST_PRINTS: u64 = 32 << 20;

/// The built-in rules, if wanted, with those of `dirs` over them.
///
/// # Errors
/// When a directory cannot be read or a rule is wrong; the message has every mistake with its place.
pub fn rules(dirs: &[PathBuf], builtin: bool) -> anyhow::Result<RuleSet> {
    let mut rules = if builtin { RuleSet::builtin() } else { RuleSet::default() };
    for dir in dirs {
        let files = rule_files(dir)?;
        if files.is_empty() {
            bail!("{}: no *.toml rule files in it", dir.display());
        }
        let (more, problems) = RuleSet::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        if !problems.is_empty() {
            bail!("{}", problems.iter().map(Diagnostic::to_string).collect::<String>());
        }
        rules.merge(more);
    }
    if rules.rules().is_empty() {
        bail!("no rules: give a directory with --rules, or leave --no-builtin-rules out");
    }
    Ok(rules)
}

/// The rule files at `path`: itself, or every `*.toml` below it, in order of name; each with its text.
///
/// # Errors
/// When something cannot be read.
pub fn rule_files(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    if !path.is_dir() {
        return Ok(vec![(path.display().to_string(), read(path)?)]);
    }
    let mut files = Vec::new();
    for entry in ignore::WalkBuilder::new(path).standard_filters(false).sort_by_file_name(Ord::cmp).build() {
        let entry = entry.with_context(|| format!("{}: cannot be read", path.display()))?;
        if entry.path().extension().is_some_and(|extension| extension == "toml") && entry.path().is_file() {
            files.push((entry.path().display().to_string(), read(entry.path())?));
        }
    }
    Ok(files)
}

/// The policy in a file, or the shipped one.
///
/// # Errors
/// When the file cannot be read or has mistakes; the message has every mistake with its place.
pub fn policy(path: Option<&Path>, rules: &RuleSet) -> anyhow::Result<Policy> {
    match path {
        None => Ok(Policy::default()),
        Some(path) => Ok(Policy::parse(&path.display().to_string(), &read(path)?, rules)?),
    }
}

/// The transformation plan in a file.
///
/// # Errors
/// When the file cannot be read or has mistakes; the message has every mistake with its place.
pub fn plan(path: &Path, rules: &RuleSet) -> anyhow::Result<Plan> {
    Ok(Plan::parse(&path.display().to_string(), &read(path)?, rules)?)
}

/// The prints of registered prompts in a file, made with this key.
///
/// # Errors
/// When it cannot be read, is no such file, or was made with another key.
pub fn prompts(path: &Path, key: Option<[u8; 32]>) -> anyhow::Result<RegisteredPrompts> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("{name}: cannot be read"))?.len();
    if size > LARGEST_PRINTS {
        bail!("{name}: {size} bytes; at most {LARGEST_PRINTS} are read");
    }
    let text = fs::read_to_string(path).with_context(|| format!("{name}: cannot be read as UTF-8 text"))?;
    RegisteredPrompts::from_json(&text, key).with_context(|| format!("{name}"))
}

/// A small text file.
///
/// # Errors
/// When it cannot be read, or is no UTF-8 text of at most a megabyte.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("{name}: cannot be read"))?.len();
    if size > LARGEST {
        bail!("{name}: {size} bytes; at most {LARGEST} are read");
    }
    fs::read_to_string(path).with_context(|| format!("{name}: cannot be read as UTF-8 text"))
}
