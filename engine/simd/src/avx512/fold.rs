//! Folding of plain text in AVX-512: blocks of 64 bytes; the rest, if any, through a mask.
//!
//! Whole blocks go without one, since what is read right after a store through a mask has to wait for it.

use std::arch::x86_64::*;

use super::{all, first, within};

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> usize {
    let len = text.len();
    out.reserve(len);
    let (from, to) = (text.as_ptr(), out.spare_capacity_mut().as_mut_ptr());
    let mut after_space = after_space;
    let mut at = 0;
    while at < len {
        // What is read and what is written do not overlap, since one is borrowed and the other borrowed mutably.
        let (folded, there) = if len - at >= 64 {
            // SAFETY: 64 bytes from `at` on are within `text`, and within what was reserved; neither access needs alignment.
            let folded = unsafe {
                let folded = Folded::new(_mm512_loadu_si512(from.add(at).cast()));
                _mm512_storeu_si512(to.add(at).cast(), folded.bytes);
                folded
            };
            (folded, !0)
        } else {
            let there = first(len - at);
            // SAFETY: only bytes of the mask are read and written, which are before `len`: within `text`, and within what was reserved.
            let folded = unsafe {
                let folded = Folded::new(_mm512_maskz_loadu_epi8(there, from.add(at).cast()));
                _mm512_mask_storeu_epi8(to.add(at).cast(), there, folded.bytes);
                folded
            };
            (folded, there)
        };
        let stops = (folded.bad | folded.white & (folded.white << 1 | u64::from(after_space))) & there;
        if stops != 0 {
            at += stops.trailing_zeros() as usize;
            break;
        }
        after_space = folded.white >> 63 != 0;
        at += 64;
    }
    let done = at.min(len);
    // SAFETY: the first `done` bytes of the spare capacity are written: every block up to there was, and `done` is at most `len`,
    // which fits there.
    unsafe { out.set_len(out.len() + done) };
    done
}

/// 64 bytes folded as if all were plain, and which are not and which are white space.
struct Folded {
    bytes: __m512i,
    bad: u64,
    white: u64,
}

impl Folded {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(bytes: __m512i) -> Folded {
        let space = all(b' ');
        let white = _mm512_cmpeq_epi8_mask(bytes, space) | within(bytes, b'\t', b'\r');
        let plain = white | within(bytes, b' ', b'~');
        // All below a space become one (of these, only white space is kept), and capitals get the bit that makes them small.
        let spaced = _mm512_max_epu8(bytes, space);
        let folded = _mm512_mask_add_epi8(spaced, within(bytes, b'A', b'Z'), spaced, space);
        Folded { bytes: folded, bad: !plain, white }
    }
}
