//! Long runs, found in masks of 64 bytes at a time: bit `i` of a mask says whether byte `i` of the block is of the sort.
//!
//! A text without long runs costs a few operations per block. What is open at the end of a block is carried on as a length,
//! so no byte is looked at twice but those of long runs of digits, spaces and hyphens that go over the border of a block.

use crate::shape::{Odd, Shape};
use crate::{DIGIT_COUNT, Range32, Survey, TOKEN_LEN};

/// What one block has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Masks {
    /// Token characters: `[A-Za-z0-9+/_-]`.
    pub(crate) token: u64,
    /// `[0-9 -]`
    pub(crate) run: u64,
    /// `[0-9]`
    pub(crate) digit: u64,
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
            run: self.run >> count,
            digit: self.digit >> count,
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

/// How long the runs are that are open where the next block begins.
#[derive(Default)]
pub(crate) struct Runs {
    token: usize,
    run: usize,
}

impl Runs {
    /// Takes the block that begins at `at`, and lists the runs that have ended in it.
    #[inline(always)]
    pub(crate) fn step(&mut self, masks: Masks, at: usize, text: &[u8], survey: &mut Survey) {
        let long = starts_of_16(masks.token);
        if (long != 0) | (self.token + leading(masks.token) >= TOKEN_LEN) {
            list_tokens(masks.token, long, self.token, at, &mut survey.tokens);
        }
        // The first digit of a run that counts has 12 more characters of the run after it.
        let long = starts_of_13(masks.run) & masks.digit;
        if (long != 0) | (self.run + leading(masks.run) >= DIGIT_COUNT) {
            list_digits(masks.run, masks.digit, long, self.run, at, text, &mut survey.digits);
        }
        let shape = Shape::of(&masks);
        if shape != Shape::NONE {
            list_odd(shape, at, text.len(), &mut survey.odd);
        }
        self.token = open(self.token, masks.token);
        self.run = open(self.run, masks.run);
    }

    /// Lists what is open where the text ends.
    pub(crate) fn finish(mut self, text: &[u8], survey: &mut Survey) {
        self.step(Masks::default(), text.len(), text, survey);
    }
}

// Both take plain numbers, not the structs: what is lent would have to be in memory in every turn of the loop.

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

#[cold]
#[inline(never)]
fn list_digits(run: u64, digit: u64, long: u64, before: usize, at: usize, text: &[u8], digits: &mut Vec<Range32>) {
    let lead = leading(run);
    if lead < 64 && before + lead >= DIGIT_COUNT {
        push_digits(text, at - before, at + lead, digits);
    }
    let mut starts = long & from(lead);
    while starts != 0 {
        let start = starts.trailing_zeros() as usize;
        let end = start + leading(run >> start);
        if end == 64 {
            break;
        }
        let found = digit & from(start) & !from(end);
        if found.count_ones() as usize >= DIGIT_COUNT {
            digits.push(Range32::new(at + start, at + 64 - found.leading_zeros() as usize));
        }
        starts &= from(end);
    }
}

/// Lists the run of `[0-9 -]` from `start` to `end`, trimmed to its digits, if it has enough of them.
#[cold]
fn push_digits(text: &[u8], start: usize, end: usize, digits: &mut Vec<Range32>) {
    let run = &text[start..end];
    // Counted in parts that fit a byte each: that makes vectors of bytes.
    let count: usize = run
        .chunks(255)
        .map(|part| usize::from(part.iter().map(|byte| u8::from(byte.is_ascii_digit())).sum::<u8>()))
        .sum();
    if count < DIGIT_COUNT {
        return;
    }
    let before = run.iter().take_while(|byte| !byte.is_ascii_digit()).count();
    let after = run.iter().rev().take_while(|byte| !byte.is_ascii_digit()).count();
    digits.push(Range32::new(start + before, end - after));
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

/// Where 13 set bits in a row begin. `DIGIT_COUNT` is in the shifts.
#[inline(always)]
fn starts_of_13(mask: u64) -> u64 {
    const { assert!(DIGIT_COUNT == 13) };
    let pairs = mask & (mask >> 1);
    let fours = pairs & (pairs >> 2);
    let eights = fours & (fours >> 4);
    eights & (eights >> 5)
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
