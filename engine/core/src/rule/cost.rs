//! What a rule costs where it finds nothing: measured alone, on ordinary text.

use std::time::Instant;

use super::{CompiledRules, Rule, RuleSet};
use crate::content::{Content, Format};
use crate::detect::Work;
use crate::engine::Engine;
use crate::limits::ScanControl;
use crate::matching::BuildMatcherError;

/// Estimated nanoseconds for an anchor, a comparison from there on, a window, a byte of a window, and a number that a rule looks at;
/// from profiles of the built-in pack.
const WEIGHTS: [f64; 5] = [25.0, 40.0, 120.0, 1.0, 20.0];
/// The same for a digit or letter compared with the forms of numbers.
const SHAPE_STEP: f64 = 2.0;

/// What a rule had to do on some messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct RuleCost {
    /// How many messages it was tried on.
    pub messages: usize,
    /// What it had to do on all of them.
    pub work: Work,
    /// The messages it was found in.
    pub found: usize,
    /// What that comes to, in nanoseconds a message: counted, so the same on every machine.
    pub estimated_ns: f64,
    /// What walking along numbers comes to, in nanoseconds a message. It is done once for all rules about numbers, and not in the estimate.
    pub shared_ns: f64,
    /// What a message took with this rule alone, less what it took without any, in nanoseconds.
    pub measured_ns: f64,
    /// The literals that made it look, the most frequent first, and how often each was seen.
    pub anchors: Vec<(String, u64)>,
}

/// Measures a rule alone on texts that it should have nothing to do with.
///
/// # Errors
/// When its literals cannot be looked for.
pub fn cost(rule: &Rule, texts: &[&[u8]]) -> Result<RuleCost, BuildMatcherError> {
    let engine = Engine::builder().rules(RuleSet::only(rule)).build()?;
    let without = Engine::builder().rules(RuleSet::default()).build()?;
    let (work, found) = work(&engine, texts, rule);
    let weighed = [work.anchors, work.tails, work.windows, work.window_bytes, work.shape_checks];
    let total: f64 = weighed.iter().zip(WEIGHTS).map(|(count, weight)| *count as f64 * weight).sum();
    let messages = texts.len().max(1);
    Ok(RuleCost {
        messages,
        work,
        found,
        estimated_ns: total / messages as f64,
        shared_ns: work.shape_steps as f64 * SHAPE_STEP / messages as f64,
        measured_ns: (time(&engine, texts) - time(&without, texts)).max(0.0) / messages as f64,
        anchors: anchors(engine.rules(), &engine, texts),
    })
}

fn content<'t>(rule: &Rule, text: &'t [u8]) -> Content<'t> {
    Content::new(rule.content_kinds[0], text).with_format(Format::Text)
}

fn work(engine: &Engine, texts: &[&[u8]], rule: &Rule) -> (Work, usize) {
    let (mut scanner, mut all, mut found) = (engine.scanner(), Work::default(), 0);
    for text in texts {
        let scanned = scanner.scan(&content(rule, text), &ScanControl::unlimited());
        all += scanned.work();
        found += scanned.matched().count();
    }
    (all, found)
}

/// The fastest of three passes, in nanoseconds.
fn time(engine: &Engine, texts: &[&[u8]]) -> f64 {
    let mut scanner = engine.scanner();
    let mut pass = || {
        let started = Instant::now();
        for text in texts {
            let content = Content::unplaced(text).with_format(Format::Text);
            std::hint::black_box(scanner.scan(&content, &ScanControl::unlimited()).matched().count());
        }
        started.elapsed().as_nanos() as f64
    };
    pass();
    (0..3).map(|_| pass()).fold(f64::MAX, f64::min)
}

fn anchors(rules: &CompiledRules, engine: &Engine, texts: &[&[u8]]) -> Vec<(String, u64)> {
    let mut counts = vec![0; rules.anchors.len()];
    let mut searcher = engine.searcher();
    for text in texts {
        let folded = crate::view::fold_phrase(&String::from_utf8_lossy(text));
        searcher.find(&folded, &mut |hit| counts[hit.literal.index()] += 1);
    }
    let literal =
        |index| String::from_utf8_lossy(rules.anchors.get(crate::matching::LiteralId::new(index))).into_owned();
    let mut seen: Vec<(String, u64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(index, count)| (literal(index), *count))
        .collect();
    seen.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    seen
}
