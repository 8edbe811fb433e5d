//! Scan, replace, scan again: until nothing of the plan is found any more.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;

use super::conversation::Conversation;
use super::key::{NONCE, TransformKey};
use super::plan::{Checksum, Encoded, Plan, Treatment};
use super::region::{Rank, Region, merge, touched};
use super::treat::{New, Tools, ladder, write_json, write_utf16};
use crate::content::{Content, Document, Form, Format, plain};
use crate::engine::{Engine, Place, Scanner};
use crate::limits::{Limits, ScanControl};
use crate::report::{Report, Span};
use crate::verdict::Coverage;
use crate::view::OffsetMap;

/// How often a content is changed and looked at again. Two or three do, unless somebody has built a text to need more.
pub const MAX_PASSES: usize = 10;

/// Findings a pass takes up; those beyond come up in the next.
const FINDINGS: usize = 20_000;

/// How deep base64 in base64 is encoded again; deeper, the whole blob is replaced.
const DEEPEST: usize = 3;

/// What a transformation needs besides the plan.
#[derive(Debug)]
pub struct TransformContext<'c> {
    /// For treatments that need one.
    pub key: Option<&'c TransformKey>,
    /// Twelve bytes that go into every token. Random ones make tokens of two calls different even for the same value; always the same
    /// ones make them equal, so that values can be compared without being opened. Both are safe with AES-GCM-SIV.
    pub nonce: [u8; NONCE],
    /// Numbers of placeholders.
    pub conversation: &'c mut Conversation,
}

/// A content that was changed. Its `Debug` does not show it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Transformed {
    /// The content, changed. Only the bytes of `changes` differ.
    pub content: Vec<u8>,
    /// What became of what, in order of place.
    pub changes: Vec<Change>,
    /// What was found in the content as it came.
    pub before: Report,
    /// What is found in it now. If something of the plan is left, its coverage is incomplete and says so.
    pub after: Report,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Change {
    /// The rule that decided over it.
    pub rule: String,
    /// What was done: another treatment than the plan's where that one would have left something to find.
    pub treatment: Treatment,
    /// Where it was, in bytes of the content as it came.
    pub source: Span,
    /// Where its replacement is, in bytes of the changed content.
    pub output: Span,
}

/// Why a plan cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// A treatment of the plan needs a key.
    #[error("the plan hashes, seals or makes pseudonyms, and there is no key")]
    NoKey,
}

impl fmt::Debug for Transformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transformed")
            .field("content_bytes", &self.content.len())
            .field("changes", &self.changes)
            .field("complete", &self.after.coverage.complete)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Replaces what the plan's rules find in a content.
    ///
    /// Never fails for the content's sake. What is left, for want of time or because a text was built to resist, is in the coverage of
    /// [`Transformed::after`], and so in its verdict: look there before passing anything on.
    ///
    /// ```
    /// use tamiz_core::{Content, ContentKind, Conversation, Engine, Plan, ScanControl, TransformContext};
    /// let engine = Engine::builder().build()?;
    /// let content = Content::new(ContentKind::ToolOutput, br#"{"card": "4111 1111 1111 1111", "n": 1}"#);
    /// let mut conversation = Conversation::default();
    /// let mut context = TransformContext { key: None, nonce: [0; 12], conversation: &mut conversation };
    /// let mut scanner = engine.scanner();
    /// let done = Plan::default().apply(&mut scanner, &content, &mut context, &ScanControl::unlimited()).unwrap();
    /// assert_eq!(done.content, br#"{"card": "[payment-card:1]", "n": 1}"#);
    /// assert!(done.after.findings.is_empty());
    /// # Ok::<(), tamiz_core::BuildMatcherError>(())
    /// ```
    ///
    /// # Errors
    /// When the plan needs a key and there is none.
    pub fn apply(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        context: &mut TransformContext<'_>,
        control: &ScanControl,
    ) -> Result<Transformed, TransformError> {
        if self.needs_key() && context.key.is_none() {
            return Err(TransformError::NoKey);
        }
        let engine = scanner.engine().clone();
        let listed = engine.limits().max_findings;
        scanner.finding_limit = listed.max(FINDINGS);
        let mut done = self.job(&engine, context, control).run(scanner, content, context.conversation, 0);
        scanner.finding_limit = listed;
        done.before = done.before.limited(listed);
        done.after = done.after.limited(listed);
        Ok(done)
    }

    fn job<'j>(&'j self, engine: &'j Engine, context: &TransformContext<'j>, control: &'j ScanControl) -> Job<'j> {
        Job { plan: self, engine, limits: engine.limits(), key: context.key, nonce: context.nonce, control }
    }

    /// Which regions of a content will change. `None`: something that was to go would be left.
    pub(crate) fn settle(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        context: TransformContext<'_>,
        control: &ScanControl,
    ) -> Option<Settled> {
        let engine = scanner.engine().clone();
        let job = self.job(&engine, &context, control);
        let (done, settled) = job.settle(scanner, content, context.conversation, 0);
        done.after.coverage.complete.then_some(settled)
    }

    /// The body of `content` from `start` on, with the regions in it changed.
    pub(crate) fn render(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        settled: &Settled,
        start: usize,
        context: TransformContext<'_>,
        control: &ScanControl,
    ) -> (Vec<u8>, Vec<Change>) {
        let inside = |region: &&Region| start <= region.range.start && region.range.end <= content.body.len();
        let regions: Vec<Region> = settled.regions.iter().filter(inside).cloned().collect();
        let engine = scanner.engine().clone();
        let job = self.job(&engine, &context, control);
        let mut rendered = job.render(scanner, content, &regions, context.conversation, false, 0);
        rendered.body.drain(..start);
        for change in &mut rendered.changes {
            change.output = Span { start: change.output.start - start, end: change.output.end - start };
        }
        (rendered.body, rendered.changes)
    }
}

/// The regions of a content that a plan changes.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    regions: Vec<Region>,
    /// From the changed body to the body.
    map: OffsetMap,
    /// Length of the changed body.
    len: usize,
}

impl Settled {
    /// Where they are.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.regions.iter().map(|region| region.range.clone())
    }

    /// Where the part of the body begins that becomes the last `reach` bytes of the changed one.
    pub(crate) fn hold_from(&self, reach: usize) -> usize {
        let at = self.len.saturating_sub(reach);
        self.map.source_span(at..at + 1).start
    }
}

struct Job<'j> {
    plan: &'j Plan,
    engine: &'j Engine,
    limits: &'j Limits,
    key: Option<&'j TransformKey>,
    nonce: [u8; NONCE],
    control: &'j ScanControl,
}

/// A content with its regions replaced.
#[derive(Default)]
struct Rendered {
    body: Vec<u8>,
    /// From the new body to the old.
    map: OffsetMap,
    changes: Vec<Change>,
}

impl Job<'_> {
    fn run(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        conversation: &mut Conversation,
        depth: usize,
    ) -> Transformed {
        self.settle(scanner, content, conversation, depth).0
    }

    fn settle(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        conversation: &mut Conversation,
        depth: usize,
    ) -> (Transformed, Settled) {
        let scanned = scanner.scan(content, self.control);
        let before = scanned.conclude();
        let found: Vec<Place> = scanned.places().into_iter().filter(|place| self.treats(place)).collect();
        if found.is_empty() {
            let content = content.body.to_vec();
            let settled = Settled { len: content.len(), ..Settled::default() };
            return (Transformed { content, changes: Vec::new(), after: before.clone(), before }, settled);
        }
        let mut source = Document::default();
        source.read(content, self.limits, &mut Coverage::new(0));
        let mut regions = Vec::new();
        for place in &found {
            self.claim(&source, content.body, place, true, &mut regions);
        }
        let mut exact = false;
        let mut pass = 0;
        loop {
            pass += 1;
            regions = merge(regions);
            // Numbers given out in a pass that did not do are given out again.
            let mut draft = conversation.clone();
            let rendered = self.render(scanner, content, &regions, &mut draft, exact, depth);
            let changed = Content { body: &rendered.body, ..*content };
            let scanned = scanner.scan(&changed, self.control);
            let notation = scanned.format() == before.format;
            let mut coverage = scanned.coverage().clone();
            let left: Vec<Place> = scanned
                .places()
                .into_iter()
                .filter(|place| self.treats(place))
                .map(|place| Place {
                    span: rendered.map.source_span(place.span),
                    blob: place.blob.map(|blob| rendered.map.source_span(blob)),
                    ..place
                })
                .filter(|place| !self.accepted(place, &regions, &mut coverage))
                .collect();
            let again = if !notation && before.format == Format::Text && !exact {
                // Without what was taken out, a broken notation has become a whole one: tokens must say that they came from a text.
                exact = true;
                true
            } else {
                self.press(&source, content.body, &left, &mut regions)
            };
            let interrupted = self.control.interruption().is_some();
            if again && pass < MAX_PASSES && !interrupted {
                continue;
            }
            if !left.is_empty() {
                coverage
                    .skip(self.told(&left), format!("they are still found after {pass} passes of the transformation"));
            }
            if !notation && before.format != Format::Text {
                coverage
                    .skip("the notation of the content", "it is no longer what it was: please report this as a bug");
            }
            let after = scanned.conclude_with(coverage);
            *conversation = draft;
            let settled = Settled { regions, map: rendered.map, len: rendered.body.len() };
            return (Transformed { content: rendered.body, changes: rendered.changes, before, after }, settled);
        }
    }

    fn treats(&self, place: &Place) -> bool {
        self.plan.treatment(self.engine.rules().rule(place.rule)).0 != Treatment::Keep
    }

    /// Whether a finding in the changed content is what its treatment is meant to leave there.
    fn accepted(&self, place: &Place, regions: &[Region], coverage: &mut Coverage) -> bool {
        let at = touched(regions, &place.span);
        let [region] = &regions[at] else { return false };
        if place.span.start < region.range.start || place.span.end > region.range.end {
            return false;
        }
        let (asked, _) = self.plan.treatment(self.engine.rules().rule(region.rule()));
        let note = match ladder(asked, region.level, region.site.form).0 {
            Treatment::Quote if place.quoted => "what was quoted is still there, and is found as a quotation",
            Treatment::Pseudonym if self.plan.checksum == Checksum::Valid => {
                "pseudonyms with right check digits are found like what they stand for"
            }
            _ => return false,
        };
        if !coverage.notes.iter().any(|known| known == note) {
            coverage.note(note.to_owned());
        }
        true
    }

    /// Adds the regions of a finding. `first`: before anything was replaced, a value is preferred to its name.
    fn claim(&self, source: &Document, body: &[u8], place: &Place, first: bool, regions: &mut Vec<Region>) {
        let rule = self.engine.rules().rule(place.rule);
        let rank = Rank {
            hides: self.plan.treatment(rule).0.hides(),
            severity: rule.severity,
            confidence: rule.confidence,
            len: place.span.len(),
            rule: Reverse(place.rule),
        };
        let span = place.blob.clone().unwrap_or_else(|| place.span.clone());
        let mut sites = source.sites(&span, body);
        if first && sites.iter().any(|site| site.form != Form::JsonName) {
            sites.retain(|site| site.form != Form::JsonName);
        }
        for site in sites {
            let mut range = span.start.max(site.range.start)..span.end.min(site.range.end);
            if site.form == Form::JsonNumber {
                range = site.range.clone();
            } else {
                whole_characters(body, &site, &mut range);
            }
            if place.blob.is_some() {
                let padding = body[range.end..site.range.end].iter().take(2).take_while(|byte| **byte == b'=').count();
                range.end += padding;
            }
            if !range.is_empty() {
                regions.push(Region { range, site, rank, blob: place.blob.is_some(), level: 0 });
            }
        }
    }

    /// Deals with what is still found: the regions around it grow, and where they cannot, the next treatment is tried. Says whether
    /// anything changed.
    fn press(&self, source: &Document, body: &[u8], left: &[Place], regions: &mut Vec<Region>) -> bool {
        let mut moved = false;
        let (mut more, mut raised) = (Vec::new(), HashSet::new());
        for place in left {
            let mut claims = Vec::new();
            self.claim(source, body, place, false, &mut claims);
            for claim in claims {
                let at = touched(regions, &claim.range);
                let inside = match &regions[at.clone()] {
                    [one] => one.range.start <= claim.range.start && claim.range.end <= one.range.end,
                    _ => false,
                };
                if !inside {
                    more.push(claim);
                    moved = true;
                } else if let Some(region) = regions.get_mut(at.start)
                    && raised.insert(at.start)
                {
                    let asked = self.plan.treatment(self.engine.rules().rule(region.rule())).0;
                    let form = region.site.form;
                    let reencoded = region.blob && self.plan.encoded == Encoded::Reencode && region.level == 0;
                    if reencoded || ladder(asked, region.level, form) != ladder(asked, region.level + 1, form) {
                        region.level += 1;
                        moved = true;
                    }
                }
            }
        }
        regions.extend(more);
        moved
    }

    fn render(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        regions: &[Region],
        conversation: &mut Conversation,
        exact: bool,
        depth: usize,
    ) -> Rendered {
        let body = content.body;
        let mut rendered = Rendered { body: Vec::with_capacity(body.len() + 64), ..Rendered::default() };
        let mut copied = 0;
        for region in regions {
            let rule = self.engine.rules().rule(region.rule());
            let raw = &body[region.range.clone()];
            let value = value(raw, region.site.form);
            let (asked, _) = self.plan.treatment(rule);
            let (treatment, _) = ladder(asked, region.level, region.site.form);
            let again = self.plan.encoded == Encoded::Reencode && region.blob && region.level == 0 && depth < DEEPEST;
            let inner = if again && asked != Treatment::Seal {
                self.reencode(scanner, content, &value, conversation, depth)
            } else {
                None
            };
            let new = match inner {
                Some(text) => Some(New::Text(text)),
                None => {
                    let (plan, key, nonce) = (self.plan, self.key, self.nonce);
                    Tools { plan, key, nonce, conversation, exact }.replace(region, rule, raw, &value)
                }
            };
            // A key that fails is no reason to let the value through.
            let new = new.unwrap_or_else(|| New::Text(format!("[removed: {}]", rule.id)));
            rendered.map.push_copy(copied, region.range.start - copied);
            rendered.body.extend_from_slice(&body[copied..region.range.start]);
            let start = rendered.body.len();
            write(&new, region.site.form, &mut rendered.body);
            let end = rendered.body.len();
            rendered.map.push_block(region.range.start, region.range.len(), end - start);
            rendered.changes.push(Change {
                rule: rule.id.clone(),
                treatment,
                source: Span { start: region.range.start, end: region.range.end },
                output: Span { start, end },
            });
            copied = region.range.end;
        }
        rendered.map.push_copy(copied, body.len() - copied);
        rendered.body.extend_from_slice(&body[copied..]);
        rendered
    }

    /// A blob with what was found in it replaced, in the same alphabet and with padding as before.
    fn reencode(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        blob: &str,
        conversation: &mut Conversation,
        depth: usize,
    ) -> Option<String> {
        let (url, padded) = (blob.contains(['-', '_']), blob.ends_with('='));
        let engine = match (url, padded || blob.len().is_multiple_of(4)) {
            (false, true) => &STANDARD,
            (false, false) => &STANDARD_NO_PAD,
            (true, true) => &URL_SAFE,
            (true, false) => &URL_SAFE_NO_PAD,
        };
        let text = engine.decode(blob).ok()?;
        let inner = Content { body: &text, format: Format::Text, cut_short: None, ..*content };
        let done = self.run(scanner, &inner, conversation, depth + 1);
        (!done.changes.is_empty() && done.after.coverage.complete).then(|| engine.encode(&done.content))
    }

    /// The findings that are left, by rule.
    fn told(&self, left: &[Place]) -> String {
        let mut rules: Vec<&str> = left.iter().map(|place| self.engine.rules().rule(place.rule).id.as_str()).collect();
        rules.sort_unstable();
        rules.dedup();
        let more = if rules.len() > 5 { ", …" } else { "" };
        rules.truncate(5);
        format!("{} findings of {}{more}", left.len(), rules.join(", "))
    }
}

/// The text that stands for a region's bytes.
fn value(raw: &[u8], form: Form) -> Cow<'_, str> {
    let lossy = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
    match form {
        Form::Text | Form::JsonNumber => String::from_utf8_lossy(raw),
        Form::JsonString | Form::JsonName => Cow::Owned(lossy(plain(raw))),
        Form::Utf16 { big_endian } => {
            let unit = |pair: &[u8]| match pair {
                [a, b] if big_endian => u16::from_be_bytes([*a, *b]),
                [a, b] => u16::from_le_bytes([*a, *b]),
                _ => 0xfffd,
            };
            let units: Vec<u16> = raw.chunks(2).map(unit).collect();
            Cow::Owned(String::from_utf16_lossy(&units))
        }
    }
}

/// Writes what takes a region's place the way its surroundings are written.
fn write(new: &New, form: Form, out: &mut Vec<u8>) {
    match (new, form) {
        (New::Number(digits), Form::JsonNumber) => out.extend_from_slice(digits.as_bytes()),
        (New::Text(text), Form::JsonNumber) => {
            out.push(b'"');
            write_json(text, out);
            out.push(b'"');
        }
        (New::Text(text) | New::Number(text), form) => match form {
            Form::Utf16 { big_endian } => write_utf16(text, big_endian, out),
            Form::JsonString | Form::JsonName => write_json(text, out),
            _ => out.extend_from_slice(text.as_bytes()),
        },
    }
}

/// Widens a range so that it cuts no character in two.
fn whole_characters(body: &[u8], site: &crate::content::Site, range: &mut Range<usize>) {
    if let Form::Utf16 { .. } = site.form {
        range.start -= (range.start - site.range.start) % 2;
        range.end = (range.end + (range.end - site.range.start) % 2).min(site.range.end);
        return;
    }
    let inside = |at: usize| body[at] & 0xc0 == 0x80;
    for _ in 0..3 {
        if range.start > site.range.start && inside(range.start) {
            range.start -= 1;
        }
        if range.end < site.range.end && inside(range.end) {
            range.end += 1;
        }
    }
}
