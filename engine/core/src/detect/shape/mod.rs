//! Numbers and codes by their form: what no literal marks.
//!
//! In: the places of a layer where digits stand together ([`cluster`] finds them; elsewhere nothing is looked at). Out:
//! findings of the rules with a `[shape]` or with a detector of numbers. From each place where a word begins, one walk through
//! one automaton tells which rules' forms the text has; then a rule's validator looks at the letters and digits alone; then the
//! words near it say whether it is what it looks like. Where several rules claim the same text, the best supported one gets it.
//!
//! Cost: at most [`automaton::LONGEST`] steps and as many separators from each beginning of a word, whatever the number of
//! rules; a text with few digits costs nothing.

pub(crate) mod automaton;
pub(crate) mod cluster;
pub(crate) mod context;

use std::ops::Range;

use automaton::{Automaton, DEAD, DIGIT, Form, LETTER, LONGEST, SEPARATOR, START};
use cluster::Clusters;
use context::{LONGEST_PHRASE, MOST_GLUE, Seen, Words};

use super::{Detector, Needs, Recorder, Validator, Work, network, phone};
use crate::limits::{Interruption, ScanControl};
use crate::rule::{Context, Rule, Shape};

/// Text that is worked through at a time, in bytes.
const CHUNK: usize = 4096;
/// How far from its first digits a number may begin.
const BEFORE: usize = 14;
/// Phrases that are remembered, more or less.
const MOST_SEEN: usize = 1024;
/// Text before and after a chunk that a detector sees: the longest address, and what stands beside it.
const SIGHT: usize = 48;

/// The rules with a shape, and those with a detector of numbers, made ready.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    automaton: Automaton,
    claims: Vec<Claim>,
    /// Claims with a detector, by what it is given.
    phones: Vec<(u16, &'static dyn Detector)>,
    addresses: Vec<(u16, &'static dyn Detector)>,
    words: Words,
}

/// What a rule asks of a place.
#[derive(Debug)]
struct Claim {
    rule: usize,
    separators: u8,
    validator: Option<&'static dyn Validator>,
    /// How far its words may be, and whether one must be there.
    window: usize,
    required: bool,
    weight: f64,
}

/// A place that a rule claims.
#[derive(Debug, Clone)]
struct Candidate {
    place: Range<usize>,
    claim: u16,
    /// How far the nearest of the rule's words is.
    named: Option<usize>,
}

/// Scratch memory of a worker.
#[derive(Debug, Default)]
pub(crate) struct Shaper {
    /// The phrases seen in a part of the layer's text, and that part.
    seen: Vec<Seen>,
    seen_in: Range<usize>,
    candidates: Vec<Candidate>,
    taken: Vec<Range<usize>>,
}

impl Shapes {
    pub(crate) fn new(rules: &[Rule], parts: impl Fn(&Rule) -> Parts) -> Self {
        let (mut claims, mut forms): (Vec<Claim>, Vec<(Form, u16)>) = (Vec::new(), Vec::new());
        let (mut phones, mut addresses) = (Vec::new(), Vec::new());
        for (id, rule) in rules.iter().enumerate() {
            let Parts { validator, detector } = parts(rule);
            let number = claims.len() as u16;
            match detector {
                Some(detector) if detector.needs() == Needs::Phone => phones.push((number, detector)),
                Some(detector) if detector.needs() == Needs::Address => addresses.push((number, detector)),
                _ if rule.shape.is_none() => continue,
                _ => {}
            }
            let mut separators = 0;
            if let Some(Shape { forms: list, separators: allowed, separated }) = &rule.shape {
                separators = allowed.bytes().filter_map(separator_bit).fold(0, |bits, bit| bits | bit);
                forms.extend(list.iter().filter_map(|text| Some((automaton::form(text, *separated).ok()?, number))));
            }
            let (window, required) =
                rule.context.as_ref().map_or((0, false), |context| (context.window, context.required));
            claims.push(Claim { rule: id, separators, validator, window, required, weight: rule.weight() });
        }
        let words = |(number, claim): (usize, &Claim)| {
            let Context { words, .. } = rules[claim.rule].context.as_ref()?;
            Some((number as u16, words.as_slice()))
        };
        let words = Words::new(claims.iter().enumerate().filter_map(words));
        Self { automaton: Automaton::new(&forms), claims, phones, addresses, words }
    }
}

/// What a rule names, found.
pub(crate) struct Parts {
    pub(crate) validator: Option<&'static dyn Validator>,
    pub(crate) detector: Option<&'static dyn Detector>,
}

/// Records what the rules of `shapes` find in a layer's text.
pub(crate) fn run_shapes(
    shaper: &mut Shaper,
    recorder: &mut Recorder<'_>,
    depth: usize,
    text: &[u8],
    control: &ScanControl,
    work: &mut Work,
) -> Result<(), Interruption> {
    let (rules, layers) = (recorder.rules, recorder.layers);
    let (shapes, layer) = (&rules.shapes, layers.layer(depth));
    if shapes.claims.is_empty() {
        return Ok(());
    }
    let mut first = 0;
    shaper.seen_in = 0..0;
    for dense in regions(text, &layer.survey.digits) {
        while layer.views.get(first).is_some_and(|view| view.range.end <= dense.start) {
            first += 1;
        }
        for view in layer.views[first..].iter().take_while(|view| view.range.start < dense.end) {
            let (mut at, end) = (dense.start.max(view.range.start), dense.end.min(view.range.end));
            let mut done = at;
            while at < end {
                if let Some(why) = control.interruption() {
                    return Err(why);
                }
                let chunk = at..end.min(at + CHUNK);
                at = chunk.end;
                let mut pass = Chunk { shapes, text, view: view.range.clone(), chunk, done, work, recorder, depth };
                pass.gather(shaper);
                if !shaper.candidates.is_empty() {
                    done = pass.settle(shaper);
                }
            }
        }
    }
    Ok(())
}

/// The parts of a text where a number may begin, in order. Those that come close to each other are one.
fn regions<'t>(text: &'t [u8], digits: &'t [u64]) -> impl Iterator<Item = Range<usize>> + 't {
    let wide = |cluster: Range<usize>| {
        let start = cluster.start.saturating_sub(BEFORE);
        let inside = |byte: &u8| byte.is_ascii_alphanumeric();
        // Not in the middle of a word.
        let start = start - text[..start].iter().rev().take(automaton::LONGEST).take_while(|byte| inside(byte)).count();
        start..cluster.end
    };
    let mut clusters = Clusters::new(text, digits).map(wide);
    let mut next = clusters.next();
    std::iter::from_fn(move || {
        let mut region = next.take()?;
        for more in clusters.by_ref() {
            if more.start > region.end {
                next = Some(more);
                break;
            }
            region.end = more.end;
        }
        Some(region)
    })
}

/// Some text of a view, and what is needed to work through it.
struct Chunk<'c, 'r, 's> {
    shapes: &'c Shapes,
    /// The layer's.
    text: &'c [u8],
    view: Range<usize>,
    chunk: Range<usize>,
    /// Up to here the text is taken by findings of the chunk before.
    done: usize,
    work: &'c mut Work,
    recorder: &'r mut Recorder<'s>,
    depth: usize,
}

impl Chunk<'_, '_, '_> {
    /// Lists what fits a form and passes its rule's validator.
    fn gather(&mut self, shaper: &mut Shaper) {
        shaper.candidates.clear();
        let text = &self.text[self.view.clone()];
        let (mut at, end) = (self.chunk.start - self.view.start, self.chunk.end - self.view.start);
        while at < end {
            if !text[at].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            if begins(text, at) {
                self.walk(text, at, shaper);
            }
            at += 1;
            while text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
                at += 1;
            }
        }
        self.ask_detectors(shaper);
    }

    /// Follows the text from the beginning of a word as far as any form goes.
    fn walk(&mut self, text: &[u8], start: usize, shaper: &mut Shaper) {
        let automaton = &self.shapes.automaton;
        let (mut compact, mut len) = ([0; LONGEST], 0);
        let (mut state, mut at, mut used, mut small) = (START, start, 0_u8, false);
        while let Some(byte) = text.get(at).copied() {
            let symbol = match SYMBOLS[usize::from(byte)] {
                OTHER => {
                    let Some((bit, width)) = separator(&text[at..]) else { break };
                    if bit != 0 {
                        state = automaton.step(state, SEPARATOR);
                        used |= bit;
                    }
                    at += width;
                    if state == DEAD {
                        break;
                    }
                    continue;
                }
                symbol => usize::from(symbol),
            };
            state = automaton.step(state, symbol);
            if state == DEAD || len == LONGEST {
                break;
            }
            compact[len] = byte.to_ascii_uppercase();
            small |= byte.is_ascii_lowercase();
            (len, at) = (len + 1, at + 1);
            self.work.shape_steps += 1;
            if !automaton.accepts(state) || text.get(at).is_some_and(u8::is_ascii_alphanumeric) || !ends(text, at) {
                continue;
            }
            for claim in automaton.accepted(state) {
                let Claim { separators, validator, required, .. } = &self.shapes.claims[usize::from(*claim)];
                if used & !separators != 0 {
                    continue;
                }
                self.work.shape_checks += 1;
                if validator.is_none_or(|validator| validator.accepts_compact(&compact[..len])) {
                    let place = self.view.start + start..self.view.start + at;
                    let named = (small && !required).then_some(usize::MAX);
                    shaper.candidates.push(Candidate { place, claim: *claim, named });
                }
            }
        }
    }

    fn ask_detectors(&mut self, shaper: &mut Shaper) {
        let from = self.chunk.start.saturating_sub(SIGHT).max(self.view.start);
        let text = &self.text[from..(self.chunk.end + SIGHT).min(self.view.end)];
        let Shapes { phones, addresses, .. } = self.shapes;
        let mut claim = |claim: u16, found: Range<usize>| {
            let place = from + found.start..from + found.end;
            if self.chunk.contains(&place.start) {
                shaper.candidates.push(Candidate { place, claim, named: None });
            }
        };
        if !phones.is_empty() {
            self.work.shape_bytes += text.len() as u64;
            phone::each(text, |number| {
                for (number_of, detector) in phones {
                    detector.find_in_number(text, number, &mut |found| claim(*number_of, found));
                }
            });
        }
        if !addresses.is_empty() {
            self.work.shape_bytes += text.len() as u64;
            network::each(text, |place, word| {
                let of = addresses.iter().filter(|(_, detector)| detector.is_address(word));
                of.for_each(|(number, _)| claim(*number, place.clone()));
            });
        }
    }

    /// Weighs the candidates by the words near them, gives each place to the best, and records those. Returns where the last ends.
    fn settle(&mut self, shaper: &mut Shaper) -> usize {
        let Shaper { seen, seen_in, candidates, taken } = shaper;
        let layer = self.recorder.layers.layer(self.depth);
        // The words that may matter for any of them.
        let widest = |candidate: &Candidate| self.shapes.claims[usize::from(candidate.claim)].window;
        let window = candidates.iter().map(widest).max().unwrap_or(0).max(MOST_GLUE) + LONGEST_PHRASE;
        let first = candidates.iter().map(|candidate| candidate.place.start).min().unwrap_or(0);
        let last = candidates.iter().map(|candidate| candidate.place.end).max().unwrap_or(0);
        let (from, to) = (first.saturating_sub(window), (last + window).min(self.text.len()));
        // What was seen for the number before is not looked for again, but for what may have been cut off at its end.
        let known = seen_in.contains(&from);
        let again = if known { seen_in.end.saturating_sub(LONGEST_PHRASE).max(from) } else { from };
        let border = |at: &usize| !self.text[..*at].last().is_some_and(u8::is_ascii_alphanumeric);
        let again = (again.saturating_sub(LONGEST_PHRASE)..=again).rev().find(border).unwrap_or(again);
        seen.truncate(if known { seen.partition_point(|seen| seen.is_before(again)) } else { 0 });
        seen_in.start = if known { seen_in.start } else { again };
        seen_in.end = to;
        if seen.len() > MOST_SEEN {
            seen.drain(..seen.partition_point(|seen| seen.is_before(from)));
            seen_in.start = from;
        }
        self.shapes.words.find(layer, layer.folded_range(again..to), seen);
        let Shapes { claims, words, .. } = self.shapes;
        candidates.retain_mut(|candidate| {
            let claim = &claims[usize::from(candidate.claim)];
            // Small letters are for those who write carelessly, and for hashes: then a name must be near.
            let required = claim.required || candidate.named.is_some();
            candidate.named = words.distance(seen, candidate.claim, &candidate.place, claim.window);
            let other = words.other(seen, self.text, &candidate.place, false);
            let digits = || self.text[candidate.place.clone()].iter().all(u8::is_ascii_digit);
            let identifier = || digits() && words.other(seen, self.text, &candidate.place, true).is_some();
            match (candidate.named, other) {
                (Some(named), Some(other)) => named <= other,
                (Some(_), None) => true,
                (None, other) => !required && other.is_none() && !identifier(),
            }
        });
        let claim = |candidate: &Candidate| &claims[usize::from(candidate.claim)];
        candidates.sort_unstable_by(|a, b| {
            let far = |candidate: &Candidate| candidate.named.unwrap_or(usize::MAX);
            let longer = b.place.len().cmp(&a.place.len());
            let by_name = b.named.is_some().cmp(&a.named.is_some());
            let heavier = claim(b).weight.total_cmp(&claim(a).weight);
            by_name
                .then(longer)
                .then(far(a).cmp(&far(b)))
                .then(heavier)
                .then((a.place.start, a.claim).cmp(&(b.place.start, b.claim)))
        });
        taken.clear();
        for candidate in candidates.iter() {
            let place = &candidate.place;
            let next = taken.partition_point(|taken| taken.end <= place.start);
            if place.start < self.done || taken.get(next).is_some_and(|taken| taken.start < place.end) {
                continue;
            }
            taken.insert(next, place.clone());
            self.recorder.record(claim(candidate).rule, self.depth, place.clone(), false);
        }
        taken.last().map_or(self.done, |last| last.end.max(self.done))
    }
}

/// Marks what is neither a letter nor a digit in [`SYMBOLS`].
const OTHER: u8 = 0xff;

/// For each byte the automaton's symbol.
const SYMBOLS: [u8; 256] = {
    let (mut symbols, mut byte) = ([OTHER; 256], 0_u8);
    while byte < 0x80 {
        if byte.is_ascii_digit() {
            symbols[byte as usize] = DIGIT as u8;
        } else if byte.is_ascii_alphabetic() {
            symbols[byte as usize] = LETTER as u8;
        }
        byte += 1;
    }
    symbols
};

/// The separators that a rule may allow, each with its bit.
const SEPARATORS: [u8; 7] = *b" -./:_(";

fn separator_bit(byte: u8) -> Option<u8> {
    SEPARATORS.iter().position(|separator| *separator == byte).map(|place| 1 << place)
}

/// Whether a rule may name this as a separator.
pub(crate) fn is_separator(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| separator_bit(byte).is_some())
}

/// The separator that a text begins with, as its bit and its length. Characters that are not shown have no bit.
fn separator(text: &[u8]) -> Option<(u8, usize)> {
    const SPACE: u8 = 1;
    const HYPHEN: u8 = 2;
    match text {
        [0xc2, 0xa0, ..] => Some((SPACE, 2)),
        [0xe2, 0x80, 0x80..=0x8a | 0xaf, ..] => Some((SPACE, 3)),
        [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => Some((HYPHEN, 3)),
        [0xc2, 0xad, ..] => Some((0, 2)),
        [0xe2, 0x80, 0x8b..=0x8f, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..] => Some((0, 3)),
        [byte, ..] => separator_bit(*byte).map(|bit| (bit, 1)),
        [] => None,
    }
}

/// Whether a number may begin here: not inside a word, a decimal, a path, an amount of money or a longer number.
fn begins(text: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|place| text[place]);
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match before(1) {
        None => true,
        Some(byte) if byte.is_ascii_alphanumeric() => false,
        Some(b'_' | b'$' | b'+' | b'@') => false,
        Some(b'.' | b'-' | b':') => !digit(before(2)),
        Some(b'/' | b'\\') => !before(2).is_some_and(|byte| byte.is_ascii_alphanumeric()),
        // € and £
        Some(0xac) => before(2) != Some(0x82),
        Some(0xa3) => before(2) != Some(0xc2),
        Some(_) => true,
    }
}

/// Whether a number may end here.
fn ends(text: &[u8], at: usize) -> bool {
    let digit = |place: usize| text.get(place).is_some_and(u8::is_ascii_digit);
    match text.get(at) {
        Some(b'_' | b'@' | b'%') => false,
        Some(b'.' | b'-' | b'/' | b':') => !digit(at + 1),
        _ => true,
    }
}

#[cfg(test)]
mod whole_texts;
