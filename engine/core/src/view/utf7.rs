//! UTF-7: letters as base64 of UTF-16 between `+` and `-`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::rewrite::Rewriter;
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

const DIGITS: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) struct Utf7;

impl Decoder for Utf7 {
    fn kind(&self) -> ViewKind {
        ViewKind::Utf7
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'+')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut writer = Rewriter::new(text, sink);
        let mut search = 0;
        while let Some(at) = memchr::memchr(b'+', &text[search..]).map(|found| search + found) {
            let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            let len = text[at + 1..].iter().take_while(is_digit).count();
            let end = at + 1 + len;
            search = end;
            let Some(decoded) = read(&text[at + 1..end]) else { continue };
            let closed = usize::from(text.get(end) == Some(&b'-'));
            search = end + closed;
            writer.put(at, len + 1 + closed, decoded.as_bytes());
        }
        writer.finish();
    }
}

/// The text, if the digits hold whole characters and all of them are shown.
fn read(digits: &[u8]) -> Option<String> {
    let units = digits.len() * 6 / 16;
    if units == 0 || digits.len() != (units * 16).div_ceil(6) {
        return None;
    }
    let bytes = DIGITS.decode(digits).ok()?;
    let units = bytes.chunks_exact(2).take(units).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let shown = |c: char| (!c.is_control() || c.is_whitespace()) && !('\u{e000}'..='\u{f8ff}').contains(&c);
    // Letters of one word are of one script, more or less.
    let script = |c: char| match c {
        _ if !c.is_alphabetic() => 0,
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => 1,
        '\u{250}'..='\u{36f}' => 2,
        '\u{370}'..='\u{2e7f}' => 4,
        _ => 8,
    };
    let scripts = text.chars().fold(0, |all, c| all | script(c));
    (text.chars().all(shown) && matches!(scripts, 0 | 1 | 4 | 8)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_and_maps_back() {
        let views = decode(&Utf7, b"do +AGkAZwBuAG8AcgBl- all+ACE-");
        assert_eq!(views, [("do ignore all!".into(), 0..30)]);
        assert!(decode(&Utf7, b"A+B and +C +Apples 1+1 +DEBUG").is_empty());
    }
}
