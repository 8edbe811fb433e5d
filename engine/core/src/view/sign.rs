//! Signs of encodings: what is seen in passing, so that no decoder looks where there is nothing for it.

use std::ops::Range;

use memchr::memmem::{self, Finder};

use tamiz_simd::{Shape, Signs, Survey};

use super::{DECODERS, Decoder};

/// The text of a view that has a decoder's sign.
#[derive(Clone, Copy)]
pub(crate) struct Encoded<'a> {
    pub(crate) text: &'a [u8],
    /// Where it stands in its layer.
    pub(super) at: usize,
    /// The layer's.
    pub(super) survey: &'a Survey,
}

impl Encoded<'_> {
    /// The first mark of emphasis from `from` on.
    pub(super) fn emphasis(&self, from: usize) -> Option<usize> {
        let (at, end) = (self.at + from, self.at + self.text.len());
        let mut block = at / 64;
        let emphasis = &self.survey.emphasis;
        let mut left = emphasis.get(block)? & !0 << (at % 64);
        while left == 0 {
            block += 1;
            left = *emphasis.get(block).filter(|_| block * 64 < end)?;
        }
        let place = block * 64 + left.trailing_zeros() as usize;
        (place < end).then(|| place - self.at)
    }

    /// Where white space stands in the 64 bytes from `from` on, which is in the text: a bit for each byte, the first in the lowest one.
    #[inline(always)]
    pub(super) fn white(&self, from: usize) -> u64 {
        let (at, left) = (self.at + from, self.text.len() - from);
        let block = |number: usize| self.survey.white.get(number).copied().unwrap_or(0);
        let white = block(at / 64) >> (at % 64) | block(at / 64 + 1) << 1 << (63 - at % 64);
        if left < 64 { white & ((1 << left) - 1) } else { white }
    }

    /// Where `the` stands before another short word, as far as the survey lists it.
    pub(super) fn the(&self) -> impl Iterator<Item = usize> {
        let (at, end) = (self.at, self.at + self.text.len());
        let the = &self.survey.the;
        let the = &the[the.partition_point(|place| (*place as usize) < at)..];
        the.iter().map(|place| *place as usize).take_while(move |place| *place < end).map(move |place| place - at)
    }

    /// The long runs in the text.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Range<usize>> {
        let (at, end) = (self.at, self.at + self.text.len());
        let tokens = &self.survey.tokens;
        let tokens = &tokens[tokens.partition_point(|run| (run.end as usize) <= at)..];
        let runs = tokens.iter().map(|run| run.range()).take_while(move |run| run.start < end);
        runs.map(move |run| run.start - at..run.end - at)
    }

    /// Stretches of the text with blocks of a shape; blocks apart by at most `gap` bytes are in one stretch.
    pub(super) fn odd(&self, shape: Shape, gap: usize) -> impl Iterator<Item = Range<usize>> {
        let (at, end) = (self.at, self.at + self.text.len());
        let odd = &self.survey.odd;
        let odd = &odd[odd.partition_point(|odd| (odd.block.end as usize) <= at)..];
        let blocks = odd.iter().take_while(move |odd| (odd.block.start as usize) < end);
        let mut blocks = blocks.filter(move |odd| odd.shape.has(shape)).map(move |odd| {
            let block = odd.block.range();
            block.start.max(at) - at..block.end.min(end) - at
        });
        let mut next = blocks.next();
        std::iter::from_fn(move || {
            let mut stretch = next.take()?;
            for block in blocks.by_ref() {
                if block.start > stretch.end + gap {
                    next = Some(block);
                    break;
                }
                stretch.end = block.end;
            }
            Some(stretch)
        })
    }
}

/// A sign of an encoding: what is seen in passing, before any decoder looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A byte.
    Byte(u8),
    /// One of three bytes.
    OneOf(u8, u8, u8),
    /// Bytes beyond ASCII in a row.
    Bytes(&'static [u8]),
    /// A word, whatever its case.
    Word(Word),
    /// A long run of letters, digits and `+/-_`.
    Token,
    /// A block of a shape.
    Shape(Shape),
    /// A mark of emphasis.
    Emphasis,
    /// Any text at all: for decoders that look at its ends only.
    Any,
}

/// What is looked for in folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Romeo,
    Xn,
}

/// What is the same for all texts, and would cost more than a short one.
#[derive(Debug)]
pub(super) struct Gates {
    /// Searches for each [`Word`], in their order.
    words: [Finder<'static>; 2],
    /// For each decoder the bits of its signs.
    pub(super) decoders: Vec<u32>,
}

impl Default for Gates {
    fn default() -> Self {
        let bits = |decoder: &&dyn Decoder| decoder.signs().iter().fold(0, |bits, sign| bits | sign.bits());
        Self { words: [Finder::new(b"romeo"), Finder::new(b"xn--")], decoders: DECODERS.iter().map(bits).collect() }
    }
}

impl Sign {
    /// Its bits in [`Traces::present`]: without any of them it is in no view.
    fn bits(self) -> u32 {
        match self {
            Self::Byte(b'%') => of_survey(Signs::PERCENT),
            Self::Byte(b'&') => of_survey(Signs::AMPERSAND),
            Self::Byte(b'\\') => of_survey(Signs::BACKSLASH),
            Self::Byte(b'=') => of_survey(Signs::EQUALS),
            Self::Byte(b'+') => PLUS,
            Self::Byte(b'<') => LESS,
            Self::Byte(b'\n') => NEWLINE,
            Self::Byte(0x80..) | Self::Bytes(_) | Self::OneOf(..) => of_survey(Signs::NON_ASCII),
            Self::Byte(_) => of_survey(Signs::CONTROL),
            Self::Word(word) => ROMEO << word as u32,
            Self::Token => TOKEN,
            Self::Emphasis => EMPHASIS,
            Self::Any => ANY,
            Self::Shape(shape) => u32::from(shape.bits()) << FIRST_SHAPE,
        }
    }

    /// The first place of it in `text` from `from` on. `survey` is that of the text.
    fn next(self, text: &[u8], from: usize, survey: &Survey) -> Option<usize> {
        match self {
            Self::Byte(byte) => memchr::memchr(byte, &text[from..]).map(|at| from + at),
            Self::OneOf(a, b, c) => memchr::memchr3(a, b, c, &text[from..]).map(|at| from + at),
            Self::Bytes(bytes) => memmem::find(&text[from..], bytes).map(|at| from + at),
            Self::Token => {
                let next = survey.tokens.partition_point(|run| (run.start as usize) < from);
                survey.tokens.get(next).map(|run| run.start as usize)
            }
            Self::Shape(shape) => {
                let next = survey.odd.partition_point(|odd| (odd.block.end as usize) <= from);
                let odd = survey.odd[next..].iter().find(|odd| odd.shape.has(shape))?;
                Some((odd.block.start as usize).max(from))
            }
            Self::Emphasis => {
                let (mut block, mut seen) = (from / 64, !0 << (from % 64));
                while survey.emphasis.get(block)? & seen == 0 {
                    (block, seen) = (block + 1, !0);
                }
                Some(block * 64 + (survey.emphasis[block] & seen).trailing_zeros() as usize)
            }
            // Found somewhere: each view may be the one that has it.
            Self::Any | Self::Word(_) => (from < text.len()).then_some(from),
        }
    }
}

/// The lowest 16 bits are those of the survey's signs, the highest those of its shapes.
fn of_survey(signs: Signs) -> u32 {
    u32::from(signs.bits())
}

const ANY: u32 = 1 << 16;
const PLUS: u32 = 1 << 17;
const LESS: u32 = 1 << 18;
const NEWLINE: u32 = 1 << 19;
const TOKEN: u32 = 1 << 20;
const EMPHASIS: u32 = 1 << 21;
/// The first of [`Word`].
const ROMEO: u32 = 1 << 22;
const FIRST_SHAPE: u32 = 24;

/// What a layer has of what signs are made of, found out once for all decoders. Most have next to nothing.
pub(super) struct Traces<'s> {
    text: &'s [u8],
    survey: &'s Survey,
    /// Bits of signs that there may be.
    present: u32,
    pairs: Pairs,
}

impl<'s> Traces<'s> {
    pub(super) fn of(text: &'s [u8], folded: &[u8], survey: &'s Survey, gates: &Gates) -> Self {
        let signs = survey.signs;
        let odd = survey.odd.iter().fold(Shape::NONE, |all, odd| all.union(odd.shape));
        let mut present = ANY | of_survey(signs) | Sign::Shape(odd).bits();
        let mut note = |bit: u32, there: bool| present |= if there { bit } else { 0 };
        note(TOKEN, !survey.tokens.is_empty());
        note(EMPHASIS, survey.emphasis.iter().any(|block| *block != 0));
        for (bit, byte) in [(PLUS, b'+'), (LESS, b'<'), (NEWLINE, b'\n')] {
            note(bit, memchr::memchr(byte, text).is_some());
        }
        for (word, finder) in gates.words.iter().enumerate() {
            note(ROMEO << word, finder.find(folded).is_some());
        }
        let pairs = if signs.has(Signs::NON_ASCII) { Pairs::of(text) } else { Pairs::default() };
        Self { text, survey, present, pairs }
    }

    /// Whether any sign with these bits may be there.
    pub(super) fn may_have(&self, bits: u32) -> bool {
        self.present & bits != 0
    }

    /// The first place of a sign from `from` on.
    fn next(&self, sign: Sign, from: usize) -> Option<usize> {
        let may_be = match sign {
            Sign::Byte(byte @ 0x80..) => self.pairs.may_have(byte, None),
            Sign::Bytes([first, second, ..]) => self.pairs.may_have(*first, Some(*second)),
            Sign::OneOf(a, b, c) => [a, b, c].iter().any(|byte| self.pairs.may_have(*byte, None)),
            _ => self.may_have(sign.bits()),
        };
        if may_be { sign.next(self.text, from, self.survey) } else { None }
    }
}

/// Which bytes beyond ASCII begin characters of a text, and which pairs they are the first of; says yes for a few that it has not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pairs {
    firsts: u128,
    pairs: u128,
}

impl Pairs {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut all = Self::default();
        let mut note = |at: usize| {
            if text[at] >= 0xc0 {
                all.firsts |= 1 << (text[at] & 0x7f);
                all.pairs |= text.get(at + 1).map_or(0, |second| 1 << Self::bit(text[at], *second));
            }
        };
        let (chunks, rest) = text.as_chunks::<8>();
        for (number, chunk) in chunks.iter().enumerate() {
            if u64::from_le_bytes(*chunk) & 0x8080_8080_8080_8080 != 0 {
                (number * 8..number * 8 + 8).for_each(&mut note);
            }
        }
        (text.len() - rest.len()..text.len()).for_each(note);
        all
    }

    fn may_have(self, first: u8, second: Option<u8>) -> bool {
        let there = self.firsts >> (first & 0x7f) & 1 == 1 || first < 0xc0;
        there && second.is_none_or(|second| self.pairs >> Self::bit(first, second) & 1 == 1)
    }

    fn bit(first: u8, second: u8) -> u32 {
        u32::from(first.wrapping_mul(29) ^ second) & 0x7f
    }
}

/// Where the signs of a decoder come next; each is searched for once, however many views there are.
pub(super) struct Signposts<'s> {
    traces: &'s Traces<'s>,
    signs: &'static [Sign],
    /// Where a sign stands does not matter if all text is one view.
    several_views: bool,
    /// The next place of each sign, the text's end if there is none.
    next: [Option<usize>; MOST_SIGNS],
}

pub(super) const MOST_SIGNS: usize = 12;

impl<'s> Signposts<'s> {
    pub(super) fn new(traces: &'s Traces<'s>, signs: &'static [Sign], several_views: bool) -> Self {
        Self { traces, signs, several_views, next: [None; MOST_SIGNS] }
    }

    /// A place in the next view from `from` on that has any of them.
    pub(super) fn next(&mut self, from: usize) -> Option<usize> {
        let (traces, end) = (self.traces, self.traces.text.len());
        if !self.several_views {
            return (from == 0 && self.signs.iter().any(|sign| traces.next(*sign, 0).is_some())).then_some(0);
        }
        let places = self.signs.iter().zip(&mut self.next).map(|(sign, place)| match *place {
            Some(at) if at >= from => at,
            _ => *place.insert(traces.next(*sign, from).unwrap_or(end)),
        });
        places.min().filter(|place| *place < end)
    }
}
