//! How rare a literal is in ordinary text: the fewer places look like a match, the fewer have to be confirmed.

/// For each hash of three bytes, then for each of four, `8 * log2(1 + occurrences in 16 MB of ordinary text)`. Made by
/// `scripts/gram_counts.py`.
static COUNTS: &[u8; (1 << 15) + (1 << 17)] = include_bytes!("gram_counts.bin");

/// About how often a lower-case literal occurs in 16 MB of text: at most as often as its rarest three or four bytes, and if it is
/// long, about as often as each three bytes are followed by the next one. Both are guesses, so the second is not taken at its word.
pub(crate) fn occurrences(literal: &[u8]) -> f64 {
    const DOUBT: f64 = 8.0;
    let three = |gram: &[u8]| count(COUNTS[bucket(gram, 15)]);
    let Some(first) = literal.get(..3) else { return COMMON };
    let (mut rarest, mut chained) = (three(first), three(first));
    for gram in literal.windows(4) {
        let (all, before) = (count(four(gram)), three(&gram[..3]));
        rarest = rarest.min(all).min(three(&gram[1..]));
        chained *= (all / before.max(1.0)).min(1.0);
    }
    rarest.min(DOUBT * chained)
}

fn count(logarithm: u8) -> f64 {
    /// The eighth root of two.
    const STEP: f64 = 1.090_507_732_665_257_7;
    static OCCURRENCES: [f64; 256] = {
        let mut powers = [1.0; 256];
        let mut index = 1;
        while index < 256 {
            powers[index] = powers[index - 1] * STEP;
            index += 1;
        }
        powers
    };
    OCCURRENCES[usize::from(logarithm)] - 1.0
}

/// How common four bytes are, on a scale of logarithms.
pub(crate) fn four(gram: &[u8]) -> u8 {
    COUNTS[(1 << 15) + bucket(gram, 17)]
}

/// What a text of one or two bytes is taken to be: everywhere.
const COMMON: f64 = 4e6;

fn bucket(gram: &[u8], bits: u32) -> usize {
    let number = gram.iter().rev().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    (number.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_common() {
        assert!(occurrences(b" the ") > 100.0 * occurrences(b"ghp_"));
        assert!(occurrences(b"ab") > occurrences(b"abc"));
    }
}
