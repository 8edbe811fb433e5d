//! How rare a literal is in ordinary text: the fewer places look like a match, the fewer have to be confirmed.

/// For each hash of three bytes, `8 * log2(1 + occurrences in 16 MB of ordinary text)`. Made by `scripts/gram_counts.py`.
static COUNTS: &[u8; 1 << 15] = include_bytes!("gram_counts.bin");

/// About how often a lower-case literal occurs in 16 MB of text: as often as its rarest three bytes, at most.
pub(crate) fn occurrences(literal: &[u8]) -> f64 {
    let rarest = literal.windows(3).map(|gram| COUNTS[bucket(gram)]).min();
    rarest.map_or(COMMON, |count| (f64::from(count) / 8.0).exp2() - 1.0)
}

/// What a text of one or two bytes is taken to be: everywhere.
const COMMON: f64 = 4e6;

fn bucket(gram: &[u8]) -> usize {
    let number = u32::from(gram[0]) | u32::from(gram[1]) << 8 | u32::from(gram[2]) << 16;
    (number.wrapping_mul(0x9e37_79b1) >> 17) as usize
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
