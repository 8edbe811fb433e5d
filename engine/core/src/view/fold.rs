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
    while from < text.len() {
        let plain = plain_run(&text[from..]);
        if plain > 0 {
            let start = out.len();
            out.extend_from_slice(&text[from..from + plain]);
            out[start..].make_ascii_lowercase();
            map.push_copy(at + from, plain);
            from += plain;
            continue;
        }
        let (code, len) = next_char(&text[from..]);
        match entry(code) {
            0 => {
                out.extend_from_slice(&text[from..from + len]);
                map.push_copy(at + from, len);
            }
            STRIP => {}
            SPACE => push_space(at + from, len, out, map),
            pooled => {
                let (offset, size) = ((pooled >> 8) as usize, (pooled & 0xff) as usize);
                out.extend_from_slice(&POOL.as_bytes()[offset..offset + size]);
                map.push_block(at + from, len, size);
            }
        }
        from += len;
    }
}

/// A phrase as it will look in folded text.
pub(crate) fn fold_phrase(phrase: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(phrase.len());
    fold(phrase.as_bytes(), 0, &mut out, &mut OffsetMap::default());
    out
}

/// Length of the run at the start that folding changes only in case: printable ASCII, no two spaces in a row.
fn plain_run(text: &[u8]) -> usize {
    let mut before_space = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'!'..=b'~' => before_space = false,
            b' ' if !before_space && at > 0 => before_space = true,
            _ => return at,
        }
    }
    text.len()
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
    match code {
        // Runs of spaces: the plain run leaves the second one to this table.
        0x20 => SPACE,
        0xff_ffff => 0,
        _ => ENTRIES[usize::from(PAGES[(code >> 8) as usize]) * 256 + (code & 0xff) as usize],
    }
}

/// The first character and its length. The separator is a character of its own; other invalid bytes are Windows-1252.
fn next_char(text: &[u8]) -> (u32, usize) {
    let first = text[0];
    if first == crate::content::SEPARATOR {
        return (0xff_ffff, 1);
    }
    if first < 0x80 {
        return (u32::from(first), 1);
    }
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let character = text.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|s| s.chars().next());
    match character {
        Some(character) => (u32::from(character), len),
        None => (u32::from(first), 1),
    }
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
