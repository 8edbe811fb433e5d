//! Australia and New Zealand.

use super::{Id, digits, number, weigh};

pub(super) const ALL: &[Id] = &[Id("au-tfn", tfn), Id("au-abn", abn), Id("au-medicare", medicare), Id("nz-ird", ird)];

/// Tax file number of nine digits.
fn tfn(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|all| weigh(&all, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11))
}

/// Business number: one less at the first place, then a multiple of 89.
fn abn(text: &[u8]) -> bool {
    let Some(mut all) = digits::<11>(text) else { return false };
    let Some(first) = all[0].checked_sub(1) else { return false };
    all[0] = first;
    weigh(&all, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).is_multiple_of(89)
}

/// Medicare card: eight digits, check digit, issue, and maybe the place of a person on the card.
fn medicare(text: &[u8]) -> bool {
    let (card, person) = text.split_at_checked(10).unwrap_or((text, b""));
    let Some(all) = digits::<10>(card) else { return false };
    matches!(all[0], 2..=6)
        && all[9] != 0
        && matches!(person, [] | [b'1'..=b'9'])
        && weigh(&all[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == all[8]
}

/// Tax number of New Zealand, of eight or nine digits.
fn ird(text: &[u8]) -> bool {
    let mut all = [0; 9];
    if let Some(short) = digits::<8>(text) {
        all[1..].copy_from_slice(&short);
    } else if let Some(long) = digits::<9>(text) {
        all = long;
    } else {
        return false;
    }
    let check = |weights: &[u32]| (11 - weigh(&all[..8], weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let right = if first < 10 { first } else { check(&[7, 4, 3, 2, 5, 2, 7, 6]) };
    (10_000_000..150_000_000).contains(&number(&all)) && right == all[8]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notices_a_changed_digit, notices_most_changed_digits};

    #[test]
    fn published_examples() {
        notices_a_changed_digit("au-tfn", &["123456782"]);
        notices_a_changed_digit("au-abn", &["83914571673"]);
        notices_most_changed_digits("au-medicare", &["2123456701", "21234567011"]);
        notices_most_changed_digits("nz-ird", &["49091850", "136410132"]);
    }
}
