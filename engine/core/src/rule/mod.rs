//! Rules as data: what to look for, why, how bad it is, and examples that prove it.
//!
//! A rule is one TOML file (the format is in `docs/rule-format.md`). Files become a [`RuleSet`] (parsed and validated, with
//! [`Diagnostic`]s for what is wrong), and that becomes [`CompiledRules`]: literals for the matcher, expressions for the
//! confirmation, forms of numbers, detectors in Rust by name. Only this room knows both what a rule means and how it is looked for.

mod check;
mod class;
mod compile;
mod cost;
mod diagnostics;
mod format;
mod literals;
mod near;
mod phrase;
mod plan;
mod shape;
mod template;

pub use check::{CheckOutcome, check_examples};
pub use class::{DataCategory, Sensitivity};
pub use compile::CompiledRules;
pub(crate) use compile::{Pattern, Use};
pub use cost::{RuleCost, cost};
pub use diagnostics::Diagnostic;
pub(crate) use format::toml_problem;
pub use format::{Family, Given, Group, Rule, Taxonomy};
pub(crate) use literals::Neighbours;
pub use near::NearMisses;
pub(crate) use shape::{Context, Shape};

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parallel;

/// Longest match of a rule's expression, in bytes. What has to be looked at around a literal is bounded by it.
pub const MAX_MATCH_LEN: usize = 2_048;

/// The rules that ship in the binary: path under `rules/`, text, and how it is looked for.
static BUILTIN: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// How bad a finding is if it is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Harmless alone.
    Low,
    /// Should be looked at.
    Medium,
    /// Hijacks the model or leaks something valuable.
    High,
    /// Hands over an account or a system.
    Critical,
}

impl Severity {
    /// The name in rules and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn weight(self) -> f64 {
        match self {
            Self::Info => 0.0,
            Self::Low => 0.25,
            Self::Medium => 0.5,
            Self::High => 0.9,
            Self::Critical => 0.97,
        }
    }
}

/// How often a match of the rule is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Often something else.
    Low,
    /// Usually.
    Medium,
    /// Nearly always.
    High,
}

impl Confidence {
    /// The name in rules and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    fn factor(self) -> f64 {
        match self {
            Self::Low => 0.5,
            Self::Medium => 0.8,
            Self::High => 1.0,
        }
    }
}

/// Parsed, valid rules, in order of id.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// The rules that ship with Tamiz.
    ///
    /// # Panics
    /// Never for a released build: the pack is checked by the test suite.
    #[must_use]
    pub fn builtin() -> Self {
        let (rules, problems) = Self::parse_files(BUILTIN.iter().map(|(name, text, plan)| (*name, *text, Some(*plan))));
        debug_assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<String>());
        rules
    }

    /// The files of the built-in pack: path under `rules/` and text.
    pub fn builtin_files() -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
        BUILTIN.iter().map(|(name, text, _)| (*name, *text))
    }

    /// Parses rule files given as name and text. Files with mistakes are left out and described.
    #[must_use]
    pub fn parse<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> (Self, Vec<Diagnostic>) {
        Self::parse_files(files.into_iter().map(|(name, text)| (name, text, None)))
    }

    fn parse_files<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str, Option<&'static [u8]>)>,
    ) -> (Self, Vec<Diagnostic>) {
        let (mut rules, mut problems) = (Self::default(), Vec::new());
        let mut known = HashMap::new();
        let files: Vec<_> = files.into_iter().collect();
        for parsed in parallel::map(&files, 16, |(name, text, planned)| format::parse(name, text, *planned)) {
            match parsed {
                Ok(rule) => match known.entry(rule.id.clone()) {
                    Entry::Vacant(free) => {
                        free.insert(rules.rules.len());
                        rules.rules.push(rule);
                    }
                    Entry::Occupied(taken) => problems.push(second(&rule, &rules.rules[*taken.get()])),
                },
                Err(found) => problems.extend(found),
            }
        }
        rules.rules.sort_by(|a, b| a.id.cmp(&b.id));
        (rules, problems)
    }

    /// Adds the rules of `other`. A rule with an id that is taken already replaces the one that has it.
    pub fn merge(&mut self, other: Self) {
        self.rules.retain(|old| other.get(&old.id).is_none());
        self.rules.extend(other.rules);
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// This rule alone.
    #[must_use]
    pub fn only(rule: &Rule) -> Self {
        Self { rules: vec![rule.clone()] }
    }

    /// All rules, in order of id.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|at| &self.rules[at])
    }

    /// The id closest to `id`, for "did you mean".
    #[must_use]
    pub fn closest(&self, id: &str) -> Option<&str> {
        closest(id, self.rules.iter().map(|rule| rule.id.as_str()))
    }
}

/// A rule whose id another one has.
fn second(rule: &Rule, first: &Rule) -> Diagnostic {
    let problem = Diagnostic::new(&rule.file, &rule.source, 0..0, "E004", format!("a second rule `{}`", rule.id));
    problem.hint(format!("the first is in {}; give one of them another id", first.file))
}

/// The candidate closest to `name`, if any is close.
pub fn closest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let score = |candidate: &str| strsim::jaro_winkler(name, candidate);
    let best = candidates.into_iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.75).then_some(best)
}
