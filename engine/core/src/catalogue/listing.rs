//! Reading what a server says of itself: its tools and its instructions, out of any MCP message that carries them.

use std::fmt;

use serde_json::Value;

use super::canonical;
use crate::content::repeated_member;

/// Most tools in one listing.
const MOST_TOOLS: usize = 20_000;
/// Longest name of a tool, in bytes.
const LONGEST_NAME: usize = 512;

/// A tool as its server describes it. Its `Debug` does not show the description.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Tool {
    /// Its name, as calls give it.
    pub name: String,
    /// All of its description, known members and others.
    pub value: Value,
    /// `value` in canonical form (RFC 8785).
    pub canonical: String,
    /// JSON pointer to it in what was read.
    pub pointer: String,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).field("pointer", &self.pointer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instructions = self.instructions.as_ref().map(String::len);
        let mut shown = f.debug_struct("Listing");
        shown
            .field("tools", &self.tools)
            .field("instructions_bytes", &instructions)
            .field("partial", &self.partial)
            .finish()
    }
}

impl Tool {
    /// Makes a tool of its canonical form, as a store keeps it.
    ///
    /// # Errors
    /// When that is no JSON object.
    pub fn from_canonical(name: &str, canonical: String) -> Result<Self, ListingError> {
        let value = parse(canonical.as_bytes())?;
        Ok(Self { name: name.to_owned(), value, canonical, pointer: String::new() })
    }
}

/// What a server says of itself. Its `Debug` shows the names of the tools and no text.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Listing {
    /// Its tools, in order of the list.
    pub tools: Vec<Tool>,
    /// Its instructions to the model, if they were in what was read.
    pub instructions: Option<String>,
    /// Whether there are further pages: then a tool that is not here may still exist.
    pub partial: bool,
}

/// Why something is not read as a listing. No message repeats content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// It is no JSON.
    #[error("not JSON that can be read, at line {line}, column {column}: {why}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A member stands twice in an object: readers differ in which they take.
    #[error(
        "line {line}, column {column}: a member with the name of an earlier one; readers differ in which they take, so none is taken"
    )]
    Repeated {
        /// Line of the second, from 1.
        line: usize,
        /// Column, in bytes from 1.
        column: usize,
    },
    /// There are no tools in it.
    #[error("no tools in it: expected a tools/list result, a message that carries one, or an array of tools")]
    NoTools,
    /// Something stands where a tool should be.
    #[error("{pointer}: {why}")]
    NoTool {
        /// JSON pointer.
        pointer: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl Listing {
    /// Reads a tools/list result, the JSON-RPC message around it, a batch or array of such messages (pages, or a list and the
    /// answer to `initialize` or `server/discover`), or a bare array of tools.
    ///
    /// # Errors
    /// When there is no tool in it, when a tool has no name, or when it is no JSON that all readers read alike. JSON nested
    /// deeper than 127 levels is refused.
    pub fn read(body: &[u8]) -> Result<Self, ListingError> {
        let value = parse_message(body)?;
        let mut listing = Self::default();
        let mut lists = 0;
        match value {
            // A tool has a name and a message has none: no member of a tool can make the others pass for messages.
            Value::Array(elements)
                if !elements.is_empty() && elements.iter().all(|value| value.get("name").is_none()) =>
            {
                for (index, element) in elements.into_iter().enumerate() {
                    lists += listing.take(element, &format!("/{index}"))?;
                }
            }
            Value::Array(tools) => {
                listing.take_tools(tools, "")?;
                lists += 1;
            }
            value => lists += listing.take(value, "")?,
        }
        if lists == 0 && listing.instructions.is_none() {
            return Err(ListingError::NoTools);
        }
        // Of instructions alone nothing can be said about tools.
        listing.partial |= lists == 0;
        Ok(listing)
    }

    /// Takes one message or result; returns how many lists of tools it had.
    fn take(&mut self, mut value: Value, at: &str) -> Result<usize, ListingError> {
        let (mut value, at) = match value.get_mut("result").map(Value::take) {
            Some(result) => (result, format!("{at}/result")),
            None => (value, at.to_owned()),
        };
        if let Some(instructions) = value.get("instructions").and_then(Value::as_str) {
            self.instructions = Some(instructions.to_owned());
        }
        // The last page says whether there is more.
        let Some(Value::Array(tools)) = value.get_mut("tools").map(Value::take) else { return Ok(0) };
        self.take_tools(tools, &format!("{at}/tools"))?;
        self.partial = value.get("nextCursor").is_some_and(|cursor| !cursor.is_null());
        Ok(1)
    }

    fn take_tools(&mut self, tools: Vec<Value>, at: &str) -> Result<(), ListingError> {
        for (index, value) in tools.into_iter().enumerate() {
            let pointer = format!("{at}/{index}");
            let wrong = |why| ListingError::NoTool { pointer: pointer.clone(), why };
            if self.tools.len() >= MOST_TOOLS {
                return Err(wrong("more than 20,000 tools"));
            }
            if !value.is_object() {
                return Err(wrong("a tool is an object"));
            }
            let name =
                value.get("name").and_then(Value::as_str).ok_or_else(|| wrong("a tool has a `name`, a string"))?;
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err(wrong("the name of a tool has 1 to 512 bytes"));
            }
            let (name, mut text) = (name.to_owned(), String::with_capacity(512));
            canonical::write(&value, &mut text);
            text.shrink_to_fit();
            self.tools.push(Tool { name, value, canonical: text, pointer });
        }
        Ok(())
    }
}

/// Reads a message that all readers read alike.
///
/// # Errors
/// When it is no JSON, is nested deeper than 127 levels, or has a member twice in one object.
pub fn parse_message(body: &[u8]) -> Result<Value, ListingError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value = parse(body)?;
    match repeated_member(body) {
        Some(at) => {
            let before = &body[..at];
            let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            Err(ListingError::Repeated { line, column: at - line_start + 1 })
        }
        None => Ok(value),
    }
}

fn parse(body: &[u8]) -> Result<Value, ListingError> {
    serde_json::from_slice(body).map_err(|error| {
        let why = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            _ if error.to_string().starts_with("recursion limit") => "nested deeper than 127 levels",
            _ => "malformed",
        };
        ListingError::Json { line: error.line(), column: error.column(), why }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &str) -> Vec<String> {
        Listing::read(json.as_bytes()).unwrap().tools.into_iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn tools_are_found_in_every_wrapping() {
        for json in [
            r#"[{"name":"a"},{"name":"b","x":1}]"#,
            r#"{"tools":[{"name":"a"},{"name":"b"}]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}"#,
            r#"[{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"nextCursor":"2"}},
                {"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"b"}]}}]"#,
        ] {
            assert_eq!(names(json), ["a", "b"], "{json}");
            assert!(!Listing::read(json.as_bytes()).unwrap().partial);
        }
        assert!(names("[]").is_empty());
        assert_eq!(names(r#"[{"name":"a","result":{"tools":[]}},{"name":"b"}]"#), ["a", "b"]);
    }

    #[test]
    fn instructions_and_pages_are_noted() {
        let read = |json: &str| Listing::read(json.as_bytes()).unwrap();
        let both = read(r#"[{"result":{"instructions":"Be kind."}},{"result":{"tools":[]}}]"#);
        assert_eq!((both.instructions.as_deref(), both.partial), (Some("Be kind."), false));
        assert!(read(r#"{"result":{"instructions":"Be kind."}}"#).partial);
        assert!(read(r#"{"tools":[{"name":"a"}],"nextCursor":"x"}"#).partial);
        assert_eq!(read(r#"{"result":{"tools":[{"name":"a"}]}}"#).tools[0].pointer, "/result/tools/0");
    }

    #[test]
    fn what_readers_would_read_differently_is_refused() {
        let error = |json: &str| Listing::read(json.as_bytes()).unwrap_err().to_string();
        let twice = error(r#"[{"name":"a","description":"x","descripti\u006fn":"y"}]"#);
        assert!(twice.starts_with("line 1, column 33:"), "{twice}");
        assert!(error(r#"{"tools":[{"title":"a"}]}"#).starts_with("/tools/0:"));
        assert!(error(r#"{"tools":["a"]}"#).contains("a tool is an object"));
        assert!(error("{}").starts_with("no tools"));
        assert!(error("[1,").contains("ends too early"));
        assert!(error(&"[".repeat(200)).contains("127"));
    }
}
