//! Folding of plain text in AVX2.
//!
//! Every length from 8 is done with whole words or vectors, of which the last overlaps the one before: what is written twice
//! is the same both times. All stores are within the length of the text, for which there is room, so that a stop in the
//! middle of a block needs no other way of writing what is before it.

use std::arch::x86_64::*;

use super::{all, mask, within};
use crate::scalar;

#[target_feature(enable = "avx2")]
pub(super) fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> usize {
    let len = text.len();
    if len < 8 {
        return scalar::fold_plain(text, after_space, out);
    }
    out.reserve(len);
    let copy = Copy { from: text.as_ptr(), to: out.spare_capacity_mut().as_mut_ptr().cast() };
    // SAFETY: `text` can be read and the spare capacity written for `len` bytes; they do not overlap, since one is borrowed
    // and the other borrowed mutably; and each call has the length it asks for.
    let done = unsafe {
        match len {
            64.. => copy.long(len, after_space),
            32..64 => copy.two_of_32(0, len - 32).first(len, after_space),
            16..32 => copy.two_of_16(len).first(len, after_space),
            _ => copy.two_of_8(len).first(len, after_space),
        }
    };
    // SAFETY: the first `done` bytes of the spare capacity are written, and `done` is at most `len`, which fits there.
    unsafe { out.set_len(out.len() + done) };
    done
}

/// Which of 64 bytes are never plain, and which are white space.
struct Found {
    bad: u64,
    white: u64,
}

impl Found {
    /// From the masks of two parts of the text of which the second begins `apart` bytes after the first.
    #[inline]
    fn join(bad: [u32; 2], white: [u32; 2], apart: usize) -> Found {
        let join = |[first, second]: [u32; 2]| u64::from(first) | u64::from(second) << apart;
        Found { bad: join(bad), white: join(white) }
    }

    /// Before which bytes the plain text ends.
    #[inline]
    fn stops(&self, after_space: bool) -> u64 {
        self.bad | (self.white & (self.white << 1 | u64::from(after_space)))
    }

    /// How many of `len` bytes, at most 64, come before the first stop.
    #[inline]
    fn first(&self, len: usize, after_space: bool) -> usize {
        len.min(self.stops(after_space).trailing_zeros() as usize)
    }
}

/// Where to read and where to write. Each method folds some bytes and writes all of them, plain or not.
struct Copy {
    from: *const u8,
    to: *mut u8,
}

impl Copy {
    /// Folds block by block up to the first stop, and returns where that is.
    ///
    /// # Safety
    ///
    /// `from` can be read and `to` written for `len` bytes, at least 64.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn long(&self, len: usize, after_space: bool) -> usize {
        let mut after_space = after_space;
        let mut at = 0;
        while len - at >= 64 {
            // SAFETY: `at + 64 <= len`.
            let found = unsafe { self.two_of_32(at, at + 32) };
            let stops = found.stops(after_space);
            if stops != 0 {
                return at + stops.trailing_zeros() as usize;
            }
            after_space = found.white >> 63 != 0;
            at += 64;
        }
        if at == len {
            return len;
        }
        // SAFETY: `len >= 64`.
        let found = unsafe { self.two_of_32(len - 64, len - 32) };
        // What is before `at` is done and goes; so the byte before these 64 does not matter, as that is about the first.
        let stops = found.stops(false) >> (at + 64 - len);
        if stops == 0 { len } else { at + stops.trailing_zeros() as usize }
    }

    /// Folds the 32 bytes at `first` and those at `second`, at most 32 further on.
    ///
    /// # Safety
    ///
    /// `from` can be read and `to` written for `second + 32` bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_of_32(&self, first: usize, second: usize) -> Found {
        // SAFETY: both loads and both stores end at `second + 32` or before, and need no alignment.
        unsafe {
            let low = Folded::new(_mm256_loadu_si256(self.from.add(first).cast()));
            let high = Folded::new(_mm256_loadu_si256(self.from.add(second).cast()));
            _mm256_storeu_si256(self.to.add(first).cast(), low.bytes);
            _mm256_storeu_si256(self.to.add(second).cast(), high.bytes);
            Found::join([mask(low.bad), mask(high.bad)], [mask(low.white), mask(high.white)], second - first)
        }
    }

    /// Folds the first 16 and the last 16 of `len` bytes.
    ///
    /// # Safety
    ///
    /// `from` can be read and `to` written for `len` bytes, from 16 to 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_of_16(&self, len: usize) -> Found {
        let last = len - 16;
        // SAFETY: both loads and both stores end at `len` or before, and need no alignment.
        unsafe {
            let (low, high) = (_mm_loadu_si128(self.from.cast()), _mm_loadu_si128(self.from.add(last).cast()));
            let folded = Folded::new(_mm256_set_m128i(high, low));
            _mm_storeu_si128(self.to.cast(), _mm256_castsi256_si128(folded.bytes));
            _mm_storeu_si128(self.to.add(last).cast(), _mm256_extracti128_si256::<1>(folded.bytes));
            let halves = |mask: u32| [mask & 0xffff, mask >> 16];
            Found::join(halves(mask(folded.bad)), halves(mask(folded.white)), last)
        }
    }

    /// Folds the first 8 and the last 8 of `len` bytes.
    ///
    /// # Safety
    ///
    /// `from` can be read and `to` written for `len` bytes, from 8 to 16.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_of_8(&self, len: usize) -> Found {
        let last = len - 8;
        // SAFETY: both loads and both stores end at `len` or before, and need no alignment.
        unsafe {
            let (low, high) = (_mm_loadl_epi64(self.from.cast()), _mm_loadl_epi64(self.from.add(last).cast()));
            let folded = Folded::new(_mm256_zextsi128_si256(_mm_unpacklo_epi64(low, high)));
            let bytes = _mm256_castsi256_si128(folded.bytes);
            _mm_storel_epi64(self.to.cast(), bytes);
            _mm_storel_epi64(self.to.add(last).cast(), _mm_unpackhi_epi64(bytes, bytes));
            let halves = |mask: u32| [mask & 0xff, mask >> 8 & 0xff];
            Found::join(halves(mask(folded.bad)), halves(mask(folded.white)), last)
        }
    }
}

/// 32 bytes folded as if all were plain, and which are not and which are white space.
struct Folded {
    bytes: __m256i,
    bad: __m256i,
    white: __m256i,
}

impl Folded {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new(bytes: __m256i) -> Folded {
        let space = all(b' ');
        // Signed, so bytes from 0x80 on are below all others, with the controls.
        let below = _mm256_cmpgt_epi8(all(b'!'), bytes);
        let white = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, space), within(bytes, b'\t', b'\r'));
        let bad = _mm256_or_si256(_mm256_andnot_si256(white, below), _mm256_cmpeq_epi8(bytes, all(0x7f)));
        // All below a space become one: of these, only white space is kept.
        let spaced = _mm256_max_epi8(bytes, space);
        let case = _mm256_and_si256(within(bytes, b'A', b'Z'), all(0x20));
        Folded { bytes: _mm256_or_si256(spaced, case), bad, white }
    }
}
