//! What a conversation may send that looks like keys and is none that a rule knows.

use crate::content::ContentKind;
use crate::date::Date;
use crate::detect::opaque_tokens;
use crate::engine::{Engine, Scanned};
use crate::report::{Report, Span, Standing};
use crate::rule::Group;
use crate::verdict::Scope;

/// The rule that a spent budget is reported under.
const RULE: &str = "secret.entropy-budget";
/// Most tokens of one content that are told.
const MOST: usize = 1_000;

/// An opaque token that was on its way out: of a kind that keys have, found by no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpaqueToken {
    /// Where, in bytes of the content.
    pub span: Span,
    /// Its length in bytes, at most 512.
    pub bytes: usize,
    /// The same for the same token with the same key of fingerprints; tells nothing of it.
    pub print: u64,
}

impl Scanned<'_> {
    /// The opaque tokens in what the model says or sends (tool arguments, model output), in order, at most 1,000: runs of 20 letters and
    /// digits and more that are random, no hash, no UUID, no picture, and no part of a finding of a leak rule. To add up over a
    /// conversation; see [`Engine::with_spent_budget`]. Costs a pass over the text.
    #[must_use]
    pub fn opaque_tokens(&self) -> Vec<OpaqueToken> {
        let out = ContentKind::ToolArguments.bit() | ContentKind::ModelOutput.bit();
        let (document, engine, text) = self.read();
        let leaks: Vec<_> = self
            .places()
            .into_iter()
            .filter(|place| engine.rules().rule(place.rule).family.group() == Group::Leak)
            .map(|place| place.span)
            .collect();
        let tokens = document.segments().iter().filter(|segment| segment.kinds & out != 0).flat_map(|segment| {
            let start = segment.text.start;
            opaque_tokens(&text[segment.text.clone()]).map(move |token| start + token.start..start + token.end)
        });
        tokens
            .map(|token| (document.source_span(token.clone()), token))
            .filter(|(span, _)| !leaks.iter().any(|leak| leak.start < span.end && span.start < leak.end))
            .take(MOST)
            .map(|(span, token)| OpaqueToken {
                span: Span { start: span.start, end: span.end },
                bytes: token.len(),
                print: engine.print_of_token(&text[token]),
            })
            .collect()
    }
}

impl Engine {
    /// Adds to the report on a content that its conversation has sent `spent` bytes of opaque tokens, which is more than `budget`.
    /// `tokens` are those of this content; without any the report stays as it is. By `scope` and day suppressions of the policy hold.
    #[must_use]
    pub fn with_spent_budget(
        &self,
        mut report: Report,
        tokens: &[OpaqueToken],
        (spent, budget): (u64, u64),
        scope: Scope<'_>,
        today: Option<Date>,
    ) -> Report {
        let (Some(rule), Some(first)) = (self.rules().rule_set().get(RULE), tokens.first()) else { return report };
        let end = tokens.iter().map(|token| token.span.end).max().unwrap_or(first.span.end);
        let span = Span { start: first.span.start, end };
        let title = format!("{}: {spent} bytes so far, {budget} allowed", rule.title);
        let standing = self.standing(RULE, scope, today);
        report.add(rule, span, format!("{:016x}", first.print), &standing);
        if !matches!(standing, Standing::Suppressed(_)) {
            report.verdict.add(self.policy(), rule);
        }
        let titles =
            report.findings.iter_mut().filter(|finding| finding.rule == RULE).map(|finding| &mut finding.title);
        let reasons =
            report.verdict.reasons.iter_mut().filter(|reason| reason.code == RULE).map(|reason| &mut reason.title);
        titles.chain(reasons).for_each(|place| place.clone_from(&title));
        report
    }
}
