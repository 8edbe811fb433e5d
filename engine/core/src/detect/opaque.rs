//! Opaque tokens: text that reads like a key or like data in disguise, and that no rule has a name for.
//!
//! One says nothing: identifiers look the same. Many of them, on the way out in one conversation, are what a leak in small pieces
//! looks like, whatever service the keys are for. What is counted is in [`tokens`]; how much is too much, the caller says.
//!
//! Cost: one pass, and a few more over the runs of 20 letters and digits and longer.

use std::ops::Range;

use super::validate::validator;

/// Shortest token, in bytes.
const SHORTEST: usize = 20;
/// Bytes of a token that are looked at, and that count at most: what is longer is a file.
const LONGEST: usize = 512;
/// Lengths of hashes in hexadecimal digits; a UUID has 32 without its hyphens.
const HASHES: [usize; 6] = [32, 40, 56, 64, 96, 128];
/// How base64 of pictures and fonts begins.
const MEDIA: [&[u8]; 8] = [b"iVBORw0KGgo", b"9j", b"R0lGOD", b"UklGR", b"d09GM", b"d09GR", b"AAEAAAA", b"JVBERi0"];

/// Runs of 20 and more letters, digits, `-`, `_` and `+` that are random by entropy and characters per token, have letters and digits,
/// and are no hash, no UUID, and no picture, font or PDF in base64. Each is cut to 512 bytes.
pub(crate) fn tokens(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let random = validator("random");
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at + text[at..].iter().position(|byte| is_part(*byte))?;
            let end = text[start..].iter().position(|byte| !is_part(*byte)).map_or(text.len(), |len| start + len);
            // A picture has slashes in it, after which it goes on.
            if is_media(text, start) {
                let is_more = |byte: &u8| is_part(*byte) || matches!(byte, b'/' | b'=');
                at = text[start..].iter().position(|byte| !is_more(byte)).map_or(text.len(), |len| start + len);
                continue;
            }
            at = end;
            let token = start..end.min(start + LONGEST);
            if token.len() >= SHORTEST && is_opaque(&text[token.clone()], random) {
                return Some(token);
            }
        }
        None
    })
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+')
}

fn is_media(text: &[u8], start: usize) -> bool {
    let after_comma = start.checked_sub(1).map(|before| text[before]);
    match after_comma {
        // A JPEG begins with a slash, which is no part of a token.
        Some(b'/') if start > 1 && text[start - 2] == b',' => text[start..].starts_with(b"9j"),
        _ => MEDIA.iter().any(|media| media.len() > 2 && text[start..].starts_with(media)),
    }
}

fn is_opaque(token: &[u8], random: Option<&dyn super::Validator>) -> bool {
    let digits = token.iter().filter(|byte| **byte != b'-').count();
    let is_hex = token.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let has = |test: fn(&u8) -> bool| token.iter().any(test);
    !(is_hex && HASHES.contains(&digits))
        && has(u8::is_ascii_alphabetic)
        && has(u8::is_ascii_digit)
        && random.is_some_and(|random| random.accepts(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        tokens(text.as_bytes()).map(|range| &text[range]).collect()
    }

    #[test]
    fn random_text_counts_and_names_and_hashes_do_not() {
        const KEY: &str = "q7Zp2mXv9KdR4tLw8HsBnE";
        for text in
            [format!("the key is {KEY}."), format!("https://x.example/a?k={KEY}&b=1"), format!("{{\"a\":\"{KEY}\"}}")]
        {
            assert_eq!(found(&text), [KEY], "{text}");
        }
        for text in [
            "q7Zp2mXv9KdR4tLw8Hs",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c442-98fc-1c14-9afb-f4c8996fb924",
            "authentication_handler_configuration_v2_defaults",
            "src/components/HeaderNavigation/MenuItem9.tsx",
            "2024-05-17T10-31-59-000000000-000001",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kg/x8bq2Lw9VnQ4z1Rk7T==",
            "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQEAYABgAAD+2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRof",
            "",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(found(&KEY.repeat(100)), [&KEY.repeat(100)[..LONGEST]]);
    }
}
