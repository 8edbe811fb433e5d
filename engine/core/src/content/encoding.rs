//! Which characters the bytes are: UTF-8, UTF-16 by its byte order mark, Windows-1252 where UTF-8 fails a little, else unknown.

use crate::view::OffsetMap;

/// How the bytes of a text are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8, from this offset on (3 after a byte order mark).
    Utf8 { from: usize },
    /// UTF-16 after its byte order mark.
    Utf16 { big_endian: bool },
    /// Mostly UTF-8 or ASCII with `invalid` bytes that are not, the first at `first`. Read as Windows-1252 there.
    Mixed { invalid: usize, first: usize },
    /// No text encoding known here: compressed, encrypted, an image …
    Unknown { why: &'static str },
}

/// Looks at the bytes. One pass for valid UTF-8.
pub(crate) fn sniff(body: &[u8]) -> Encoding {
    match body {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Encoding::Unknown { why: "UTF-32 is not supported" },
        [0xff, 0xfe, ..] => return Encoding::Utf16 { big_endian: false },
        [0xfe, 0xff, ..] => return Encoding::Utf16 { big_endian: true },
        _ => {}
    }
    let from = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let Err(error) = simdutf8::compat::from_utf8(body) else {
        let odd = controls(body);
        if odd > body.len() / 10 + 4 {
            return Encoding::Unknown {
                why: "a tenth of the bytes are control characters: UTF-16 without its mark, or no text",
            };
        }
        return Encoding::Utf8 { from };
    };
    let first = error.valid_up_to();
    let mut rest = body;
    let mut invalid = 0;
    while let Err(error) = std::str::from_utf8(rest) {
        let bad = error.error_len().unwrap_or(rest.len() - error.valid_up_to());
        invalid += bad;
        // Accented letters of Windows-1252 stand alone; letters of most other encodings stand together.
        let together = rest[error.valid_up_to()..].iter().take_while(|byte| **byte >= 0x80).count();
        if together >= 4 {
            return Encoding::Unknown {
                why: "the bytes are neither UTF-8 nor Windows-1252: another encoding, or no text",
            };
        }
        rest = &rest[error.valid_up_to() + bad..];
        if invalid > body.len() / 10 + 4 {
            return Encoding::Unknown { why: "the bytes are neither UTF-8 nor UTF-16 with a byte order mark" };
        }
    }
    if body.contains(&0) {
        return Encoding::Unknown { why: "the bytes are binary: zero bytes and invalid UTF-8" };
    }
    Encoding::Mixed { invalid, first }
}

/// How many bytes are control characters other than white space and the escape character.
fn controls(body: &[u8]) -> usize {
    let is_control = |byte: &u8| (*byte < 0x20) & (byte.wrapping_sub(b'\t') > 4) & (*byte != 0x1b);
    // Sums that fit a byte are taken sixteen at a time.
    let of_some = |some: &[u8]| usize::from(some.iter().map(|byte| u8::from(is_control(byte))).sum::<u8>());
    body.chunks(240).map(of_some).sum()
}

/// UTF-16 after its mark, as UTF-8 with a map back. Lone surrogates become U+FFFD.
pub(crate) fn decode_utf16(body: &[u8], big_endian: bool, text: &mut Vec<u8>, map: &mut OffsetMap) {
    let units = body[2..].chunks(2).map(|pair| match pair {
        [a, b] if big_endian => u16::from_be_bytes([*a, *b]),
        [a, b] => u16::from_le_bytes([*a, *b]),
        _ => 0xfffd,
    });
    let mut at = 2;
    for decoded in char::decode_utf16(units) {
        let character = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        let src_len = (2 * character.len_utf16()).min(body.len() - at);
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        text.extend_from_slice(bytes);
        if bytes.len() == 1 {
            map.push_ratio(at, src_len, 1, 2, 1);
        } else {
            map.push_block(at, src_len, bytes.len());
        }
        at += src_len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_it_can_read() {
        assert_eq!(sniff("grün".as_bytes()), Encoding::Utf8 { from: 0 });
        assert_eq!(sniff(b"\xef\xbb\xbfx"), Encoding::Utf8 { from: 3 });
        assert_eq!(sniff(b"gr\xfcn und gut"), Encoding::Mixed { invalid: 1, first: 2 });
        assert_eq!(sniff(b"\xff\xfea\0"), Encoding::Utf16 { big_endian: false });
        assert!(matches!(sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\xfd"), Encoding::Unknown { .. }));
    }

    #[test]
    fn utf16_maps_back_to_its_pairs() {
        let body: Vec<u8> = [0xfeff].into_iter().chain("ab€😀c".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let (mut text, mut map) = (Vec::new(), OffsetMap::default());
        decode_utf16(&body, false, &mut text, &mut map);
        assert_eq!(String::from_utf8_lossy(&text), "ab€😀c");
        assert_eq!(map.source_span(0..2), 2..6);
        assert_eq!(map.source_span(2..5), 6..8);
        assert_eq!(map.source_span(5..9), 8..12);
        assert_eq!(map.source_span(9..10), 12..14);
    }
}
