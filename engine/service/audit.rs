//! Who opened what was sealed: one line of JSON for each time, and never any content.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use serde::Serialize;

/// An opening of tokens.
#[derive(Debug, Serialize)]
pub struct Reveal<'a> {
    /// Who says they did it.
    pub actor: &'a str,
    /// From where: `cli`, or the address of a client.
    pub source: &'a str,
    /// Whose key.
    pub tenant: &'a str,
    /// Names of the keys that were tried.
    pub keys: Vec<&'a str>,
    /// Tokens opened.
    pub opened: usize,
    /// Tokens that did not open.
    pub refused: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'static str,
    #[serde(flatten)]
    reveal: &'a Reveal<'a>,
}

/// Writes the line to the end of a file, or to standard error. Do it before showing what was opened.
///
/// # Errors
/// When it cannot be written; then nothing may be shown.
#[expect(clippy::disallowed_methods, reason = "an audit line says when; no verdict depends on it")]
pub fn reveal(file: Option<&Path>, reveal: &Reveal<'_>) -> anyhow::Result<()> {
    let time = prost_types::Timestamp::from(SystemTime::now()).to_string();
    let line = serde_json::to_string(&Line { time, event: "reveal", reveal })? + "\n";
    match file {
        None => io::stderr().write_all(line.as_bytes()).context("the audit line cannot be written to standard error"),
        Some(path) => {
            let name = path.display();
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .with_context(|| format!("{name}: the audit file cannot be opened"))?;
            file.write_all(line.as_bytes()).with_context(|| format!("{name}: the audit line cannot be written"))?;
            file.sync_data().with_context(|| format!("{name}: the audit line cannot be written"))
        }
    }
}
