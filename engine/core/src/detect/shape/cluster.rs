//! Where digits stand together as they do in a number: the only places where numbers are looked for.
//!
//! In most texts there are none, and that is found out from the survey's masks, a digit at a time, without a look at the text
//! between words.

use std::ops::Range;

/// Fewest digits of a number.
pub(crate) const FEWEST: usize = 5;
/// Most bytes between two digits of a number.
const MOST_BETWEEN: usize = 9;

/// Goes through the clusters of digits of a layer. Each has [`FEWEST`] digits or more, with nothing between any two that follow each
/// other but at most [`MOST_BETWEEN`] bytes of letters and of marks that numbers are written with; a word between two marks is no
/// part of a number.
#[derive(Debug, Clone)]
pub(super) struct Clusters<'t> {
    text: &'t [u8],
    /// Of the text: a bit for each byte, see [`tamiz_simd::Survey::digits`].
    masks: &'t [u64],
    block: usize,
    /// Digits of the block that have not been passed.
    left: u64,
}

impl<'t> Clusters<'t> {
    pub(super) fn new(text: &'t [u8], masks: &'t [u64]) -> Self {
        Self { text, masks, block: 0, left: masks.first().copied().unwrap_or(0) }
    }

    /// The next digits that stand side by side.
    fn run(&mut self) -> Option<Range<usize>> {
        while self.left == 0 {
            self.block += 1;
            self.left = *self.masks.get(self.block)?;
        }
        let first = self.left.trailing_zeros();
        let start = self.block * 64 + first as usize;
        let mut last = first + (self.left >> first).trailing_ones();
        // It may go on in the next block.
        while last == 64 {
            self.block += 1;
            self.left = self.masks.get(self.block).copied().unwrap_or(0);
            last = self.left.trailing_ones();
        }
        self.left &= !0 << last;
        Some(start..self.block * 64 + last as usize)
    }
}

impl Iterator for Clusters<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cluster = self.run()?;
        let mut digits = cluster.len();
        loop {
            let before = self.clone();
            let Some(run) = self.run() else { break };
            if run.start - cluster.end <= MOST_BETWEEN && joins(&self.text[cluster.end..run.start]) {
                (digits, cluster.end) = (digits + run.len(), run.end);
            } else if digits >= FEWEST {
                *self = before;
                break;
            } else {
                (digits, cluster) = (run.len(), run);
            }
        }
        (digits >= FEWEST).then_some(cluster)
    }
}

/// Whether a number may have this between two of its digits.
fn joins(between: &[u8]) -> bool {
    let mark = |byte: &u8| matches!(byte, b' ' | b'-' | b'.' | b'/' | b':' | b'_' | b'(' | b')' | 0x80..=0xfe);
    let letters = between.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let marks = between.iter().filter(|byte| mark(byte)).count();
    let word = letters > 1 && between.first().is_some_and(mark) && between.last().is_some_and(mark);
    letters + marks == between.len() && !word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(text: &[u8]) -> Vec<&[u8]> {
        let mut survey = tamiz_simd::Survey::default();
        tamiz_simd::survey(text, &mut survey);
        Clusters::new(text, &survey.digits).map(|range| &text[range]).collect()
    }

    #[test]
    fn numbers_are_clusters() {
        for number in [
            "078-05-1120",
            "(212) 555-0182",
            "22 AAAAA0000A 1Z5",
            "RSSMRA85M01H501Z",
            "1EG4-TE5-MK73",
            "2a02:26f0:fe00:1::5",
            "1.22.3.4",
            "1 2 3 4 5",
            "12345",
        ] {
            let text = format!("On 3 of them, {number}, and 12 more");
            let trimmed = number.trim_matches(|c: char| !c.is_ascii_digit());
            assert_eq!(clusters(text.as_bytes()), [trimmed.as_bytes()], "{number}");
        }
        for text in ["", "In 2023, 15 of 48", "15 of 48 in 2023", "1234 \n 5678", "12, 34, 56", "1234"] {
            assert!(clusters(text.as_bytes()).is_empty(), "{text}");
        }
        assert_eq!(clusters(b"12345\xff67890"), [b"12345", b"67890"]);
    }

    #[test]
    fn clusters_go_on_over_blocks_of_the_survey() {
        for len in 0..200 {
            for digits in [5, 63, 64, 65, 130, 192] {
                let text = format!("{}{}{}", "a".repeat(len), "7".repeat(digits), " b".repeat(40));
                assert_eq!(clusters(text.as_bytes()), ["7".repeat(digits).as_bytes()], "{len} {digits}");
            }
        }
    }
}
