//! The survey in AVX-512.
//!
//! A byte permutation looks 64 characters up in a table of 128 at once. One table says with a bit each which classes a character is
//! in, another which sign it is; single letters are compared for.

use std::arch::x86_64::*;

use super::{all, first};
use crate::runs::{Masks, Runs};
use crate::{Signs, Survey};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn survey(text: &[u8], survey: &mut Survey) {
    survey.clear();
    let mut seen = Seen { signs: all(0), not_ascii: 0 };
    let (classes, signs) = (Table::new(&CLASSES), Table::new(&SIGNS));
    let mut runs = Runs::default();
    let mut at = 0;
    while at < text.len() {
        // SAFETY: only bytes of the mask are read, which are before the end of `text`; separators stand for the others.
        let bytes = unsafe { _mm512_mask_loadu_epi8(all(0xff), first(text.len() - at), text.as_ptr().add(at).cast()) };
        runs.step(seen.look(bytes, &classes, &signs), at, text, survey);
        at += 64;
    }
    runs.finish(text, survey);
    survey.signs = seen.signs();
}

/// The signs so far, still in a vector.
struct Seen {
    /// Of the characters: bits of `SIGNS`.
    signs: __m512i,
    /// Where there was a byte from 0x80 to 0xfe.
    not_ascii: u64,
}

impl Seen {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
    fn look(&mut self, bytes: __m512i, classes: &Table, signs: &Table) -> Masks {
        let ascii = !_mm512_movepi8_mask(bytes);
        self.signs = _mm512_or_si512(self.signs, signs.look_up(ascii, bytes));
        self.not_ascii |= _mm512_cmplt_epi8_mask(bytes, all(0xff));
        let classes = classes.look_up(ascii, bytes);
        let small = _mm512_or_si512(bytes, all(0x20));
        Masks {
            token: _mm512_test_epi8_mask(classes, all(TOKEN)),
            digit: _mm512_test_epi8_mask(classes, all(DIGIT)),
            emphasis: _mm512_test_epi8_mask(classes, all(EMPHASIS)),
            letter: _mm512_test_epi8_mask(classes, all(LETTER)),
            upper: _mm512_test_epi8_mask(classes, all(UPPER)),
            white: _mm512_test_epi8_mask(classes, all(WHITE)),
            rare: _mm512_test_epi8_mask(classes, all(RARE)),
            mark: _mm512_test_epi8_mask(classes, all(MARK)),
            h: _mm512_cmpeq_epi8_mask(small, all(b'h')),
            t: _mm512_cmpeq_epi8_mask(small, all(b't')),
            e: _mm512_cmpeq_epi8_mask(small, all(b'e')),
            n: _mm512_cmpeq_epi8_mask(small, all(b'n')),
            d: _mm512_cmpeq_epi8_mask(small, all(b'd')),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
    fn signs(&self) -> Signs {
        let any = _mm512_reduce_or_epi64(self.signs).to_le_bytes().iter().fold(0, |any, lane| any | lane);
        let mut signs = Signs::from_bits(u16::from(any & !AMPERSAND));
        if any & AMPERSAND != 0 {
            signs |= Signs::AMPERSAND;
        }
        if self.not_ascii != 0 {
            signs |= Signs::NON_ASCII;
        }
        signs
    }
}

/// Something about each of the 128 characters.
struct Table {
    low: __m512i,
    high: __m512i,
}

impl Table {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn new(bytes: &[u8; 128]) -> Table {
        // SAFETY: both loads are within the 128 bytes, and need no alignment.
        let (low, high) =
            unsafe { (_mm512_loadu_si512(bytes.as_ptr().cast()), _mm512_loadu_si512(bytes.as_ptr().add(64).cast())) };
        Table { low, high }
    }

    /// What it says of each byte of the mask `ascii`, and 0 for the others.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(&self, ascii: u64, bytes: __m512i) -> __m512i {
        _mm512_maskz_permutex2var_epi8(ascii, self.low, bytes, self.high)
    }
}

const TOKEN: u8 = 1 << 0;
const DIGIT: u8 = 1 << 1;
const EMPHASIS: u8 = 1 << 2;
const LETTER: u8 = 1 << 3;
const UPPER: u8 = 1 << 4;
const WHITE: u8 = 1 << 5;
const RARE: u8 = 1 << 6;
const MARK: u8 = 1 << 7;

const CLASSES: [u8; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < 128 {
        let byte = at as u8;
        let mut classes = 0;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-') {
            classes |= TOKEN;
        }
        if byte.is_ascii_digit() {
            classes |= DIGIT;
        }
        if matches!(byte, b'*' | b'_' | b'~' | b'`') {
            classes |= EMPHASIS;
        }
        if byte.is_ascii_alphabetic() {
            classes |= LETTER;
        }
        if byte.is_ascii_uppercase() {
            classes |= UPPER;
        }
        if matches!(byte, b'\t'..=b'\r' | b' ') {
            classes |= WHITE;
        }
        if matches!(byte.to_ascii_lowercase(), b'b' | b'g' | b'j' | b'k' | b'p' | b'q' | b'v'..=b'z') {
            classes |= RARE;
        }
        if byte.is_ascii_graphic() && !byte.is_ascii_alphabetic() {
            classes |= MARK;
        }
        table[at] = classes;
        at += 1;
    }
    table
};

/// Stands for [`Signs::AMPERSAND`], whose own bit is beyond a byte, in a place that no other sign has.
const AMPERSAND: u8 = 1 << 6;

const SIGNS: [u8; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < 128 {
        let sign = match at as u8 {
            b'\t'..=b'\r' => Signs::NONE,
            0x1b => Signs::ESCAPE,
            0..b' ' | 0x7f => Signs::CONTROL,
            b'%' => Signs::PERCENT,
            b'=' => Signs::EQUALS,
            b'@' => Signs::AT,
            b'\\' => Signs::BACKSLASH,
            b'{' => Signs::OPEN_BRACE,
            _ => Signs::NONE,
        };
        assert!(sign.bits() & AMPERSAND as u16 == 0 && sign.bits() <= 0xff);
        table[at] = sign.bits() as u8;
        at += 1;
    }
    table[b'&' as usize] = AMPERSAND;
    table
};
