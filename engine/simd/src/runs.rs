//! Long runs, found in masks of 64 bytes at a time: bit `i` of a mask says whether byte `i` of the block is of the sort.
//!
//! A text without long runs costs a few operations per block. What is open at the end of a block is
//! carried on as a length, so no byte is looked at twice. The masks of digits, of emphasis and of white space are kept as they are.

use crate::shape::{Odd, Shape};
use crate::{Range32, Survey, TOKEN_LEN};

/// What one block has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Masks {
    /// Token characters: `[A-Za-z0-9+/_-]`.
    pub(crate) token: u64,
    /// `[0-9]`
    pub(crate) digit: u64,
    /// `[*_~]` and the grave accent.
    pub(crate) emphasis: u64,
    /// `[A-Za-z]`
    pub(crate) letter: u64,
    /// `[A-Z]`
    pub(crate) upper: u64,
    /// White space.
    pub(crate) white: u64,
    /// `[bgjkpqvwxyz]`, of either case.
    pub(crate) rare: u64,
    /// What is printed and no letter.
    pub(crate) mark: u64,
    /// Single letters, of either case.
    pub(crate) h: u64,
    pub(crate) t: u64,
    pub(crate) e: u64,
    pub(crate) n: u64,
    pub(crate) d: u64,
}

#[cfg(target_arch = "x86_64")]
impl Masks {
    /// Without the first `count` bytes (fewer than 64); the others move to the front, and nothing follows them.
    #[inline(always)]
    pub(crate) fn skip(self, count: usize) -> Masks {
        Masks {
            token: self.token >> count,
            digit: self.digit >> count,
            emphasis: self.emphasis >> count,
            letter: self.letter >> count,
            upper: self.upper >> count,
            white: self.white >> count,
            rare: self.rare >> count,
            mark: self.mark >> count,
            h: self.h >> count,
            t: self.t >> count,
            e: self.e >> count,
            n: self.n >> count,
            d: self.d >> count,
        }
    }
}

/// What the next block goes on from.
#[derive(Default)]
pub(crate) struct Runs {
    /// How long the run of token characters is that is open.
    token: usize,
}

impl Runs {
    /// Takes the block that begins at `at`, and lists the runs that have ended in it and the digits that are close together.
    #[inline(always)]
    pub(crate) fn step(&mut self, masks: Masks, at: usize, text: &[u8], survey: &mut Survey) {
        self.step_tokens(masks.token, at, survey);
        survey.digits.push(masks.digit);
        survey.emphasis.push(masks.emphasis);
        survey.white.push(masks.white);
        let Masks { white, t, h, e, .. } = masks;
        let end = white >> 6 | white >> 7 | white >> 8;
        let the = white << 1 & t & h >> 1 & e >> 2 & white >> 3 & !(white >> 4 | white >> 5) & end;
        if the != 0 {
            list_the(the, at, &mut survey.the);
        }
        let shape = Shape::of(&masks);
        if shape != Shape::NONE {
            list_odd(shape, at, text.len(), &mut survey.odd);
        }
    }

    #[inline(always)]
    fn step_tokens(&mut self, token: u64, at: usize, survey: &mut Survey) {
        let long = starts_of_16(token);
        if (long != 0) | (self.token + leading(token) >= TOKEN_LEN) {
            list_tokens(token, long, self.token, at, &mut survey.tokens);
        }
        self.token = open(self.token, token);
    }

    /// Lists what is open where the text ends.
    pub(crate) fn finish(mut self, text: &[u8], survey: &mut Survey) {
        self.step_tokens(0, text.len(), survey);
    }
}

// Both take plain numbers, not the structs: what is lent would have to be in memory in every turn of the loop.

#[cold]
#[inline(never)]
fn list_the(mut places: u64, at: usize, the: &mut Vec<u32>) {
    while places != 0 {
        the.push(u32::try_from(at + places.trailing_zeros() as usize).unwrap_or(u32::MAX));
        places &= places - 1;
    }
}

#[cold]
#[inline(never)]
fn list_odd(shape: Shape, at: usize, end: usize, odd: &mut Vec<Odd>) {
    odd.push(Odd { block: Range32::new(at, end.min(at + 64)), shape });
}

/// `before` is how much of the run that the block begins with came before it; `long`, where runs in the block may begin.
#[cold]
#[inline(never)]
fn list_tokens(mask: u64, long: u64, before: usize, at: usize, tokens: &mut Vec<Range32>) {
    let lead = leading(mask);
    if lead < 64 && before + lead >= TOKEN_LEN {
        tokens.push(Range32::new(at - before, at + lead));
    }
    let mut starts = long & from(lead);
    while starts != 0 {
        let start = starts.trailing_zeros() as usize;
        let end = start + leading(mask >> start);
        // It may go on in the next block.
        if end == 64 {
            break;
        }
        tokens.push(Range32::new(at + start, at + end));
        starts &= from(end);
    }
}

/// Where 16 set bits in a row begin. `TOKEN_LEN` is in the shifts.
#[inline(always)]
fn starts_of_16(mask: u64) -> u64 {
    const { assert!(TOKEN_LEN == 16) };
    let pairs = mask & (mask >> 1);
    let fours = pairs & (pairs >> 2);
    let eights = fours & (fours >> 4);
    eights & (eights >> 8)
}

/// How many set bits a block begins with.
#[inline(always)]
fn leading(mask: u64) -> usize {
    mask.trailing_ones() as usize
}

/// How long the run is that is open after a block, if it was `before` long where the block began.
#[inline(always)]
fn open(before: usize, mask: u64) -> usize {
    let last = mask.leading_ones() as usize;
    if last == 64 { before + 64 } else { last }
}

/// All bits from `at` on; `at` may be 64.
#[inline(always)]
fn from(at: usize) -> u64 {
    if at < 64 { !0 << at } else { 0 }
}
