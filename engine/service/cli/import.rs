//! `tamiz rules import`: rules of other tools, as rule files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use tamiz_core::{Confidence, Family, Severity};

use super::{Outcome, printable};
use crate::import::{self, Import, Target};

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Rules of a Gitleaks configuration.
    Gitleaks {
        #[command(flatten)]
        import: ImportArgs,
        /// Stands before the names of the rules; empty for nothing.
        #[arg(long, value_name = "NAME", default_value = "gitleaks")]
        prefix: String,
    },
    /// Rules of a YARA file: text, hexadecimal strings and expressions, and conditions that join them.
    Yara {
        #[command(flatten)]
        import: ImportArgs,
        /// Stands before the names of the rules; empty for nothing.
        #[arg(long, value_name = "NAME", default_value = "yara")]
        prefix: String,
        /// What the rules are about: a YARA rule does not say it.
        #[arg(long, value_enum)]
        family: FamilyArg,
    },
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a file per rule into this directory, over none that is there. Default: all to standard output, to be read.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// How bad findings are, as the file does not say it.
    #[arg(long, value_enum, default_value = "high")]
    severity: SeverityArg,
    /// How often findings are real, as the file does not say it. High severity with high confidence blocks alone.
    #[arg(long, value_enum, default_value = "medium")]
    confidence: ConfidenceArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FamilyArg {
    Injection,
    Jailbreak,
    HiddenText,
    Exfiltration,
    ToolPoisoning,
    ToolMisuse,
    Secret,
    Pii,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SeverityArg {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConfidenceArg {
    Low,
    Medium,
    High,
}

impl ImportArgs {
    fn target(&self, family: Family, prefix: &str) -> anyhow::Result<Target> {
        let well_formed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !prefix.bytes().all(well_formed) || prefix.len() > 40 {
            bail!("--prefix {prefix:?}: lower-case letters, digits and hyphens, at most 40");
        }
        let severity = match self.severity {
            SeverityArg::Info => Severity::Info,
            SeverityArg::Low => Severity::Low,
            SeverityArg::Medium => Severity::Medium,
            SeverityArg::High => Severity::High,
            SeverityArg::Critical => Severity::Critical,
        };
        let confidence = match self.confidence {
            ConfidenceArg::Low => Confidence::Low,
            ConfidenceArg::Medium => Confidence::Medium,
            ConfidenceArg::High => Confidence::High,
        };
        Ok(Target { family, prefix: prefix.to_owned(), severity, confidence })
    }
}

impl From<FamilyArg> for Family {
    fn from(family: FamilyArg) -> Self {
        match family {
            FamilyArg::Injection => Self::Injection,
            FamilyArg::Jailbreak => Self::Jailbreak,
            FamilyArg::HiddenText => Self::HiddenText,
            FamilyArg::Exfiltration => Self::Exfiltration,
            FamilyArg::ToolPoisoning => Self::ToolPoisoning,
            FamilyArg::ToolMisuse => Self::ToolMisuse,
            FamilyArg::Secret => Self::Secret,
            FamilyArg::Pii => Self::Pii,
        }
    }
}

pub(super) fn run(command: ImportCommand) -> anyhow::Result<Outcome> {
    let (args, imported) = match command {
        ImportCommand::Gitleaks { import, prefix } => {
            let target = import.target(Family::Secret, &prefix)?;
            let (name, text) = read(&import.file)?;
            (import, import::gitleaks::import(&name, &text, &target))
        }
        ImportCommand::Yara { import, prefix, family } => {
            let target = import.target(family.into(), &prefix)?;
            let (name, text) = read(&import.file)?;
            (import, import::yara::import(&name, &text, &target))
        }
    };
    let imported = imported.map_err(anyhow::Error::msg)?;
    match &args.to {
        Some(directory) => write(directory, &imported)?,
        None => {
            let mut out = io::stdout().lock();
            for rule in &imported.rules {
                writeln!(out, "# {}\n{}", rule.file, rule.text)?;
            }
        }
    }
    tell(&imported)?;
    Ok(match (imported.rules.is_empty(), imported.left_out.is_empty()) {
        (true, _) => Outcome::CouldNot,
        (false, false) => Outcome::Found,
        (false, true) => Outcome::Clean,
    })
}

fn read(path: &Path) -> anyhow::Result<(String, String)> {
    let name = path.display().to_string();
    let size = fs::metadata(path).with_context(|| format!("{name}: cannot be read"))?.len();
    if size > import::LARGEST {
        bail!("{name}: {size} bytes; at most {} are read: split it", import::LARGEST);
    }
    let text = fs::read_to_string(path).with_context(|| format!("{name}: cannot be read as UTF-8 text"))?;
    Ok((name, text))
}

/// All or nothing: a file that is there already is found before the first is written.
fn write(directory: &Path, import: &Import) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("{}: cannot be made", directory.display()))?;
    let paths: Vec<PathBuf> = import.rules.iter().map(|rule| directory.join(&rule.file)).collect();
    if let Some(taken) = paths.iter().find(|path| path.exists()) {
        bail!(
            "{}: is there already; nothing was written. Give an empty directory, or another --prefix",
            taken.display()
        );
    }
    for (path, rule) in paths.iter().zip(&import.rules) {
        fs::write(path, &rule.text).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(())
}

/// What could not be taken over as it was, and the counts.
fn tell(import: &Import) -> io::Result<()> {
    let mut err = io::stderr().lock();
    for rule in &import.rules {
        for note in &rule.notes {
            writeln!(err, "note: {}", printable(&format!("{}: {note}", rule.name)))?;
        }
    }
    for note in &import.notes {
        writeln!(err, "note: {}", printable(note))?;
    }
    for (name, why) in &import.left_out {
        writeln!(err, "not imported: {}", printable(&format!("{name}: {why}")))?;
    }
    let noted = import.rules.iter().filter(|rule| !rule.notes.is_empty()).count();
    let (made, left) = (import.rules.len(), import.left_out.len());
    writeln!(err, "{made} rules imported, {noted} of them with notes; {left} not imported")
}
