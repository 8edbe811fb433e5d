//! Room 1: bytes in, *segments* out.
//!
//! A [`Content`] is what somebody hands in: bytes, what they are ([`ContentKind`]) and how they are written ([`Format`]).
//! This room finds the pieces of text in it: the strings, long numbers and member names of JSON, each with its JSON pointer,
//! its place in the original bytes and the kind its position gives it (the description of a tool is tool metadata, the message
//! of a `user` is a prompt). It copies JSON strings, unescaped, into one text with an offset map, so that later rooms pass over
//! one buffer however many leaves there are. Plain text is not copied.
//!
//! Cost: one pass; memory for the strings of JSON, nothing for plain text. Content can make it fail only by being broken JSON,
//! and then the bytes are taken as plain text and coverage says so.

mod document;
mod encoding;
mod json;
mod members;
mod message;
mod structure;
mod tool;

pub(crate) use document::{Document, Form, SEPARATOR, Site, plain};
pub(crate) use members::repeated_member;
pub use message::McpHeaders;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a content is to the model, and so whom it may give orders to: nobody but a prompt's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// Text from the user of the model.
    Prompt,
    /// Arguments that the model passes to a tool.
    ToolArguments,
    /// What a tool, a web page, a file or a retrieved document gave back: data, never orders.
    ToolOutput,
    /// Names, descriptions and schemas of tools.
    ToolMetadata,
    /// What the model said.
    ModelOutput,
}

impl ContentKind {
    /// All kinds, in the order of the life of a request.
    pub const ALL: [Self; 5] =
        [Self::Prompt, Self::ToolArguments, Self::ToolOutput, Self::ToolMetadata, Self::ModelOutput];

    /// The name used on the command line, in rules and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::ToolArguments => "tool-arguments",
            Self::ToolOutput => "tool-output",
            Self::ToolMetadata => "tool-metadata",
            Self::ModelOutput => "model-output",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How a content is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Find out: JSON or JSON Lines where the bytes parse as such, else text.
    #[default]
    Auto,
    /// Plain text of any sort.
    Text,
    /// One JSON value; chat transcripts and MCP messages are recognised by their members.
    Json,
    /// One JSON value per line.
    Jsonl,
    /// MCP JSON-RPC: a message, a batch, a stream of server-sent events, or a bare `tools/list` result.
    Mcp,
}

/// Bytes to inspect, and what they are. Its `Debug` does not show them.
///
/// ```
/// use tamiz_core::{Content, ContentKind, Format};
/// let content = Content::new(ContentKind::ToolOutput, br#"{"body": "hello"}"#).with_format(Format::Json);
/// assert_eq!(content.body.len(), 17);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Content<'a> {
    /// What it is. `None`: its structure decides (roles of a chat transcript, members of an MCP message), and what the
    /// structure does not place is tool output. A stated kind holds for everything, besides what the structure says.
    pub kind: Option<ContentKind>,
    /// How it is written.
    pub format: Format,
    /// The bytes. Spans in reports are offsets into these.
    pub body: &'a [u8],
    /// Why there is more of the content than `body` (a read that broke off, say), if there is.
    pub cut_short: Option<&'a str>,
    /// The server that it goes to, by the identifier that tokens for it carry as their audience (its URL, usually).
    pub server: Option<&'a str>,
    /// The tool that it is of: whose output, arguments or description it is. `None`: what an MCP message says itself.
    pub tool: Option<&'a str>,
    /// The server that the tool is of, as suppressions of the policy call it. `None`: `server`.
    pub tool_server: Option<&'a str>,
    /// What the content before it in the same conversation ended in; empty for the first.
    pub carried: &'a [u8],
    /// What HTTP said of an MCP message, if it came by HTTP.
    pub headers: Option<McpHeaders<'a>>,
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("kind", &self.kind)
            .field("format", &self.format)
            .field("body_bytes", &self.body.len())
            .field("cut_short", &self.cut_short)
            .field("server", &self.server)
            .field("carried_bytes", &self.carried.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Content<'a> {
    /// A content whose format is found out.
    #[must_use]
    pub fn new(kind: ContentKind, body: &'a [u8]) -> Self {
        Self { kind: Some(kind), ..Self::unplaced(body) }
    }

    /// A content whose kind and format are found out.
    #[must_use]
    pub fn unplaced(body: &'a [u8]) -> Self {
        Self {
            kind: None,
            format: Format::Auto,
            body,
            cut_short: None,
            server: None,
            tool: None,
            tool_server: None,
            carried: &[],
            headers: None,
        }
    }

    /// The same content, known to be only the first part of what there is. Coverage will say so.
    #[must_use]
    pub fn with_cut(mut self, why: Option<&'a str>) -> Self {
        self.cut_short = why;
        self
    }

    /// The same content, on its way to a server: tokens in it that are meant for another one are found.
    #[must_use]
    pub fn with_server(mut self, server: Option<&'a str>) -> Self {
        self.server = server;
        self
    }

    /// The same content, known to be of this tool. It matters to suppressions of the policy only.
    #[must_use]
    pub fn with_tool(mut self, tool: Option<&'a str>) -> Self {
        self.tool = tool;
        self
    }

    /// The same content, known to be of this tool of this server. It matters to suppressions of the policy only.
    #[must_use]
    pub fn with_tool_of(mut self, server: &'a str, tool: &'a str) -> Self {
        (self.tool_server, self.tool) = (Some(server), Some(tool));
        self
    }

    /// The same content, after one that ended in `carried` ([`crate::Scanned::carry`]): what is cut in two between them is found.
    /// At most 512 bytes of it count.
    #[must_use]
    pub fn with_carried(mut self, carried: &'a [u8]) -> Self {
        self.carried = &carried[carried.len().saturating_sub(512)..];
        self
    }

    /// The same content, an MCP message that came with these headers.
    #[must_use]
    pub fn with_mcp_headers(mut self, headers: McpHeaders<'a>) -> Self {
        self.headers = Some(headers);
        self
    }

    /// The same content in a stated format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }
}
