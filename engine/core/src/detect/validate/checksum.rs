//! Tokens that carry the CRC-32 of themselves.
//!
//! GitHub and npm: a prefix that ends in `_`, random letters and digits, and six digits in base 62 (0-9, A-Z, a-z) with the checksum of
//! what stands between. GitLab's routable tokens: the checksum of all that stands before it, in seven digits in base 36.

use super::Validator;

/// A token whose checksum is right.
#[derive(Debug)]
pub(super) struct Crc32;

impl Validator for Crc32 {
    fn name(&self) -> &'static str {
        "crc32"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        base62(text) || base36(text)
    }
}

fn base62(text: &[u8]) -> bool {
    let Some(prefix) = memchr::memchr(b'_', text) else { return false };
    let Some((body, check)) = text[prefix + 1..].split_last_chunk::<6>() else { return false };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    };
    !body.is_empty() && number(check, 62, digit) == Some(u64::from(crc32(body)))
}

fn base36(text: &[u8]) -> bool {
    let Some((body, check)) = text.split_last_chunk::<7>() else { return false };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        _ => None,
    };
    !body.is_empty() && number(check, 36, digit) == Some(u64::from(crc32(body)))
}

fn number(digits: &[u8], base: u64, digit: impl Fn(u8) -> Option<u8>) -> Option<u64> {
    digits.iter().try_fold(0, |number: u64, byte| Some(number * base + u64::from(digit(*byte)?)))
}

/// The CRC-32 of zip and Ethernet. Tokens are short, so bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn one_changed_character_is_noticed() {
        // Made up: random letters, and the checksum of them.
        for right in [&b"gho_kV7tQ2mZ9xLw4RbNpW3nZ8vKq5RtYx000000"[..], b"glpat-kV7tQ2mZ9xLw4RbNpW3nZ8vKq5R.0r0000000"]
        {
            let right = sealed(right);
            assert!(Crc32.accepts(&right));
            for place in 5..right.len() {
                let mut other = right.clone();
                other[place] = if other[place] == b'b' { b'c' } else { b'b' };
                assert!(!Crc32.accepts(&other), "{place}");
            }
        }
        assert!(!Crc32.accepts(b"ghp_") && !Crc32.accepts(b"") && !Crc32.accepts(b"ghp_abcdef"));
    }

    /// The token with a right checksum at its end.
    fn sealed(token: &[u8]) -> Vec<u8> {
        let base62 = token.starts_with(b"gh");
        let (kept, base) = if base62 { (token.len() - 6, 62) } else { (token.len() - 7, 36) };
        let mut left = crc32(if base62 { &token[4..kept] } else { &token[..kept] });
        let mut check = Vec::new();
        for _ in kept..token.len() {
            let digit = (left % base) as u8;
            left /= base;
            check.push(match (digit, base62) {
                (0..=9, _) => b'0' + digit,
                (10..=35, true) => b'A' + digit - 10,
                (_, true) => b'a' + digit - 36,
                (_, false) => b'a' + digit - 10,
            });
        }
        check.reverse();
        [&token[..kept], &check].concat()
    }
}
