//! What long texts do to a model by their length: one passage over and over, which pushes everything else out of sight, and a made-up
//! dialogue of many turns, which teaches by example.
//!
//! Only texts of [`LONG`] bytes and more are looked at, in one pass, with tables on the stack.

use std::ops::Range;

use super::{Detector, Needs};

/// Shorter texts flood nothing, in bytes.
pub(super) const LONG: usize = 4 << 10;
/// Length of the pieces that are compared, in bytes.
const PIECE: usize = 16;
/// Bytes of which one piece is looked at.
const BLOCK: usize = 16;
/// Different pieces that are told apart.
const BUCKETS: usize = 1 << 10;

/// A passage that fills most of a text by being repeated.
#[derive(Debug)]
pub(super) struct Repetition;

impl Detector for Repetition {
    fn name(&self) -> &'static str {
        "repetition"
    }

    fn needs(&self) -> Needs {
        Needs::Long
    }

    /// Of the pieces that begin in a block, the one with the least hash is counted: a passage is cut the same way each time it comes. In
    /// ordinary text hardly any piece comes twice; here pieces that come far more often than their share have to be most of the text.
    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let mut places = [(0_u32, 0_u32, 0_u32); BUCKETS];
        let (mut hash, mut letters, mut least) = (0_u64, 0_usize, (u64::MAX, 0));
        for (at, byte) in text.iter().enumerate() {
            letters += usize::from(byte.is_ascii_alphabetic() || *byte >= 0x80);
            // Each byte is shifted out after PIECE more.
            hash = (hash << 4).wrapping_add(mixed(*byte));
            if at + 1 >= PIECE {
                least = least.min((hash.wrapping_mul(0x9e37_79b9_7f4a_7c15), (at + 1 - PIECE) as u32));
            }
            if at % BLOCK == BLOCK - 1 && least.0 != u64::MAX {
                let place = &mut places[(least.0 >> 20) as usize % BUCKETS];
                *place = if place.0 == 0 { (1, least.1, least.1) } else { (place.0 + 1, place.1, least.1) };
                least = (u64::MAX, 0);
            }
        }
        // Rows of lines and blanks are drawing.
        if letters * 2 < text.len() {
            return;
        }
        let all: u32 = places.iter().map(|place| place.0).sum();
        let often = |place: &&(u32, u32, u32)| place.0 > all / BUCKETS as u32 * 4 + 8;
        let repeated: u32 = places.iter().filter(often).map(|place| place.0).sum();
        if repeated * 2 > all {
            let start = places.iter().filter(often).map(|place| place.1).min().unwrap_or(0);
            let end = places.iter().filter(often).map(|place| place.2).max().unwrap_or(0) as usize + PIECE;
            found(start as usize..end.min(text.len()));
        }
    }
}

/// The byte, spread over many bits.
fn mixed(byte: u8) -> u64 {
    (u64::from(byte) + 1).wrapping_mul(0x2545_f491_4f6c_dd1d) >> 4
}

/// Turns of a dialogue from which on it is no transcript of a short talk.
const MANY: usize = 32;
/// What the two sides are called, in lower case.
const ASKING: [&str; 6] = ["user", "human", "question", "q", "prompt", "input"];
const ANSWERING: [&str; 11] =
    ["assistant", "ai", "model", "answer", "a", "bot", "chatbot", "response", "output", "chatgpt", "gpt"];

/// A dialogue between a person and a model, of many turns, in one text.
#[derive(Debug)]
pub(super) struct ManyShot;

impl Detector for ManyShot {
    fn name(&self) -> &'static str {
        "many-shot"
    }

    fn needs(&self) -> Needs {
        Needs::Long
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let (mut turns, mut start, mut last) = (0, 0, None);
        for colon in memchr::memchr_iter(b':', text) {
            let from = colon.saturating_sub(12);
            let label = text[from..colon].trim_ascii_end();
            let label = label.strip_suffix(b"**").unwrap_or(label);
            let word = label.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let (lead, word) = label.split_at(label.len() - word);
            // A label begins a line or follows a sentence.
            let free = lead.trim_ascii_end().last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b',')
                && lead
                    .last()
                    .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'*' | b'#' | b'[' | b'<' | b'>'));
            let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
            let side = if !free {
                continue;
            } else if is(&ASKING) {
                true
            } else if is(&ANSWERING) {
                false
            } else {
                continue;
            };
            if last == Some(side) {
                continue;
            }
            if last.is_none() {
                start = colon - word.len();
            }
            (turns, last) = (turns + 1, Some(side));
        }
        if turns >= MANY {
            found(start..text.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(detector: &dyn Detector, text: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        detector.find(text.as_bytes(), &mut |range| places.push(range));
        places
    }

    /// Prose of many different words.
    fn prose(sentences: usize) -> String {
        const WORDS: [&str; 24] = [
            "river", "engine", "garden", "letter", "window", "mountain", "copper", "teacher", "harbour", "winter",
            "paper", "bridge", "carries", "opens", "finds", "keeps", "breaks", "follows", "quiet", "yellow", "heavy",
            "narrow", "early", "distant",
        ];
        let mut seed = 7_u64;
        let mut word = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            WORDS[(seed >> 33) as usize % WORDS.len()]
        };
        (0..sentences).map(|_| format!("The {} {} {} the {} {}. ", word(), word(), word(), word(), word())).collect()
    }

    #[test]
    fn a_passage_over_and_over_is_found_and_prose_is_not() {
        assert!(find(&Repetition, &prose(400)).is_empty());
        for passage in ["Repeat after me: the sky is green. ", "poem ", "word word word and another one, ", &prose(8)] {
            let flood = passage.repeat(20_000 / passage.len());
            assert_eq!(find(&Repetition, &flood).len(), 1, "{passage}");
            let (before, after) = (prose(30), prose(30));
            let places = find(&Repetition, &format!("{before}{flood}{after}"));
            assert_eq!(places.len(), 1, "{passage}");
            let slack = 256 + passage.len();
            // It covers the flood, and a little prose with it now and then.
            let end = before.len() + flood.len();
            assert!(places[0].start <= before.len() + slack && places[0].end + slack >= end, "{passage} {places:?}");
        }
        let row = find(&Repetition, &"a".repeat(9_000));
        assert!(row.len() == 1 && row[0].start < 32 && row[0].end > 8_900, "{row:?}");
        for drawing in ["-".repeat(9_000), " ".repeat(9_000), "+---+---+\n".repeat(900), "0,0,0,1\n".repeat(900)] {
            assert!(find(&Repetition, &drawing).is_empty());
        }
        let sentences = prose(300);
        let line = |(n, sentence): (usize, &str)| {
            format!("2026-11-22 10:{:02}:{:02} INFO {sentence} ({n} ms)\n", n / 60, n % 60)
        };
        let log: String = sentences.split(". ").enumerate().map(line).collect();
        assert!(find(&Repetition, &log).is_empty());
    }

    #[test]
    fn dialogues_of_many_turns_are_found() {
        let turn = |n: usize| format!("User: how do I do thing {n}?\nAssistant: Sure, here is how to do it.\n");
        let many: String = (0..40).map(turn).collect();
        let found = find(&ManyShot, &format!("Look at this.\n{many}User: and now?"));
        assert!(found.len() == 1 && found[0] == (14..14 + many.len() + 14), "{found:?}");
        let few: String = (0..10).map(turn).collect();
        assert!(find(&ManyShot, &few).is_empty());
        let one_line: String = (0..40).map(|n| format!("Human: thing {n}? AI: Yes. ")).collect();
        assert_eq!(find(&ManyShot, &one_line).len(), 1);
        let code = "match user: a, model: b, input: c, output: d\n".repeat(100);
        assert!(find(&ManyShot, &code).is_empty());
    }
}
