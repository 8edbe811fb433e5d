//! The United Kingdom and Ireland.

use super::{Id, digits, letter, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("gb-nino", nino),
    Id("gb-nhs", nhs),
    Id("gb-utr", utr),
    Id("gb-driver", driver),
    Id("gb-vat", vat),
    Id("ie-pps", pps),
];

/// National insurance number: two letters of those in use, six digits, A to D.
fn nino(text: &[u8]) -> bool {
    let [first, second, middle @ .., last] = text else { return false };
    digits::<6>(middle).is_some()
        && first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && !matches!(&[*first, *second], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
        && matches!(last, b'A'..=b'D')
}

/// NHS number.
fn nhs(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    (11 - weigh(&all[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == all[9]
}

/// Unique taxpayer reference: the first digit checks the others.
fn utr(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    let place = weigh(&all[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1][place as usize] == all[0]
}

/// Driver number: five letters of the name (filled up with 9), year, month (with 50 for women), day, year, initials, a check.
fn driver(text: &[u8]) -> bool {
    if text.len() != 16 {
        return false;
    }
    let (name, rest) = text.split_at(5);
    let letters = name.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let Some(date) = digits::<6>(&rest[..6]) else { return false };
    letters > 0
        && name[letters..].iter().all(|byte| *byte == b'9')
        && matches!(number(&date[1..3]), 1..=12 | 51..=62)
        && matches!(number(&date[3..5]), 1..=31)
        && (rest[6].is_ascii_uppercase() && (rest[7].is_ascii_uppercase() || rest[7] == b'9'))
        && rest[8].is_ascii_digit()
        && rest[9..].iter().all(u8::is_ascii_uppercase)
}

/// VAT number, with GB before it.
fn vat(text: &[u8]) -> bool {
    let Some(all) = text.strip_prefix(b"GB").and_then(digits::<9>) else { return false };
    let sum = u64::from(weigh(&all[..7], &[8, 7, 6, 5, 4, 3, 2])) + number(&all[7..]);
    sum.is_multiple_of(97) || (sum + 55).is_multiple_of(97)
}

/// Irish personal public service number: seven digits, a check letter, and maybe another letter.
fn pps(text: &[u8]) -> bool {
    let Some((front, letters)) = text.split_at_checked(7) else { return false };
    let Some(front) = digits::<7>(front) else { return false };
    let (check, second) = match letters {
        [check] => (*check, 0),
        [check, b'W' | b'T'] => (*check, 0),
        [check, second] => (*check, letter(*second).unwrap_or(99)),
        _ => return false,
    };
    let sum = weigh(&front, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    second <= 9 && b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize] == check
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("gb-nhs", &["9434765870", "4010232137"]);
        notices_most_changed_digits("gb-utr", &["1955839661"]);
        notices_most_changed_digits("gb-vat", &["GB980780684"]);
        notices_a_changed_digit("ie-pps", &["6433435F", "6433435OA", "6433435FT"]);
        assert!(accepts("gb-nino", "AB123456C"));
        assert!(
            !accepts("gb-nino", "QQ123456C") && !accepts("gb-nino", "GB123456C") && !accepts("gb-nino", "AB123456E")
        );
        assert!(accepts("gb-driver", "MORGA657054SM9IJ"));
        assert!(!accepts("gb-driver", "MORGA697054SM9IJ"));
    }
}
