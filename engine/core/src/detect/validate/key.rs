//! Values in the form of a service's key, where the rule knows the form or the name.

use super::Validator;
use super::entropy::{bits_per_byte, is_template};
use super::published::is_published;

/// Bits per character below which a text is filler.
const LEAST_BITS: f64 = 2.5;
/// A stand-in word makes a value a stand-in from this share of it on: one part in so many. A long key may have one in it by chance.
const SHARE: usize = 6;

/// Words that stand where a value will be. Rows of digits or letters are none: people do use them as keys.
const STAND_INS: [&[u8]; 19] = [
    b"example",
    b"changeme",
    b"changeit",
    b"change_me",
    b"change-me",
    b"placeholder",
    b"replace",
    b"your_",
    b"your-",
    b"yourkey",
    b"yourtoken",
    b"insert",
    b"redacted",
    b"dummy",
    b"sample",
    b"xxxx",
    b"****",
    b"todo",
    b"fake",
];

/// Characters from which on the same one again and again, or letters as in the alphabet, are a row.
const ROW: usize = 5;

/// At least two and a half bits of Shannon entropy per character, no template, no stand-in, no rows and no published sample.
#[derive(Debug)]
pub(super) struct Key;

impl Validator for Key {
    fn name(&self) -> &'static str {
        "key"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        bits_per_byte(text) >= LEAST_BITS
            && !is_template(text)
            && !is_stand_in(text)
            && !is_filled(text)
            && !is_published(text)
    }
}

fn is_stand_in(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let of_words: usize =
        STAND_INS.iter().map(|word| memchr::memmem::find_iter(&lower, word).count() * word.len()).sum();
    of_words * SHARE >= text.len().max(1)
}

/// Whether somebody held a key down or wrote the alphabet: half of it and more are rows of one character, or of letters that follow
/// each other.
fn is_filled(text: &[u8]) -> bool {
    let rows = |together: fn(&u8, &u8) -> bool| -> usize {
        text.chunk_by(together).map(<[u8]>::len).filter(|len| *len >= ROW).sum()
    };
    let held = rows(|a, b| a == b);
    let follows = rows(|a, b| a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && a.wrapping_add(1) == *b);
    (held + follows) * 2 >= text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_held_down_and_the_alphabet_are_filler() {
        for text in ["sgp_3333333bEEEEE9999999DffffB888888888888", "AIzaQxabcdefghijklmnopqrst8902341"] {
            assert!(!Key.accepts(text.as_bytes()), "{text}");
        }
        for text in ["fm9_lJPECAAAAAAAAMqcxBBLMJKXYKJiT0CI58XmukX", "sk-q7Zabcdefg2mXv9KdR4tLw8HsB"] {
            assert!(Key.accepts(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_row_of_digits_is_a_key_and_a_word_is_none() {
        for text in ["12345678-ABCD-ABCD-ABCD-1234567890AB", "q7Zp2mXv9KdR4tLw8HsB", "kV7tQ2mZ9xLwfakeRbNpW3nZ8vKq5"] {
            assert!(Key.accepts(text.as_bytes()), "{text}");
        }
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "00000000-0000-0000-0000-000000000000",
            "your_api_key_9f8e7d",
            "${TOKEN_FROM_VAULT_7}",
            "JBSWY3DPEHPK3PXP",
            "",
        ] {
            assert!(!Key.accepts(text.as_bytes()), "{text}");
        }
    }
}
