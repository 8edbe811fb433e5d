//! The layers of a content: all views of one decoding depth in one text.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ops::Range;

use tamiz_simd::Survey;

use super::sign::{Encoded, Gates, Signposts, Traces};
use super::{DECODERS, DecodeSink, OffsetMap, ViewKind, fold, joined};
use crate::content::{Document, SEPARATOR};
use crate::limits::Limits;

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
    pub(super) parent: usize,
    /// How often it was decoded, and how often read in another way, to make it.
    pub(super) decoded: usize,
    pub(super) readings: usize,
    /// One more than the number of the decoder that read it so; 0: none did.
    pub(super) reader: usize,
}

/// The views of one decoding depth.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(super) text: Vec<u8>,
    pub(super) map: OffsetMap,
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
        let place = |at: usize| self.fold_map.first_from(at, self.folded.len());
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
    gates: Gates,
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
        let traces = Traces::of(text, &parent.folded, &parent.survey, &self.gates);
        for (number, decoder) in DECODERS.iter().enumerate() {
            if !traces.may_have(self.gates.decoders[number]) {
                continue;
            }
            let reading = decoder.is_reading();
            // Only the views with a sign in them.
            let (mut id, mut from) = (0, 0);
            let mut posts = Signposts::new(&traces, decoder.signs(), parent.views.len() > 1);
            while let Some(at) = posts.next(from) {
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
