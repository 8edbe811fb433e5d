//! Italy.

use super::super::luhn;
use super::{Id, base36, digits, number};

pub(super) const ALL: &[Id] = &[Id("it-codice-fiscale", codice_fiscale), Id("it-partita-iva", partita_iva)];

/// Values of 0–9 (and of A–Z, which go on) at odd places.
const ODD: [u32; 36] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
    22, 25, 24, 23,
];

/// Letters that stand for digits where two people would have the same code.
fn as_digit(byte: u8) -> Option<u64> {
    match byte {
        b'0'..=b'9' => Some(u64::from(byte - b'0')),
        _ => b"LMNPQRSTUV".iter().position(|letter| *letter == byte).map(|place| place as u64),
    }
}

/// Codice fiscale: six letters of the name, date of birth, place, check letter.
fn codice_fiscale(text: &[u8]) -> bool {
    if text.len() != 16 || ![0, 1, 2, 3, 4, 5, 8, 11, 15].iter().all(|place: &usize| text[*place].is_ascii_uppercase())
    {
        return false;
    }
    let pair = |place: usize| Some(as_digit(text[place])? * 10 + as_digit(text[place + 1])?);
    let day = pair(9).is_some_and(|day| matches!(day, 1..=31 | 41..=71));
    if pair(6).is_none()
        || !day
        || !b"ABCDEHLMPRST".contains(&text[8])
        || !text[12..15].iter().all(|byte| as_digit(*byte).is_some())
    {
        return false;
    }
    let value = |(place, byte): (usize, &u8)| {
        let value = base36(*byte);
        if place % 2 == 0 { ODD[value as usize] } else { value - if value > 9 { 10 } else { 0 } }
    };
    let sum: u32 = text[..15].iter().enumerate().map(value).sum();
    text[15] == b'A' + (sum % 26) as u8
}

/// Partita IVA: number, office, Luhn.
fn partita_iva(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    number(&all[..7]) > 0 && matches!(number(&all[7..10]), 1..=100 | 120 | 121 | 888 | 999) && luhn::is_right(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("it-codice-fiscale", &["RCCMNL83S18D969H"]);
        assert!(accepts("it-codice-fiscale", "RCCMNL83S18D969H"));
        assert!(!accepts("it-codice-fiscale", "RCCMNL83S18D969"));
        notices_a_changed_digit("it-partita-iva", &["00743110157"]);
    }
}
