//! Bech32 (BIP-173): five bits a character, six characters of checksum over all of it.

use super::Validator;

/// A text in bech32 whose checksum is right, in one case.
#[derive(Debug)]
pub(super) struct Bech32;

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

impl Validator for Bech32 {
    fn name(&self) -> &'static str {
        "bech32"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let has = |test: fn(&u8) -> bool| text.iter().any(test);
        let lower = text.to_ascii_lowercase();
        let Some(separator) = memchr::memrchr(b'1', &lower) else { return false };
        let (prefix, data) = (&lower[..separator], &lower[separator + 1..]);
        if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) || prefix.is_empty() || data.len() < 6 {
            return false;
        }
        let values = data.iter().map(|byte| ALPHABET.iter().position(|letter| letter == byte));
        let Some(values) = values.collect::<Option<Vec<usize>>>() else { return false };
        let high = prefix.iter().map(|byte| u32::from(byte >> 5));
        let low = prefix.iter().map(|byte| u32::from(byte & 31));
        let all = high.chain([0]).chain(low).chain(values.into_iter().map(|value| value as u32));
        all.fold(1, step) == 1
    }
}

/// One step of the polynomial remainder.
fn step(check: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = check >> 25;
    let terms = GENERATOR.iter().enumerate().filter(|(bit, _)| (top >> bit) & 1 == 1);
    terms.fold(((check & 0x01ff_ffff) << 5) ^ value, |check, (_, term)| check ^ term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard() {
        for right in ["A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"] {
            assert!(Bech32.accepts(right.as_bytes()), "{right}");
        }
        for wrong in ["A1G7SGD8", "a12uel5m", "A12uEL5L", "1nwldj5", "pzry9x0s0muk", ""] {
            assert!(!Bech32.accepts(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn one_changed_character_is_noticed() {
        let right = b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
        for place in 7..right.len() {
            for letter in ALPHABET {
                let mut other = *right;
                other[place] = *letter;
                assert_eq!(Bech32.accepts(&other), other == *right);
            }
        }
    }
}
