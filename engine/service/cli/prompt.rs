//! `tamiz prompt`: prompts whose passages must not come out again.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use tamiz_core::RegisteredPrompts;

use super::Outcome;
use crate::{assemble, packs};

/// Longest prompt, in bytes.
const LONGEST: u64 = 4 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum PromptCommand {
    /// Add keyed prints of a prompt to a file. The file holds no part of the prompt; scan with --prompts.
    Register {
        /// The prompt: a file, or `-` for standard input.
        prompt: PathBuf,
        /// What reports may call it.
        #[arg(long)]
        name: String,
        /// The file of prints.
        #[arg(long = "file", value_name = "FILE", default_value = "prompts.json")]
        file: PathBuf,
        /// A key file; `tamiz key new` makes one. Without a key, whoever has the prints can test guesses against them.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
    /// List the names in a file of prints.
    List {
        /// The file of prints.
        #[arg(long = "file", value_name = "FILE", default_value = "prompts.json")]
        file: PathBuf,
        /// The key it was made with.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
}

pub(super) fn run(command: PromptCommand) -> anyhow::Result<Outcome> {
    match command {
        PromptCommand::Register { prompt, name, file, key_file } => {
            let key = key_file.as_deref().map(assemble::key).transpose()?;
            let mut prompts = if file.exists() { packs::prompts(&file, key)? } else { RegisteredPrompts::new(key) };
            let text = read(&prompt)?;
            prompts.register(&name, &text).with_context(|| format!("{}", prompt.display()))?;
            fs::write(&file, prompts.to_json()).with_context(|| format!("{}: cannot be written", file.display()))?;
        }
        PromptCommand::List { file, key_file } => {
            let key = key_file.as_deref().map(assemble::key).transpose()?;
            for name in packs::prompts(&file, key)?.names() {
                writeln!(io::stdout(), "{}", super::printable(name))?;
            }
        }
    }
    Ok(Outcome::Clean)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let (name, mut text) = (path.display(), String::new());
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(path).with_context(|| format!("{name}: cannot be read"))?)
    };
    let read = source.take(LONGEST + 1).read_to_string(&mut text);
    read.with_context(|| format!("{name}: cannot be read as UTF-8 text"))?;
    anyhow::ensure!(text.len() as u64 <= LONGEST, "{name}: longer than {LONGEST} bytes");
    Ok(text)
}
