//! Which bytes change: overlapping findings become one region.
//!
//! Of findings that overlap, the region is everything that any of them covers, and the one with the highest rank decides what becomes of
//! it: the treatment that hides most, then the highest severity, confidence and length, then the rule that comes first. The order in which
//! findings arrive does not matter.

use std::cmp::Reverse;
use std::ops::Range;

use crate::content::Site;

/// Who decides over a region; the greatest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) hides: u8,
    pub(super) severity: crate::rule::Severity,
    pub(super) confidence: crate::rule::Confidence,
    pub(super) len: usize,
    pub(super) rule: Reverse<usize>,
}

/// A stretch of the body that changes as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) range: Range<usize>,
    /// The text it is part of.
    pub(super) site: Site,
    pub(super) rank: Rank,
    /// It is a whole encoded blob.
    pub(super) blob: bool,
    /// How often a gentler way was tried and did not do.
    pub(super) level: u8,
}

impl Region {
    /// The rule that decides over it.
    pub(super) fn rule(&self) -> usize {
        self.rank.rule.0
    }
}

/// Joins what overlaps. The result is in order, and no two of it share a byte.
pub(super) fn merge(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_by_key(|region| (region.range.start, region.range.end));
    let mut merged: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        match merged.last_mut() {
            Some(last) if region.range.start < last.range.end => {
                last.range.end = last.range.end.max(region.range.end);
                last.rank = last.rank.max(region.rank);
                last.level = last.level.max(region.level);
                last.blob |= region.blob;
            }
            _ => merged.push(region),
        }
    }
    merged
}

/// The regions that a range touches.
pub(super) fn touched(regions: &[Region], range: &Range<usize>) -> Range<usize> {
    let first = regions.partition_point(|region| region.range.end <= range.start);
    let count = regions[first..].iter().take_while(|region| region.range.start < range.end).count();
    first..first + count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::Form;
    use crate::rule::{Confidence, Severity};

    fn region(start: usize, len: usize, severity: Severity, rule: usize) -> Region {
        let rank = Rank { hides: 3, severity, confidence: Confidence::High, len, rule: Reverse(rule) };
        let site = Site { range: 0..1_000, form: Form::Text };
        Region { range: start..start + len, site, rank, blob: false, level: 0 }
    }

    #[test]
    fn the_most_severe_decides_over_all_of_it() {
        let merged = merge(vec![
            region(0, 10, Severity::Low, 1),
            region(8, 4, Severity::High, 2),
            region(12, 3, Severity::Low, 3),
            region(20, 5, Severity::Low, 5),
            region(20, 5, Severity::Low, 4),
        ]);
        let told: Vec<(Range<usize>, usize)> =
            merged.iter().map(|region| (region.range.clone(), region.rule())).collect();
        assert_eq!(told, [(0..12, 2), (12..15, 3), (20..25, 4)]);
        assert_eq!((touched(&merged, &(11..13)), touched(&merged, &(15..20))), (0..2, 2..2));
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_nothing_is_lost(
            list in prop::collection::vec((0_usize..60, 1_usize..12, 0_usize..3, 0_usize..9), 0..20),
            seed in any::<usize>(),
        ) {
            let severities = [Severity::Low, Severity::Medium, Severity::High];
            let regions: Vec<Region> =
                list.iter().map(|(start, len, severity, rule)| region(*start, *len, severities[*severity], *rule)).collect();
            let merged = merge(regions.clone());
            let mut other = regions.clone();
            if !other.is_empty() {
                let by = seed % other.len();
                other.rotate_left(by);
                other.reverse();
            }
            prop_assert_eq!(&merge(other), &merged);
            for pair in merged.windows(2) {
                prop_assert!(pair[0].range.end <= pair[1].range.start);
            }
            for at in 0..80 {
                let covered = |list: &[Region]| list.iter().any(|region| region.range.contains(&at));
                prop_assert_eq!(covered(&regions), covered(&merged), "{}", at);
            }
            for region in &merged {
                let inside = regions.iter().filter(|one| region.range.contains(&one.range.start));
                prop_assert_eq!(inside.map(|one| one.rank).max(), Some(region.rank));
            }
        }
    }
}
