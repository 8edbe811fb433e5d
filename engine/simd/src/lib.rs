//! Byte kernels: what the engine does to every byte of every text, a vector at a time where the processor can.
//!
//! The twin of a kernel in [`scalar`] has no unsafe code, runs everywhere and says what is right; those in [`avx2`] and [`avx512`]
//! give the same results faster. The functions here choose between them by what the processor has, which
//! `std` finds out once.

#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(not(target_arch = "x86_64"))]
mod absent;
#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod grams;
mod runs;
pub mod scalar;
mod shape;
mod signs;

use grams::{Filters, Marks};
pub use shape::{Odd, Shape};
pub use signs::{Range32, Signs, Survey};

/// A run of token characters, `[A-Za-z0-9+/_-]`, is listed by [`survey()`] if it has at least this many.
pub const TOKEN_LEN: usize = 16;

/// Appends the folded form of the longest plain prefix of `text` to `out`, one byte for each, and returns its length.
///
/// Plain are printable ASCII (`A-Z` become `a-z`) and white space (space, `\t`, `\n`, `\x0b`, `\x0c`, `\r`, each written as
/// a space) unless it follows white space. So the prefix ends before any byte from 0x80 on, any other control, and the
/// second of two white-space bytes. `after_space` says whether the text before `text` ended in white space.
///
/// `out` gets room for all of `text` at once; what is in that room past the new length is unspecified.
#[inline]
pub fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> usize {
    avx512::fold_plain(text, after_space, out)
        .or_else(|| avx2::fold_plain(text, after_space, out))
        .unwrap_or_else(|| scalar::fold_plain(text, after_space, out))
}

/// Says in one pass which of the [`Signs`] are in `text`, where its long runs of token characters and its digits stand, and which of its
/// blocks of 64 bytes look odd (see [`Shape`]).
///
/// `survey` is cleared first; its memory is used again. Positions are exact in texts of up to 4 GiB.
#[inline]
pub fn survey(text: &[u8], survey: &mut Survey) {
    avx512::survey(text, survey).or_else(|| avx2::survey(text, survey)).unwrap_or_else(|| scalar::survey(text, survey));
}

/// Stands in for the kernels in AVX2.
#[cfg(not(target_arch = "x86_64"))]
pub mod avx2 {
    pub use crate::absent::*;
}

/// Stands in for the kernels in AVX-512.
#[cfg(not(target_arch = "x86_64"))]
pub mod avx512 {
    pub use crate::absent::*;
}

/// Says which grams of `text` may be in the filters: a [`Marks`] for each 64 bytes from `at` on. What is after the end reads as
/// zero, and no position there is marked.
///
/// There is no twin in AVX2.
#[inline]
pub fn grams(text: &[u8], at: usize, filters: Filters<'_>, marks: &mut [Marks]) {
    avx512::grams(text, at, filters, marks).unwrap_or_else(|| scalar::grams(text, at, filters, marks));
}

/// Which twins the kernels use here: `"avx512"`, `"avx2"` or `"scalar"`.
pub fn level() -> &'static str {
    if avx512::available() {
        "avx512"
    } else if avx2::available() {
        "avx2"
    } else {
        "scalar"
    }
}
