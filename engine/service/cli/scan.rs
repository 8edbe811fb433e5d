//! `tamiz scan`: files, directories and standard input.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tamiz_core::{Action, Engine, Limits, Marker, McpHeaders, Palette};

use super::{ClassifyArgs, FormatArg, KindArg, Outcome, RuleArgs};
use crate::batch::{self, InputOptions, Inputs, OutputFormat, ScanOptions, Summary, Writer};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tamiz scan transcripts/ --output sarif > tamiz.sarif\n  \
    tamiz scan tools.json --kind tool-metadata\n  \
    curl -s https://example.com | tamiz scan - --kind tool-output\n  \
    tamiz scan big.jsonl.zst --output jsonl | jq 'select(.verdict.action == \"block\") | .path'")]
pub(super) struct ScanArgs {
    /// Files, directories, or `-` for standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What the content is. Default: what its structure says (roles, MCP members), else tool output.
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// The server that tool arguments go to: tokens in them that are meant for another one are found.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The tool that the content is of. It matters to the policy's suppressions, as --server does.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// How the content is written.
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// How to report. Default: human on a terminal, json into a pipe.
    #[arg(long, value_enum)]
    output: Option<OutputArg>,
    /// Put matched text into json, jsonl and sarif reports. Human reports always show it.
    #[arg(long)]
    excerpts: bool,
    /// Exit with 1 from this action on.
    #[arg(long, value_enum, default_value = "block")]
    fail_on: FailOn,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    classifier: ClassifyArgs,
    /// Worker threads. Default: one per core.
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Longest content or record, in MiB (at most 256); what is beyond is reported as not inspected.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256))]
    max_size: u16,
    /// Most time for one content, in milliseconds; what is left by then is reported as not inspected.
    #[arg(long, value_name = "MS")]
    timeout: Option<u64>,
    /// Look for this spotlighting marker, as `tamiz spotlight` printed it: for answers of the model.
    #[arg(long, value_name = "MARKER")]
    marker: Option<String>,
    /// The header MCP-Protocol-Version that came with an MCP request; it has to say what the body says.
    #[arg(long, value_name = "VERSION", help_heading = "MCP over HTTP")]
    mcp_protocol_version: Option<String>,
    /// The header Mcp-Method.
    #[arg(long, value_name = "METHOD", help_heading = "MCP over HTTP")]
    mcp_method: Option<String>,
    /// The header Mcp-Name, as it was sent.
    #[arg(long, value_name = "NAME", help_heading = "MCP over HTTP")]
    mcp_name: Option<String>,
    /// Look also at files that .gitignore and the like leave out.
    #[arg(long)]
    no_ignore: bool,
    /// No progress bar.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputArg {
    /// Excerpts with carets.
    Human,
    /// One object with reports and a summary.
    Json,
    /// One report a line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    /// Flagged or blocked.
    Flag,
    /// Blocked.
    Block,
}

pub(super) fn run(args: ScanArgs) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    if let Some(jobs) = args.jobs {
        rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(jobs))
            .build_global()
            .context("worker threads could not be started")?;
    }
    let engine = engine(&args)?;
    let stdout_is_terminal = io::stdout().is_terminal();
    let format = match args.output {
        Some(OutputArg::Human) => OutputFormat::Human,
        Some(OutputArg::Json) => OutputFormat::Json,
        Some(OutputArg::Jsonl) => OutputFormat::Jsonl,
        Some(OutputArg::Sarif) => OutputFormat::Sarif,
        None if stdout_is_terminal => OutputFormat::Human,
        None => OutputFormat::Json,
    };
    let inputs = Inputs::find(
        &args.paths,
        InputOptions {
            format: args.format.into(),
            honour_ignore: !args.no_ignore,
            longest_record: engine.limits().content_bytes(),
        },
    );
    let (version, method, name) = (&args.mcp_protocol_version, &args.mcp_method, &args.mcp_name);
    let stated = version.is_some() || method.is_some() || name.is_some();
    let headers = McpHeaders::new(version.as_deref(), method.as_deref(), name.as_deref());
    let options = ScanOptions {
        kind: args.kind.map(Into::into),
        server: args.server.as_deref(),
        tool: args.tool.as_deref(),
        timeout: args.timeout.map(Duration::from_millis),
        headers: stated.then_some(headers),
        marker: args.marker.as_deref().map(Marker::parse).transpose().context("--marker")?,
    };
    let palette = if colours() { Palette::ansi() } else { Palette::default() };
    let progress = progress(inputs.len(), args.quiet);
    let done = inputs.progress();
    let mut writer = Writer::new(BufWriter::new(io::stdout().lock()), format, palette, args.excerpts, engine.clone());
    batch::scan(&engine, inputs, &options, |outcome| {
        progress.set_position(done.load(Ordering::Relaxed));
        if format == OutputFormat::Human { progress.suspend(|| writer.take(outcome)) } else { writer.take(outcome) }
    })?;
    progress.finish_and_clear();
    let worst = writer.worst();
    let summary = writer.finish(started.elapsed().as_secs_f64())?;
    tell(&summary, format)?;
    let fail_at = match args.fail_on {
        FailOn::Flag => Action::Flag,
        FailOn::Block => Action::Block,
    };
    Ok(match () {
        () if !summary.problems.is_empty() => Outcome::CouldNot,
        () if worst >= fail_at => Outcome::Found,
        () => Outcome::Clean,
    })
}

fn engine(args: &ScanArgs) -> anyhow::Result<Engine> {
    let mut limits = Limits::default();
    limits.max_content_bytes = usize::from(args.max_size) << 20;
    Ok(args.rules.builder()?.limits(limits).classifier(args.classifier.cascade()?).build()?)
}

/// Whether standard output takes colours: a terminal, and neither `NO_COLOR` nor `TERM=dumb` says otherwise.
fn colours() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

fn progress(files: usize, quiet: bool) -> ProgressBar {
    if quiet || files < 8 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} files  {elapsed} (about {eta} left)") {
        bar.set_style(style);
    }
    bar
}

/// Problems go to standard error whatever the format; a pipe of reports also gets the counts there.
fn tell(summary: &Summary, format: OutputFormat) -> io::Result<()> {
    let mut err = io::stderr().lock();
    for problem in &summary.problems {
        writeln!(err, "error: {}", super::printable(problem))?;
    }
    if matches!(format, OutputFormat::Jsonl | OutputFormat::Sarif) {
        writeln!(err, "{}", summary.in_words())?;
    }
    Ok(())
}
