//! Romania, Bulgaria, Greece, and the states that were Yugoslavia.

use super::super::{iso7064, luhn};
use super::{Id, digits, is_birthday, is_day, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("ro-cnp", cnp),
    Id("bg-egn", egn),
    Id("hr-oib", oib),
    Id("yu-jmbg", jmbg),
    Id("si-davcna", davcna),
    Id("gr-afm", afm),
    Id("gr-amka", amka),
];

/// Cod numeric personal: sex and century, date of birth, county, serial, check digit.
fn cnp(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    let check = weigh(&all[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    all[0] != 0
        && is_day(number(&all[3..5]), number(&all[5..7]))
        && matches!(number(&all[7..9]), 1..=48 | 51 | 52 | 70 | 80..=83)
        && all[12] == if check == 10 { 1 } else { check }
}

/// EGN: date of birth (the century in the month), serial, check digit.
fn egn(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let check = weigh(&all[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    is_day(number(&all[2..4]) % 20, number(&all[4..6])) && all[9] == check
}

/// Croatian OIB.
fn oib(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|all| iso7064::mod_11_10(&all))
}

/// JMBG, EMŠO: date of birth, region, serial, check digit.
fn jmbg(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    let year = number(&all[4..7]);
    let year = if year < 800 { 2000 + year } else { 1000 + year };
    let check = (11 - weigh(&all[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    is_birthday(year, number(&all[2..4]), number(&all[..2])) && all[12] == check % 10
}

/// Slovenian tax number.
fn davcna(text: &[u8]) -> bool {
    let Some(all) = digits::<8>(text) else { return false };
    let check = 11 - weigh(&all[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    all[0] != 0 && check != 11 && all[7] == check % 10
}

/// Greek tax number.
fn afm(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|all| weigh(&all[..8], &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == all[8])
}

/// Greek social security number: date of birth, serial, Luhn.
fn amka(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    is_day(number(&all[2..4]), number(&all[..2])) && luhn::is_right(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_most_changed_digits("ro-cnp", &["1630615123457"]);
        notices_most_changed_digits("bg-egn", &["7523169263", "8032056031"]);
        notices_a_changed_digit("hr-oib", &["33392005961"]);
        notices_most_changed_digits("yu-jmbg", &["0101006500006"]);
        notices_most_changed_digits("si-davcna", &["50223054"]);
        notices_most_changed_digits("gr-afm", &["094259216"]);
        notices_a_changed_digit("gr-amka", &["01013099997"]);
    }
}
