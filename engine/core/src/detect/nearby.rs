//! What else stands near an anchor: the companions without which its expressions cannot match.
//!
//! They are common words ("instructions", "the user"), so they are looked for around anchors only; a text without anchors costs
//! nothing here. All sets that are near an anchor are noted as bits, and then an expression costs a bit test for each of its needs.

use std::ops::Range;

use super::Pass;
use super::confirm::boundary;
use crate::matching::{Hit, Searcher};
use crate::rule::{Need, Pattern};

/// Finds companions near anchors; owned by a worker.
#[derive(Debug)]
pub(crate) struct Nearby {
    searcher: Box<dyn Searcher>,
    /// Where to look, in folded text.
    wanted: Vec<(usize, usize)>,
    /// What is there: start, literal, which of its variants.
    seen: Vec<(usize, u32, u32)>,
    /// The sets near the current anchor.
    bits: Vec<u64>,
}

impl Nearby {
    pub(crate) fn new(searcher: Box<dyn Searcher>) -> Self {
        Self { searcher, wanted: Vec::new(), seen: Vec::new(), bits: Vec::new() }
    }

    /// Forgets everything.
    pub(crate) fn start(&mut self) {
        self.wanted.clear();
        self.seen.clear();
    }

    /// Notes that an anchor's surroundings matter.
    pub(crate) fn want(&mut self, pass: Pass<'_>, hit: Hit) {
        let Some(range) = surroundings(pass, hit) else { return };
        // A companion may start in the last byte of the range.
        let end = (range.end + pass.rules.companions.longest()).min(pass.layer.folded.len());
        match self.wanted.last_mut() {
            Some(last) if range.start <= last.1 && last.0 <= end => {
                (last.0, last.1) = (last.0.min(range.start), last.1.max(end));
            }
            _ => self.wanted.push((range.start, end)),
        }
    }

    /// Looks for companions where they matter; says how many there are.
    pub(crate) fn search(&mut self, pass: Pass<'_>) -> usize {
        let text = pass.layer.folded.as_slice();
        let Self { searcher, wanted, seen, .. } = self;
        wanted.sort_unstable();
        wanted.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1;
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        for (from, to) in wanted.iter().copied() {
            searcher.find(&text[from..to], &mut |hit| {
                let (start, end) = (from + hit.start, from + hit.end);
                if text[start..end] != *pass.rules.companions.get(hit.literal) {
                    return;
                }
                for (number, variant) in pass.rules.variants(hit.literal).iter().enumerate() {
                    let begins = !variant.begins || boundary(&text[..start], &text[start..]);
                    if begins && (!variant.ends || boundary(&text[..end], &text[end..])) {
                        seen.push((start, hit.literal.index() as u32, number as u32));
                    }
                }
            });
        }
        seen.sort_unstable();
        self.bits.resize(pass.rules.companion_sets().div_ceil(64), 0);
        self.seen.len()
    }

    /// Notes which sets are near an anchor, by the widest of its needs.
    pub(crate) fn at(&mut self, pass: Pass<'_>, hit: Hit) {
        self.bits.fill(0);
        let Some(range) = surroundings(pass, hit) else { return };
        let first = self.seen.partition_point(|seen| seen.0 < range.start);
        for seen in self.seen[first..].iter().take_while(|seen| seen.0 < range.end) {
            for set in sets(pass, seen) {
                self.bits[(set >> 6) as usize] |= 1 << (set & 63);
            }
        }
    }

    /// Whether all that an expression needs is as near as it must be. The anchor is the one given to [`Nearby::at`] last.
    pub(crate) fn has_all(&self, pass: Pass<'_>, pattern: &Pattern, hit: Hit) -> bool {
        pattern.needs.iter().all(|need| self.bits[(need.set >> 6) as usize] >> (need.set & 63) & 1 == 1)
            && pattern.needs.iter().all(|need| self.has(pass, need, pattern.folded, hit))
    }

    fn has(&self, pass: Pass<'_>, need: &Need, folded: bool, hit: Hit) -> bool {
        let range = around(pass, hit, need.low, need.high, folded);
        let first = self.seen.partition_point(|seen| seen.0 < range.start);
        let mut near = self.seen[first..].iter().take_while(|seen| seen.0 < range.end);
        near.any(|seen| sets(pass, seen).contains(&need.set))
    }
}

fn sets<'p>(pass: Pass<'p>, seen: &(usize, u32, u32)) -> &'p [u32] {
    let variants = pass.rules.variants(crate::matching::LiteralId::new(seen.1 as usize));
    &variants[seen.2 as usize].sets
}

/// Where companions of any expression of an anchor may start, in folded text.
fn surroundings(pass: Pass<'_>, hit: Hit) -> Option<Range<usize>> {
    let (low, high) = pass.rules.reach(hit.literal)?;
    let (text, raw) = (around(pass, hit, low, high, true), around(pass, hit, low, high, false));
    Some(text.start.min(raw.start)..text.end.max(raw.end))
}

/// The starts from `low` to `high` bytes away from an anchor, in folded text; counted there, or in the text as it is.
fn around(pass: Pass<'_>, hit: Hit, low: i32, high: i32, folded: bool) -> Range<usize> {
    let from = |at: usize| at.saturating_add_signed(low as isize)..at.saturating_add_signed(high as isize) + 1;
    if folded || pass.layer.is_plain() {
        return from(hit.start);
    }
    pass.layer.fold_range(from(pass.layer.unfold(hit.start..hit.end).start))
}
