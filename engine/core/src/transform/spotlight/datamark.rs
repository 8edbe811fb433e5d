//! Marks between the words of a text, and the way back.
//!
//! The marker is made of characters from the private-use area. Those of the text itself are written as `\u{e123}` first, so nothing in the
//! text can pass for a mark, and the text comes back exactly. `\u{` that was there is written `\u{5c}u{`. In a JSON string the backslash
//! is written twice, as JSON has it, and a character that was itself an escape (`\ue123`) keeps its digits: `\\u{xe123}`.

use super::{Placement, SpotlightError};

/// Longest run without a mark where marks go between tokens.
const LONGEST_RUN: usize = 6;

/// Bytes marked before more room is made.
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
        if !self.json && self.placement == Placement::Whitespace && self.marker.len() <= 16 {
            self.mark_fast(text, out);
            return;
        }
        let mut at = 0;
        while at < text.len() {
            let unit = self.unit(&text[at..]);
            let whole = &text[at..at + unit.len];
            let space = unit.character.is_whitespace();
            match self.placement {
                Placement::Whitespace if whole == b" " => out.extend_from_slice(self.marker),
                Placement::Whitespace => {
                    if space {
                        out.extend_from_slice(self.marker);
                    }
                    self.write(&unit, whole, &text[at + unit.len..], out);
                }
                Placement::Boundary => {
                    if state.is_boundary(unit.character) {
                        out.extend_from_slice(self.marker);
                    }
                    self.write(&unit, whole, &text[at + unit.len..], out);
                }
            }
            at += unit.len;
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
        let mut to = out.len();
        let mut at = 0;
        while at < text.len() {
            let end = (at + BLOCK).min(text.len());
            let room = to + (end - at + 8) * WORST + 32;
            if out.len() < room {
                out.resize(room.max(to + (text.len() - at) * 5 / 2), 0);
            }
            while at < end {
                let Some(chunk) = text[at..].first_chunk::<8>() else {
                    if is_plain(text[at]) {
                        out[to] = text[at];
                        (at, to) = (at + 1, to + 1);
                    } else {
                        (at, to) = self.special(text, at, out, to, &marker);
                    }
                    continue;
                };
                out[to..to + 8].copy_from_slice(chunk);
                let plain = plain_len(*chunk);
                (at, to) = (at + plain, to + plain);
                if plain < 8 {
                    if text[at] == b' ' {
                        out[to..to + 16].copy_from_slice(&marker);
                        (at, to) = (at + 1, to + self.marker.len());
                    } else {
                        (at, to) = self.special(text, at, out, to, &marker);
                    }
                }
            }
        }
        out.truncate(to);
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
