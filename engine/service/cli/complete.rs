//! Completion scripts and the manual page, from the same definitions as `--help`.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;

use super::Outcome;

pub(super) fn completions(shell: Shell, mut command: Command) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "tamiz", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Outcome::Clean)
}

/// The page of the command and, after it, those of its subcommands.
pub(super) fn man(command: Command) -> anyhow::Result<Outcome> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands() {
        writeln!(page, ".SH \"TAMIZ {}\"", sub.get_name().to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    io::stdout().write_all(&page)?;
    Ok(Outcome::Clean)
}
