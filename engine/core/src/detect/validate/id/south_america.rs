//! South America and the Caribbean.

use super::super::luhn;
use super::{Id, digits, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("br-cpf", cpf),
    Id("br-cnpj", cnpj),
    Id("br-pis", pis),
    Id("br-cnh", cnh),
    Id("br-titulo", titulo),
    Id("ar-cuit", cuit),
    Id("ar-cbu", cbu),
    Id("cl-rut", rut),
    Id("co-nit", nit),
    Id("pe-ruc", ruc),
    Id("uy-ci", uy_ci),
    Id("ec-cedula", ec_cedula),
    Id("ve-rif", rif),
    Id("do-cedula", do_cedula),
];

/// What is left to eleven, or 0 where that has two digits.
fn rest11(sum: u32) -> u32 {
    match 11 - sum % 11 {
        10 | 11 => 0,
        other => other,
    }
}

/// Cadastro de pessoas físicas. All digits in a row have right check digits, and are what people fill in.
fn cpf(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text).filter(|_| text != b"01234567890") else { return false };
    rest11(weigh(&all[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == all[9]
        && rest11(weigh(&all[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == all[10]
}

/// Cadastro nacional da pessoa jurídica.
fn cnpj(text: &[u8]) -> bool {
    let Some(all) = digits::<14>(text) else { return false };
    rest11(weigh(&all[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == all[12]
        && rest11(weigh(&all[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == all[13]
}

/// PIS/PASEP of workers.
fn pis(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|all| rest11(weigh(&all[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == all[10])
}

/// Driving licence.
fn cnh(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let first = weigh(&all[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let second = weigh(&all[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    // The second gives way by two where the first had no digit.
    let (first, second) = match (first, second) {
        (10.., second) => (0, if second >= 2 { second - 2 } else { second + 9 }),
        both => both,
    };
    first == all[9] && (if second > 9 { 0 } else { second }) == all[10]
}

/// Título de eleitor: serial, state, two check digits.
fn titulo(text: &[u8]) -> bool {
    let Some(all) = digits::<12>(text) else { return false };
    let state = number(&all[8..10]);
    // São Paulo and Minas Gerais write 1 for a check digit 0.
    let check = |sum: u32| match (sum % 11, state) {
        (0, 1 | 2) => 1,
        (10, _) => 0,
        (rest, _) => rest,
    };
    matches!(state, 1..=28)
        && check(weigh(&all[..8], &[2, 3, 4, 5, 6, 7, 8, 9])) == all[10]
        && check(weigh(&all[8..11], &[7, 8, 9])) == all[11]
}

/// CUIT, CUIL.
fn cuit(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let check = match 11 - weigh(&all[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        other => other,
    };
    matches!(number(&all[..2]), 20 | 23 | 24 | 25 | 26 | 27 | 30 | 33 | 34 | 50 | 51 | 55) && check == all[10]
}

/// Clave bancaria uniforme.
fn cbu(text: &[u8]) -> bool {
    let Some(all) = digits::<22>(text) else { return false };
    let check = |digits: &[u32]| {
        let sum: u32 = digits.iter().rev().zip([3, 1, 7, 9].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
        (10 - sum % 10) % 10
    };
    check(&all[..7]) == all[7] && check(&all[8..21]) == all[21]
}

/// Rol único tributario: seven or eight digits, and a digit or K.
fn rut(text: &[u8]) -> bool {
    let Some((check, front)) = text.split_last() else { return false };
    if !matches!(front.len(), 7 | 8) || !front.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = front
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    *check == b"0123456789K0"[(11 - sum % 11) as usize]
}

/// Número de identificación tributaria.
fn nit(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let rest = weigh(&all[..9], &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
    (if rest > 1 { 11 - rest } else { rest }) == all[9]
}

/// Registro único de contribuyentes of Peru.
fn ruc(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    matches!(number(&all[..2]), 10 | 15 | 16 | 17 | 20)
        && (11 - weigh(&all[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10 == all[10]
}

/// Uruguayan identity card.
fn uy_ci(text: &[u8]) -> bool {
    digits::<8>(text)
        .is_some_and(|all| all[0] != 0 && (10 - weigh(&all[..7], &[2, 9, 8, 7, 6, 3, 4]) % 10) % 10 == all[7])
}

/// Ecuadorian identity card, or the tax number made of it by adding 001.
fn ec_cedula(text: &[u8]) -> bool {
    let own = text.strip_suffix(b"001").filter(|own| own.len() == 10).unwrap_or(text);
    let Some(all) = digits::<10>(own) else { return false };
    // Luhn's sum: nine digits before the check digit, so the first is doubled.
    matches!(number(&all[..2]), 1..=24 | 30) && all[2] < 6 && luhn::is_right(own)
}

/// Registro de información fiscal.
fn rif(text: &[u8]) -> bool {
    let [kind, rest @ ..] = text else { return false };
    let Some(all) = digits::<9>(rest) else { return false };
    let kind = match kind {
        b'V' => 4,
        b'E' => 8,
        b'J' | b'C' => 12,
        b'P' => 16,
        b'G' => 20,
        _ => return false,
    };
    let sum = kind + weigh(&all[..8], &[3, 2, 7, 6, 5, 4, 3, 2]);
    [0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1][(sum % 11) as usize] == all[8]
}

/// Identity card of the Dominican Republic.
fn do_cedula(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|all| number(&all[..3]) > 0) && luhn::is_right(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_most_changed_digits("br-cpf", &["39053344705"]);
        notices_most_changed_digits("br-cnpj", &["16727230000197"]);
        notices_most_changed_digits("br-pis", &["38931752369"]);
        notices_most_changed_digits("br-cnh", &["62472927637"]);
        notices_most_changed_digits("ar-cuit", &["20267565393"]);
        notices_a_changed_digit("ar-cbu", &["2850590940090418135201"]);
        notices_a_changed_digit("cl-rut", &["125319092", "760864285"]);
        notices_most_changed_digits("co-nit", &["2131234321"]);
        notices_most_changed_digits("pe-ruc", &["20512333797"]);
        notices_most_changed_digits("uy-ci", &["12345672"]);
        notices_a_changed_digit("ec-cedula", &["1714307103"]);
        notices_most_changed_digits("ve-rif", &["V114702834"]);
        notices_a_changed_digit("do-cedula", &["00113918205"]);
    }
}
