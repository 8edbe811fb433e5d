//! Numbers and codes by their form: what no literal marks.
//!
//! In: the places of a layer where digits are close together (the survey lists them; elsewhere nothing is looked at). Out:
//! findings of the rules with a `[shape]` or with a detector of digits. From each place where a word begins, one walk through
//! one automaton tells which rules' forms the text has; then a rule's validator looks at the letters and digits alone; then the
//! words near it say whether it is what it looks like. Where several rules claim the same text, the best supported one gets it.
//!
//! Cost: at most [`automaton::LONGEST`] steps and as many separators from each beginning of a word, whatever the number of
//! rules; a text with few digits costs nothing.

pub(crate) mod automaton;
pub(crate) mod context;

use std::ops::Range;

use automaton::{Automaton, DEAD, DIGIT, Form, LETTER, LONGEST, SEPARATOR, START};
use context::{Seen, Words};

use super::{Detector, Needs, Recorder, Validator, Work};
use crate::limits::{Interruption, ScanControl};
use crate::rule::{Context, Rule, Shape};

/// Text that is worked through at a time, in bytes.
const CHUNK: usize = 4096;
/// Text before and after a chunk whose words may matter, and that a detector sees.
const MARGIN: usize = 192;

/// The rules with a shape, and those with a detector of digits, made ready.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    automaton: Automaton,
    claims: Vec<Claim>,
    words: Words,
}

/// What a rule asks of a place.
#[derive(Debug)]
struct Claim {
    rule: usize,
    separators: u8,
    validator: Option<&'static dyn Validator>,
    detector: Option<&'static dyn Detector>,
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
    seen: Vec<Seen>,
    candidates: Vec<Candidate>,
    taken: Vec<Range<usize>>,
}

impl Shapes {
    pub(crate) fn new(rules: &[Rule], parts: impl Fn(&Rule) -> Parts) -> Self {
        let (mut claims, mut forms): (Vec<Claim>, Vec<(Form, u16)>) = (Vec::new(), Vec::new());
        for (id, rule) in rules.iter().enumerate() {
            let Parts { validator, detector } = parts(rule);
            let detector = detector.filter(|detector| detector.needs() == Needs::Digits);
            if rule.shape.is_none() && detector.is_none() {
                continue;
            }
            let number = claims.len() as u16;
            let mut separators = 0;
            if let Some(Shape { forms: list, separators: allowed, separated }) = &rule.shape {
                separators = allowed.bytes().filter_map(separator_bit).fold(0, |bits, bit| bits | bit);
                forms.extend(list.iter().filter_map(|text| Some((automaton::form(text, *separated).ok()?, number))));
            }
            let (window, required) =
                rule.context.as_ref().map_or((0, false), |context| (context.window, context.required));
            claims.push(Claim { rule: id, separators, validator, detector, window, required, weight: rule.weight() });
        }
        let words = |(number, claim): (usize, &Claim)| {
            let Context { words, .. } = rules[claim.rule].context.as_ref()?;
            Some((number as u16, words.as_slice()))
        };
        let words = Words::new(claims.iter().enumerate().filter_map(words));
        Self { automaton: Automaton::new(&forms), claims, words }
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
    for dense in &layer.survey.digits {
        let dense = dense.range();
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
        let (mut compact, mut len) = ([0; LONGEST], 0);
        let (mut state, mut at, mut used, mut small) = (START, start, 0_u8, false);
        while let Some(byte) = text.get(at).copied() {
            let symbol = match byte {
                b'0'..=b'9' => DIGIT,
                b'a'..=b'z' | b'A'..=b'Z' => LETTER,
                _ => {
                    let Some((bit, width)) = separator(&text[at..]) else { break };
                    if bit != 0 {
                        state = self.shapes.automaton.step(state, SEPARATOR);
                        used |= bit;
                    }
                    at += width;
                    if state == DEAD {
                        break;
                    }
                    continue;
                }
            };
            state = self.shapes.automaton.step(state, symbol);
            if state == DEAD || len == LONGEST {
                break;
            }
            compact[len] = byte.to_ascii_uppercase();
            small |= byte.is_ascii_lowercase();
            (len, at) = (len + 1, at + 1);
            self.work.shape_steps += 1;
            let accepted = self.shapes.automaton.accepted(state);
            if accepted.is_empty() || text.get(at).is_some_and(u8::is_ascii_alphanumeric) || !ends(text, at) {
                continue;
            }
            for claim in accepted {
                let Claim { separators, validator, required, .. } = &self.shapes.claims[usize::from(*claim)];
                if used & !separators != 0 {
                    continue;
                }
                self.work.shape_checks += 1;
                if validator.is_none_or(|validator| validator.accepts(&compact[..len])) {
                    let place = self.view.start + start..self.view.start + at;
                    let named = (small && !required).then_some(usize::MAX);
                    shaper.candidates.push(Candidate { place, claim: *claim, named });
                }
            }
        }
    }

    fn ask_detectors(&mut self, shaper: &mut Shaper) {
        let from = self.chunk.start.saturating_sub(MARGIN).max(self.view.start);
        let to = (self.chunk.end + MARGIN).min(self.view.end);
        let most = most_digits(&self.text[from..to]);
        for (number, claim) in self.shapes.claims.iter().enumerate() {
            let Some(detector) = claim.detector.filter(|detector| detector.fewest_digits() <= most) else { continue };
            self.work.shape_bytes += (to - from) as u64;
            detector.find(&self.text[from..to], &mut |found| {
                let place = from + found.start..from + found.end;
                if self.chunk.contains(&place.start) {
                    shaper.candidates.push(Candidate { place, claim: number as u16, named: None });
                }
            });
        }
    }

    /// Weighs the candidates by the words near them, gives each place to the best, and records those. Returns where the last ends.
    fn settle(&mut self, shaper: &mut Shaper) -> usize {
        let Shaper { seen, candidates, taken } = shaper;
        let layer = self.recorder.layers.layer(self.depth);
        let (from, to) = (self.chunk.start.saturating_sub(MARGIN), (self.chunk.end + MARGIN).min(self.text.len()));
        seen.clear();
        self.shapes.words.find(layer, layer.folded_range(from..to), seen);
        let Shapes { claims, words, .. } = self.shapes;
        candidates.retain_mut(|candidate| {
            let claim = &claims[usize::from(candidate.claim)];
            // Small letters are for those who write carelessly, and for hashes: then a name must be near.
            let required = claim.required || candidate.named.is_some();
            candidate.named = words.distance(seen, candidate.claim, &candidate.place, claim.window);
            let other = words.other(seen, self.text, &candidate.place);
            match (candidate.named, other) {
                (Some(named), Some(other)) => named <= other,
                (Some(_), None) => true,
                (None, other) => !required && other.is_none(),
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
/// Bytes of marks and spaces between two digits of a number.
const APART: usize = 6;

/// The most digits in a row, with at most [`APART`] bytes of marks and spaces between any two.
fn most_digits(text: &[u8]) -> usize {
    let (mut most, mut digits, mut between) = (0, 0, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => (digits, between) = (digits + 1, 0),
            _ if byte.is_ascii_alphabetic() || between == APART => (most, digits, between) = (most.max(digits), 0, 0),
            _ => between += 1,
        }
    }
    most.max(digits)
}
