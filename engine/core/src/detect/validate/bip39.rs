//! Seed phrases of wallets (BIP-39).

use sha2::{Digest as _, Sha256};

use super::Validator;

/// Twelve, fifteen, eighteen, twenty-one or twenty-four words of the English list with a right checksum, hardly any twice.
///
/// Each word is 11 bits; the last bit of every 33 belongs to the checksum, the first bits of the SHA-256 of all others. One row of twelve
/// words in sixteen has a right one by chance, one of twenty-four in 256.
#[derive(Debug)]
pub(super) struct Bip39;

/// The 2,048 words of the standard, in order.
const WORDS: &str = include_str!("bip39.txt");

/// So many words of the list, whatever their checksum: other wallets have another one, and people mistype words.
#[derive(Debug)]
pub(super) struct Bip39Words;

impl Validator for Bip39 {
    fn name(&self) -> &'static str {
        "bip39"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        numbers(text).is_some_and(|words| checks(&words))
    }
}

impl Validator for Bip39Words {
    fn name(&self) -> &'static str {
        "bip39-words"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        numbers(text).is_some()
    }
}

/// The numbers of the words, if they are as many as a phrase has, all in the list, and hardly any twice.
fn numbers(text: &[u8]) -> Option<Vec<u16>> {
    let words = text.split(|byte| !byte.is_ascii_lowercase()).filter(|word| !word.is_empty());
    let words: Vec<u16> = words.map(number).collect::<Option<_>>()?;
    let mut distinct = words.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let right = matches!(words.len(), 12 | 15 | 18 | 21 | 24) && distinct.len() * 4 >= words.len() * 3;
    right.then_some(words)
}

/// Whether the last bits of the words are the first of the hash of the others.
fn checks(words: &[u16]) -> bool {
    let bit = |at: usize| words[at / 11] >> (10 - at % 11) & 1 == 1;
    let entropy = words.len() * 11 / 33 * 32;
    let bytes: Vec<u8> =
        (0..entropy / 8).map(|byte| (0..8).fold(0, |all, at| all << 1 | u8::from(bit(byte * 8 + at)))).collect();
    let hash = Sha256::digest(&bytes);
    (entropy..words.len() * 11).all(|at| bit(at) == (hash[(at - entropy) / 8] >> (7 - (at - entropy) % 8) & 1 == 1))
}

/// The number of a word in the list: halving the text, each time at the next end of a line.
fn number(word: &[u8]) -> Option<u16> {
    let (mut low, mut high) = (0, WORDS.len());
    let list = WORDS.as_bytes();
    while low < high {
        let middle = (low + high) / 2;
        let start = memchr::memrchr(b'\n', &list[..middle]).map_or(0, |end| end + 1).max(low);
        let end = memchr::memchr(b'\n', &list[middle..]).map_or(list.len(), |end| middle + end);
        match list[start..end].cmp(word) {
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Equal => return u16::try_from(memchr::memchr_iter(b'\n', &list[..start]).count()).ok(),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_word_and_no_other() {
        assert_eq!(WORDS.lines().count(), 2048);
        assert!(WORDS.lines().zip(0..).all(|(word, at)| number(word.as_bytes()) == Some(at)));
        for word in ["", "a", "zzz", "aardvark", "password", "abandons", "zoos"] {
            assert_eq!(number(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn prose_and_repeated_samples_are_no_phrases() {
        let right = "pelican region mix lizard curve office budget trash chalk suit term alarm";
        assert!(Bip39.accepts(right.as_bytes()));
        assert!(!Bip39.accepts(right.rsplit_once(' ').expect("words").0.as_bytes()));
        assert!(!Bip39.accepts(b"test test test test test test test test test test test junk"));
        assert!(!Bip39.accepts(b"the seed phrase is written down on paper and kept in a safe"));
        let wrong = "pelican region mix lizard curve office budget trash chalk suit term abandon";
        assert!(!Bip39.accepts(wrong.as_bytes()) && Bip39Words.accepts(wrong.as_bytes()));
    }

    /// Test vectors of the standard, and one each of the lengths that these do not have.
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        let numbers = |text: &str| text.split(' ').map(|word| number(word.as_bytes()).unwrap()).collect::<Vec<_>>();
        let phrases = [
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            "legal winner thank year wave sausage worth useful legal winner thank yellow",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
            "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
            "earth together pond inhale main camp grow bronze sad treat velvet reopen language employ coach",
            "gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable \
             narrow fog",
            "task wrap history state reform joy scissors horror strong exit omit kite trip into once autumn bulb gentle \
             hockey genre lawsuit",
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis \
             maple dilemma loan word shrug inflict delay length",
        ];
        for phrase in phrases {
            let words = numbers(phrase);
            assert!(checks(&words), "{phrase}");
            // Of all other last words only those are right whose first bits happen to be hashed to the rest.
            let right = (0..2048).filter(|last| checks(&[&words[..words.len() - 1], &[*last]].concat())).count();
            assert_eq!(right, 1 << (11 - words.len() / 3), "{phrase}");
        }
    }
}
