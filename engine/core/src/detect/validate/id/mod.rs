//! Numbers that states and registers give to people, companies, cards and things: one file for each part of the world.
//!
//! Each check gets letters and digits alone, in capitals, and knows the length, the check digits, and what else the scheme
//! promises (dates, prefixes). The algorithms are those the issuers publish.

mod africa;
mod asia;
mod benelux;
mod britain;
mod eastern;
mod france;
mod german;
mod iberia;
mod italy;
mod nordic;
mod north_america;
mod oceania;
mod south_america;
mod southeast;
mod things;

use super::Validator;

/// Longest number that is looked at.
const LONGEST: usize = 40;

/// The check of one sort of number: its name in rules, and what it asks of letters and digits.
#[derive(Debug)]
pub(crate) struct Id(&'static str, fn(&[u8]) -> bool);

impl Validator for Id {
    fn name(&self) -> &'static str {
        self.0
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let (mut compact, mut len) = ([0; LONGEST], 0);
        for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            let Some(place) = compact.get_mut(len) else { return false };
            *place = byte.to_ascii_uppercase();
            len += 1;
        }
        self.accepts_compact(&compact[..len])
    }

    fn accepts_compact(&self, compact: &[u8]) -> bool {
        // Nobody has a number of one digit repeated, and many checks accept it.
        compact.iter().any(|byte| *byte != compact[0]) && self.1(compact)
    }
}

/// All of them.
pub(crate) const ALL: &[&[Id]] = &[
    africa::ALL,
    asia::ALL,
    benelux::ALL,
    britain::ALL,
    eastern::ALL,
    france::ALL,
    german::ALL,
    iberia::ALL,
    italy::ALL,
    nordic::ALL,
    north_america::ALL,
    oceania::ALL,
    south_america::ALL,
    southeast::ALL,
    things::ALL,
];

/// The values of exactly `N` digits.
fn digits<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    let mut values = [0; N];
    if text.len() != N {
        return None;
    }
    for (value, byte) in values.iter_mut().zip(text) {
        *value = char::from(*byte).to_digit(10)?;
    }
    Some(values)
}

/// Digits times weights, summed.
fn weigh(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The number that digits write.
fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// A letter's place in the alphabet, from 1; `None` for all else.
fn letter(byte: u8) -> Option<u32> {
    byte.is_ascii_uppercase().then(|| u32::from(byte - b'A') + 1)
}

/// Digits for themselves, A = 10 … Z = 35.
fn base36(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}

/// Whether there is such a day; of a year of two digits the century is not known, so 29 February is let pass.
fn is_day(month: u64, day: u64) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// Whether a year of four digits and a day may be when somebody now alive was born.
fn is_birthday(year: u64, month: u64, day: u64) -> bool {
    (1890..=2100).contains(&year) && is_day(month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the check of that name accepts a text.
    pub(super) fn accepts(name: &str, text: &str) -> bool {
        let id = ALL.iter().copied().flatten().find(|id| id.0 == name).expect(name);
        id.accepts(text.as_bytes())
    }

    /// Every text is right, and none of those with one digit changed is.
    pub(super) fn notices_a_changed_digit(name: &str, texts: &[&str]) {
        for text in texts {
            assert!(accepts(name, text), "{name} {text}");
            for (place, byte) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
                for other in (b'0'..=b'9').filter(|other| *other != byte) {
                    let mut changed = text.as_bytes().to_vec();
                    changed[place] = other;
                    let changed = String::from_utf8(changed).expect("digits");
                    assert!(!accepts(name, &changed), "{name} {text} {changed}");
                }
            }
        }
    }

    /// Every text is right, and most of those with one digit changed are not: the scheme promises no more.
    pub(super) fn notices_most_changed_digits(name: &str, texts: &[&str]) {
        let (mut noticed, mut all) = (0, 0);
        for text in texts {
            assert!(accepts(name, text), "{name} {text}");
            for (place, byte) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
                for other in (b'0'..=b'9').filter(|other| *other != byte) {
                    let mut changed = text.as_bytes().to_vec();
                    changed[place] = other;
                    all += 1;
                    noticed += usize::from(!accepts(name, &String::from_utf8(changed).expect("digits")));
                }
            }
        }
        assert!(noticed * 100 >= all * 80, "{name}: {noticed} of {all}");
    }

    #[test]
    fn names_are_told_apart_and_nothing_short_or_long_is_accepted() {
        let mut names: Vec<&str> = ALL.iter().copied().flatten().map(|id| id.0).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for id in ALL.iter().copied().flatten() {
            for text in ["", "1", "A", "12", &"12".repeat(20), &"12".repeat(30), &"AB1".repeat(13)] {
                assert!(!id.accepts(text.as_bytes()), "{} {text}", id.0);
            }
        }
    }

    /// No check panics or accepts much, whatever it is given.
    #[test]
    fn random_numbers_are_mostly_refused() {
        let mut state = 1_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        // What has no check digit, or is not about one.
        const WEAK: [&str; 8] = ["date", "mixed", "passport", "us-ein", "us-itin", "us-ssn", "vin-form", "pk-cnic"];
        for id in ALL.iter().copied().flatten().filter(|id| !WEAK.contains(&id.0)) {
            let mut accepted = 0;
            for _ in 0..2_000 {
                let len = 1 + next() % 24;
                let letters = next() % 3;
                let text: Vec<u8> = (0..len)
                    .map(|_| match next() % 10 {
                        0 if letters > 0 => b'A' + (next() % 26) as u8,
                        _ => b'0' + (next() % 10) as u8,
                    })
                    .collect();
                accepted += u32::from(id.accepts(&text));
            }
            assert!(accepted < 40, "{}: {accepted}", id.0);
        }
    }
}
