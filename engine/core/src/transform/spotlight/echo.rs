//! A marker in the answer of a model: it repeats what it was told to read only, or somebody made it tell the marker.

use super::{Kind, Marker};
use crate::content::Content;
use crate::engine::Engine;
use crate::limits::ScanControl;
use crate::report::{Report, Span};

/// The rule that an echo is reported under.
pub(crate) const RULE: &str = "injection.spotlight-marker-echo";

/// Echoes told of one answer.
const MOST: usize = 100;

impl Marker {
    /// Where the marker stands in the answer of a model, as it is, in other case or as JSON escapes. Encodings have no marker.
    #[must_use]
    pub fn echoes(&self, output: &[u8]) -> Vec<Span> {
        let (haystack, forms) = match &self.kind {
            Kind::Delimit { id } => (output.to_ascii_lowercase(), vec![id.clone()]),
            Kind::Datamark { marker, .. } => {
                let escaped: String =
                    marker.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
                let lower = output.to_ascii_lowercase();
                (lower, vec![marker.clone(), escaped])
            }
            Kind::Encode(_) => return Vec::new(),
        };
        let mut spans: Vec<Span> = forms
            .iter()
            .flat_map(|form| {
                let found = memchr::memmem::find_iter(&haystack, form.as_bytes());
                found.take(MOST).map(|start| Span { start, end: start + form.len() }).collect::<Vec<_>>()
            })
            .collect();
        spans.sort_unstable();
        spans.truncate(MOST);
        spans
    }
}

impl Engine {
    /// Adds to the report on a model's answer where a spotlighting marker comes up in it. `content` is what was inspected, and how.
    #[must_use]
    pub fn with_marker_echoes(
        &self,
        mut report: Report,
        marker: &Marker,
        content: &Content<'_>,
        control: &ScanControl,
    ) -> Report {
        let body = content.body;
        let Some(rule) = self.rules().rules().iter().find(|rule| rule.id == RULE) else { return report };
        for span in marker.echoes(body) {
            // A delimiter is found by the rule itself too.
            let known = |finding: &crate::report::Finding| {
                finding.rule == RULE && finding.span.start <= span.start && span.end <= finding.span.end
            };
            if !report.findings.iter().any(known) {
                let standing = self.standing(RULE, content.scope(), control.today());
                report.add(rule, span, self.fingerprint(rule, &body[span.start..span.end]), &standing);
            }
        }
        let known = report.verdict.reasons.iter().any(|reason| reason.code == RULE);
        if !known && report.findings.iter().any(|finding| finding.rule == RULE && finding.suppressed.is_none()) {
            report.verdict.add(self.policy(), rule);
        }
        report
    }
}
