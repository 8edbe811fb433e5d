//! Belgium and the Netherlands.

use super::{Id, digits, is_day, number, weigh};

pub(super) const ALL: &[Id] =
    &[Id("nl-bsn", bsn), Id("be-rijksregister", rijksregister), Id("be-onderneming", onderneming)];

/// Burgerservicenummer.
fn bsn(text: &[u8]) -> bool {
    let Some(all) = digits::<9>(text) else { return false };
    let sum = weigh(&all[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == all[8]
}

/// Rijksregisternummer: date of birth, serial, remainder by 97 (with a 2 before it for those born from 2000 on).
fn rijksregister(text: &[u8]) -> bool {
    let Some(all) = digits::<11>(text) else { return false };
    let (front, check) = (number(&all[..9]), number(&all[9..]));
    let (month, day) = (number(&all[2..4]), number(&all[4..6]));
    // People without an address get months from 21 or 41 on; of some no day is known.
    let month = month % 20;
    (month == 0 || day == 0 || is_day(month, day))
        && month <= 12
        && (97 - front % 97 == check || 97 - (2_000_000_000 + front) % 97 == check)
}

/// Ondernemingsnummer of a company.
fn onderneming(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|all| all[0] <= 1 && 97 - number(&all[..8]) % 97 == number(&all[8..]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("nl-bsn", &["111222333"]);
        notices_most_changed_digits("be-rijksregister", &["85073003328", "17073003384"]);
        notices_a_changed_digit("be-onderneming", &["0428759497"]);
    }
}
