//! The kernels for processors with AVX-512, 64 bytes a turn. Safe to call anywhere: `None` where the processor lacks it.
//!
//! A comparison gives a mask of 64 bits at once, and loads and stores take a mask, so that the end of a text is a turn like any
//! other. All want byte permutations (VBMI, from Ice Lake and Zen 4 on): what has AVX-512 without them has slow wide vectors, and takes AVX2.

mod fold;
mod grams;
mod survey;

use std::arch::x86_64::*;
use std::is_x86_feature_detected;

use crate::Survey;
use crate::grams::{Filters, Marks};

/// Whether the processor has what all kernels need: the parts of AVX-512 for bytes, words and byte permutations, and the bit operations that
/// have come with them in every one so far.
#[inline]
pub fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// [`crate::fold_plain`], or `None` and nothing done.
#[inline]
pub fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> Option<usize> {
    // Only what it needs, and what keeps it from processors that slow down for wide vectors: it is called for every few words.
    let has = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi");
    if !has {
        return None;
    }
    // SAFETY: the processor has the features that the function is compiled for.
    Some(unsafe { fold::fold_plain(text, after_space, out) })
}

/// [`crate::survey()`], or `None` and nothing done.
#[inline]
pub fn survey(text: &[u8], survey: &mut Survey) -> Option<()> {
    if !available() {
        return None;
    }
    // SAFETY: the processor has the features that the function is compiled for.
    unsafe { survey::survey(text, survey) };
    Some(())
}

/// [`crate::grams()`], or `None` and nothing done.
#[inline]
pub fn grams(text: &[u8], at: usize, filters: Filters<'_>, marks: &mut [Marks]) -> Option<()> {
    if !available() {
        return None;
    }
    // SAFETY: the processor has the features that the function is compiled for.
    unsafe { grams::grams(text, at, filters, marks) };
    Some(())
}

/// Which bytes are from `first` to `last`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn within(bytes: __m512i, first: u8, last: u8) -> u64 {
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, all(first)), all(last - first))
}

/// `byte`, 64 times.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn all(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

/// A mask of the first `len` bytes; all for 64 and more.
#[inline]
fn first(len: usize) -> u64 {
    if len < 64 { (1 << len) - 1 } else { !0 }
}
