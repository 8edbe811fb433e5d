//! Which tool a piece of an MCP message is about: the one that a listing describes, the one that a call names.

use super::ContentKind;
use super::json::{LeafKind, Step, Tree};
use super::members::name;

/// The object that names the tool of `node`; `kinds` are the node's. None where the caller says that it is something else: what a web
/// page says of tools is no listing.
///
/// A description lies in an element of `tools` or `functions`; a call in `params`, beside the tool's `name`. The outermost such
/// place counts: a description that holds another one stays its own.
pub(super) fn object(source: &[u8], tree: &Tree, node: u32, kinds: u8) -> Option<u32> {
    let mut path = Vec::new();
    let mut at = node;
    while let Some(node) = tree.nodes.get(at as usize) {
        path.push(at);
        if node.step == Step::Root {
            break;
        }
        at = node.parent;
    }
    let is = |node: u32, names: &[&[u8]]| match tree.nodes[node as usize].step {
        Step::Member { start, end } => names.contains(&&*name(&source[start as usize..end as usize])),
        _ => false,
    };
    path.reverse();
    if kinds == ContentKind::ToolMetadata.bit() {
        let listed = path.windows(2).find(|pair| {
            is(pair[0], &[b"tools", b"functions"]) && matches!(tree.nodes[pair[1] as usize].step, Step::Index(_))
        });
        return listed.map(|pair| member(source, tree, pair[1], b"function").unwrap_or(pair[1]));
    }
    let call = kinds == ContentKind::ToolArguments.bit();
    path.iter().copied().find(|node| call && is(*node, &[b"params"]))
}

/// The `name` in an object. One that stands twice is none.
pub(super) fn name_in(source: &[u8], tree: &Tree, object: u32) -> Option<String> {
    text(source, tree, member(source, tree, object, b"name")?)
}

/// The only member of an object with that name.
fn member(source: &[u8], tree: &Tree, object: u32, wanted: &[u8]) -> Option<u32> {
    // What lies in an object follows it.
    let inside = tree.nodes.iter().zip(0..).skip(object as usize + 1).take_while(|(node, _)| node.parent >= object);
    let mut named = inside.filter(|(node, _)| match node.step {
        Step::Member { start, end } => node.parent == object && *name(&source[start as usize..end as usize]) == *wanted,
        _ => false,
    });
    let (_, first) = named.next()?;
    named.next().is_none().then_some(first)
}

/// The string that a node is.
fn text(source: &[u8], tree: &Tree, node: u32) -> Option<String> {
    let first = tree.leaves.partition_point(|leaf| leaf.node < node);
    let mut leaves = tree.leaves[first..].iter().take_while(|leaf| leaf.node == node);
    let leaf = leaves.find(|leaf| leaf.kind == LeafKind::String)?;
    String::from_utf8(name(&source[leaf.span()]).into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::json::{Bounds, walk};
    use super::*;

    /// The tool of the leaf that is this text.
    fn tool(source: &str, kind: ContentKind, value: &str) -> Option<String> {
        let mut tree = Tree::default();
        let bounds = Bounds { depth: 100, values: 1_000 };
        walk(source.as_bytes(), 0..source.len(), 0, Step::Root, bounds, &mut tree).expect("valid JSON");
        let leaf = tree.leaves.iter().find(|leaf| &source[leaf.span()] == value).expect(value);
        let source = source.as_bytes();
        name_in(source, &tree, object(source, &tree, leaf.node, kind.bit())?)
    }

    #[test]
    fn listings_and_calls_say_which_tool() {
        let listing = r#"{"result":{"tools":[{"name":"a","description":"x"},{"description":"y","name":"b",
            "inputSchema":{"tools":[{"name":"a","description":"z"}]}},{"name":"c","n\u0061me":"a","description":"w"},
            {"type":"function","function":{"name":"d","description":"v"}}]}}"#;
        let listed = |value| tool(listing, ContentKind::ToolMetadata, value);
        assert_eq!(listed("x").as_deref(), Some("a"));
        assert_eq!(listed("y").as_deref(), Some("b"));
        assert_eq!(listed("z").as_deref(), Some("b"), "what a description holds is its own");
        assert_eq!(listed("w"), None, "a name that stands twice is none");
        assert_eq!(listed("v").as_deref(), Some("d"));
        let call = r#"{"method":"tools/call","params":{"name":"s","arguments":{"q":"x","name":"t"}}}"#;
        assert_eq!(tool(call, ContentKind::ToolArguments, "x").as_deref(), Some("s"));
        assert_eq!(tool(call, ContentKind::ToolOutput, "x"), None, "an answer does not say whose it is");
    }
}
