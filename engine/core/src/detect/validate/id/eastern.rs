//! Poland, Czechia, Slovakia, Hungary, Russia and Ukraine.

use super::{Id, base36, digits, is_day, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("pl-pesel", pesel),
    Id("pl-nip", nip),
    Id("pl-regon", regon),
    Id("pl-dowod", dowod),
    Id("cz-rodne-cislo", rodne_cislo),
    Id("hu-tax", hu_tax),
    Id("hu-taj", taj),
    Id("ru-inn", inn),
    Id("ru-snils", snils),
    Id("ua-rnokpp", rnokpp),
];

/// PESEL: date of birth (the century in the month), serial, check digit.
fn pesel(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let sum = weigh(&all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    sum.is_multiple_of(10) && is_day(number(&all[2..4]) % 20, number(&all[4..6]))
}

/// NIP of a taxpayer.
fn nip(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|all| all[0] != 0 && weigh(&all[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == all[9])
}

/// REGON of a company, or the longer one of its parts.
fn regon(text: &[u8]) -> bool {
    let short = |text: &[u8]| {
        let all = digits::<9>(text)?;
        Some(weigh(&all[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == all[8])
    };
    let long = |text: &[u8]| {
        let all = digits::<14>(text)?;
        let right = weigh(&all[..13], &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10 == all[13];
        Some(right && short(&text[..9])?)
    };
    short(text).or_else(|| long(text)) == Some(true)
}

/// Identity card: three letters, check digit, five digits.
fn dowod(text: &[u8]) -> bool {
    if text.len() != 9 || !text[..3].iter().all(u8::is_ascii_uppercase) || !text[3..].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = text.iter().zip([7, 3, 1, 9, 7, 3, 1, 7, 3]).map(|(byte, weight)| base36(*byte) * weight).sum();
    sum.is_multiple_of(10)
}

/// Rodné číslo of ten digits: date of birth (month with 50 for women, with 20 more where serials ran out), serial, check.
fn rodne_cislo(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let right = number(&all[..9]) % 11 % 10 == u64::from(all[9]);
    right && is_day(number(&all[2..4]) % 50 % 20, number(&all[4..6]))
}

/// Adóazonosító jel: 8 and nine digits.
fn hu_tax(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|all| all[0] == 8 && weigh(&all[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == all[9])
}

/// TAJ number of health insurance.
fn taj(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|all| weigh(&all[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == all[8])
}

/// INN of a company (ten digits) or a person (twelve).
fn inn(text: &[u8]) -> bool {
    let check = |digits: &[u32], weights: &[u32]| weigh(digits, weights) % 11 % 10;
    let company = digits::<10>(text).is_some_and(|all| check(&all[..9], &[2, 4, 10, 3, 5, 9, 4, 6, 8]) == all[9]);
    company
        || digits::<12>(text).is_some_and(|all| {
            check(&all[..10], &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == all[10]
                && check(&all[..11], &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == all[11]
        })
}

/// SNILS of pension insurance.
fn snils(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let sum = weigh(&all[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    number(&all[..9]) > 1_001_998 && u64::from(sum) == number(&all[9..])
}

/// Registration number of a taxpayer.
fn rnokpp(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    // The first weight is -1, which is 10 by the modulus.
    weigh(&all[..9], &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == all[9]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("pl-pesel", &["44051401359", "02070803628"]);
        notices_a_changed_digit("pl-nip", &["8567346215"]);
        notices_most_changed_digits("pl-regon", &["192598184", "12345678512347"]);
        notices_a_changed_digit("pl-dowod", &["ABA300000"]);
        notices_most_changed_digits("cz-rodne-cislo", &["7103192745"]);
        notices_most_changed_digits("hu-tax", &["8071592153"]);
        notices_a_changed_digit("hu-taj", &["111111110"]);
        notices_most_changed_digits("ru-inn", &["7707083893", "500100732259"]);
        notices_a_changed_digit("ru-snils", &["11223344595"]);
        notices_most_changed_digits("ua-rnokpp", &["1759013776"]);
    }
}
