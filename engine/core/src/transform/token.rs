//! Sealed values as text: `[sealed:KEY:LETTERS]`.
//!
//! The letters are `a` to `p`, four bits each. Base64 would be a third shorter, but looks like a credential to every scanner, this
//! one included; letters without digits do not, need no escaping in JSON, URLs or HTML, and survive a change of case.

use std::ops::Range;

use super::key::is_id;

const OPEN: &[u8] = b"[sealed:";

/// How a value was written where it was taken out, so that it can be put back there, or elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Bytes to be put back as they are, wherever that is.
    Exact = 0,
    /// Plain text.
    Text = 1,
    /// Part of a JSON string, with its escapes.
    JsonString = 2,
    /// A JSON number; the quotes around the token are part of it.
    JsonNumber = 3,
}

impl Origin {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Exact, Self::Text, Self::JsonString, Self::JsonNumber].into_iter().find(|origin| *origin as u8 == byte)
    }
}

/// Bytes as letters.
pub(super) fn letters(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half)).collect()
}

fn bytes(letters: &[u8]) -> Option<Vec<u8>> {
    let half = |letter: u8| match letter.to_ascii_lowercase() {
        letter @ b'a'..=b'p' => Some(letter - b'a'),
        _ => None,
    };
    let pair = |pair: &[u8]| Some(half(pair[0])? << 4 | half(pair[1])?);
    if letters.len() % 2 == 1 {
        return None;
    }
    letters.chunks_exact(2).map(pair).collect()
}

/// The token of a sealed value.
pub(super) fn write(key: &str, sealed: &[u8]) -> String {
    format!("[sealed:{key}:{}]", letters(sealed))
}

/// A token found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) range: Range<usize>,
    pub(super) key: &'t str,
    pub(super) sealed: Vec<u8>,
}

/// All that have the form of a token, in order.
pub(super) fn find(text: &[u8]) -> impl Iterator<Item = Token<'_>> {
    memchr::memmem::find_iter(text, OPEN).filter_map(|start| {
        let rest = &text[start + OPEN.len()..];
        let colon = rest.iter().take(33).position(|byte| *byte == b':')?;
        let (key, body) = (&rest[..colon], &rest[colon + 1..]);
        let len = body.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if !is_id(key) || body.get(len) != Some(&b']') {
            return None;
        }
        let range = start..start + OPEN.len() + colon + 1 + len + 1;
        Some(Token { range, key: std::str::from_utf8(key).ok()?, sealed: bytes(&body[..len])? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let token = write("k1", &[0, 255, 0x12]);
        assert_eq!(token, "[sealed:k1:aappbc]");
        let text =
            format!("a [sealed: [sealed:k1:a] {token}{} b", token.to_uppercase().replace("SEALED:K1", "sealed:k1"));
        let found: Vec<Token<'_>> = find(text.as_bytes()).collect();
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|token| token.key == "k1" && token.sealed == [0, 255, 0x12]));
        assert_eq!(&text[found[0].range.clone()], token);
        assert_eq!(find(b"[sealed:k:aq][sealed:K:aa][sealed:k:aa").count(), 0);
    }
}
