//! Random text by how little of it is made of pieces of words.
//!
//! A language model's tokenizer cuts words into few long tokens and random text into many short ones: characters per token tell them
//! apart better than entropy, which `authentication_handler` has plenty of. Here the tokenizer is a list of 2,000 pieces of words
//! (`pieces.txt`, byte pair encoding of names and prose in source code), matched greedily. Random text has 1.2 to 1.6 characters per
//! piece, names and prose about 3; under 2.1 stay more than 99 % of random values of 16 characters and more.

use std::ops::Range;

use super::Validator;
use super::entropy::{Entropy, bits_per_byte, is_type};
use super::published::is_published;

/// One line for each length of two to eight, all pieces of that length in order and without spaces.
const PIECES: &str = include_str!("pieces.txt");
/// Length of the longest piece.
const LONGEST: usize = 8;
/// Characters per token from which a text is made of words.
const WORDS: f64 = 2.1;

/// Entropy, and fewer than 2.1 characters per token.
#[derive(Debug)]
pub(super) struct Random;

impl Validator for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        Entropy.accepts(text) && characters_per_token(text) < WORDS && !is_published(text)
    }

    fn judge(&self, text: &[u8], found: Range<usize>, _: Option<&str>) -> Option<Range<usize>> {
        (self.accepts(&text[found.clone()]) && !is_type(text, &found)).then_some(found)
    }
}

/// As random, and with capitals, small letters and digits: no hash in hexadecimal is.
#[derive(Debug)]
pub(super) struct Mixed;

impl Validator for Mixed {
    fn name(&self) -> &'static str {
        "random-mixed"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let has = |test: fn(&u8) -> bool| text.iter().any(test);
        has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
            && bits_per_byte(text) >= 3.5
            && Random.accepts(text)
    }
}

/// How many characters a token has on average.
fn characters_per_token(text: &[u8]) -> f64 {
    let (mut at, mut tokens) = (0, 0_u32);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        at += if digits > 0 { digits } else { longest_piece(rest) };
        tokens += 1;
    }
    text.len() as f64 / f64::from(tokens.max(1))
}

/// Length of the longest piece that a text begins with, in one case or with a capital; one if there is none.
fn longest_piece(text: &[u8]) -> usize {
    let letters = text.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let mut lower = [0; LONGEST];
    for (to, from) in lower.iter_mut().zip(&text[..letters]) {
        *to = from.to_ascii_lowercase();
    }
    let upper = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    (2..=letters)
        .rev()
        .find(|len| {
            let capitals = upper(&text[..*len]);
            let one_case = capitals == 0 || capitals == *len || capitals == 1 && text[0].is_ascii_uppercase();
            one_case && is_piece(&lower[..*len])
        })
        .unwrap_or(1)
}

fn is_piece(piece: &[u8]) -> bool {
    let line = PIECES.lines().nth(piece.len() - 2).map_or(&[][..], str::as_bytes);
    let count = line.len() / piece.len();
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        match line[middle * piece.len()..(middle + 1) * piece.len()].cmp(piece) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_of_the_right_lengths() {
        let lines: Vec<&str> = PIECES.lines().collect();
        assert_eq!(lines.len(), LONGEST - 1);
        for (line, len) in lines.iter().zip(2..) {
            assert_eq!(line.len() % len, 0);
            let pieces: Vec<&[u8]> = line.as_bytes().chunks(len).collect();
            assert!(pieces.is_sorted_by(|a, b| a < b) && pieces.iter().all(|piece| is_piece(piece)));
        }
    }

    #[test]
    fn words_are_few_tokens_and_random_text_is_many() {
        for text in ["authentication_handler_v2", "getElementById", "CONFIG_DEFAULT_TIMEOUT", "src/components/Header9"]
        {
            assert!(characters_per_token(text.as_bytes()) > WORDS, "{text}");
        }
        for text in ["q7Zp2mXv9KdR4tLw8HsB", "3fea6af1349166eab0c1", "RBXY1FVPypVbYHk5zvCBg1H", "xkqjzvwpqhtbnmzk"] {
            assert!(characters_per_token(text.as_bytes()) < WORDS, "{text}");
        }
        assert!(characters_per_token(b"") < 1.0);
    }

    #[test]
    fn a_hash_is_random_but_not_mixed() {
        let hash = b"3f786850e387550fdab836ed7e6dc881de23001b";
        assert!(Random.accepts(hash) && !Mixed.accepts(hash));
        assert!(Mixed.accepts(b"Zw7kGLCIgOkiTUThh1u9MINvlrzrnyZaR49fP2E3"));
        assert!(!Mixed.accepts(b"src/components/HeaderNavigation/MenuItem9"));
    }
}
