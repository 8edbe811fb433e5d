//! Room 2: segments in, *views* out.
//!
//! A view is a text that a model may read in a segment: the text itself, its folded form, and what its encodings hide. Views
//! of one decoding depth share one buffer, a *layer*, with one offset map to the layer before; layer 0 is the document's text.
//! Matching then takes two passes a layer (as it is, and folded) however many views there are, and a hit finds its way back
//! to the original bytes by one look-up per layer.
//!
//! A decoder looks for its own sign first (`%41`, `&#`, `\u`, a long base64 run) and yields nothing where there is none.
//! What decoding may cost is bounded by depth and bytes; what the bounds cut off is reported, never dropped in silence.

mod base64;
mod entity;
mod escape;
mod fold;
mod offset_map;
mod percent;
mod rewrite;
mod sink;
mod tags;

pub(crate) use tags::tags;

pub use fold::Folder;
pub(crate) use fold::{fold, fold_phrase};
pub use offset_map::OffsetMap;
pub(crate) use sink::DecodeSink;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tamiz_simd::{Range32, Signs, Survey};

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
        }
    }
}

/// Undoes one encoding. To add one: a file here, a [`ViewKind`], a line in [`DECODERS`].
pub(crate) trait Decoder: Sync {
    fn kind(&self) -> ViewKind;

    /// What a text must have for there to be anything to decode.
    fn sign(&self) -> Sign;

    /// Finds what is encoded and writes it to `sink`, as any number of views. Offsets given to the sink are into the text.
    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>);
}

/// The text of a view that has a decoder's sign.
#[derive(Clone, Copy)]
pub(crate) struct Encoded<'a> {
    pub(crate) text: &'a [u8],
    /// Where it stands in its layer.
    at: usize,
    /// The layer's long runs of letters, digits and `+/-_`, from the first that may be in the text on.
    tokens: &'a [Range32],
}

impl Encoded<'_> {
    /// The long runs in the text.
    fn tokens(&self) -> impl Iterator<Item = Range<usize>> {
        let (at, end) = (self.at, self.at + self.text.len());
        let runs = self.tokens.iter().map(|run| run.range()).take_while(move |run| run.start < end);
        runs.map(move |run| run.start - at..run.end - at)
    }
}

/// A sign of an encoding: what is seen in passing, before any decoder looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A byte.
    Byte(u8),
    /// A long run of letters, digits and `+/-_`.
    Token,
}

impl Sign {
    /// The first place of it in `text` from `from` on. `survey` is that of the text.
    fn next(self, text: &[u8], from: usize, survey: &Survey) -> Option<usize> {
        match self {
            Self::Byte(byte) => memchr::memchr(byte, &text[from..]).map(|at| from + at),
            Self::Token => {
                let next = survey.tokens.partition_point(|run| (run.start as usize) < from);
                survey.tokens.get(next).map(|run| run.start as usize)
            }
        }
    }

    fn may_be_in(self, survey: &Survey) -> bool {
        match self {
            Self::Byte(b'%') => survey.signs.has(Signs::PERCENT),
            Self::Byte(b'&') => survey.signs.has(Signs::AMPERSAND),
            Self::Byte(b'\\') => survey.signs.has(Signs::BACKSLASH),
            Self::Byte(0x80..) => survey.signs.has(Signs::NON_ASCII),
            Self::Byte(_) => true,
            Self::Token => !survey.tokens.is_empty(),
        }
    }
}

const DECODERS: &[&dyn Decoder] =
    &[&base64::Base64, &percent::Percent, &entity::HtmlEntity, &escape::Escape, &tags::Tags];

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
    /// Something is still encoded, and the depth or byte budget is used up.
    Cut { depth: bool },
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
    pub(crate) fn deepen(&mut self, base: &[u8], limits: &Limits) -> Deeper {
        let depth = self.newest();
        let survey = &self.layers[depth].survey;
        if !DECODERS.iter().any(|decoder| decoder.sign().may_be_in(survey)) {
            return Deeper::Done;
        }
        if self.layers.len() == depth + 1 {
            self.layers.push(Layer::default());
        }
        let (before, after) = self.layers.split_at_mut(depth + 1);
        let (parent, child) = (&before[depth], &mut after[0]);
        child.clear();
        let text = if depth == 0 { base } else { &parent.text };
        let budget = limits.max_decoded_bytes.saturating_sub(self.decoded_bytes);
        let mut cut = false;
        for decoder in DECODERS.iter().filter(|decoder| decoder.sign().may_be_in(&parent.survey)) {
            // Only the views with a sign in them.
            let (mut id, mut from) = (0, 0);
            while let Some(at) = decoder.sign().next(text, from, &parent.survey) {
                while parent.views.get(id).is_some_and(|view| view.range.end <= at) {
                    id += 1;
                }
                let Some(view) = parent.views.get(id) else { break };
                let mut sink = DecodeSink::new(child, before, view.range.start, budget, &mut self.seen);
                let views = sink.view_count();
                let tokens = parent.survey.tokens.partition_point(|run| (run.end as usize) <= view.range.start);
                let (text, tokens) = (&text[view.range.clone()], &parent.survey.tokens[tokens..]);
                decoder.decode(Encoded { text, at: view.range.start, tokens }, &mut sink);
                cut |= sink.was_cut();
                for made in &mut child.views[views..] {
                    (made.kind, made.segment, made.parent) = (decoder.kind(), view.segment, id);
                }
                from = view.range.end;
            }
        }
        self.decoded_bytes += child.text.len();
        if child.views.is_empty() {
            return if cut { Deeper::Cut { depth: false } } else { Deeper::Done };
        }
        if depth >= limits.max_decode_depth {
            child.clear();
            return Deeper::Cut { depth: true };
        }
        self.depth += 1;
        if cut { Deeper::Cut { depth: false } } else { Deeper::Layer }
    }

    /// From a layer's text to the document's text.
    pub(crate) fn to_document(&self, depth: usize, range: Range<usize>) -> Range<usize> {
        self.layers[1..=depth].iter().rev().fold(range, |range, layer| layer.map.source_span(range))
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

#[cfg(test)]
mod tests_support {
    use super::*;

    /// The views that a decoder makes of `text`, with the span of `text` each stands for.
    pub(super) fn decode(decoder: &dyn Decoder, text: &[u8]) -> Vec<(String, Range<usize>)> {
        let (mut layer, mut seen) = (Layer::default(), HashSet::default());
        let mut sink = DecodeSink::new(&mut layer, &[], 0, 1 << 20, &mut seen);
        let mut survey = Survey::default();
        tamiz_simd::survey(text, &mut survey);
        decoder.decode(Encoded { text, at: 0, tokens: &survey.tokens }, &mut sink);
        let text = |view: &View| String::from_utf8_lossy(&layer.text[view.range.clone()]).into_owned();
        layer.views.iter().map(|view| (text(view), layer.map.source_span(view.range.clone()))).collect()
    }
}
