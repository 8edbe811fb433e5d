//! Check characters by ISO/IEC 7064.

/// MOD 11,10 (hybrid): the last of these digits checks the others.
pub(crate) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, front)) = digits.split_last() else { return false };
    let carried = front.iter().fold(10, |carried, digit| {
        let sum = (carried + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (carried + check) % 10 == 1
}

/// MOD 11-2 (pure): the last value, 10 for an X, checks the others.
pub(crate) fn mod_11_2(values: impl Iterator<Item = u32>) -> bool {
    values.fold(0, |sum, value| (sum * 2 + value) % 11) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<u32> {
        text.chars().map(|c| c.to_digit(10).unwrap_or(10)).collect()
    }

    #[test]
    fn examples_of_the_standard() {
        assert!(mod_11_10(&values("07945")));
        assert!(mod_11_2(values("0794").into_iter().chain([0])));
        assert!(mod_11_2(values("079X").into_iter()));
    }

    #[test]
    fn one_changed_digit_is_noticed() {
        for (text, check) in [
            ("07945", (|values: &[u32]| mod_11_10(values)) as fn(&[u32]) -> bool),
            ("079X", |values| mod_11_2(values.iter().copied())),
        ] {
            let right = values(text);
            for place in 0..right.len() - 1 {
                for digit in (0..10).filter(|digit| *digit != right[place]) {
                    let mut other = right.clone();
                    other[place] = digit;
                    assert!(!check(&other), "{other:?}");
                }
            }
        }
    }
}
