//! What looking at a listing came to.

use serde::Serialize;
use tamiz_core::{
    Action, Confidence, Coverage, Engine, Family, Notice, Scope, Severity, SuppressedBy, Taxonomy, ToolChange, Verdict,
};

use super::store::State;
use crate::clock::today;

/// How a tool stands to what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing was known of it.
    New,
    /// It is what was seen before.
    Unchanged,
    /// It is not what was seen before.
    Changed,
    /// Its server no longer lists it.
    Removed,
}

impl Status {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A finding of the catalogue.
#[derive(Debug, Clone, Serialize)]
pub struct CatalogueFinding {
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The rule's family.
    pub family: Family,
    /// How bad it is if it is real.
    pub severity: Severity,
    /// How often it is real.
    pub confidence: Confidence,
    /// JSON pointer in the tool, or in what was checked.
    pub pointer: String,
    /// What it is, in a person's words; names, never texts.
    pub words: String,
    /// Its place in the field's lists.
    pub taxonomy: Taxonomy,
    /// The policy's suppression that it falls under: it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<SuppressedBy>,
}

impl CatalogueFinding {
    /// A finding of a rule, if the rule is in use.
    #[must_use]
    pub fn new(engine: &Engine, rule: &str, pointer: impl Into<String>, words: impl Into<String>) -> Option<Self> {
        let rule = engine.rules().rule_set().get(rule)?;
        Some(Self {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            family: rule.family,
            severity: rule.severity,
            confidence: rule.confidence,
            pointer: pointer.into(),
            words: words.into(),
            taxonomy: rule.taxonomy.clone(),
            suppressed: None,
        })
    }

    /// Looks it up in the policy's suppressions, as one of this tool of this server.
    pub(super) fn suppress(&mut self, engine: &Engine, server: &str, tool: &str) {
        let (scope, today) = (Scope { tool: Some(tool), server: Some(server) }, today());
        let entry = engine.policy().suppression(&self.rule, scope, Some(today));
        self.suppressed = entry.filter(|entry| !entry.ended(today)).map(Into::into);
    }

    pub(super) fn noticed(engine: &Engine, notice: &Notice) -> Option<Self> {
        Self::new(engine, notice.rule, notice.pointer.clone(), notice.words.clone())
    }
}

/// What was found of one tool.
#[derive(Debug, Clone, Serialize)]
pub struct ToolReport {
    /// Its name; empty for the instructions of the server.
    pub tool: String,
    /// How it stands to what was known.
    pub status: Status,
    /// Whether it may be called.
    pub state: State,
    /// Digest of what was listed; none for a tool that is gone.
    pub digest: Option<String>,
    /// Digest of what is approved.
    pub pinned_digest: Option<String>,
    /// What changed since it was approved.
    pub changes: Vec<ToolChange>,
    /// What was found.
    pub findings: Vec<CatalogueFinding>,
    /// What to do about this tool.
    pub verdict: Verdict,
}

/// What looking at a listing came to.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The server.
    pub server: String,
    /// The worst of the tools' actions.
    pub action: Action,
    /// Tools listed.
    pub listed: usize,
    /// Tools that are what was approved.
    pub unchanged: usize,
    /// Whether the listing was a part only, so that tools may exist that are not in it.
    pub partial: bool,
    /// Tools that there is something to say of.
    pub tools: Vec<ToolReport>,
}

/// The verdict on findings, but for those that are suppressed.
pub(super) fn weigh(engine: &Engine, findings: &[CatalogueFinding], coverage: &Coverage) -> Verdict {
    let counting = findings.iter().filter(|finding| finding.suppressed.is_none());
    engine.weigh(counting.map(|finding| finding.rule.as_str()), coverage)
}
