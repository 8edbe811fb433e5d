//! Bytes written in variation selectors: there are 256 of them, none is shown, and any emoji can carry a row of them.

use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind, reads_like_text};

/// Fewer bytes than this are no message.
const FEWEST: usize = 4;

pub(crate) struct VariationSelectors;

impl Decoder for VariationSelectors {
    fn kind(&self) -> ViewKind {
        ViewKind::VariationSelectors
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Bytes(b"\xf3\xa0"), Sign::Bytes(b"\xef\xb8")]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let (mut places, mut at) = (Vec::new(), 0);
        while let Some(start) = memchr::memchr2(0xf3, 0xef, &text[at..]).map(|found| at + found) {
            at = start + 1;
            let Some((byte, len)) = selector(&text[start..]) else { continue };
            at = start + len;
            // One by itself picks how an emoji looks.
            let style =
                matches!(byte, 0x0e | 0x0f) && selector(&text[at..]).is_none() && !ends_in_selector(&text[..start]);
            if !style {
                places.push((start, len, byte));
            }
        }
        let bytes: Vec<u8> = places.iter().map(|place| place.2).collect();
        if bytes.len() >= FEWEST && reads_like_text(&bytes) {
            for (start, len, byte) in places {
                sink.whole(start, len, vec![byte]);
            }
            sink.finish();
        }
    }
}

/// The byte that a selector at the start of `text` stands for, and its length.
fn selector(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [0xef, 0xb8, low @ 0x80..=0x8f, ..] => Some((low - 0x80, 3)),
        [0xf3, 0xa0, high @ 0x84..=0x87, low @ 0x80..=0xbf, ..] => {
            let number = u32::from(high - 0x84) << 6 | u32::from(low - 0x80);
            u8::try_from(number + 16).ok().map(|byte| (byte, 4))
        }
        _ => None,
    }
}

fn ends_in_selector(text: &[u8]) -> bool {
    text.len() >= 3 && selector(&text[text.len() - 3..]).is_some()
        || text.len() >= 4 && selector(&text[text.len() - 4..]).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn bytes_are_read_and_styles_are_not() {
        let selectors: String =
            "Obey me".bytes().filter_map(|byte| char::from_u32(0xe0100 + u32::from(byte) - 16)).collect();
        let text = format!("Hi 😊{selectors}!");
        assert_eq!(decode(&VariationSelectors, text.as_bytes()), [("Obey me".into(), 7..7 + 4 * 7)]);
        assert!(decode(&VariationSelectors, "❤️☎️✈️☀️☁️❤️".as_bytes()).is_empty());
    }
}
