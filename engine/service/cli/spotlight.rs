//! `tamiz spotlight` and `tamiz unspotlight`: marks that tell a model what is data, and the way back.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;
use tamiz_core::{Content, Instruction, Limits, MarkEncoding, Marker, Placement};

use super::redact::{read, write};
use super::{FormatArg, Outcome};
use crate::keys;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tamiz spotlight page.txt --json\n  \
    tamiz redact page.json | tamiz spotlight - --mode base64\n\n\
    Redact first, mark afterwards. Delimiters alone are not recommended; docs/spotlighting.md says what marks do not stop.")]
pub(super) struct SpotlightArgs {
    /// A file, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = "-")]
    path: PathBuf,
    /// How the text is marked.
    #[arg(long, value_enum, default_value = "datamark")]
    mode: Mode,
    /// Where the marks of `datamark` go.
    #[arg(long, value_enum, default_value = "boundary")]
    placement: PlacementArg,
    /// Characters of the mark of `datamark`.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    grams: u8,
    /// Language of the instruction.
    #[arg(long, value_enum, default_value = "en")]
    language: Language,
    /// Words of the instruction instead of the usual ones; `{marker}`, `{begin}` and `{end}` are filled in.
    #[arg(long, value_name = "TEXT")]
    instruction: Option<String>,
    /// How the content is written.
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Print one JSON object with content, instruction, marker and marker_id. Otherwise the content goes to standard output and the
    /// rest to standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Between two delimiters; the weakest.
    Delimit,
    /// A mark between all words.
    Datamark,
    /// Encoded in base64.
    Base64,
    /// Encoded in hexadecimal digits.
    Hex,
    /// Encoded in ROT13; weak.
    Rot13,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlacementArg {
    /// Instead of spaces.
    Whitespace,
    /// Between words and parts of words.
    Boundary,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

pub(super) fn spotlight(args: SpotlightArgs) -> anyhow::Result<Outcome> {
    let body = read(&args.path, Limits::default().content_bytes())?;
    let random = keys::random()?;
    let placement = match args.placement {
        PlacementArg::Whitespace => Placement::Whitespace,
        PlacementArg::Boundary => Placement::Boundary,
    };
    let marker = match args.mode {
        Mode::Delimit => Marker::delimit(&random, &body),
        Mode::Datamark => Marker::datamark(&random, usize::from(args.grams), placement),
        Mode::Base64 => Marker::encode(MarkEncoding::Base64),
        Mode::Hex => Marker::encode(MarkEncoding::Hex),
        Mode::Rot13 => Marker::encode(MarkEncoding::Rot13),
    };
    let marked = marker.mark(&Content::unplaced(&body).with_format(args.format.into()))?;
    let marker = marked.marker;
    let instruction = marker.instruction(match (&args.instruction, args.language) {
        (Some(text), _) => Instruction::Custom(text),
        (None, Language::En) => Instruction::English,
        (None, Language::Es) => Instruction::Spanish,
    });
    if args.json {
        let content = String::from_utf8_lossy(&marked.content);
        let all = json!({
            "content": content, "instruction": instruction, "marker": marker.to_string(), "marker_id": marker.id(),
        });
        writeln!(io::stdout(), "{all:#}")?;
    } else {
        let mut err = io::stderr().lock();
        writeln!(err, "instruction: {instruction}\nmarker: {marker}\nmarker id: {}", marker.id())?;
        write(None, &marked.content)?;
    }
    Ok(Outcome::Clean)
}

#[derive(Debug, Args)]
pub(super) struct UnspotlightArgs {
    /// A file, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = "-")]
    path: PathBuf,
    /// The marker, as `tamiz spotlight` printed it.
    #[arg(long, value_name = "MARKER")]
    marker: String,
}

pub(super) fn unspotlight(args: UnspotlightArgs) -> anyhow::Result<Outcome> {
    let marker = Marker::parse(&args.marker).context("--marker")?;
    let body = read(&args.path, 1 << 28)?;
    write(None, &marker.undo(&body)?)?;
    Ok(Outcome::Clean)
}
