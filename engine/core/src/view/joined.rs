//! Values that belong together: a secret cut in pieces over neighbouring values of JSON, or over the messages of a conversation.
//!
//! Where a value ends in a token and the next one begins with one, the two are joined, and so on while a value is one token as a
//! whole. Digits alone are not joined: any few numbers in a row would make one that looks like a card's.

use std::ops::Range;

use super::DecodeSink;
use crate::content::Document;

/// Shortest piece, in bytes.
const SHORTEST: usize = 4;
/// Longest piece, in bytes: longer ones are joined by this much of them. Also what is carried on to the next message.
pub(crate) const LONGEST: usize = 512;

/// Whether a byte may be part of a token.
fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'=' | b'-' | b'.' | b'~')
}

/// The token a text ends in, white space and quotes after it left out; at most [`LONGEST`] bytes.
fn tail(text: &[u8]) -> Range<usize> {
    let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`'));
    let end = end.map_or(0, |last| last + 1);
    let len = text[..end].iter().rev().take(LONGEST).take_while(|byte| joins(**byte)).count();
    end - len..end
}

/// The token a text begins with, at most [`LONGEST`] bytes of it.
fn head(text: &[u8]) -> Range<usize> {
    let start = text.iter().take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`')).count();
    start..start + text[start..].iter().take(LONGEST).take_while(|byte| joins(**byte)).count()
}

/// What the content ends in, that the next message may go on with.
pub(crate) fn carry(document: &Document, text: &[u8]) -> Vec<u8> {
    let last = document.values().last().map_or(&[][..], |(_, value)| &text[value]);
    last[tail(last)].to_vec()
}

/// Writes a view for each row of joined pieces. `before` is what the message before ended in.
pub(crate) fn join(document: &Document, text: &[u8], before: &[u8], sink: &mut DecodeSink<'_>) {
    // The pieces of the row so far, in the text.
    let mut row: Vec<Range<usize>> = Vec::new();
    let mut carried = before;
    let mut end = |row: &mut Vec<Range<usize>>, carried: &[u8]| {
        let pieces = row.iter().map(|piece| &text[piece.clone()]).chain([carried]);
        let worth_it = row.len() + usize::from(!carried.is_empty()) > 1
            && pieces.clone().any(|piece| piece.iter().any(u8::is_ascii_alphabetic))
            && pieces.flatten().any(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'+' | b'/'));
        if let (true, Some(first)) = (worth_it, row.first()) {
            if !carried.is_empty() {
                sink.whole(first.start, 0, carried.to_vec());
            }
            row.iter().for_each(|piece| sink.copy(piece.start, &text[piece.clone()]));
            sink.finish();
        }
        row.clear();
    };
    let place = |value: &Range<usize>, piece: Range<usize>| value.start + piece.start..value.start + piece.end;
    for (_, value) in document.values() {
        let (first, last) = (head(&text[value.clone()]), tail(&text[value.clone()]));
        let goes_on = !(row.is_empty() && carried.is_empty()) && first.len() >= SHORTEST;
        if goes_on {
            row.push(place(&value, first.clone()));
        }
        // One token as a whole: the row goes on.
        if !(goes_on && first == last) {
            end(&mut row, carried);
            carried = &[];
            if last.len() >= SHORTEST {
                row.push(place(&value, last));
            }
        }
    }
    end(&mut row, carried);
}
