//! Verhoeff's check digit: sums in the dihedral group of ten elements, each place permuted.

/// The product of two elements.
fn times(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b) % 5,
        (false, true) => 5 + (a + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// The permutation of the first place; each further place applies it once more.
const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Whether the last digit checks the others.
pub(crate) fn is_right(digits: &[u32]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let permuted = (0..place % 8).fold(*digit, |digit, _| PERMUTED[digit as usize % 10]);
        times(sum, permuted)
    });
    !digits.is_empty() && sum == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_digit_and_a_swap_are_noticed() {
        // 236 and its check digit, from the literature.
        let right = [2, 3, 6, 3];
        assert!(is_right(&right));
        for place in 0..right.len() {
            for digit in (0..10).filter(|digit| *digit != right[place]) {
                let mut other = right;
                other[place] = digit;
                assert!(!is_right(&other), "{other:?}");
            }
        }
        for place in 0..right.len() - 1 {
            let mut other = right;
            other.swap(place, place + 1);
            assert!(!is_right(&other), "{other:?}");
        }
    }
}
