//! Sweden, Norway, Denmark, Finland, Iceland, and the Baltic states.

use super::super::luhn;
use super::{Id, base36, digits, is_birthday, is_day, number, weigh};

pub(super) const ALL: &[Id] = &[
    Id("se-personnummer", personnummer),
    Id("no-fodselsnummer", fodselsnummer),
    Id("dk-cpr", cpr),
    Id("fi-hetu", hetu),
    Id("is-kennitala", kennitala),
    Id("ee-lt-isikukood", isikukood),
    Id("lv-personas-kods", personas_kods),
];

/// Ten digits, or twelve with the century; from day 61 on for those without a Swedish address.
fn personnummer(text: &[u8]) -> bool {
    let text = match text.len() {
        12 if matches!(&text[..2], b"18" | b"19" | b"20") => &text[2..],
        _ => text,
    };
    let Some(all) = digits::<10>(text) else { return false };
    let day = number(&all[4..6]);
    is_day(number(&all[2..4]), if day > 60 { day - 60 } else { day }) && luhn::is_right(text)
}

/// Fødselsnummer, or D-nummer with 40 more days.
fn fodselsnummer(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let check = |sum: u32| (11 - sum % 11) % 11;
    let day = number(&all[..2]);
    is_day(number(&all[2..4]) % 40, if day > 40 { day - 40 } else { day })
        && check(weigh(&all[..9], &[3, 7, 6, 1, 8, 9, 4, 5, 2])) == all[9]
        && check(weigh(&all[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])) == all[10]
}

/// CPR number: a date and four digits. The check digit has not been kept to since 2007.
fn cpr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|all| is_day(number(&all[2..4]), number(&all[..2])))
}

/// Henkilötunnus: date, sign of the century (a hyphen is left out), three digits, check character.
fn hetu(text: &[u8]) -> bool {
    let (date, rest) = match text.split_at_checked(6) {
        Some((date, [b'A'..=b'F' | b'U'..=b'Y', rest @ ..])) if rest.len() == 4 => (date, rest),
        Some((date, rest)) if rest.len() == 4 => (date, rest),
        _ => return false,
    };
    let (Some(date), Some(serial)) = (digits::<6>(date), digits::<3>(&rest[..3])) else { return false };
    let value = number(&date) * 1_000 + number(&serial);
    is_day(number(&date[2..4]), number(&date[..2]))
        && number(&serial) >= 2
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(value % 31) as usize] == rest[3]
}

/// Kennitala: date, serial, check digit, century.
fn kennitala(text: &[u8]) -> bool {
    let Some(all) = digits::<10>(text) else { return false };
    (11 - weigh(&all[..8], &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == all[8]
        && matches!(all[9], 0 | 8 | 9)
        && is_day(number(&all[2..4]), number(&all[..2]) % 40)
}

/// Isikukood and asmens kodas: century and sex, date, serial, check digit.
fn isikukood(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let first = weigh(&all[..10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weigh(&all[..10], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    let century = 1800 + u64::from((all[0].max(1) - 1) / 2) * 100;
    matches!(all[0], 1..=6)
        && is_birthday(century + number(&all[1..3]), number(&all[3..5]), number(&all[5..7]))
        && check == all[10]
}

/// Personas kods: date of birth, century, serial, check digit.
fn personas_kods(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let check = (1 + weigh(&all[..10], &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    all[6] <= 2 && is_day(number(&all[2..4]), number(&all[..2])) && check == base36(text[10])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("se-personnummer", &["8803200016"]);
        assert!(accepts("se-personnummer", "198803200016") && accepts("se-personnummer", "7010632391"));
        notices_a_changed_digit("no-fodselsnummer", &["15108695088"]);
        assert!(accepts("dk-cpr", "2110625629") && !accepts("dk-cpr", "3113625629"));
        notices_a_changed_digit("fi-hetu", &["131052308T", "131052A308T"]);
        notices_most_changed_digits("is-kennitala", &["1201743399"]);
        notices_most_changed_digits("ee-lt-isikukood", &["36805280109", "33309240064"]);
        notices_most_changed_digits("lv-personas-kods", &["16117519997"]);
    }
}
