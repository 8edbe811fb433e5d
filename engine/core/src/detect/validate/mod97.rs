//! Remainders by 97 (ISO/IEC 7064 MOD 97-10), and the IBAN that is checked by one (ISO 13616).

/// Countries with IBANs and how long theirs are.
const LENGTHS: [(&[u8; 2], usize); 88] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// How long an IBAN of a country is.
pub(crate) fn country(code: &[u8]) -> Option<usize> {
    let place = LENGTHS.binary_search_by(|(known, _)| known.as_slice().cmp(code)).ok()?;
    Some(LENGTHS[place].1)
}

/// International bank account number: country, two check digits, as long as the country's are; remainder 1 by 97 with the first
/// four at the end and letters as 10 to 35.
pub(crate) fn iban(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(4) else { return false };
    country(&head[..2]) == Some(text.len())
        && head[2..].iter().all(u8::is_ascii_digit)
        && remainder(tail.iter().chain(head)) == Some(1)
}

/// The remainder by 97 of the number that digits and letters (as two digits each) write.
fn remainder<'t>(text: impl Iterator<Item = &'t u8>) -> Option<u32> {
    text.into_iter().try_fold(0, |rest, byte| {
        let value = char::from(*byte).to_digit(36)?;
        Some((rest * if value < 10 { 10 } else { 100 } + value) % 97)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_in_order() {
        assert!(LENGTHS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!((country(b"ES"), country(b"US")), (Some(24), None));
    }

    #[test]
    fn examples_of_the_registry() {
        for right in [
            "GB82WEST12345698765432",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "NO9386011117947",
            "ES9121000418450200051332",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            assert!(iban(right.as_bytes()), "{right}");
            let mut swapped = right.as_bytes().to_vec();
            let last = swapped.len() - 1;
            if swapped[last] != swapped[last - 1] {
                swapped.swap(last, last - 1);
                assert!(!iban(&swapped), "{right}");
            }
        }
        assert!(!iban(b"GB82WEST1234569876543") && !iban(b"US82WEST12345698765432") && !iban(b""));
    }
}
