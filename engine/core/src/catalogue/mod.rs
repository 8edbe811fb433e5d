//! Beside the path: what servers say of their tools, remembered and compared.
//!
//! A description of a tool is text that a model obeys and nobody reads, and it may change after it was approved. Here a
//! [`Listing`] is read from an MCP message, each tool has a canonical form (RFC 8785) and a keyed digest ([`Digester`]), two
//! descriptions are compared member by member ([`diff`]), and names are compared with those of all other known tools
//! ([`compare`]). What is noticed is told as [`Notice`]s; each names a rule, and [`crate::Engine::weigh`] decides.
//!
//! Nothing is stored here: who calls keeps what was approved. Cost: one pass over a listing; comparing is linear in the number
//! of names. Listings are read whole, so the caller bounds their size.

mod arguments;
mod canonical;
mod compare;
mod diff;
mod labels;
mod listing;
mod words;

pub use arguments::check_arguments;
pub use compare::{KnownTool, Notice, compare};
pub use diff::{ChangeKind, ToolChange, diff};
pub use labels::{Label, labels, toxic_flow};
pub use listing::{Listing, ListingError, Tool, parse_message};
pub use words::told_name;

/// Makes digests: keyed BLAKE3 of server, tool and canonical form, as 64 hexadecimal digits.
///
/// Keyed, so that a digest in a report tells nothing to whoever guesses at the text.
#[derive(Clone)]
pub struct Digester {
    key: [u8; 32],
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(…)")
    }
}

impl Digester {
    /// With a key that only whoever keeps the pins has.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The digest of a tool.
    #[must_use]
    pub fn tool(&self, server: &str, tool: &Tool) -> String {
        self.digest(b"tool", server, &tool.name, &tool.canonical)
    }

    /// The digest of a server's instructions.
    #[must_use]
    pub fn instructions(&self, server: &str, instructions: &str) -> String {
        self.digest(b"instructions", server, "", instructions)
    }

    /// The same digests of what is kept: the canonical form of a tool, or the instructions if the name is empty.
    #[must_use]
    pub fn kept(&self, server: &str, tool: &str, text: &str) -> String {
        let what: &[u8] = if tool.is_empty() { b"instructions" } else { b"tool" };
        self.digest(what, server, tool, text)
    }

    fn digest(&self, what: &[u8], server: &str, tool: &str, text: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [what, server.as_bytes(), tool.as_bytes(), text.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_hold_for_one_meaning_in_one_place() {
        let tool = |json: &str| Listing::read(json.as_bytes()).unwrap().tools.remove(0);
        let digester = Digester::new([1; 32]);
        let (a, b) = (tool(r#"[{"name":"t","description":"x"}]"#), tool(r#"[ {"description":"\u0078", "name":"t"} ]"#));
        let digest = digester.tool("s", &a);
        assert_eq!((digest.len(), &digest), (64, &digester.tool("s", &b)));
        assert_ne!(digest, digester.tool("other", &a));
        assert_ne!(digest, Digester::new([2; 32]).tool("s", &a));
        assert_ne!(digest, digester.tool("s", &tool(r#"[{"name":"t","description":"x","x-odd":1}]"#)));
    }
}
