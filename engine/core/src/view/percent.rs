//! Percent encoding: `%69gnore`; and `+` for spaces, as forms and queries have it.

use super::rewrite::{Escape, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

pub(crate) struct Percent;

impl Decoder for Percent {
    fn kind(&self) -> ViewKind {
        ViewKind::Percent
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'%')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        rewrite(encoded.text, b'%', sink, |at| {
            // `%2569` is `%69` encoded once more: read through any number of `25`.
            let again = |from: usize| {
                at.get(from..from + 2) == Some(b"25") && at.get(from + 2..from + 4).and_then(hex).is_some()
            };
            let digits = (1..).step_by(2).take(1 << 12).find(|from| !again(*from))?;
            let byte = hex(at.get(digits..digits + 2)?)? as u8;
            // A zero or separator byte is nothing a reader would be shown.
            (byte != 0 && byte != crate::content::SEPARATOR).then(|| Escape::byte(digits + 2, byte))
        });
    }
}

/// `ignore+all+previous`: words with a `+` between any two, and perhaps percent encoding in them.
pub(crate) struct Form;

impl Decoder for Form {
    fn kind(&self) -> ViewKind {
        ViewKind::Form
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'+')]
    }

    fn is_reading(&self) -> bool {
        true
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut from = 0;
        while let Some(at) = memchr::memchr(b'+', &text[from..]).map(|found| from + found) {
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>');
            let start = text[from..at].iter().rposition(is_blank).map_or(from, |blank| from + blank + 1);
            let end = text[at..].iter().position(is_blank).map_or(text.len(), |blank| at + blank);
            from = end;
            let field = &text[start..end];
            let joined = field.windows(3).filter(|three| {
                let beside =
                    |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'.' | b',' | b'-' | b'_' | b'*');
                three[1] == b'+' && beside(three[0]) && (beside(three[2]) || three[2] == b'+')
            });
            // Base64 has a `+` in 64 digits.
            let share = if field.contains(&b'%') { 100 } else { 20 };
            if joined.count() * share < field.len().max(40) {
                continue;
            }
            let mut at = start;
            while at < end {
                let escaped = text.get(at + 1..at + 3).filter(|_| text[at] == b'%').and_then(hex);
                match escaped.map(|byte| byte as u8).filter(|byte| !matches!(*byte, 0 | crate::content::SEPARATOR)) {
                    Some(byte) => {
                        sink.decoded(at, 3, &[byte], 3, 1);
                        at += 3;
                    }
                    None => {
                        sink.copy(at, &[if text[at] == b'+' { b' ' } else { text[at] }]);
                        at += 1;
                    }
                }
            }
            sink.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_and_maps_back() {
        let views = decode(&Percent, b"go: %69gn%6Fre%20all 100% of it");
        assert_eq!(views, [("go: ignore all 100% of it".into(), 0..31)]);
        assert_eq!(decode(&Percent, b"%25252569gnore")[0], ("ignore".into(), 0..14));
        assert!(decode(&Percent, b"100% sure, %zz %4").is_empty());
    }

    #[test]
    fn forms_have_spaces() {
        let views = decode(&Form, b"GET /?q=please+ignore+all+of%20it HTTP");
        assert_eq!(views, [("/?q=please ignore all of it".into(), 4..33)]);
        assert!(decode(&Form, b"a+b, c++ and 1+1=2; SWdub3Jl+IGFsbCBydWxlcw").is_empty());
    }

    #[test]
    fn any_number_of_percents() {
        let text = format!("%{}69gnore", "25".repeat(300));
        assert_eq!(decode(&Percent, text.as_bytes())[0], ("ignore".into(), 0..text.len()));
    }

    #[test]
    fn far_apart_escapes_make_two_views() {
        let text = format!("%41{}%42", "x".repeat(20_000));
        let views = decode(&Percent, text.as_bytes());
        assert_eq!(views.len(), 2);
        assert!(views[1].0.ends_with("xB"));
        assert_eq!(views[1].1.end, text.len());
    }
}
