//! A rule's own examples, run through the engine as any content would be.

use super::{Diagnostic, Rule, RuleSet};
use crate::content::{Content, Format};
use crate::detect::{RegisteredPrompts, is_of_messages};
use crate::engine::Engine;
use crate::limits::ScanControl;

/// How the examples of one rule went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckOutcome {
    /// Examples found, of how many.
    pub found: (usize, usize),
    /// Negative examples left alone, of how many.
    pub left_alone: (usize, usize),
    /// What went wrong.
    pub problems: Vec<Diagnostic>,
}

/// An engine of this rule alone to which the prompt that its examples suppose is known.
fn with_prompt(rule: &Rule) -> Option<Engine> {
    let mut prompts = RegisteredPrompts::new(None);
    prompts.register("given", rule.given.prompt.as_deref()?).ok()?;
    Engine::builder().rules(RuleSet::only(rule)).registered_prompts(prompts).build().ok()
}

/// Runs every rule's examples through `engine`, which must have been built from these rules.
///
/// An example must be found by its own rule; a negative example must not. What other rules say of it does not matter.
#[must_use]
pub fn check_examples(engine: &Engine) -> Vec<(&Rule, CheckOutcome)> {
    let mut scanner = engine.scanner();
    let mut one = |rule: &Rule, text: &str| {
        let format = if rule.detector.as_deref().is_some_and(is_of_messages) { Format::Mcp } else { Format::Text };
        let content = Content::new(rule.content_kinds[0], text.as_bytes()).with_format(format);
        let content = content.with_server(rule.given.server.as_deref());
        let report = match with_prompt(rule) {
            Some(engine) => engine.inspect(&content),
            None => scanner.inspect(&content, &ScanControl::unlimited()),
        };
        report.findings.iter().any(|finding| finding.rule == rule.id)
    };
    let check = |rule| {
        let rule: &Rule = rule;
        let mut outcome = CheckOutcome {
            found: (0, rule.examples.len()),
            left_alone: (0, rule.negative_examples.len()),
            problems: Vec::new(),
        };
        let problem = |list: usize, number: usize, code, message: &str, hint: &str| {
            let span = rule.example_spans[list][number].clone();
            Diagnostic::new(&rule.file, &rule.source, span, code, format!("{}: {message}", rule.id)).hint(hint)
        };
        for (number, example) in rule.examples.iter().enumerate() {
            if one(rule, example) {
                outcome.found.0 += 1;
            } else {
                let hint = "phrases match whole words of folded text; expressions are case-sensitive without (?i)";
                outcome.problems.push(problem(0, number, "E031", "its own example is not found", hint));
            }
        }
        for (number, example) in rule.negative_examples.iter().enumerate() {
            if one(rule, example) {
                let hint = "narrow the rule, or move the text to `examples` if it should be found";
                outcome.problems.push(problem(1, number, "E032", "a negative example is found", hint));
            } else {
                outcome.left_alone.0 += 1;
            }
        }
        (rule, outcome)
    };
    engine.rules().rules().iter().map(check).collect()
}
