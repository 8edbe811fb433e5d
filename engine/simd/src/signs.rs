//! What a survey tells.

use std::ops::{BitOr, BitOrAssign, Range};

use crate::shape::Odd;

/// Which sorts of bytes a text has, as far as they decide what is worth looking for in it. 0xff, the separator, is of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Signs(u16);

// A byte of the lower half that is one character has bit b if its own high nibble is b: that is how AVX2 finds them.
impl Signs {
    /// None of them.
    pub const NONE: Signs = Signs(0);
    /// A control other than white space and ESC: 0x00-0x08, 0x0e-0x1a, 0x1c-0x1f, 0x7f.
    pub const CONTROL: Signs = Signs(1 << 0);
    /// ESC, 0x1b.
    pub const ESCAPE: Signs = Signs(1 << 1);
    /// `%`
    pub const PERCENT: Signs = Signs(1 << 2);
    /// `=`
    pub const EQUALS: Signs = Signs(1 << 3);
    /// `@`
    pub const AT: Signs = Signs(1 << 4);
    /// `\`
    pub const BACKSLASH: Signs = Signs(1 << 5);
    /// `{`
    pub const OPEN_BRACE: Signs = Signs(1 << 7);
    /// `&`
    pub const AMPERSAND: Signs = Signs(1 << 8);
    /// Any byte from 0x80 to 0xfe.
    pub const NON_ASCII: Signs = Signs(1 << 9);

    /// Whether any of `signs` is there.
    #[inline]
    pub const fn has(self, signs: Signs) -> bool {
        self.0 & signs.0 != 0
    }

    /// Whether there is none at all.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// A bit for each of them.
    #[inline]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Both together, where `|` will not do: in constants.
    #[inline]
    pub const fn union(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) const fn from_bits(bits: u16) -> Signs {
        Signs(bits)
    }
}

impl BitOr for Signs {
    type Output = Signs;

    #[inline]
    fn bitor(self, other: Signs) -> Signs {
        self.union(other)
    }
}

impl BitOrAssign for Signs {
    #[inline]
    fn bitor_assign(&mut self, other: Signs) {
        *self = self.union(other);
    }
}

/// A place in a text: from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range32 {
    /// Where it begins.
    pub start: u32,
    /// Where it has ended.
    pub end: u32,
}

impl Range32 {
    /// As a range to index with.
    #[inline]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Positions past 4 GiB become the last one there is: no text is that long, and nothing may panic if one were.
    pub(crate) fn new(start: usize, end: usize) -> Range32 {
        let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Range32 { start: narrow(start), end: narrow(end) }
    }
}

/// What [`crate::survey()`] found in a text. Keep one and hand it in again: its memory is used again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Which sorts of bytes there are.
    pub signs: Signs,
    /// All maximal runs of `[A-Za-z0-9+/_-]` that are at least [`crate::TOKEN_LEN`] long, in order.
    pub tokens: Vec<Range32>,
    /// Where the digits stand: a bit for each byte, 64 bytes to a number, the first byte in the lowest bit.
    pub digits: Vec<u64>,
    /// Where the marks of emphasis stand, `*`, `_`, `~` and the grave accent, in the same way.
    pub emphasis: Vec<u64>,
    /// Where white space stands, in the same way.
    pub white: Vec<u64>,
    /// Where `the` begins, in any case, that stands between white space and has a word of two to four bytes behind it, in order. All of it
    /// and the white space around it is in one block of 64 bytes: others are not listed.
    pub the: Vec<u32>,
    /// The blocks of 64 bytes that look odd, in order.
    pub odd: Vec<Odd>,
}

impl Survey {
    pub(crate) fn clear(&mut self) {
        self.signs = Signs::NONE;
        self.tokens.clear();
        self.digits.clear();
        self.emphasis.clear();
        self.white.clear();
        self.the.clear();
        self.odd.clear();
    }
}
