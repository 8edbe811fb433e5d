//! The back end `rust`: a filter on the first bytes of all literals, then a walk down the sorted literals.
//!
//! At every position the next eight bytes are hashed into a bitmap of 32 KB that says whether any literal starts like that.
//! Nearly always none does, and that costs a load, a multiplication and a bit test. Otherwise the literals with that start, which
//! stand next to each other in a sorted list, are narrowed down byte by byte. Short literals have filters of their own on four
//! and three bytes. Building is sorting: milliseconds for tens of thousands of literals, and some hundred kilobytes.

use super::{Backend, BackendInfo, BuildMatcherError, Hit, LiteralId, LiteralSet, Matcher};

/// The back end `rust`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrefixMatcher;

impl Backend for PrefixMatcher {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        if let Some(short) = literals.iter().find(|literal| literal.len() < 3) {
            let why = format!("a literal of {} bytes; the shortest it can look for has 3", short.len());
            return Err(BuildMatcherError { backend: "rust", why });
        }
        let of_len = |from: usize, to: usize, key_len: usize| Class::new(literals, from..to, key_len);
        let classes = [of_len(8, usize::MAX, 8), of_len(4, 8, 4), of_len(3, 4, 3)];
        Ok(Box::new(Built { literals: literals.clone(), classes: classes.into_iter().flatten().collect() }))
    }
}

#[derive(Debug)]
struct Built {
    literals: LiteralSet,
    classes: Vec<Class>,
}

/// Literals that are looked for by their first `key_len` bytes.
#[derive(Debug)]
struct Class {
    key_len: usize,
    mask: u64,
    /// One bit per hash of a key: whether a literal has it.
    filter: Box<[u64; FILTER_WORDS]>,
    /// Open addressing: key and its range in `sorted`; an empty range is an empty slot.
    table: Vec<(u64, u32, u32)>,
    /// By key, then by bytes.
    sorted: Vec<LiteralId>,
}

const FILTER_BITS: u32 = 18;
const FILTER_WORDS: usize = 1 << (FILTER_BITS - 6);

/// Sets the bit that tells ASCII cases apart. Other bytes may fall together too; that only lets more through the filter.
fn key(bytes: u64, mask: u64) -> u64 {
    (bytes | 0x2020_2020_2020_2020) & mask
}

fn hash(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Up to eight bytes, zeros after the end.
fn load(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text[..len]);
    u64::from_le_bytes(bytes)
}

impl Class {
    fn new(literals: &LiteralSet, lengths: std::ops::Range<usize>, key_len: usize) -> Option<Self> {
        let mask = u64::MAX >> (64 - 8 * key_len);
        let key_of = |id: LiteralId| key(load(literals.get(id)), mask);
        let ids = (0..literals.len()).map(LiteralId::new);
        let mut sorted: Vec<LiteralId> = ids.filter(|id| lengths.contains(&literals.get(*id).len())).collect();
        if sorted.is_empty() {
            return None;
        }
        sorted.sort_by(|a, b| (key_of(*a), literals.get(*a)).cmp(&(key_of(*b), literals.get(*b))));
        let mut filter = Box::new([0; FILTER_WORDS]);
        let mut table = vec![(0, 0, 0); (2 * sorted.len()).next_power_of_two()];
        let mut start = 0;
        for same in sorted.chunk_by(|a, b| key_of(*a) == key_of(*b)) {
            let (key, end) = (key_of(same[0]), start + same.len());
            let (word, bit) = filter_place(hash(key));
            filter[word] |= 1 << bit;
            let slots = table.len();
            let mut slot = hash(key) as usize & (slots - 1);
            while table[slot].1 != table[slot].2 {
                slot = (slot + 1) & (slots - 1);
            }
            table[slot] = (key, start as u32, end as u32);
            start = end;
        }
        Some(Self { key_len, mask, filter, table, sorted })
    }

    fn passes(&self, bytes: u64) -> bool {
        let (word, bit) = filter_place(hash(key(bytes, self.mask)));
        self.filter[word] >> bit & 1 == 1
    }

    /// The literals that start like `bytes`.
    fn starting(&self, bytes: u64) -> &[LiteralId] {
        let key = key(bytes, self.mask);
        let mut slot = hash(key) as usize & (self.table.len() - 1);
        loop {
            let (known, start, end) = self.table[slot];
            if start == end {
                return &[];
            }
            if known == key {
                return &self.sorted[start as usize..end as usize];
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    /// Reports the literals that stand at `start`.
    #[cold]
    fn confirm(&self, literals: &LiteralSet, haystack: &[u8], start: usize, on_hit: &mut dyn FnMut(Hit)) {
        let text = &haystack[start..];
        if text.len() < self.key_len {
            return;
        }
        let mut left = self.starting(load(text));
        // Those that start alike start in the same bytes, nearly always: then these need no narrowing down.
        let mut depth = match (left.first(), left.last()) {
            (Some(first), Some(last))
                if literals.get(*first)[..self.key_len] == literals.get(*last)[..self.key_len] =>
            {
                if !text[..self.key_len].eq_ignore_ascii_case(&literals.get(*first)[..self.key_len]) {
                    return;
                }
                self.key_len
            }
            _ => 0,
        };
        while let Some(first) = left.first() {
            // The shortest come first among those that share their first `depth` bytes.
            if literals.get(*first).len() == depth {
                on_hit(Hit { literal: *first, start, end: start + depth });
                left = &left[1..];
                continue;
            }
            let Some(byte) = text.get(depth).map(u8::to_ascii_lowercase) else { return };
            let at = |id: &LiteralId| literals.get(*id)[depth];
            let from = left.partition_point(|id| at(id) < byte);
            let to = from + left[from..].partition_point(|id| at(id) == byte);
            left = &left[from..to];
            depth += 1;
        }
    }
}

fn filter_place(hash: u64) -> (usize, u64) {
    let place = hash >> (64 - FILTER_BITS);
    ((place >> 6) as usize & (FILTER_WORDS - 1), place & 63)
}

impl Matcher for Built {
    fn find(&self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        let mut at = |start: usize, bytes: u64| {
            for class in &self.classes {
                if class.passes(bytes) {
                    class.confirm(&self.literals, haystack, start, on_hit);
                }
            }
        };
        let whole = haystack.len().saturating_sub(7);
        for (start, window) in haystack.windows(8).enumerate() {
            let bytes = <[u8; 8]>::try_from(window).map_or(0, u64::from_le_bytes);
            at(start, bytes);
        }
        for start in whole..haystack.len() {
            at(start, load(&haystack[start..]));
        }
    }

    fn info(&self) -> BackendInfo {
        let of_class = |class: &Class| 8 * FILTER_WORDS + 16 * class.table.len() + 4 * class.sorted.len();
        let memory =
            self.literals.total_len() + 8 * self.literals.len() + self.classes.iter().map(of_class).sum::<usize>();
        BackendInfo::new("rust", format!("prefix filter, {} literals", self.literals.len()), memory)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matching::AhoCorasickMatcher;

    fn hits(backend: &dyn Backend, literals: &LiteralSet, text: &[u8]) -> Vec<(usize, usize, LiteralId)> {
        let mut hits = Vec::new();
        let matcher = backend.build(literals).expect("literals of three bytes and more");
        matcher.find(text, &mut |hit| hits.push((hit.start, hit.end, hit.literal)));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #[test]
        fn finds_what_aho_corasick_finds(
            literals in proptest::collection::btree_set("[ab_{@\u{e9}]{3,10}", 1..40),
            text in "[abAB_{@\\[\u{e9} ]{0,200}",
        ) {
            let mut set = LiteralSet::default();
            literals.iter().for_each(|literal| { set.push(literal.as_bytes()); });
            prop_assert_eq!(
                hits(&PrefixMatcher, &set, text.as_bytes()),
                hits(&AhoCorasickMatcher, &set, text.as_bytes())
            );
        }
    }
}
