//! The back end `rust`: a filter on rare bytes of every literal, at every or every fourth position of the text.
//!
//! Of each literal some neighbouring bytes (a *gram*) are chosen that are rare in ordinary text, once for each distance that
//! the looked-at positions can have from its start; so wherever it stands, one of them is met although only every
//! fourth position is looked at. There, the bytes are hashed into a bitmap that says whether any literal has chosen them: a load,
//! a multiplication and a bit test, and nearly always the end of it. Otherwise the literals that chose these bytes are compared:
//! they stand together, by offset and in order, so thousands with the same start are narrowed down by bisection.
//!
//! Literals of eleven bytes and more have grams of eight bytes, met at every fourth position; shorter ones have their rarest four
//! bytes, looked for at every position. Building is choosing and sorting: milliseconds for tens of thousands of literals, and about 100 bytes of memory each.

use super::{Backend, BackendInfo, BuildMatcherError, Hit, LiteralId, LiteralSet, Matcher, Searcher, rarity};
use crate::parallel;
use tamiz_simd::grams::{self, FILTER_WORDS, Filter, Filters, Marks, hash};

/// The back end `rust`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GramMatcher;

impl Backend for GramMatcher {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        if let Some(short) = literals.iter().find(|literal| literal.len() < SHORTEST) {
            let why = format!("a literal of {} bytes; the shortest it can look for has {SHORTEST}", short.len());
            return Err(BuildMatcherError { backend: "rust", why });
        }
        Ok(Box::new(Built(std::sync::Arc::new(Tables::new(literals)))))
    }
}

#[derive(Debug)]
struct Built(std::sync::Arc<Tables>);

impl Matcher for Built {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(Worker(std::sync::Arc::clone(&self.0)))
    }

    fn info(&self) -> BackendInfo {
        let tables = &self.0;
        let of_index = |index: &Index| {
            4 * FILTER_WORDS + size_of::<Slot>() * index.slots.len() + size_of::<Group>() * index.groups.len()
        };
        let memory = tables.literals.total_len()
            + 8 * tables.literals.len()
            + size_of::<Entry>() * tables.entries.len()
            + [&tables.eight, &tables.four].into_iter().map(of_index).sum::<usize>();
        BackendInfo::new("rust", format!("gram filter, {} literals", tables.literals.len()), memory)
    }
}

#[derive(Debug)]
struct Worker(std::sync::Arc<Tables>);

impl Searcher for Worker {
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        self.0.find(haystack, on_hit);
    }
}

#[derive(Debug)]
struct Tables {
    literals: LiteralSet,
    /// Literals by what they chose, those of a group together and in order.
    entries: Vec<Entry>,
    /// Eight bytes from every fourth position on.
    eight: Index,
    /// Four bytes from every position on.
    four: Index,
}

/// A literal that chose some bytes; all that is asked of a short one.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Its first eight bytes as a number, zeros after the end, that sorts like the text.
    start: u64,
    literal: LiteralId,
    len: u32,
    /// One more than the place in its group of the longest other literal that it begins with; 0: none.
    begins_with: u32,
}

impl Entry {
    /// Whether a text, whose first bytes `start` is, begins with it.
    #[inline]
    fn begins(&self, tables: &Tables, text: &[u8], start: u64) -> bool {
        let len = self.len as usize;
        let differs = start ^ self.start;
        let alike = if len >= 8 { differs == 0 } else { differs >> (64 - 8 * len) == 0 };
        alike && len <= text.len() && (len <= 8 || text[8..len] == tables.literals.get(self.literal)[8..])
    }
}

/// Finds the literals that chose some bytes.
#[derive(Debug)]
struct Index {
    filter: Box<Filter>,
    /// By the upper bits of the hash, open addressing; a slot without groups is free.
    slots: Box<[Slot]>,
    slot_bits: u32,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    gram: u64,
    first: u32,
    count: u32,
}

/// Literals that chose the same bytes at the same offset.
#[derive(Debug, Clone, Copy)]
struct Group {
    offset: u32,
    /// In `sorted`.
    first: u32,
    end: u32,
    /// Where, from the looked-at position on, eight bytes stand that tell most, and what the literals have in common there.
    probe: i32,
    key: u64,
    mask: u64,
}

/// Blocks of 64 bytes whose positions are marked before the marked ones are looked at.
const BLOCKS_AT_ONCE: usize = 32;
/// Shortest literal that has eight bytes at each distance from a fourth position.
const LONG: usize = 11;
/// Shortest literal that can be looked for.
const SHORTEST: usize = 4;

/// The first up to eight bytes, zeros after the end.
#[inline(always)]
fn load(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk::<8>() {
        return u64::from_le_bytes(*bytes);
    }
    text.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// `gram`, its offset, and the literal that chose it.
type Choice = (u64, u32, LiteralId);

/// Literals that choose together, and parts that are sorted by themselves: what one thread has to do at a time.
const AT_ONCE: usize = 4096;
const PARTS_BITS: u32 = 3;

impl Tables {
    fn new(literals: &LiteralSet) -> Self {
        let ids: Vec<LiteralId> = (0..literals.len()).map(LiteralId::new).collect();
        let ids: Vec<&[LiteralId]> = ids.chunks(AT_ONCE).collect();
        let chosen = parallel::map(&ids, 1, |ids| {
            let (mut eight, mut four) = (Vec::new(), Vec::new());
            for &id in *ids {
                let literal = literals.get(id);
                match literal.len() {
                    LONG.. => choose(literal, 8, 4, &mut |gram, offset| eight.push((gram, offset, id))),
                    _ => choose(literal, 4, 1, &mut |gram, offset| four.push((gram, offset, id))),
                }
            }
            (eight, four)
        });
        let parts: Vec<u64> = (0..1 << PARTS_BITS).collect();
        let parts = parallel::map(&parts, 1, |part| {
            let inside = |all: &Vec<Choice>| {
                all.iter().copied().filter(|choice| hash(choice.0) >> (64 - PARTS_BITS) == *part).collect::<Vec<_>>()
            };
            let eight = chosen.iter().flat_map(|(eight, _)| inside(eight)).collect();
            let four = chosen.iter().flat_map(|(_, four)| inside(four)).collect();
            (Part::new(eight, literals), Part::new(four, literals))
        });
        let (eight, four): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut entries = Vec::new();
        let (eight, four) = (
            Index::new(eight, &mut entries, grams::place_of_eight),
            Index::new(four, &mut entries, |gram| grams::place_of_four(gram as u32)),
        );
        Self { literals: literals.clone(), entries, eight, four }
    }

    fn find(&self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        let filters = Filters { eight: &self.eight.filter, four: &self.four.filter };
        let mut all = [Marks::default(); BLOCKS_AT_ONCE];
        for at in (0..haystack.len()).step_by(64 * BLOCKS_AT_ONCE) {
            let blocks = (haystack.len() - at).div_ceil(64).min(BLOCKS_AT_ONCE);
            let all = &mut all[..blocks];
            tamiz_simd::grams(haystack, at, filters, all);
            for (marks, at) in all.iter().zip((at..).step_by(64)) {
                if marks.eight | marks.four != 0 {
                    self.confirm(haystack, at, *marks, on_hit);
                }
            }
        }
    }

    /// Reports the literals that chose the bytes at the marked positions from `at` on.
    #[inline(never)]
    fn confirm(&self, haystack: &[u8], at: usize, mut marks: Marks, on_hit: &mut dyn FnMut(Hit)) {
        while marks.eight != 0 {
            let at = at + marks.eight.trailing_zeros() as usize;
            self.eight.confirm(self, haystack, at, load(&haystack[at..]), on_hit);
            marks.eight &= marks.eight - 1;
        }
        while marks.four != 0 {
            let at = at + marks.four.trailing_zeros() as usize;
            self.four.confirm(self, haystack, at, load(&haystack[at..]) & 0xffff_ffff, on_hit);
            marks.four &= marks.four - 1;
        }
    }
}

/// Chooses a gram of `len` bytes for each distance from a multiple of `stride`: the rarest, by its rarest four bytes.
fn choose(literal: &[u8], len: usize, stride: usize, chosen: &mut dyn FnMut(u64, u32)) {
    let commonness: Vec<u8> = literal.windows(4).map(rarity::four).collect();
    for residue in 0..stride {
        let offsets = (residue..(literal.len() + 1).saturating_sub(len)).step_by(stride);
        if let Some(offset) = offsets.min_by_key(|offset| commonness[*offset..offset + len - 3].iter().min().copied()) {
            chosen(load(&literal[offset..offset + len]), offset as u32);
        }
    }
}

/// Some of the choices in groups; places in it are counted from its own start.
#[derive(Default)]
struct Part {
    entries: Vec<Entry>,
    groups: Vec<Group>,
    slots: Vec<Slot>,
}

impl Part {
    fn new(mut choices: Vec<Choice>, literals: &LiteralSet) -> Self {
        choices.sort_unstable_by(|a, b| {
            (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| literals.get(a.2).cmp(literals.get(b.2)))
        });
        let mut part = Self::default();
        for of_slot in choices.chunk_by(|a, b| a.0 == b.0) {
            let first = part.groups.len() as u32;
            for alike in of_slot.chunk_by(|a, b| a.1 == b.1) {
                let start = part.entries.len() as u32;
                let of_group: Vec<&[u8]> = alike.iter().map(|choice| literals.get(choice.2)).collect();
                let entries = alike.iter().zip(&of_group).zip(prefixes(&of_group));
                part.entries.extend(entries.map(|((choice, literal), begins_with)| Entry {
                    start: load(literal).swap_bytes(),
                    literal: choice.2,
                    len: literal.len() as u32,
                    begins_with,
                }));
                part.groups.push(Group::new(&of_group, start, alike[0].1));
            }
            part.slots.push(Slot { gram: of_slot[0].0, first, count: part.groups.len() as u32 - first });
        }
        part
    }
}

impl Index {
    fn new(parts: Vec<Part>, entries: &mut Vec<Entry>, place: fn(u64) -> (usize, u32)) -> Self {
        let grams: usize = parts.iter().map(|part| part.slots.len()).sum();
        let mut filter = Box::new([0; FILTER_WORDS]);
        let slot_bits = (2 * grams).next_power_of_two().trailing_zeros().max(1);
        let mut slots = vec![Slot::default(); 1 << slot_bits].into_boxed_slice();
        let mut groups: Vec<Group> = Vec::new();
        for part in parts {
            let (entry, group) = (entries.len() as u32, groups.len() as u32);
            entries.extend(part.entries);
            groups.extend(part.groups.into_iter().map(|mut new| {
                new.first += entry;
                new.end += entry;
                new
            }));
            for new in part.slots {
                let (word, bits) = place(new.gram);
                filter[word] |= bits;
                let mut slot = (hash(new.gram) >> (64 - slot_bits)) as usize;
                while slots[slot].count > 0 {
                    slot = (slot + 1) & (slots.len() - 1);
                }
                slots[slot] = Slot { first: new.first + group, ..new };
            }
        }
        Self { filter, slots, slot_bits, groups }
    }

    /// Reports the literals that chose `gram`, which stands at `at`.
    fn confirm(&self, tables: &Tables, haystack: &[u8], at: usize, gram: u64, on_hit: &mut dyn FnMut(Hit)) {
        let mut slot = (hash(gram) >> (64 - self.slot_bits)) as usize;
        loop {
            let Slot { gram: known, first, count } = self.slots[slot];
            if count == 0 {
                return;
            }
            if known == gram {
                let groups = &self.groups[first as usize..(first + count) as usize];
                return groups.iter().for_each(|group| group.confirm(tables, haystack, at, on_hit));
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

/// For each of some sorted texts one more than the index of the longest other one that it begins with, or 0.
fn prefixes(texts: &[&[u8]]) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        // What a text begins with stands before it, and is the one before or what that one begins with.
        let mut candidate = index as u32;
        while candidate > 0 && !text.starts_with(texts[candidate as usize - 1]) {
            candidate = found[candidate as usize - 1];
        }
        found.push(candidate);
    }
    found
}

impl Group {
    fn new(literals: &[&[u8]], first: u32, offset: u32) -> Self {
        let at = |probe: i32| {
            let from = offset as i32 + probe;
            let byte =
                |literal: &[u8], index: i32| usize::try_from(from + index).ok().and_then(|at| literal.get(at).copied());
            let (mut key, mut mask) = (0_u64, 0_u64);
            for index in 0..8 {
                let of_first = byte(literals[0], index);
                if let Some(common) =
                    of_first.filter(|_| literals.iter().all(|literal| byte(literal, index) == of_first))
                {
                    key |= u64::from(common) << (8 * index);
                    mask |= 0xff << (8 * index);
                }
            }
            (mask.count_ones(), probe, key, mask)
        };
        // The gram itself is known already: what stands before it or after it tells more.
        let (_, probe, key, mask) = [0, -8, 4, 8].into_iter().map(at).max().unwrap_or((0, 0, 0, 0));
        Self { offset, first, end: first + literals.len() as u32, probe, key, mask }
    }

    /// Reports the literals that stand at `at - offset`.
    #[inline]
    fn confirm(&self, tables: &Tables, haystack: &[u8], at: usize, on_hit: &mut dyn FnMut(Hit)) {
        let probe = at.wrapping_add_signed(self.probe as isize);
        if let Some(bytes) = haystack.get(probe..).and_then(<[u8]>::first_chunk::<8>)
            && u64::from_le_bytes(*bytes) & self.mask != self.key
        {
            return;
        }
        self.compare(tables, haystack, at, on_hit);
    }

    #[inline(never)]
    fn compare(&self, tables: &Tables, haystack: &[u8], at: usize, on_hit: &mut dyn FnMut(Hit)) {
        let Some(start) = at.checked_sub(self.offset as usize) else { return };
        let text = &haystack[start..];
        let first = load(text).swap_bytes();
        let entries = &tables.entries[self.first as usize..self.end as usize];
        let mut report = |entry: &Entry| {
            if entry.begins(tables, text, first) {
                on_hit(Hit { literal: entry.literal, start, end: start + entry.len as usize });
            }
        };
        if let [entry] = entries {
            return report(entry);
        }
        // Those that the text begins with stand before it in order; the last of these begins with all others. Only those that start
        // alike need more than a look at their first eight bytes.
        let low = entries.partition_point(|entry| entry.start < first);
        let alike = entries[low..].iter().take_while(|entry| entry.start == first).count();
        let alike = &entries[low..low + alike];
        let mut place = low + alike.partition_point(|entry| tables.literals.get(entry.literal) <= text);
        while let Some(entry) = place.checked_sub(1).map(|last| &entries[last]) {
            report(entry);
            place = entry.begins_with as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matching::AhoCorasickMatcher;

    fn hits(backend: &dyn Backend, literals: &LiteralSet, text: &[u8]) -> Vec<(usize, usize, LiteralId)> {
        let mut hits = Vec::new();
        let matcher = backend.build(literals).expect("literals of four bytes and more");
        matcher.searcher().find(text, &mut |hit| hits.push((hit.start, hit.end, hit.literal)));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn finds_what_aho_corasick_finds(
            literals in proptest::collection::btree_set("[ab_{@\u{e9}\0]{4,14}", 1..40),
            text in "[ab_{@\\[\u{e9} \0]{0,200}",
        ) {
            let mut set = LiteralSet::default();
            literals.iter().for_each(|literal| { set.push(literal.as_bytes()); });
            prop_assert_eq!(
                hits(&GramMatcher, &set, text.as_bytes()),
                hits(&AhoCorasickMatcher, &set, text.as_bytes())
            );
        }

        #[test]
        fn finds_literals_planted_anywhere(
            literals in proptest::collection::btree_set("[a-z ]{4,30}", 1..60),
            pad in "[a-z ]{0,40}",
        ) {
            let mut set = LiteralSet::default();
            literals.iter().for_each(|literal| { set.push(literal.as_bytes()); });
            let text: String = literals.iter().flat_map(|literal| [literal.as_str(), pad.as_str()]).collect();
            prop_assert_eq!(
                hits(&GramMatcher, &set, text.as_bytes()),
                hits(&AhoCorasickMatcher, &set, text.as_bytes())
            );
        }
    }
}
