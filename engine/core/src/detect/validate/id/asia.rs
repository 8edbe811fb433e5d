//! South, East and Southeast Asia.

use super::super::{iso7064, luhn, verhoeff};
use super::{Id, base36, digits, is_birthday, is_day, letter, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("in-aadhaar", aadhaar),
    Id("in-pan", pan),
    Id("in-gstin", gstin),
    Id("in-epic", epic),
    Id("cn-resident", resident),
    Id("tw-id", tw_id),
    Id("hk-id", hk_id),
    Id("sg-nric", nric),
    Id("my-nric", my_nric),
    Id("th-id", th_id),
    Id("id-nik", nik),
    Id("kr-rrn", rrn),
    Id("jp-my-number", my_number),
    Id("pk-cnic", cnic),
];

/// Aadhaar: twelve digits, none of 0 and 1 at the first place, Verhoeff.
fn aadhaar(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|all| all[0] > 1 && verhoeff::is_right(&all))
}

/// Permanent account number: five letters (the fourth says who it is), four digits, a letter.
fn pan(text: &[u8]) -> bool {
    text.len() == 10
        && text[..5].iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHJLPT".contains(&text[3])
        && digits::<4>(&text[5..9]).is_some_and(|serial| number(&serial) > 0)
        && text[9].is_ascii_uppercase()
}

/// Goods and services tax number: state, PAN, two characters, check character.
fn gstin(text: &[u8]) -> bool {
    if text.len() != 15 || !pan(&text[2..12]) || !text[..2].iter().all(u8::is_ascii_digit) || text[13] != b'Z' {
        return false;
    }
    let sum: u32 = text[..14]
        .iter()
        .enumerate()
        .map(|(place, byte)| base36(*byte) * (1 + place as u32 % 2))
        .map(|value| value / 36 + value % 36)
        .sum();
    matches!(base36(text[0]) * 10 + base36(text[1]), 1..=38 | 97 | 99) && (36 - sum % 36) % 36 == base36(text[14])
}

/// Voter card: three letters, seven digits, Luhn.
fn epic(text: &[u8]) -> bool {
    let Some((name, rest)) = text.split_at_checked(3) else { return false };
    name.iter().all(u8::is_ascii_uppercase) && digits::<7>(rest).is_some() && luhn::is_right(rest)
}

/// Resident identity card: place, date of birth, serial, check character (ISO 7064 MOD 11-2).
fn resident(text: &[u8]) -> bool {
    let Some((front, check)) = text.split_at_checked(17) else { return false };
    let Some(all) = digits::<17>(front) else { return false };
    let check = match check {
        [b'X'] => 10,
        [digit] if digit.is_ascii_digit() => base36(*digit),
        _ => return false,
    };
    matches!(number(&all[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81 | 82 | 83)
        && is_birthday(number(&all[6..10]), number(&all[10..12]), number(&all[12..14]))
        && iso7064::mod_11_2(all.into_iter().chain([check]))
}

/// Identity card of Taiwan: a letter for the place, sex, serial, check digit.
fn tw_id(text: &[u8]) -> bool {
    let [place, rest @ ..] = text else { return false };
    let (Some(place), Some(all)) = (letter(*place), digits::<9>(rest)) else { return false };
    // A to Z in the order in which the places were added.
    const VALUES: [u32; 26] =
        [10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33];
    let value = VALUES[place as usize - 1];
    let sum = value / 10 + value % 10 * 9 + weigh(&all, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(all[0], 1 | 2 | 8 | 9) && sum.is_multiple_of(10)
}

/// Identity card of Hong Kong: one or two letters, six digits, check character.
fn hk_id(text: &[u8]) -> bool {
    let (first, second, rest) = match text {
        [first, second, rest @ ..] if second.is_ascii_uppercase() => (base36(*first), base36(*second), rest),
        // A space, which counts as 36, is left out.
        [second, rest @ ..] => (36, base36(*second), rest),
        [] => return false,
    };
    let [front @ .., check] = rest else { return false };
    let Some(front) = digits::<6>(front) else { return false };
    let check = if *check == b'A' {
        10
    } else if check.is_ascii_digit() {
        base36(*check)
    } else {
        return false;
    };
    text[0].is_ascii_uppercase()
        && (first * 9 + second * 8 + weigh(&front, &[7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11)
}

/// NRIC and FIN of Singapore.
fn nric(text: &[u8]) -> bool {
    let [kind, middle @ .., check] = text else { return false };
    let Some(middle) = digits::<7>(middle) else { return false };
    let sum = weigh(&middle, &[2, 7, 6, 5, 4, 3, 2]);
    let (start, letters) = match kind {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let place = (sum + start) % 11;
    letters[if *kind == b'M' { 10 - place } else { place } as usize] == *check
}

/// MyKad of Malaysia: date of birth, place, serial. It has no check digit.
fn my_nric(text: &[u8]) -> bool {
    let Some(all) = digits::<12>(text) else { return false };
    is_day(number(&all[2..4]), number(&all[4..6]))
        && matches!(number(&all[6..8]), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99)
}

/// Identity card of Thailand.
fn th_id(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    matches!(all[0], 1..=8) && (11 - weigh(&all[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == all[12]
}

/// NIK of Indonesia: place, date of birth (day with 40 for women), serial. It has no check digit.
fn nik(text: &[u8]) -> bool {
    let Some(all) = digits::<16>(text) else { return false };
    let day = number(&all[6..8]);
    matches!(number(&all[..2]), 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
        && is_day(number(&all[8..10]), if day > 40 { day - 40 } else { day })
        && number(&all[12..]) > 0
}

/// Resident registration number of Korea: date of birth, sex and century, place, serial, check digit.
fn rrn(text: &[u8]) -> bool {
    let Some(all) = digits::<13>(text) else { return false };
    let check = (11 - weigh(&all[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
    // Numbers given since October 2020 are random in their last six digits; these cannot be told from wrong ones.
    is_day(number(&all[2..4]), number(&all[4..6])) && check == all[12]
}

/// My Number of Japan.
fn my_number(text: &[u8]) -> bool {
    let Some(all) = digits::<12>(text) else { return false };
    let rest = weigh(&all[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == all[11]
}

/// CNIC of Pakistan: province, family, sex. It has no public check digit.
fn cnic(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|all| matches!(all[0], 1..=7) && all[12] != 0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("in-aadhaar", &["234123412346"]);
        notices_most_changed_digits("in-gstin", &["27AAPFU0939F1ZV"]);
        notices_a_changed_digit("in-epic", &["WKH1186253"]);
        notices_a_changed_digit("cn-resident", &["11010519491231002X"]);
        notices_most_changed_digits("tw-id", &["A123456789"]);
        notices_a_changed_digit("hk-id", &["A1234563"]);
        notices_a_changed_digit("sg-nric", &["S1234567D"]);
        notices_most_changed_digits("th-id", &["1234545678781"]);
        notices_most_changed_digits("kr-rrn", &["9710139019902"]);
        notices_most_changed_digits("jp-my-number", &["123456789018"]);
        assert!(accepts("in-pan", "ACUPA7085R") && !accepts("in-pan", "ABMZA3211G"));
        assert!(accepts("my-nric", "770305021234") && !accepts("my-nric", "771305021234"));
        assert!(accepts("id-nik", "3171011708450001") && !accepts("id-nik", "9871011708450001"));
        assert!(accepts("pk-cnic", "3420108918912"));
    }
}
