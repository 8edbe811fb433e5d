//! Room 6: findings and coverage in, a *verdict* out.
//!
//! Every rule that matched is evidence once, by severity × confidence, two fifths of it if all it matched is quoted; a policy may
//! raise, lower or ignore it. Evidence of a
//! group (something steers the model; something leaks) combines as `1 − Π(1 − w)`, and the policy's thresholds turn that
//! into an action. What was not inspected is a third answer, decided by `on_incomplete`: it is never taken for clean.

mod policy;
mod suppression;

pub(crate) use policy::{CLASSIFIER, names_rule, unknown_rule};
pub use policy::{OnIncomplete, Override, Policy, PolicyError, UseClassifier};
pub use suppression::{Scope, Suppression};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rule::{Family, Group, Rule};

/// What should happen to the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Let it through.
    Allow,
    /// Let it through and tell somebody.
    Flag,
    /// Let it through changed.
    Transform,
    /// Stop it.
    Block,
}

impl Action {
    /// The name in reports and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Flag => "flag",
            Self::Transform => "transform",
            Self::Block => "block",
        }
    }
}

/// One cause of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Reason {
    /// The rule's id, or `incomplete`.
    pub code: String,
    /// In a person's words.
    pub title: String,
    /// The rule's family; none for `incomplete`.
    pub family: Option<Family>,
    /// What this cause alone would lead to.
    pub action: Action,
    /// Its weight as evidence, from 0 to 1, after the policy.
    pub weight: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Verdict {
    /// What should happen.
    pub action: Action,
    /// Evidence of the stronger group, from 0 to 1.
    pub score: f64,
    /// Why, strongest first. Empty for clean content.
    pub reasons: Vec<Reason>,
    /// Weight of a score that counts and is too low to be a reason.
    #[serde(skip)]
    hint: f64,
}

/// What the classifier has to say.
pub(crate) struct Evidence {
    pub(crate) code: &'static str,
    pub(crate) title: String,
    pub(crate) weight: f64,
}

/// Weight from which the classifier's score is a finding: where the shipped policy flags.
pub(crate) const FINDING_FROM: f64 = 0.30;
/// Weight from which the classifier's score is a reason: half of what flags. Below that it still counts.
pub(crate) const REASON_FROM: f64 = 0.15;

impl Verdict {
    /// Adds the reason `incomplete` where something was left out.
    pub(crate) fn note_incomplete(&mut self, policy: &Policy, coverage: &Coverage) {
        self.reasons.retain(|reason| reason.family.is_some());
        if coverage.complete {
            return;
        }
        let action = policy.on_incomplete.action();
        let left_out = coverage.skipped.iter().map(|skipped| skipped.what.as_str()).collect::<Vec<_>>().join(", ");
        self.action = self.action.max(action);
        let title = format!("Not everything was inspected: {left_out}");
        self.reasons.insert(0, Reason { code: "incomplete".into(), title, family: None, action, weight: 0.0 });
    }

    /// Adds the evidence of one more rule.
    pub(crate) fn add(&mut self, policy: &Policy, rule: &Rule) {
        let weight = policy.weight(rule, false);
        let action = policy.action_of(rule, false);
        let reason =
            Reason { code: rule.id.clone(), title: rule.title.clone(), family: Some(rule.family), action, weight };
        let at = self.reasons.partition_point(|other| other.family.is_none() || other.weight >= weight);
        self.reasons.insert(at, reason);
        let score = self.group_score(rule.family.group());
        self.score = self.score.max(score);
        self.action = self.action.max(action).max(policy.action(score));
    }

    /// Evidence of one group alone, from 0 to 1.
    #[must_use]
    pub fn group_score(&self, group: Group) -> f64 {
        let of_group = |reason: &&Reason| reason.family.is_some_and(|family| family.group() == group);
        let hint = (group == Group::Injection).then_some(self.hint);
        combine(self.reasons.iter().filter(of_group).map(|reason| reason.weight).chain(hint))
    }
}

fn combine(weights: impl Iterator<Item = f64>) -> f64 {
    1.0 - weights.fold(1.0, |rest, weight| rest * (1.0 - weight))
}

/// What was looked at, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Coverage {
    /// Whether everything was inspected. If not, `skipped` says what was left out.
    pub complete: bool,
    /// Bytes of the content that were searched, as they are and folded.
    pub inspected_bytes: usize,
    /// Bytes of the content.
    pub total_bytes: usize,
    /// What was not inspected, and why.
    pub skipped: Vec<Skipped>,
    /// What was inspected under an assumption.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// Something that was not inspected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Skipped {
    /// What.
    pub what: String,
    /// Why, and what to do about it.
    pub why: String,
}

impl Coverage {
    /// Nothing inspected yet, nothing left out.
    #[must_use]
    pub fn new(total_bytes: usize) -> Self {
        Self { complete: true, inspected_bytes: 0, total_bytes, skipped: Vec::new(), notes: Vec::new() }
    }

    /// Records that something was not inspected.
    pub fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.complete = false;
        let skipped = Skipped { what: what.into(), why: why.into() };
        // A million broken lines are told in a few.
        match self.skipped.len() {
            0..MOST_SKIPPED => self.skipped.push(skipped),
            MOST_SKIPPED => self.skipped.push(Skipped { what: "more".into(), why: "the list is cut here".into() }),
            _ => {}
        }
    }

    /// Records an assumption.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

/// Entries of [`Coverage::skipped`] before it is cut.
const MOST_SKIPPED: usize = 50;

/// Decides. `matched` holds each rule that matched, once, and whether all it matched is quoted. The classifier adds evidence like a rule
/// that steers the model: it can raise what rules lead to, and never lower it.
pub(crate) fn decide<'r>(
    policy: &Policy,
    matched: impl Iterator<Item = (&'r Rule, bool)>,
    classifier: Option<Evidence>,
    coverage: &Coverage,
) -> Verdict {
    let mut reasons: Vec<Reason> = matched
        .map(|(rule, quoted)| {
            let weight = policy.weight(rule, quoted);
            Reason {
                code: rule.id.clone(),
                title: rule.title.clone(),
                family: Some(rule.family),
                action: policy.action_of(rule, quoted),
                weight,
            }
        })
        .collect();
    let mut hint = 0.0;
    if let Some(Evidence { code, title, weight }) = classifier {
        // An exception says what a finding leads to; it makes none of what is not.
        let ruled = policy.weight_of(code, weight);
        let weight = if weight >= FINDING_FROM { ruled } else { ruled.min(weight) };
        if weight >= REASON_FROM {
            let (code, family) = (code.to_owned(), Some(Family::Injection));
            reasons.push(Reason { code, title, family, action: policy.action(weight), weight });
        } else {
            hint = weight;
        }
    }
    reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.code.cmp(&b.code)));
    // A rule alone reaches a threshold only if its group does, but a change may be asked for of a rule.
    let asked = reasons.iter().any(|reason| reason.action == Action::Transform);
    let mut verdict =
        Verdict { action: if asked { Action::Transform } else { Action::Allow }, score: 0.0, reasons, hint };
    for group in [Group::Injection, Group::Leak] {
        let score = verdict.group_score(group);
        verdict.score = verdict.score.max(score);
        verdict.action = verdict.action.max(policy.action(score));
    }
    verdict.note_incomplete(policy, coverage);
    verdict
}
