//! Cards, accounts, vehicles, telephones: what the whole world numbers alike.

use super::super::{luhn, mod97};
use super::{Id, base36, digits, is_birthday, is_day, number};

pub(super) const ALL: &[Id] = &[
    Id("card", card),
    Id("card-brand", card_brand),
    Id("iban", mod97::iban),
    Id("vin", vin),
    Id("vin-form", vin_form),
    Id("imei", imei),
    Id("iccid", iccid),
    Id("passport", passport),
    Id("mixed", mixed),
    Id("date", date),
    Id("us-state-zip", us_state_zip),
];

/// Twelve to nineteen digits, Luhn.
fn card(text: &[u8]) -> bool {
    matches!(text.len(), 12..=19) && text.iter().all(u8::is_ascii_digit) && text[0] != b'0' && luhn::is_right(text)
}

/// A card number with the prefix and length that a scheme issues.
fn card_brand(text: &[u8]) -> bool {
    if !card(text) {
        return false;
    }
    let prefix = |len: usize| text[..len].iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    match text.len() {
        // Visa, old. Its numbers of 19 digits are rarer than others' that begin so, and left, as Maestro's, to what stands near them.
        13 => text[0] == b'4',
        // American Express; JCB, old.
        15 => matches!(prefix(2), 34 | 37) || matches!(prefix(4), 1800 | 2131),
        // Diners Club.
        14 => matches!(prefix(3), 300..=305 | 309) || matches!(prefix(2), 36 | 38 | 39),
        // Visa, Mastercard, Discover, UnionPay, JCB, RuPay, Mir.
        16 => {
            text[0] == b'4'
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(4), 2221..=2720 | 6011 | 3528..=3589 | 2200..=2204)
                || matches!(prefix(3), 644..=649)
        }
        17..=19 => prefix(2) == 62,
        _ => false,
    }
}

/// Letters of a vehicle identification number are worth what they look like in an old table; I, O and Q are not used.
fn vin_value(byte: u8) -> Option<u32> {
    Some(match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(byte - b'S') + 2,
        _ => return None,
    })
}

/// Vehicle identification number with its check digit, which North America asks for (ISO 3779, FMVSS 115).
fn vin(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if !vin_form(text) {
        return false;
    }
    let sum: u32 = text.iter().zip(WEIGHTS).map(|(byte, weight)| vin_value(*byte).unwrap_or(0) * weight).sum();
    let check = if text[8] == b'X' {
        10
    } else if text[8].is_ascii_digit() {
        base36(text[8])
    } else {
        99
    };
    sum % 11 == check
}

/// Seventeen letters and digits that may be a vehicle's: some of both, and a number at the end.
fn vin_form(text: &[u8]) -> bool {
    text.len() == 17
        && text.iter().all(|byte| vin_value(*byte).is_some())
        && text.iter().any(u8::is_ascii_uppercase)
        && text[13..].iter().all(u8::is_ascii_digit)
}

/// Mobile equipment: two digits for who registered it, Luhn.
fn imei(text: &[u8]) -> bool {
    digits::<15>(text).is_some_and(|all| matches!(number(&all[..2]), 1 | 10..=99)) && luhn::is_right(text)
}

/// SIM card: 89 and Luhn.
fn iccid(text: &[u8]) -> bool {
    matches!(text.len(), 19 | 20)
        && text.starts_with(b"89")
        && text.iter().all(u8::is_ascii_digit)
        && luhn::is_right(text)
}

/// Six to nine letters and digits with some digits: what passports of most countries have.
fn passport(text: &[u8]) -> bool {
    matches!(text.len(), 6..=10) && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 5
}

/// Letters and digits that have enough digits to be a number.
fn mixed(text: &[u8]) -> bool {
    text.len() <= 16 && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 5
}

/// A day with its year at the beginning or the end, of four digits or two; day and month in either order.
fn date(text: &[u8]) -> bool {
    let pair = |at: usize| number(&digits::<2>(&text[at..at + 2]).unwrap_or_default());
    let either = |a: u64, b: u64| is_day(a, b) || is_day(b, a);
    match text.len() {
        _ if !text.iter().all(u8::is_ascii_digit) => false,
        8 => {
            let (first, last) = (pair(0) * 100 + pair(2), pair(4) * 100 + pair(6));
            is_birthday(first, pair(4), pair(6)) || (1890..=2100).contains(&last) && either(pair(0), pair(2))
        }
        6 | 7 => {
            let year = pair(text.len() - 4) * 100 + pair(text.len() - 2);
            let front = text[..text.len() - 4].iter().fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
            // Of three digits, one or two are the day.
            let parts = [(front / 10, front % 10), (front / 100, front % 100)];
            let long = (1890..=2100).contains(&year) && parts.iter().any(|(a, b)| either(*a, *b));
            long || text.len() == 6 && (either(pair(0), pair(2)) || is_day(pair(2), pair(4)))
        }
        _ => false,
    }
}

/// The first three digits of the ZIP codes of each state.
const ZIPS: [(&[u8; 2], u64, u64); 56] = [
    (b"AK", 995, 999),
    (b"AL", 350, 369),
    (b"AR", 716, 729),
    (b"AZ", 850, 865),
    (b"CA", 900, 961),
    (b"CO", 800, 816),
    (b"CT", 60, 69),
    (b"DC", 200, 205),
    (b"DE", 197, 199),
    (b"FL", 320, 349),
    (b"GA", 300, 319),
    (b"GA", 398, 399),
    (b"HI", 967, 968),
    (b"IA", 500, 528),
    (b"ID", 832, 838),
    (b"IL", 600, 629),
    (b"IN", 460, 479),
    (b"KS", 660, 679),
    (b"KY", 400, 427),
    (b"LA", 700, 714),
    (b"MA", 10, 27),
    (b"MD", 206, 219),
    (b"ME", 39, 49),
    (b"MI", 480, 499),
    (b"MN", 550, 567),
    (b"MO", 630, 658),
    (b"MS", 386, 397),
    (b"MT", 590, 599),
    (b"NC", 270, 289),
    (b"ND", 580, 588),
    (b"NE", 680, 693),
    (b"NH", 30, 38),
    (b"NJ", 70, 89),
    (b"NM", 870, 884),
    (b"NV", 889, 898),
    (b"NY", 5, 5),
    (b"NY", 100, 149),
    (b"OH", 430, 459),
    (b"OK", 730, 749),
    (b"OR", 970, 979),
    (b"PA", 150, 196),
    (b"PR", 6, 9),
    (b"RI", 28, 29),
    (b"SC", 290, 299),
    (b"SD", 570, 577),
    (b"TN", 370, 385),
    (b"TX", 750, 799),
    (b"TX", 885, 885),
    (b"UT", 840, 847),
    (b"VA", 201, 201),
    (b"VA", 220, 246),
    (b"VT", 50, 59),
    (b"WA", 980, 994),
    (b"WI", 530, 549),
    (b"WV", 247, 268),
    (b"WY", 820, 831),
];

/// State and ZIP code of the United States, with or without its last four digits.
fn us_state_zip(text: &[u8]) -> bool {
    let Some((state, zip)) = text.split_at_checked(2) else { return false };
    let area = number(&zip.get(..3).and_then(digits::<3>).unwrap_or_default());
    matches!(zip.len(), 5 | 9)
        && zip.iter().all(u8::is_ascii_digit)
        && ZIPS.iter().any(|(name, from, to)| name.as_slice() == state && (*from..=*to).contains(&area))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit};

    #[test]
    fn published_examples() {
        // Numbers that payment schemes publish for testing.
        for card in ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"]
        {
            notices_a_changed_digit("card", &[card]);
            assert!(accepts("card-brand", card), "{card}");
        }
        assert!(accepts("card-brand", "4222222222222") && accepts("card-brand", "30569309025904"));
        assert!(!accepts("card-brand", "1234567890123452"));
        notices_a_changed_digit("vin", &["1M8GDM9AXKP042788"]);
        assert!(accepts("vin-form", "WAUZZZ8K9BA012345") && !accepts("vin-form", "WAUZZZ8K9BAO12345"));
        notices_a_changed_digit("imei", &["490154203237518"]);
        notices_a_changed_digit("iccid", &["89148000005339755555"]);
        for (name, right, wrong) in [
            ("date", "19780413", "19781343"),
            ("date", "13041978", "32041978"),
            ("date", "1341978", "0001978"),
            ("date", "131278", "134578"),
            ("us-state-zip", "IL62704", "IL90210"),
            ("us-state-zip", "CA902101234", "CA9021"),
            ("passport", "C03005988", "CARSXYZ12"),
        ] {
            assert!(accepts(name, right) && !accepts(name, wrong), "{name}");
        }
        notices_a_changed_digit("iban", &["DE89370400440532013000", "GB82WEST12345698765432"]);
    }
}
