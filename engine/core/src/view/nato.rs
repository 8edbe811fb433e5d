//! The spelling alphabet: `India Golf November Oscar Romeo Echo`.

use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

/// Fewer words of the alphabet in a row than this spell nothing.
const FEWEST: usize = 8;

const WORDS: [(&str, u8); 32] = [
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
];

pub(crate) struct SpellingAlphabet;

impl Decoder for SpellingAlphabet {
    fn kind(&self) -> ViewKind {
        ViewKind::SpellingAlphabet
    }

    /// There is hardly a word that is spelled without one of these, and hardly a text with them.
    fn signs(&self) -> &'static [Sign] {
        &[Sign::Bytes(b"scar "), Sign::Bytes(b"SCAR "), Sign::Bytes(b"omeo"), Sign::Bytes(b"OMEO")]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let (mut at, mut spelled) = (0, 0);
        // A word of the alphabet, then what stands up to the next one: a blank, a few marks, or anything else, which ends it.
        while at < text.len() {
            let start = at + text[at..].iter().position(u8::is_ascii_alphanumeric).unwrap_or(text.len() - at);
            let len = text[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
            let word = &text[start..start + len];
            let letter =
                WORDS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|(_, letter)| *letter);
            let gap = &text[at..start];
            let known = letter.or_else(|| (len == 1).then(|| word[0].to_ascii_lowercase()));
            match known {
                Some(letter) if len > 0 && (spelled == 0 || gap.len() <= 8) => {
                    if spelled > 0 && gap.len() > 1 && gap != b", " && gap != b" - " {
                        let mark = gap.iter().find(|byte| matches!(byte, b'.' | b',' | b'!' | b'?' | b':' | b'\''));
                        sink.decoded(at, gap.len(), &[*mark.unwrap_or(&b' '), b' '], 0, 1);
                    }
                    sink.decoded(start, len, &[letter], 0, 1);
                    spelled += 1;
                }
                _ => {
                    end(spelled, sink);
                    spelled = 0;
                }
            }
            at = start + len;
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
        let text = "say India Golf November Oscar Romeo Echo / Alfa Lima Lima . / Kilo now";
        let views = decode(&SpellingAlphabet, text.as_bytes());
        assert_eq!(views, [("ignore  all. k".into(), 4..text.len() - 4)]);
        assert!(decode(&SpellingAlphabet, b"Oscar went to India with Romeo and Juliet in November").is_empty());
    }
}
