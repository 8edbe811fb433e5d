//! Byte kernels: what the engine does to every byte of every text, a vector at a time where the processor can.
//!
//! Each kernel is written twice. The twin in [`scalar`] has no unsafe code, runs everywhere and says what is right; the one
//! in [`avx2`] gives the same results faster. The functions here choose between them by what the processor has, which
//! `std` finds out once.

#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(target_arch = "x86_64")]
pub mod avx2;
mod runs;
pub mod scalar;
mod shape;
mod signs;

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
    match avx2::fold_plain(text, after_space, out) {
        Some(len) => len,
        None => scalar::fold_plain(text, after_space, out),
    }
}

/// Says in one pass which of the [`Signs`] are in `text`, where its long runs of token characters and its digits stand, and which of its
/// blocks of 64 bytes look odd (see [`Shape`]).
///
/// `survey` is cleared first; its memory is used again. Positions are exact in texts of up to 4 GiB.
#[inline]
pub fn survey(text: &[u8], survey: &mut Survey) {
    if avx2::survey(text, survey).is_none() {
        scalar::survey(text, survey);
    }
}

/// Which twins [`fold_plain`] and [`survey()`] use here: `"avx2"` or `"scalar"`.
pub fn level() -> &'static str {
    if avx2::available() { "avx2" } else { "scalar" }
}

/// Stands in for the kernels in AVX2 where there is no x86: always `None`.
#[cfg(not(target_arch = "x86_64"))]
pub mod avx2 {
    use crate::Survey;

    /// Whether the processor has what these kernels need: it does not.
    #[inline]
    pub fn available() -> bool {
        false
    }

    /// [`crate::fold_plain`], or `None` and nothing done: always that.
    #[inline]
    pub fn fold_plain(_: &[u8], _: bool, _: &mut Vec<u8>) -> Option<usize> {
        None
    }

    /// [`crate::survey()`], or `None` and nothing done: always that.
    #[inline]
    pub fn survey(_: &[u8], _: &mut Survey) -> Option<()> {
        None
    }
}
