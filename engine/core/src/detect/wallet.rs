//! Addresses of cryptocurrencies, by their check sums.

use std::ops::Range;

use sha2::Sha256;
use sha3::{Digest, Keccak256};

use super::{Detector, Needs};

/// Base58Check addresses of versions 0 and 5, and Bech32 and Bech32m addresses with `bc1`.
#[derive(Debug)]
pub(super) struct Bitcoin;

/// `0x` and 40 hexadecimal digits; where they are of both cases, the cases are the check sum (EIP-55).
#[derive(Debug)]
pub(super) struct Ethereum;

/// Standard addresses and subaddresses.
#[derive(Debug)]
pub(super) struct Monero;

impl Detector for Bitcoin {
    fn name(&self) -> &'static str {
        "wallet-bitcoin"
    }

    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        words(text, |place, word| {
            let right = match word {
                [b'1' | b'3', ..] => matches!(word.len(), 26..=35) && base58_check(word),
                [b'b' | b'B', b'c' | b'C', b'1', ..] => matches!(word.len(), 42..=62) && bech32(word),
                _ => false,
            };
            if right {
                found(place);
            }
        });
    }
}

impl Detector for Ethereum {
    fn name(&self) -> &'static str {
        "wallet-ethereum"
    }

    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        words(text, |place, word| {
            if word.len() == 42 && word.strip_prefix(b"0x").is_some_and(eip55) {
                found(place);
            }
        });
    }
}

impl Detector for Monero {
    fn name(&self) -> &'static str {
        "wallet-monero"
    }

    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        words(text, |place, word| {
            if word.len() == 95 && monero(word) {
                found(place);
            }
        });
    }
}

fn words(text: &[u8], mut seen: impl FnMut(Range<usize>, &[u8])) {
    let mut at = 0;
    for word in text.split(|byte| !byte.is_ascii_alphanumeric()) {
        if word.len() >= 26 {
            seen(at..at + word.len(), word);
        }
        at += word.len() + 1;
    }
}

/// A digit of base 58: no 0, O, I and l.
fn base58(byte: u8) -> Option<u32> {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    memchr::memchr(byte, DIGITS).map(|value| value as u32)
}

/// The number that digits of base 58 write, in the last bytes of `out`. `None` if it is no number or does not fit.
fn from_base58(text: &[u8], out: &mut [u8]) -> Option<()> {
    for byte in text {
        let mut carry = base58(*byte)?;
        for place in out.iter_mut().rev() {
            carry += u32::from(*place) * 58;
            *place = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(())
}

/// Version, hash, and the first four bytes of its SHA-256 taken twice.
fn base58_check(text: &[u8]) -> bool {
    let mut bytes = [0; 25];
    if from_base58(text, &mut bytes).is_none() || !matches!(bytes[0], 0 | 5) {
        return false;
    }
    Sha256::digest(Sha256::digest(&bytes[..21]))[..4] == bytes[21..]
}

/// BIP 173 and BIP 350.
fn bech32(text: &[u8]) -> bool {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let generator = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3_u32];
        let mixed = generator.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
        mixed.fold((sum & 0x1ff_ffff) << 5 ^ value, |sum, (_, generator)| sum ^ generator)
    };
    // The human-readable part `bc`, spread out.
    let start = [3, 3, 0, 2, 3].iter().fold(1, |sum, value| step(sum, *value));
    let sum = text[3..].iter().try_fold(start, |sum, byte| {
        memchr::memchr(byte.to_ascii_lowercase(), DIGITS).map(|value| step(sum, value as u32))
    });
    !mixed && matches!(sum, Some(1 | 0x2bc8_30a3))
}

/// Digits of one case only carry no check sum.
fn eip55(digits: &[u8]) -> bool {
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| digits.iter().any(test);
    if !has(u8::is_ascii_uppercase) || !has(u8::is_ascii_lowercase) {
        // Numbers with many zeros are counters and masks.
        return digits.iter().filter(|byte| **byte == b'0').count() < 14;
    }
    let mut lower = [0; 40];
    lower.copy_from_slice(digits);
    lower.make_ascii_lowercase();
    let sum = Keccak256::digest(lower);
    digits.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic()).all(|(place, byte)| {
        let nibble = sum[place / 2] >> (4 - place % 2 * 4) & 0x0f;
        byte.is_ascii_uppercase() == (nibble >= 8)
    })
}

/// Network, two keys, and the first four bytes of their Keccak-256; eleven characters for eight bytes.
fn monero(text: &[u8]) -> bool {
    let mut bytes = [0; 69];
    for (piece, out) in text.chunks(11).zip(bytes.chunks_mut(8)) {
        if from_base58(piece, out).is_none() {
            return false;
        }
    }
    matches!(bytes[0], 18 | 42) && Keccak256::digest(&bytes[..65])[..4] == bytes[65..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'t>(detector: &dyn Detector, text: &'t str) -> Vec<&'t str> {
        let mut all = Vec::new();
        detector.find(text.as_bytes(), &mut |place| all.push(&text[place]));
        all
    }

    #[test]
    fn bitcoin() {
        // The first block's, and examples of BIP 173 and BIP 350.
        for right in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert_eq!(find(&Bitcoin, &format!("pay/{right}-now")), [right]);
            let mut wrong = right.to_owned();
            let last = wrong.pop().expect("not empty");
            wrong.push(if last == 'q' {
                'p'
            } else if last == '4' {
                '5'
            } else {
                '4'
            });
            assert!(find(&Bitcoin, &wrong).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn ethereum() {
        // Examples of EIP-55.
        for right in ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"] {
            assert_eq!(find(&Ethereum, right), [right]);
        }
        assert!(find(&Ethereum, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").is_empty());
        assert!(find(&Ethereum, "0x0000000000000000000000000000000000000001").is_empty());
        assert_eq!(find(&Ethereum, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed").len(), 1);
    }

    #[test]
    fn monero() {
        // The address of the Monero project's general fund.
        let right = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";
        assert_eq!(find(&Monero, right), [right]);
        assert!(find(&Monero, &right.replace("44AFF", "44AFG")).is_empty());
    }
}
