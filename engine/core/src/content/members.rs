//! Names of members: the pointer to a value, and names that stand twice in an object.

use std::borrow::Cow;
use std::ops::Range;

use super::document::unescape;
use super::json::{Bounds, Step, Tree, walk};
use crate::view::OffsetMap;

/// The JSON pointer (RFC 6901) of a node, with `…` for the names that `hidden` says yes to, by their range in the source.
pub(super) fn pointer(source: &[u8], tree: &Tree, node: u32, hidden: &dyn Fn(Range<usize>) -> bool) -> String {
    let mut steps = Vec::new();
    let mut at = node;
    while let Some(node) = tree.nodes.get(at as usize) {
        match node.step {
            Step::Root => break,
            Step::Index(index) => steps.push(index.to_string()),
            Step::Member { start, end } if hidden(start as usize..end as usize) => steps.push("…".to_owned()),
            Step::Member { start, end } => {
                let name = name(&source[start as usize..end as usize]);
                steps.push(String::from_utf8_lossy(&name).replace('~', "~0").replace('/', "~1"));
            }
        }
        at = node.parent;
    }
    steps.iter().rev().flat_map(|step| ["/", step.as_str()]).collect()
}

/// A name without its escapes.
pub(super) fn name(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::new();
    unescape(raw, 0, &mut text, &mut OffsetMap::default());
    Cow::Owned(text)
}

/// Members whose name another member of the same object has already, in order.
pub(super) fn repeats(source: &[u8], tree: &Tree) -> Vec<u32> {
    let mut members: Vec<(u32, Cow<'_, [u8]>, u32)> = tree
        .nodes
        .iter()
        .zip(0..)
        .filter_map(|(node, id)| match node.step {
            Step::Member { start, end } => Some((node.parent, name(&source[start as usize..end as usize]), id)),
            _ => None,
        })
        .collect();
    members.sort_unstable();
    let again =
        |pair: &[(u32, Cow<'_, [u8]>, u32)]| ((pair[0].0, &pair[0].1) == (pair[1].0, &pair[1].1)).then_some(pair[1].2);
    let mut repeats: Vec<u32> = members.windows(2).filter_map(again).collect();
    repeats.sort_unstable();
    repeats
}

/// Where the first name stands that stands twice in its object; `None` also for what is no JSON.
pub(crate) fn repeated_member(source: &[u8]) -> Option<usize> {
    let mut tree = Tree::default();
    let bounds = Bounds { depth: 200, values: usize::MAX };
    walk(source, 0..source.len(), 0, Step::Root, bounds, &mut tree).ok()?;
    let first = *repeats(source, &tree).first()?;
    match tree.nodes.get(first as usize)?.step {
        Step::Member { start, .. } => Some(start as usize),
        Step::Root | Step::Index(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_twice_are_found_however_they_are_written() {
        let repeated = |text: &str| repeated_member(text.as_bytes());
        assert_eq!(repeated(r#"{"a":{"x":1},"b":[{"x":1},{"x":2}]}"#), None);
        assert_eq!(repeated(r#"{"a":1,"b":[{"x":1,"y":2,"\u0078":3}]}"#), Some(26));
        assert_eq!(repeated("{"), None);
    }
}
