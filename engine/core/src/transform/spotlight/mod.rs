//! Spotlighting (Hines et al. 2024): untrusted text is marked so that a model can tell it from instructions.
//!
//! Three ways: a delimiter around it, a mark between all its words, or an encoding. What it does not stop is in
//! `docs/spotlighting.md`. Redact first, mark afterwards: rules do not see through marks.

mod datamark;
mod echo;
mod instruction;
mod stream;

pub use instruction::Instruction;
pub use stream::SpotlightStream;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token::letters;
use super::treat::write_json;
use crate::content::{Content, Document, Form, Format, plain};
use crate::limits::Limits;
use crate::verdict::Coverage;
use datamark::{Datamark, State, is_private};

/// Most characters of a marker.
pub const MOST_GRAMS: usize = 5;

/// Where the marks of a datamarked text go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// In the place of spaces, and before other white space. A text without white space gets no marks.
    Whitespace,
    /// Between words, parts of words and signs, at least every six characters, and between all characters of scripts without spaces.
    #[default]
    Boundary,
}

/// How an encoded text is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkEncoding {
    /// Base64 with padding.
    #[default]
    Base64,
    /// Two lower-case digits for each byte.
    Hex,
    /// Latin letters moved by thirteen. Weak: models read it, and so do attackers.
    Rot13,
}

/// The marks of one text: what puts them there, and what takes them out again. A secret until the answer is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Marker {
    kind: Kind,
    form: Notation,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Delimit { id: String },
    Datamark { marker: String, placement: Placement },
    Encode(MarkEncoding),
}

/// What was marked: all of the bytes, or the strings of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Text,
    Json,
    Lines,
}

/// Why a text cannot be marked, or marks not be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpotlightError {
    /// Marks go between characters, and there are none.
    #[error("the text is not UTF-8; only UTF-8 can be marked")]
    NotUtf8,
    /// What is marked must fit a content.
    #[error("the text is longer than 256 MiB")]
    TooLong,
    /// A delimiter must not stand in what it delimits.
    #[error("the delimiter stands in the text; draw another")]
    Collision,
    /// Something changed the text, or other marks were used.
    #[error("these marks are not in the text, or it was changed")]
    NotMarked,
    /// A marker as text that is none.
    #[error("this is no marker; write it as `tamiz spotlight` printed it")]
    NoMarker,
}

/// A marked content.
#[derive(Clone)]
#[non_exhaustive]
pub struct Marked {
    /// The content.
    pub content: Vec<u8>,
    /// What [`Marker::undo`] needs.
    pub marker: Marker,
}

impl fmt::Debug for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marked").field("content_bytes", &self.content.len()).field("marker", &self.marker).finish()
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marker({})", self.id())
    }
}

/// As text that [`Marker::parse`] reads.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Notation::Text => "text",
            Notation::Json => "json",
            Notation::Lines => "jsonl",
        })?;
        match &self.kind {
            Kind::Delimit { id } => write!(f, ":delimit:{id}"),
            Kind::Datamark { marker, placement } => {
                let codes: Vec<String> =
                    marker.chars().map(|character| format!("{:x}", u32::from(character))).collect();
                let place = if *placement == Placement::Boundary { "boundary" } else { "whitespace" };
                write!(f, ":datamark:{place}:{}", codes.join("-"))
            }
            Kind::Encode(MarkEncoding::Base64) => f.write_str(":encode:base64"),
            Kind::Encode(MarkEncoding::Hex) => f.write_str(":encode:hex"),
            Kind::Encode(MarkEncoding::Rot13) => f.write_str(":encode:rot13"),
        }
    }
}

fn begin(id: &str) -> String {
    format!("<<data:{id}>>")
}

fn end(id: &str) -> String {
    format!("<<end:{id}>>")
}

impl Marker {
    /// Delimiters with 96 unguessable bits, none of which stands in `content`. They are the weakest of the three ways.
    #[must_use]
    pub fn delimit(random: &[u8; 16], content: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"tamiz spotlight delimiter").update(random);
        let mut stream = hasher.finalize_xof();
        loop {
            let mut bytes = [0; 12];
            stream.fill(&mut bytes);
            let id = letters(&bytes);
            // A content of n bytes holds fewer than n of them, so this ends.
            if memchr::memmem::find(content, id.as_bytes()).is_none() {
                return Self { kind: Kind::Delimit { id }, form: Notation::Text };
            }
        }
    }

    /// A mark of `grams` private-use characters (1 to [`MOST_GRAMS`]; two can be guessed once in 40 million tries).
    #[must_use]
    pub fn datamark(random: &[u8; 16], grams: usize, placement: Placement) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"tamiz spotlight datamark").update(random);
        let mut stream = hasher.finalize_xof();
        let gram = |_| {
            let mut bytes = [0; 4];
            stream.fill(&mut bytes);
            char::from_u32(0xe000 + u32::from_le_bytes(bytes) % 0x1900).unwrap_or('\u{e000}')
        };
        let marker = (0..grams.clamp(1, MOST_GRAMS)).map(gram).collect();
        Self { kind: Kind::Datamark { marker, placement }, form: Notation::Text }
    }

    /// An encoding.
    #[must_use]
    pub fn encode(encoding: MarkEncoding) -> Self {
        Self { kind: Kind::Encode(encoding), form: Notation::Text }
    }

    /// Reads what `Display` wrote.
    ///
    /// # Errors
    /// When it is no marker.
    pub fn parse(text: &str) -> Result<Self, SpotlightError> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let form = match parts.first() {
            Some(&"text") => Notation::Text,
            Some(&"json") => Notation::Json,
            Some(&"jsonl") => Notation::Lines,
            _ => return Err(SpotlightError::NoMarker),
        };
        let kind = match parts[1..] {
            ["delimit", id] if id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                Kind::Delimit { id: id.to_owned() }
            }
            ["datamark", placement @ ("whitespace" | "boundary"), codes] => {
                let code =
                    |code: &str| u32::from_str_radix(code, 16).ok().and_then(char::from_u32).filter(|c| is_private(*c));
                let marker: Option<String> = codes.split('-').map(code).collect();
                let marker =
                    marker.filter(|marker| marker.chars().count() <= MOST_GRAMS).ok_or(SpotlightError::NoMarker)?;
                let placement = if placement == "boundary" { Placement::Boundary } else { Placement::Whitespace };
                Kind::Datamark { marker, placement }
            }
            ["encode", "base64"] => Kind::Encode(MarkEncoding::Base64),
            ["encode", "hex"] => Kind::Encode(MarkEncoding::Hex),
            ["encode", "rot13"] => Kind::Encode(MarkEncoding::Rot13),
            _ => return Err(SpotlightError::NoMarker),
        };
        Ok(Self { kind, form })
    }

    /// A name that can be logged: it tells nothing about the marker.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"tamiz spotlight id").update(self.to_string().as_bytes());
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Marks a content: all of a text, or the string values of JSON. Member names and numbers stay as they are.
    ///
    /// ```
    /// use tamiz_core::{Content, ContentKind, Marker, Placement};
    /// let content = Content::new(ContentKind::ToolOutput, br#"{"page": "two words"}"#);
    /// let marked = Marker::datamark(&[7; 16], 1, Placement::Whitespace).mark(&content).unwrap();
    /// assert_eq!(marked.content.len(), content.body.len() + 2);
    /// assert_eq!(marked.marker.undo(&marked.content).unwrap(), content.body);
    /// ```
    ///
    /// # Errors
    /// When the content is not UTF-8, is too long, or has the delimiter in it.
    pub fn mark(&self, content: &Content<'_>) -> Result<Marked, SpotlightError> {
        let body = content.body;
        let document = read(body, content.format)?;
        let form = match document.format() {
            Format::Jsonl => Notation::Lines,
            Format::Json | Format::Mcp => Notation::Json,
            Format::Text | Format::Auto => Notation::Text,
        };
        let marked = self.mark_as(&document, form, body)?;
        // A broken line can become a whole one by being encoded; then all of it is marked as a text.
        if form == Notation::Lines && marked.marker.undo(&marked.content).as_deref() != Ok(body) {
            return self.mark_as(&document, Notation::Text, body);
        }
        Ok(marked)
    }

    fn mark_as(&self, document: &Document, form: Notation, body: &[u8]) -> Result<Marked, SpotlightError> {
        let mut out = Vec::with_capacity(body.len() + body.len() / 2);
        self.each(document, form, body, &mut out, |text, json, out| self.mark_text(text, json, out))?;
        Ok(Marked { content: out, marker: Self { kind: self.kind.clone(), form } })
    }

    /// Takes the marks out: gives exactly the bytes that [`Marker::mark`] was given.
    ///
    /// # Errors
    /// When the marks are not there, or something was changed.
    pub fn undo(&self, marked: &[u8]) -> Result<Vec<u8>, SpotlightError> {
        let format = match self.form {
            Notation::Text => Format::Text,
            Notation::Json => Format::Json,
            Notation::Lines => Format::Jsonl,
        };
        let document = read(marked, format)?;
        if self.form == Notation::Json && document.format() == Format::Text {
            return Err(SpotlightError::NotMarked);
        }
        let mut out = Vec::with_capacity(marked.len());
        self.each(&document, self.form, marked, &mut out, |text, json, out| self.undo_text(text, json, out))?;
        Ok(out)
    }

    /// Copies `body` with everything that is text in it changed.
    fn each(
        &self,
        document: &Document,
        form: Notation,
        body: &[u8],
        out: &mut Vec<u8>,
        mut change: impl FnMut(&[u8], bool, &mut Vec<u8>) -> Result<(), SpotlightError>,
    ) -> Result<(), SpotlightError> {
        if form == Notation::Text {
            return change(body, false, out);
        }
        let mut copied = 0;
        for site in document.value_sites(body) {
            out.extend_from_slice(&body[copied..site.range.start]);
            change(&body[site.range.clone()], site.form == Form::JsonString, out)?;
            copied = site.range.end;
        }
        out.extend_from_slice(&body[copied..]);
        Ok(())
    }

    /// `json`: the text is what stands between the quotes of a JSON string, and stays that.
    fn mark_text(&self, text: &[u8], json: bool, out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        match &self.kind {
            Kind::Delimit { id } => {
                if memchr::memmem::find(text, id.as_bytes()).is_some() {
                    return Err(SpotlightError::Collision);
                }
                out.extend_from_slice(begin(id).as_bytes());
                out.extend_from_slice(text);
                out.extend_from_slice(end(id).as_bytes());
            }
            Kind::Datamark { marker, placement } => {
                let marker = Datamark { marker: marker.as_bytes(), placement: *placement, json };
                marker.mark(text, &mut State::default(), out);
            }
            Kind::Encode(MarkEncoding::Rot13) => out.extend(rot13(text, json)),
            Kind::Encode(encoding) => {
                let value = if json { plain(text) } else { text.into() };
                // Where writing the value anew would not give the same bytes, the bytes themselves are encoded.
                let mut again = Vec::new();
                if json {
                    write_json(&String::from_utf8_lossy(&value), &mut again);
                }
                let exact = !json || again == text;
                if !exact {
                    out.extend_from_slice(RAW);
                }
                write_encoded(*encoding, if exact { &value } else { text }, out);
            }
        }
        Ok(())
    }

    fn undo_text(&self, text: &[u8], json: bool, out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        match &self.kind {
            Kind::Delimit { id } => {
                let inner =
                    text.strip_prefix(begin(id).as_bytes()).and_then(|text| text.strip_suffix(end(id).as_bytes()));
                out.extend_from_slice(inner.ok_or(SpotlightError::NotMarked)?);
            }
            Kind::Datamark { marker, placement } => {
                Datamark { marker: marker.as_bytes(), placement: *placement, json }.undo(text, out)?;
            }
            Kind::Encode(MarkEncoding::Rot13) => out.extend(rot13(text, json)),
            Kind::Encode(encoding) => {
                let (raw, text) = match text.strip_prefix(RAW).filter(|_| json) {
                    Some(text) => (true, text),
                    None => (false, text),
                };
                let value = read_encoded(*encoding, text).ok_or(SpotlightError::NotMarked)?;
                if json && !raw {
                    write_json(std::str::from_utf8(&value).map_err(|_| SpotlightError::NotMarked)?, out);
                } else {
                    out.extend_from_slice(&value);
                }
            }
        }
        Ok(())
    }
}

/// Before an encoded JSON string whose escapes are encoded with it.
const RAW: &[u8] = b"raw:";

fn read(body: &[u8], format: Format) -> Result<Document, SpotlightError> {
    let limits = Limits { max_content_bytes: Limits::HARD_CONTENT_BYTES, ..Limits::default() };
    if body.len() > limits.max_content_bytes {
        return Err(SpotlightError::TooLong);
    }
    if simdutf8::basic::from_utf8(body).is_err() {
        return Err(SpotlightError::NotUtf8);
    }
    let mut document = Document::default();
    let content = Content::unplaced(body).with_format(format);
    document.read(&content, &limits, &mut Coverage::new(0));
    Ok(document)
}

fn write_encoded(encoding: MarkEncoding, text: &[u8], out: &mut Vec<u8>) {
    match encoding {
        MarkEncoding::Base64 => out.extend_from_slice(STANDARD.encode(text).as_bytes()),
        MarkEncoding::Hex => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend(text.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| DIGITS[usize::from(half)]));
        }
        MarkEncoding::Rot13 => out.extend(rot13(text, false)),
    }
}

fn read_encoded(encoding: MarkEncoding, text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    match encoding {
        MarkEncoding::Base64 => STANDARD.decode(text).ok(),
        MarkEncoding::Hex if text.len() % 2 == 1 => None,
        MarkEncoding::Hex => text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect(),
        MarkEncoding::Rot13 => Some(rot13(text, false).collect()),
    }
}

/// Moves the Latin letters; those of JSON escapes stay.
fn rot13(text: &[u8], json: bool) -> impl Iterator<Item = u8> {
    let mut escape = 0;
    text.iter().map(move |byte| {
        if escape > 0 {
            // After a backslash comes one letter, or `u` and four digits.
            escape = if escape == 5 && *byte != b'u' { 0 } else { escape - 1 };
            return *byte;
        }
        match byte {
            b'\\' if json => {
                escape = 5;
                *byte
            }
            b'a'..=b'z' => b'a' + (byte - b'a' + 13) % 26,
            b'A'..=b'Z' => b'A' + (byte - b'A' + 13) % 26,
            other => *other,
        }
    })
}
