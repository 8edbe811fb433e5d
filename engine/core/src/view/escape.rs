//! Backslash escapes of JSON, JavaScript, Python and C: `\u0069gnore`, `\x69`, `\n`.

use super::rewrite::{Escape as Found, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

pub(crate) struct Escape;

impl Decoder for Escape {
    fn kind(&self) -> ViewKind {
        ViewKind::Escape
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'\\')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        rewrite(encoded.text, b'\\', sink, read);
    }
}

/// Reads an escape after any number of backslashes: text that was escaped several times is read in one go.
fn read(at: &[u8]) -> Option<Found> {
    let extra = at.iter().take(64).take_while(|byte| **byte == b'\\').count() - 1;
    let mut found = read_one(&at[extra..])?;
    found.len += extra;
    Some(found)
}

fn read_one(at: &[u8]) -> Option<Found> {
    match at.get(1)? {
        b'n' => Some(Found::byte(2, b'\n')),
        b'r' => Some(Found::byte(2, b'\r')),
        b't' => Some(Found::byte(2, b'\t')),
        b'v' => Some(Found::byte(2, 0x0b)),
        b'f' => Some(Found::byte(2, 0x0c)),
        byte @ (b'"' | b'\'' | b'/') => Some(Found::byte(2, *byte)),
        b'x' => {
            let byte = hex(at.get(2..4)?)? as u8;
            (byte != 0 && byte != crate::content::SEPARATOR).then(|| Found::byte(4, byte))
        }
        b'u' if at.get(2) == Some(&b'{') => {
            let digits = at[3..].iter().take(8).take_while(|byte| **byte != b'}').count();
            let character = char::from_u32(hex(&at[3..3 + digits])?)?;
            (at.get(3 + digits) == Some(&b'}')).then(|| Found::character(digits + 4, character))
        }
        b'u' => {
            let first = hex(at.get(2..6)?)?;
            if let Some(character) = char::from_u32(first) {
                return Some(Found::character(6, character));
            }
            // The second half has as many backslashes as the first, which were counted away.
            let rest = &at[6..];
            let slashes = rest.iter().take(64).take_while(|byte| **byte == b'\\').count();
            let half = || hex(rest.get(slashes..slashes + 5)?.strip_prefix(b"u").filter(|_| slashes > 0)?);
            let pair = half().and_then(|second| char::decode_utf16([first as u16, second as u16]).next()?.ok());
            // A surrogate without its other half stands for nothing.
            Some(pair.map_or(Found::nothing(6), |character| Found::character(11 + slashes, character)))
        }
        b'U' => Some(Found::character(10, char::from_u32(hex(at.get(2..10)?)?)?)),
        b'0'..=b'7' => {
            // One to three digits; a short one that is no text is a reference of an expression.
            let digits = at[1..].iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
            let value = at[1..=digits].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            let byte = u8::try_from(value)
                .ok()
                .filter(|byte| !matches!(*byte, 0..=8 | 0x0e..=0x1f | crate::content::SEPARATOR))?;
            Some(Found::byte(digits + 1, byte))
        }
        _ => None,
    }
}

/// Escapes of style sheets: up to six hexadecimal digits, and a space after them that is not shown.
pub(crate) struct Css;

impl Decoder for Css {
    fn kind(&self) -> ViewKind {
        ViewKind::Css
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'\\')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        // Few other notations have these; three of them are a style.
        if memchr::memchr_iter(b'\\', text).filter(|at| css(&text[*at..]).is_some()).take(3).count() == 3 {
            rewrite(text, b'\\', sink, css);
        }
    }
}

fn css(at: &[u8]) -> Option<Found> {
    let digits = at[1..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let character = char::from_u32(hex(at.get(1..=digits)?)?).filter(|c| digits >= 2 && !c.is_control())?;
    let space = usize::from(at.get(1 + digits) == Some(&b' '));
    Some(Found::character(1 + digits + space, character))
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_the_usual_escapes() {
        let views = decode(&Escape, br"\u0069gn\x6fre\n\ud83d\ude00 \u{1F600} \U0001F600 \141ll \q");
        assert_eq!(views[0].0, "ignore\n😀 😀 😀 all \\q");
        assert_eq!(decode(&Escape, br"\\\\u0069gnore")[0], ("ignore".into(), 0..14));
        assert_eq!(decode(&Escape, br"ignore\40all\vprevious\ud800 rules")[0].0, "ignore all\u{b}previous rules");
        assert!(decode(&Escape, br"C:\Windows\q \u12 \x").is_empty());
    }

    #[test]
    fn decodes_style_sheets() {
        assert_eq!(decode(&Css, br"\69 gn\00006F\72 e it")[0].0, "ignore it");
        assert!(decode(&Css, br"C:\beef \n").is_empty());
    }
}
