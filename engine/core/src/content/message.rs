//! What is odd about an MCP message itself: members that stand twice, versions that nobody knows, headers that say something else
//! than the body, media that is not what it is said to be.
//!
//! Looked for only where a message says `jsonrpc`, or the caller says that it is one. Cost: the names of its members are sorted.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{LeafKind, Step, Tree};
use super::members::{name, pointer};
use crate::verdict::Coverage;

/// Revisions of MCP.
const VERSIONS: [&[u8]; 5] = [b"2024-11-05", b"2025-03-26", b"2025-06-18", b"2025-11-25", b"2026-07-28"];
/// The first revision whose requests carry method and name in headers.
const HEADERS_SINCE: &str = "2026-07-28";
/// Most oddities that are told of one content.
const MOST: usize = 100;

/// What HTTP says of an MCP message, beside its body. A header that was not there is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpHeaders<'a> {
    /// `MCP-Protocol-Version`.
    pub version: Option<&'a str>,
    /// `Mcp-Method`.
    pub method: Option<&'a str>,
    /// `Mcp-Name`.
    pub name: Option<&'a str>,
}

impl<'a> McpHeaders<'a> {
    /// These three.
    #[must_use]
    pub fn new(version: Option<&'a str>, method: Option<&'a str>, name: Option<&'a str>) -> Self {
        Self { version, method, name }
    }
}

/// Something odd: what, by the name that rules give it, and at which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oddity {
    pub(crate) what: &'static str,
    pub(crate) node: u32,
}

/// Looks at all messages in a tree. `stated`: the caller says that they are messages.
pub(super) fn oddities(
    source: &[u8],
    tree: &Tree,
    stated: bool,
    headers: Option<McpHeaders<'_>>,
    coverage: &mut Coverage,
) -> Vec<Oddity> {
    let messages = messages(source, tree);
    if !stated && messages.is_empty() {
        return Vec::new();
    }
    let mut look = Look { source, tree, members: Members::new(source, tree), found: Vec::new() };
    look.members.repeats(&mut look.found);
    for message in messages {
        look.message(message, headers);
    }
    look.schemas();
    look.media(coverage);
    look.found.truncate(MOST);
    look.found
}

/// The nodes that say `jsonrpc`, at the top or in a batch, or have a `method`.
fn messages(source: &[u8], tree: &Tree) -> Vec<u32> {
    let is_top = |node: u32| {
        let node = &tree.nodes[node as usize];
        match node.step {
            Step::Root => true,
            Step::Index(_) => matches!(tree.nodes[node.parent as usize].step, Step::Root | Step::Index(_)),
            Step::Member { .. } => false,
        }
    };
    let mut found: Vec<u32> = tree
        .nodes
        .iter()
        .filter(|node| match node.step {
            Step::Member { start, end } => &*name(&source[start as usize..end as usize]) == b"jsonrpc",
            _ => false,
        })
        .map(|node| node.parent)
        .filter(|parent| is_top(*parent))
        .collect();
    found.dedup();
    found
}

/// All members, sorted by object and name.
struct Members<'s>(Vec<(u32, Cow<'s, [u8]>, u32)>);

impl<'s> Members<'s> {
    fn new(source: &'s [u8], tree: &Tree) -> Self {
        let member = |(node, id): (&super::json::Node, u32)| match node.step {
            Step::Member { start, end } => Some((node.parent, name(&source[start as usize..end as usize]), id)),
            _ => None,
        };
        let mut all: Vec<_> = tree.nodes.iter().zip(0..).filter_map(member).collect();
        all.sort_unstable();
        Self(all)
    }

    fn child(&self, parent: u32, name: &str) -> Option<u32> {
        let name = name.as_bytes();
        let at = self.0.partition_point(|(object, member, _)| (*object, &**member) < (parent, name));
        self.0.get(at).filter(|(object, member, _)| (*object, &**member) == (parent, name)).map(|(_, _, id)| *id)
    }

    fn repeats(&self, found: &mut Vec<Oddity>) {
        for pair in self.0.windows(2) {
            if (pair[0].0, &pair[0].1) == (pair[1].0, &pair[1].1) && found.len() < MOST {
                found.push(Oddity { what: "mcp-duplicate-member", node: pair[1].2 });
            }
        }
    }
}

struct Look<'s> {
    source: &'s [u8],
    tree: &'s Tree,
    members: Members<'s>,
    found: Vec<Oddity>,
}

impl<'s> Look<'s> {
    fn note(&mut self, what: &'static str, node: u32) {
        if self.found.len() < MOST {
            self.found.push(Oddity { what, node });
        }
    }

    /// The string that a node is.
    fn text(&self, node: u32) -> Option<Cow<'s, [u8]>> {
        let leaves = &self.tree.leaves;
        let first = leaves.partition_point(|leaf| leaf.node < node);
        let leaf =
            leaves[first..].iter().take_while(|leaf| leaf.node == node).find(|leaf| leaf.kind == LeafKind::String)?;
        Some(name(&self.source[leaf.span()]))
    }

    fn message(&mut self, message: u32, headers: Option<McpHeaders<'_>>) {
        let child = |parent: Option<u32>, name: &str| self.members.child(parent?, name);
        let top = Some(message);
        let (params, result) = (child(top, "params"), child(top, "result"));
        let meta = child(params, "_meta");
        let version = child(meta, "io.modelcontextprotocol/protocolVersion").or(child(params, "protocolVersion"));
        let versions = [version, child(result, "protocolVersion")];
        let named = child(params, "name").or(child(params, "uri"));
        let (method, kind) = (child(top, "method"), child(result, "resultType"));
        let jsonrpc = child(top, "jsonrpc");
        if let Some(node) = jsonrpc.filter(|node| self.text(*node).as_deref() != Some(&b"2.0"[..])) {
            self.note("mcp-jsonrpc", node);
        }
        for node in versions.into_iter().flatten() {
            if !self.text(node).is_some_and(|text| VERSIONS.contains(&&*text)) {
                self.note("mcp-version", node);
            }
        }
        if let Some(node) =
            kind.filter(|node| !matches!(self.text(*node).as_deref(), Some(b"complete" | b"input_required")))
        {
            self.note("mcp-result-type", node);
        }
        if let (Some(headers), Some(method)) = (headers, method) {
            self.headers(headers, method, named, version);
        }
    }

    /// Compares what headers and body of a request say. Each mismatch stands where the body says its part.
    fn headers(&mut self, headers: McpHeaders<'_>, method: u32, named: Option<u32>, version: Option<u32>) {
        if headers.version.is_some_and(|version| !VERSIONS.contains(&version.as_bytes())) {
            self.note("mcp-version", version.unwrap_or(method));
        }
        let differs = |text: &Option<Cow<'_, [u8]>>, header: Option<&str>| {
            header.is_some_and(|header| text.as_deref() != Some(&*decoded(header)))
        };
        let body = self.text(method);
        let needs_name = matches!(body.as_deref(), Some(b"tools/call" | b"resources/read" | b"prompts/get"));
        let required = headers.version == Some(HEADERS_SINCE);
        if differs(&body, headers.method) || (required && headers.method.is_none()) {
            self.note("mcp-header-mismatch", method);
        }
        let text = named.and_then(|node| self.text(node));
        let extra = headers.name.is_some() && text.is_none();
        if (needs_name && differs(&text, headers.name)) || extra || (required && needs_name && headers.name.is_none()) {
            self.note("mcp-header-mismatch", named.unwrap_or(method));
        }
        if let Some(node) = version {
            let text = self.text(node);
            if differs(&text, headers.version) {
                self.note("mcp-header-mismatch", node);
            }
        }
    }

    /// Parameters that a gateway would copy into a header, and whose names say that they are secret.
    fn schemas(&mut self) {
        let marked: Vec<u32> = self.named(b"x-mcp-header").map(|id| self.tree.nodes[id as usize].parent).collect();
        for property in marked {
            let Step::Member { start, end } = self.tree.nodes[property as usize].step else { continue };
            let name = name(&self.source[start as usize..end as usize]).to_ascii_lowercase();
            let secret =
                ["token", "password", "passwd", "secret", "api_key", "apikey", "api-key", "credential", "private_key"];
            if secret.iter().any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some()) {
                self.note("mcp-header-secret", property);
            }
        }
    }

    fn named<'m>(&'m self, name: &'m [u8]) -> impl Iterator<Item = u32> + 'm {
        self.members.0.iter().filter(move |(_, member, _)| **member == *name).map(|(_, _, id)| *id)
    }

    /// Base64 in `data` and `blob` beside a `mimeType`. What is text is decoded and inspected as any base64 is.
    fn media(&mut self, coverage: &mut Coverage) {
        let (mut odd, mut notes) = (Vec::new(), Vec::new());
        // What leaks is not known yet. The names of the protocol are words, and types have few digits: no key passes for either.
        let no_word = |name: Range<usize>| !self.source[name].iter().all(u8::is_ascii_alphabetic);
        for node in self.named(b"data").chain(self.named(b"blob")) {
            let object = self.tree.nodes[node as usize].parent;
            let kind = self.members.child(object, "mimeType").and_then(|node| self.text(node));
            let is_blob = self.members.child(object, "blob") == Some(node);
            let Some(encoded) = self.text(node).filter(|_| kind.is_some() || is_blob) else { continue };
            let kind = kind.as_deref().map_or(String::new(), |kind| String::from_utf8_lossy(kind).to_ascii_lowercase());
            match media(&kind, &encoded) {
                Media::Text => {}
                Media::Odd => odd.push(node),
                Media::Plain if notes.len() < MOST => {
                    let at = pointer(self.source, self.tree, node, &no_word);
                    notes.push(format!("{at}: no base64; looked at as it is"));
                }
                Media::Binary(bytes) if notes.len() < MOST => {
                    let shown = kind.len() <= 64
                        && kind.bytes().filter(u8::is_ascii_digit).count() <= 4
                        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte));
                    let kind = if shown && !kind.is_empty() { &kind } else { "an unknown type" };
                    let at = pointer(self.source, self.tree, node, &no_word);
                    notes.push(format!("{at}: {bytes} bytes of {kind} were not looked into"));
                }
                Media::Plain | Media::Binary(_) => {}
            }
        }
        odd.into_iter().for_each(|node| self.note("mcp-media", node));
        notes.into_iter().for_each(|note| coverage.note(note));
    }
}

/// The value of a header; what is no ASCII is in it as `=?base64?…?=`.
fn decoded(header: &str) -> Cow<'_, [u8]> {
    let inner = header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match inner.and_then(|inner| STANDARD.decode(inner).ok()) {
        Some(bytes) => Cow::Owned(bytes),
        None => Cow::Borrowed(header.as_bytes()),
    }
}

enum Media {
    /// Text, which is decoded and inspected elsewhere.
    Text,
    /// Not what it is said to be.
    Odd,
    /// No base64.
    Plain,
    /// So many bytes that nobody here understands.
    Binary(usize),
}

fn media(kind: &str, encoded: &[u8]) -> Media {
    let kind = kind.split(';').next().unwrap_or(kind).trim();
    let spaced = encoded.iter().any(u8::is_ascii_whitespace);
    let plain: Cow<'_, [u8]> = if spaced {
        encoded.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>().into()
    } else {
        encoded.into()
    };
    let Ok(bytes) = STANDARD.decode(&*plain) else { return Media::Plain };
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains('\0'));
    let says_text = kind.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript", "image/svg+xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    if says_text || kind.is_empty() || kind == "application/octet-stream" {
        return match (is_text, says_text) {
            (true, _) => Media::Text,
            (false, true) => Media::Odd,
            (false, false) => Media::Binary(bytes.len()),
        };
    }
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let riff = |form: &[u8]| begins(b"RIFF") && bytes.get(8..12) == Some(form);
    let right = match kind {
        "image/png" => begins(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" | "image/jpg" => begins(b"\xff\xd8\xff"),
        "image/gif" => begins(b"GIF87a") || begins(b"GIF89a"),
        "image/webp" => riff(b"WEBP"),
        "audio/wav" | "audio/x-wav" | "audio/wave" => riff(b"WAVE"),
        "audio/mpeg" | "audio/mp3" => {
            begins(b"ID3") || (begins(b"\xff") && bytes.get(1).is_some_and(|byte| byte & 0xe0 == 0xe0))
        }
        "audio/ogg" => begins(b"OggS"),
        "audio/flac" => begins(b"fLaC"),
        "application/pdf" => begins(b"%PDF-"),
        "application/zip" => begins(b"PK"),
        // Text of some length is no picture and no sound of any sort.
        _ => !(is_text && bytes.len() >= 16 && (kind.starts_with("image/") || kind.starts_with("audio/"))),
    };
    if right { Media::Binary(bytes.len()) } else { Media::Odd }
}
