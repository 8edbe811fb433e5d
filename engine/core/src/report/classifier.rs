//! A window that the classifier found, told as a finding.

use std::ops::Range;

use super::{Excerpt, Finding, Fingerprinter, Span};
use crate::classify::Mark;
use crate::content::Document;
use crate::rule::{Confidence, Family, Severity, Taxonomy};
use crate::verdict::CLASSIFIER;
use crate::view::{Layers, ViewKind};

/// Evidence from which a score is about as sure as 0.1 % false positives allow, and 0.5 %.
const SURE: f64 = 0.85;
const FAIRLY_SURE: f64 = 0.575;

pub(super) const TITLE: &str = "Text that the classifier reads as an attempt to steer the model";
pub(super) const WHY: &str =
    "A model trained on attacks and on honest text finds this more like an attack than nearly all honest text";
pub(super) const REMEDY: &str = "Read the passage: a score has no reasons of its own. Keep the content from the model unless it is meant to give orders";

pub(super) fn finding(
    mark: &Mark,
    fingerprinter: &Fingerprinter,
    document: &Document,
    layers: &Layers,
    body: &[u8],
    hidden: &dyn Fn(Range<usize>) -> bool,
) -> Finding {
    let layer = layers.layer(mark.depth);
    let view = layer.views_in(&mark.place, mark.folded).start.min(layer.views.len().saturating_sub(1));
    let mut views = layers.chain(mark.depth, view);
    let text = if mark.folded { &layer.folded } else { layers.text(mark.depth, document.text(body)) };
    let seen = (views.len() > 1).then(|| Excerpt::new(&text[mark.place.clone()]));
    views.extend(mark.folded.then_some(ViewKind::Folded));
    let strong = |high, middle, low| match mark.weight {
        weight if weight >= SURE => high,
        weight if weight >= FAIRLY_SURE => middle,
        _ => low,
    };
    let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Finding {
        rule: CLASSIFIER.into(),
        title: TITLE.into(),
        family: Family::Injection,
        severity: if mark.weight >= SURE { Severity::High } else { Severity::Medium },
        confidence: strong(Confidence::High, Confidence::Medium, Confidence::Low),
        span: Span { start: mark.span.start, end: mark.span.end },
        pointer: document.pointer(layer.views[view].segment, body, hidden),
        quoted: false,
        suppressed: None,
        suppression_ended: None,
        views,
        sensitivity: None,
        data: Vec::new(),
        taxonomy: Taxonomy {
            owasp_llm: list(&["LLM01:2025"]),
            owasp_mcp: Vec::new(),
            atlas: list(&["AML.T0051"]),
            cwe: list(&["CWE-1427"]),
        },
        fingerprint: fingerprinter.print(CLASSIFIER, &body[mark.span.clone()]),
        excerpt: None,
        decoded: None,
        seen,
    }
}
