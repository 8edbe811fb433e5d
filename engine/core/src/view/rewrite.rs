//! What decoders of escapes have in common: text in which some places are escaped and the rest stands as it is.
//!
//! The view holds the escapes, decoded, with enough of the text around them for any rule to match across; stretches without
//! escapes are left out, so one `&amp;` in a long page does not double the page.

use super::DecodeSink;

/// Text kept before and after an escape. Rules match at most this much ([`crate::rule::MAX_MATCH_LEN`]).
const CONTEXT: usize = crate::rule::MAX_MATCH_LEN;

/// An escape found in a text.
pub(crate) struct Escape {
    /// Length of its source.
    pub(crate) len: usize,
    bytes: [u8; 8],
    size: u8,
}

impl Escape {
    /// An escape of `len` source bytes that stands for a character.
    pub(crate) fn character(len: usize, character: char) -> Self {
        let mut bytes = [0; 8];
        let size = character.encode_utf8(&mut bytes).len() as u8;
        Self { len, bytes, size }
    }

    /// An escape of `len` source bytes that stands for a byte.
    pub(crate) fn byte(len: usize, byte: u8) -> Self {
        Self { len, bytes: [byte, 0, 0, 0, 0, 0, 0, 0], size: 1 }
    }

    /// An escape that stands for a few bytes; `None` if they are more than eight.
    pub(crate) fn text(len: usize, text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { len, bytes, size: text.len() as u8 })
    }
}

/// Writes views of `text` with every escape that starts with `sign` and that `read` understands undone.
pub(crate) fn rewrite(text: &[u8], sign: u8, sink: &mut DecodeSink<'_>, read: impl Fn(&[u8]) -> Option<Escape>) {
    // End of what has been written of the view being made.
    let mut written: Option<usize> = None;
    let mut search = 0;
    while let Some(at) = memchr::memchr(sign, &text[search..]).map(|found| search + found) {
        let Some(escape) = read(&text[at..]) else {
            search = at + 1;
            continue;
        };
        let from = match written {
            Some(end) if at - end <= 2 * CONTEXT => end,
            Some(end) => {
                sink.copy(end, &text[end..end + CONTEXT]);
                sink.finish();
                at - CONTEXT
            }
            None => at.saturating_sub(CONTEXT),
        };
        sink.copy(from, &text[from..at]);
        let bytes = &escape.bytes[..usize::from(escape.size)];
        let ratio = if bytes.len() == 1 { escape.len.min(255) as u8 } else { 0 };
        sink.decoded(at, escape.len, bytes, ratio, 1);
        search = at + escape.len;
        written = Some(search);
    }
    if let Some(end) = written {
        sink.copy(end, &text[end..text.len().min(end + CONTEXT)]);
        sink.finish();
    }
}

/// A code point in hexadecimal digits.
pub(crate) fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
