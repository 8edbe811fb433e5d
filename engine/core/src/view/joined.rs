//! Values that belong together: a secret cut in pieces over neighbouring values of JSON, or over the messages of a conversation.
//!
//! Where a value ends in a token and the next one begins with one, the two are joined, and so on while a value is one token as a
//! whole. One of the pieces must have letters and digits: any few numbers in a row would make one that looks like a card's, and any
//! few words a word.

use std::ops::Range;

use super::DecodeSink;
use crate::content::Document;

/// Shortest piece, in bytes.
const SHORTEST: usize = 4;
/// Longest piece, in bytes: longer ones are joined by this much of them. Also what is carried on to the next message.
const LONGEST: usize = 512;
/// Pieces of a row; a longer row is cut, and goes on with its last piece.
const MOST: usize = 16;

/// Whether a byte may be part of a token.
fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'=' | b'-' | b'.' | b'~')
}

/// What may stand between a token and the end of its value.
fn pads(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`')
}

/// The token a text ends in, at most [`LONGEST`] bytes of it.
fn tail(text: &[u8]) -> Range<usize> {
    let end = text.iter().rposition(|byte| !pads(*byte)).map_or(0, |last| last + 1);
    let len = text[..end].iter().rev().take(LONGEST).take_while(|byte| joins(**byte)).count();
    end - len..end
}

/// The token a text begins with, at most [`LONGEST`] bytes of it.
fn head(text: &[u8]) -> Range<usize> {
    let start = text.iter().take_while(|byte| pads(**byte)).count();
    start..start + text[start..].iter().take(LONGEST).take_while(|byte| joins(**byte)).count()
}

/// What the content ends in, that the next message may go on with.
pub(crate) fn carry(document: &Document, text: &[u8]) -> Vec<u8> {
    let last = document.values().last().map_or(&[][..], |value| &text[value]);
    last[tail(last)].to_vec()
}

/// The pieces of a row so far, in the text.
struct Row<'t> {
    text: &'t [u8],
    /// What the message before ended in; only the first row goes on from it.
    carried: &'t [u8],
    pieces: [(usize, usize); MOST],
    count: usize,
}

impl Row<'_> {
    fn is_empty(&self) -> bool {
        self.count == 0 && self.carried.is_empty()
    }

    fn push(&mut self, piece: Range<usize>, sink: &mut DecodeSink<'_>) {
        if self.count == MOST {
            let last = self.pieces[MOST - 1];
            self.end(sink);
            (self.pieces[0], self.count) = (last, 1);
        }
        self.pieces[self.count] = (piece.start, piece.end);
        self.count += 1;
    }

    /// Writes the row as a view, if it is worth it, and begins another.
    fn end(&mut self, sink: &mut DecodeSink<'_>) {
        let pieces = &self.pieces[..self.count];
        let texts = pieces.iter().map(|(start, end)| &self.text[*start..*end]).chain([self.carried]);
        let mixed = |piece: &[u8]| piece.iter().any(u8::is_ascii_alphabetic) && piece.iter().any(u8::is_ascii_digit);
        let several = self.count + usize::from(!self.carried.is_empty()) > 1;
        if let (true, Some((first, _))) = (several && texts.into_iter().any(mixed), pieces.first()) {
            if !self.carried.is_empty() {
                sink.whole(*first, 0, self.carried.to_vec());
            }
            pieces.iter().for_each(|(start, end)| sink.copy(*start, &self.text[*start..*end]));
            sink.finish();
        }
        (self.count, self.carried) = (0, &[]);
    }
}

/// Writes a view for each row of joined pieces. `carried` is what the message before ended in.
pub(crate) fn join(document: &Document, text: &[u8], carried: &[u8], sink: &mut DecodeSink<'_>) {
    let carried = if carried.len() < SHORTEST { &[] } else { carried };
    let mut row = Row { text, carried, pieces: [(0, 0); MOST], count: 0 };
    for value in document.values() {
        let place = |piece: Range<usize>| value.start + piece.start..value.start + piece.end;
        let (first, last) = (place(head(&text[value.clone()])), place(tail(&text[value.clone()])));
        let goes_on = !row.is_empty() && first.len() >= SHORTEST;
        if goes_on {
            row.push(first.clone(), sink);
        }
        // One token as a whole: the row goes on.
        if !(goes_on && first == last) {
            row.end(sink);
            if last.len() >= SHORTEST {
                row.push(last, sink);
            }
        }
    }
    row.end(sink);
}
