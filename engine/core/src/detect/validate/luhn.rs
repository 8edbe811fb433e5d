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
        is_right(text) && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
    }
}

/// Every second digit from the right doubled, digits of the products summed: a multiple of ten. All but digits is ignored.
pub(crate) fn is_right(text: &[u8]) -> bool {
    let digits = text.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let values = digits.enumerate().map(|(place, digit)| {
        let value = digit << (place % 2);
        if value > 9 { value - 9 } else { value }
    });
    values.sum::<u32>().is_multiple_of(10)
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
