//! The corpora: hard negatives, which are honest text with the words of attacks, and orders in many languages. How much of the former
//! may be flagged is stated in its `bounds.toml`; of the latter nearly all must be.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use serde::Deserialize;
use tamiz_core::{Action, Content, ContentKind, Format, Report, ScanControl, Scanner};

use crate::support::{engine, repository};

const CORPUS: &str = "tests/corpus/hard-negatives";
const ORDERS: &str = "tests/corpus/orders";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    /// Largest share of the texts that may be flagged.
    flagged: f64,
    /// Largest share that may be flagged with the help of any one rule.
    rule: f64,
    /// The same for single rules.
    #[serde(default)]
    rules: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    text: String,
    label: u8,
    surface: String,
    kind: String,
    lang: String,
    source: String,
}

fn records_of(folder: &str, files: &[&str]) -> Vec<Record> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let read = |file: &&str| fs::read_to_string(repository(folder).join(file)).unwrap();
    files.iter().flat_map(|file| read(file).lines().map(parse).collect::<Vec<_>>()).collect()
}

fn records() -> Vec<Record> {
    records_of(CORPUS, &["generated.jsonl", "written.jsonl"])
}

fn inspect(record: &Record, scanner: &mut Scanner) -> Report {
    let kind = match record.surface.as_str() {
        "user_prompt" => ContentKind::Prompt,
        "tool_metadata" => ContentKind::ToolMetadata,
        _ => ContentKind::ToolOutput,
    };
    let content = Content::new(kind, record.text.as_bytes()).with_format(Format::Text);
    scanner.inspect(&content, &ScanControl::unlimited())
}

#[test]
fn there_are_enough_and_each_is_another() {
    let records = records();
    assert!(records.len() >= 3000, "{}", records.len());
    let different = |of: fn(&Record) -> &str| records.iter().map(of).collect::<HashSet<_>>().len();
    assert_eq!(different(|record| &record.text), records.len());
    assert_eq!(different(|record| &record.id), records.len());
    assert!(different(|record| &record.lang) >= 10 && different(|record| &record.kind) >= 15);
    assert!(records.iter().all(|record| record.label == 0 && ["generated", "written"].contains(&&*record.source)));
}

#[test]
fn no_rule_flags_more_of_them_than_its_bound() {
    let records = records();
    let bounds = fs::read_to_string(repository(CORPUS).join("bounds.toml")).unwrap();
    let bounds: Bounds = toml::from_str(&bounds).unwrap();
    let known: HashSet<&str> = engine().rules().rules().iter().map(|rule| rule.id.as_str()).collect();
    assert!(bounds.rules.keys().all(|rule| known.contains(rule.as_str())), "bounds for unknown rules: {bounds:?}");

    let mut scanner = engine().scanner();
    let (mut flagged, mut by_rule) = (0_usize, BTreeMap::<String, Vec<&str>>::new());
    for record in &records {
        let report = inspect(record, &mut scanner);
        if report.verdict.action == Action::Allow {
            continue;
        }
        flagged += 1;
        for reason in &report.verdict.reasons {
            by_rule.entry(reason.code.clone()).or_default().push(&record.id);
        }
    }
    let share = |count: usize| count as f64 / records.len() as f64;
    let over: Vec<String> = by_rule
        .iter()
        .filter(|(rule, texts)| share(texts.len()) > *bounds.rules.get(*rule).unwrap_or(&bounds.rule))
        .map(|(rule, texts)| format!("{rule} in {} of {}: {:?}", texts.len(), records.len(), texts))
        .collect();
    assert!(over.is_empty(), "rules above their bound in {CORPUS}/bounds.toml:\n{}", over.join("\n"));
    assert!(share(flagged) <= bounds.flagged, "{flagged} of {} are flagged: {by_rule:?}", records.len());
}

#[test]
fn orders_in_other_languages_are_flagged() {
    let records = records_of(ORDERS, &["written.jsonl"]);
    assert!(records.iter().map(|record| &record.lang).collect::<HashSet<_>>().len() >= 22);
    let mut scanner = engine().scanner();
    let missed: Vec<&str> = records
        .iter()
        .filter(|record| inspect(record, &mut scanner).verdict.action == Action::Allow)
        .map(|record| record.text.as_str())
        .collect();
    assert!(missed.len() * 20 <= records.len(), "{} of {} are allowed: {missed:#?}", missed.len(), records.len());
}
