//! Filters of grams: which positions of a text have four or eight bytes that may be among many known ones.
//!
//! A filter is a bitmap, looked into by a hash. A gram that was put in is always found; one that was not may be, now and then.

/// Words of a filter: 128 KB, so that two of them stay in the second cache with the text.
pub const FILTER_WORDS: usize = 1 << 15;

/// A bitmap of grams.
pub type Filter = [u32; FILTER_WORDS];

/// Two filters, asked in one pass. For the shipped rules, one bit in six of that of eight bytes is set, and two are asked for; of that of
/// four, one in a hundred.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a> {
    /// Of eight bytes, at every fourth position.
    pub eight: &'a Filter,
    /// Of four bytes, at every position.
    pub four: &'a Filter,
}

/// The positions of 64 bytes of text whose grams may be known: the first byte has the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks {
    /// Of eight bytes; only every fourth bit can be set.
    pub eight: u64,
    /// Of four.
    pub four: u64,
}

/// A prime close to 2^64 divided by the golden ratio; its upper half does the same for 32 bits.
pub(crate) const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
pub(crate) const FACTOR_OF_FOUR: u32 = 0x9e37_79b1;

/// The hash of eight bytes, of which the upper bits are good.
#[inline(always)]
pub const fn hash(gram: u64) -> u64 {
    gram.wrapping_mul(FACTOR)
}

/// Word and bits that eight bytes set in their filter: two, for there are many such grams.
#[inline(always)]
pub const fn place_of_eight(gram: u64) -> (usize, u32) {
    let hash = hash(gram);
    ((hash >> 49) as usize, 1 << (hash >> 44 & 31) | 1 << (hash >> 39 & 31))
}

/// Word and bit that four bytes set in theirs.
#[inline(always)]
pub const fn place_of_four(gram: u32) -> (usize, u32) {
    let hash = gram.wrapping_mul(FACTOR_OF_FOUR);
    ((hash >> 17) as usize, 1 << (hash >> 12 & 31))
}
