//! Many contents at once: files and records in, reports out, in order, on all cores.

mod input;
mod output;
mod pool;

pub use input::{Input, InputOptions, Inputs};
pub use output::{OutputFormat, Summary, Writer};
pub use pool::ScannerPool;

use std::time::Duration;

use rayon::prelude::*;
use tamiz_core::{Content, ContentKind, Engine, Marker, McpHeaders, Report, ScanControl, Scanner};

use crate::clock::today;

/// How to inspect each content.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions<'h> {
    /// What the contents are; by structure if not said.
    pub kind: Option<ContentKind>,
    /// The server that they go to.
    pub server: Option<&'h str>,
    /// The tool that they are of.
    pub tool: Option<&'h str>,
    /// Most time for one content.
    pub timeout: Option<Duration>,
    /// What HTTP said of the MCP message that each content is.
    pub headers: Option<McpHeaders<'h>>,
    /// A spotlighting marker to look for in answers of a model.
    pub marker: Option<Marker>,
}

/// What became of one input.
#[derive(Debug)]
pub enum Outcome {
    /// It was inspected.
    Inspected {
        /// The report, with path and spans as in the file.
        report: Box<Report>,
        /// The bytes it is about.
        body: Vec<u8>,
        /// Where these start in the file.
        base: usize,
    },
    /// A file that is no text, met in a directory.
    Binary,
    /// It could not be read.
    Problem {
        /// What, where and why.
        message: String,
    },
}

/// Inspects all inputs and hands the outcomes to `each`, in order of input.
///
/// Inputs are taken in batches of bounded size; within a batch all cores work, each with its own scanner.
///
/// # Errors
/// What `each` returns.
pub fn scan<E>(
    engine: &Engine,
    inputs: Inputs,
    options: &ScanOptions<'_>,
    mut each: impl FnMut(Outcome) -> Result<(), E>,
) -> Result<(), E> {
    let pool = ScannerPool::new(engine);
    for batch in inputs {
        let one = |input| pool.with(|scanner| scan_one(scanner, input, options));
        let outcomes: Vec<Outcome> = batch.into_par_iter().map(one).collect();
        for outcome in outcomes {
            each(outcome)?;
        }
    }
    Ok(())
}

fn scan_one(scanner: &mut Scanner, input: Input, options: &ScanOptions<'_>) -> Outcome {
    let limit = scanner.engine().limits().content_bytes();
    let loaded = match input.load(limit) {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return Outcome::Binary,
        Err(message) => return Outcome::Problem { message },
    };
    let content = match options.kind {
        Some(kind) => Content::new(kind, &loaded.body),
        None => Content::unplaced(&loaded.body),
    };
    let content = content
        .with_server(options.server)
        .with_tool(options.tool)
        .with_format(loaded.format)
        .with_cut(loaded.cut_short.as_deref());
    let content = match options.headers {
        Some(headers) => content.with_mcp_headers(headers),
        None => content,
    };
    let control =
        options.timeout.map_or_else(ScanControl::unlimited, |time| ScanControl::unlimited().with_timeout(time));
    let control = control.with_today(today());
    let mut report = scanner.inspect(&content, &control);
    if let Some(marker) = &options.marker {
        report = scanner.engine().with_marker_echoes(report, marker, &content, &control);
    }
    let report = report.with_path(loaded.label).with_offset(loaded.base);
    Outcome::Inspected { report: Box::new(report), body: loaded.body, base: loaded.base }
}
