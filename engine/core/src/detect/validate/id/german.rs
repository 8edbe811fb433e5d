//! Germany, Austria and Switzerland.

use super::super::iso7064;
use super::{Id, base36, digits, is_day, letter, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("de-steuer-id", steuer_id),
    Id("de-rentenversicherung", rentenversicherung),
    Id("de-krankenversicherung", krankenversicherung),
    Id("de-ausweis", ausweis),
    Id("at-sozialversicherung", sozialversicherung),
    Id("ch-ahv", ahv),
    Id("ch-uid", uid),
];

/// Steuerliche Identifikationsnummer: of the first ten digits just one stands there twice or three times.
fn steuer_id(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let mut counts = [0; 10];
    all[..10].iter().for_each(|digit| counts[*digit as usize] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    all[0] != 0 && repeated == 1 && counts.iter().all(|count| *count <= 3) && iso7064::mod_11_10(&all)
}

/// Sum of the digits of a product.
fn cross(value: u32) -> u32 {
    value / 10 + value % 10
}

/// Rentenversicherungsnummer: area, date of birth, letter of the name, serial, check digit.
fn rentenversicherung(text: &[u8]) -> bool {
    let [front @ .., s1, s2, check] = text else { return false };
    let [area @ .., name] = front else { return false };
    let (Some(area), Some(tail), Some(name)) = (digits::<8>(area), digits::<3>(&[*s1, *s2, *check]), letter(*name))
    else {
        return false;
    };
    let mut all = [0; 12];
    all[..8].copy_from_slice(&area);
    all[8..].copy_from_slice(&[name / 10, name % 10, tail[0], tail[1]]);
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = all.iter().zip(weights).map(|(digit, weight)| cross(digit * weight)).sum();
    is_day(number(&area[4..6]), number(&area[2..4]).min(31)) && sum % 10 == tail[2]
}

/// Krankenversichertennummer: a letter and nine digits, the last of which checks the others.
fn krankenversicherung(text: &[u8]) -> bool {
    let [name, rest @ ..] = text else { return false };
    let (Some(name), Some(rest)) = (letter(*name), digits::<9>(rest)) else { return false };
    let mut all = [0; 10];
    all[..2].copy_from_slice(&[name / 10, name % 10]);
    all[2..].copy_from_slice(&rest[..8]);
    let sum: u32 = all.iter().enumerate().map(|(place, digit)| cross(digit * (1 + place as u32 % 2))).sum();
    sum % 10 == rest[8]
}

/// Identity card or passport: nine digits and letters (no vowels) and a check digit.
fn ausweis(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte);
    let [front @ .., check] = text else { return false };
    if front.len() != 9 || !front.iter().all(allowed) || !front[0].is_ascii_uppercase() || !check.is_ascii_digit() {
        return false;
    }
    let sum: u32 = front.iter().zip([7, 3, 1].iter().cycle()).map(|(byte, weight)| base36(*byte) * weight).sum();
    sum % 10 == base36(*check)
}

/// Austrian Sozialversicherungsnummer: serial, check digit, date of birth.
fn sozialversicherung(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    all[0] != 0
        && matches!(number(&all[4..6]), 1..=31)
        && matches!(number(&all[6..8]), 1..=15)
        && weigh(&all, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == all[3]
}

/// Swiss AHV number: 756 and an EAN-13.
fn ahv(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    text.starts_with(b"756") && weigh(&all, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Swiss company number: CHE and nine digits.
fn uid(text: &[u8]) -> bool {
    let Some(all) = text.strip_prefix(b"CHE").and_then(digits::<9>) else { return false };
    (11 - weigh(&all[..8], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == all[8]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("de-steuer-id", &["36574261809"]);
        assert!(!accepts("de-steuer-id", "36554266806"));
        notices_most_changed_digits("de-rentenversicherung", &["65170839J003", "15070649C103"]);
        notices_a_changed_digit("de-krankenversicherung", &["A123456780"]);
        notices_most_changed_digits("de-ausweis", &["T220001293", "C01X00T478"]);
        notices_most_changed_digits("at-sozialversicherung", &["1237010180"]);
        notices_a_changed_digit("ch-ahv", &["7569217076985"]);
        notices_a_changed_digit("ch-uid", &["CHE100155212"]);
    }
}
