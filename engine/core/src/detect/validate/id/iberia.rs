//! Spain and Portugal.

use super::{Id, base36, digits, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("es-dni", dni),
    Id("es-nie", nie),
    Id("es-nif", nif),
    Id("es-cif", cif),
    Id("es-nuss", nuss),
    Id("es-ccc", ccc),
    Id("pt-nif", pt_nif),
    Id("pt-cc", pt_cc),
];

const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Documento nacional de identidad: eight digits, and the letter of their remainder by 23.
fn dni(text: &[u8]) -> bool {
    let Some((letter, rest)) = text.split_last() else { return false };
    digits::<8>(rest).is_some_and(|rest| DNI_LETTERS[(number(&rest) % 23) as usize] == *letter)
}

/// Número de identidad de extranjero: X, Y or Z for the first digit.
fn nie(text: &[u8]) -> bool {
    let [first, middle @ .., letter] = text else { return false };
    let first = match first {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    digits::<7>(middle)
        .is_some_and(|middle| DNI_LETTERS[((first * 10_000_000 + number(&middle)) % 23) as usize] == *letter)
}

/// Número de identificación fiscal of a person: a DNI, an NIE, or K, L, M and seven digits.
fn nif(text: &[u8]) -> bool {
    match text {
        [b'K' | b'L' | b'M', middle @ .., letter] => {
            digits::<7>(middle).is_some_and(|middle| DNI_LETTERS[(number(&middle) % 23) as usize] == *letter)
        }
        _ => dni(text) || nie(text),
    }
}

/// Tax number of a company: a letter for its form, seven digits, a check digit or letter.
fn cif(text: &[u8]) -> bool {
    let [form, middle @ .., check] = text else { return false };
    let Some(middle) = digits::<7>(middle) else { return false };
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let sum: u32 =
        middle.iter().enumerate().map(|(place, digit)| if place % 2 == 0 { doubled(*digit) } else { *digit }).sum();
    let value = (10 - sum % 10) % 10;
    let (as_digit, as_letter) = (*check == b'0' + value as u8, *check == b"JABCDEFGHI"[value as usize]);
    // Which forms have a letter and which a digit is told differently by different offices.
    b"ABCDEFGHJNPQRSUVW".contains(form) && (as_digit || as_letter)
}

/// Social security number: province, number, and their remainder by 97.
fn nuss(text: &[u8]) -> bool {
    let Some(all) = digits::<12>(text) else { return false };
    let (province, own, check) = (number(&all[..2]), number(&all[2..10]), number(&all[10..]));
    let whole = if own < 10_000_000 { province * 10_000_000 + own } else { number(&all[..10]) };
    matches!(province, 1..=53 | 66) && whole % 97 == check
}

/// Código cuenta cliente: bank, branch, two check digits, account.
fn ccc(text: &[u8]) -> bool {
    let Some(all) = digits::<20>(text) else { return false };
    let check = |sum: u32| match 11 - sum % 11 {
        10 => 1,
        11 => 0,
        other => other,
    };
    let weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    check(weigh(&all[..8], &weights[2..])) == all[8]
        && check(weigh(&all[10..], &weights)) == all[9]
        && number(&all[..4]) > 0
}

/// Número de identificação fiscal.
fn pt_nif(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    let check = 11 - weigh(&all[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    all[0] != 0 && all[8] == if check > 9 { 0 } else { check }
}

/// Cartão de cidadão: eight digits, a digit, two letters or digits for the version, a check digit.
fn pt_cc(text: &[u8]) -> bool {
    let [front @ .., check] = text else { return false };
    if front.len() != 11 || !front[..9].iter().chain([check]).all(u8::is_ascii_digit) {
        return false;
    }
    let value = |(place, byte): (usize, &u8)| {
        let value = base36(*byte) * (2 - place as u32 % 2);
        if value > 9 && place % 2 == 0 { value - 9 } else { value }
    };
    let sum: u32 = front.iter().rev().enumerate().map(value).sum();
    (10 - sum % 10) % 10 == base36(*check)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("es-dni", &["54362315K", "12345678Z"]);
        notices_a_changed_digit("es-nie", &["X2482300W", "X5253868R"]);
        notices_a_changed_digit("es-nif", &["54362315K", "X2482300W", "M1234567L"]);
        notices_a_changed_digit("es-cif", &["J99216582", "A58818501"]);
        notices_a_changed_digit("es-nuss", &["281234567840"]);
        notices_most_changed_digits("es-ccc", &["12341234161234567890", "20770024003102575766"]);
        notices_most_changed_digits("pt-nif", &["501964843", "123456789"]);
        notices_a_changed_digit("pt-cc", &["000000000ZZ4"]);
        assert!(!accepts("es-nie", "A2482300W"));
    }
}
