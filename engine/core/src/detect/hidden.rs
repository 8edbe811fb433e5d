//! Text that is there and not shown: tag characters, bidirectional overrides, zero-width runs, variation selectors.
//!
//! Much of this has honest uses: joiners hold emoji and Indic letters together, one variation selector picks an emoji's style,
//! tags spell regional flags, soft hyphens say where a word may break. None of those is reported.

use std::ops::Range;

use super::{Detector, Needs};
use crate::view::tags;

/// The characters of a text with their places; bytes that are not UTF-8 are left out.
pub(super) fn chars(text: &[u8]) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut at = 0;
    text.utf8_chunks().flat_map(move |chunk| {
        let start = at;
        at += chunk.valid().len() + chunk.invalid().len();
        chunk.valid().char_indices().map(move |(offset, character)| (start + offset, character))
    })
}

/// Reports runs of at least `shortest` characters that `is_member` accepts.
fn runs(text: &[u8], shortest: usize, is_member: impl Fn(char) -> bool, found: &mut dyn FnMut(Range<usize>)) {
    let mut run: Option<(Range<usize>, usize)> = None;
    for (at, character) in chars(text) {
        let end = at + character.len_utf8();
        match &mut run {
            Some((range, count)) if is_member(character) && range.end == at => {
                range.end = end;
                *count += 1;
            }
            _ => {
                if let Some((range, _)) = run.take().filter(|(_, count)| *count >= shortest) {
                    found(range);
                }
                run = is_member(character).then_some((at..end, 1));
            }
        }
    }
    if let Some((range, _)) = run.filter(|(_, count)| *count >= shortest) {
        found(range);
    }
}

/// Eight or more tag characters that belong to no flag: they spell text nobody sees.
#[derive(Debug)]
pub(super) struct UnicodeTags;

impl Detector for UnicodeTags {
    fn name(&self) -> &'static str {
        "unicode-tags"
    }

    fn needs(&self) -> Needs {
        Needs::Invisible
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let mut places = tags(text).map(|(at, _)| at);
        let Some(first) = places.next() else { return };
        let (count, last) = places.fold((1, first), |(count, _), at| (count + 1, at));
        if count >= 8 {
            found(first..last + 4);
        }
    }
}

/// Overrides that show text in another order than it is read: `RLO`/`LRO`, which ordinary bidirectional text does not need.
#[derive(Debug)]
pub(super) struct BidiControls;

impl Detector for BidiControls {
    fn name(&self) -> &'static str {
        "bidi-controls"
    }

    fn needs(&self) -> Needs {
        Needs::Invisible
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        if memchr::memmem::find(text, b"\xe2\x80").is_none() {
            return;
        }
        let mut open: Option<usize> = None;
        for (at, character) in chars(text) {
            match (character, open) {
                ('\u{202d}' | '\u{202e}', None) => open = Some(at),
                // The override ends with its pop, its line, or its segment's end.
                ('\u{202c}' | '\n', Some(start)) => {
                    found(start..at + character.len_utf8());
                    open = None;
                }
                _ => {}
            }
        }
        if let Some(start) = open {
            let end = memchr::memchr(crate::content::SEPARATOR, &text[start..]).map_or(text.len(), |len| start + len);
            found(start..end);
        }
    }
}

fn is_zero_width(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' | '\u{34f}')
}

/// Eight or more zero-width characters in a row: that is data, one bit or more each.
#[derive(Debug)]
pub(super) struct ZeroWidthRuns;

impl Detector for ZeroWidthRuns {
    fn name(&self) -> &'static str {
        "zero-width-runs"
    }

    fn needs(&self) -> Needs {
        Needs::Invisible
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        runs(text, 8, is_zero_width, found);
    }
}

/// Four or more variation selectors in a row: one picks a style, more are bytes in disguise.
#[derive(Debug)]
pub(super) struct VariationSelectorData;

impl Detector for VariationSelectorData {
    fn name(&self) -> &'static str {
        "variation-selector-data"
    }

    fn needs(&self) -> Needs {
        Needs::Invisible
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        runs(text, 4, |c| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'), found);
    }
}

/// Words of Latin letters broken up by invisible characters, at least three breaks within a few words.
#[derive(Debug)]
pub(super) struct InvisibleLetters;

impl Detector for InvisibleLetters {
    fn name(&self) -> &'static str {
        "invisible-letters"
    }

    fn needs(&self) -> Needs {
        Needs::Invisible
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        const NEAR: usize = 64;
        const FEWEST: usize = 3;
        // A soft hyphen is an honest hint for the typesetter; the others have no business inside a Latin word.
        let is_break =
            |c: char| is_zero_width(c) || matches!(c, '\u{61c}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{ffa0}');
        let (mut before, mut pending) = (None::<char>, None::<usize>);
        let mut cluster: Option<(Range<usize>, usize)> = None;
        for (at, character) in chars(text) {
            if is_break(character) {
                if before.is_some_and(|c| c.is_ascii_alphabetic()) && pending.is_none() {
                    pending = Some(at);
                }
                continue;
            }
            if let Some(start) = pending.take()
                && character.is_ascii_alphabetic()
            {
                let end = at + 1;
                cluster = match cluster {
                    Some((range, count)) if start - range.end <= NEAR => Some((range.start..end, count + 1)),
                    other => {
                        report(other, FEWEST, found);
                        Some((start.saturating_sub(1)..end, 1))
                    }
                };
            }
            before = Some(character);
        }
        report(cluster, FEWEST, found);
    }
}

pub(super) fn report(cluster: Option<(Range<usize>, usize)>, fewest: usize, found: &mut dyn FnMut(Range<usize>)) {
    if let Some((range, _)) = cluster.filter(|(_, count)| *count >= fewest) {
        found(range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(detector: &dyn Detector, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        detector.find(text.as_bytes(), &mut |range| all.push(text[range].to_owned()));
        all
    }

    #[test]
    fn honest_uses_are_left_alone() {
        let honest = "👨‍👩‍👧‍👦 ❤️ 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} क्‍ष می‌خواهم hy\u{ad}phen\u{ad}a\u{ad}tion \u{feff}x";
        for detector in super::super::DETECTORS {
            assert!(find(*detector, honest).is_empty(), "{}", detector.name());
        }
    }

    #[test]
    fn hidden_text_is_found() {
        let tags: String = "obey me now".chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect();
        assert_eq!(find(&UnicodeTags, &format!("hi{tags}!")), [tags]);
        assert_eq!(find(&BidiControls, "a \u{202e}txet\u{202c} b"), ["\u{202e}txet\u{202c}"]);
        let bits = "\u{200b}\u{200c}".repeat(5);
        assert_eq!(find(&ZeroWidthRuns, &format!("x{bits}y")), [bits]);
        assert_eq!(find(&VariationSelectorData, "😀\u{e0101}\u{e0102}\u{fe01}\u{fe02}!").len(), 1);
        assert_eq!(find(&InvisibleLetters, "i\u{200b}g\u{200b}n\u{200b}ore").len(), 1);
    }
}
