//! UTF-8 read as if it were another encoding. Texts of plain ASCII are the same in all of them, and left out.

use encoding_rs::{BIG5, Encoding, GBK, SHIFT_JIS, WINDOWS_1252};

use super::Technique;

pub(super) const ALL: &[Technique] = &[
    Technique { name: "mojibake-latin1", apply: |text, _| changed(text, text.bytes().map(char::from).collect()) },
    Technique { name: "mojibake-cp1252", apply: |text, _| misread(text, WINDOWS_1252) },
    Technique { name: "mojibake-gbk", apply: |text, _| misread(text, GBK) },
    Technique { name: "mojibake-big5", apply: |text, _| misread(text, BIG5) },
    Technique { name: "mojibake-shift-jis", apply: |text, _| misread(text, SHIFT_JIS) },
    Technique { name: "mojibake-twice", apply: |text, _| misread(&misread(text, WINDOWS_1252)?, WINDOWS_1252) },
];

fn misread(text: &str, encoding: &'static Encoding) -> Option<String> {
    let (read, lost) = encoding.decode_without_bom_handling(text.as_bytes());
    // What the misreading loses, nobody can read any more.
    if lost { None } else { changed(text, read.into_owned()) }
}

/// Only what has enough other letters to be changed.
fn changed(text: &str, read: String) -> Option<String> {
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    (others >= 4 && read != text).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(misread("Prácticas ñññ", GBK).as_deref(), Some("Pr谩cticas 帽帽帽"));
        assert_eq!(misread("é’é’", WINDOWS_1252).as_deref(), Some("Ã©â€™Ã©â€™"));
        assert!(misread("plain", GBK).is_none());
    }
}
