//! Signs of encodings: what is seen in passing, so that no decoder looks where there is nothing for it.

use std::ops::Range;

use tamiz_simd::{Shape, Signs, Survey};

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
    /// Bytes in a row.
    Bytes(&'static [u8]),
    /// A long run of letters, digits and `+/-_`.
    Token,
    /// A block of a shape.
    Shape(Shape),
    /// A mark of emphasis.
    Emphasis,
    /// Any text at all: for decoders that look at its ends only.
    Any,
}

impl Sign {
    /// The first place of it in `text` from `from` on. `survey` and `pairs` are those of the text.
    fn next(self, text: &[u8], from: usize, survey: &Survey, pairs: Pairs) -> Option<usize> {
        if !self.may_be_in(survey, pairs) {
            return None;
        }
        match self {
            Self::Byte(byte) => memchr::memchr(byte, &text[from..]).map(|at| from + at),
            Self::OneOf(a, b, c) => memchr::memchr3(a, b, c, &text[from..]).map(|at| from + at),
            Self::Bytes(bytes) => memchr::memmem::find(&text[from..], bytes).map(|at| from + at),
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
            Self::Any => (from < text.len()).then_some(from),
        }
    }

    fn may_be_in(self, survey: &Survey, pairs: Pairs) -> bool {
        match self {
            Self::Byte(b'%') => survey.signs.has(Signs::PERCENT),
            Self::Byte(b'&') => survey.signs.has(Signs::AMPERSAND),
            Self::Byte(b'\\') => survey.signs.has(Signs::BACKSLASH),
            Self::Byte(b'=') => survey.signs.has(Signs::EQUALS),
            Self::Byte(byte @ 0x80..) => pairs.may_have(byte, None),
            Self::Byte(0..=8 | 0x0e..0x1b) => survey.signs.has(Signs::CONTROL),
            Self::Bytes([first, second, ..]) if *first >= 0x80 => pairs.may_have(*first, Some(*second)),
            Self::OneOf(a @ 0x80.., b, c) => [a, b, c].iter().any(|byte| pairs.may_have(*byte, None)),
            Self::Byte(_) | Self::OneOf(..) | Self::Bytes(_) | Self::Any | Self::Emphasis => true,
            Self::Token => !survey.tokens.is_empty(),
            Self::Shape(_) => !survey.odd.is_empty(),
        }
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
pub(super) struct Signposts {
    signs: &'static [Sign],
    /// The next place of each sign, the text's end if there is none.
    next: [Option<usize>; MOST_SIGNS],
}

pub(super) const MOST_SIGNS: usize = 12;

impl Signposts {
    pub(super) fn new(signs: &'static [Sign]) -> Self {
        Self { signs, next: [None; MOST_SIGNS] }
    }

    /// The first place of any of them from `from` on.
    pub(super) fn next(&mut self, text: &[u8], from: usize, survey: &Survey, pairs: Pairs) -> Option<usize> {
        let places = self.signs.iter().zip(&mut self.next).map(|(sign, place)| match *place {
            Some(at) if at >= from => at,
            _ => *place.insert(sign.next(text, from, survey, pairs).unwrap_or(text.len())),
        });
        places.min().filter(|place| *place < text.len())
    }
}
