//! Telephone numbers: international ones anywhere, national ones where their form or a word near them says so.
//!
//! Which digits after a `+` are a number is known by a table made from libphonenumber's data (`scripts/phone_numbers.py`), so
//! it costs one step a digit. National numbers have no such table without a country; they are groups of digits as people write
//! them, and a rule asks for a word near them.

use std::ops::Range;

use super::{Detector, Needs};

include!(concat!(env!("OUT_DIR"), "/phone_numbers.rs"));

/// Numbers with `+` and a calling code that are given out.
#[derive(Debug)]
pub(super) struct International;

/// Ten digits as North America writes them: `(212) 555-0182`, `212-555-0182 x12`.
#[derive(Debug)]
pub(super) struct NorthAmerican;

/// Whatever may be a number, if something says that it is.
#[derive(Debug)]
pub(super) struct National;

impl Detector for International {
    fn name(&self) -> &'static str {
        "phone-international"
    }

    fn needs(&self) -> Needs {
        Needs::Phone
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each(text, |number| self.find_in_number(text, number, found));
    }

    fn find_in_number(&self, _text: &[u8], number: &Number, found: &mut dyn FnMut(Range<usize>)) {
        if number.plus && is_given_out(&number.digits[..number.count]) {
            found(number.place());
        }
    }
}

impl Detector for NorthAmerican {
    fn name(&self) -> &'static str {
        "phone-north-american"
    }

    fn needs(&self) -> Needs {
        Needs::Phone
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each(text, |number| self.find_in_number(text, number, found));
    }

    fn find_in_number(&self, text: &[u8], number: &Number, found: &mut dyn FnMut(Range<usize>)) {
        let groups = &number.groups[..number.group_count.min(MOST_GROUPS)];
        // A house number or the like may stand before it, and a country code.
        for first in 0..groups.len().saturating_sub(2) {
            let [area, exchange, line] = [&groups[first], &groups[first + 1], &groups[first + 2]];
            let lengths = [area.len, exchange.len, line.len] == [3, 3, 4] && first + 3 == groups.len();
            let written = first == 0 || text[..area.start].ends_with(b" ") || text[..area.start].ends_with(b"(");
            let code = first > 0 && groups[first - 1].len == 1 && text[groups[first - 1].start] == b'1';
            let digit = |group: &Group| text[group.start];
            if lengths && (written || code) && digit(area) >= b'2' && digit(exchange) >= b'2' {
                let start = if code { groups[first - 1].start } else { area.start };
                let opened = text[..start].last() == Some(&b'(');
                found(start - usize::from(opened)..number.end);
            }
        }
    }
}

impl Detector for National {
    fn name(&self) -> &'static str {
        "phone-national"
    }

    fn needs(&self) -> Needs {
        Needs::Phone
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each(text, |number| self.find_in_number(text, number, found));
    }

    fn find_in_number(&self, text: &[u8], number: &Number, found: &mut dyn FnMut(Range<usize>)) {
        if (SHORTEST..=15).contains(&number.count) && !number.is_date(text) && !number.is_address(text) {
            found(number.place());
        }
    }
}

/// Whether digits, calling code first, are a number that some country gives out.
fn is_given_out(digits: &[u8]) -> bool {
    let mut state = 1;
    for digit in digits {
        state = NEXT[usize::from(state) - 1][usize::from(*digit)];
        if state == 0 {
            return false;
        }
    }
    FINAL[(usize::from(state) - 1) / 64] >> ((usize::from(state) - 1) % 64) & 1 == 1
}

/// Fewest digits of a number.
const SHORTEST: usize = 6;
/// Most digits of a number with its calling code, and some to spare: with more it is none.
const MOST_DIGITS: usize = 17;
const MOST_GROUPS: usize = 8;

/// Digits that stand together.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    start: usize,
    len: usize,
}

/// Digits in groups as telephone numbers are written, with the `+` before and the extension after them.
#[derive(Debug, Default)]
pub(crate) struct Number {
    start: usize,
    end: usize,
    plus: bool,
    digits: [u8; MOST_DIGITS],
    count: usize,
    groups: [Group; MOST_GROUPS],
    group_count: usize,
}

impl Number {
    fn place(&self) -> Range<usize> {
        self.start..self.end
    }

    /// `203.0.113.46`
    fn is_address(&self, text: &[u8]) -> bool {
        let groups = &self.groups[..self.group_count.min(MOST_GROUPS)];
        let stop = |group: &Group| text.get(group.start + group.len) == Some(&b'.');
        groups.len() == 4 && groups[..3].iter().all(stop) && groups.iter().all(|group| group.len <= 3)
    }

    /// `2015-12-22`, `22.12.2015`, `1999-2004`, and a number with a decimal point.
    fn is_date(&self, text: &[u8]) -> bool {
        let groups = &self.groups[..self.group_count.min(MOST_GROUPS)];
        let year =
            |group: &Group| group.len == 4 && matches!(&text[group.start..group.start + 2], b"18" | b"19" | b"20");
        let short = |group: &Group| group.len <= 2;
        let after = |group: &Group| text.get(group.start + group.len).copied();
        match groups {
            [a, b, rest @ ..] if year(a) && short(b) => rest.first().is_none_or(short),
            [a, b, c, ..] if short(a) && short(b) && year(c) => true,
            [a, b] => year(a) && year(b) || after(a) == Some(b'.'),
            _ => false,
        }
    }
}

/// Goes through what is written like a telephone number.
pub(super) fn each(text: &[u8], mut seen: impl FnMut(&Number)) {
    let mut at = 0;
    while let Some(start) = text[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) {
        let run = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let marked = matches!(text[..start].last(), Some(b'+' | b'('));
        // Most digits are few, and stand by themselves.
        if run < SHORTEST && !marked && separator(&text[start + run..]) == 0 {
            at = start + run;
            at += text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            continue;
        }
        let number = read(text, start);
        if number.count <= MOST_DIGITS && number.group_count <= MOST_GROUPS && stands_alone(text, &number) {
            seen(&number);
        }
        at = number.end.max(start + 1);
        // The rest of a word or a long number is no beginning.
        at += text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    }
}

/// The number whose first digit is at `first`. One with too many digits or groups has counts that say so.
fn read(text: &[u8], first: usize) -> Number {
    let mut number = Number { start: first, end: first, ..Number::default() };
    let before = |place: usize| place.checked_sub(1).map(|place| text[place]);
    if before(number.start) == Some(b'(') {
        number.start -= 1;
    }
    if before(number.start) == Some(b'+') {
        (number.start, number.plus) = (number.start - 1, true);
    }
    let mut at = first;
    loop {
        let len = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        // A trunk zero in brackets is not dialled from abroad.
        let trunk =
            number.plus && len == 1 && text[at] == b'0' && before(at) == Some(b'(') && text.get(at + 1) == Some(&b')');
        if let Some(group) = number.groups.get_mut(number.group_count) {
            *group = Group { start: at, len };
        }
        number.group_count += 1;
        for byte in &text[at..at + if trunk { 0 } else { len }] {
            if let Some(digit) = number.digits.get_mut(number.count) {
                *digit = byte - b'0';
            }
            number.count += 1;
        }
        number.end = at + len;
        let gap = separator(&text[number.end..]);
        if gap == 0 || number.group_count > MOST_GROUPS {
            break;
        }
        at = number.end + gap;
    }
    number.end += extension(&text[number.end..]);
    number
}

/// How many bytes there are between two groups of digits; 0 if another group does not follow.
fn separator(text: &[u8]) -> usize {
    let mut at = 0;
    while at < 4 {
        match &text[at..] {
            [b'0'..=b'9', ..] => return at,
            [b' ' | b'-' | b'.' | b'/' | b'(' | b')', ..] => at += 1,
            [0xc2, 0xa0, ..] => at += 2,
            [0xe2, 0x80, 0x90..=0x94 | 0xaf, ..] => at += 3,
            _ => return 0,
        }
    }
    0
}

/// How long the extension is that a number goes on with: `x12`, ` ext. 345`, ` #6`.
fn extension(text: &[u8]) -> usize {
    let spaces = |text: &[u8]| text.iter().take_while(|byte| **byte == b' ').count().min(2);
    let mut at = spaces(text);
    let Some(mark) = ["extension", "ext.", "ext", "x", "#"]
        .iter()
        .find(|mark| text.get(at..at + mark.len()).is_some_and(|there| there.eq_ignore_ascii_case(mark.as_bytes())))
    else {
        return 0;
    };
    at += mark.len();
    at += spaces(&text[at..]);
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=6).contains(&digits) { at + digits } else { 0 }
}

/// Whether it is no part of a word, a decimal, a path, an amount or a longer number.
fn stands_alone(text: &[u8], number: &Number) -> bool {
    let before = |back: usize| number.start.checked_sub(back).map(|place| text[place]);
    let after = |on: usize| text.get(number.end + on).copied();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let begins = match before(1) {
        Some(byte) if byte.is_ascii_alphanumeric() => false,
        Some(b'_' | b'$' | b'@' | b'+' | b'=') => number.plus,
        Some(b'.' | b'-' | b',' | b':') => !digit(before(2)),
        Some(b'/' | b'\\') => !before(2).is_some_and(|byte| byte.is_ascii_alphanumeric()),
        // € and £
        Some(0xac) => before(2) != Some(0x82),
        Some(0xa3) => before(2) != Some(0xc2),
        _ => true,
    };
    let ends = match after(0) {
        Some(byte) if byte.is_ascii_alphanumeric() => false,
        Some(b'_' | b'@' | b'%') => false,
        Some(b'.' | b'-' | b'/' | b':' | b',') => !digit(after(1)),
        _ => true,
    };
    begins && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'t>(detector: &dyn Detector, text: &'t str) -> Vec<&'t str> {
        let mut all = Vec::new();
        detector.find(text.as_bytes(), &mut |place| all.push(&text[place]));
        all
    }

    #[test]
    fn the_table_knows_numbering_plans() {
        let given_out = |text: &str| is_given_out(&text.bytes().map(|byte| byte - b'0').collect::<Vec<_>>());
        for right in
            ["12125550182", "442079460018", "34912345678", "34612345678", "4930123456", "33612345678", "81312345678"]
        {
            assert!(given_out(right), "{right}");
        }
        for wrong in ["", "1", "11125550182", "1212555018", "121255501822", "34112345678", "999", "00000000000"] {
            assert!(!given_out(wrong), "{wrong}");
        }
    }

    #[test]
    fn international_numbers() {
        let found = |text| find(&International, text);
        assert_eq!(found("call +1-541-754-3010 or +44 20 7946 0018."), ["+1-541-754-3010", "+44 20 7946 0018"]);
        assert_eq!(found("+46 (0)8 508 290 00, (+34 912 345 678)"), ["+46 (0)8 508 290 00", "+34 912 345 678"]);
        assert_eq!(found("+1 (212) 555-0182 x123"), ["+1 (212) 555-0182 x123"]);
        assert!(found("1+12125550182 +999 12345678 x+1 a+12125550182_").is_empty());
    }

    #[test]
    fn north_american_numbers() {
        let found = |text| find(&NorthAmerican, text);
        assert_eq!(found("(212) 555-0182, 212.555.0182"), ["(212) 555-0182", "212.555.0182"]);
        assert_eq!(found("1-800-555-0199 x7; 5 212-555-0182"), ["1-800-555-0199 x7", "212-555-0182"]);
        assert_eq!(found("(602)272-9781x0135"), ["(602)272-9781x0135"]);
        assert!(found("112-555-0182 212-155-0182 212-555-01823 2025550182 $212-555-0182 2-212-555-0182-1").is_empty());
    }

    #[test]
    fn national_numbers() {
        let found = |text| find(&National, text);
        assert_eq!(found("06 12 34 56 78 / (37) 788-063-Office"), ["06 12 34 56 78", "(37) 788-063"]);
        assert_eq!(
            found("1978-04-13 12:20:39, 22.12.2015, 1999-2004, 3.141592, 203.0.113.46, 4111 1111 1111 1111"),
            [""; 0]
        );
    }
}
