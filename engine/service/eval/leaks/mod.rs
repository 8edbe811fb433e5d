//! Measuring what is found of secrets and personal data, on records that say where they stand.

mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tamiz_core::{Content, Engine, EngineInfo, Group, ScanControl, Scanner};

use super::metrics::{Sample, figures};
use super::{Figures, Latency, Surface, each_record, latency, record, row, row_names};
use crate::batch::Input;
pub use types::TypeMap;

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    id: Option<String>,
    text: String,
    label: u8,
    #[serde(default)]
    surface: Option<Surface>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    spans: Vec<LabelledSpan>,
}

/// A place in characters; of a type of its own, or of the first of the record's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LabelledSpan {
    Typed {
        start: usize,
        end: usize,
        #[serde(rename = "type")]
        type_: Option<String>,
    },
    Pair([usize; 2]),
}

/// Everything measured.
#[derive(Debug, Serialize)]
pub struct LeakEvaluation {
    /// Over all records. Positive means that something of a leak family was found; in a record that is negative for its own types,
    /// that something of these types was.
    #[serde(flatten)]
    pub all: Figures,
    /// Labelled spans of types that some rule looks for, and findings of these rules.
    pub spans: SpanFigures,
    /// The same by type and by source.
    pub by: BTreeMap<&'static str, BTreeMap<String, TypeFigures>>,
    /// Types that the mapping does not know; any finding counts for them, and their spans are not compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<String>,
    /// Types that no rule in use looks for; their spans are not compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unclaimed: Vec<String>,
    /// Time per record.
    pub latency_us: Latency,
    /// Records decided wrongly, and spans missed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Mistake>,
    /// What did the looking.
    pub engine: EngineInfo,
    /// Records that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Figures of one type, or of one source.
#[derive(Debug, Serialize)]
pub struct TypeFigures {
    /// Over its records.
    #[serde(flatten)]
    pub records: Figures,
    /// Over its spans.
    pub spans: SpanFigures,
}

/// How labelled spans and findings agree. They do where they overlap and a rule of the span's type found it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SpanFigures {
    /// Labelled spans.
    pub labelled: usize,
    /// Of these, found.
    pub found: usize,
    /// Share found.
    pub recall: Option<f64>,
    /// Findings that stand on a labelled span.
    pub right: usize,
    /// Findings that stand on none.
    pub wrong: usize,
    /// Share of findings that are right.
    pub precision: Option<f64>,
    /// Mean share of common bytes in all bytes of a labelled span and the finding that fits it best, over those found.
    pub overlap: Option<f64>,
}

/// Something decided wrongly.
#[derive(Debug, Serialize)]
pub struct Mistake {
    /// `missed`, `missed-span`, `wrong-finding` or `false-alarm`.
    pub mistake: &'static str,
    /// The record's id.
    pub id: String,
    /// The types it is about.
    pub types: Vec<String>,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// The text at fault: of the span, of the finding, or how the record starts.
    pub text: String,
}

/// Sums to make [`SpanFigures`] of.
#[derive(Debug, Clone, Copy, Default)]
struct SpanSums {
    labelled: usize,
    found: usize,
    right: usize,
    wrong: usize,
    overlap: f64,
}

impl SpanSums {
    fn add(&mut self, other: Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.right += other.right;
        self.wrong += other.wrong;
        self.overlap += other.overlap;
    }

    fn figures(self) -> SpanFigures {
        let share = |part: f64, whole: usize| (whole > 0).then(|| part / whole as f64);
        SpanFigures {
            labelled: self.labelled,
            found: self.found,
            recall: share(self.found as f64, self.labelled),
            right: self.right,
            wrong: self.wrong,
            precision: share(self.right as f64, self.right + self.wrong),
            overlap: share(self.overlap, self.found),
        }
    }
}

/// What one record came to.
#[derive(Debug)]
struct Measured {
    all: Sample,
    source: String,
    /// Whether something was found, for each type the record is labelled with.
    types: BTreeMap<String, Sample>,
    spans_by_type: BTreeMap<String, SpanSums>,
    spans: SpanSums,
    micros: f64,
    mistakes: Vec<Mistake>,
}

/// Reads the records of `files` and inspects each.
///
/// # Errors
/// When there is no record at all.
pub fn run(engine: &Engine, files: &[PathBuf], types: &TypeMap, errors: usize) -> anyhow::Result<LeakEvaluation> {
    let (mut measured, problems) = each_record(engine, files, |scanner, input| measure(scanner, input, types))?;
    let samples: Vec<Sample> = measured.iter().map(|record| record.all).collect();
    let mut by_type: BTreeMap<String, (Vec<Sample>, SpanSums)> = BTreeMap::new();
    let mut by_source: BTreeMap<String, (Vec<Sample>, SpanSums)> = BTreeMap::new();
    let mut spans = SpanSums::default();
    for record in &measured {
        let of_source = by_source.entry(record.source.clone()).or_default();
        of_source.0.push(record.all);
        of_source.1.add(record.spans);
        spans.add(record.spans);
        for (type_, sample) in &record.types {
            by_type.entry(type_.clone()).or_default().0.push(*sample);
        }
    }
    for (type_, sums) in measured.iter().flat_map(|record| &record.spans_by_type) {
        // Findings of types that no record is labelled with count in the whole only.
        if let Some(of_type) = by_type.get_mut(type_) {
            of_type.1.add(*sums);
        }
    }
    let seen: BTreeSet<&String> = by_type.keys().collect();
    let unmapped = seen.iter().filter(|type_| !types.knows(type_)).map(ToString::to_string).collect();
    let unclaimed =
        seen.iter().filter(|type_| types.knows(type_) && !types.claims(type_)).map(ToString::to_string).collect();
    let of_group = |group: BTreeMap<String, (Vec<Sample>, SpanSums)>| {
        let figures = |(samples, sums): (Vec<Sample>, SpanSums)| TypeFigures {
            records: figures(&samples),
            spans: sums.figures(),
        };
        group.into_iter().map(|(name, sums)| (name, figures(sums))).collect()
    };
    Ok(LeakEvaluation {
        all: figures(&samples),
        spans: spans.figures(),
        by: BTreeMap::from([("type", of_group(by_type)), ("source", of_group(by_source))]),
        unmapped,
        unclaimed,
        latency_us: latency(measured.iter().map(|record| record.micros).collect()),
        errors: listed(measured.iter_mut().flat_map(|record| std::mem::take(&mut record.mistakes)), errors),
        engine: engine.info().clone(),
        problems,
    })
}

/// The first mistakes of each sort.
fn listed(mistakes: impl Iterator<Item = Mistake>, most: usize) -> Vec<Mistake> {
    let mut sorts: BTreeMap<&str, Vec<Mistake>> = BTreeMap::new();
    for mistake in mistakes {
        let sort = sorts.entry(mistake.mistake).or_default();
        if sort.len() < most {
            sort.push(mistake);
        }
    }
    sorts.into_values().flatten().collect()
}

/// A finding of a leak family: its rule and its bytes.
type Hit = (String, Range<usize>);

fn measure(scanner: &mut Scanner, input: Input, map: &TypeMap) -> Result<Measured, String> {
    let (record, label): (Record, String) = record(scanner, input)?;
    let kind = record.surface.unwrap_or(Surface::Document).content_kind();
    let content = Content::new(kind, record.text.as_bytes());
    let started = Instant::now();
    let report = scanner.inspect(&content, &ScanControl::unlimited());
    let micros = started.elapsed().as_secs_f64() * 1e6;
    let hits: Vec<Hit> = report
        .findings
        .iter()
        .filter(|finding| finding.family.group() == Group::Leak)
        .map(|finding| (finding.rule.clone(), finding.span.start..finding.span.end))
        .collect();
    let positive = record.label == 1;
    let types: BTreeSet<&String> = record.types.iter().collect();
    let of_type = |type_: &str| hits.iter().any(|(rule, _)| !map.knows(type_) || map.is(rule, type_));
    // Nothing said about what it is negative for: then for everything.
    let acted = if positive || types.is_empty() { !hits.is_empty() } else { types.iter().any(|type_| of_type(type_)) };
    let sample = |acted| Sample {
        positive,
        score: report.verdict.group_score(Group::Leak),
        acted,
        undecided: !report.coverage.complete,
    };
    let id = record.id.clone().unwrap_or(label);
    let mistake = |mistake, types: Vec<String>, text: &str| Mistake {
        mistake,
        id: id.clone(),
        types,
        rules: hits.iter().map(|(rule, _)| rule.clone()).collect(),
        text: text.chars().take(160).collect(),
    };
    let all_types = || record.types.clone();
    let mut mistakes = Vec::new();
    if acted != positive {
        mistakes.push(mistake(if positive { "missed" } else { "false-alarm" }, all_types(), &record.text));
    }
    let sample_of = |type_: &String| sample(if positive { !hits.is_empty() } else { of_type(type_) });
    let types = types.into_iter().map(|type_| (type_.clone(), sample_of(type_))).collect();
    let (mut by_type, mut sums) = (BTreeMap::<String, SpanSums>::new(), SpanSums::default());
    let spans = labelled(&record, map);
    for (type_, span) in &spans {
        let overlap = hits.iter().filter(|(rule, _)| map.is(rule, type_)).map(|(_, found)| shared(found, span));
        let best = overlap.fold(0.0, f64::max);
        if best == 0.0 {
            mistakes.push(mistake("missed-span", vec![type_.clone()], record.text.get(span.clone()).unwrap_or("")));
        }
        let one = SpanSums { labelled: 1, found: usize::from(best > 0.0), overlap: best, ..SpanSums::default() };
        sums.add(one);
        by_type.entry(type_.clone()).or_default().add(one);
    }
    for (rule, found) in &hits {
        let on = spans.iter().filter(|(type_, span)| map.is(rule, type_) && shared(found, span) > 0.0);
        let on: BTreeSet<&str> = on.map(|(type_, _)| type_.as_str()).collect();
        let (one, types): (SpanSums, Vec<&str>) = if !on.is_empty() {
            (SpanSums { right: 1, ..SpanSums::default() }, on.into_iter().collect())
        } else {
            // A record that is negative for its own types says nothing of others.
            let own = |type_: &&str| positive || record.types.is_empty() || record.types.iter().any(|own| own == type_);
            (SpanSums { wrong: 1, ..SpanSums::default() }, map.types_of(rule).filter(own).collect())
        };
        if types.is_empty() {
            continue;
        }
        if one.wrong > 0 {
            mistakes.push(mistake("wrong-finding", vec![rule.clone()], record.text.get(found.clone()).unwrap_or("")));
        }
        sums.add(one);
        types.into_iter().for_each(|type_| by_type.entry(type_.to_owned()).or_default().add(one));
    }
    Ok(Measured {
        all: sample(acted),
        source: record.source.unwrap_or_else(|| "?".into()),
        types,
        spans_by_type: by_type,
        spans: sums,
        micros,
        mistakes,
    })
}

/// The labelled spans in bytes, of types that some rule looks for.
fn labelled(record: &Record, map: &TypeMap) -> Vec<(String, Range<usize>)> {
    let bytes: Vec<usize> = record.text.char_indices().map(|(at, _)| at).chain([record.text.len()]).collect();
    let byte = |character: usize| bytes[character.min(bytes.len() - 1)];
    let spans = record.spans.iter().map(|span| match span {
        LabelledSpan::Typed { start, end, type_ } => (type_.as_ref(), *start, *end),
        LabelledSpan::Pair([start, end]) => (None, *start, *end),
    });
    spans
        .filter_map(|(type_, start, end)| {
            let type_ = type_.or(record.types.first())?;
            map.claims(type_).then(|| (type_.clone(), byte(start)..byte(end)))
        })
        .collect()
}

/// Common bytes by all bytes of two ranges.
fn shared(a: &Range<usize>, b: &Range<usize>) -> f64 {
    let common = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    let all = a.end.max(b.end) - a.start.min(b.start);
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}

/// The evaluation as tables.
#[must_use]
pub fn table(evaluation: &LeakEvaluation) -> String {
    let mut out = String::new();
    row_names(&mut out);
    row(&mut out, "all", &evaluation.all);
    for (group, values) in &evaluation.by {
        let _ = writeln!(out, "by {group}");
        for (value, figures) in values {
            row(&mut out, &format!("  {value}"), &figures.records);
        }
    }
    let percent = |share: Option<f64>| share.map_or("-".into(), |share| format!("{:.1} %", share * 100.0));
    let _ = writeln!(
        out,
        "\n{:34} {:>7} {:>6} {:>7} {:>6} {:>6} {:>7} {:>8}",
        "spans", "labels", "found", "recall", "right", "wrong", "precis", "overlap"
    );
    let mut spans = |name: &str, figures: &SpanFigures| {
        let SpanFigures { labelled, found, recall, right, wrong, precision, overlap } = figures;
        let (recall, precision, overlap) = (percent(*recall), percent(*precision), percent(*overlap));
        let _ = writeln!(
            out,
            "{name:34} {labelled:>7} {found:>6} {recall:>7} {right:>6} {wrong:>6} {precision:>7} {overlap:>8}"
        );
    };
    spans("all", &evaluation.spans);
    for (type_, figures) in evaluation.by.get("type").into_iter().flatten() {
        if figures.spans.labelled + figures.spans.wrong > 0 {
            spans(&format!("  {type_}"), &figures.spans);
        }
    }
    for (what, types) in
        [("no rule in use looks for", &evaluation.unclaimed), ("the mapping does not know", &evaluation.unmapped)]
    {
        if !types.is_empty() {
            let _ = writeln!(out, "{what}: {}", types.join(", "));
        }
    }
    let Latency { p50, p95, p99 } = evaluation.latency_us;
    let _ = writeln!(out, "latency p50 {p50:.0} µs, p95 {p95:.0} µs, p99 {p99:.0} µs");
    for mistake in &evaluation.errors {
        let (text, types, rules) = (mistake.text.escape_debug(), mistake.types.join(", "), mistake.rules.join(", "));
        let _ = writeln!(out, "{:13} {} {types} [{rules}]\n              {text}", mistake.mistake, mistake.id);
    }
    out
}
