//! The linear stage: hashed word n-grams with one weight each.
//!
//! A score is `bias + scale × Σ weights / √n` over the `n` distinct buckets that the n-grams (of 1 to 3 words) of a window of 64 words fall
//! in. It takes microseconds, so what it can settle at a stated error the encoder need not be asked about; a model may do without an
//! encoder altogether. The file's layout is in `docs/classifier.md`.

use std::ops::Range;

use crate::content::ContentKind;

const MAGIC: &[u8; 8] = b"TMZLIN1\0";
const HEADER: usize = 8 + 4 + 4 + 5 * 4;
/// Most buckets, as a power of two: 16 MiB of weights.
const MOST_BITS: u32 = 24;
/// Words of a window.
const WINDOW: usize = 64;
/// Words from the start of one window to the start of the next.
const STRIDE: usize = 40;

/// Why a file is no linear stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinearError {
    /// It does not start as such a file does.
    #[error("it is no linear stage of version 1 (it does not start with TMZLIN1)")]
    Magic,
    /// Its size does not fit.
    #[error("{have} bytes, where a table of 2^{bits} weights takes {want}")]
    Size {
        /// The number of buckets, as a power of two.
        bits: u32,
        /// The size it should have.
        want: usize,
        /// The size it has.
        have: usize,
    },
    /// It has a number that is none, or out of range.
    #[error("{0} is out of range")]
    Number(&'static str),
}

/// The weights. Immutable and shared.
#[derive(Clone)]
pub struct Linear {
    bits: u32,
    scale: f32,
    bias: [f32; 5],
    weights: Vec<i8>,
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linear").field("bits", &self.bits).field("scale", &self.scale).finish_non_exhaustive()
    }
}

/// Working memory, kept from one text to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    words: Vec<Range<u32>>,
    /// A bit for each bucket that the window at hand has met, and which of their words of 64 are not zero.
    met: Vec<u64>,
    dirty: Vec<u32>,
}

impl Linear {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not what it should be.
    pub fn new(file: &[u8]) -> Result<Self, LinearError> {
        let header = file.get(..HEADER).filter(|header| header.starts_with(MAGIC)).ok_or(LinearError::Magic)?;
        let four = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let bits = u32::from_le_bytes(four(8));
        if !(4..=MOST_BITS).contains(&bits) {
            return Err(LinearError::Number("the number of buckets"));
        }
        let want = HEADER + (1 << bits);
        if file.len() != want {
            return Err(LinearError::Size { bits, want, have: file.len() });
        }
        let number = |at: usize| f32::from_le_bytes(four(at));
        let scale = number(12);
        let bias = [16, 20, 24, 28, 32].map(number);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(LinearError::Number("the scale"));
        }
        if bias.iter().any(|bias| !bias.is_finite()) {
            return Err(LinearError::Number("a bias"));
        }
        let weights = file[HEADER..].iter().map(|byte| byte.cast_signed()).collect();
        Ok(Self { bits, scale, bias, weights })
    }

    /// Scores all windows of a folded text: each with its place in the text and its probability, from 0 to 1.
    pub fn score(&self, text: &str, kind: ContentKind, scratch: &mut Scratch, mut each: impl FnMut(Range<usize>, f64)) {
        let words = &mut scratch.words;
        split(text, words);
        let words = std::mem::take(words);
        scratch.met.resize((1_usize << self.bits).div_ceil(64), 0);
        let mut first = 0;
        while first < words.len() {
            let last = (first + WINDOW).min(words.len());
            let window = &words[first..last];
            each(
                window[0].start as usize..window[window.len() - 1].end as usize,
                self.window(text, window, kind, scratch),
            );
            if last == words.len() {
                break;
            }
            first += STRIDE;
        }
        scratch.words = words;
    }

    fn window(&self, text: &str, words: &[Range<u32>], kind: ContentKind, scratch: &mut Scratch) -> f64 {
        let Scratch { met, dirty, .. } = scratch;
        let (mut sum, mut count) = (0_i64, 0_u32);
        let mut add = |hash: u64| {
            let bucket = hash >> (64 - self.bits);
            let (word, bit) = ((bucket >> 6) as u32, 1 << (bucket & 63));
            let known = &mut met[word as usize];
            if *known & bit == 0 {
                if *known == 0 {
                    dirty.push(word);
                }
                *known |= bit;
                sum += i64::from(self.weights[bucket as usize]);
                count += 1;
            }
        };
        // The grams that end with a word go on from those that end with the one before: three hashes side by side, each byte read once.
        let (mut one, mut two) = (FNV_START, FNV_START);
        for (order, word) in words.iter().enumerate() {
            let (mut first, mut second, mut third) = (FNV_START, fnv(one, b' '), fnv(two, b' '));
            for byte in &text.as_bytes()[word.start as usize..word.end as usize] {
                (first, second, third) = (fnv(first, *byte), fnv(second, *byte), fnv(third, *byte));
            }
            add(first);
            if order > 0 {
                add(second);
            }
            if order > 1 {
                add(third);
            }
            (one, two) = (first, second);
        }
        dirty.drain(..).for_each(|word| met[word as usize] = 0);
        // At least one word, so at least one bucket.
        let score =
            f64::from(self.bias[kind as usize]) + f64::from(self.scale) * sum as f64 / f64::from(count.max(1)).sqrt();
        1.0 / (1.0 + (-score).exp())
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

#[inline(always)]
fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// Finds the words: runs of letters and digits, and every other character that is no white space by itself.
fn split(text: &str, words: &mut Vec<Range<u32>>) {
    words.clear();
    let mut open: Option<u32> = None;
    for (at, character) in text.char_indices() {
        let at = at as u32;
        if character.is_alphanumeric() {
            open.get_or_insert(at);
            continue;
        }
        words.extend(open.take().map(|start| start..at));
        if !character.is_whitespace() {
            words.push(at..at + character.len_utf8() as u32);
        }
    }
    words.extend(open.map(|start| start..text.len() as u32));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A table of 2^`bits` weights, all 0 but for the n-grams given.
    pub(crate) fn table(bits: u32, bias: f32, weights: &[(&str, i8)]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend(bits.to_le_bytes());
        file.extend(1.0_f32.to_le_bytes());
        (0..5).for_each(|_| file.extend(bias.to_le_bytes()));
        let mut table = vec![0_u8; 1 << bits];
        for (gram, weight) in weights {
            let hash = gram.bytes().fold(FNV_START, fnv);
            table[(hash >> (64 - bits)) as usize] = weight.cast_unsigned();
        }
        file.extend(table);
        file
    }

    fn scores(linear: &Linear, text: &str) -> Vec<(Range<usize>, f64)> {
        let (mut all, mut scratch) = (Vec::new(), Scratch::default());
        linear.score(text, ContentKind::Prompt, &mut scratch, |place, score| all.push((place, score)));
        all
    }

    #[test]
    fn words_are_runs_and_single_signs() {
        let mut words = Vec::new();
        let text = "don't [stop] 指示, x2!";
        split(text, &mut words);
        let words: Vec<&str> = words.iter().map(|word| &text[word.start as usize..word.end as usize]).collect();
        assert_eq!(words, ["don", "'", "t", "[", "stop", "]", "指示", ",", "x2", "!"]);
    }

    #[test]
    fn n_grams_count_once_each() {
        let linear = Linear::new(&table(12, -1.0, &[("ignore", 2), ("ignore all", 3)])).unwrap();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        // ignore, all, ignore all: two of the three weigh something.
        assert!((scores(&linear, "ignore all")[0].1 - sigmoid(-1.0 + 5.0 / 3.0_f64.sqrt())).abs() < 1e-9);
        // Seven distinct n-grams of six words.
        let twice = scores(&linear, "ignore all ignore all")[0].1;
        assert!((twice - sigmoid(-1.0 + 5.0 / 6.0_f64.sqrt())).abs() < 1e-9, "{twice}");
        assert!(scores(&linear, "   ").is_empty());
    }

    #[test]
    fn windows_cover_the_text_and_overlap() {
        let linear = Linear::new(&table(12, -1.0, &[])).unwrap();
        for words in [1, 63, 64, 65, 104, 105, 2_000] {
            let text = "word ".repeat(words);
            let all = scores(&linear, &text);
            assert_eq!((all[0].0.start, all.last().unwrap().0.end), (0, text.len() - 1), "{words}");
            for pair in all.windows(2) {
                assert_eq!(pair[1].0.start - pair[0].0.start, STRIDE * 5);
                assert!(pair[1].0.start < pair[0].0.end);
            }
            let expected = if words <= WINDOW { 1 } else { 1 + (words - WINDOW).div_ceil(STRIDE) };
            assert_eq!(all.len(), expected, "{words}");
        }
    }

    #[test]
    fn wrong_files_are_refused() {
        let good = table(8, 0.0, &[]);
        assert_eq!(Linear::new(b"TMZLIN2\0").unwrap_err(), LinearError::Magic);
        assert_eq!(Linear::new(&good[..20]).unwrap_err(), LinearError::Magic);
        assert!(matches!(Linear::new(&good[..good.len() - 1]), Err(LinearError::Size { bits: 8, .. })));
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            Linear::new(&file).unwrap_err()
        };
        assert_eq!(changed(8, 60_u32.to_le_bytes()), LinearError::Number("the number of buckets"));
        assert_eq!(changed(12, f32::NAN.to_le_bytes()), LinearError::Number("the scale"));
        assert_eq!(changed(28, f32::INFINITY.to_le_bytes()), LinearError::Number("a bias"));
    }
}
