//! Percent encoding: `%69gnore`.

use super::rewrite::{Escape, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

pub(crate) struct Percent;

impl Decoder for Percent {
    fn kind(&self) -> ViewKind {
        ViewKind::Percent
    }

    fn sign(&self) -> Sign {
        Sign::Byte(b'%')
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        rewrite(encoded.text, b'%', sink, |at| {
            // `%2569` is `%69` encoded once more: read through any number of `25`.
            let again = |from: usize| {
                at.get(from..from + 2) == Some(b"25") && at.get(from + 2..from + 4).and_then(hex).is_some()
            };
            let digits = (1..).step_by(2).take(32).find(|from| !again(*from))?;
            let byte = hex(at.get(digits..digits + 2)?)? as u8;
            // A zero or separator byte is nothing a reader would be shown.
            (byte != 0 && byte != crate::content::SEPARATOR).then(|| Escape::byte(digits + 2, byte))
        });
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
    fn far_apart_escapes_make_two_views() {
        let text = format!("%41{}%42", "x".repeat(20_000));
        let views = decode(&Percent, text.as_bytes());
        assert_eq!(views.len(), 2);
        assert!(views[1].0.ends_with("xB"));
        assert_eq!(views[1].1.end, text.len());
    }
}
