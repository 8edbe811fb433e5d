//! A JSON walker that keeps offsets.
//!
//! DOM parsers give values and lose where they stood; this one gives, for every string, long number and member name, the byte
//! span it has in the source, and a node to build its JSON pointer from. It is strict (RFC 8259), iterative (its stack is on
//! the heap and bounded), and stops at the first mistake with the offset.

use std::ops::Range;

/// A value's place in the tree. Parents come before their children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    pub(crate) step: Step,
}

/// The last step of a node's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Root,
    Index(u32),
    /// The span of a member's name between its quotes.
    Member {
        start: u32,
        end: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// A member's name.
    Name,
    String,
    Number,
}

/// A piece of text: the bytes between the quotes, or the digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) node: u32,
    pub(crate) kind: LeafKind,
    pub(crate) escaped: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Leaf {
    pub(crate) fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The tree and its text. Reused from one content to the next.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaves: Vec<Leaf>,
    /// While walking: the arrays and objects around the place, innermost last.
    open: Vec<Open>,
}

impl Tree {
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.leaves.clear();
    }

    pub(crate) fn add_node(&mut self, parent: u32, step: Step) -> u32 {
        let id = self.nodes.len() as u32;
        self.nodes.push(Node { parent, step });
        id
    }
}

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Byte offset in the source.
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Bounds on the walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) depth: usize,
    pub(crate) values: usize,
}

/// Numbers shorter than this are no text worth looking at; cards, phones and national ids are longer.
const SHORTEST_NUMBER: usize = 9;

/// Walks the one JSON value in `source[range]`, adding nodes and leaves under a new node `parent`/`step`.
///
/// # Errors
/// The first mistake. What was added until then stays in the tree; the caller decides what to do with it.
pub(crate) fn walk(
    source: &[u8],
    range: Range<usize>,
    parent: u32,
    step: Step,
    bounds: Bounds,
    tree: &mut Tree,
) -> Result<(), JsonError> {
    tree.open.clear();
    let mut walker = Walker { source: &source[..range.end], at: range.start, bounds, tree };
    walker.value(parent, step)?;
    while let Some(open) = walker.tree.open.last().copied() {
        walker.next_in(open)?;
    }
    walker.space();
    if walker.at < walker.source.len() {
        return Err(walker.error("unexpected text after the JSON value"));
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Open {
    node: u32,
    count: u32,
    object: bool,
}

struct Walker<'s, 't> {
    source: &'s [u8],
    at: usize,
    bounds: Bounds,
    tree: &'t mut Tree,
}

impl Walker<'_, '_> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, parent: u32, step: Step) -> Result<(), JsonError> {
        if self.tree.nodes.len() >= self.bounds.values {
            return Err(self.error("more values than the limit allows"));
        }
        self.space();
        let node = self.tree.add_node(parent, step);
        match self.peek() {
            Some(b'"') => {
                let (start, end, escaped) = self.string()?;
                self.leaf(node, LeafKind::String, start, end, escaped);
                Ok(())
            }
            Some(open @ (b'{' | b'[')) => {
                if self.tree.open.len() >= self.bounds.depth {
                    return Err(self.error("nested deeper than the limit allows"));
                }
                self.at += 1;
                self.tree.open.push(Open { node, count: 0, object: open == b'{' });
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(node),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(_) => Err(self.error("expected a JSON value")),
            None => Err(self.error("the text ends where a JSON value should be")),
        }
    }

    /// One step inside the innermost open array or object: its end, or one more element.
    fn next_in(&mut self, open: Open) -> Result<(), JsonError> {
        self.space();
        let close = if open.object { b'}' } else { b']' };
        if self.peek() == Some(close) {
            self.at += 1;
            self.tree.open.pop();
            return Ok(());
        }
        if open.count > 0 {
            if self.peek() != Some(b',') {
                return Err(self.error(match (self.peek(), open.object) {
                    (None, _) => "the text ends inside an array or object",
                    (_, true) => "expected ',' or '}'",
                    (_, false) => "expected ',' or ']'",
                }));
            }
            self.at += 1;
            self.space();
        }
        if let Some(top) = self.tree.open.last_mut() {
            top.count += 1;
        }
        if !open.object {
            return self.value(open.node, Step::Index(open.count));
        }
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a member name in double quotes"));
        }
        let (start, end, escaped) = self.string()?;
        let step = Step::Member { start: start as u32, end: end as u32 };
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected ':' after the member name"));
        }
        self.at += 1;
        // The name belongs to the member's own node, which `value` is about to make.
        let node = self.tree.nodes.len() as u32;
        self.leaf(node, LeafKind::Name, start, end, escaped);
        self.value(open.node, step)
    }

    fn leaf(&mut self, node: u32, kind: LeafKind, start: usize, end: usize, escaped: bool) {
        self.tree.leaves.push(Leaf { node, kind, escaped, start: start as u32, end: end as u32 });
    }

    /// The span between the quotes, and whether there are escapes in it.
    fn string(&mut self) -> Result<(usize, usize, bool), JsonError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_len(&self.source[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start, self.at - 1, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..=0x1f) => return Err(self.error("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.error("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.source.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.source.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                    self.at += 6;
                    Ok(())
                }
                _ => Err(self.error("'\\u' needs four hexadecimal digits")),
            },
            _ => Err(self.error("unknown escape in a string")),
        }
    }

    fn number(&mut self, node: u32) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if !is_number(&self.source[start..self.at]) {
            return Err(JsonError { at: start, what: "malformed number" });
        }
        if self.at - start >= SHORTEST_NUMBER {
            self.leaf(node, LeafKind::Number, start, self.at, false);
        }
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        if !self.source[self.at..].starts_with(word) {
            return Err(self.error("expected a JSON value"));
        }
        self.at += word.len();
        Ok(())
    }
}

/// Length of the start that is in a string what it looks like, by eights: no quote, backslash or control character.
fn plain_len(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let (chunks, _) = text.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        // The upper bit of each byte that is zero; bytes above it may be marked for nothing.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
        let small = word.wrapping_sub(ONES * 0x20) & !word & (ONES << 7);
        let special = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | small;
        if special != 0 {
            return 8 * index + special.trailing_zeros() as usize / 8;
        }
    }
    text.len() - text.len() % 8
}

/// `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`
fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> usize {
        text.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { depth: 100, values: 1_000 };

    fn parse(text: &str) -> Result<Tree, JsonError> {
        let mut tree = Tree::default();
        walk(text.as_bytes(), 0..text.len(), 0, Step::Root, BOUNDS, &mut tree).map(|()| tree)
    }

    fn leaves(text: &str) -> Vec<(&str, LeafKind)> {
        let tree = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        tree.leaves.iter().map(|leaf| (&text[leaf.span()], leaf.kind)).collect()
    }

    #[test]
    fn gives_strings_names_and_long_numbers() {
        assert_eq!(
            leaves(r#" {"a": ["x", 12, 4111111111111111], "b\n": {"c": null}} "#),
            [
                ("a", LeafKind::Name),
                ("x", LeafKind::String),
                ("4111111111111111", LeafKind::Number),
                ("b\\n", LeafKind::Name),
                ("c", LeafKind::Name),
            ]
        );
    }

    #[test]
    fn says_where_it_is_broken() {
        for (text, at) in [
            ("", 0),
            ("{\"a\" 1}", 5),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("\"a", 2),
            ("{\"a\":1,}", 7),
            ("[01]", 1),
            ("1.", 0),
            ("\"\\x\"", 1),
            ("\"\\u12g4\"", 1),
            ("nul", 0),
            ("{} x", 3),
            ("\"\n\"", 1),
        ] {
            assert_eq!(parse(text).err().map(|error| error.at), Some(at), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_needs_no_stack() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(&deep).err().map(|error| error.what), Some("nested deeper than the limit allows"));
    }
}
