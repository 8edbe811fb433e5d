//! Room 2: segments in, *views* out.
//!
//! A view is a text that a model may read in a segment: the text itself, its folded form, and what its encodings hide. Views
//! of one decoding depth share one buffer, a *layer*, with one offset map to the layer before; layer 0 is the document's text.
//! Matching then takes two passes a layer (as it is, and folded) however many views there are, and a hit finds its way back
//! to the original bytes by one look-up per layer.
//!
//! A decoder looks for its own signs first (`%41`, `&#`, `\u`, a long base64 run, letters that no language has) and yields nothing
//! where there are none.
//! What decoding may cost is bounded by depth and bytes; what the bounds cut off is reported, never dropped in silence.

mod base32;
mod base64;
mod base85;
mod braille;
mod codes;
mod emoji;
mod entity;
mod escape;
mod fold;
mod html;
mod invisible;
mod joined;
mod kind;
mod language;
mod layers;
mod leet;
mod lines;
mod markdown;
mod mojibake;
mod morse;
mod nato;
mod offset_map;
mod order;
mod overridden;
mod percent;
mod punycode;
mod quoted_printable;
mod reversed;
mod rewrite;
mod selectors;
mod shift;
mod sign;
mod sink;
mod spaced;
mod spelling;
mod tags;
mod turned;
mod utf7;
mod words;

pub(crate) use tags::tags;

pub(crate) use joined::carry;

pub use fold::Folder;
pub(crate) use fold::{fold, fold_phrase};
pub use kind::ViewKind;
pub(crate) use layers::{Deeper, Layer, Layers, View};
pub use offset_map::OffsetMap;
pub(crate) use sign::{Encoded, Sign, Word};
pub(crate) use sink::DecodeSink;

use std::ops::Range;

use tamiz_simd::Shape;

/// Undoes one encoding. To add one: a file here, a [`ViewKind`], a line in [`DECODERS`].
pub(crate) trait Decoder: Sync {
    fn kind(&self) -> ViewKind;

    /// Whether it guesses how a text is to be read, and no encoding says so. Guesses are not made of guesses without end.
    fn is_reading(&self) -> bool {
        false
    }

    /// What a text must have, one or the other, for there to be anything to decode.
    fn signs(&self) -> &'static [Sign];

    /// Finds what is encoded and writes it to `sink`, as any number of views. Offsets given to the sink are into the text.
    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>);
}

const DECODERS: &[&dyn Decoder] = &[
    &base64::Base64,
    &base32::Base32,
    &base85::Base85,
    &codes::Codes,
    &morse::Morse,
    &nato::SpellingAlphabet,
    &percent::Percent,
    &percent::Form,
    &entity::HtmlEntity,
    &escape::Escape,
    &escape::Css,
    &quoted_printable::QuotedPrintable,
    &utf7::Utf7,
    &punycode::Punycode,
    &shift::Shift,
    &overridden::Overridden,
    &reversed::Reversed,
    &turned::UpsideDown,
    &leet::Leet,
    &spaced::Spaced,
    &emoji::Emoji,
    &invisible::InvisibleSpaces,
    &invisible::InvisibleBits,
    &selectors::VariationSelectors,
    &braille::Braille,
    &tags::Tags,
    &markdown::Markdown,
    &html::Html,
    &lines::Lines,
    &mojibake::Mojibake,
];

/// A stretch of `text` with up to `more` bytes on either side, cut at white space where there is some.
pub(crate) fn widened(text: &[u8], stretch: &Range<usize>, more: usize) -> Range<usize> {
    let (from, to) = (stretch.start.saturating_sub(more), (stretch.end + more).min(text.len()));
    let start = match from {
        0 => 0,
        _ => text[from..stretch.start].iter().position(u8::is_ascii_whitespace).map_or(stretch.start, |at| from + at),
    };
    let end = match to == text.len() {
        true => to,
        false => {
            text[stretch.end..to].iter().rposition(u8::is_ascii_whitespace).map_or(stretch.end, |at| stretch.end + at)
        }
    };
    let on_border = |at: &usize| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let start = (start..=stretch.end).find(on_border).unwrap_or(start);
    let end = (start..=end).rev().find(on_border).unwrap_or(end);
    start..end
}

/// Whether decoded bytes read like text: nearly all printable. A few odd bytes are forgiven, for they cost an attacker nothing.
pub(crate) fn reads_like_text(bytes: &[u8]) -> bool {
    let printable = |text: &str| -> usize {
        text.chars().filter(|c| !c.is_control() || c.is_ascii_whitespace()).map(char::len_utf8).sum()
    };
    let good: usize = bytes.utf8_chunks().map(|chunk| printable(chunk.valid())).sum::<usize>();
    let odd = bytes.len() - good;
    !bytes.is_empty() && odd <= if bytes.len() < 24 { bytes.len() / 6 } else { bytes.len() / 5 }
}

/// The same without a single odd byte at the start: for encodings that much else looks like.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    let shown = |byte: &u8| *byte >= b' ' && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r');
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && head.iter().all(shown)
}

#[cfg(test)]
mod tests_support {
    use std::collections::HashSet;

    use tamiz_simd::Survey;

    use super::*;

    /// The views that a decoder makes of `text`, with the span of `text` each stands for.
    pub(super) fn decode(decoder: &dyn Decoder, text: &[u8]) -> Vec<(String, Range<usize>)> {
        let (mut layer, mut seen) = (Layer::default(), HashSet::default());
        let mut sink = DecodeSink::new(&mut layer, &[], 0, 1 << 20, &mut seen);
        let mut survey = Survey::default();
        tamiz_simd::survey(text, &mut survey);
        decoder.decode(Encoded { text, at: 0, survey: &survey }, &mut sink);
        let text = |view: &View| String::from_utf8_lossy(&layer.text[view.range.clone()]).into_owned();
        layer.views.iter().map(|view| (text(view), layer.map.source_span(view.range.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::sign::MOST_SIGNS;
    use super::*;
    use crate::content::SEPARATOR;

    #[test]
    fn every_sign_of_a_decoder_has_its_place() {
        for decoder in DECODERS {
            let signs = decoder.signs().len();
            assert!((1..=MOST_SIGNS).contains(&signs), "{}", decoder.kind().as_str());
            let known = |sign: &Sign| match sign {
                Sign::Byte(byte) => *byte >= 0x80 || b"%&\\=+<\n".contains(byte) || byte.is_ascii_control(),
                Sign::Bytes(bytes) => bytes.len() >= 2 && bytes[0] >= 0x80,
                _ => true,
            };
            assert!(decoder.signs().iter().all(known), "{}: Sign::bits knows it not", decoder.kind().as_str());
        }
    }

    #[test]
    fn hostile_bytes_are_no_trouble() {
        // Beginnings of everything there is, cut anywhere, joined to anything.
        let parts: [&[u8]; 24] = [
            b"%",
            b"%25",
            b"&#",
            b"\\u",
            b"=",
            b"=4",
            b"+A",
            b"xn--",
            b"<",
            b"<!--",
            b"<b",
            b"**",
            b"1gn0r3 ",
            b"i g n o r e ",
            b"-\n",
            b"\n// ",
            b"0x41 ",
            b".- ",
            b"\xc9\x90",
            b"\xef\xb8",
            b"\xf0\x9f",
            b"\xe2\x80\x8b",
            b"\xe6\xb6\x93",
            b"H4sI",
        ];
        let mut seed = 1_u64;
        for _ in 0..400 {
            let mut text = Vec::new();
            for _ in 0..40 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.extend_from_slice(parts[(seed >> 33) as usize % parts.len()]);
                text.extend(std::iter::repeat_n((seed >> 40) as u8, (seed >> 50) as usize % 5));
            }
            text.retain(|byte| *byte != SEPARATOR);
            for decoder in DECODERS {
                for (view, span) in tests_support::decode(*decoder, &text) {
                    assert!(!view.is_empty() && span.end <= text.len() && span.start <= span.end);
                }
            }
        }
    }
}
