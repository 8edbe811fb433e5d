//! `tamiz canary`: made-up secrets to plant, and to hear of when they turn up.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use crate::assemble;
use crate::canary::{Canaries, CanaryFormat};

#[derive(Debug, Subcommand)]
pub(super) enum CanaryCommand {
    /// Make a canary, add it to the file and print it. Plant it where nobody has business; scan with --canaries.
    New {
        #[command(flatten)]
        files: Files,
        /// What it looks like.
        #[arg(long, value_enum, default_value = "token")]
        format: CanaryFormat,
        /// Where you plant it: reports show this.
        #[arg(long)]
        label: String,
    },
    /// List the canaries of the file, with their values.
    List {
        #[command(flatten)]
        files: Files,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Files {
    /// The file of canaries. It does not hold their values.
    #[arg(long = "file", value_name = "FILE", default_value = "canaries.toml")]
    file: PathBuf,
    /// The key file from whose first key the values are derived. Keep it; `tamiz key new` makes one.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

pub(super) fn run(command: CanaryCommand) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    match command {
        CanaryCommand::New { files, format, label } => {
            let key = assemble::key(&files.key_file)?;
            writeln!(out, "{}", Canaries::add(&files.file, &key, format, &label)?)?;
        }
        CanaryCommand::List { files, json } => {
            let key = assemble::key(&files.key_file)?;
            for canary in Canaries::read(&files.file, &key)?.list {
                let value = canary.value(&key);
                if json {
                    writeln!(out, "{}", json!({"canary": canary, "value": value}))?;
                } else {
                    let label = super::printable(&canary.label);
                    writeln!(out, "{}  {}  {value:40}  {label}", canary.id, canary.created)?;
                }
            }
        }
    }
    Ok(Outcome::Clean)
}
