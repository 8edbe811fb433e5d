//! From hits to matches: whole words for phrases, the expression on a window for the rest.

use std::ops::Range;

use regex_automata::meta::{Cache, Regex};
use regex_automata::{Input, PatternID};

use super::Recorder;
use crate::limits::{Interruption, ScanControl};
use crate::matching::{Hit, Matcher, Presence};
use crate::rule::{Pattern, Side, Use};
use crate::view::Layer;

/// Text matched between two looks at the clock.
const STEP: usize = 256 << 10;
/// Texts up to this long are looked through as a whole for the literals of an expression.
const SHORT: usize = 16 << 10;
/// Findings recorded between two looks at the clock.
const LOOK: usize = 256;

/// Collects windows and runs expressions; one per side, owned by a worker.
#[derive(Debug, Default)]
pub(crate) struct Confirmer {
    /// Where an expression must be tried: pattern, start, end. Those of a pattern are in order and do not touch.
    windows: Vec<(u32, usize, usize)>,
    /// For each pattern, one past its newest window.
    newest: Vec<u32>,
    phrases: Vec<(u32, usize, usize)>,
    caches: Vec<Option<Box<Cache>>>,
    /// A window, or a short text, in lower case.
    lower: Vec<u8>,
    presence: Presence,
    /// Of the pattern being confirmed: which needles of each of its sets the short text has.
    present: Vec<Vec<u32>>,
}

/// One text to search, and with what.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'p> {
    pub(crate) side: &'p Side,
    pub(crate) matcher: &'p dyn Matcher,
    /// A layer's text, or its folded text.
    pub(crate) text: &'p [u8],
    pub(crate) folded: bool,
    pub(crate) depth: usize,
}

/// How far a pass over a text got.
pub(crate) struct Stopped {
    pub(crate) why: Interruption,
    /// Bytes of the text that were searched.
    pub(crate) at: usize,
}

impl Confirmer {
    /// Searches the text and records what is confirmed.
    pub(crate) fn run(
        &mut self,
        pass: Pass<'_>,
        recorder: &mut Recorder<'_>,
        control: &ScanControl,
    ) -> Result<(), Stopped> {
        let Pass { side, matcher, text, folded, depth } = pass;
        self.windows.clear();
        self.phrases.clear();
        self.newest.clear();
        self.newest.resize(side.patterns.len(), 0);
        self.caches.resize_with(side.patterns.len(), || None);

        let overlap = side.literals.longest().saturating_sub(1);
        let mut at = 0;
        while at < text.len() {
            if let Some(why) = control.interruption() {
                return Err(Stopped { why, at });
            }
            let end = (at + STEP).min(text.len());
            let from = at.saturating_sub(overlap);
            matcher.find(&text[from..end], &mut |hit| {
                if from + hit.end > at {
                    self.hit(pass, recorder, hit, from);
                }
            });
            at = end;
        }
        for some in self.phrases.chunks(LOOK) {
            if let Some(why) = control.interruption() {
                return Err(Stopped { why, at: 0 });
            }
            for (rule, start, end) in some {
                recorder.record(*rule as usize, depth, *start..*end, folded);
            }
        }
        self.confirm_all(pass, recorder, control)
    }

    /// Runs the expressions on their windows, those of a pattern together.
    fn confirm_all(
        &mut self,
        pass: Pass<'_>,
        recorder: &mut Recorder<'_>,
        control: &ScanControl,
    ) -> Result<(), Stopped> {
        let mut windows = std::mem::take(&mut self.windows);
        join(&mut windows);
        let short = pass.text.len() <= SHORT;
        if short && !windows.is_empty() {
            self.lower.clear();
            self.lower.extend_from_slice(pass.text);
            self.lower.make_ascii_lowercase();
            self.presence.start(&self.lower, pass.side.needles.len());
        }
        for of_pattern in windows.chunk_by(|a, b| a.0 == b.0) {
            let id = of_pattern[0].0 as usize;
            let pattern = &pass.side.patterns[id];
            // A match contains all its literals. In a short text one look for them does for all windows.
            if short && !self.note_present(pass.side, pattern) {
                continue;
            }
            for some in of_pattern.chunks(16) {
                if let Some(why) = control.interruption() {
                    self.windows = windows;
                    return Err(Stopped { why, at: 0 });
                }
                for (_, start, end) in some {
                    self.confirm(pass, id, *start..*end, short, recorder);
                }
            }
        }
        self.windows = windows;
        Ok(())
    }

    fn hit(&mut self, pass: Pass<'_>, recorder: &Recorder<'_>, hit: Hit, from: usize) {
        let Pass { side, text, .. } = pass;
        let (start, end) = (from + hit.start, from + hit.end);
        // A back end may report places that only look like the literal.
        if !text[start..end].eq_ignore_ascii_case(side.literals.get(hit.literal)) {
            return;
        }
        for use_ in side.uses(hit.literal) {
            match *use_ {
                Use::Phrase { rule, before, after } => {
                    if !(before && ends_in_word(&text[..start]) || after && starts_with_word(&text[end..])) {
                        self.phrases.push((rule, start, end));
                    }
                }
                Use::Pattern(pattern) if !recorder.applies_anywhere(side.patterns[pattern as usize].rule) => {}
                Use::Pattern(pattern) => {
                    let (before, after) = side.patterns[pattern as usize].reach;
                    self.widen(pattern, start.saturating_sub(before), (start + after).min(text.len()));
                }
            }
        }
    }

    /// Notes which needles of each of the pattern's sets a short text has; false if it has none of some set.
    fn note_present(&mut self, side: &Side, pattern: &Pattern) -> bool {
        let Self { lower, presence, present, .. } = self;
        present.resize_with(present.len().max(pattern.also.len()), Vec::new);
        present.iter_mut().for_each(Vec::clear);
        for (set, noted) in pattern.also.iter().zip(present.iter_mut()) {
            noted.extend(set.iter().filter(|id| presence.has(lower, &side.needles, **id)));
            if noted.is_empty() {
                return false;
            }
        }
        true
    }

    /// Adds a window, joining it with the pattern's newest one if they touch.
    fn widen(&mut self, pattern: u32, start: usize, end: usize) {
        let newest = &mut self.newest[pattern as usize];
        if let Some(index) = newest.checked_sub(1) {
            let window = &mut self.windows[index as usize];
            if start <= window.2 {
                window.1 = window.1.min(start);
                window.2 = window.2.max(end);
                return;
            }
        }
        self.windows.push((pattern, start, end));
        *newest = self.windows.len() as u32;
    }

    fn confirm(&mut self, pass: Pass<'_>, id: usize, window: Range<usize>, short: bool, recorder: &mut Recorder<'_>) {
        let Pass { side, text, folded, depth, .. } = pass;
        let pattern = &side.patterns[id];
        if !pattern.also.is_empty() {
            // Of a short text the lower case is there already, and what is nowhere in it is in no window.
            let Self { lower, present, .. } = self;
            let (sets, part) = if short {
                (&present[..pattern.also.len()], &lower[window.clone()])
            } else {
                lower.clear();
                lower.extend_from_slice(&text[window.clone()]);
                lower.make_ascii_lowercase();
                (pattern.also.as_slice(), lower.as_slice())
            };
            if !sets.iter().all(|set| set.iter().any(|id| side.needles[*id as usize].is_in(part))) {
                return;
            }
        }
        let Some(regex) = pattern.regex() else { return };
        let cache = self.caches[id].get_or_insert_with(|| Box::new(regex.create_cache()));
        let layer: &Layer = recorder.layers.layer(depth);
        for view in layer.views_in(&window, folded) {
            if !recorder.applies(pattern.rule, depth, view) {
                continue;
            }
            let view = &layer.views[view];
            let place = if folded { view.folded.clone() } else { view.range.clone() };
            let within = window.start.max(place.start) - place.start..window.end.min(place.end) - place.start;
            each_match(regex, cache, &text[place.clone()], within, |range| {
                let range = place.start + range.start..place.start + range.end;
                if pattern.validator.is_none_or(|validator| validator.accepts(&text[range.clone()])) {
                    recorder.record(pattern.rule, depth, range, folded);
                }
            });
        }
    }
}

/// Sorts windows and joins those of a pattern that touch: hits come in order of their start or of their end, and so a window may
/// reach back over an older one.
fn join(windows: &mut Vec<(u32, usize, usize)>) {
    windows.sort_unstable();
    windows.dedup_by(|next, kept| {
        let touches = next.0 == kept.0 && next.1 <= kept.2;
        if touches {
            kept.2 = kept.2.max(next.2);
        }
        touches
    });
}

/// The group that a finding covers, where an expression has it.
const SECRET: &str = "secret";

/// Calls `found` with each match in `haystack[within]`, or with its group `secret`.
fn each_match(
    regex: &Regex,
    cache: &mut Cache,
    haystack: &[u8],
    within: Range<usize>,
    mut found: impl FnMut(Range<usize>),
) {
    let mut input = Input::new(haystack).range(within);
    let group = regex.group_info().to_index(PatternID::ZERO, SECRET);
    let mut captures = group.map(|_| regex.create_captures());
    loop {
        let whole = match &mut captures {
            None => regex.search_with(cache, &input).map(|found| found.range()),
            Some(captures) => {
                regex.search_captures_with(cache, &input, captures);
                captures.get_match().map(|found| found.range())
            }
        };
        let Some(whole) = whole else { return };
        let part = captures.as_ref().zip(group).and_then(|(captures, group)| captures.get_group(group));
        found(part.map_or(whole.clone(), |part| part.range()));
        input.set_start(whole.end.max(whole.start + 1));
        if input.is_done() {
            return;
        }
    }
}

fn ends_in_word(text: &[u8]) -> bool {
    let start = text.len().saturating_sub(4);
    let tail = &text[start..];
    let at = (0..tail.len()).rev().find(|at| tail[*at] & 0xc0 != 0x80);
    at.and_then(|at| first_char(&tail[at..])).is_some_and(is_word)
}

fn starts_with_word(text: &[u8]) -> bool {
    first_char(&text[..text.len().min(4)]).is_some_and(is_word)
}

fn first_char(text: &[u8]) -> Option<char> {
    text.utf8_chunks().next()?.valid().chars().next()
}

fn is_word(character: char) -> bool {
    // An underscore is none: Markdown emphasises with it.
    character.is_alphanumeric()
}
