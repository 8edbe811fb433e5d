//! Marks between the words of a text, and the way back.
//!
//! The marker is made of characters from the private-use area. Those of the text itself are written as `\u{e123}` first, so nothing in the
//! text can pass for a mark, and the text comes back exactly. `\u{` that was there is written `\u{5c}u{`. In a JSON string the backslash
//! is written twice, as JSON has it, and a character that was itself an escape (`\ue123`) keeps its digits: `\\u{xe123}`.

use super::{Placement, SpotlightError};

/// Longest run without a mark where marks go between tokens.
const LONGEST_RUN: usize = 6;

/// Bytes marked before they are written out: what they become stays in the processor's cache.
const BLOCK: usize = 4 << 10;
/// A byte becomes at most a mark and itself, or an escape.
const WORST: usize = 17;

/// What stands before a character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    run: usize,
    before: Class,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Class {
    #[default]
    Start,
    Space,
    Upper,
    Lower,
    Digit,
    /// Of a script without spaces: every character is a token.
    Ideograph,
    Sign,
}

/// How a text is marked.
#[derive(Clone, Copy)]
pub(super) struct Datamark<'m> {
    /// At most 15 bytes.
    pub(super) marker: &'m [u8],
    pub(super) placement: Placement,
    /// The text is what stands between the quotes of a JSON string.
    pub(super) json: bool,
}

/// A character of a text, or an escape of a JSON string, which is one as well.
struct Unit {
    len: usize,
    character: char,
    escape: bool,
}

impl Datamark<'_> {
    /// Writes `text`, which is UTF-8, with its marks.
    pub(super) fn mark(self, text: &[u8], state: &mut State, out: &mut Vec<u8>) {
        match self.placement {
            _ if self.json || self.marker.len() > 16 => self.mark_slow(text, state, out),
            Placement::Whitespace => self.mark_fast(text, out),
            Placement::Boundary => self.mark_boundaries(text, state, out),
        }
    }

    /// One character after the other.
    fn mark_slow(self, text: &[u8], state: &mut State, out: &mut Vec<u8>) {
        let mut at = 0;
        while at < text.len() {
            at += self.mark_one(text, at, state, out);
        }
    }

    /// Marks one character. Returns how many bytes it has.
    fn mark_one(self, text: &[u8], at: usize, state: &mut State, out: &mut Vec<u8>) -> usize {
        let unit = self.unit(&text[at..]);
        let whole = &text[at..at + unit.len];
        let marked = match self.placement {
            Placement::Whitespace => unit.character.is_whitespace(),
            Placement::Boundary => state.is_boundary(unit.character),
        };
        if marked {
            out.extend_from_slice(self.marker);
        }
        if self.placement == Placement::Boundary || whole != b" " {
            self.write(&unit, whole, &text[at + unit.len..], out);
        }
        unit.len
    }

    /// Eight bytes at a time, as long as they are ASCII without backslashes: the classes of all eight are found at once.
    fn mark_boundaries(self, text: &[u8], state: &mut State, out: &mut Vec<u8>) {
        let mut marker = [0; 16];
        marker[..self.marker.len()].copy_from_slice(self.marker);
        let mut walk = Walk::new(*state);
        let mut other = Vec::new();
        let mut block = room(text);
        let mut at = 0;
        while at < text.len() {
            let end = (at + BLOCK).min(text.len());
            let mut to = 0;
            while at < end {
                if let Some(chunk) = text[at..].first_chunk::<8>()
                    && let Some((starts, spaces)) = walk.classes(*chunk)
                {
                    to = self.eight(*chunk, (starts, spaces), &mut walk, (&mut block, to), &marker);
                    at += 8;
                    continue;
                }
                other.clear();
                let mut one = walk.state();
                at += self.mark_one(text, at, &mut one, &mut other);
                block[to..to + other.len()].copy_from_slice(&other);
                to += other.len();
                walk = Walk::new(one);
            }
            out.extend_from_slice(&block[..to]);
        }
        *state = walk.state();
    }

    /// Writes eight plain bytes with their marks; returns where the next ones go.
    fn eight(
        self,
        chunk: [u8; 8],
        (mut starts, spaces): (u64, u64),
        walk: &mut Walk,
        (out, mut to): (&mut [u8], usize),
        marker: &[u8; 16],
    ) -> usize {
        let word = u64::from_le_bytes(chunk);
        let mut from = 0;
        loop {
            let start = starts.trailing_zeros() as usize / 8;
            let mut mark = start;
            if walk.limit < start {
                // A run that is long enough is cut, but not in the white space behind it.
                if spaces >> (8 * walk.limit) & 0x80 != 0 {
                    walk.limit = FAR;
                    continue;
                }
                mark = walk.limit;
            }
            out[to..to + 8].copy_from_slice(&(word >> (8 * from)).to_le_bytes());
            if mark >= 8 {
                walk.limit = if walk.limit == FAR { FAR } else { walk.limit - 8 };
                return to + 8 - from;
            }
            to += mark - from;
            out[to..to + 16].copy_from_slice(marker);
            to += self.marker.len();
            (from, walk.limit) = (mark, mark + LONGEST_RUN);
            if mark == start {
                starts &= starts - 1;
            }
        }
    }

    fn unit(self, text: &[u8]) -> Unit {
        if self.json && text[0] == b'\\' {
            let (character, len) = match text.get(1) {
                Some(b'u') => {
                    let (first, second) = (unit16(text), text.get(6..).and_then(unit16));
                    // A pair is one character: a mark between its halves would leave two that are none.
                    match char::decode_utf16(first.into_iter().chain(second)).next() {
                        Some(Ok(character)) => (character, if u32::from(character) > 0xffff { 12 } else { 6 }),
                        _ => (char::REPLACEMENT_CHARACTER, 6),
                    }
                }
                Some(b'n' | b't' | b'r' | b'f') => ('\n', 2),
                Some(b'b') => ('\u{8}', 2),
                Some(other) => (char::from(*other), 2),
                None => ('\\', 1),
            };
            return Unit { len: len.min(text.len()), character, escape: true };
        }
        let (character, len) = character(text);
        Unit { len, character, escape: false }
    }

    fn write(self, unit: &Unit, whole: &[u8], rest: &[u8], out: &mut Vec<u8>) {
        let lead: &[u8] = if self.json { b"\\\\u{" } else { b"\\u{" };
        if is_private(unit.character) {
            out.extend_from_slice(lead);
            if unit.escape {
                out.push(b'x');
                out.extend_from_slice(&whole[2..]);
            } else {
                out.extend_from_slice(format!("{:x}", u32::from(unit.character)).as_bytes());
            }
            out.push(b'}');
        } else if rest.starts_with(b"u{") && whole == &lead[..lead.len() - 2] {
            out.extend_from_slice(lead);
            out.extend_from_slice(b"5c}");
        } else {
            out.extend_from_slice(whole);
        }
    }

    /// Eight bytes at a time, as long as they are plain: most of a text is.
    fn mark_fast(self, text: &[u8], out: &mut Vec<u8>) {
        let mut marker = [0; 16];
        marker[..self.marker.len()].copy_from_slice(self.marker);
        let mut block = room(text);
        let mut at = 0;
        while at < text.len() {
            let end = (at + BLOCK).min(text.len());
            let mut to = 0;
            while at < end {
                let Some(chunk) = text[at..].first_chunk::<8>() else {
                    if is_plain(text[at]) {
                        block[to] = text[at];
                        (at, to) = (at + 1, to + 1);
                    } else {
                        (at, to) = self.special(text, at, &mut block, to, &marker);
                    }
                    continue;
                };
                block[to..to + 8].copy_from_slice(chunk);
                let plain = plain_len(*chunk);
                (at, to) = (at + plain, to + plain);
                if plain < 8 {
                    if text[at] == b' ' {
                        block[to..to + 16].copy_from_slice(&marker);
                        (at, to) = (at + 1, to + self.marker.len());
                    } else {
                        (at, to) = self.special(text, at, &mut block, to, &marker);
                    }
                }
            }
            out.extend_from_slice(&block[..to]);
        }
    }

    /// One character that is not plain. Returns where to go on in both texts.
    fn special(self, text: &[u8], at: usize, out: &mut [u8], to: usize, marker: &[u8; 16]) -> (usize, usize) {
        let unit = self.unit(&text[at..]);
        let whole = &text[at..at + unit.len];
        let mut to = to;
        if unit.character.is_whitespace() {
            out[to..to + 16].copy_from_slice(marker);
            to += self.marker.len();
            if whole == b" " {
                return (at + 1, to);
            }
        }
        if is_private(unit.character) || unit.character == '\\' {
            let mut written = Vec::with_capacity(8);
            self.write(&unit, whole, &text[at + unit.len..], &mut written);
            out[to..to + written.len()].copy_from_slice(&written);
            return (at + unit.len, to + written.len());
        }
        out[to..to + unit.len].copy_from_slice(whole);
        (at + unit.len, to + unit.len)
    }

    /// Takes the marks out again.
    pub(super) fn undo(self, marked: &[u8], out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        let lead: &[u8] = if self.json { b"\\\\u{" } else { b"\\u{" };
        let mut at = 0;
        while at < marked.len() {
            let rest = &marked[at..];
            if rest.starts_with(self.marker) {
                at += self.marker.len();
                let spaced = marked.get(at..).filter(|rest| !rest.is_empty()).is_some_and(|rest| {
                    let unit = self.unit(rest);
                    unit.character.is_whitespace() && !rest.starts_with(b" ")
                });
                if self.placement == Placement::Whitespace && !spaced {
                    out.push(b' ');
                }
                continue;
            }
            if rest.starts_with(lead) {
                let body = &rest[lead.len()..];
                let len = body.iter().take(8).position(|byte| *byte == b'}').ok_or(SpotlightError::NotMarked)?;
                restore(&body[..len], &lead[..lead.len() - 2], out)?;
                at += lead.len() + len + 1;
                continue;
            }
            let unit = self.unit(rest);
            if is_private(unit.character) {
                return Err(SpotlightError::NotMarked);
            }
            out.extend_from_slice(&rest[..unit.len]);
            at += unit.len;
        }
        Ok(())
    }
}

/// Room for a block of a text and all that can be put into it.
fn room(text: &[u8]) -> Vec<u8> {
    vec![0; (text.len().min(BLOCK) + 8) * WORST + 32]
}

/// Writes what an escape stands for.
fn restore(body: &[u8], backslash: &[u8], out: &mut Vec<u8>) -> Result<(), SpotlightError> {
    let hexadecimal = |digits: &[u8]| {
        let code = std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
        code.and_then(char::from_u32)
    };
    match body {
        b"5c" => out.extend_from_slice(backslash),
        [b'x', digits @ ..] if digits.len() == 4 && hexadecimal(digits).is_some_and(is_private) => {
            out.extend_from_slice(b"\\u");
            out.extend_from_slice(digits);
        }
        digits => match hexadecimal(digits).filter(|character| is_private(*character)) {
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return Err(SpotlightError::NotMarked),
        },
    }
    Ok(())
}

/// No limit: white space came after the last run.
const FAR: usize = usize::MAX;
/// The highest bit of every byte.
const HIGH: u64 = (u64::MAX / 255) << 7;

/// Where [`Datamark::mark_boundaries`] is.
struct Walk {
    /// In how many bytes a run is long enough.
    limit: usize,
    /// The class of the last byte, as the highest bit of the lowest byte: lower, upper, digit, sign.
    before: [u64; 4],
    last: Class,
}

impl Walk {
    fn new(state: State) -> Self {
        let is = |class| if state.before == class { 0x80 } else { 0 };
        let limit = if state.before == Class::Space { FAR } else { LONGEST_RUN.saturating_sub(state.run) };
        let before = [is(Class::Lower), is(Class::Upper), is(Class::Digit), is(Class::Sign)];
        Self { limit, before, last: state.before }
    }

    fn state(&self) -> State {
        let [lower, upper, digit, sign] = self.before;
        let before = match () {
            () if lower != 0 => Class::Lower,
            () if upper != 0 => Class::Upper,
            () if digit != 0 => Class::Digit,
            () if sign != 0 => Class::Sign,
            // Nothing was walked over, or white space was the last of it.
            () => self.last,
        };
        State { run: if self.limit == FAR { 1 } else { LONGEST_RUN.saturating_sub(self.limit) }, before }
    }

    /// Where among eight bytes a run begins, and which are white space; `None` if one is a backslash or not ASCII.
    fn classes(&mut self, chunk: [u8; 8]) -> Option<(u64, u64)> {
        let word = u64::from_le_bytes(chunk);
        // Bytes are below 128, so nothing is carried from one to the next.
        let ones = u64::MAX / 255;
        let between = |from: u8, to: u8| {
            (word.wrapping_add(ones * u64::from(0x80 - from)) & !word.wrapping_add(ones * u64::from(0x7f - to))) & HIGH
        };
        if word & HIGH != 0 || between(b'\\', b'\\') != 0 {
            return None;
        }
        let (lower, upper, digit) = (between(b'a', b'z'), between(b'A', b'Z'), between(b'0', b'9'));
        let space = between(b'\t', b'\r') | between(b' ', b' ');
        let sign = HIGH & !(lower | upper | digit | space);
        let after = |class: u64, before: u64| class << 8 | before;
        let [was_lower, was_upper, was_digit, was_sign] = self.before;
        let after_upper = after(upper, was_upper);
        let starts = (lower & !(after(lower, was_lower) | after_upper))
            | (upper & !after_upper)
            | (digit & !after(digit, was_digit))
            | (sign & !after(sign, was_sign));
        self.before = [lower >> 56, upper >> 56, digit >> 56, sign >> 56];
        if space >> 56 != 0 {
            self.last = Class::Space;
        }
        Some((starts, space))
    }
}

impl State {
    /// Whether a mark goes before `character`, which is the next one.
    fn is_boundary(&mut self, character: char) -> bool {
        use Class::{Digit, Ideograph, Lower, Sign, Space, Start, Upper};
        let class = match character {
            _ if character.is_whitespace() => Space,
            '0'..='9' => Digit,
            // CJK, kana, Hangul, Thai, Lao, Khmer, Myanmar.
            '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' => {
                Ideograph
            }
            '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                Ideograph
            }
            _ if character.is_uppercase() => Upper,
            _ if character.is_alphabetic() => Lower,
            _ => Sign,
        };
        let changes = match (self.before, class) {
            (_, Space) | (Upper, Lower) => false,
            (Start, _) | (_, Ideograph) => true,
            (before, class) => before != class,
        };
        self.before = class;
        let boundary = changes || self.run >= LONGEST_RUN && class != Space;
        self.run = if boundary || class == Space { 1 } else { self.run + 1 };
        boundary
    }
}

/// The number of a `\uXXXX` escape at the start of a text.
fn unit16(text: &[u8]) -> Option<u16> {
    let digits = text.get(..6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The private-use characters that markers are made of: all of the basic plane.
pub(super) fn is_private(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

fn is_plain(byte: u8) -> bool {
    byte > b' ' && byte < 0x80 && byte != b'\\'
}

/// Bytes at the start that are neither white space, control characters, backslashes nor outside ASCII.
fn plain_len(chunk: [u8; 8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(chunk);
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & (ONES << 7);
    // A borrow can mark a byte for nothing, but only above one that is marked for something.
    let special = below(word, 0x21) | below(word ^ (ONES * u64::from(b'\\')), 1) | (word & (ONES << 7));
    special.trailing_zeros() as usize / 8
}

/// The first character of a text that is UTF-8, and its length.
fn character(text: &[u8]) -> (char, usize) {
    let len = match text[0] {
        0..0x80 => return (char::from(text[0]), 1),
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let whole = &text[..len.min(text.len())];
    let character = std::str::from_utf8(whole).ok().and_then(|text| text.chars().next());
    (character.unwrap_or(char::REPLACEMENT_CHARACTER), whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of all classes, in every order.
    fn texts() -> impl Iterator<Item = String> {
        const PARTS: [&str; 22] = [
            "word",
            "a",
            "Longest",
            "WORDS",
            "X",
            "19",
            "2026-11-23",
            " ",
            "  ",
            "\n",
            "\t ",
            "\u{c}",
            "\u{b}",
            "\u{1f}",
            ", ",
            "\\u{41}",
            "\\",
            "caf\u{e9}",
            "\u{411}\u{43e}\u{442}",
            "\u{5bb6}\u{65cf}",
            "\u{e123}",
            "\u{1f600}\u{a0}",
        ];
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |limit: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % limit
        };
        (0..4_000).map(move |_| (0..next(40)).map(|_| PARTS[next(PARTS.len())]).collect())
    }

    #[test]
    fn eight_bytes_at_a_time_are_marked_as_one_character_after_the_other() {
        let marker = "\u{e1f3}\u{ea07}".as_bytes();
        for placement in [Placement::Whitespace, Placement::Boundary] {
            let how = Datamark { marker, placement, json: false };
            for text in texts() {
                let (mut fast, mut slow) = (Vec::new(), Vec::new());
                let (mut fast_state, mut slow_state) = (State::default(), State::default());
                how.mark(text.as_bytes(), &mut fast_state, &mut fast);
                how.mark_slow(text.as_bytes(), &mut slow_state, &mut slow);
                assert_eq!(String::from_utf8_lossy(&fast), String::from_utf8_lossy(&slow), "{text:?}");
                // In two parts, as a stream has them.
                let cut = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                let (mut parts, mut state) = (Vec::new(), State::default());
                how.mark(&text.as_bytes()[..cut], &mut state, &mut parts);
                how.mark(&text.as_bytes()[cut..], &mut state, &mut parts);
                // A backslash at the cut is held back by who cuts.
                let held = ["\\", "\\u"].iter().any(|end| text[..cut].ends_with(end));
                assert!(parts == slow || held, "{text:?} at {cut}");
            }
        }
    }
}
