//! The kernels for processors with AVX2, 64 bytes a turn. Safe to call anywhere: `None` where the processor lacks it.

mod fold;
mod survey;

use std::arch::x86_64::*;
use std::is_x86_feature_detected;

use crate::Survey;

/// Whether the processor has what both kernels need: AVX2, and the bit operations that have come with it in every one so far.
#[inline]
pub fn available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// [`crate::fold_plain`], or `None` and nothing done.
#[inline]
pub fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> Option<usize> {
    // Only what it needs: it is called for every few words, and the other questions would be a fifth of a short call.
    if !is_x86_feature_detected!("avx2") {
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

/// Which bytes are from `first` to `last`, both below 0x80. Moves the range to the top of the signed numbers, where one
/// comparison finds it; bytes from 0x80 on land below.
#[inline]
#[target_feature(enable = "avx2")]
fn within(bytes: __m256i, first: u8, last: u8) -> __m256i {
    let moved = _mm256_add_epi8(bytes, all(0x7f - last));
    _mm256_cmpgt_epi8(moved, all(0x7f - (last - first) - 1))
}

/// `byte`, 32 times.
#[inline]
#[target_feature(enable = "avx2")]
fn all(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}

/// The top bits of 32 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn mask(bytes: __m256i) -> u32 {
    _mm256_movemask_epi8(bytes).cast_unsigned()
}

/// The masks of two halves of a block as one.
#[inline]
#[target_feature(enable = "avx2")]
fn mask64(low: __m256i, high: __m256i) -> u64 {
    u64::from(mask(low)) | u64::from(mask(high)) << 32
}
