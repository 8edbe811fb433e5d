//! Rules one by one on records or texts: what each finds of what it should, what it finds wrongly, and what it nearly finds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tamiz_core::{Content, ContentKind, Engine, Format, NearMisses, ScanControl, Scanner};

use super::Surface;
use crate::batch::{Input, InputOptions, Inputs, ScannerPool};

/// Texts, by what their records say of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Labelled 1: they should be found.
    pub positives: u64,
    /// Labelled 0: they should not.
    pub negatives: u64,
    /// Without a label.
    pub unlabelled: u64,
}

impl Counts {
    fn add(&mut self, label: Option<u8>) {
        match label {
            Some(1) => self.positives += 1,
            Some(_) => self.negatives += 1,
            None => self.unlabelled += 1,
        }
    }

    fn all(&self) -> u64 {
        self.positives + self.negatives + self.unlabelled
    }
}

/// How one rule did.
#[derive(Debug, Serialize)]
pub struct RuleFigures {
    /// The rule's id.
    pub rule: String,
    /// Texts in which it matched.
    pub matched: Counts,
    /// Of the labelled texts in which it matched, the share that should be found; null if there are none.
    pub precision: Option<f64>,
    /// Texts in which it did not match, and nearly did: see [`NearMisses`].
    pub near_misses: Counts,
}

/// How all rules did.
#[derive(Debug, Serialize)]
pub struct RuleTest {
    /// The texts.
    pub texts: Counts,
    /// Rules that matched or nearly did: those that matched most texts wrongly first, then by id.
    pub rules: Vec<RuleFigures>,
    /// Rules that did neither.
    pub silent: usize,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// A record, or as much of one as there is.
#[derive(Deserialize)]
struct Record {
    text: String,
    #[serde(default)]
    label: Option<u8>,
    #[serde(default)]
    surface: Option<Surface>,
}

struct Tested {
    label: Option<u8>,
    kind: ContentKind,
    matched: Vec<String>,
    text: Vec<u8>,
}

/// Tries the rules whose id starts with `only` on the records of JSON Lines files, and on other files as a whole. `kind` is what texts are
/// that do not say it.
///
/// # Errors
/// When there is nothing to try them on.
pub fn run(engine: &Engine, files: &[PathBuf], kind: ContentKind, only: &str) -> anyhow::Result<RuleTest> {
    let longest = engine.limits().content_bytes();
    let input = InputOptions { format: Format::Auto, honour_ignore: false, longest_record: longest };
    let pool = ScannerPool::new(engine);
    let mut near = NearMisses::new(engine.rules())?;
    let (mut texts, mut problems) = (Counts::default(), Vec::new());
    let mut by_rule: BTreeMap<String, (Counts, Counts)> = BTreeMap::new();
    for batch in Inputs::find(files, input) {
        let one = |input| pool.with(|scanner| test(scanner, input, kind, longest));
        let results: Vec<_> = batch.into_par_iter().map(one).collect();
        for result in results {
            match result {
                Ok(tested) => {
                    texts.add(tested.label);
                    for place in near.find(&tested.text) {
                        let rule = &engine.rules().rules()[place];
                        if rule.content_kinds.contains(&tested.kind) && !tested.matched.contains(&rule.id) {
                            by_rule.entry(rule.id.clone()).or_default().1.add(tested.label);
                        }
                    }
                    tested.matched.into_iter().for_each(|rule| by_rule.entry(rule).or_default().0.add(tested.label));
                }
                Err(problem) => problems.push(problem),
            }
        }
    }
    if texts.all() == 0 {
        problems.truncate(5);
        anyhow::bail!("no texts{}", problems.iter().map(|problem| format!("\n  {problem}")).collect::<String>());
    }
    let figures = |(rule, (matched, near_misses)): (String, (Counts, Counts))| {
        let labelled = matched.positives + matched.negatives;
        let precision = (labelled > 0).then(|| matched.positives as f64 / labelled as f64);
        RuleFigures { rule, matched, precision, near_misses }
    };
    let mut rules: Vec<RuleFigures> =
        by_rule.into_iter().filter(|(rule, _)| rule.starts_with(only)).map(figures).collect();
    rules.sort_by(|a, b| b.matched.negatives.cmp(&a.matched.negatives).then_with(|| a.rule.cmp(&b.rule)));
    let wanted = engine.rules().rules().iter().filter(|rule| rule.id.starts_with(only)).count();
    Ok(RuleTest { texts, silent: wanted - rules.len(), rules, problems })
}

fn test(scanner: &mut Scanner, input: Input, kind: ContentKind, longest: usize) -> Result<Tested, String> {
    let loaded = input.load(longest)?.ok_or("a binary file: left out")?;
    let record = match loaded.format {
        Format::Json => record(&loaded.body).map_err(|error| format!("{}: {error}", loaded.label))?,
        _ => None,
    };
    let (body, label, kind) = match &record {
        Some(Record { text, label, surface }) => (text.as_bytes(), *label, surface.map_or(kind, Surface::content_kind)),
        None => (&*loaded.body, None, kind),
    };
    let format = if record.is_some() { Format::Auto } else { loaded.format };
    let scanned = scanner.scan(&Content::new(kind, body).with_format(format), &ScanControl::unlimited());
    let matched = scanned.matched().map(|(rule, _)| rule.id.clone()).collect();
    Ok(Tested { label, kind, matched, text: body.to_vec() })
}

/// A record, if it is one: an object with a `text`. Any other JSON is a text.
fn record(body: &[u8]) -> serde_json::Result<Option<Record>> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return Ok(None) };
    if value.get("text").is_none() { Ok(None) } else { serde_json::from_value(value).map(Some) }
}

/// The figures as a table.
#[must_use]
pub fn table(test: &RuleTest) -> String {
    let mut out = String::new();
    let Counts { positives, negatives, unlabelled } = test.texts;
    let _ = writeln!(out, "{positives} positives, {negatives} negatives, {unlabelled} without a label");
    let width = test.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0).max(4);
    let _ = writeln!(out, "{:width$}  {:^23}  {:>9}  {:^23}", "", "matched", "", "near misses");
    let [a, b, c] = ["pos", "neg", "none"];
    let _ = writeln!(out, "{:width$}  {a:>7} {b:>7} {c:>7}  precision  {a:>7} {b:>7} {c:>7}", "rule");
    for rule in &test.rules {
        let precision = rule.precision.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let (found, near) = (rule.matched, rule.near_misses);
        let _ = writeln!(
            out,
            "{:width$}  {:>7} {:>7} {:>7}  {precision:>9}  {:>7} {:>7} {:>7}",
            rule.rule,
            found.positives,
            found.negatives,
            found.unlabelled,
            near.positives,
            near.negatives,
            near.unlabelled
        );
    }
    let _ = writeln!(out, "{} rules neither matched nor nearly did", test.silent);
    out
}
