//! How much of a text that goes on has to wait: the part whose reading may still change.

use std::ops::Range;

use crate::content::Document;
use crate::engine::Place;
use crate::view::Layers;

/// Where, in the body, the part begins that may still be read in another way when more text comes. `reach` is how much text any rule
/// looks at together.
///
/// In every view that runs on to the end, what a rule may still match is the last `reach` bytes of it, folded; in the body they may
/// take more room (`&#105;` is one letter) or less. What is encoded as a whole waits as a whole.
pub(crate) fn hold_from(document: &Document, layers: &Layers, body: usize, reach: usize) -> usize {
    let mut edge = body.saturating_sub(reach);
    for depth in 0..=layers.newest() {
        let layer = layers.layer(depth);
        let in_body = |range: Range<usize>| document.source_span(layers.to_document(depth, range));
        for (id, view) in layer.views.iter().enumerate() {
            let (range, folded) = (&view.range, &view.folded);
            if range.is_empty() || depth > 0 && in_body(range.end - 1..range.end).end <= edge {
                continue;
            }
            let last = if folded.len() > reach {
                let at = folded.end - reach;
                layer.unfold(at..at + 1).start.min(range.end.saturating_sub(reach))
            } else {
                range.start
            };
            let last = last.max(range.start);
            edge = edge.min(in_body(last..last + 1).start);
            if let Some(blob) = layers.blob(depth, id) {
                edge = edge.min(document.source_span(blob).start);
            }
        }
    }
    edge
}

/// All that a finding covers: the whole blob it was decoded from, if it was.
pub(super) fn covered(place: &Place) -> Range<usize> {
    place
        .blob
        .as_ref()
        .map_or_else(|| place.span.clone(), |blob| place.span.start.min(blob.start)..place.span.end.max(blob.end))
}

/// The last place at or before `edge` that is inside none of the ranges.
pub(super) fn outside(ranges: &[Range<usize>], edge: usize) -> usize {
    let mut edge = edge;
    while let Some(range) = ranges.iter().find(|range| range.start < edge && edge < range.end) {
        edge = range.start;
    }
    edge
}

/// Bytes at the end of a text that are the beginning of a character of UTF-8.
pub(super) fn unfinished(text: &[u8]) -> usize {
    let tail = &text[text.len().saturating_sub(3)..];
    let Some(lead) = tail.iter().rposition(|byte| *byte >= 0xc2) else { return 0 };
    let (have, want) = (
        tail.len() - lead,
        match tail[lead] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        },
    );
    let rest = &tail[lead + 1..];
    if have < want && rest.iter().all(|byte| byte & 0xc0 == 0x80) { have } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_leaves_ranges_whole() {
        let ranges = [5..9, 8..12, 20..30];
        assert_eq!([3, 5, 6, 10, 12, 25, 40].map(|edge| outside(&ranges, edge)), [3, 5, 5, 5, 12, 20, 40]);
    }

    #[test]
    fn characters_are_waited_for() {
        for (text, waits) in [(&b"ab"[..], 0), (b"a\xc3", 1), (b"\xc3\xa9", 0), (b"a\xf0\x9f\x98", 3), (b"\xe2\x82", 2)]
        {
            assert_eq!(unfinished(text), waits, "{text:?}");
        }
        assert_eq!(unfinished(b"\xe9 \x80"), 0);
        assert_eq!(unfinished("a😀".as_bytes()), 0);
    }
}
