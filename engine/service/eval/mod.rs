//! Measuring the engine on labelled records, each inspected as a request would be.

pub mod leaks;
mod metrics;
pub mod mutate;
pub mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tamiz_core::{Action, Content, ContentKind, Engine, EngineInfo, Format, Group, Report, ScanControl, Scanner};

use crate::batch::{Input, InputOptions, Inputs, ScannerPool};
pub use metrics::{Figures, PolicyFigures, ScoreFigures};
use metrics::{Sample, figures, threshold};

/// What to print besides the figures.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How many of the worst misses and false alarms to list.
    pub errors: usize,
    /// False-positive rates to find thresholds for.
    pub threshold_fpr: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    id: Option<String>,
    text: String,
    label: u8,
    surface: Surface,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Surface {
    UserPrompt,
    ToolOutput,
    ToolMetadata,
    Document,
}

impl Surface {
    fn name(self) -> &'static str {
        match self {
            Self::UserPrompt => "user_prompt",
            Self::ToolOutput => "tool_output",
            Self::ToolMetadata => "tool_metadata",
            Self::Document => "document",
        }
    }

    /// A document that a model reads is data, as a tool's output is.
    fn content_kind(self) -> ContentKind {
        match self {
            Self::UserPrompt => ContentKind::Prompt,
            Self::ToolOutput | Self::Document => ContentKind::ToolOutput,
            Self::ToolMetadata => ContentKind::ToolMetadata,
        }
    }
}

/// Everything measured.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// Over all records.
    #[serde(flatten)]
    pub all: Figures,
    /// The same by kind, lang, source and surface.
    pub by: BTreeMap<&'static str, BTreeMap<String, Figures>>,
    /// Thresholds asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// Time per record.
    pub latency_us: Latency,
    /// Bytes inspected per second and core.
    pub bytes_per_second: f64,
    /// The worst misses and false alarms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Mistake>,
    /// What did the looking.
    pub engine: EngineInfo,
    /// Records that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// A threshold for a false-positive rate.
#[derive(Debug, Serialize)]
pub struct Threshold {
    /// The rate asked for.
    pub fpr: f64,
    /// Act on scores of this and above; null if no score does.
    pub score: Option<f64>,
    /// The recall this gives.
    pub recall: Option<f64>,
}

/// Microseconds per record, from the content's bytes to the report.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// A record that was decided wrongly.
#[derive(Debug, Serialize)]
pub struct Mistake {
    /// `missed` or `false-alarm`.
    pub mistake: &'static str,
    /// The record's id.
    pub id: String,
    /// Its score.
    pub score: f64,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// How the text starts.
    pub text: String,
}

struct Measured {
    sample: Sample,
    groups: [(&'static str, String); 4],
    micros: f64,
    bytes: usize,
    id: String,
    rules: Vec<String>,
    start: String,
}

/// Reads the records of `files` and inspects each.
///
/// # Errors
/// When there is no record at all.
pub fn run(engine: &Engine, files: &[PathBuf], options: &Options) -> anyhow::Result<Evaluation> {
    let (measured, problems) = each_record(engine, files, measure)?;
    let samples: Vec<Sample> = measured.iter().map(|record| record.sample).collect();
    let seconds: f64 = measured.iter().map(|record| record.micros / 1e6).sum();
    let bytes: usize = measured.iter().map(|record| record.bytes).sum();
    let find_threshold = |rate: &f64| {
        let found = threshold(&samples, *rate).filter(|(score, _)| score.is_finite());
        Threshold { fpr: *rate, score: found.map(|found| found.0), recall: found.map(|found| found.1) }
    };
    Ok(Evaluation {
        all: figures(&samples),
        by: by_group(&measured),
        thresholds: options.threshold_fpr.iter().map(find_threshold).collect(),
        latency_us: latency(measured.iter().map(|record| record.micros).collect()),
        bytes_per_second: bytes as f64 / seconds.max(1e-9),
        errors: mistakes(&measured, options.errors),
        engine: engine.info().clone(),
        problems,
    })
}

/// Measures every record of `files`, on all cores. Also returns what could not be read.
///
/// # Errors
/// When there is no record at all.
fn each_record<T: Send>(
    engine: &Engine,
    files: &[PathBuf],
    measure: impl Fn(&mut Scanner, Input) -> Result<T, String> + Sync,
) -> anyhow::Result<(Vec<T>, Vec<String>)> {
    let input =
        InputOptions { format: Format::Jsonl, honour_ignore: false, longest_record: engine.limits().content_bytes() };
    let (mut measured, mut problems) = (Vec::new(), Vec::new());
    let pool = ScannerPool::new(engine);
    for batch in Inputs::find(files, input) {
        let one = |input| pool.with(|scanner| measure(scanner, input));
        let results: Vec<_> = batch.into_par_iter().map(one).collect();
        for result in results {
            match result {
                Ok(record) => measured.push(record),
                Err(problem) => problems.push(problem),
            }
        }
    }
    if measured.is_empty() {
        problems.truncate(5);
        anyhow::bail!(
            "no records to measure{}",
            problems.iter().map(|problem| format!("\n  {problem}")).collect::<String>()
        );
    }
    Ok((measured, problems))
}

/// Why a record was not read. What stands in it is not repeated, as the error itself would.
fn unread(label: &str, error: &serde_json::Error) -> String {
    let (text, column) = (error.to_string(), error.column());
    match text.rfind("expected ").filter(|_| error.is_data()) {
        Some(at) => format!("{label}: something else stands there: {}", &text[at..]),
        None if error.is_data() && !text.starts_with("missing field") => {
            format!("{label}: no record, at column {column}")
        }
        None => format!("{label}: {text}"),
    }
}

/// Reads a record, and tells what to call it.
fn record<T: DeserializeOwned>(scanner: &Scanner, input: Input) -> Result<(T, String), String> {
    let loaded = input.load(scanner.engine().limits().content_bytes())?.ok_or("a binary file")?;
    let record = serde_json::from_slice(&loaded.body).map_err(|error| unread(&loaded.label, &error))?;
    Ok((record, loaded.label))
}

fn measure(scanner: &mut Scanner, input: Input) -> Result<Measured, String> {
    let (record, label): (Record, String) = record(scanner, input)?;
    let content = Content::new(record.surface.content_kind(), record.text.as_bytes());
    let started = Instant::now();
    let report = scanner.inspect(&content, &ScanControl::unlimited());
    let micros = started.elapsed().as_secs_f64() * 1e6;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "?".into());
    Ok(Measured {
        sample: Sample {
            positive: record.label == 1,
            score: report.verdict.group_score(Group::Injection),
            acted: acted(scanner.engine(), &report),
            undecided: !report.coverage.complete,
        },
        groups: [
            ("kind", or_none(record.kind)),
            ("lang", or_none(record.lang)),
            ("source", or_none(record.source)),
            ("surface", record.surface.name().to_owned()),
        ],
        micros,
        bytes: record.text.len(),
        id: record.id.unwrap_or(label),
        rules: report.verdict.reasons.iter().map(|reason| reason.code.clone()).collect(),
        start: record.text.chars().take(160).collect(),
    })
}

/// Whether the policy did not allow, for a reason of an injection family.
fn acted(engine: &Engine, report: &Report) -> bool {
    engine.policy().action(report.verdict.group_score(Group::Injection)) != Action::Allow
}

fn by_group(measured: &[Measured]) -> BTreeMap<&'static str, BTreeMap<String, Figures>> {
    let mut samples: BTreeMap<&'static str, BTreeMap<String, Vec<Sample>>> = BTreeMap::new();
    for record in measured {
        for (group, value) in &record.groups {
            samples.entry(group).or_default().entry(value.clone()).or_default().push(record.sample);
        }
    }
    let of_values = |values: BTreeMap<String, Vec<Sample>>| {
        values.into_iter().map(|(value, samples)| (value, figures(&samples))).collect()
    };
    samples.into_iter().map(|(group, values)| (group, of_values(values))).collect()
}

fn latency(mut micros: Vec<f64>) -> Latency {
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share).round() as usize];
    Latency { p50: at(0.50), p95: at(0.95), p99: at(0.99) }
}

/// Misses with the lowest score and false alarms with the highest.
fn mistakes(measured: &[Measured], most: usize) -> Vec<Mistake> {
    let wrong = |mistake: &'static str, positive: bool| {
        let mut records: Vec<&Measured> = measured
            .iter()
            .filter(|record| {
                record.sample.positive == positive && record.sample.acted != positive && !record.sample.undecided
            })
            .collect();
        records.sort_by(|a, b| a.sample.score.total_cmp(&b.sample.score));
        if !positive {
            records.reverse();
        }
        records
            .into_iter()
            .take(most)
            .map(move |record| Mistake {
                mistake,
                id: record.id.clone(),
                score: record.sample.score,
                rules: record.rules.clone(),
                text: record.start.clone(),
            })
            .collect::<Vec<_>>()
    };
    let mut all = wrong("missed", true);
    all.extend(wrong("false-alarm", false));
    all
}

/// The evaluation as tables.
#[must_use]
pub fn table(evaluation: &Evaluation) -> String {
    let mut out = String::new();
    row_names(&mut out);
    row(&mut out, "all", &evaluation.all);
    for (group, values) in &evaluation.by {
        let _ = writeln!(out, "by {group}");
        for (value, figures) in values {
            row(&mut out, &format!("  {value}"), figures);
        }
    }
    for threshold in &evaluation.thresholds {
        let _ = match (threshold.score, threshold.recall) {
            (Some(score), Some(recall)) => {
                writeln!(
                    out,
                    "at {:.2} % false positives: act from a score of {score:.4}; recall {:.1} %",
                    threshold.fpr * 100.0,
                    recall * 100.0
                )
            }
            _ => writeln!(out, "at {:.2} % false positives: no threshold keeps to it", threshold.fpr * 100.0),
        };
    }
    let Latency { p50, p95, p99 } = evaluation.latency_us;
    let megabytes = evaluation.bytes_per_second / 1e6;
    let _ = writeln!(out, "latency p50 {p50:.0} µs, p95 {p95:.0} µs, p99 {p99:.0} µs; {megabytes:.1} MB/s per core");
    for mistake in &evaluation.errors {
        let text = mistake.text.escape_debug();
        let rules = mistake.rules.join(", ");
        let _ =
            writeln!(out, "{:11} {:.2} {} [{rules}]\n            {text}", mistake.mistake, mistake.score, mistake.id);
    }
    out
}

fn row_names(out: &mut String) {
    let _ = writeln!(
        out,
        "{:34} {:>7} {:>6} {:>6} {:>5}  {:>7} {:>7} {:>7} {:>6}  {:>6} {:>7} {:>7}",
        "", "records", "pos", "neg", "undec", "recall", "fpr", "precis", "f1", "auc", "R@1%", "R@0.1%"
    );
}

fn row(out: &mut String, name: &str, figures: &Figures) {
    let percent = |share: Option<f64>| share.map_or("-".into(), |share| format!("{:.1} %", share * 100.0));
    let number = |share: Option<f64>| share.map_or("-".into(), |share| format!("{share:.3}"));
    let at = |rate: &str| percent(figures.score.recall_at_fpr.get(rate).copied().flatten());
    let _ = writeln!(
        out,
        "{name:34} {:>7} {:>6} {:>6} {:>5}  {:>7} {:>7} {:>7} {:>6}  {:>6} {:>7} {:>7}",
        figures.records,
        figures.positives,
        figures.negatives,
        figures.undecided,
        percent(figures.policy.recall),
        percent(figures.policy.fpr),
        percent(figures.policy.precision),
        number(figures.policy.f1),
        number(figures.score.auc),
        at("0.01"),
        at("0.001"),
    );
}
