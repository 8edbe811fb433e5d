//! Folding: the text as a reader sees it, without what tells look-alikes apart.
//!
//! In one pass: compatibility forms (NFKC), lower case, look-alike letters (UTS 39), no accents, no invisible, tag or
//! bidirectional control characters, one space for any white space. The table is made at build time. Phrases of rules go
//! through the same table, so what matters is only that equal-looking text becomes equal.
//!
//! Bytes that are not UTF-8 are read as Windows-1252, except the segment separator, which stays.

use super::OffsetMap;

include!(concat!(env!("OUT_DIR"), "/fold_table.rs"));

const STRIP: u32 = 1;
const SPACE: u32 = 2;

/// Appends the folded form of `text` to `out`. `at` is where `text` stands in the source that `map` leads back to.
pub(crate) fn fold(text: &[u8], at: usize, out: &mut Vec<u8>, map: &mut OffsetMap) {
    let mut from = 0;
    while let Some(byte) = text.get(from) {
        if *byte < 0x80 {
            // Nearly all text: only its case changes, and any single white space becomes a space.
            let plain = tamiz_simd::fold_plain(&text[from..], out.last() == Some(&b' '), out);
            map.push_copy(at + from, plain);
            from += plain;
            // What stopped it: control characters, or more white space after white space. Both are dropped.
            let after_space = out.last() == Some(&b' ');
            let dropped = |byte: &u8| match byte {
                b'\t'..=b'\r' | b' ' => after_space,
                0..=0x1f | 0x7f => true,
                _ => false,
            };
            from += text[from..].iter().take_while(|byte| dropped(byte)).count();
        } else {
            from += fold_wide(&text[from..], at + from, out, map);
        }
    }
}

/// Folds characters beyond ASCII up to the next ASCII byte; returns how many bytes that were.
fn fold_wide(text: &[u8], at: usize, out: &mut Vec<u8>, map: &mut OffsetMap) -> usize {
    // Characters that stay as they are, are copied together.
    let (mut same, mut from) = (0, 0);
    let copy = |range: std::ops::Range<usize>, out: &mut Vec<u8>, map: &mut OffsetMap| {
        map.push_copy(at + range.start, range.len());
        out.extend_from_slice(&text[range]);
    };
    while from < text.len() && text[from] >= 0x80 {
        let (code, len) = next_char(&text[from..]);
        let entry = entry(code);
        if entry != 0 {
            copy(same..from, out, map);
            match entry {
                STRIP => {}
                SPACE => push_space(at + from, len, out, map),
                pooled => {
                    let (offset, size) = ((pooled >> 8) as usize, (pooled & 0xff) as usize);
                    out.extend_from_slice(&POOL.as_bytes()[offset..offset + size]);
                    map.push_block(at + from, len, size);
                }
            }
            same = from + len;
        }
        from += len;
    }
    copy(same..from, out, map);
    from
}

/// Folds one text after another as a scan does: one stage of it by itself, to measure it or to see what rules look at.
///
/// ```
/// let mut folder = tamiz_core::Folder::default();
/// assert_eq!(folder.fold("Ｉｇｎｏｒｅ\u{200b}  the\nrules".as_bytes()), b"ignore the rules");
/// ```
#[derive(Default)]
pub struct Folder {
    out: Vec<u8>,
    map: OffsetMap,
}

impl std::fmt::Debug for Folder {
    /// Shows sizes, never the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder").field("folded_bytes", &self.out.len()).finish_non_exhaustive()
    }
}

impl Folder {
    /// The folded form of `text`.
    pub fn fold(&mut self, text: &[u8]) -> &[u8] {
        self.out.clear();
        self.map.clear();
        fold(text, 0, &mut self.out, &mut self.map);
        &self.out
    }
}

/// A phrase as it will look in folded text.
pub(crate) fn fold_phrase(phrase: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(phrase.len());
    fold(phrase.as_bytes(), 0, &mut out, &mut OffsetMap::default());
    out
}

fn push_space(at: usize, len: usize, out: &mut Vec<u8>, map: &mut OffsetMap) {
    if out.last() == Some(&b' ') {
        return;
    }
    out.push(b' ');
    map.push_block(at, len, 1);
}

#[inline]
fn entry(code: u32) -> u32 {
    match PAGES.get((code >> 8) as usize) {
        Some(page) => ENTRIES[usize::from(*page) * 256 + (code & 0xff) as usize],
        None => 0,
    }
}

/// No character: the separator.
const NONE: u32 = u32::MAX;

/// The first character, which is none of ASCII, and its length. The separator is a character of its own; other invalid bytes are
/// Windows-1252.
#[inline]
fn next_char(text: &[u8]) -> (u32, usize) {
    let first = text[0];
    let tail = |index: usize| text.get(index).filter(|byte| **byte & 0xc0 == 0x80).map(|byte| u32::from(byte & 0x3f));
    let code = match first {
        0xc2..=0xdf => tail(1).map(|a| (u32::from(first & 0x1f) << 6 | a, 2)),
        0xe0..=0xef => tail(1).zip(tail(2)).map(|(a, b)| (u32::from(first & 0x0f) << 12 | a << 6 | b, 3)),
        0xf0..=0xf4 => {
            let tails = tail(1).zip(tail(2)).zip(tail(3));
            tails.map(|((a, b), c)| (u32::from(first & 0x07) << 18 | a << 12 | b << 6 | c, 4))
        }
        crate::content::SEPARATOR => return (NONE, 1),
        _ => None,
    };
    // Longer than need be, a surrogate, or beyond the last character: no UTF-8.
    let valid = |(code, len): &(u32, usize)| {
        *code >= [0, 0, 0x80, 0x800, 0x1_0000][*len] && !(0xd800..0xe000).contains(code) && *code < 0x11_0000
    };
    code.filter(valid).unwrap_or((u32::from(first), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        String::from_utf8(fold_phrase(text)).expect("UTF-8 stays UTF-8")
    }

    #[test]
    fn equal_looking_text_becomes_equal() {
        for text in [
            "Ignore all previous",
            "IGNORE  ALL\n\tprevious",
            "Ｉｇｎｏｒｅ all previous",
            "Ig\u{200b}no\u{ad}re all\u{a0}previous",
            "Іgnоrе аll рrеvіоus",
            "𝐈𝐠𝐧𝐨𝐫𝐞 𝒶𝓁𝓁 𝔭𝔯𝔢𝔳𝔦𝔬𝔲𝔰",
            "Ïgnöré àll p̴r̸evious",
            "🅘🅖🅝🅞🅡🅔 all previous",
            "ɪɢɴᴏʀᴇ ⒜⒧⒧ ᴘʀᴇᴠɪᴏᴜꜱ",
            "ꓲGꓠꓳꓣꓰ ꓮꓡꓡ ᏢᎡEVꓲꓳUꓢ",
        ] {
            assert_eq!(folded(text), "ignore all previous", "{text}");
        }
        assert_eq!(folded("“Don’t” — ﬁne…"), "\"don't\" - fine...");
        assert_eq!(folded("指示 무시 हिन्दी"), "指示 무시 हिन्दी");
    }

    #[test]
    fn positions_lead_back() {
        let text = "Ｉｇｎｏｒｅ\u{200b} all\n\nﬁne Сat";
        let (mut out, mut map) = (Vec::new(), OffsetMap::default());
        fold(text.as_bytes(), 0, &mut out, &mut map);
        let folded = String::from_utf8(out).expect("UTF-8");
        for (word, source) in [("ignore", "Ｉｇｎｏｒｅ"), ("all", "all"), ("fine", "ﬁne"), ("cat", "Сat")] {
            let at = folded.find(word).unwrap_or_else(|| panic!("{word} in {folded}"));
            assert_eq!(&text[map.source_span(at..at + word.len())], source);
        }
    }

    #[test]
    fn foreign_bytes_are_read_as_windows_1252_and_the_separator_stays() {
        assert_eq!(fold_bytes(b"caf\xe9 \xff X"), b"cafe \xff x");
    }

    fn fold_bytes(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        fold(text, 0, &mut out, &mut OffsetMap::default());
        out
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for code in (0..=0x10_ffff).filter_map(char::from_u32) {
            let once = folded(&format!("a{code}b"));
            assert_eq!(folded(&once), once, "U+{:04X}", u32::from(code));
        }
    }
}
