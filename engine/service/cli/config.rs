//! `tamiz config`: what the settings amount to, and whether they work.

use std::io::{self, Write};

use clap::Subcommand;

use super::Outcome;
use super::serve::Settings;
use crate::{assemble, config};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read the settings, the rules and the policy, and say what is wrong with them.
    Check(Settings),
    /// Print the settings in force as a configuration file.
    Print(Settings),
}

pub(super) fn run(command: ConfigCommand) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    match command {
        ConfigCommand::Print(settings) => write!(out, "{}", config::to_toml(&settings.load()?))?,
        ConfigCommand::Check(settings) => {
            let config = settings.load()?;
            let engine = assemble::engine(&config)?;
            assemble::transforming(&config, &engine)?;
            let named = config.classifier.model.is_some() || config.classifier.library.is_some();
            if let Some(why) = engine.cascade().why().filter(|_| named) {
                anyhow::bail!("classifier: unavailable: {why}");
            }
            let info = engine.info();
            writeln!(
                out,
                "sound: {} rules (digest {}), policy digest {}",
                info.rules, info.rules_digest, info.policy_digest
            )?;
        }
    }
    Ok(Outcome::Clean)
}
