//! What a JSON value's place says about it: roles of a chat transcript, members of an MCP message.
//!
//! One pass over the nodes, parents first: a node inherits the state of its parent and its own step may change it. Unknown
//! members inherit too, so nothing falls through: poison likes members nobody reads.

use super::ContentKind;
use super::document::plain;
use super::json::{LeafKind, Step, Tree};

/// Where in a known structure a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// No known structure here.
    Plain,
    /// The top-level object (or an element of a batch).
    Top,
    /// The array under `messages`.
    Messages,
    /// One message; its role decides.
    Message,
    /// The `result` of a JSON-RPC message.
    RpcResult,
    /// The `params` of a JSON-RPC message.
    RpcParams,
    /// The requests that a server makes by its result (`inputRequests`).
    Requests,
    /// One of them.
    Request,
    /// Decided for everything below.
    Settled,
}

/// The kinds of all nodes, reused between contents.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    places: Vec<Place>,
    kinds: Vec<ContentKind>,
    roles: Vec<(u32, ContentKind)>,
}

impl Structure {
    /// Works out every node's kind; `kind` is what is not placed by structure. Nodes before `first` are left as they are.
    pub(crate) fn assign(&mut self, source: &[u8], tree: &Tree, kind: ContentKind) {
        self.places.clear();
        self.kinds.clear();
        self.collect_roles(source, tree);
        for node in &tree.nodes {
            let is_root = self.places.is_empty();
            let (place, inherited) = if is_root {
                (Place::Plain, kind)
            } else {
                (self.places[node.parent as usize], self.kinds[node.parent as usize])
            };
            let (place, kind) = match node.step {
                Step::Root => self.by_role(Place::Top, kind),
                Step::Index(_) => self.element(place, inherited),
                Step::Member { start, end } => member(place, inherited, &plain(&source[start as usize..end as usize])),
            };
            self.places.push(place);
            self.kinds.push(kind);
        }
    }

    /// The kind of a node.
    pub(crate) fn kind(&self, node: u32) -> ContentKind {
        self.kinds[node as usize]
    }

    /// The kind that each object with a `role` member has by it, in order of object.
    fn collect_roles(&mut self, source: &[u8], tree: &Tree) {
        self.roles.clear();
        for leaf in tree.leaves.iter().filter(|leaf| leaf.kind == LeafKind::String) {
            let node = tree.nodes[leaf.node as usize];
            let Step::Member { start, end } = node.step else { continue };
            if *plain(&source[start as usize..end as usize]) == *b"role" {
                let kind = match &*plain(&source[leaf.span()]) {
                    b"assistant" | b"model" => ContentKind::ModelOutput,
                    b"tool" | b"function" => ContentKind::ToolOutput,
                    _ => ContentKind::Prompt,
                };
                self.roles.push((node.parent, kind));
            }
        }
        self.roles.sort_unstable_by_key(|(object, _)| *object);
    }

    fn element(&self, place: Place, inherited: ContentKind) -> (Place, ContentKind) {
        match place {
            // A JSON-RPC batch, a JSON Lines file, or a bare array of messages or tools.
            Place::Top => self.by_role(Place::Top, inherited),
            Place::Messages => self.by_role(Place::Message, inherited),
            Place::Requests => (Place::Request, inherited),
            place => (place, inherited),
        }
    }

    /// The kind of the node now being placed is that of its role, if it has one. Its place stays: a role at the top of an MCP
    /// message must not make its members mean something else.
    fn by_role(&self, place: Place, inherited: ContentKind) -> (Place, ContentKind) {
        let id = self.places.len() as u32;
        match self.roles.binary_search_by_key(&id, |(object, _)| *object) {
            Ok(at) => (place, self.roles[at].1),
            Err(_) => (place, inherited),
        }
    }
}

fn member(place: Place, inherited: ContentKind, name: &[u8]) -> (Place, ContentKind) {
    use ContentKind::{Prompt, ToolArguments, ToolMetadata, ToolOutput};
    match (place, name) {
        (Place::Top | Place::RpcResult | Place::RpcParams, b"tools" | b"functions") => (Place::Settled, ToolMetadata),
        (Place::Top, b"result") => (Place::RpcResult, ToolOutput),
        (Place::Top, b"params") => (Place::RpcParams, ToolArguments),
        (Place::Top, b"error") => (Place::Settled, ToolOutput),
        (Place::Top | Place::RpcResult | Place::RpcParams, b"messages") => (Place::Messages, Prompt),
        (
            Place::RpcResult,
            b"instructions" | b"serverInfo" | b"capabilities" | b"prompts" | b"resources" | b"resourceTemplates"
            | b"_meta",
        ) => (Place::Settled, ToolMetadata),
        (Place::RpcResult, b"content" | b"structuredContent" | b"contents") => (Place::Settled, ToolOutput),
        (Place::RpcParams, b"arguments") => (Place::Settled, ToolArguments),
        (Place::RpcParams, b"systemPrompt") => (Place::Settled, Prompt),
        (Place::RpcParams, b"message" | b"requestedSchema") => (Place::Settled, ToolMetadata),
        (Place::RpcParams, b"data" | b"logger" | b"statusMessage") => (Place::Settled, ToolOutput),
        (Place::RpcResult, b"inputRequests") => (Place::Requests, ToolMetadata),
        (Place::Requests, _) => (Place::Request, ToolMetadata),
        (Place::Request, b"params") => (Place::RpcParams, ToolMetadata),
        (Place::Message | Place::Top, b"tool_calls" | b"function_call") => (Place::Settled, ToolArguments),
        (Place::Top, b"output" | b"choices") => (Place::Settled, ContentKind::ModelOutput),
        (Place::Message, _) => (Place::Message, inherited),
        (place, _) => (place_below(place), inherited),
    }
}

/// What an unknown member leads to: still inside a result, params or a settled part, otherwise nowhere known.
fn place_below(place: Place) -> Place {
    match place {
        Place::RpcResult | Place::RpcParams | Place::Settled => Place::Settled,
        _ => Place::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::{Bounds, walk};
    use super::*;

    fn kinds(text: &str) -> Vec<(String, ContentKind)> {
        let mut tree = Tree::default();
        let bounds = Bounds { depth: 100, values: 1_000 };
        walk(text.as_bytes(), 0..text.len(), 0, Step::Root, bounds, &mut tree).expect("valid JSON");
        let mut structure = Structure::default();
        structure.assign(text.as_bytes(), &tree, ContentKind::ToolOutput);
        let values = tree.leaves.iter().filter(|leaf| leaf.kind == LeafKind::String);
        values.map(|leaf| (text[leaf.span()].to_owned(), structure.kind(leaf.node))).collect()
    }

    #[test]
    fn roles_decide_wherever_they_stand_in_the_message() {
        let found = kinds(
            r#"{"messages":[{"role":"user","content":"a"},{"content":[{"type":"text","text":"b"}],"role":"tool"},
               {"role":"assistant","content":"c","tool_calls":[{"function":{"arguments":"d"}}]}],
               "tools":[{"function":{"description":"e"}}],"model":"f"}"#,
        );
        let of = |text: &str| found.iter().find(|(value, _)| value == text).map(|(_, kind)| *kind);
        assert_eq!(of("a"), Some(ContentKind::Prompt));
        assert_eq!(of("b"), Some(ContentKind::ToolOutput));
        assert_eq!(of("c"), Some(ContentKind::ModelOutput));
        assert_eq!(of("d"), Some(ContentKind::ToolArguments));
        assert_eq!(of("e"), Some(ContentKind::ToolMetadata));
        assert_eq!(of("f"), Some(ContentKind::ToolOutput));
    }

    #[test]
    fn neither_escapes_nor_a_role_hide_what_a_member_is() {
        for text in [
            r#"{"result":{"t\u006fols":[{"description":"a"}]}}"#,
            r#"{"r\u0065sult":{"tools":[{"description":"a"}]}}"#,
            r#"{"role":"assistant","result":{"tools":[{"description":"a"}]}}"#,
        ] {
            let found = kinds(text);
            assert!(found.contains(&("a".to_owned(), ContentKind::ToolMetadata)), "{text}: {found:?}");
        }
    }

    #[test]
    fn mcp_members_decide_and_unknown_ones_inherit() {
        let found = kinds(
            r#"[{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","x-odd":{"deep":"b"}}],"instructions":"c"}},
                {"jsonrpc":"2.0","method":"tools/call","params":{"name":"d","arguments":{"q":"e"}}},
                {"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"f"}]}}]"#,
        );
        let of = |text: &str| found.iter().find(|(value, _)| value == text).map(|(_, kind)| *kind);
        for name in ["a", "b", "c"] {
            assert_eq!(of(name), Some(ContentKind::ToolMetadata), "{name}");
        }
        assert_eq!(of("d"), Some(ContentKind::ToolArguments));
        assert_eq!(of("e"), Some(ContentKind::ToolArguments));
        assert_eq!(of("f"), Some(ContentKind::ToolOutput));
    }
}
