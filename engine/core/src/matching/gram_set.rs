//! Which four-byte sequences a short text has, in 8 KB: says at once, for most literals, that they are not in it.

const BITS: u32 = 16;

/// The sequences of a text, by hash.
#[derive(Debug)]
pub(crate) struct GramSet {
    words: Box<[u64; 1 << (BITS - 6)]>,
}

impl Default for GramSet {
    fn default() -> Self {
        Self { words: Box::new([0; 1 << (BITS - 6)]) }
    }
}

impl GramSet {
    /// Forgets what it has and takes the sequences of `text`.
    pub(crate) fn fill(&mut self, text: &[u8]) {
        self.words.fill(0);
        for gram in text.windows(4) {
            let place = place(gram);
            self.words[usize::from(place >> 6)] |= 1 << (place & 63);
        }
    }

    fn has(&self, place: u16) -> bool {
        self.words[usize::from(place >> 6)] >> (place & 63) & 1 == 1
    }
}

/// A literal to look for in one text after another.
#[derive(Debug)]
pub(crate) struct Needle {
    finder: memchr::memmem::Finder<'static>,
    /// Hashes of its first and last sequence; none of a literal of less than four bytes.
    grams: Option<(u16, u16)>,
}

impl Needle {
    pub(crate) fn new(literal: &[u8]) -> Self {
        let grams = literal.first_chunk::<4>().zip(literal.last_chunk::<4>());
        Self {
            finder: memchr::memmem::Finder::new(literal).into_owned(),
            grams: grams.map(|(first, last)| (place(first), place(last))),
        }
    }

    /// Whether it is in `text`.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }

    /// Whether it is in `text`, whose sequences are in `grams`.
    pub(crate) fn is_in_with(&self, text: &[u8], grams: &GramSet) -> bool {
        self.grams.is_none_or(|(first, last)| grams.has(first) && grams.has(last)) && self.is_in(text)
    }
}

/// Which of many needles a text has, each looked for at most once.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    grams: GramSet,
    /// By needle: 0 not looked for yet, 1 absent, 2 there.
    known: Vec<u8>,
}

impl Presence {
    /// Starts on a text.
    pub(crate) fn start(&mut self, text: &[u8], needles: usize) {
        self.grams.fill(text);
        self.known.clear();
        self.known.resize(needles, 0);
    }

    /// Whether the needle is in the text that was started on.
    pub(crate) fn has(&mut self, text: &[u8], needles: &[Needle], id: u32) -> bool {
        let known = &mut self.known[id as usize];
        if *known == 0 {
            *known = 1 + u8::from(needles[id as usize].is_in_with(text, &self.grams));
        }
        *known == 2
    }
}

fn place(gram: &[u8]) -> u16 {
    let number = u32::from_le_bytes([gram[0], gram[1], gram[2], gram[3]]);
    (number.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_never_denies_what_is_there(text in "[a-d ]{0,60}", literal in "[a-d ]{2,7}") {
            let mut grams = GramSet::default();
            grams.fill(text.as_bytes());
            prop_assert_eq!(Needle::new(literal.as_bytes()).is_in_with(text.as_bytes(), &grams), text.contains(&literal));
        }
    }
}
