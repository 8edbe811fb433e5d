//! From positions in a derived text back to positions in the text it came from.
//!
//! A map is a list of runs. Most text is copied as it is, so a run covers as much as it can: one run of ratio 1/1 for a
//! copied stretch, 4/3 for base64, 3/1 for `%XX%XX…`, and a *block* where some bytes stand for some others as a whole
//! (an entity, a folded ligature). Looking a position up is a binary search, and is done for findings only.

use std::ops::Range;

/// A sparse, monotonous map from byte offsets of a derived text to byte offsets of its source.
///
/// An empty map is the identity. Memory: 16 bytes per run.
#[derive(Debug, Default, Clone)]
pub struct OffsetMap {
    runs: Vec<Run>,
    out_len: u32,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    out: u32,
    src: u32,
    src_len: u32,
    /// Source bytes per `den` derived bytes; 0 marks a block.
    num: u8,
    den: u8,
}

impl OffsetMap {
    /// Forgets all runs and keeps the memory.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.out_len = 0;
    }

    /// Length in bytes of the derived text described so far.
    #[must_use]
    pub fn derived_len(&self) -> usize {
        self.out_len as usize
    }

    /// The next `len` derived bytes are the source bytes from `src` on, unchanged.
    #[inline]
    pub fn push_copy(&mut self, src: usize, len: usize) {
        self.push_ratio(src, len, len, 1, 1);
    }

    /// The next `out_len` derived bytes stand for `src_len` source bytes, `num` source bytes to `den` derived ones.
    #[inline]
    pub fn push_ratio(&mut self, src: usize, src_len: usize, out_len: usize, num: u8, den: u8) {
        if out_len == 0 {
            return;
        }
        let (src, src_len, out_len) = (src as u32, src_len as u32, out_len as u32);
        if let Some(last) = self.runs.last_mut() {
            let whole_groups = (self.out_len - last.out).is_multiple_of(u32::from(den.max(1)));
            if last.num == num && last.den == den && num != 0 && last.src + last.src_len == src && whole_groups {
                last.src_len += src_len;
                self.out_len += out_len;
                return;
            }
        }
        self.runs.push(Run { out: self.out_len, src, src_len, num, den });
        self.out_len += out_len;
    }

    /// The next `out_len` derived bytes stand, as a whole, for `src_len` source bytes.
    #[inline]
    pub fn push_block(&mut self, src: usize, src_len: usize, out_len: usize) {
        self.push_ratio(src, src_len, out_len, 0, 1);
    }

    /// Takes back everything derived from `out_len` on.
    pub fn truncate(&mut self, out_len: usize) {
        let out_len = out_len as u32;
        while self.runs.last().is_some_and(|run| run.out >= out_len) {
            self.runs.pop();
        }
        if let Some(last) = self.runs.last_mut()
            && last.num != 0
        {
            let kept = (out_len - last.out) * u32::from(last.num);
            last.src_len = last.src_len.min(kept.div_ceil(u32::from(last.den)));
        }
        self.out_len = out_len;
    }

    fn run_at(&self, out: u32) -> Option<&Run> {
        let next = self.runs.partition_point(|run| run.out <= out);
        self.runs.get(next.checked_sub(1)?)
    }

    /// The source range that the derived `range` stands for. An empty range maps to an empty one.
    #[must_use]
    pub fn source_span(&self, range: Range<usize>) -> Range<usize> {
        if self.runs.is_empty() {
            return range;
        }
        let start = self.start(range.start as u32);
        if range.end <= range.start {
            return start..start;
        }
        let end = self.end(range.end as u32);
        start..end.max(start)
    }

    /// The first derived position, up to `len`, that stands for the source position `src` or a later one.
    pub(crate) fn first_from(&self, src: usize, len: usize) -> usize {
        // Runs are in order of both; only the last one that begins before it can hold it.
        let next = self.runs.partition_point(|run| (run.src as usize) < src);
        let from = next.checked_sub(1).map_or(0, |run| self.runs[run].out as usize);
        let to = self.runs.get(next).map_or(len, |run| run.out as usize).min(len);
        let (mut low, mut high) = (from.min(to), to);
        while low < high {
            let middle = low.midpoint(high);
            if self.start(middle as u32) < src { low = middle + 1 } else { high = middle }
        }
        if self.runs.is_empty() { src.min(len) } else { low }
    }

    fn start(&self, out: u32) -> usize {
        let Some(run) = self.run_at(out) else { return 0 };
        let into = u64::from(out - run.out);
        let offset = if run.num == 0 { 0 } else { into * u64::from(run.num) / u64::from(run.den) };
        (u64::from(run.src) + offset.min(u64::from(run.src_len))) as usize
    }

    fn end(&self, out: u32) -> usize {
        let Some(run) = self.run_at(out - 1) else { return 0 };
        let into = u64::from(out - run.out);
        let offset = if run.num == 0 {
            u64::from(run.src_len)
        } else {
            (into * u64::from(run.num)).div_ceil(u64::from(run.den))
        };
        (u64::from(run.src) + offset.min(u64::from(run.src_len))) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_blocks_and_ratios_map_back() {
        let mut map = OffsetMap::default();
        map.push_copy(10, 5); // out 0..5
        map.push_block(15, 5, 1); // out 5..6 stands for "&amp;"
        map.push_copy(20, 4); // out 6..10
        map.push_ratio(24, 8, 6, 4, 3); // out 10..16: two base64 groups
        for src in 0..40 {
            let first = (0..16).find(|out| map.source_span(*out..*out).start >= src).unwrap_or(16);
            assert_eq!(map.first_from(src, 16), first, "{src}");
        }
        assert_eq!(map.source_span(0..5), 10..15);
        assert_eq!(map.source_span(5..6), 15..20);
        assert_eq!(map.source_span(4..7), 14..21);
        assert_eq!(map.source_span(10..11), 24..26);
        assert_eq!(map.source_span(13..16), 28..32);
        assert_eq!(map.source_span(2..2), 12..12);
        assert_eq!(map.derived_len(), 16);
    }

    #[test]
    fn an_empty_map_is_the_identity() {
        assert_eq!(OffsetMap::default().source_span(3..9), 3..9);
    }

    #[test]
    fn adjacent_copies_merge() {
        let mut map = OffsetMap::default();
        map.push_copy(0, 3);
        map.push_copy(3, 4);
        assert_eq!(map.runs.len(), 1);
    }

    #[test]
    fn truncating_forgets_the_tail() {
        let mut map = OffsetMap::default();
        map.push_copy(0, 3);
        map.push_block(3, 6, 2);
        map.truncate(3);
        map.push_copy(9, 2);
        assert_eq!(map.source_span(2..5), 2..11);
    }
}
