//! Where decoders write: views appended to the next layer, each kept only if it is new and within budget.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::{Layer, View, ViewKind};
use crate::content::SEPARATOR;

/// Takes the output of one decoder over one view.
pub(crate) struct DecodeSink<'l> {
    layer: &'l mut Layer,
    /// The layers before, up to the parent's: where a view stands in the document is part of what makes it new.
    before: &'l [Layer],
    /// Where the parent view starts in its layer; decoders speak of offsets within the view.
    at: usize,
    budget: usize,
    seen: &'l mut HashSet<u64, RandomState>,
    start: usize,
    cut: bool,
    short: bool,
}

impl<'l> DecodeSink<'l> {
    pub(crate) fn new(
        layer: &'l mut Layer,
        before: &'l [Layer],
        at: usize,
        budget: usize,
        seen: &'l mut HashSet<u64, RandomState>,
    ) -> Self {
        let start = layer.text.len();
        Self { layer, before, at, budget, seen, start, cut: false, short: false }
    }

    /// Whether a budget cut something off.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut || self.short
    }

    /// Notes that what is written is not all there is.
    pub(crate) fn cut_short(&mut self) {
        self.short = true;
    }

    /// `bytes` of the view, from `src` on, as they are.
    pub(crate) fn copy(&mut self, src: usize, bytes: &[u8]) {
        if self.fits(bytes.len()) {
            self.layer.text.extend_from_slice(bytes);
            self.layer.map.push_copy(self.at + src, bytes.len());
        }
    }

    /// `bytes` decoded from `src_len` bytes at `src`, `num` of these to `den` of those, evenly; `num` 0: as a whole.
    pub(crate) fn decoded(&mut self, src: usize, src_len: usize, bytes: &[u8], num: u8, den: u8) {
        if self.fits(bytes.len()) {
            self.layer.text.extend_from_slice(bytes);
            self.layer.map.push_ratio(self.at + src, src_len, bytes.len(), num, den);
        }
    }

    /// `bytes` that stand, all together, for `src_len` bytes at `src`; separators among them become another foreign byte.
    pub(crate) fn whole(&mut self, src: usize, src_len: usize, mut bytes: Vec<u8>) {
        bytes.iter_mut().filter(|byte| **byte == SEPARATOR).for_each(|byte| *byte = 0xfe);
        self.decoded(src, src_len, &bytes, 0, 1);
    }

    /// `pieces` with a space between any two, that stand, all together, for the `src_len` bytes at `src`, and are no longer.
    pub(crate) fn pieces<'p>(&mut self, src: usize, src_len: usize, pieces: impl Iterator<Item = &'p [u8]>) {
        if !self.fits(src_len) {
            return;
        }
        let from = self.layer.text.len();
        for (number, piece) in pieces.enumerate() {
            if number > 0 {
                self.layer.text.push(b' ');
            }
            self.layer.text.extend_from_slice(piece);
        }
        self.layer.map.push_block(self.at + src, src_len, self.layer.text.len() - from);
    }

    /// What has been written of the view, to change it in place.
    pub(crate) fn written(&mut self) -> &mut [u8] {
        &mut self.layer.text[self.start..]
    }

    fn fits(&mut self, more: usize) -> bool {
        self.cut |= self.layer.text.len() + more > self.budget;
        !self.cut
    }

    /// Ends a view. It is kept if no other view of this content has its text at its place: two ways of decoding the same
    /// bytes (percent then entities, entities then percent) come to the same view, two copies of a blob do not.
    pub(crate) fn finish(&mut self) {
        self.finish_as(ViewKind::Raw);
    }

    /// The same for a decoder that makes views of several kinds.
    pub(crate) fn finish_as(&mut self, kind: ViewKind) {
        let layer = &mut *self.layer;
        let text = &layer.text[self.start..];
        let range = self.start..layer.text.len();
        let source = layer.map.source_span(range.clone());
        let source_end = source.end;
        let place = self.before.iter().skip(1).rev().fold(source, |range, layer| layer.map.source_span(range)).start;
        if text.is_empty() || self.cut || !self.seen.insert(self.seen.hasher().hash_one((text, place))) {
            self.abandon();
            return;
        }
        layer.text.push(SEPARATOR);
        layer.map.push_block(source_end, 0, 1);
        layer.views.push(View { kind, range, folded: 0..0, segment: 0, parent: 0, decoded: 0, readings: 0, reader: 0 });
        self.start = layer.text.len();
    }

    /// Takes back what was written since the last view.
    pub(crate) fn abandon(&mut self) {
        self.layer.text.truncate(self.start);
        self.layer.map.truncate(self.start);
    }
}
