//! The kernels without unsafe code and without vectors: what is right, and what runs where there is no faster twin.

use crate::grams::{Filter, Filters, Marks, place_of_eight, place_of_four};
use crate::runs::{Masks, Runs};
use crate::{Signs, Survey};

/// See [`crate::fold_plain`].
pub fn fold_plain(text: &[u8], after_space: bool, out: &mut Vec<u8>) -> usize {
    out.reserve(text.len());
    let mut before_space = after_space;
    let mut at = 0;
    // Blocks in which nothing stops: no way out in the middle, so that the compiler can make vectors of them.
    while let Some(block) = text[at..].first_chunk::<BLOCK>() {
        let Some(folded) = fold_block(block, before_space) else { break };
        out.extend_from_slice(&folded);
        before_space = folded[BLOCK - 1] == b' ';
        at += BLOCK;
    }
    let rest = &text[at..];
    let stops = |&byte: &u8| {
        let folded = FOLDED[usize::from(byte)];
        let after_space = std::mem::replace(&mut before_space, folded == b' ');
        folded == 0 || (folded == b' ' && after_space)
    };
    let plain = rest.iter().position(stops).unwrap_or(rest.len());
    out.extend(rest[..plain].iter().map(|&byte| FOLDED[usize::from(byte)]));
    at + plain
}

const BLOCK: usize = 32;

/// The folded form of a block that is plain from end to end.
fn fold_block(block: &[u8; BLOCK], before_space: bool) -> Option<[u8; BLOCK]> {
    let mut folded = [0; BLOCK];
    let mut stop = false;
    for (to, &byte) in folded.iter_mut().zip(block) {
        let white = is_white(byte);
        *to = if white { b' ' } else { byte.to_ascii_lowercase() };
        stop |= !white & !byte.is_ascii_graphic();
    }
    for (first, second) in folded.iter().zip(&folded[1..]) {
        stop |= (*first == b' ') & (*second == b' ');
    }
    stop |= before_space & (folded[0] == b' ');
    (!stop).then_some(folded)
}

const fn is_white(byte: u8) -> bool {
    (byte == b' ') | (byte.wrapping_sub(b'\t') < 5)
}

/// What to write for each byte; 0 for those that are never plain.
const FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x80 {
        if is_white(byte) {
            table[byte as usize] = b' ';
        } else if byte.is_ascii_graphic() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// See [`crate::survey()`].
pub fn survey(text: &[u8], survey: &mut Survey) {
    survey.clear();
    // A part stays in the nearest cache while each sign goes over it.
    for part in text.chunks(4096) {
        survey.signs |= signs(part);
    }
    let mut runs = Runs::default();
    let (blocks, rest) = text.as_chunks::<64>();
    for (index, block) in blocks.iter().enumerate() {
        runs.step(masks(block), index * 64, text, survey);
    }
    if !rest.is_empty() {
        let mut block = [0xff; 64];
        block[..rest.len()].copy_from_slice(rest);
        runs.step(masks(&block), text.len() - rest.len(), text, survey);
    }
    runs.finish(text, survey);
}

/// Each sign looks at all bytes, and none stops at the first it finds: so the compiler can make vectors of them.
fn signs(text: &[u8]) -> Signs {
    let all: [(Signs, bool); 9] = [
        (Signs::CONTROL, any(text, |byte| ((byte < b' ') & !is_white(byte) & (byte != 0x1b)) | (byte == 0x7f))),
        (Signs::ESCAPE, any(text, |byte| byte == 0x1b)),
        (Signs::PERCENT, any(text, |byte| byte == b'%')),
        (Signs::EQUALS, any(text, |byte| byte == b'=')),
        (Signs::AT, any(text, |byte| byte == b'@')),
        (Signs::BACKSLASH, any(text, |byte| byte == b'\\')),
        (Signs::OPEN_BRACE, any(text, |byte| byte == b'{')),
        (Signs::AMPERSAND, any(text, |byte| byte == b'&')),
        (Signs::NON_ASCII, any(text, |byte| (byte >= 0x80) & (byte != 0xff))),
    ];
    all.iter().filter(|(_, there)| *there).fold(Signs::NONE, |signs, (sign, _)| signs | *sign)
}

#[inline(always)]
fn any(text: &[u8], member: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(0, |any, &byte| any | u8::from(member(byte))) != 0
}

fn masks(block: &[u8; 64]) -> Masks {
    let is_digit = |byte: u8| byte.wrapping_sub(b'0') < 10;
    let is_letter = |byte: u8| (byte | 0x20).wrapping_sub(b'a') < 26;
    // From '/' to '9' there is nothing else.
    let is_token =
        |byte: u8| is_letter(byte) | (byte.wrapping_sub(b'/') < 11) | (byte == b'+') | (byte == b'-') | (byte == b'_');
    let is = |letter: u8| move |byte: u8| byte | 0x20 == letter;
    Masks {
        token: mask(block, is_token),
        digit: mask(block, is_digit),
        emphasis: mask(block, |byte| matches!(byte, b'*' | b'_' | b'~' | b'`')),
        letter: mask(block, is_letter),
        upper: mask(block, |byte| byte.wrapping_sub(b'A') < 26),
        white: mask(block, is_white),
        rare: mask(block, |byte| is_letter(byte) & (RARE >> (byte & 0x1f) & 1 == 1)),
        mark: mask(block, |byte| byte.is_ascii_graphic() & !is_letter(byte)),
        h: mask(block, is(b'h')),
        t: mask(block, is(b't')),
        e: mask(block, is(b'e')),
        n: mask(block, is(b'n')),
        d: mask(block, is(b'd')),
    }
}

/// A bit for each rare letter: its place in the alphabet.
const RARE: u32 = {
    let letters = b"bgjkpqvwxyz";
    let (mut bits, mut at) = (0, 0);
    while at < letters.len() {
        bits |= 1 << (letters[at] & 0x1f);
        at += 1;
    }
    bits
};

#[inline(always)]
fn mask(block: &[u8; 64], member: impl Fn(u8) -> bool) -> u64 {
    let mut bytes = [0; 64];
    for (to, &byte) in bytes.iter_mut().zip(block) {
        *to = u8::from(member(byte));
    }
    let (words, _) = bytes.as_chunks::<8>();
    let mut mask = 0;
    for (index, word) in words.iter().enumerate() {
        // The product has the lowest bit of byte `i` at 56 + `i`.
        mask |= u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56 << (index * 8);
    }
    mask
}

/// See [`crate::grams()`].
pub fn grams(text: &[u8], at: usize, filters: Filters<'_>, marks: &mut [Marks]) {
    for (index, marks) in marks.iter_mut().enumerate() {
        let rest = text.get(at + 64 * index..).unwrap_or_default();
        *marks = match rest.first_chunk() {
            Some(block) => grams_of(block, 8, filters),
            None => {
                let mut block = [0; 72];
                block[..rest.len()].copy_from_slice(rest);
                let found = grams_of(&block, rest.len().min(64).div_ceil(8), filters);
                let there = if rest.len() < 64 { (1 << rest.len()) - 1 } else { !0 };
                Marks { eight: found.eight & there, four: found.four & there }
            }
        };
    }
}

/// Of the grams that begin in the first `count` words, at most eight.
#[inline(always)]
fn grams_of(block: &[u8; 72], count: usize, Filters { eight, four }: Filters<'_>) -> Marks {
    let (words, _) = block.as_chunks::<8>();
    let mut marks = Marks::default();
    let mut word = u64::from_le_bytes(words[0]);
    for (index, next) in words[1..].iter().enumerate().take(count) {
        let next = u64::from_le_bytes(*next);
        let middle = word >> 32 | next << 32;
        let eights = has(eight, place_of_eight(word)) | has(eight, place_of_eight(middle)) << 4;
        let of_four = |gram: u64| has(four, place_of_four(gram as u32));
        let fours = of_four(word)
            | of_four(word >> 8) << 1
            | of_four(word >> 16) << 2
            | of_four(word >> 24) << 3
            | of_four(middle) << 4
            | of_four(middle >> 8) << 5
            | of_four(middle >> 16) << 6
            | of_four(middle >> 24) << 7;
        marks.eight |= u64::from(eights) << (8 * index);
        marks.four |= u64::from(fours) << (8 * index);
        word = next;
    }
    marks
}

#[inline(always)]
fn has(filter: &Filter, (word, bits): (usize, u32)) -> u32 {
    u32::from(filter[word] & bits == bits)
}
