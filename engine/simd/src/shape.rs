//! What a block of 64 bytes looks like: whether its letters can be those of a language written in the usual way.
//!
//! Everything is counted in masks, so a block of ordinary text costs some forty operations. The counts are hints, no more: they say
//! where it is worth looking closer, and a run that straddles two blocks may give either of them too little.

use crate::Range32;
use crate::runs::Masks;

/// How a block of text looks odd. Several may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(u8);

impl Shape {
    /// In nothing odd.
    pub const NONE: Shape = Shape(0);
    /// Seven letters in 25 (nine of half a block) are `b g j k p q v w x y z`, which hardly any language has so many of: another alphabet, or no words.
    pub const RARE_LETTERS: Shape = Shape(1 << 0);
    /// `ht`, `eh`, `dn` where `th`, `he`, `nd` were to be expected, or a capital where words end.
    pub const BACKWARD: Shape = Shape(1 << 1);
    /// Eight letters and more without a letter beside them.
    pub const SINGLE_LETTERS: Shape = Shape(1 << 2);
    /// A digit between letters.
    pub const DIGITS_IN_WORDS: Shape = Shape(1 << 3);
    /// Digits and marks, hardly any letters: numbers or signs.
    pub const FEW_LETTERS: Shape = Shape(1 << 4);
    /// Many marks among letters and digits, and hardly any white space.
    pub const SOLID: Shape = Shape(1 << 5);

    /// Whether any of `shapes` holds.
    #[inline]
    pub const fn has(self, shapes: Shape) -> bool {
        self.0 & shapes.0 != 0
    }

    /// A bit for each of them, the lowest six.
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Both together.
    #[inline]
    pub const fn union(self, other: Shape) -> Shape {
        Shape(self.0 | other.0)
    }

    /// The shape of the block with these masks.
    #[inline(always)]
    pub(crate) fn of(masks: &Masks) -> Shape {
        let Masks { letter, upper, white, rare, mark, digit, h, t, e, n, d, .. } = *masks;
        let count = |mask: u64| mask.count_ones();
        let flag = |shape: Shape, holds: bool| u8::from(holds) * shape.0;
        let letters = count(letter);
        // A line of a cipher may be too short for a block; half a block of it has more of them than chance gives.
        let half = |shift: u32| {
            let (letters, rare) = ((letter >> shift) as u32, (rare >> shift) as u32);
            (letters.count_ones() >= 16) & (rare.count_ones() * 25 >= letters.count_ones() * 9)
        };
        let rare = (letters >= 16) & (count(rare) * 25 >= letters * 7) | half(0) | half(32);
        let turned = (h & t >> 1) | (e & h >> 1) | (d & n >> 1);
        // A capital after a small letter, with no letter after it.
        let late = upper & (letter & !upper) << 1 & !(letter >> 1);
        let single = letter & !(letter << 1) & !(letter >> 1);
        let inside = digit & letter << 1 & letter >> 1;
        let (marks, digits) = (count(mark), count(digit));
        let numbers = (marks >= 24) & (letters * 2 <= marks) | (digits >= 16) & (letters <= digits + 8);
        Shape(
            flag(Shape::RARE_LETTERS, rare)
                | flag(Shape::BACKWARD, (count(turned) >= 2) | (late != 0))
                | flag(Shape::SINGLE_LETTERS, count(single) >= 8)
                | flag(Shape::DIGITS_IN_WORDS, inside != 0)
                | flag(Shape::FEW_LETTERS, numbers)
                | flag(Shape::SOLID, (marks >= 14) & (letters + marks >= 32) & (count(white) <= 2)),
        )
    }
}

/// A block of 64 bytes (fewer at the end of a text) that looks odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Odd {
    /// Where the block stands.
    pub block: Range32,
    /// How it looks odd.
    pub shape: Shape,
}
