//! From hits to matches: whole words for phrases; for expressions what stands beside their anchor, whether the text goes on from
//! there as they do, and then the expression itself on a window.

use std::ops::{AddAssign, Range};

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::meta::{self, Regex};
use regex_automata::{Anchored, Input, PatternID};

use serde::Serialize;

use super::Recorder;
use crate::limits::{Interruption, ScanControl};
use crate::matching::{Hit, Searcher};
use crate::rule::{CompiledRules, Neighbours, Pattern, Use};
use crate::view::Layer;

/// Text matched between two looks at the clock.
const STEP: usize = 256 << 10;
/// How many times longer folded text can be than what it is the folded form of.
const LONGEST_FOLDED: usize = 12;
/// Hits and windows worked through between two looks at the clock.
const LOOK: usize = 256;
/// Memory of all expressions' caches of a worker, in bytes. Beyond it they start over.
const MOST_CACHED: usize = 32 << 20;

/// Collects windows and runs expressions; owned by a worker.
#[derive(Debug)]
pub(crate) struct Confirmer {
    anchors: Box<dyn Searcher>,
    hits: Vec<Hit>,
    /// Where an expression must be tried: pattern, start, end. Those of a pattern are in order and do not touch.
    windows: Vec<(u32, usize, usize)>,
    /// For each pattern, one past its newest window.
    newest: Vec<u32>,
    /// For each set of companions, where they stand in the piece of text, in order; and which sets have any.
    companions: Vec<Vec<usize>>,
    met: Vec<u32>,
    /// The piece of text.
    piece: Range<usize>,
    caches: Vec<Option<Box<Caches>>>,
    /// Pieces of text since the caches' memory was last looked at.
    pieces: usize,
    pub(crate) work: Work,
}

/// Scratch memory of an expression: of its loose automata, and its own.
#[derive(Debug, Default)]
struct Caches {
    tail: Option<dfa::Cache>,
    loose: Option<dfa::Cache>,
    exact: Option<meta::Cache>,
}

impl Caches {
    fn of(all: &mut [Option<Box<Self>>], id: u32) -> &mut Self {
        all[id as usize].get_or_insert_with(Box::default)
    }

    fn memory_usage(&self) -> usize {
        let loose: usize = [&self.tail, &self.loose].into_iter().flatten().map(dfa::Cache::memory_usage).sum();
        loose + self.exact.as_ref().map_or(0, meta::Cache::memory_usage)
    }
}

/// What matching had to do: deterministic, unlike time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Work {
    /// Bytes of folded text that were searched for anchors.
    pub bytes: u64,
    /// Anchors seen.
    pub anchors: u64,
    /// Anchors from which the text was compared with what an expression goes on with.
    pub tails: u64,
    /// Windows that an expression was run on.
    pub windows: u64,
    /// Bytes in these windows.
    pub window_bytes: u64,
    /// Letters and digits that were compared with the forms of numbers.
    pub shape_steps: u64,
    /// Numbers of the right form that a rule looked at.
    pub shape_checks: u64,
    /// Bytes near digits that detectors went through.
    pub shape_bytes: u64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.anchors += more.anchors;
        self.tails += more.tails;
        self.windows += more.windows;
        self.window_bytes += more.window_bytes;
        self.shape_steps += more.shape_steps;
        self.shape_checks += more.shape_checks;
        self.shape_bytes += more.shape_bytes;
    }
}

/// One layer to search.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'p> {
    pub(crate) rules: &'p CompiledRules,
    /// The layer's text.
    pub(crate) raw: &'p [u8],
    pub(crate) layer: &'p Layer,
    pub(crate) depth: usize,
    /// The server that the content goes to, as the caller declared it.
    pub(crate) server: Option<&'p str>,
}

/// How far a pass over a layer got.
pub(crate) struct Stopped {
    pub(crate) why: Interruption,
    /// Bytes of the layer's text that were searched.
    pub(crate) at: usize,
}

impl Confirmer {
    pub(crate) fn new(anchors: Box<dyn Searcher>) -> Self {
        Self {
            anchors,
            hits: Vec::new(),
            windows: Vec::new(),
            newest: Vec::new(),
            companions: Vec::new(),
            met: Vec::new(),
            piece: 0..0,
            caches: Vec::new(),
            pieces: 0,
            work: Work::default(),
        }
    }

    /// Searches the layer and records what is confirmed. A stage of its own in profiles (`scripts/instructions.py --stages`).
    #[inline(never)]
    pub(crate) fn run(
        &mut self,
        pass: Pass<'_>,
        recorder: &mut Recorder<'_>,
        control: &ScanControl,
    ) -> Result<(), Stopped> {
        let text = pass.layer.folded.as_slice();
        self.windows.drain(..).for_each(|(id, ..)| self.newest[id as usize] = 0);
        let overlap = pass.rules.anchors.longest().saturating_sub(1);
        let mut at = 0;
        while at < text.len() {
            let reached = |why| Stopped { why, at: pass.layer.unfold(at..at).start };
            if let Some(why) = control.interruption() {
                return Err(reached(why));
            }
            let end = (at + STEP).min(text.len());
            let from = at.saturating_sub(overlap);
            let hits = &mut self.hits;
            hits.clear();
            self.anchors.find(&text[from..end], &mut |hit| {
                if from + hit.end > at {
                    hits.push(Hit { start: from + hit.start, end: from + hit.end, ..hit });
                }
            });
            self.work.bytes += (end - at) as u64;
            self.work.anchors += self.hits.len() as u64;
            if !self.hits.is_empty() {
                self.piece = at..end;
                self.weigh(pass, recorder, control).map_err(reached)?;
            }
            self.bound_caches();
            at = end;
        }
        if self.windows.is_empty() { Ok(()) } else { self.confirm_all(pass, recorder, control) }
    }

    /// Goes through the hits: records phrases, and makes windows where an expression may match.
    fn weigh(
        &mut self,
        pass: Pass<'_>,
        recorder: &mut Recorder<'_>,
        control: &ScanControl,
    ) -> Result<(), Interruption> {
        let text = pass.layer.folded.as_slice();
        let mut hits = std::mem::take(&mut self.hits);
        // A back end may report places that only look like the literal.
        hits.retain(|hit| text[hit.start..hit.end] == *pass.rules.anchors.get(hit.literal));
        self.newest.resize(pass.rules.patterns.len(), 0);
        self.caches.resize_with(pass.rules.patterns.len(), || None);
        self.meet(pass.rules, &hits);
        for some in hits.chunks(LOOK) {
            if let Some(why) = control.interruption() {
                self.hits = hits;
                return Err(why);
            }
            for hit in some {
                self.mean(pass, recorder, *hit);
            }
        }
        self.hits = hits;
        Ok(())
    }

    /// Notes where companions stand.
    fn meet(&mut self, rules: &CompiledRules, hits: &[Hit]) {
        self.companions.resize_with(rules.companions, Vec::new);
        self.met.drain(..).for_each(|set| self.companions[set as usize].clear());
        for hit in hits {
            for set in rules.companion_sets(hit.literal) {
                let places = &mut self.companions[*set as usize];
                if places.is_empty() {
                    self.met.push(*set);
                }
                places.push(hit.start);
            }
        }
        self.met.iter().for_each(|set| self.companions[*set as usize].sort_unstable());
    }

    /// Whether a pattern's companion is where it must be. True where that cannot be told, near the ends of the piece of text.
    fn is_accompanied(&self, pass: Pass<'_>, pattern: &Pattern, hit: Hit) -> bool {
        let Some(set) = pattern.companion else { return true };
        // Text as it is may be shorter than it is folded.
        let longer = if pattern.folded { 1 } else { LONGEST_FOLDED };
        let near = hit.start.saturating_sub(pattern.reach.0 * longer)..hit.start + pattern.reach.1 * longer;
        let end = near.end.min(pass.layer.folded.len());
        let whole = near.start >= self.piece.start && end <= self.piece.end;
        let places = &self.companions[set as usize];
        let next = places.partition_point(|place| *place < near.start);
        places.get(next).is_some_and(|place| *place < near.end) || !whole
    }

    /// What one anchor means.
    fn mean(&mut self, pass: Pass<'_>, recorder: &mut Recorder<'_>, hit: Hit) {
        let text = pass.layer.folded.as_slice();
        for use_ in pass.rules.uses(hit.literal) {
            match *use_ {
                Use::Phrase { template, lead, trail } => {
                    let template = &pass.rules.templates[template as usize];
                    if recorder.applies_anywhere(template.rule) {
                        template.places(text, hit.start..hit.end, lead, trail, &mut |place| {
                            if stands_alone(text, &place) {
                                recorder.record(template.rule, pass.depth, place, true);
                            }
                        });
                    }
                }
                Use::Pattern { pattern: id, begins, ends } => {
                    let pattern = &pass.rules.patterns[id as usize];
                    if recorder.applies_anywhere(pattern.rule)
                        && self.is_accompanied(pass, pattern, hit)
                        && fits(pass, pattern, hit, begins, ends)
                        && self.goes_on(pass, id, hit)
                    {
                        self.widen(pass, id, hit);
                    }
                }
            }
        }
    }

    /// Whether the text from an anchor on may be the rest of a match. True where that cannot be told.
    fn goes_on(&mut self, pass: Pass<'_>, id: u32, hit: Hit) -> bool {
        let pattern = &pass.rules.patterns[id as usize];
        let Some(tail) = pattern.loose_tail() else { return true };
        let (text, at) = place(pass, pattern, hit);
        // The text of the view alone: `^` and `$` stand for its ends.
        let Some(view) = pass.layer.views_in(&(at..at + 1), pattern.folded).next() else { return true };
        let view = &pass.layer.views[view];
        let view = if pattern.folded { &view.folded } else { &view.range };
        let (text, at) = (&text[view.clone()], at.saturating_sub(view.start));
        let within = at..(at + pattern.reach.1).min(text.len());
        self.work.tails += 1;
        let cache = &mut Caches::of(&mut self.caches, id).tail;
        may_match(tail, cache, Input::new(text).range(within).anchored(Anchored::Yes))
    }

    /// Adds a window around an anchor, joining it with the pattern's newest one if they touch.
    fn widen(&mut self, pass: Pass<'_>, id: u32, hit: Hit) {
        let pattern = &pass.rules.patterns[id as usize];
        let (text, at) = place(pass, pattern, hit);
        let (start, end) = (at.saturating_sub(pattern.reach.0), (at + pattern.reach.1).min(text.len()));
        let newest = &mut self.newest[id as usize];
        if let Some(index) = newest.checked_sub(1) {
            let window = &mut self.windows[index as usize];
            if start <= window.2 && window.1 <= end {
                window.1 = window.1.min(start);
                window.2 = window.2.max(end);
                return;
            }
        }
        self.windows.push((id, start, end));
        *newest = self.windows.len() as u32;
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
        let mut reached = Ok(());
        for (number, (id, start, end)) in windows.iter().enumerate() {
            if number % 16 == 0
                && let Some(why) = control.interruption()
            {
                reached = Err(Stopped { why, at: 0 });
                break;
            }
            self.work.windows += 1;
            self.work.window_bytes += (end - start) as u64;
            confirm(pass, *id, Caches::of(&mut self.caches, *id), *start..*end, recorder);
        }
        self.windows = windows;
        reached
    }

    /// Lets go of the caches when they have grown too large. Looked at now and then only, for it takes some microseconds.
    fn bound_caches(&mut self) {
        self.pieces += 1;
        if self.pieces.is_multiple_of(64) {
            let used: usize = self.caches.iter().flatten().map(|caches| caches.memory_usage()).sum();
            if used > MOST_CACHED {
                self.caches.iter_mut().for_each(|caches| *caches = None);
            }
        }
    }
}

/// The text that an expression is matched on, and where an anchor stands in it.
fn place<'p>(pass: Pass<'p>, pattern: &Pattern, hit: Hit) -> (&'p [u8], usize) {
    if pattern.folded {
        (&pass.layer.folded, hit.start)
    } else {
        (pass.raw, pass.layer.unfold(hit.start..hit.end).start)
    }
}

/// Whether a loose automaton finds something. One that gives up, because its cache was filled too often, leaves that open.
fn may_match(loose: &DFA, cache: &mut Option<dfa::Cache>, input: Input<'_>) -> bool {
    let cache = cache.get_or_insert_with(|| loose.create_cache());
    !matches!(loose.try_search_fwd(cache, &input.earliest(true)), Ok(None))
}

/// Whether word boundaries and neighbouring bytes are as every match has them. Most hits of short literals end here.
fn fits(pass: Pass<'_>, pattern: &Pattern, hit: Hit, begins: bool, ends: bool) -> bool {
    let (text, range) = if pattern.folded {
        (pass.layer.folded.as_slice(), hit.start..hit.end)
    } else if begins || ends || pattern.beside != [None; 2] {
        (pass.raw, pass.layer.unfold(hit.start..hit.end))
    } else {
        return true;
    };
    let (before, after) = (&text[..range.start], &text[range.end..]);
    if range.is_empty()
        || begins && !boundary(before, &text[range.start..])
        || ends && !boundary(&text[..range.end], after)
    {
        return false;
    }
    let all = |beside: &Neighbours, bytes: &[u8]| {
        bytes.len() == beside.count && bytes.iter().all(|byte| beside.class.has(*byte))
    };
    let [left, right] = &pattern.beside;
    left.as_ref().is_none_or(|left| all(left, &before[before.len().saturating_sub(left.count)..]))
        && right.as_ref().is_none_or(|right| all(right, &after[..after.len().min(right.count)]))
}

/// Whether there is an ASCII word boundary between two texts.
fn boundary(before: &[u8], after: &[u8]) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_word(before.last()) != is_word(after.first())
}

/// Runs an expression on a window, in each view that the window touches.
fn confirm(pass: Pass<'_>, id: u32, caches: &mut Caches, window: Range<usize>, recorder: &mut Recorder<'_>) {
    let Pass { rules, raw, layer, depth, .. } = pass;
    let pattern = &rules.patterns[id as usize];
    let text = if pattern.folded { layer.folded.as_slice() } else { raw };
    for view in layer.views_in(&window, pattern.folded) {
        if !recorder.applies(pattern.rule, depth, view) {
            continue;
        }
        let view = &layer.views[view];
        let place = if pattern.folded { view.folded.clone() } else { view.range.clone() };
        let within = window.start.max(place.start) - place.start..window.end.min(place.end) - place.start;
        let text = &text[place.clone()];
        let input = Input::new(text).range(within.clone());
        if pattern.loose().is_some_and(|loose| !may_match(loose, &mut caches.loose, input)) {
            continue;
        }
        let Some(exact) = pattern.regex() else { continue };
        let cache = caches.exact.get_or_insert_with(|| exact.create_cache());
        each_match(exact, cache, text, within, |range| {
            let judged =
                pattern.validator.map_or(Some(range.clone()), |validator| validator.judge(text, range, pass.server));
            let Some(range) = judged else { return };
            let range = place.start + range.start..place.start + range.end;
            recorder.record(pattern.rule, depth, range, pattern.folded);
        });
    }
}

/// Sorts windows and joins those of a pattern that touch: hits come in no order, so a window may reach back over an older one.
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
pub(super) fn each_match(
    regex: &Regex,
    cache: &mut meta::Cache,
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

/// Whether a phrase stands as whole words: where it begins or ends in one, no word goes on beside it.
fn stands_alone(text: &[u8], place: &Range<usize>) -> bool {
    let (inside, before, after) = (&text[place.clone()], &text[..place.start], &text[place.end..]);
    let joined = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(|inner| is_word(inner) && inner < SPACELESS) && outer.is_some_and(is_word)
    };
    !joined(first_char(inside), last_char(before)) && !joined(last_char(inside), first_char(after))
}

/// From here on scripts do without spaces between words: Thai, Chinese, Japanese.
const SPACELESS: char = '\u{e00}';

fn last_char(text: &[u8]) -> Option<char> {
    let start = text.len().saturating_sub(4);
    let tail = &text[start..];
    let at = (0..tail.len()).rev().find(|at| tail[*at] & 0xc0 != 0x80)?;
    first_char(&tail[at..])
}

fn first_char(text: &[u8]) -> Option<char> {
    text[..text.len().min(4)].utf8_chunks().next()?.valid().chars().next()
}

fn is_word(character: char) -> bool {
    // An underscore is none: Markdown emphasises with it.
    character.is_alphanumeric()
}
