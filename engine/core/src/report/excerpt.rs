//! Inspected content on its way to somebody who asked for it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Text of a finding. Its `Debug` does not show it, so it cannot reach a log by accident; serialising it does.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(String);

/// Longest excerpt, in bytes.
const LONGEST: usize = 512;

impl Excerpt {
    /// The text, cut to 512 bytes; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let cut = &text[..text.len().min(LONGEST)];
        let more = if cut.len() < text.len() { "…" } else { "" };
        Self(format!("{}{more}", String::from_utf8_lossy(cut)))
    }

    /// The text, for showing it to the person who asked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Excerpt({} bytes)", self.0.len())
    }
}

impl Serialize for Excerpt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for Excerpt {
    fn schema_name() -> Cow<'static, str> {
        "Excerpt".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        let excerpt = Excerpt::new(b"hunter2");
        assert!(!format!("{excerpt:?}").contains("hunter2"));
        assert_eq!(excerpt.reveal(), "hunter2");
    }
}
