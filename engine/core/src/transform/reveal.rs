//! Opens what was sealed.

use std::borrow::Cow;
use std::fmt;

use super::key::TransformKey;
use super::token::{self, Origin, Token};
use super::treat::{write_json, write_utf16};
use crate::content::{Content, Document, Form, Format, Site, plain};
use crate::limits::Limits;
use crate::verdict::Coverage;

/// A content with its tokens opened. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revealed {
    /// The content.
    pub content: Vec<u8>,
    /// Tokens that were opened.
    pub opened: usize,
    /// Tokens that were left as they are: of another key or tenant, or changed on the way.
    pub refused: usize,
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Revealed");
        shown.field("content_bytes", &self.content.len());
        shown.field("opened", &self.opened).field("refused", &self.refused).finish()
    }
}

/// Puts the values of all tokens back that one of `keys` opens.
///
/// In the content that the tokens were made in, read as the same format and under the same limits, that gives the bytes that were
/// there. Elsewhere, in the answer of a model, say, values are written the way their new surroundings are: escaped in a JSON string,
/// unescaped in a text.
#[must_use]
pub fn reveal(content: &Content<'_>, limits: &Limits, keys: &[TransformKey]) -> Revealed {
    let body = content.body;
    let mut revealed = Revealed { content: Vec::with_capacity(body.len()), opened: 0, refused: 0 };
    let wide = matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    // A content with the mark of UTF-16 may have been read as bytes all the same: lines of JSON Lines are.
    let narrow = if wide { narrow(body) } else { Vec::new() };
    let wide = token::find(&narrow).map(|token| {
        let range = 2 + 2 * token.range.start..2 + 2 * token.range.end;
        Token { range, ..token }
    });
    let mut tokens: Vec<Token<'_>> = token::find(body).chain(wide).collect();
    tokens.sort_by_key(|token| token.range.start);
    let mut document = None;
    let mut copied = 0;
    for token in tokens {
        let keys = keys.iter().filter(|key| key.id() == token.key);
        let opened = keys.filter_map(|key| key.open(&token.sealed)).next();
        let Some((origin, value)) = opened.as_deref().and_then(|opened| opened.split_first()) else {
            revealed.refused += 1;
            continue;
        };
        let Some(origin) = Origin::from_byte(*origin) else {
            revealed.refused += 1;
            continue;
        };
        // Only where there is something to open.
        let document = document.get_or_insert_with(|| {
            let mut document = Document::default();
            document.read(content, limits, &mut Coverage::new(0));
            document
        });
        let mut range = token.range;
        let site = document.sites(&range, body).into_iter().next();
        let form = match (&site, document.format()) {
            (Some(site), _) => site.form,
            (None, Format::Text) => Form::Text,
            (None, _) => Form::JsonString,
        };
        let alone = site.is_some_and(|Site { range: whole, .. }| whole == range);
        if origin == Origin::JsonNumber && form == Form::JsonString && alone {
            range = range.start - 1..range.end + 1;
        }
        revealed.content.extend_from_slice(&body[copied..range.start]);
        write(origin, value, form, &mut revealed.content);
        copied = range.end;
        revealed.opened += 1;
    }
    revealed.content.extend_from_slice(&body[copied..]);
    revealed
}

fn write(origin: Origin, value: &[u8], form: Form, out: &mut Vec<u8>) {
    let in_json = matches!(form, Form::JsonString | Form::JsonName);
    let text = match (origin, form) {
        (Origin::Exact | Origin::JsonNumber, _) => return out.extend_from_slice(value),
        (Origin::JsonString, _) if in_json => return out.extend_from_slice(value),
        (Origin::Text, Form::Text | Form::JsonNumber) => return out.extend_from_slice(value),
        (Origin::JsonString, _) => plain(value),
        (Origin::Text, _) => Cow::Borrowed(value),
    };
    match form {
        Form::JsonString | Form::JsonName => write_json(&String::from_utf8_lossy(&text), out),
        Form::Utf16 { big_endian } => write_utf16(&String::from_utf8_lossy(&text), big_endian, out),
        Form::Text | Form::JsonNumber => out.extend_from_slice(&text),
    }
}

/// UTF-16 after its mark as one byte a unit: what is not ASCII does not matter here.
fn narrow(body: &[u8]) -> Vec<u8> {
    let big_endian = body[0] == 0xfe;
    let unit = |pair: &[u8]| match pair {
        [0, byte] if big_endian && byte.is_ascii() => *byte,
        [byte, 0] if !big_endian && byte.is_ascii() => *byte,
        _ => 0xff,
    };
    body[2..].chunks(2).map(unit).collect()
}
