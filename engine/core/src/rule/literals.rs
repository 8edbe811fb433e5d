//! Which fixed strings every match of an expression must contain.
//!
//! The multi-pattern engine looks for these, whatever their case; the expression itself only runs around them. The strings are
//! found from the structure of the expression: for each part, either all texts it can match (if they are few), or sets of texts
//! one of which must be in it. With a set comes what is known of its surroundings: word boundaries, how far a match reaches, and
//! which sorts of bytes must stand next to it.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use serde::{Deserialize, Serialize};

use super::plan::SHORTEST;
use crate::matching::rarity;

/// Most texts that combining parts may give.
const MOST: usize = 64;
/// Most literals of a set.
const MOST_REQUIRED: usize = 512;
/// Most neighbouring bytes that are checked before an expression is run.
const MOST_NEIGHBOURS: usize = 32;

/// A text, in lower case, and whether a word must begin or end (`\b`) at its ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) begins: bool,
    pub(crate) ends: bool,
}

impl Text {
    fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, begins: false, ends: false }
    }

    fn join(&self, next: &Self) -> Self {
        let (left, right) = (self.bytes.is_empty(), next.bytes.is_empty());
        Self {
            bytes: [self.bytes.as_slice(), &next.bytes].concat(),
            begins: self.begins || (left && (self.ends || next.begins)),
            ends: next.ends || (right && (next.begins || self.ends)),
        }
    }

    /// Whether every place where `other` stands is a place where this one stands.
    fn covers(&self, other: &Self) -> bool {
        other.bytes.starts_with(&self.bytes)
            && (!self.begins || other.begins)
            && (!self.ends || (other.ends && self.bytes.len() == other.bytes.len()))
    }
}

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByteClass([u64; 4]);

impl ByteClass {
    fn of(ranges: impl Iterator<Item = (u8, u8)>) -> Self {
        let mut class = Self([0; 4]);
        for (start, end) in ranges {
            (start..=end).for_each(|byte| class.0[usize::from(byte >> 6)] |= 1 << (byte & 63));
        }
        class
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    pub(crate) fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

/// So many bytes of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    pub(crate) class: ByteClass,
    pub(crate) count: usize,
}

/// Literals one of which is in every match, and what surrounds it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Required {
    pub(crate) literals: Vec<Text>,
    /// Most bytes of a match before the literal.
    pub(crate) before: usize,
    /// Most bytes of a match from the literal's start on.
    pub(crate) after: usize,
    /// What must stand right before and right after the literal.
    pub(crate) beside: [Option<Neighbours>; 2],
    /// From which of its parts on a match goes on at the start of the literal, where that is known; see [`tail`].
    pub(crate) tail: Option<usize>,
}

/// All sets of literals that every match must have one of. They may hold literals of any length.
pub(crate) fn required(hir: &Hir) -> Vec<Required> {
    let hir = flat(hir);
    if let HirKind::Concat(parts) = hir.kind() {
        // Only here is all that comes after a literal at hand.
        return concat(parts, true).into_sets(max_len(&hir));
    }
    part(&hir).into_sets(max_len(&hir))
}

/// What every match of an expression goes on with from its part `first` on.
pub(crate) fn tail(hir: &Hir, first: usize) -> Option<Hir> {
    match flat(hir).into_kind() {
        HirKind::Concat(mut parts) if first < parts.len() => Some(Hir::concat(parts.split_off(first))),
        _ => None,
    }
}

/// The same without captures, so that what stands in one is next to what stands before it.
fn flat(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => flat(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(flat).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(flat).collect()),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(flat(&repetition.sub)), ..*repetition })
        }
        _ => hir.clone(),
    }
}

/// A class as ranges of bytes. Alternatives of one ASCII character each become a class of characters, whatever the mode.
fn byte_ranges(class: &Class) -> Option<Vec<(u8, u8)>> {
    match class {
        Class::Bytes(class) => Some(class.ranges().iter().map(|range| (range.start(), range.end())).collect()),
        Class::Unicode(class) if class.is_ascii() => {
            Some(class.ranges().iter().map(|range| (range.start() as u8, range.end() as u8)).collect())
        }
        Class::Unicode(_) => None,
    }
}

impl Required {
    /// Drops literals that begin with another of the set: they are found through it.
    pub(crate) fn drop_covered(&mut self) {
        self.literals.sort_by(|a, b| (a.bytes.len(), a).cmp(&(b.bytes.len(), b)));
        self.literals.dedup();
        let all = self.literals.len();
        let mut kept: Vec<Text> = Vec::new();
        for literal in self.literals.drain(..) {
            // Only at its start: what a match may have before the literal is counted from there.
            if !kept.iter().any(|short| short.covers(&literal)) {
                kept.push(literal);
            }
        }
        self.literals = kept;
        if self.literals.len() < all {
            // What stands after the longer one need not stand after the shorter one.
            self.beside[1] = None;
        }
    }
}

/// What is known of a part of an expression.
#[derive(Default)]
struct Part {
    /// Every text the part can match.
    exact: Option<Vec<Text>>,
    /// Sets of literals that every match has one of each of.
    sets: Vec<Required>,
}

impl Part {
    fn exact(texts: Vec<Text>) -> Self {
        Self { exact: Some(texts), sets: Vec::new() }
    }

    /// All sets, the exact texts among them. `max_len` is the part's longest match.
    fn into_sets(self, max_len: usize) -> Vec<Required> {
        let whole = self.exact.filter(|texts| texts.iter().all(|text| !text.bytes.is_empty()));
        let whole =
            whole.map(|literals| Required { literals, before: 0, after: max_len, beside: [None; 2], tail: None });
        whole.into_iter().chain(self.sets).collect()
    }

    fn into_best(self, max_len: usize) -> Option<Required> {
        let rank = |set: &Required| {
            // One short text in a branch would spoil the set of the whole alternation.
            let short = set.literals.iter().any(|text| text.bytes.len() < SHORTEST);
            (short, cost(&set.literals))
        };
        let order = |a: &Required, b: &Required| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        self.into_sets(max_len).into_iter().min_by(order)
    }
}

/// Longest match; parts without a bound count as endless, and their rule is refused.
fn max_len(hir: &Hir) -> usize {
    hir.properties().maximum_len().unwrap_or(usize::MAX / 4)
}

/// How often a set is to be expected in ordinary text; each literal also costs a little by itself.
pub(crate) fn cost(set: &[Text]) -> f64 {
    set.iter().map(|text| rarity::occurrences(&text.bytes) + COST_OF_LITERAL).sum()
}

/// What it costs to look for a literal, in occurrences.
const COST_OF_LITERAL: f64 = 4.0;

fn cross(left: &[Text], right: &[Text]) -> Option<Vec<Text>> {
    if left.len() * right.len() > MOST {
        return None;
    }
    let mut all: Vec<Text> = left.iter().flat_map(|l| right.iter().map(|r| l.join(r))).collect();
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn part(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty => Part::exact(vec![Text::plain(Vec::new())]),
        HirKind::Look(look) => {
            let boundary = *look == Look::WordAscii;
            Part::exact(vec![Text { bytes: Vec::new(), begins: boundary, ends: boundary }])
        }
        HirKind::Literal(literal) => Part::exact(vec![Text::plain(literal.0.to_ascii_lowercase())]),
        HirKind::Class(class) => class_texts(class).map_or_else(Part::default, Part::exact),
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = part(&repetition.sub);
            let len = max_len(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) => Part {
                    exact: inner.exact.map(|mut texts| {
                        texts.push(Text::plain(Vec::new()));
                        texts
                    }),
                    sets: Vec::new(),
                },
                (0, _) => Part::default(),
                (min, max) => {
                    let few = max == Some(min) && min <= 8;
                    let exact = inner
                        .exact
                        .as_ref()
                        .filter(|_| few)
                        .and_then(|texts| (1..min).try_fold(texts.clone(), |all, _| cross(&all, texts)));
                    // The first turn has one of each set; others may come after it.
                    let others = len.saturating_mul(max.map_or(usize::MAX / 4, |max| max as usize) - 1);
                    let widen = |set: Required| Required { after: set.after.saturating_add(others), ..set };
                    let sets = if exact.is_none() { inner.into_sets(len) } else { Vec::new() };
                    Part { exact, sets: sets.into_iter().map(widen).collect() }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts, false),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn alternation(branches: &[Hir]) -> Part {
    let exact: Option<Vec<_>> = branches.iter().map(|branch| part(branch).exact).collect();
    let exact = exact.map(|texts| texts.concat()).filter(|texts| texts.len() <= MOST_REQUIRED);
    if exact.is_some() {
        return Part { exact, sets: Vec::new() };
    }
    let best: Option<Vec<Required>> = branches.iter().map(|branch| part(branch).into_best(max_len(branch))).collect();
    let joined = best.map(|sets| Required {
        before: sets.iter().map(|set| set.before).max().unwrap_or(0),
        after: sets.iter().map(|set| set.after).max().unwrap_or(0),
        beside: [None; 2],
        tail: None,
        literals: sets.into_iter().flat_map(|set| set.literals).collect(),
    });
    Part { exact: None, sets: joined.into_iter().filter(|set| set.literals.len() <= MOST_REQUIRED).collect() }
}

/// Neighbouring exact parts of a concatenation, put together.
struct Run {
    texts: Vec<Text>,
    /// Most bytes before it, and its first part.
    at: usize,
    first: usize,
}

fn concat(parts: &[Hir], whole_expression: bool) -> Part {
    let total: usize = parts.iter().map(max_len).fold(0, usize::saturating_add);
    let mut sets: Vec<Required> = Vec::new();
    let empty = |at: usize, first: usize| Run { texts: vec![Text::plain(Vec::new())], at, first };
    let mut run = empty(0, 0);
    let mut at: usize = 0;
    let mut whole = true;
    let close = |run: Run, end: usize, sets: &mut Vec<Required>| {
        if run.texts.iter().all(|text| !text.bytes.is_empty()) {
            let before = run.first.checked_sub(1).and_then(|index| edge(&parts[index], false));
            let after = parts.get(end).and_then(|part| edge(part, true));
            let (before, after) = (before.map(bounded), after.map(bounded));
            let tail = whole_expression.then_some(run.first);
            let beside = [before, after];
            sets.push(Required { literals: run.texts, before: run.at, after: total - run.at, beside, tail });
        }
    };
    for (index, hir) in parts.iter().enumerate() {
        let (part, len) = (part(hir), max_len(hir));
        match part.exact.as_ref().and_then(|texts| cross(&run.texts, texts)) {
            Some(longer) => run.texts = longer,
            None => {
                whole = false;
                close(run, index, &mut sets);
                let end = at.saturating_add(len);
                match part.exact {
                    Some(texts) => run = Run { texts, at, first: index },
                    None => {
                        let shift = |set: Required| Required {
                            before: set.before.saturating_add(at),
                            after: set.after.saturating_add(total.saturating_sub(end)),
                            ..set
                        };
                        sets.extend(part.sets.into_iter().map(shift));
                        run = empty(end, index + 1);
                    }
                }
            }
        }
        at = at.saturating_add(len);
    }
    if whole {
        return Part::exact(run.texts);
    }
    close(run, parts.len(), &mut sets);
    Part { exact: None, sets }
}

fn bounded(neighbours: Neighbours) -> Neighbours {
    Neighbours { count: neighbours.count.min(MOST_NEIGHBOURS), ..neighbours }
}

/// What every match of a part starts with, or ends in.
fn edge(hir: &Hir, start: bool) -> Option<Neighbours> {
    match hir.kind() {
        HirKind::Class(class) => {
            byte_ranges(class).map(|ranges| Neighbours { class: ByteClass::of(ranges.into_iter()), count: 1 })
        }
        HirKind::Literal(literal) => {
            let byte = *if start { literal.0.first() } else { literal.0.last() }?;
            Some(Neighbours { class: ByteClass::of([(byte, byte)].into_iter()), count: 1 })
        }
        HirKind::Capture(capture) => edge(&capture.sub, start),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            let one = edge(&repetition.sub, start)?;
            // More than one turn counts only where a turn is one byte.
            let single = max_len(&repetition.sub) == 1;
            Some(Neighbours { count: if single { repetition.min as usize } else { one.count }, ..one })
        }
        HirKind::Concat(parts) => {
            let visible = |part: &&Hir| !matches!(part.kind(), HirKind::Look(_) | HirKind::Empty);
            let part = if start { parts.iter().find(visible) } else { parts.iter().rev().find(visible) };
            edge(part?, start)
        }
        HirKind::Alternation(branches) => {
            let mut edges = branches.iter().map(|branch| edge(branch, start));
            let first = edges.next()??;
            edges.try_fold(first, |all, next| {
                let next = next?;
                Some(Neighbours { class: all.class.or(next.class), count: all.count.min(next.count) })
            })
        }
        _ => None,
    }
}

/// The texts of a small class, case aside.
fn class_texts(class: &Class) -> Option<Vec<Text>> {
    let mut texts: Vec<Text> = Vec::new();
    for (start, end) in byte_ranges(class)? {
        for byte in start..=end {
            let text = Text::plain(vec![byte.to_ascii_lowercase()]);
            if !texts.contains(&text) {
                texts.push(text);
            }
            if texts.len() > 6 {
                return None;
            }
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(pattern: &str) -> Vec<Required> {
        let hir = super::super::plan::parse(pattern).expect("valid expression");
        required(&hir)
    }

    fn of(pattern: &str) -> Vec<Vec<String>> {
        let show = |text: &Text| {
            let mark = |set: bool| if set { "|" } else { "" };
            format!("{}{}{}", mark(text.begins), String::from_utf8_lossy(&text.bytes), mark(text.ends))
        };
        sets(pattern).iter().map(|set| set.literals.iter().map(show).collect()).collect()
    }

    #[test]
    fn finds_what_every_match_contains() {
        assert_eq!(of(r"\bghp_[0-9A-Za-z]{36}\b"), [["|ghp_"]]);
        assert_eq!(of(r"(?i)pass(?:word|wd)?\s{0,3}[:=]"), [vec!["pass", "passwd", "password"], vec![":", "="]]);
        assert_eq!(of(r"(?:AKIA|ASIA)[A-Z2-7]{16}"), [["akia", "asia"]]);
        assert_eq!(of(r"A(?:KI|SI)A[A-Z]{16}"), [["akia", "asia"]]);
        assert_eq!(of(r"[a-z]{2,9}://[^ ]{1,9}@"), [["://"], ["@"]]);
        assert_eq!(of(r"x{3}"), [["xxx"]]);
        assert_eq!(of(r"\b(?:act|go)\b now"), [["|act now", "|go now"]]);
        assert_eq!(of(r"[0-9]\b(?:act|go)\b"), [["|act|", "|go|"]]);
        assert_eq!(of(r"key(?:=|:)(?P<secret>ab[0-9])"), [["key:ab", "key=ab"]]);
        for pattern in [r"\d{16}", r"(?:abc)?\d{4}", r"abc|\d{3}"] {
            assert!(of(pattern).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn knows_how_far_a_match_reaches_around_each_set() {
        let sets = sets(r"(?:send|post) [a-z]{1,9} (?:to|via) https?://[a-z]{1,30}");
        let reach: Vec<(usize, usize, usize)> =
            sets.iter().map(|set| (set.literals.len(), set.before, set.after)).collect();
        assert_eq!(reach, [(2, 0, 57), (4, 14, 43)], "{sets:?}");
    }

    #[test]
    fn knows_what_stands_beside() {
        let set = &sets(r"[0-9]{3}(?:x|yy)sk-\b[a-z]{4,9}")[0];
        let [before, after] = set.beside.map(|beside| beside.expect("a class stands there"));
        assert!(before.class.has(b'7') && !before.class.has(b'x') && before.count == 3);
        assert!(after.class.has(b'x') && !after.class.has(b'7') && after.count == 4);
        let mut set = sets("(?:ab|abc)[0-9]").swap_remove(0);
        set.drop_covered();
        assert_eq!(
            (set.literals.len(), set.beside),
            (1, [None; 2]),
            "abc is found as ab, after which there is no digit"
        );
    }
}
