//! The United States, Canada and Mexico.

use super::super::luhn;
use super::{Id, digits, is_day, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("us-ssn", ssn),
    Id("us-itin", itin),
    Id("us-ein", ein),
    Id("us-npi", npi),
    Id("us-dea", dea),
    Id("us-aba", aba),
    Id("us-mbi", mbi),
    Id("ca-sin", sin),
    Id("ca-ohip", ohip),
    Id("ca-bc-phn", bc_phn),
    Id("ca-ramq", ramq),
    Id("mx-curp", curp),
    Id("mx-rfc", rfc),
    Id("mx-clabe", clabe),
    Id("mx-nss", nss),
];

/// Social security number: no area 000, 666 or from 900 on, no group 00, no serial 0000.
fn ssn(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    let (area, group, serial) = (number(&all[..3]), number(&all[3..5]), number(&all[5..]));
    // 078-05-1120 was printed on a card in every wallet of a shop, 123-45-6789 is in every form.
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && number(&all) != 123_456_789
}

/// Individual taxpayer identification number.
fn itin(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    all[0] == 9 && matches!(number(&all[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Employer identification number, by its campus prefix.
fn ein(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    matches!(number(&all[..2]), 1..=6 | 10..=16 | 20..=27 | 30..=39 | 40..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99)
}

/// National provider identifier: Luhn with 80840 before it, which adds 24.
fn npi(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        all.iter().enumerate().map(|(place, digit)| if place % 2 == 0 { doubled(*digit) } else { *digit }).sum();
    matches!(all[0], 1 | 2) && (sum + 24).is_multiple_of(10)
}

/// Registration of a prescriber: two letters, six digits, check digit.
fn dea(text: &[u8]) -> bool {
    let [kind, _, rest @ ..] = text else { return false };
    let Some(all) = digits::<7>(rest) else { return false };
    b"ABCDEFGHJKLMPRSTUX".contains(kind)
        && (text[1].is_ascii_uppercase() || text[1] == b'9')
        && (all[0] + all[2] + all[4] + 2 * (all[1] + all[3] + all[5])) % 10 == all[6]
}

/// Routing number of a bank.
fn aba(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    matches!(number(&all[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
        && number(&all) > 0
        && weigh(&all, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Medicare beneficiary identifier: digits and letters (no S, L, O, I, B, Z) at fixed places.
fn mbi(text: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    text.len() == 11
        && text.iter().zip(b"CANNANNAANN").enumerate().all(|(place, (byte, kind))| match kind {
            b'C' => matches!(byte, b'1'..=b'9'),
            b'A' => letter(*byte),
            _ if matches!(place, 2 | 5) => byte.is_ascii_digit() || letter(*byte),
            _ => byte.is_ascii_digit(),
        })
}

/// Canadian social insurance number.
fn sin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|all| !matches!(all[0], 0 | 8)) && luhn::is_right(text)
}

/// Ontario health number, with or without the two letters of its version.
fn ohip(text: &[u8]) -> bool {
    let (front, version) = text.split_at_checked(10).unwrap_or((text, b""));
    digits::<10>(front).is_some_and(|all| all[0] != 0)
        && luhn::is_right(front)
        && matches!(version.len(), 0 | 2)
        && version.iter().all(u8::is_ascii_uppercase)
}

/// Personal health number of British Columbia.
fn bc_phn(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let check = (11 - weigh(&all[1..9], &[2, 4, 8, 5, 10, 9, 7, 3]) % 11) % 11;
    all[0] == 9 && check == all[9]
}

/// Quebec health card: four letters of the name, date of birth (month with 50 for women), two more digits.
fn ramq(text: &[u8]) -> bool {
    let Some((name, rest)) = text.split_at_checked(4) else { return false };
    name.iter().all(u8::is_ascii_uppercase)
        && digits::<8>(rest).is_some_and(|all| is_day(number(&all[2..4]) % 50, number(&all[4..6])))
}

/// Place in the alphabet of CURP, which has an Ñ after N.
fn curp_value(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte - b'A') + 11,
    }
}

/// Clave única de registro de población.
fn curp(text: &[u8]) -> bool {
    if text.len() != 18 || !text[..4].iter().chain(&text[10..16]).all(u8::is_ascii_uppercase) {
        return false;
    }
    let Some(date) = digits::<6>(&text[4..10]) else { return false };
    let sum: u32 = text[..17].iter().zip((2..=18).rev()).map(|(byte, weight)| curp_value(*byte) * weight).sum();
    is_day(number(&date[2..4]), number(&date[4..6]))
        && matches!(text[10], b'H' | b'M' | b'X')
        && u32::from(text[17].wrapping_sub(b'0')) == (10 - sum % 10) % 10
}

/// Registro federal de contribuyentes: three or four letters, a date, two characters, a check character.
fn rfc(text: &[u8]) -> bool {
    let letters = match text.len() {
        12 => 3,
        13 => 4,
        _ => return false,
    };
    let (name, rest) = text.split_at(letters);
    let Some(date) = digits::<6>(&rest[..6]) else { return false };
    // A company's has a space before it to be as long as a person's; digits, letters with & after N, and space.
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte - b'A') + 11,
    };
    let start = if letters == 3 { 37 * 13 } else { 0 };
    let weights = (2..=13).rev().skip(4 - letters);
    let sum: u32 =
        start + text[..text.len() - 1].iter().zip(weights).map(|(byte, weight)| value(*byte) * weight).sum::<u32>();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        other => b'0' + other as u8,
    };
    name.iter().all(u8::is_ascii_uppercase)
        && is_day(number(&date[2..4]), number(&date[4..6]))
        && text[text.len() - 1] == check
}

/// CLABE: bank, city, account, check digit.
fn clabe(text: &[u8]) -> bool {
    let Some(all) = digits::<18>(text) else { return false };
    let sum: u32 = all[..17].iter().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| digit * weight % 10).sum();
    matches!(number(&all[..3]), 1..=199 | 600..=799 | 846 | 901..=903) && (10 - sum % 10) % 10 == all[17]
}

/// Número de seguridad social.
fn nss(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|all| matches!(number(&all[..2]), 1..=97)) && luhn::is_right(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        for (name, right, wrong) in [
            ("us-ssn", "536904399", "666451234"),
            ("us-ssn", "078051120", "900451234"),
            ("us-itin", "912903456", "912893456"),
            ("us-ein", "911144442", "071144442"),
            ("us-mbi", "1EG4TE5MK73", "1SG4TE5MK73"),
            ("ca-ramq", "DOEJ80510412", "DOEJ80930412"),
        ] {
            assert!(accepts(name, right) && !accepts(name, wrong), "{name}");
        }
        notices_a_changed_digit("us-npi", &["1234567893"]);
        notices_most_changed_digits("us-dea", &["AP5836727"]);
        notices_a_changed_digit("us-aba", &["111000025"]);
        notices_a_changed_digit("ca-sin", &["123456782"]);
        notices_a_changed_digit("ca-bc-phn", &["9698658215"]);
        notices_most_changed_digits("mx-curp", &["BOXW310820HNERXN09"]);
        notices_most_changed_digits("mx-rfc", &["GODE561231GR8", "MAB9307148T4"]);
        notices_a_changed_digit("mx-clabe", &["032180000118359719"]);
    }
}
