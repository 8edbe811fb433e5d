//! Room 7: what is told, and to whom: a [`Report`] per content; JSON by serde, SARIF for code-scanning tools, text for people.
//!
//! A report holds places, not content: what was matched is told by a keyed fingerprint, and shown only where excerpts are asked for.

mod classifier;
mod excerpt;
mod human;
mod sarif;

pub use excerpt::Excerpt;
pub use human::{Palette, render};
pub use sarif::sarif;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::classify::{Cascade, ClassifierReport, Mark, Outcome};
use crate::content::{Document, Format};
use crate::date::Date;
use crate::detect::{Findings, Found};
use crate::rule::{CompiledRules, Confidence, DataCategory, Family, Group, Rule, Sensitivity, Severity, Taxonomy};
use crate::tokens::TokenEstimate;
use crate::verdict::{Coverage, Policy, Suppression, Verdict};
use crate::view::{Layers, ViewKind};

/// Everything there is to say about one content.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Report {
    /// Where the content came from: a path, with `:LINE` for a record of a JSON Lines file. None if nobody said.
    pub path: Option<String>,
    /// How the content was read.
    pub format: Format,
    /// The answer.
    pub verdict: Verdict,
    /// What was looked at, and what was not.
    pub coverage: Coverage,
    /// What was found, in order of place.
    pub findings: Vec<Finding>,
    /// Findings counted and not listed, beyond the limit.
    pub findings_omitted: usize,
    /// How many tokens it has, by an estimate; only if the policy has a limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<TokenEstimate>,
    /// What the classifier did.
    pub classifier: ClassifierReport,
    /// Where the time went.
    pub timings_us: Timings,
    /// What did the looking.
    pub engine: Arc<EngineInfo>,
}

/// One thing that a rule found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Finding {
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
    /// Who may see the data that was found; none if it is no data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sensitivity: Option<Sensitivity>,
    /// What sorts of data it is.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub data: Vec<DataCategory>,
    /// Where, in bytes of the original content.
    pub span: Span,
    /// JSON pointer of the value it is in, with `…` for names that leak themselves; empty for plain text.
    pub pointer: String,
    /// Whether it stands in quotation marks or is reported speech: somebody may be talking about it, so it counts less.
    pub quoted: bool,
    /// The policy's suppression that it falls under: it does not count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suppressed: Option<SuppressedBy>,
    /// The one that it fell under until its last day passed: it counts again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suppression_ended: Option<SuppressedBy>,
    /// How the text was made that it was found in, outermost first: `["raw", "base64", "folded"]`.
    pub views: Vec<ViewKind>,
    /// Its place in the field's lists.
    pub taxonomy: Taxonomy,
    /// The same for the same rule and text under the same key.
    pub fingerprint: String,
    /// The text, on request only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub excerpt: Option<Excerpt>,
    /// The text as it reads after decoding, on request only and where decoding was needed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decoded: Option<Excerpt>,
    /// What `decoded` will be if it is asked for.
    #[serde(skip)]
    seen: Option<Excerpt>,
}

/// A suppression of the policy, as a finding tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SuppressedBy {
    /// Why, in the words of the policy.
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
}

impl From<&Suppression> for SuppressedBy {
    fn from(entry: &Suppression) -> Self {
        Self { reason: entry.reason.clone(), until: entry.until }
    }
}

/// A range of bytes: `start` is the first, `end` is one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Microseconds of wall time per stage.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Timings {
    /// Taking the content apart.
    pub content: u64,
    /// Folding and decoding.
    pub view: u64,
    /// Searching, confirming, detecting.
    pub matching: u64,
    /// The classifier's linear stage.
    pub linear: u64,
    /// Cutting text into the windows of the classifier's encoder.
    pub tokenise: u64,
    /// The classifier's encoder, with the time its windows waited for it.
    pub infer: u64,
    /// The whole inspection.
    pub total: u64,
}

/// What did the looking: enough to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EngineInfo {
    /// Version of Tamiz.
    pub version: String,
    /// Number of rules.
    pub rules: usize,
    /// Digest of the rules.
    pub rules_digest: String,
    /// Digest of the policy.
    pub policy_digest: String,
    /// The matcher back end.
    pub matcher: String,
    /// The classifier model's id; none if there is no model.
    pub model: Option<String>,
    /// Digest of the model's card, which has the digests of its files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model_digest: Option<String>,
    /// Where the model runs, and in which precision: `cpu int8`. None if only its linear stage does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
}

impl EngineInfo {
    pub(crate) fn new(rules: &CompiledRules, policy: &Policy, matcher: &str, cascade: &Cascade) -> Self {
        let policy = serde_json::to_vec(policy).unwrap_or_default();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules: rules.rules().len(),
            rules_digest: rules.digest().to_owned(),
            policy_digest: blake3::hash(&policy).to_hex()[..32].to_owned(),
            matcher: matcher.to_owned(),
            model: cascade.card().map(|card| card.id.clone()),
            model_digest: cascade.card().map(|card| card.digest.clone()),
            provider: cascade.encoder().map(|encoder| encoder.info().provider),
        }
    }
}

/// Makes fingerprints: 128 bits of keyed BLAKE3.
#[derive(Clone)]
pub(crate) struct Fingerprinter {
    key: [u8; 32],
}

impl std::fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprinter(…)")
    }
}

impl Fingerprinter {
    pub(crate) fn new(key: Option<[u8; 32]>) -> Self {
        Self { key: key.unwrap_or_else(|| blake3::derive_key("tamiz finding fingerprint, no key configured", b"")) }
    }

    pub(crate) fn print(&self, rule: &str, text: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(rule.as_bytes()).update(&[0]).update(text);
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// A short print, to know a token again in the same process.
    pub(crate) fn print_of_token(&self, token: &[u8]) -> u64 {
        let digest = blake3::keyed_hash(&self.key, token);
        digest.as_bytes()[..8].iter().fold(0, |print, byte| print << 8 | u64::from(*byte))
    }
}

/// How a finding stands to the policy's suppressions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Standing<'p> {
    /// None names it.
    Counts,
    /// It does not count.
    Suppressed(&'p Suppression),
    /// It counts again.
    Ended(&'p Suppression),
}

impl Finding {
    fn standing(mut self, standing: &Standing<'_>) -> Self {
        match standing {
            Standing::Counts => {}
            Standing::Suppressed(entry) => self.suppressed = Some((*entry).into()),
            Standing::Ended(entry) => self.suppression_ended = Some((*entry).into()),
        }
        self
    }
}

impl Report {
    #[expect(clippy::too_many_arguments, reason = "a report joins what all rooms know; one caller")]
    pub(crate) fn new<'p>(
        verdict: Verdict,
        coverage: Coverage,
        findings: &Findings,
        standing: &dyn Fn(Option<usize>) -> Standing<'p>,
        classified: &Outcome,
        rules: &CompiledRules,
        fingerprinter: &Fingerprinter,
        document: &Document,
        layers: &Layers,
        body: &[u8],
        timings_us: Timings,
        engine: Arc<EngineInfo>,
    ) -> Self {
        // Names are content too: one that leaks is not shown in pointers. What a name and its value say together is in the value.
        let leaks = |found: &&Found| rules.rule(found.rule).family.group() == Group::Leak;
        let leaks: Vec<&Range<usize>> = findings.list.iter().filter(leaks).map(|found| &found.span).collect();
        let hidden = |name: Range<usize>| {
            leaks.iter().any(|span| span.start < name.end && name.start < span.end && span.end <= name.end)
        };
        let finding = |(at, found): (usize, &Found)| {
            let rule = rules.rule(found.rule);
            let mut views = layers.chain(found.depth, found.view);
            let layer = layers.layer(found.depth);
            let text = if found.folded { &layer.folded } else { layers.text(found.depth, document.text(body)) };
            let seen = (views.len() > 1).then(|| Excerpt::new(&text[found.place.clone()]));
            views.extend(found.folded.then_some(ViewKind::Folded));
            Finding {
                rule: rule.id.clone(),
                title: rule.title.clone(),
                family: rule.family,
                severity: rule.severity,
                confidence: rule.confidence,
                sensitivity: rule.sensitivity,
                data: rule.data.clone(),
                span: Span { start: found.span.start, end: found.span.end },
                pointer: document.pointer(found.segment, body, &hidden),
                quoted: found.quoted,
                suppressed: None,
                suppression_ended: None,
                views,
                taxonomy: rule.taxonomy.clone(),
                fingerprint: fingerprinter.print(&rule.id, &body[found.span.clone()]),
                excerpt: None,
                decoded: None,
                seen,
            }
            .standing(&standing(Some(at)))
        };
        let marked = |mark: &Mark| {
            classifier::finding(mark, fingerprinter, document, layers, body, &hidden).standing(&standing(None))
        };
        let mut listed: Vec<Finding> =
            findings.list.iter().enumerate().map(finding).chain(classified.marks.iter().map(marked)).collect();
        listed.sort_by(|a, b| (a.span, &a.rule).cmp(&(b.span, &b.rule)));
        Self {
            path: None,
            format: document.format(),
            verdict,
            coverage,
            findings: listed,
            findings_omitted: findings.omitted,
            tokens: None,
            classifier: classified.report.clone(),
            timings_us,
            engine,
        }
    }

    /// Adds how many tokens the content has.
    pub(crate) fn with_tokens(mut self, tokens: Option<TokenEstimate>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Names where the content came from.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds the matched text of each finding, from the content that was inspected. `base` is where `body` starts in what the
    /// spans count in: 0 unless [`Report::with_offset`] was used.
    #[must_use]
    pub fn with_excerpts(mut self, body: &[u8], base: usize) -> Self {
        for finding in &mut self.findings {
            let (start, end) = (finding.span.start.checked_sub(base), finding.span.end.checked_sub(base));
            let range = start.zip(end).map(|(start, end)| start..end);
            finding.excerpt = range.and_then(|range| body.get(range)).map(Excerpt::new);
            finding.decoded.clone_from(&finding.seen);
        }
        self
    }

    /// Lists no more than `limit` findings, the first of every rule among them, and counts the rest.
    pub(crate) fn limited(mut self, limit: usize) -> Self {
        if self.findings.len() > limit {
            let all = self.findings.len();
            let (mut room, mut seen) = (limit, HashSet::new());
            self.findings.retain(|finding| {
                let keep = seen.insert(finding.rule.clone()) || room > 0;
                room = room.saturating_sub(usize::from(keep));
                keep
            });
            self.findings_omitted += all - self.findings.len();
        }
        self
    }

    /// Adds something that was found in the text as it is, by other means than a scan.
    pub(crate) fn add(&mut self, rule: &Rule, span: Span, fingerprint: String, standing: &Standing<'_>) {
        let finding = Finding {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            family: rule.family,
            severity: rule.severity,
            confidence: rule.confidence,
            span,
            pointer: String::new(),
            quoted: false,
            suppressed: None,
            suppression_ended: None,
            views: vec![ViewKind::Raw],
            sensitivity: rule.sensitivity,
            data: rule.data.clone(),
            taxonomy: rule.taxonomy.clone(),
            fingerprint,
            excerpt: None,
            decoded: None,
            seen: None,
        };
        self.findings.push(finding.standing(standing));
        self.findings.sort_by(|a, b| (a.span, &a.rule).cmp(&(b.span, &b.rule)));
    }

    /// The same with the verdict that its coverage, if something was added to it, leads to.
    #[must_use]
    pub fn decided_again(mut self, policy: &Policy) -> Self {
        self.verdict.note_incomplete(policy, &self.coverage);
        self
    }

    /// Moves all spans by `offset`: for a record that is part of a larger file.
    #[must_use]
    pub fn with_offset(mut self, offset: usize) -> Self {
        for finding in &mut self.findings {
            finding.span = Span { start: finding.span.start + offset, end: finding.span.end + offset };
        }
        if let Some(highest) = &mut self.classifier.highest {
            (highest.start, highest.end) = (highest.start + offset, highest.end + offset);
        }
        self
    }

    /// The JSON Schema of a report.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}
