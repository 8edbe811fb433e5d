//! Room 4: hits in, *findings* out.
//!
//! A hit says that a literal was seen. Here a phrase is checked to stand as whole words, and an expression is run on the window
//! around its literal. By construction the matches are those that the expression would have on the whole view, leftmost and
//! not overlapping: every match contains a literal and lies within its window, and windows that touch are joined.
//! Numbers and codes are found by their shape. Detectors in Rust look for what neither marks: invisible characters, escape
//! sequences, addresses.

mod confirm;
mod email;
mod flood;
mod hidden;
mod homoglyph;
mod network;
mod opaque;
#[cfg(test)]
mod oracle;
mod phone;
mod prompt_leak;
mod quotation;
mod shape;
mod styled;
mod terminal;
pub(crate) mod validate;
mod wallet;

pub use confirm::Work;
pub(crate) use confirm::{Confirmer, Pass, Stopped};
pub(crate) use opaque::tokens as opaque_tokens;
pub(crate) use prompt_leak::PROMPT_DETECTOR;
pub use prompt_leak::{PromptError, RegisteredPrompts};
pub(crate) use shape::{Parts, Shaper, Shapes, automaton as forms, context, is_separator, run_shapes};
pub(crate) use validate::{Validator, validator, validator_names};

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::ops::Range;

use tamiz_simd::Signs;

use crate::content::{ContentKind, Document};
use crate::rule::{CompiledRules, Rule};
use crate::tokens::{TokenEstimate, TokenLimit};
use crate::view::{Layers, ViewKind};

/// Looks for something in Rust code. To add one: a file here, a line in [`DETECTORS`], a rule file that names it.
pub(crate) trait Detector: Sync + Debug {
    fn name(&self) -> &'static str;

    /// What there must be for it to find anything.
    fn needs(&self) -> Needs;

    /// Reports the places in `text`, which is a view or a part of one.
    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>));

    /// Reports what of a number that stands in `text` is one of its telephone numbers; for detectors of [`Needs::Phone`].
    fn find_in_number(&self, _text: &[u8], _number: &phone::Number, _found: &mut dyn FnMut(Range<usize>)) {}

    /// Whether a word is one of its addresses; for detectors of [`Needs::Address`].
    fn is_address(&self, _word: &[u8]) -> bool {
        false
    }
}

/// What a text must have for a detector to find anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The escape character.
    Escape,
    /// Digits that stand together: it is given what is written like a telephone number.
    Phone,
    /// Digits that stand together: it is given the words of hexadecimal digits and marks near them.
    Address,
    /// An at sign.
    At,
    /// A long run of letters and digits. It is given these runs, not the whole view.
    Token,
    /// Characters that are not shown.
    Invisible,
    /// Letters of Greek, Cyrillic, Armenian, Cherokee and Lisu.
    LookAlike,
    /// A long text.
    Long,
    /// Registered prompts: found by [`run_prompts`].
    Prompts,
    /// Letters of other styles than the plain one, turned over, or with marks.
    Styled,
}

/// Which sorts of characters beyond ASCII a text has. May say yes for nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Sorts {
    invisible: bool,
    look_alike: bool,
    styled: bool,
}

fn sorts(text: &[u8]) -> Sorts {
    let mut sorts = Sorts::default();
    for (number, part) in text.chunks(8).enumerate() {
        if !part.is_ascii() {
            (0..part.len()).filter(|at| part[*at] >= 0xc2).for_each(|at| sorts.note(&text[number * 8 + at..]));
        }
    }
    sorts
}

impl Sorts {
    /// Takes in the character that a text begins with.
    fn note(&mut self, text: &[u8]) {
        let (lead, next) = (text[0], |offset: usize| text.get(offset).copied().unwrap_or(0));
        match (lead, next(1)) {
            (0xe2, 0x80) => self.invisible |= matches!(next(2), 0x8b..=0x8f | 0xaa..=0xae),
            (0xcd, 0x8f) => (self.invisible, self.look_alike, self.styled) = (true, true, true),
            (0xd8, 0x9c)
            | (0xe1, 0x85 | 0xa0)
            | (0xe2, 0x81)
            | (0xe3, 0x85)
            | (0xef, 0xb8 | 0xbb | 0xbe)
            | (0xf3, _) => self.invisible = true,
            (0xe1, 0x8e | 0x8f) | (0xea, 0x93 | 0xad | 0xae) => self.look_alike = true,
            (0xc9 | 0xca | 0xcc, _) | (0xf0, 0x9d) | (0xe2, 0x92 | 0x93) => self.styled = true,
            (0xf0, 0x9f) => self.styled |= matches!(next(2), 0x84..=0x87),
            _ => {}
        }
        self.look_alike |= matches!(lead, 0xcd..=0xd6);
        self.styled |= lead == 0xcd;
    }
}

const DETECTORS: &[&dyn Detector] = &[
    &hidden::UnicodeTags,
    &hidden::BidiControls,
    &hidden::ZeroWidthRuns,
    &hidden::VariationSelectorData,
    &hidden::InvisibleLetters,
    &homoglyph::HomoglyphWords,
    &styled::StackedMarks,
    &styled::StyledLetters,
    &styled::TurnedLetters,
    &terminal::TerminalEscapes,
    &flood::Repetition,
    &flood::ManyShot,
    &prompt_leak::RegisteredPrompt,
    &email::EmailAddress,
    &network::PublicAddress,
    &network::PrivateAddress,
    &network::MacAddress,
    &phone::International,
    &phone::NorthAmerican,
    &phone::National,
    &wallet::Bitcoin,
    &wallet::Ethereum,
    &wallet::Monero,
];

/// What is checked beside a scan, with knowledge that no text holds: approved tools, earlier calls. A rule that names one of
/// these says what a finding means, and finds nothing in a text.
const BESIDE: [&str; 6] = ["catalogue", "arguments", "session", "mcp-header-mismatch", "entropy-budget", TOKEN_LIMIT];

/// What may be odd about an MCP message itself, as `content/message.rs` calls it.
const MESSAGE: [&str; 6] =
    ["mcp-duplicate-member", "mcp-jsonrpc", "mcp-version", "mcp-result-type", "mcp-header-secret", "mcp-media"];

/// Whether a detector looks at whole messages.
pub(crate) fn is_of_messages(name: &str) -> bool {
    MESSAGE.contains(&name)
}

/// Whether a detector works beside a scan.
pub(crate) fn is_beside(name: &str) -> bool {
    BESIDE.contains(&name)
}

pub(crate) fn detector(name: &str) -> Option<&'static dyn Detector> {
    DETECTORS.iter().copied().find(|detector| detector.name() == name)
}

pub(crate) fn detector_names() -> Vec<&'static str> {
    DETECTORS.iter().map(|detector| detector.name()).chain(MESSAGE).chain(BESIDE).collect()
}

/// Whether a detector is about a text as a whole.
pub(crate) fn detects_whole_texts(name: &str) -> bool {
    detector(name).is_some_and(|detector| detector.needs() == Needs::Long)
}

/// Whether a detector is one of numbers, so that words near what it finds can be looked at.
pub(crate) fn detects_digits(name: &str) -> bool {
    detector(name).is_some_and(|detector| matches!(detector.needs(), Needs::Phone | Needs::Address))
}

/// Something a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) rule: usize,
    /// In the original bytes.
    pub(crate) span: Range<usize>,
    pub(crate) segment: usize,
    pub(crate) depth: usize,
    pub(crate) view: usize,
    pub(crate) folded: bool,
    /// In the layer's text, or in its folded text.
    pub(crate) place: Range<usize>,
    /// It stands in quotation marks or is reported speech, so somebody may be talking about it.
    pub(crate) quoted: bool,
}

impl Found {
    /// Whether it is shown rather than another finding of the same rule at the same span: it was found earlier, or stands before it.
    fn shown_before(&self, other: &Found) -> bool {
        let key = |found: &Found| (found.depth, found.view, found.folded, found.place.start, found.place.end);
        key(self) < key(other)
    }
}

/// Findings of one content, each rule and place once. Reused from one content to the next.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Found>,
    /// Rules that matched, in order of first match, and whether all their findings are quotations.
    pub(crate) rules: Vec<(usize, bool)>,
    /// Findings beyond the limit: counted, not listed.
    pub(crate) omitted: usize,
    /// Rules with such findings.
    pub(crate) cut: HashSet<usize>,
    /// Where in `list` a rule's finding at a span is.
    seen: HashMap<(usize, usize, usize), usize>,
    matched: HashMap<usize, usize>,
}

impl Findings {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.rules.clear();
        self.seen.clear();
        self.matched.clear();
        self.omitted = 0;
        self.cut.clear();
    }

    fn add(&mut self, found: Found, limit: usize) {
        let first = match self.matched.entry(found.rule) {
            Entry::Vacant(entry) => {
                entry.insert(self.rules.len());
                self.rules.push((found.rule, found.quoted));
                true
            }
            Entry::Occupied(entry) => {
                self.rules[*entry.get()].1 &= found.quoted;
                false
            }
        };
        // A rule's first finding is always listed: every reason of a verdict has a place to show for it.
        if !first && self.list.len() >= limit {
            self.omitted += 1;
            self.cut.insert(found.rule);
            return;
        }
        match self.seen.entry((found.rule, found.span.start, found.span.end)) {
            Entry::Vacant(entry) => {
                entry.insert(self.list.len());
                self.list.push(found);
            }
            // A decoded text stands for all that it was decoded from, and may hold several matches. Back ends find them in any order; the
            // one that is shown is the same.
            Entry::Occupied(entry) => {
                let listed = &mut self.list[*entry.get()];
                if found.shown_before(listed) {
                    *listed = found;
                }
            }
        }
    }
}

/// Turns a place in a layer into a finding, if the rule applies to the segment it is in.
pub(crate) struct Recorder<'s> {
    pub(crate) rules: &'s CompiledRules,
    pub(crate) document: &'s Document,
    pub(crate) layers: &'s Layers,
    pub(crate) findings: &'s mut Findings,
    pub(crate) limit: usize,
    pub(crate) kinds: &'s [u8],
    pub(crate) body: &'s [u8],
}

impl Recorder<'_> {
    /// `range` is in the layer's text, or in its folded text.
    pub(crate) fn record(&mut self, rule: usize, depth: usize, range: Range<usize>, folded: bool) {
        let layer = self.layers.layer(depth);
        let Some(view) = layer.views_in(&range, folded).next() else { return };
        let segment = layer.views[view].segment;
        let kinds = self.document.segments()[segment].kinds;
        if kinds & self.kinds[rule] == 0 {
            return;
        }
        let place = range.clone();
        let range = if folded { layer.unfold(range) } else { range };
        // Tool metadata is written by the one who would gain, and has no business quoting orders.
        let quotable =
            depth == 0 && kinds & ContentKind::ToolMetadata.bit() == 0 && self.rules.rule(rule).family.is_order();
        let quoted = quotable && {
            let base = self.document.text(self.body);
            let (text, at) = (&base[layer.views[view].range.clone()], layer.views[view].range.start);
            quotation::is_quoted(text, at, &range) || quotation::is_reported(text, at, &range)
        };
        let span = self.document.source_span(self.layers.to_document(depth, range));
        // What a piece says alone, it says again where it is joined to others.
        let again = |found: &Found| found.rule == rule && found.span.start < span.end && span.start < found.span.end;
        if layer.views[view].kind == ViewKind::Joined && self.findings.list.iter().any(again) {
            return;
        }
        self.findings.add(Found { rule, span, segment, depth, view, folded, place, quoted }, self.limit);
    }

    /// Reports what is odd about messages.
    pub(crate) fn record_oddities(&mut self) {
        let document = self.document;
        for (what, segment) in document.oddities() {
            let named = |(id, rule): (usize, &Rule)| (rule.detector.as_deref() == Some(what)).then_some(id);
            let rules: Vec<usize> = self.rules.rules().iter().enumerate().filter_map(named).collect();
            for rule in rules {
                self.record(rule, 0, document.segments()[segment].text.clone(), false);
            }
        }
    }

    /// Whether the rule applies to any segment of the content.
    pub(crate) fn applies_anywhere(&self, rule: usize) -> bool {
        self.document.kinds() & self.kinds[rule] != 0
    }

    /// Whether the rule applies to the segment of a view.
    pub(crate) fn applies(&self, rule: usize, depth: usize, view: usize) -> bool {
        let segment = self.layers.layer(depth).views[view].segment;
        self.document.segments()[segment].kinds & self.kinds[rule] != 0
    }
}

/// The detector of contents that are longer than the policy allows.
const TOKEN_LIMIT: &str = "token-limit";

/// Compares the tokens of a content with the policy's limit. What is beyond it is told by the rule for that.
pub(crate) fn run_token_limit(recorder: &mut Recorder<'_>, text: &[u8], limit: TokenLimit) -> TokenEstimate {
    let (tokens, passed) = crate::tokens::count(text, limit.family, limit.tokens);
    if let Some(at) = passed {
        let view = recorder.layers.layer(0).views.iter().find(|view| view.range.end > at);
        let range = view.map_or(0..0, |view| at.max(view.range.start)..view.range.end);
        let named = |rule: &(usize, &Rule)| rule.1.detector.as_deref() == Some(TOKEN_LIMIT);
        let rules: Vec<usize> = recorder.rules.rules().iter().enumerate().filter(named).map(|(id, _)| id).collect();
        for rule in rules.into_iter().filter(|_| !range.is_empty()) {
            recorder.record(rule, 0, range.clone(), false);
        }
    }
    TokenEstimate { family: limit.family, tokens, limit: limit.tokens }
}

/// Looks for passages of registered prompts in each view of a layer to which a rule for them applies.
pub(crate) fn run_prompts(recorder: &mut Recorder<'_>, depth: usize, prompts: &RegisteredPrompts) {
    let (rules, layers) = (recorder.rules, recorder.layers);
    let layer = layers.layer(depth);
    for (rule, _) in rules.detectors.iter().filter(|(_, detector)| detector.name() == PROMPT_DETECTOR) {
        for (id, view) in layer.views.iter().enumerate() {
            if recorder.applies(*rule, depth, id) {
                let range = view.folded.clone();
                prompts.find(&layer.folded[range.clone()], |found| {
                    recorder.record(*rule, depth, range.start + found.start..range.start + found.end, true);
                });
            }
        }
    }
}

/// Runs the detectors that rules name over the views of a layer that have what they need: nothing they look for runs from one view
/// into the next.
pub(crate) fn run_detectors(recorder: &mut Recorder<'_>, depth: usize, text: &[u8]) {
    let (rules, layers) = (recorder.rules, recorder.layers);
    let layer = layers.layer(depth);
    let survey = &layer.survey;
    let mut find = |needs: Needs, place: Range<usize>| {
        for (rule, detector) in rules.detectors.iter().filter(|(_, detector)| detector.needs() == needs) {
            detector.find(&text[place.clone()], &mut |found: Range<usize>| {
                recorder.record(*rule, depth, place.start + found.start..place.start + found.end, false);
            });
        }
    };
    for (sign, byte, needs) in [(Signs::ESCAPE, 0x1b, Needs::Escape), (Signs::AT, b'@', Needs::At)] {
        let mut from = 0;
        while let Some(at) = memchr::memchr(byte, &text[from..]).filter(|_| survey.signs.has(sign)) {
            let Some(view) = layer.views_in(&(from + at..from + at + 1), false).next() else { break };
            let view = layer.views[view].range.clone();
            from = view.end;
            find(needs, view);
        }
    }
    // What was decoded is no longer than what it was decoded from.
    if depth == 0 && text.len() >= flood::LONG {
        layer
            .views
            .iter()
            .filter(|view| view.range.len() >= flood::LONG)
            .for_each(|view| find(Needs::Long, view.range.clone()));
    }
    // No word that the detectors of tokens look for is shorter.
    for run in survey.tokens.iter().map(|run| run.range()).filter(|run| run.len() >= SHORTEST_TOKEN) {
        let Some(view) = layer.views_in(&run, false).next() else { continue };
        let view = &layer.views[view].range;
        find(Needs::Token, run.start.max(view.start)..run.end.min(view.end));
    }
    if !survey.signs.has(Signs::NON_ASCII) {
        return;
    }
    for view in &layer.views {
        let place = view.range.clone();
        if text[place.clone()].is_ascii() {
            continue;
        }
        let sorts = sorts(&text[place.clone()]);
        for (there, needs) in
            [(sorts.invisible, Needs::Invisible), (sorts.look_alike, Needs::LookAlike), (sorts.styled, Needs::Styled)]
        {
            if there {
                find(needs, place.clone());
            }
        }
    }
}

/// Shortest run of letters and digits that a detector of [`Needs::Token`] finds something in.
const SHORTEST_TOKEN: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_match_that_is_shown_does_not_depend_on_the_order_of_hits() {
        let at = |start: usize| Found {
            rule: 3,
            span: 0..90,
            segment: 0,
            depth: 1,
            view: 0,
            folded: true,
            place: start..start + 10,
            quoted: false,
        };
        for order in [[5, 40, 60], [60, 5, 40], [40, 60, 5]] {
            let mut findings = Findings::default();
            order.into_iter().for_each(|start| findings.add(at(start), 10));
            assert_eq!(findings.list, [at(5)]);
        }
    }
}
