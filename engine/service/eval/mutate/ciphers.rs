//! Ciphers of the school yard and codes of letters: every letter becomes another one, a word, or signs.

use super::{Dice, Technique, mostly_ascii};

pub(super) const ALL: &[Technique] = &[
    Technique { name: "rot13", apply: |text, _| shifted(text, 13) },
    Technique { name: "caesar-3", apply: |text, _| shifted(text, 3) },
    Technique { name: "caesar-7", apply: |text, _| shifted(text, 7) },
    Technique { name: "atbash", apply: |text, _| letters(text, |place| 25 - place) },
    Technique { name: "reversed", apply: |text, _| Some(text.chars().rev().collect()) },
    Technique { name: "reversed-words", apply: |text, _| Some(reversed_words(text)) },
    Technique { name: "word-order", apply: |text, _| Some(word_order(text)) },
    Technique { name: "morse", apply: morse },
    Technique { name: "nato", apply: nato },
    Technique { name: "binary", apply: |text, _| Some(codes(text, |byte| format!("{byte:08b}"))) },
    Technique { name: "decimal", apply: |text, _| Some(codes(text, |byte| byte.to_string())) },
    Technique { name: "octal", apply: |text, _| Some(codes(text, |byte| format!("{byte:03o}"))) },
];

fn letters(text: &str, change: impl Fn(u8) -> u8) -> Option<String> {
    let each = |character: char| match character {
        'a'..='z' => char::from(b'a' + change(character as u8 - b'a')),
        'A'..='Z' => char::from(b'A' + change(character as u8 - b'A')),
        other => other,
    };
    mostly_ascii(text).then(|| text.chars().map(each).collect())
}

fn shifted(text: &str, by: u8) -> Option<String> {
    letters(text, |place| (place + by) % 26)
}

fn reversed_words(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(|word| word.chars().rev().collect()).collect();
    words.join(" ")
}

fn word_order(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').rev().collect();
    words.join(" ")
}

fn codes(text: &str, each: impl Fn(u8) -> String) -> String {
    let all: Vec<String> = text.bytes().map(each).collect();
    all.join(" ")
}

const MORSE: [(char, &str); 53] = [
    ('a', ".-"),
    ('b', "-..."),
    ('c', "-.-."),
    ('d', "-.."),
    ('e', "."),
    ('f', "..-."),
    ('g', "--."),
    ('h', "...."),
    ('i', ".."),
    ('j', ".---"),
    ('k', "-.-"),
    ('l', ".-.."),
    ('m', "--"),
    ('n', "-."),
    ('o', "---"),
    ('p', ".--."),
    ('q', "--.-"),
    ('r', ".-."),
    ('s', "..."),
    ('t', "-"),
    ('u', "..-"),
    ('v', "...-"),
    ('w', ".--"),
    ('x', "-..-"),
    ('y', "-.--"),
    ('z', "--.."),
    ('0', "-----"),
    ('1', ".----"),
    ('2', "..---"),
    ('3', "...--"),
    ('4', "....-"),
    ('5', "....."),
    ('6', "-...."),
    ('7', "--..."),
    ('8', "---.."),
    ('9', "----."),
    ('.', ".-.-.-"),
    (',', "--..--"),
    ('?', "..--.."),
    ('\'', ".----."),
    ('!', "-.-.--"),
    ('/', "-..-."),
    ('(', "-.--."),
    (')', "-.--.-"),
    ('&', ".-..."),
    (':', "---..."),
    (';', "-.-.-."),
    ('=', "-...-"),
    ('+', ".-.-."),
    ('-', "-....-"),
    ('_', "..--.-"),
    ('"', ".-..-."),
    ('@', ".--.-."),
];

/// International Morse code, a slash between words. What has no sign in it is left out.
fn morse(text: &str, _: &mut Dice) -> Option<String> {
    let of_word = |word: &str| -> String {
        let signs: Vec<&str> = word
            .chars()
            .filter_map(|c| MORSE.iter().find(|(letter, _)| *letter == c.to_ascii_lowercase()))
            .map(|(_, signs)| *signs)
            .collect();
        signs.join(" ")
    };
    // Letters that have no signs would be lost.
    let whole = mostly_ascii(text) && text.chars().all(|c| c.is_ascii() || !c.is_alphabetic());
    whole.then(|| {
        let words: Vec<String> = text.split_whitespace().map(of_word).filter(|word| !word.is_empty()).collect();
        words.join(" / ")
    })
}

const NATO: [&str; 26] = [
    "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima",
    "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey", "X-ray",
    "Yankee", "Zulu",
];

/// The spelling alphabet, a slash between words; digits and marks stand as they are.
fn nato(text: &str, _: &mut Dice) -> Option<String> {
    let of_word = |word: &str| -> String {
        let names: Vec<String> = word
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                letter @ 'a'..='z' => NATO[usize::from(letter as u8 - b'a')].to_owned(),
                '/' => "Slash".to_owned(),
                other => other.to_string(),
            })
            .collect();
        names.join(" ")
    };
    mostly_ascii(text).then(|| text.split_whitespace().map(of_word).collect::<Vec<_>>().join(" / "))
}

#[cfg(test)]
mod tests {
    use super::super::dice_for;
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(shifted("Hello, Zoo", 13).as_deref(), Some("Uryyb, Mbb"));
        assert_eq!(letters("azure Q", |place| 25 - place).as_deref(), Some("zafiv J"));
        assert_eq!(morse("SOS now", &mut dice_for("x", "y")).as_deref(), Some("... --- ... / -. --- .--"));
        assert_eq!(nato("Hi it 5", &mut dice_for("x", "y")).as_deref(), Some("Hotel India / India Tango / 5"));
        assert_eq!(codes("A ", |byte| format!("{byte:08b}")), "01000001 00100000");
        assert_eq!(word_order("a b c"), "c b a");
    }
}
