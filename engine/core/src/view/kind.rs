//! The kinds of views.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a view was made from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// The segment's text as the model gets it (JSON strings unescaped).
    Raw,
    /// Folded: compatibility forms, case, look-alikes, accents, invisible characters and white space made equal.
    Folded,
    /// Base64, standard or URL alphabet, padded or not, wrapped over lines of 48 digits and more.
    Base64,
    /// `%41` percent encoding.
    Percent,
    /// `&amp;` character references of HTML and XML.
    HtmlEntity,
    /// `\n`, `\x41`, `\u0041` escapes of JSON, JavaScript, Python and C.
    Escape,
    /// Unicode tag characters (U+E0000 …), which mirror ASCII and are not shown.
    Tags,
    /// Tokens of neighbouring values put together, or of one and what the message before it ended in.
    Joined,
    /// Base32 (RFC 4648).
    Base32,
    /// Base85: Ascii85, or the digits of RFC 1924.
    Base85,
    /// Deflate in the wrapping of gzip or zlib, found in what base64 stood for.
    Compressed,
    /// UTF-16 without a mark, found in what base64 stood for.
    Utf16,
    /// Character codes in hexadecimal, decimal, octal or binary digits.
    Codes,
    /// Morse code.
    Morse,
    /// Words of the spelling alphabet: Alfa, Bravo, Charlie.
    SpellingAlphabet,
    /// Quoted-printable mail text.
    QuotedPrintable,
    /// UTF-7: `+AGkAZw-`.
    Utf7,
    /// `xn--` names.
    Punycode,
    /// Spaces written as `+`, as in forms and queries.
    Form,
    /// Escapes of style sheets: `\\69 gnore`.
    Css,
    /// Letters moved along the alphabet: ROT13 and Caesar's cipher.
    Shift,
    /// The alphabet read backwards: `a` for `z`.
    Atbash,
    /// Text written backwards.
    Reversed,
    /// Each word written backwards, or the words in the opposite order.
    ReversedWords,
    /// Letters turned over, last one first.
    UpsideDown,
    /// Digits and marks for letters: `1gn0r3`; letters for the ones they look like.
    Leet,
    /// Letters with something between any two: `i g n o r e`, `i.g.n.o.r.e`.
    Spaced,
    /// Emoji in the place of spaces.
    Emoji,
    /// Invisible characters in the place of spaces.
    InvisibleSpaces,
    /// Bits written in invisible characters.
    InvisibleBits,
    /// Bytes written in variation selectors.
    VariationSelectors,
    /// Braille cells.
    Braille,
    /// Markdown without the marks of its emphasis.
    Markdown,
    /// HTML without the tags and comments inside its sentences.
    Html,
    /// Words and sentences that go on over line breaks: hyphenation, the leaders of comments and quoted mail.
    Lines,
    /// UTF-8 that was read as another encoding, repaired.
    Mojibake,
}

impl ViewKind {
    /// The name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Folded => "folded",
            Self::Base64 => "base64",
            Self::Percent => "percent",
            Self::HtmlEntity => "html-entity",
            Self::Escape => "escape",
            Self::Tags => "tags",
            Self::Joined => "joined",
            Self::Base32 => "base32",
            Self::Base85 => "base85",
            Self::Compressed => "compressed",
            Self::Utf16 => "utf-16",
            Self::Codes => "codes",
            Self::Morse => "morse",
            Self::SpellingAlphabet => "spelling-alphabet",
            Self::QuotedPrintable => "quoted-printable",
            Self::Utf7 => "utf-7",
            Self::Punycode => "punycode",
            Self::Form => "form",
            Self::Css => "css",
            Self::Shift => "shift",
            Self::Atbash => "atbash",
            Self::Reversed => "reversed",
            Self::ReversedWords => "reversed-words",
            Self::UpsideDown => "upside-down",
            Self::Leet => "leet",
            Self::Spaced => "spaced",
            Self::Emoji => "emoji",
            Self::InvisibleSpaces => "invisible-spaces",
            Self::InvisibleBits => "invisible-bits",
            Self::VariationSelectors => "variation-selectors",
            Self::Braille => "braille",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Lines => "lines",
            Self::Mojibake => "mojibake",
        }
    }

    /// Whether it is tried by how the whole text begins and ends, so that more text may take it back.
    pub(crate) fn is_by_ends(self) -> bool {
        matches!(self, Self::Reversed | Self::ReversedWords)
    }

    /// Whether it is decoded from a run that means nothing in parts, so that a changed part spoils the rest.
    pub(super) fn is_blob(self) -> bool {
        matches!(self, Self::Base64)
    }
}
