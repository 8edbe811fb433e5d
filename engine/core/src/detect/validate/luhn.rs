//! The Luhn check digit (ISO/IEC 7812-1).

use super::Validator;

/// Digits, spaces and hyphens ignored, with a right check digit.
#[derive(Debug)]
pub(crate) struct Luhn;

impl Validator for Luhn {
    fn name(&self) -> &'static str {
        "luhn"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let digits: Vec<u8> = text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0').collect();
        digits.len() >= 2 && is_valid(digits.into_iter())
    }
}

/// Every second digit from the right doubled, digits of the products summed: a multiple of ten.
pub(crate) fn is_valid(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit) << (place % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_digit_is_noticed() {
        let right = b"79927398713";
        assert!(Luhn.accepts(right));
        for place in 0..right.len() {
            for digit in b'0'..=b'9' {
                let mut other = *right;
                other[place] = digit;
                assert_eq!(Luhn.accepts(&other), other == *right);
            }
        }
    }
}
