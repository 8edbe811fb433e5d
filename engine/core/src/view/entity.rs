//! Character references of HTML and XML: `&#105;gnore`, `&lt;`, `&nbsp;`.

use super::rewrite::{Escape, hex, rewrite};
use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind};

/// The longest name in the HTML standard, with its `&` and `;`.
const LONGEST: usize = 33;

pub(crate) struct HtmlEntity;

impl Decoder for HtmlEntity {
    fn kind(&self) -> ViewKind {
        ViewKind::HtmlEntity
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Byte(b'&')]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        rewrite(encoded.text, b'&', sink, read);
    }
}

/// Reads a reference through any number of `amp;`: text that was encoded several times is read in one go.
fn read(at: &[u8]) -> Option<Escape> {
    let again = at[1..].chunks(4).take(16).take_while(|chunk| chunk == b"amp;").count() * 4;
    let inner = |at: &[u8]| if at.get(1) == Some(&b'#') { numeric(at) } else { named(at) };
    if again > 0 {
        let skipped = [b"&", at.get(1 + again..(1 + again + LONGEST).min(at.len()))?].concat();
        if let Some(mut escape) = inner(&skipped) {
            escape.len += again;
            return Some(escape);
        }
    }
    inner(at)
}

/// `&#105;`, `&#x69;`; the semicolon may be missing, as browsers allow.
fn numeric(at: &[u8]) -> Option<Escape> {
    let (digits_at, is_hex) = match at.get(2)? {
        b'x' | b'X' => (3, true),
        _ => (2, false),
    };
    let is_digit = |byte: &&u8| if is_hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    // Leading zeros may pad a reference to any length; a few are plenty.
    let len = at[digits_at..].iter().take(24).take_while(is_digit).count();
    let digits = &at[digits_at..digits_at + len];
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    let digits = &digits[zeros.min(len.saturating_sub(1))..];
    let code = if is_hex { hex(digits)? } else { std::str::from_utf8(digits).ok()?.parse().ok()? };
    let end = digits_at + len;
    let len = if at.get(end) == Some(&b';') { end + 1 } else { end };
    Some(Escape::character(len, char::from_u32(code).filter(|c| *c != '\0')?))
}

fn named(at: &[u8]) -> Option<Escape> {
    let name = at[1..].iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if name < 2 {
        return None;
    }
    if at.get(1 + name) != Some(&b';') {
        return legacy(&at[..=name]);
    }
    let reference = std::str::from_utf8(&at[..name + 2]).ok()?;
    let decoded = htmlize::unescape(reference);
    (decoded != reference).then(|| Escape::text(reference.len(), decoded.as_bytes()))?
}

/// The longest name among those that need no semicolon; none is longer than six letters.
fn legacy(at: &[u8]) -> Option<Escape> {
    (3..=at.len().min(7)).rev().find_map(|len| {
        let reference = std::str::from_utf8(&at[..len]).ok()?;
        let decoded = htmlize::unescape(reference);
        (decoded.chars().count() == 1).then(|| Escape::text(len, decoded.as_bytes()))?
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_names_and_numbers() {
        let views = decode(&HtmlEntity, b"&#105;&#x67;&#0000110ore&nbsp;all &eacute; &lt;b&gt; AT&T &bogus; a && b");
        assert_eq!(views[0].0, "ignore\u{a0}all é <b> AT&T &bogus; a && b");
        assert_eq!(decode(&HtmlEntity, b"&amp;amp;#105;gnore")[0], ("ignore".into(), 0..19));
        assert_eq!(decode(&HtmlEntity, b"ignore&nbspall&lt")[0].0, "ignore\u{a0}all<");
        assert!(decode(&HtmlEntity, b"AT&T and R&D; x &# &#; &#x;").is_empty());
    }
}
