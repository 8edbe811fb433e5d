//! Seed phrases of wallets (BIP-39).

use super::Validator;

/// Twelve, fifteen, eighteen, twenty-one or twenty-four words of the English list, hardly any twice. The checksum, which one phrase of
/// sixteen has by chance, is not computed.
#[derive(Debug)]
pub(super) struct Bip39;

/// The 2,048 words of the standard, in order.
const WORDS: &str = include_str!("bip39.txt");

impl Validator for Bip39 {
    fn name(&self) -> &'static str {
        "bip39"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let words: Vec<&[u8]> = text.split(|byte| !byte.is_ascii_lowercase()).filter(|word| !word.is_empty()).collect();
        let mut distinct = words.clone();
        distinct.sort_unstable();
        distinct.dedup();
        matches!(words.len(), 12 | 15 | 18 | 21 | 24)
            && distinct.len() * 4 >= words.len() * 3
            && distinct.iter().all(|word| is_word(word))
    }
}

/// Whether the list has the word: halving the text, each time at the next end of a line.
fn is_word(word: &[u8]) -> bool {
    let (mut low, mut high) = (0, WORDS.len());
    let list = WORDS.as_bytes();
    while low < high {
        let middle = (low + high) / 2;
        let start = memchr::memrchr(b'\n', &list[..middle]).map_or(0, |end| end + 1).max(low);
        let end = memchr::memchr(b'\n', &list[middle..]).map_or(list.len(), |end| middle + end);
        match list[start..end].cmp(word) {
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_word_and_no_other() {
        assert_eq!(WORDS.lines().count(), 2048);
        assert!(WORDS.lines().all(|word| is_word(word.as_bytes())));
        for word in ["", "a", "zzz", "aardvark", "password", "abandons", "zoos"] {
            assert!(!is_word(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn prose_and_repeated_samples_are_no_phrases() {
        let right = "pelican region mix lizard curve office budget trash chalk suit term alarm";
        assert!(Bip39.accepts(right.as_bytes()));
        assert!(!Bip39.accepts(right.rsplit_once(' ').expect("words").0.as_bytes()));
        assert!(!Bip39.accepts(b"test test test test test test test test test test test junk"));
        assert!(!Bip39.accepts(b"the seed phrase is written down on paper and kept in a safe"));
    }
}
