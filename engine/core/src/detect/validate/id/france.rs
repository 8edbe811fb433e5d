//! France.

use super::super::luhn;
use super::{Id, digits, number};

pub(super) const ALL: &[Id] = &[Id("fr-nir", nir), Id("fr-spi", spi), Id("fr-siren", siren), Id("fr-siret", siret)];

/// Numéro de sécurité sociale: sex, year, month, department (2A and 2B in Corsica), commune, order, key.
fn nir(text: &[u8]) -> bool {
    if text.len() != 15 {
        return false;
    }
    let mut plain = [0; 15];
    plain.copy_from_slice(text);
    match &text[5..7] {
        b"2A" => plain[5..7].copy_from_slice(b"19"),
        b"2B" => plain[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let Some(all) = digits::<15>(&plain) else { return false };
    let month = number(&all[3..5]);
    matches!(all[0], 1..=4 | 7 | 8)
        && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99)
        && 97 - number(&all[..13]) % 97 == number(&all[13..])
}

/// Numéro fiscal de référence: ten digits and their remainder by 511.
fn spi(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|all| all[0] <= 3 && number(&all[..10]) % 511 == number(&all[10..]))
}

/// Number of a company.
fn siren(text: &[u8]) -> bool {
    digits::<9>(text).is_some() && luhn::is_right(text)
}

/// Number of a company's place. Those of La Poste have a sum of digits that five divides.
fn siret(text: &[u8]) -> bool {
    let Some(all) = digits::<14>(text) else { return false };
    luhn::is_right(&text[..9])
        && (luhn::is_right(text) || text.starts_with(b"356000000") && all.iter().sum::<u32>().is_multiple_of(5))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, notices_a_changed_digit};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("fr-nir", &["295109912611193", "253072B07300470", "253072A07300443"]);
        notices_a_changed_digit("fr-spi", &["3023217600053"]);
        notices_a_changed_digit("fr-siren", &["552008443", "404833048"]);
        notices_a_changed_digit("fr-siret", &["73282932000074"]);
        assert!(accepts("fr-siret", "35600000049837"));
    }
}
