//! What is wrong with a rule file, where, and what to do about it.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// A mistake in a file: a code that stays the same between versions, a place, a message, a remedy.
///
/// Shown as `file:line:column: error[E020]: message`, the line with a caret, and the hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line it is about.
    #[serde(skip)]
    excerpt: String,
    #[serde(skip)]
    width: usize,
}

impl Diagnostic {
    /// A mistake at the byte range `span` of `source`.
    #[must_use]
    pub fn new(file: &str, source: &str, span: Range<usize>, code: &'static str, message: impl Into<String>) -> Self {
        let mut at = span.start.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let excerpt = source[start..].lines().next().unwrap_or_default();
        let column = source[start..at].chars().count() + 1;
        let line_left = excerpt.chars().count() + 1 - column.min(excerpt.chars().count() + 1);
        Self {
            file: file.to_owned(),
            line: source[..at].matches('\n').count() + 1,
            column,
            code,
            message: message.into(),
            hint: None,
            excerpt: excerpt.chars().take(160).collect(),
            width: span.len().clamp(1, line_left.max(1)),
        }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: error[{}]: {}", self.file, self.line, self.column, self.code, self.message)?;
        if !self.excerpt.trim().is_empty() && self.column <= 160 {
            let number = self.line.to_string();
            let pad = " ".repeat(number.len());
            let indent = " ".repeat(self.column - 1);
            writeln!(f, "{pad} |\n{number} | {}\n{pad} | {indent}{}", self.excerpt, "^".repeat(self.width.min(80)))?;
        }
        match &self.hint {
            Some(hint) => writeln!(f, "  = help: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_place() {
        let source = "id = 1\ntitlé = \"x\"\n";
        let shown = Diagnostic::new("a.toml", source, 16..19, "E001", "odd").hint("mend it").to_string();
        assert_eq!(shown, "a.toml:2:9: error[E001]: odd\n  |\n2 | titlé = \"x\"\n  |         ^^^\n  = help: mend it\n");
    }
}
