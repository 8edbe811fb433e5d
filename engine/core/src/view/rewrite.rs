//! What decoders of escapes have in common: text in which some places are written in another way and the rest stands as it is.
//!
//! The view holds the places, decoded, with enough of the text around them for any rule to match across; stretches without any are
//! left out, so one `&amp;` in a long page does not double the page.

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

    /// An escape of `len` source bytes that stands for nothing.
    pub(crate) fn nothing(len: usize) -> Self {
        Self { len, bytes: [0; 8], size: 0 }
    }

    /// An escape that stands for a few bytes; `None` if they are more than eight.
    pub(crate) fn text(len: usize, text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { len, bytes, size: text.len() as u8 })
    }
}

/// Writes views of a text in which some places are replaced.
pub(crate) struct Rewriter<'r, 'l> {
    text: &'r [u8],
    sink: &'r mut DecodeSink<'l>,
    context: usize,
    /// End of what has been written of the view being made.
    written: Option<usize>,
}

impl<'r, 'l> Rewriter<'r, 'l> {
    /// Starts, with as much of the text around each place as any rule may need.
    pub(crate) fn new(text: &'r [u8], sink: &'r mut DecodeSink<'l>) -> Self {
        Self { text, sink, context: CONTEXT, written: None }
    }

    /// Starts, with less of the text around: for what only matters where words go on across it.
    pub(crate) fn near(text: &'r [u8], sink: &'r mut DecodeSink<'l>) -> Self {
        Self { text, sink, context: 256, written: None }
    }

    /// `len` bytes at `at`, behind all places before, read as `bytes`.
    pub(crate) fn put(&mut self, at: usize, len: usize, bytes: &[u8]) {
        let Self { text, context, .. } = *self;
        let from = match self.written {
            Some(end) if at - end <= 2 * context => end,
            Some(end) => {
                self.sink.copy(end, &text[end..end + context]);
                self.sink.finish();
                at - context
            }
            None => at.saturating_sub(context),
        };
        self.sink.copy(from, &text[from..at]);
        let ratio = if bytes.len() == 1 { u8::try_from(len).unwrap_or(0) } else { 0 };
        self.sink.decoded(at, len, bytes, ratio, 1);
        self.written = Some(at + len);
    }

    /// Writes what follows the last place.
    pub(crate) fn finish(self) {
        if let Some(end) = self.written {
            self.sink.copy(end, &self.text[end..self.text.len().min(end + self.context)]);
            self.sink.finish();
        }
    }
}

/// Writes views of `text` with every escape that starts with `sign` and that `read` understands undone.
pub(crate) fn rewrite(text: &[u8], sign: u8, sink: &mut DecodeSink<'_>, read: impl Fn(&[u8]) -> Option<Escape>) {
    let mut writer = Rewriter::new(text, sink);
    let mut search = 0;
    while let Some(at) = memchr::memchr(sign, &text[search..]).map(|found| search + found) {
        let Some(escape) = read(&text[at..]) else {
            search = at + 1;
            continue;
        };
        writer.put(at, escape.len, &escape.bytes[..usize::from(escape.size)]);
        search = at + escape.len;
    }
    writer.finish();
}

/// A code point in hexadecimal digits.
pub(crate) fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
