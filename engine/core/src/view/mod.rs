//! Room 2: segments in, *views* out.
//!
//! A view is a text that a model may read in a segment: the text itself, its folded form, and what its encodings hide. Views
//! of one decoding depth share one buffer, a *layer*, with one offset map to the layer before; layer 0 is the document's text.
//! Matching then takes two passes a layer (as it is, and folded) however many views there are, and a hit finds its way back
//! to the original bytes by one look-up per layer.
//!
//! A decoder looks for its own signs first (`%41`, `&#`, `\u`, a long base64 run, letters that no language has) and yields nothing
//! where there are none.
//! What decoding may cost is bounded by depth and bytes; what the bounds cut off is reported, never dropped in silence.

mod base32;
mod base64;
mod base85;
mod braille;
mod codes;
mod emoji;
mod entity;
mod escape;
mod fold;
mod html;
mod invisible;
mod joined;
mod language;
mod leet;
mod lines;
mod markdown;
mod mojibake;
mod morse;
mod nato;
mod offset_map;
mod percent;
mod punycode;
mod quoted_printable;
mod reversed;
mod rewrite;
mod selectors;
mod shift;
mod sink;
mod spaced;
mod tags;
mod turned;
mod utf7;
mod words;

pub(crate) use tags::tags;

pub(crate) use joined::carry;

pub use fold::Folder;
pub(crate) use fold::{fold, fold_phrase};
pub use offset_map::OffsetMap;
pub(crate) use sink::DecodeSink;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tamiz_simd::{Shape, Signs, Survey};

use crate::content::{Document, SEPARATOR};
use crate::limits::Limits;

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

    /// Whether it is decoded from a run that means nothing in parts, so that a changed part spoils the rest.
    fn is_blob(self) -> bool {
        matches!(self, Self::Base64)
    }
}

/// Undoes one encoding. To add one: a file here, a [`ViewKind`], a line in [`DECODERS`].
pub(crate) trait Decoder: Sync {
    fn kind(&self) -> ViewKind;

    /// Whether it guesses how a text is to be read, and no encoding says so. Guesses are not made of guesses without end.
    fn is_reading(&self) -> bool {
        false
    }

    /// What a text must have, one or the other, for there to be anything to decode.
    fn signs(&self) -> &'static [Sign];

    /// Finds what is encoded and writes it to `sink`, as any number of views. Offsets given to the sink are into the text.
    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>);
}

/// The text of a view that has a decoder's sign.
#[derive(Clone, Copy)]
pub(crate) struct Encoded<'a> {
    pub(crate) text: &'a [u8],
    /// Where it stands in its layer.
    at: usize,
    /// The layer's.
    survey: &'a Survey,
}

impl Encoded<'_> {
    /// The first mark of emphasis from `from` on.
    fn emphasis(&self, from: usize) -> Option<usize> {
        let (at, end) = (self.at + from, self.at + self.text.len());
        let mut block = at / 64;
        let emphasis = &self.survey.emphasis;
        let mut left = emphasis.get(block)? & !0 << (at % 64);
        while left == 0 {
            block += 1;
            left = *emphasis.get(block).filter(|_| block * 64 < end)?;
        }
        let place = block * 64 + left.trailing_zeros() as usize;
        (place < end).then(|| place - self.at)
    }

    /// The long runs in the text.
    fn tokens(&self) -> impl Iterator<Item = Range<usize>> {
        let (at, end) = (self.at, self.at + self.text.len());
        let tokens = &self.survey.tokens;
        let tokens = &tokens[tokens.partition_point(|run| (run.end as usize) <= at)..];
        let runs = tokens.iter().map(|run| run.range()).take_while(move |run| run.start < end);
        runs.map(move |run| run.start - at..run.end - at)
    }

    /// Stretches of the text with blocks of a shape; blocks apart by at most `gap` bytes are in one stretch.
    fn odd(&self, shape: Shape, gap: usize) -> impl Iterator<Item = Range<usize>> {
        let (at, end) = (self.at, self.at + self.text.len());
        let odd = &self.survey.odd;
        let odd = &odd[odd.partition_point(|odd| (odd.block.end as usize) <= at)..];
        let blocks = odd.iter().take_while(move |odd| (odd.block.start as usize) < end);
        let mut blocks = blocks.filter(move |odd| odd.shape.has(shape)).map(move |odd| {
            let block = odd.block.range();
            block.start.max(at) - at..block.end.min(end) - at
        });
        let mut next = blocks.next();
        std::iter::from_fn(move || {
            let mut stretch = next.take()?;
            for block in blocks.by_ref() {
                if block.start > stretch.end + gap {
                    next = Some(block);
                    break;
                }
                stretch.end = block.end;
            }
            Some(stretch)
        })
    }
}

/// A stretch of `text` with up to `more` bytes on either side, cut at white space where there is some.
pub(crate) fn widened(text: &[u8], stretch: &Range<usize>, more: usize) -> Range<usize> {
    let (from, to) = (stretch.start.saturating_sub(more), (stretch.end + more).min(text.len()));
    let start = match from {
        0 => 0,
        _ => text[from..stretch.start].iter().position(u8::is_ascii_whitespace).map_or(stretch.start, |at| from + at),
    };
    let end = match to == text.len() {
        true => to,
        false => {
            text[stretch.end..to].iter().rposition(u8::is_ascii_whitespace).map_or(stretch.end, |at| stretch.end + at)
        }
    };
    let on_border = |at: &usize| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let start = (start..=stretch.end).find(on_border).unwrap_or(start);
    let end = (start..=end).rev().find(on_border).unwrap_or(end);
    start..end
}

/// A sign of an encoding: what is seen in passing, before any decoder looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A byte.
    Byte(u8),
    /// One of three bytes.
    OneOf(u8, u8, u8),
    /// Bytes in a row.
    Bytes(&'static [u8]),
    /// A long run of letters, digits and `+/-_`.
    Token,
    /// A block of a shape.
    Shape(Shape),
    /// A mark of emphasis.
    Emphasis,
    /// Any text at all: for decoders that look at its ends only.
    Any,
}

impl Sign {
    /// The first place of it in `text` from `from` on. `survey` and `pairs` are those of the text.
    fn next(self, text: &[u8], from: usize, survey: &Survey, pairs: Pairs) -> Option<usize> {
        if !self.may_be_in(survey, pairs) {
            return None;
        }
        match self {
            Self::Byte(byte) => memchr::memchr(byte, &text[from..]).map(|at| from + at),
            Self::OneOf(a, b, c) => memchr::memchr3(a, b, c, &text[from..]).map(|at| from + at),
            Self::Bytes(bytes) => memchr::memmem::find(&text[from..], bytes).map(|at| from + at),
            Self::Token => {
                let next = survey.tokens.partition_point(|run| (run.start as usize) < from);
                survey.tokens.get(next).map(|run| run.start as usize)
            }
            Self::Shape(shape) => {
                let next = survey.odd.partition_point(|odd| (odd.block.end as usize) <= from);
                let odd = survey.odd[next..].iter().find(|odd| odd.shape.has(shape))?;
                Some((odd.block.start as usize).max(from))
            }
            Self::Emphasis => {
                let (mut block, mut seen) = (from / 64, !0 << (from % 64));
                while survey.emphasis.get(block)? & seen == 0 {
                    (block, seen) = (block + 1, !0);
                }
                Some(block * 64 + (survey.emphasis[block] & seen).trailing_zeros() as usize)
            }
            Self::Any => (from < text.len()).then_some(from),
        }
    }

    fn may_be_in(self, survey: &Survey, pairs: Pairs) -> bool {
        match self {
            Self::Byte(b'%') => survey.signs.has(Signs::PERCENT),
            Self::Byte(b'&') => survey.signs.has(Signs::AMPERSAND),
            Self::Byte(b'\\') => survey.signs.has(Signs::BACKSLASH),
            Self::Byte(b'=') => survey.signs.has(Signs::EQUALS),
            Self::Byte(byte @ 0x80..) => pairs.may_have(byte, None),
            Self::Byte(0..=8 | 0x0e..0x1b) => survey.signs.has(Signs::CONTROL),
            Self::Bytes([first, second, ..]) if *first >= 0x80 => pairs.may_have(*first, Some(*second)),
            Self::OneOf(a @ 0x80.., b, c) => [a, b, c].iter().any(|byte| pairs.may_have(*byte, None)),
            Self::Byte(_) | Self::OneOf(..) | Self::Bytes(_) | Self::Any | Self::Emphasis => true,
            Self::Token => !survey.tokens.is_empty(),
            Self::Shape(_) => !survey.odd.is_empty(),
        }
    }
}

/// Which bytes beyond ASCII begin characters of a text, and which pairs they are the first of; says yes for a few that it has not.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    firsts: u128,
    pairs: u128,
}

impl Pairs {
    fn of(text: &[u8]) -> Self {
        let mut all = Self::default();
        let mut note = |at: usize| {
            if text[at] >= 0xc0 {
                all.firsts |= 1 << (text[at] & 0x7f);
                all.pairs |= text.get(at + 1).map_or(0, |second| 1 << Self::bit(text[at], *second));
            }
        };
        let (chunks, rest) = text.as_chunks::<8>();
        for (number, chunk) in chunks.iter().enumerate() {
            if u64::from_le_bytes(*chunk) & 0x8080_8080_8080_8080 != 0 {
                (number * 8..number * 8 + 8).for_each(&mut note);
            }
        }
        (text.len() - rest.len()..text.len()).for_each(note);
        all
    }

    fn may_have(self, first: u8, second: Option<u8>) -> bool {
        let there = self.firsts >> (first & 0x7f) & 1 == 1 || first < 0xc0;
        there && second.is_none_or(|second| self.pairs >> Self::bit(first, second) & 1 == 1)
    }

    fn bit(first: u8, second: u8) -> u32 {
        u32::from(first.wrapping_mul(29) ^ second) & 0x7f
    }
}

const DECODERS: &[&dyn Decoder] = &[
    &base64::Base64,
    &base32::Base32,
    &base85::Base85,
    &codes::Codes,
    &morse::Morse,
    &nato::SpellingAlphabet,
    &percent::Percent,
    &percent::Form,
    &entity::HtmlEntity,
    &escape::Escape,
    &escape::Css,
    &quoted_printable::QuotedPrintable,
    &utf7::Utf7,
    &punycode::Punycode,
    &shift::Shift,
    &reversed::Reversed,
    &turned::UpsideDown,
    &leet::Leet,
    &spaced::Spaced,
    &emoji::Emoji,
    &invisible::InvisibleSpaces,
    &invisible::InvisibleBits,
    &selectors::VariationSelectors,
    &braille::Braille,
    &tags::Tags,
    &markdown::Markdown,
    &html::Html,
    &lines::Lines,
    &mojibake::Mojibake,
];

/// Where the signs of a decoder come next; each is searched for once, however many views there are.
struct Signposts {
    signs: &'static [Sign],
    /// The next place of each sign, the text's end if there is none.
    next: [Option<usize>; MOST_SIGNS],
}

const MOST_SIGNS: usize = 12;

impl Signposts {
    fn new(signs: &'static [Sign]) -> Self {
        Self { signs, next: [None; MOST_SIGNS] }
    }

    /// The first place of any of them from `from` on.
    fn next(&mut self, text: &[u8], from: usize, survey: &Survey, pairs: Pairs) -> Option<usize> {
        let places = self.signs.iter().zip(&mut self.next).map(|(sign, place)| match *place {
            Some(at) if at >= from => at,
            _ => *place.insert(sign.next(text, from, survey, pairs).unwrap_or(text.len())),
        });
        places.min().filter(|place| *place < text.len())
    }
}

/// One text in a layer.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) kind: ViewKind,
    /// Where it stands in the layer's text.
    pub(crate) range: Range<usize>,
    /// Where its folded form stands in the layer's folded text, once it has been made.
    pub(crate) folded: Range<usize>,
    /// The segment it comes from.
    pub(crate) segment: usize,
    /// The view it was made from, in the layer before.
    parent: usize,
    /// How often it was decoded, and how often read in another way, to make it.
    decoded: usize,
    readings: usize,
    /// One more than the number of the decoder that read it so; 0: none did.
    reader: usize,
}

/// The views of one decoding depth.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    text: Vec<u8>,
    map: OffsetMap,
    pub(crate) views: Vec<View>,
    pub(crate) folded: Vec<u8>,
    fold_map: OffsetMap,
    /// What the text has that is worth a closer look.
    pub(crate) survey: Survey,
}

impl Layer {
    fn clear(&mut self) {
        self.text.clear();
        self.map.clear();
        self.views.clear();
        self.folded.clear();
        self.fold_map.clear();
    }

    /// From the folded text to the layer's text.
    pub(crate) fn unfold(&self, range: Range<usize>) -> Range<usize> {
        self.fold_map.source_span(range)
    }

    /// The part of the folded text that a range of the layer's text has become.
    pub(crate) fn folded_range(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let (mut low, mut high) = (0, self.folded.len());
            while low < high {
                let middle = low.midpoint(high);
                if self.unfold(middle..middle).start < at { low = middle + 1 } else { high = middle }
            }
            low
        };
        place(range.start)..place(range.end)
    }

    /// The views that a range of the layer's text, or of its folded text, touches.
    pub(crate) fn views_in(&self, range: &Range<usize>, folded: bool) -> Range<usize> {
        let place = |view: &View| if folded { view.folded.clone() } else { view.range.clone() };
        let first = self.views.partition_point(|view| place(view).end <= range.start);
        let count = self.views[first..].iter().take_while(|view| place(view).start < range.end).count();
        first..first + count
    }
}

/// All layers of a content. Reused from one content to the next.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    depth: usize,
    seen: HashSet<u64, RandomState>,
    decoded_bytes: usize,
}

/// What became of an attempt to decode one layer further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deeper {
    /// Nothing more is encoded.
    Done,
    /// There is a new layer.
    Layer,
    /// Something is still encoded, and the depth or byte budget is used up. There may be a new layer of the rest.
    Cut { depth: bool, bytes: bool },
}

impl Layers {
    /// Starts over with the document's segments as layer 0.
    pub(crate) fn start(&mut self, document: &Document) {
        self.layers.iter_mut().for_each(Layer::clear);
        self.seen.clear();
        self.decoded_bytes = 0;
        self.depth = 1;
        if self.layers.is_empty() {
            self.layers.push(Layer::default());
        }
        let segments = document.segments().iter().enumerate();
        self.layers[0].views.extend(segments.map(|(id, segment)| View {
            kind: ViewKind::Raw,
            range: segment.text.clone(),
            folded: 0..0,
            segment: id,
            parent: 0,
            decoded: 0,
            readings: 0,
            reader: 0,
        }));
    }

    /// The newest layer.
    pub(crate) fn newest(&self) -> usize {
        self.depth - 1
    }

    pub(crate) fn layer(&self, depth: usize) -> &Layer {
        &self.layers[depth]
    }

    /// The text of a layer; `base` is the document's.
    pub(crate) fn text<'a>(&'a self, depth: usize, base: &'a [u8]) -> &'a [u8] {
        if depth == 0 { base } else { &self.layers[depth].text }
    }

    /// Surveys and folds all views of the newest layer, a separator between any two. `go_on` is asked now and then.
    pub(crate) fn fold(&mut self, base: &[u8], mut go_on: impl FnMut() -> bool) -> bool {
        let depth = self.newest();
        let Layer { text, folded, fold_map, views, survey, .. } = &mut self.layers[depth];
        let text = if depth == 0 { base } else { text.as_slice() };
        tamiz_simd::survey(text, survey);
        folded.reserve(text.len() + views.len());
        let mut since = 0;
        for view in views {
            let start = folded.len();
            let mut from = view.range.start;
            while from < view.range.end {
                let to = char_boundary(text, (from + FOLD_STEP).min(view.range.end), view.range.end);
                fold(&text[from..to], from, folded, fold_map);
                since += to - from;
                from = to;
                if since >= FOLD_STEP {
                    since = 0;
                    if !go_on() {
                        return false;
                    }
                }
            }
            view.folded = start..folded.len();
            folded.push(SEPARATOR);
            fold_map.push_block(view.range.end, 0, 1);
        }
        true
    }

    /// Decodes what is encoded in the newest layer into a new one.
    ///
    /// At depth 0 also joins what is spread over neighbouring values of `document`; `carried` is what the message before ended in.
    pub(crate) fn deepen(&mut self, base: &[u8], document: &Document, carried: &[u8], limits: &Limits) -> Deeper {
        let depth = self.newest();
        if self.layers.len() == depth + 1 {
            self.layers.push(Layer::default());
        }
        let (before, after) = self.layers.split_at_mut(depth + 1);
        let (parent, child) = (&before[depth], &mut after[0]);
        child.clear();
        let text = if depth == 0 { base } else { &parent.text };
        let budget = limits.max_decoded_bytes.saturating_sub(self.decoded_bytes);
        let (mut cut, mut too_deep) = (false, false);
        let pairs = if parent.survey.signs.has(Signs::NON_ASCII) { Pairs::of(text) } else { Pairs::default() };
        for (number, decoder) in DECODERS.iter().enumerate() {
            let reading = decoder.is_reading();
            // Only the views with a sign in them.
            let (mut id, mut from) = (0, 0);
            let mut signs = Signposts::new(decoder.signs());
            while let Some(at) = signs.next(text, from, &parent.survey, pairs) {
                while parent.views.get(id).is_some_and(|view| view.range.end <= at) {
                    id += 1;
                }
                let Some(view) = parent.views.get(id) else { break };
                from = view.range.end;
                if view.range.len() < SHORTEST {
                    continue;
                }
                // What reads the same way twice reads nothing new.
                if reading && (view.readings >= MOST_READINGS || view.reader == number + 1) {
                    continue;
                }
                let (bytes, made) = (child.text.len(), child.views.len());
                let mut sink = DecodeSink::new(child, before, view.range.start, budget, &mut self.seen);
                let text = &text[view.range.clone()];
                decoder.decode(Encoded { text, at: view.range.start, survey: &parent.survey }, &mut sink);
                cut |= sink.was_cut();
                if !reading && view.decoded >= limits.max_decode_depth {
                    too_deep |= child.views.len() > made;
                    child.views.truncate(made);
                    child.text.truncate(bytes);
                    child.map.truncate(bytes);
                }
                for made in &mut child.views[made..] {
                    (made.segment, made.parent) = (view.segment, id);
                    (made.decoded, made.readings) = (view.decoded, view.readings);
                    made.reader = if reading { number + 1 } else { 0 };
                    *if reading { &mut made.readings } else { &mut made.decoded } += 1;
                    if made.kind == ViewKind::Raw {
                        made.kind = decoder.kind();
                    }
                }
            }
        }
        if depth == 0 {
            let views = child.views.len();
            let mut sink = DecodeSink::new(child, before, 0, budget, &mut self.seen);
            joined::join(document, base, carried, &mut sink);
            cut |= sink.was_cut();
            for view in views..child.views.len() {
                let at = child.map.source_span(child.views[view].range.clone()).start;
                let id = parent.views.partition_point(|view| view.range.end <= at).min(parent.views.len() - 1);
                let (made, of) = (&mut child.views[view], &parent.views[id]);
                (made.kind, made.segment, made.parent) = (ViewKind::Joined, of.segment, id);
            }
        }
        self.decoded_bytes += child.text.len();
        let made = !child.views.is_empty();
        self.depth += usize::from(made);
        match (cut || too_deep, made) {
            (true, _) => Deeper::Cut { depth: too_deep, bytes: cut },
            (false, true) => Deeper::Layer,
            (false, false) => Deeper::Done,
        }
    }

    /// From a layer's text to the document's text.
    pub(crate) fn to_document(&self, depth: usize, range: Range<usize>) -> Range<usize> {
        self.layers[1..=depth].iter().rev().fold(range, |range, layer| layer.map.source_span(range))
    }

    /// Where in the document's text the outermost blob stands that a view was decoded from, if it was decoded from one.
    pub(crate) fn blob(&self, depth: usize, view: usize) -> Option<Range<usize>> {
        let (mut depth, mut view, mut found) = (depth, view, None);
        while depth > 0 {
            let made = &self.layers[depth].views[view];
            if made.kind.is_blob() {
                found = Some((depth, made.range.clone()));
            }
            view = made.parent;
            depth -= 1;
        }
        found.map(|(depth, range)| self.to_document(depth, range))
    }

    /// How a view was made: the kinds of its ancestors and its own, without the plain text at the start unless it is all.
    pub(crate) fn chain(&self, depth: usize, view: usize) -> Vec<ViewKind> {
        let mut chain = Vec::with_capacity(depth + 1);
        let (mut depth, mut view) = (depth, view);
        loop {
            let made = &self.layers[depth].views[view];
            chain.push(made.kind);
            if depth == 0 {
                break;
            }
            view = made.parent;
            depth -= 1;
        }
        chain.reverse();
        chain
    }
}

/// Shortest text in which decoders look for something, in bytes: shorter ones hide nothing that a rule finds.
const SHORTEST: usize = 6;
/// How many guesses one view may rest on: markup inside markup, cipher inside comment.
const MOST_READINGS: usize = 2;

/// Text folded between two looks at the clock.
const FOLD_STEP: usize = 256 << 10;

/// The first place from `at` on that is not inside a UTF-8 character, within three bytes; else `at`.
fn char_boundary(text: &[u8], at: usize, end: usize) -> usize {
    (at..end.min(at + 4)).find(|place| text[*place] & 0xc0 != 0x80).unwrap_or(if at + 4 > end { end } else { at })
}

/// Whether decoded bytes read like text: nearly all printable. A few odd bytes are forgiven, for they cost an attacker nothing.
pub(crate) fn reads_like_text(bytes: &[u8]) -> bool {
    let printable = |text: &str| -> usize {
        text.chars().filter(|c| !c.is_control() || c.is_ascii_whitespace()).map(char::len_utf8).sum()
    };
    let good: usize = bytes.utf8_chunks().map(|chunk| printable(chunk.valid())).sum::<usize>();
    let odd = bytes.len() - good;
    !bytes.is_empty() && odd <= if bytes.len() < 24 { bytes.len() / 6 } else { bytes.len() / 5 }
}

/// The same without a single odd byte at the start: for encodings that much else looks like.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    let shown = |byte: &u8| *byte >= b' ' && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r');
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && head.iter().all(shown)
}

#[cfg(test)]
mod tests_support {
    use super::*;

    /// The views that a decoder makes of `text`, with the span of `text` each stands for.
    pub(super) fn decode(decoder: &dyn Decoder, text: &[u8]) -> Vec<(String, Range<usize>)> {
        let (mut layer, mut seen) = (Layer::default(), HashSet::default());
        let mut sink = DecodeSink::new(&mut layer, &[], 0, 1 << 20, &mut seen);
        let mut survey = Survey::default();
        tamiz_simd::survey(text, &mut survey);
        decoder.decode(Encoded { text, at: 0, survey: &survey }, &mut sink);
        let text = |view: &View| String::from_utf8_lossy(&layer.text[view.range.clone()]).into_owned();
        layer.views.iter().map(|view| (text(view), layer.map.source_span(view.range.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_a_decoder_has_its_place() {
        for decoder in DECODERS {
            let signs = decoder.signs().len();
            assert!((1..=MOST_SIGNS).contains(&signs), "{}", decoder.kind().as_str());
        }
    }

    #[test]
    fn hostile_bytes_are_no_trouble() {
        // Beginnings of everything there is, cut anywhere, joined to anything.
        let parts: [&[u8]; 24] = [
            b"%",
            b"%25",
            b"&#",
            b"\\u",
            b"=",
            b"=4",
            b"+A",
            b"xn--",
            b"<",
            b"<!--",
            b"<b",
            b"**",
            b"1gn0r3 ",
            b"i g n o r e ",
            b"-\n",
            b"\n// ",
            b"0x41 ",
            b".- ",
            b"\xc9\x90",
            b"\xef\xb8",
            b"\xf0\x9f",
            b"\xe2\x80\x8b",
            b"\xe6\xb6\x93",
            b"H4sI",
        ];
        let mut seed = 1_u64;
        for _ in 0..400 {
            let mut text = Vec::new();
            for _ in 0..40 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.extend_from_slice(parts[(seed >> 33) as usize % parts.len()]);
                text.extend(std::iter::repeat_n((seed >> 40) as u8, (seed >> 50) as usize % 5));
            }
            text.retain(|byte| *byte != SEPARATOR);
            for decoder in DECODERS {
                for (view, span) in tests_support::decode(*decoder, &text) {
                    assert!(!view.is_empty() && span.end <= text.len() && span.start <= span.end);
                }
            }
        }
    }
}
