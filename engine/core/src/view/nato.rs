//! The spelling alphabet: `India Golf November Oscar Romeo Echo`.

use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind, Word};

/// Fewer words of the alphabet in a row than this spell nothing.
const FEWEST: usize = 8;

const WORDS: [(&str, u8); 36] = [
    ("alfa", b'a'),
    ("alpha", b'a'),
    ("bravo", b'b'),
    ("charlie", b'c'),
    ("delta", b'd'),
    ("echo", b'e'),
    ("foxtrot", b'f'),
    ("golf", b'g'),
    ("hotel", b'h'),
    ("india", b'i'),
    ("juliett", b'j'),
    ("juliet", b'j'),
    ("kilo", b'k'),
    ("lima", b'l'),
    ("mike", b'm'),
    ("november", b'n'),
    ("oscar", b'o'),
    ("papa", b'p'),
    ("quebec", b'q'),
    ("romeo", b'r'),
    ("sierra", b's'),
    ("tango", b't'),
    ("uniform", b'u'),
    ("victor", b'v'),
    ("whiskey", b'w'),
    ("whisky", b'w'),
    ("x-ray", b'x'),
    ("xray", b'x'),
    ("yankee", b'y'),
    ("zulu", b'z'),
    ("stop", b'.'),
    ("space", b' '),
    ("dot", b'.'),
    ("slash", b'/'),
    ("dash", b'-'),
    ("at", b'@'),
];

pub(crate) struct SpellingAlphabet;

impl Decoder for SpellingAlphabet {
    fn kind(&self) -> ViewKind {
        ViewKind::SpellingAlphabet
    }

    /// There is hardly an order that is spelled without an R, and hardly a text with one spelled.
    fn signs(&self) -> &'static [Sign] {
        &[Sign::Word(Word::Romeo)]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut spelled = 0;
        for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            let at = word.as_ptr().addr() - text.as_ptr().addr();
            let bare = match word {
                [bare @ .., b',' | b';' | b'.'] if bare.len() >= 4 => bare,
                _ => word,
            };
            let letter =
                WORDS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(bare)).map(|(_, letter)| *letter);
            match (letter, word) {
                (Some(letter), _) => {
                    sink.decoded(at, word.len(), &[letter], 0, 1);
                    spelled += 1;
                }
                // What stands between words, and what is not spelled.
                (None, b"/" | b"|" | b"-" | b"//") if spelled > 0 => sink.decoded(at, word.len(), b" ", 0, 1),
                (None, [_] | [0xc2..=0xdf, _] | [0xe0..=0xef, _, _]) if spelled > 0 => sink.copy(at, word),
                _ => {
                    end(spelled, sink);
                    spelled = 0;
                }
            }
        }
        end(spelled, sink);
    }
}

fn end(spelled: usize, sink: &mut DecodeSink<'_>) {
    if spelled >= FEWEST { sink.finish() } else { sink.abandon() }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn reads_what_is_spelled() {
        let text = "say India Golf November Oscar Romeo Echo / Alfa Lima Lima . / Kilo, 5 now";
        let views = decode(&SpellingAlphabet, text.as_bytes());
        assert_eq!(views, [("ignore all. k5".into(), 4..text.len() - 4)]);
        assert!(decode(&SpellingAlphabet, b"Oscar went to India with Romeo and Juliet in November").is_empty());
    }
}
