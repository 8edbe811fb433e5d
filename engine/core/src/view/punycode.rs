//! Punycode (RFC 3492): `xn--bcher-kva`, as names of hosts write letters beyond ASCII.

use super::rewrite::Rewriter;
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind, Word};

/// Labels of host names have at most 63 characters; words elsewhere may be a little longer.
const LONGEST: usize = 256;

pub(crate) struct Punycode;

impl Decoder for Punycode {
    fn kind(&self) -> ViewKind {
        ViewKind::Punycode
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Word(Word::Xn)]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut writer = Rewriter::new(text, sink);
        let mut end = 0;
        for at in memchr::memmem::find_iter(text, b"xn--") {
            if at < end {
                continue;
            }
            let start = at + 4;
            let is_ours = |byte: &&u8| {
                !byte.is_ascii_whitespace() && byte.is_ascii() && !matches!(byte, b'/' | b'"' | b'\'' | b'<')
            };
            let len = text[start..].iter().take(LONGEST).take_while(is_ours).count();
            // What follows a host name ends it; marks of a sentence may be of the word.
            let label = text[start..start + len]
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
                .count();
            for len in [len, label] {
                if let Some(word) = read(&text[start..start + len]) {
                    end = start + len;
                    writer.put(at, len + 4, word.as_bytes());
                    break;
                }
            }
        }
        writer.finish();
    }
}

fn read(label: &[u8]) -> Option<String> {
    let (basic, rest) = match label.iter().rposition(|byte| *byte == b'-') {
        Some(at) => (&label[..at], &label[at + 1..]),
        None => (&label[..0], label),
    };
    let mut word: Vec<char> = basic.iter().map(|byte| char::from(*byte)).collect();
    let (mut next, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = rest.iter();
    while !digits.as_slice().is_empty() {
        let (start, mut weight, mut base) = (at, 1_u32, 36_u32);
        loop {
            let digit = match digits.next()?.to_ascii_lowercase() {
                letter @ b'a'..=b'z' => u32::from(letter - b'a'),
                digit @ b'0'..=b'9' => u32::from(digit - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = base.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            base += 36;
        }
        let len = word.len() as u32 + 1;
        let mut delta = if start == 0 { (at - start) / 700 } else { (at - start) / 2 };
        delta += delta / len;
        let mut steps = 0;
        while delta > 455 {
            delta /= 35;
            steps += 36;
        }
        bias = steps + 36 * delta / (delta + 38);
        next = next.checked_add(at / len)?;
        at %= len;
        word.insert(at as usize, char::from_u32(next)?);
        at += 1;
    }
    (!rest.is_empty()).then(|| word.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_the_examples_of_the_standard() {
        assert_eq!(read(b"bcher-kva").as_deref(), Some("bücher"));
        assert_eq!(read(b"b1abfaaepdrnnbgefbadotcwatmq2g4l").as_deref(), Some("почемужеонинеговорятпорусски"));
        assert_eq!(decode(&Punycode, b"at xn--bcher-kva.example now"), [("at bücher.example now".into(), 0..28)]);
        assert!(decode(&Punycode, b"xn--, xn--! and xn--999999999999").is_empty());
    }
}
