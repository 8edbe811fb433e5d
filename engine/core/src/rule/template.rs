//! Phrases with alternatives, looked for without writing all of them out.
//!
//! A template of three lists of ten is a thousand phrases. It is found by an anchor, some neighbouring parts of it that are rare
//! and come to few texts; from there the other parts are compared, to the left and to the right. What is found is what the phrases
//! would have found one by one.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::phrase;
use crate::matching::rarity;
use crate::view::fold_phrase;

/// Most texts that an anchor may be one of.
const MOST_ANCHORS: usize = 192;
/// What a text to look for costs, in occurrences.
const COST_OF_TEXT: f64 = 6.0;
/// How many of the texts that pieces come to are different, at least, to be supposed.
const DISTINCT: f64 = 0.5;
/// Shortest text that is looked for.
const SHORTEST: usize = super::plan::SHORTEST;

/// A template of a rule, folded.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) rule: usize,
    pieces: Vec<Vec<Vec<u8>>>,
    /// The pieces that the anchor is made of.
    anchor: Range<usize>,
}

/// How a template is found.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemplatePlan {
    /// The pieces that the anchor is made of, and the texts they come to.
    pub(crate) anchor: Range<usize>,
    pub(crate) texts: Vec<Anchor>,
}

impl TemplatePlan {
    /// Chooses the anchor. `None` if `source` is no template, or has a phrase too short to be looked for.
    pub(crate) fn new(source: &str) -> Option<Self> {
        let pieces = pieces(source)?;
        let all = 0..pieces.len();
        let texts = |range: &Range<usize>| pieces[range.clone()].iter().map(Vec::len).product::<usize>();
        let mut ranges: Vec<Range<usize>> =
            all.clone().flat_map(|start| (start + 1..=pieces.len()).map(move |end| start..end)).collect();
        ranges.retain(|range| texts(range) <= MOST_ANCHORS);
        ranges.sort_by_key(texts);
        let mut best: Option<(f64, Self)> = None;
        for range in ranges {
            let least = texts(&range) as f64 * COST_OF_TEXT * DISTINCT;
            if best.as_ref().is_some_and(|(cost, _)| *cost <= least) {
                break;
            }
            let Some(texts) = anchors(&pieces[range.clone()]) else { continue };
            let cost: f64 = texts.iter().map(|anchor| rarity::occurrences(&anchor.text) + COST_OF_TEXT).sum();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, Self { anchor: range, texts }));
            }
        }
        // Many short words: all phrases, one by one.
        best.map(|(_, best)| best).or_else(|| Some(Self { texts: anchors(&pieces)?, anchor: all }))
    }
}

/// The pieces of a template, each with its choices, folded.
fn pieces(source: &str) -> Option<Vec<Vec<Vec<u8>>>> {
    let pieces = phrase::pieces(source).ok()?;
    Some(pieces.iter().map(|piece| piece.iter().map(|choice| fold_phrase(choice)).collect()).collect())
}

/// A text that a template is found by, and whether a space comes before and after it if anything does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Anchor {
    pub(crate) text: Vec<u8>,
    pub(crate) lead: bool,
    pub(crate) trail: bool,
}

impl Template {
    /// A template whose anchor is these of its pieces.
    pub(crate) fn new(rule: usize, source: &str, anchor: Range<usize>) -> Option<Self> {
        let pieces = pieces(source)?;
        (anchor.end <= pieces.len()).then_some(Self { rule, pieces, anchor })
    }

    /// Length of its longest phrase, in bytes, or a little more.
    pub(crate) fn longest(&self) -> usize {
        self.pieces.iter().map(|choices| 1 + choices.iter().map(Vec::len).max().unwrap_or(0)).sum()
    }

    /// Calls `found` with every place of a phrase in `text` that has the anchor at `at`.
    pub(crate) fn places(
        &self,
        text: &[u8],
        at: Range<usize>,
        lead: bool,
        trail: bool,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let (before, after) = (&self.pieces[..self.anchor.start], &self.pieces[self.anchor.end..]);
        left(before, text, at.start, lead, &mut |start| {
            right(after, text, at.end, trail, &mut |end| found(start..end));
        });
    }
}

/// The texts that neighbouring pieces come to; `None` if one is too short.
fn anchors(pieces: &[Vec<Vec<u8>>]) -> Option<Vec<Anchor>> {
    let mut texts = vec![Vec::new()];
    for choices in pieces {
        texts = texts
            .iter()
            .flat_map(|text| choices.iter().map(move |choice| [text.as_slice(), choice].concat()))
            .collect();
    }
    let mut anchors = texts.iter().map(|text| anchor(text)).collect::<Option<Vec<_>>>()?;
    anchors.sort_unstable();
    anchors.dedup();
    Some(anchors)
}

fn anchor(text: &[u8]) -> Option<Anchor> {
    let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let single = words.join(&b' ');
    let (lead, trail) = (text.first() == Some(&b' '), text.last() == Some(&b' '));
    (single.len() >= SHORTEST).then_some(Anchor { text: single, lead, trail })
}

/// Compares `pieces` with what stands in `text` from `at` on. A space counts only between two other bytes: `space` says whether one
/// is due.
fn right(pieces: &[Vec<Vec<u8>>], text: &[u8], at: usize, space: bool, found: &mut dyn FnMut(usize)) {
    let Some((choices, rest)) = pieces.split_first() else { return found(at) };
    for choice in choices {
        let step = choice.iter().try_fold((at, space), |(at, space), byte| {
            if *byte == b' ' {
                return Some((at, true));
            }
            let at = if space { at + usize::from(text.get(at) == Some(&b' ')) } else { at };
            let due = !space || text[..at].last() == Some(&b' ');
            (due && text.get(at) == Some(byte)).then_some((at + 1, false))
        });
        if let Some((at, space)) = step {
            right(rest, text, at, space, found);
        }
    }
}

/// The same to the left: what stands before `at`.
fn left(pieces: &[Vec<Vec<u8>>], text: &[u8], at: usize, space: bool, found: &mut dyn FnMut(usize)) {
    let Some((choices, rest)) = pieces.split_last() else { return found(at) };
    for choice in choices {
        let step = choice.iter().rev().try_fold((at, space), |(at, space), byte| {
            if *byte == b' ' {
                return Some((at, true));
            }
            let before = |at: usize| at.checked_sub(1).map(|before| text[before]);
            let at = if space { at - usize::from(before(at) == Some(b' ')) } else { at };
            let due = !space || text.get(at) == Some(&b' ');
            (due && before(at) == Some(*byte)).then(|| (at - 1, false))
        });
        if let Some((at, space)) = step {
            left(rest, text, at, space, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a template finds by its anchors, and what its phrases find one by one.
    fn both(source: &str, text: &[u8]) -> [Vec<Range<usize>>; 2] {
        let each = |needle: &[u8]| -> Vec<Range<usize>> {
            let starts = (0..text.len()).filter(|start| text[*start..].starts_with(needle));
            starts.map(|start| start..start + needle.len()).collect()
        };
        let TemplatePlan { anchor, texts } = TemplatePlan::new(source).expect("a good template");
        let template = Template::new(0, source, anchor).expect("the same");
        let mut found = Vec::new();
        for anchor in &texts {
            for at in each(&anchor.text) {
                template.places(text, at, anchor.lead, anchor.trail, &mut |place| found.push(place));
            }
        }
        let mut expected: Vec<_> =
            phrase::expand(source).expect("a good template").iter().flat_map(|one| each(&fold_phrase(one))).collect();
        for list in [&mut found, &mut expected] {
            list.sort_by_key(|place| (place.start, place.end));
            list.dedup();
        }
        [found, expected]
    }

    #[test]
    fn a_template_finds_what_its_phrases_find() {
        let templates = [
            "{ignore|disregard|} {all|any|} {previous|prior} rule{s|}",
            "ignore {all|} {the|} rules {now|}",
            "{a|an|} {|the} order{| of all}",
            "  {forget|drop} it  ",
            "plain words",
            "{ignore|skip}{ |-}rules",
            "{|x }{|y }{|z }rules {|and so on}",
        ];
        let words = [
            "ignore",
            "disregard",
            "all",
            "any",
            "previous",
            "prior",
            "rules",
            "rule",
            "the",
            "now",
            "a",
            "an",
            "order",
            "of",
            "forget",
            "drop",
            "it",
            "plain",
            "words",
            "skip",
            "x",
            "y",
            "z",
            "and",
            "so",
            "on",
            "-",
            "\u{ff}",
        ];
        let mut state = 5_u64;
        let mut dice = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut matched = 0;
        for _ in 0..2000 {
            let text: Vec<&str> = (0..12).map(|_| words[dice(words.len())]).collect();
            let text = text.join(["", " ", " ", " "][dice(4)]);
            for template in templates {
                let [found, expected] = both(template, text.as_bytes());
                assert_eq!(found, expected, "{template} in {text}");
                matched += found.len();
            }
        }
        assert!(matched > 500, "{matched}");
    }

    #[test]
    fn few_texts_stand_for_many_phrases() {
        let list = |name: &str| (0..10).map(|number| format!("{name}{number}")).collect::<Vec<_>>().join("|");
        let source = format!("{{{}}} of {{{}}} in {{{}}}", list("alpha"), list("beta"), list("gamma"));
        let anchors = TemplatePlan::new(&source).expect("a good template").texts;
        assert!(anchors.len() <= MOST_ANCHORS, "{}", anchors.len());
    }
}
