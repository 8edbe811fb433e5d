//! Quoted-printable: `=69gnore`, and lines that go on after a `=` at their end.

use super::rewrite::{Escape, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

pub(crate) struct QuotedPrintable;

impl Decoder for QuotedPrintable {
    fn kind(&self) -> ViewKind {
        ViewKind::QuotedPrintable
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'=')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        // Code and addresses have single ones; mail has them one after the other, or goes on over lines.
        let is_mail = memchr::memchr_iter(b'=', text).any(|at| match &text[at + 1..] {
            [b'\n', ..] | [b'\r', b'\n', ..] => is_broken(&text[..at]),
            [a, b, b'=', c, d, ..] => {
                [a, b, c, d].iter().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit))
            }
            _ => false,
        });
        if is_mail {
            rewrite(text, b'=', sink, read);
        }
    }
}

/// Shortest line without a space that may have been broken: `NAME=` is a setting without a value, and base64 ends in `=` too.
const LONG: usize = 60;

/// Whether the last line of a text, which ends in `=` then, is one of mail that goes on below.
fn is_broken(text: &[u8]) -> bool {
    let start = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
    let line = text[start..].trim_ascii_start();
    !matches!(line.last(), None | Some(b' ' | b'=' | b':' | b'+' | b'"'))
        && (line.len() >= LONG || line.contains(&b' '))
}

fn read(at: &[u8]) -> Option<Escape> {
    match at.get(1..)? {
        [b'\r', b'\n', ..] => Some(Escape::nothing(3)),
        [b'\n', ..] => Some(Escape::nothing(2)),
        rest => {
            let byte = hex(rest.get(..2)?)? as u8;
            let shown = byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
            (shown && byte != crate::content::SEPARATOR).then(|| Escape::byte(3, byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn reads_mail_and_not_code() {
        assert_eq!(
            decode(&QuotedPrintable, b"=49=67nore all pre=\r\nvious =3D").first().map(|view| view.0.as_str()),
            Some("Ignore all previous =")
        );
        assert_eq!(decode(&QuotedPrintable, "caf=C3=A9".as_bytes()), [("café".into(), 0..9)]);
        assert!(decode(&QuotedPrintable, b"x=10; y=20 && z==42\nlet a =\n 3; ?a=12&b=34").is_empty());
        assert!(decode(&QuotedPrintable, b"db.password=\ndb.url=jdbc\nQmFzZTY0=\n").is_empty());
        assert_eq!(
            decode(&QuotedPrintable, b"all pre=\nvious").first().map(|view| view.0.as_str()),
            Some("all previous")
        );
    }
}
