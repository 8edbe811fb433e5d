//! Backslash escapes of JSON, JavaScript, Python and C: `\u0069gnore`, `\x69`, `\n`.

use super::rewrite::{Escape as Found, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

pub(crate) struct Escape;

impl Decoder for Escape {
    fn kind(&self) -> ViewKind {
        ViewKind::Escape
    }

    fn sign(&self) -> Sign {
        Sign::Byte(b'\\')
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
            let second = hex(rest.get(slashes..slashes + 5)?.strip_prefix(b"u").filter(|_| slashes > 0)?)?;
            let pair = [first as u16, second as u16];
            char::decode_utf16(pair).next()?.ok().map(|character| Found::character(11 + slashes, character))
        }
        b'U' => Some(Found::character(10, char::from_u32(hex(at.get(2..10)?)?)?)),
        b'0'..=b'3' => {
            let digits = at.get(1..4)?;
            let value = digits.iter().try_fold(0_u8, |value, digit| {
                matches!(digit, b'0'..=b'7').then(|| value.wrapping_mul(8).wrapping_add(digit - b'0'))
            })?;
            (value != 0 && value != crate::content::SEPARATOR).then(|| Found::byte(4, value))
        }
        _ => None,
    }
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
        assert!(decode(&Escape, br"C:\Windows\q \u12 \x").is_empty());
    }
}
