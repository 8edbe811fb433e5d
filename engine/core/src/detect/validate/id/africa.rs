//! Africa, Turkey and the Middle East.

use super::super::luhn;
use super::{Id, digits, is_birthday, is_day, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("za-id", za_id),
    Id("eg-id", eg_id),
    Id("il-id", il_id),
    Id("tr-kimlik", kimlik),
    Id("ae-emirates", emirates),
    Id("sa-id", sa_id),
    Id("kw-civil", kw_civil),
];

/// South African identity number: date of birth, serial, citizenship, Luhn.
fn za_id(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    is_day(number(&all[2..4]), number(&all[4..6])) && all[10] <= 2 && luhn::is_right(text)
}

/// Egyptian national number: century, date of birth, governorate, serial. Its check digit is not public.
fn eg_id(text: &[u8]) -> bool {
    let Some(all) = digits::<14>(text) else { return false };
    let century = 1700 + u64::from(all[0]) * 100;
    matches!(all[0], 2 | 3)
        && is_birthday(century + number(&all[1..3]), number(&all[3..5]), number(&all[5..7]))
        && matches!(number(&all[7..9]), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
}

/// Israeli identity number of nine digits.
fn il_id(text: &[u8]) -> bool {
    digits::<9>(text).is_some() && luhn::is_right(text)
}

/// Türkiye Cumhuriyeti kimlik numarası.
fn kimlik(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let odd = all[0] + all[2] + all[4] + all[6] + all[8];
    let even = all[1] + all[3] + all[5] + all[7];
    let sum: u32 = all[..10].iter().sum();
    // 7·odd − even, made positive.
    all[0] != 0 && (odd * 7 + 40 - even) % 10 == all[9] && sum % 10 == all[10]
}

/// Emirates ID: 784, year of birth, serial, Luhn.
fn emirates(text: &[u8]) -> bool {
    let Some(all) = digits::<15>(text) else { return false };
    number(&all[..3]) == 784 && (1890..=2100).contains(&number(&all[3..7])) && luhn::is_right(text)
}

/// National number or residence permit of Saudi Arabia.
fn sa_id(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|all| matches!(all[0], 1 | 2)) && luhn::is_right(text)
}

/// Civil number of Kuwait: century, date of birth, serial, check digit.
fn kw_civil(text: &[u8]) -> bool {
    let Some(all) = digits::<12>(text) else { return false };
    let check = 11 - weigh(&all[..11], &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    matches!(all[0], 1..=3) && is_day(number(&all[3..5]), number(&all[5..7])) && check < 10 && check == all[11]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("za-id", &["7503305044089"]);
        notices_a_changed_digit("il-id", &["039337423"]);
        notices_a_changed_digit("tr-kimlik", &["17291716060"]);
        notices_a_changed_digit("ae-emirates", &["784198012345678"]);
        notices_a_changed_digit("sa-id", &["1234567897"]);
        assert!(accepts("eg-id", "29001011234567") && !accepts("eg-id", "29013011234567"));
    }
}
