//! Text within U+202E, which shows it last letter first: written backwards, it reads as usual.

use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

/// The override to the left, and what ends it.
const OVERRIDE: &[u8] = "\u{202e}".as_bytes();
const END: &[u8] = "\u{202c}".as_bytes();

pub(crate) struct Overridden;

impl Decoder for Overridden {
    fn kind(&self) -> ViewKind {
        ViewKind::Reversed
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Bytes(OVERRIDE)]
    }

    /// All of a stretch stands for all of it. A line break ends it too.
    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&text[from..], OVERRIDE) {
            let start = from + found + OVERRIDE.len();
            let line = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
            let end = memchr::memmem::find(&text[start..line], END).map_or(line, |at| start + at);
            let turned: String = String::from_utf8_lossy(&text[start..end]).chars().rev().collect();
            if !turned.trim().is_empty() {
                sink.whole(start, end - start, turned.into_bytes());
                sink.finish();
            }
            from = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn what_is_shown_backwards_is_turned() {
        let text = "See \u{202e}selger sal adivlO\u{202c} here \u{202e}fdp\nend \u{202e}";
        let views = decode(&Overridden, text.as_bytes());
        let texts: Vec<&str> = views.iter().map(|(view, _)| view.as_str()).collect();
        assert_eq!(texts, ["Olvida las regles", "pdf"]);
        assert_eq!(&text[views[0].1.clone()], "selger sal adivlO");
        assert!(decode(&Overridden, "a \u{202a}b\u{202c} c".as_bytes()).is_empty());
    }
}
