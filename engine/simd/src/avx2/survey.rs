//! The survey in AVX2.
//!
//! A class of ASCII characters is 16 bytes: for each low nibble, which high nibbles go with it. One shuffle looks the low
//! nibble up, another (the same for all classes) makes a bit of the high nibble, and the two have a bit in common if the byte
//! is in the class. Which bit that is says the high nibble, so one class can hold several signs apart if no two have the same.

use std::arch::x86_64::*;

use super::{all, mask, mask64, within};
use crate::runs::{Masks, Runs};
use crate::{Signs, Survey};

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn survey(text: &[u8], survey: &mut Survey) {
    survey.clear();
    let mut seen = Seen { first: all(0), second: all(0), least: all(0) };
    let mut runs = Runs::default();
    let (blocks, rest) = text.as_chunks::<64>();
    let mut at = 0;
    for block in blocks {
        let masks = seen.look(block);
        runs.step(masks, at, text, survey);
        at += 64;
    }
    if !rest.is_empty() {
        // The last 64 bytes once more, or all there is with separators after it: neither adds anything.
        let masks = match text.last_chunk::<64>() {
            Some(block) => seen.look(block).skip(64 - rest.len()),
            None => {
                let mut block = [0xff; 64];
                block[..rest.len()].copy_from_slice(rest);
                seen.look(&block)
            }
        };
        runs.step(masks, at, text, survey);
    }
    runs.finish(text, survey);
    survey.signs = seen.signs();
}

/// The signs so far, still in vectors.
struct Seen {
    /// Bits of the high nibbles of what was in `FIRST`.
    first: __m256i,
    /// Bits of the high nibbles of what was in `SECOND`.
    second: __m256i,
    /// The least byte so far as a signed number: 0xff is -1, all else that is not ASCII is less.
    least: __m256i,
}

impl Seen {
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn look(&mut self, block: &[u8; 64]) -> Masks {
        let from = block.as_ptr();
        // SAFETY: both loads are within the 64 bytes of `block`, and need no alignment.
        let (low, high) = unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())) };
        let (low, high) = (self.look_half(low), self.look_half(high));
        Masks {
            token: !mask64(low.not_token, high.not_token),
            digit: mask64(low.digit, high.digit),
            emphasis: !mask64(low.not_emphasis, high.not_emphasis),
            letter: mask64(low.letter, high.letter),
            upper: mask64(low.upper, high.upper),
            white: !mask64(low.not_white, high.not_white),
            rare: !mask64(low.not_rare, high.not_rare),
            mark: mask64(low.graphic, high.graphic) & !mask64(low.letter, high.letter),
            h: mask64(low.h, high.h),
            t: mask64(low.t, high.t),
            e: mask64(low.e, high.e),
            n: mask64(low.n, high.n),
            d: mask64(low.d, high.d),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn look_half(&mut self, bytes: __m256i) -> Half {
        let nibbles = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), all(0x0f));
        let bits = _mm256_shuffle_epi8(table(&BITS), nibbles);
        // A shuffle gives 0 for bytes from 0x80 on, so none of these is in any class.
        let first = _mm256_and_si256(_mm256_shuffle_epi8(table(&FIRST), bytes), bits);
        let second = _mm256_and_si256(_mm256_shuffle_epi8(table(&SECOND), bytes), bits);
        let token = _mm256_and_si256(_mm256_shuffle_epi8(table(&TOKEN), bytes), bits);
        let white = _mm256_and_si256(_mm256_shuffle_epi8(table(&WHITE), bytes), bits);
        let rare = _mm256_and_si256(_mm256_shuffle_epi8(table(&RARE), bytes), bits);
        let emphasis = _mm256_and_si256(_mm256_shuffle_epi8(table(&EMPHASIS), bytes), bits);
        let small = _mm256_or_si256(bytes, all(0x20));
        self.first = _mm256_or_si256(self.first, first);
        self.second = _mm256_or_si256(self.second, second);
        self.least = _mm256_min_epi8(self.least, bytes);
        Half {
            not_token: _mm256_cmpeq_epi8(token, all(0)),
            digit: within(bytes, b'0', b'9'),
            not_emphasis: _mm256_cmpeq_epi8(emphasis, all(0)),
            letter: within(small, b'a', b'z'),
            upper: within(bytes, b'A', b'Z'),
            not_white: _mm256_cmpeq_epi8(white, all(0)),
            not_rare: _mm256_cmpeq_epi8(rare, all(0)),
            graphic: within(bytes, b'!', b'~'),
            h: _mm256_cmpeq_epi8(small, all(b'h')),
            t: _mm256_cmpeq_epi8(small, all(b't')),
            e: _mm256_cmpeq_epi8(small, all(b'e')),
            n: _mm256_cmpeq_epi8(small, all(b'n')),
            d: _mm256_cmpeq_epi8(small, all(b'd')),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn signs(&self) -> Signs {
        // In `FIRST`, the bit of each sign is that of its high nibble: see `Signs`.
        let mut signs = Signs::from_bits(u16::from(any_lane(self.first)));
        let second = any_lane(self.second);
        if second & (1 << (b'&' >> 4)) != 0 {
            signs |= Signs::AMPERSAND;
        }
        if second & !(1 << (b'&' >> 4)) != 0 {
            signs |= Signs::CONTROL;
        }
        if mask(_mm256_cmpgt_epi8(all(0xff), self.least)) != 0 {
            signs |= Signs::NON_ASCII;
        }
        signs
    }
}

struct Half {
    not_token: __m256i,
    digit: __m256i,
    not_emphasis: __m256i,
    letter: __m256i,
    upper: __m256i,
    not_white: __m256i,
    not_rare: __m256i,
    graphic: __m256i,
    h: __m256i,
    t: __m256i,
    e: __m256i,
    n: __m256i,
    d: __m256i,
}

/// Signs that differ in their high nibbles, and the controls of the first 16 characters.
const FIRST: [u8; 16] = class(b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x1b%=@\\{");
/// The others: `&`, and the rest of the controls.
const SECOND: [u8; 16] = class(b"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1c\x1d\x1e\x1f&\x7f");
const TOKEN: [u8; 16] = class(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-");
const EMPHASIS: [u8; 16] = class(b"*_~`");
const WHITE: [u8; 16] = class(b"\t\n\x0b\x0c\r ");
const RARE: [u8; 16] = class(b"bgjkpqvwxyzBGJKPQVWXYZ");
/// For each high nibble its bit; none from 8 on.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

/// For each low nibble, bits of the high nibbles that go with it.
const fn class(members: &[u8]) -> [u8; 16] {
    let mut table = [0; 16];
    let mut at = 0;
    while at < members.len() {
        table[(members[at] & 0x0f) as usize] |= 1 << (members[at] >> 4);
        at += 1;
    }
    table
}

/// A table to shuffle from: once in each half of the vector.
#[inline]
#[target_feature(enable = "avx2")]
fn table(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: the load is of the 16 bytes of `bytes`, and needs no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// All 32 bytes, one or the other.
#[inline]
#[target_feature(enable = "avx2")]
fn any_lane(bytes: __m256i) -> u8 {
    let half = _mm_or_si128(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
    let quarter = _mm_or_si128(half, _mm_srli_si128::<8>(half));
    let lanes = _mm_cvtsi128_si64(quarter).cast_unsigned().to_le_bytes();
    lanes.iter().fold(0, |any, lane| any | lane)
}
