//! A content taken apart: its segments, and one text that holds them all.

use std::borrow::Cow;
use std::ops::Range;

use super::encoding::{self, Encoding};
use super::json::{self, Bounds, Leaf, LeafKind, Step, Tree};
use super::members;
use super::message::{self, Oddity};
use super::structure::Structure;
use super::tool;
use super::{Content, ContentKind, Format};
use crate::limits::Limits;
use crate::verdict::Coverage;
use crate::view::OffsetMap;

/// Stands between two segments in the text. It is no part of UTF-8, so no phrase or literal of a rule can run across it.
pub(crate) const SEPARATOR: u8 = 0xff;

/// Longest value that is shown to the rules together with its member's name.
const LONGEST_PAIR: usize = 512;

/// A piece of text of a content.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its node in the tree, for the pointer.
    node: u32,
    /// The kinds whose rules apply, as [`ContentKind::bit`]s.
    pub(crate) kinds: u8,
    /// Where it stands in the document's text.
    pub(crate) text: Range<usize>,
    /// Where in the text its value begins, behind the member's name; at its end for a name alone.
    value: usize,
}

/// A stretch of the body that holds text, and how text is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) range: Range<usize>,
    pub(crate) form: Form,
}

/// How text is written at a [`Site`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Text,
    /// In UTF-16.
    Utf16 { big_endian: bool },
    /// Between the quotes of a JSON string.
    JsonString,
    /// Between the quotes of a member's name.
    JsonName,
    /// A whole JSON number.
    JsonNumber,
}

/// A content taken apart. Reused from one content to the next.
#[derive(Debug, Default)]
pub(crate) struct Document {
    tree: Tree,
    structure: Structure,
    segments: Vec<Segment>,
    text: Vec<u8>,
    map: OffsetMap,
    /// The part of the body that is the text itself, where nothing had to be copied.
    borrowed: Option<Range<usize>>,
    format: Format,
    /// The kinds of all segments.
    kinds: u8,
    /// What is odd about messages.
    oddities: Vec<Oddity>,
}

impl Document {
    /// Takes `content` apart, noting in `coverage` what could not be read as stated.
    pub(crate) fn read(&mut self, content: &Content<'_>, limits: &Limits, coverage: &mut Coverage) {
        self.tree.clear();
        self.segments.clear();
        self.text.clear();
        self.map.clear();
        self.borrowed = None;
        self.oddities.clear();

        let body = &content.body[..content.body.len().min(limits.content_bytes())];
        if body.len() < content.body.len() {
            coverage.skip(
                format!("bytes {}..{}", body.len(), content.body.len()),
                format!("the content is longer than max_content_bytes ({})", limits.content_bytes()),
            );
        }
        if let Some(why) = content.cut_short {
            coverage.skip(format!("everything after byte {}", content.body.len()), why);
        }
        let bounds = Bounds { depth: limits.max_json_depth, values: limits.max_json_values };
        self.format = match content.format {
            Format::Text => Format::Text,
            Format::Mcp if is_events(body) => {
                self.read_events(body, bounds, coverage);
                Format::Mcp
            }
            Format::Json | Format::Mcp => match self.read_json(body, bounds) {
                Ok(()) => content.format,
                Err(error) => {
                    coverage.skip("JSON structure", format!("{}; inspected as plain text", place(body, error)));
                    Format::Text
                }
            },
            Format::Jsonl => {
                self.read_lines(body, bounds, true, coverage);
                Format::Jsonl
            }
            Format::Auto => self.find_format(body, bounds, coverage),
        };
        if self.format == Format::Text {
            self.read_text(content, body, coverage);
        } else {
            note_encoding(encoding::sniff(body), coverage);
            self.structure.assign(body, &self.tree, content.kind.unwrap_or(ContentKind::ToolOutput));
            let stated = content.format == Format::Mcp;
            self.oddities = message::oddities(body, &self.tree, stated, content.headers, coverage);
            self.copy_leaves(content, body);
        }
        self.kinds = self.segments.iter().fold(0, |kinds, segment| kinds | segment.kinds);
    }

    /// All segments' text, a [`SEPARATOR`] between any two.
    pub(crate) fn text<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        match &self.borrowed {
            Some(range) => &body[range.clone()],
            None => &self.text,
        }
    }

    /// From the text to the original bytes.
    pub(crate) fn source_span(&self, range: Range<usize>) -> Range<usize> {
        match &self.borrowed {
            Some(body) => body.start + range.start..body.start + range.end,
            None => self.map.source_span(range),
        }
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Where the values stand in the text, in order; names are left out.
    pub(crate) fn values(&self) -> impl Iterator<Item = Range<usize>> {
        self.segments.iter().map(|segment| segment.value..segment.text.end).filter(|value| !value.is_empty())
    }

    /// The kinds of all segments, as [`ContentKind::bit`]s.
    pub(crate) fn kinds(&self) -> u8 {
        self.kinds
    }

    /// What is odd about the messages in it: a name that rules give it, and a segment that shows it.
    pub(crate) fn oddities(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.oddities.iter().filter_map(|oddity| {
            let segment = self.segments.partition_point(|segment| segment.node < oddity.node);
            (segment < self.segments.len()).then_some((oddity.what, segment))
        })
    }

    /// What the content turned out to be.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The JSON pointer (RFC 6901) of a segment; empty for plain text.
    pub(crate) fn pointer(&self, segment: usize, body: &[u8], hidden: &dyn Fn(Range<usize>) -> bool) -> String {
        members::pointer(body, &self.tree, self.segments[segment].node, hidden)
    }

    /// The object that names the tool which a segment describes or calls, where an MCP message says so.
    pub(crate) fn tool_object(&self, segment: usize, body: &[u8]) -> Option<u32> {
        let segment = &self.segments[segment];
        tool::object(body, &self.tree, segment.node, segment.kinds)
    }

    /// The name that stands in such an object. Goes through the whole of it.
    pub(crate) fn tool_name(&self, object: u32, body: &[u8]) -> Option<String> {
        tool::name_in(body, &self.tree, object)
    }

    /// The stretches of text that a range of the body touches, in order. What lies between them is notation.
    pub(crate) fn sites(&self, span: &Range<usize>, body: &[u8]) -> Vec<Site> {
        let leaves = &self.tree.leaves;
        if self.format == Format::Text {
            let site = match (&self.borrowed, body) {
                (Some(range), _) => Site { range: range.clone(), form: Form::Text },
                (None, [mark, ..]) => Site { range: 2..body.len(), form: Form::Utf16 { big_endian: *mark == 0xfe } },
                (None, []) => Site { range: 0..0, form: Form::Text },
            };
            return vec![site];
        }
        let first = leaves.partition_point(|leaf| leaf.end as usize <= span.start);
        let touched = leaves[first..].iter().take_while(|leaf| (leaf.start as usize) < span.end);
        touched.map(|leaf| Site { range: leaf.span(), form: form(leaf, body) }).collect()
    }

    /// The values that are text, in order: strings of JSON, broken lines of JSON Lines.
    pub(crate) fn value_sites<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = Site> + 'a {
        let strings = self.tree.leaves.iter().filter(|leaf| leaf.kind == LeafKind::String);
        strings.map(|leaf| Site { range: leaf.span(), form: form(leaf, body) })
    }

    fn find_format(&mut self, body: &[u8], bounds: Bounds, coverage: &mut Coverage) -> Format {
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
        if !matches!(text.first(), Some(b'{' | b'[')) {
            return Format::Text;
        }
        let Err(error) = self.read_json(body, bounds) else {
            return Format::Json;
        };
        // Broken JSON is text like any other, unless it was given up for its size: then its leaves were not all seen.
        let first_line = body.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or(body);
        self.tree.clear();
        let first_is_json = json::walk(first_line, 0..first_line.len(), 0, Step::Root, bounds, &mut self.tree).is_ok();
        self.tree.clear();
        // All lines but an unfinished last one: a text whose first line happens to be JSON is a text.
        if first_is_json && first_line.len() < body.len() && self.read_lines(body, bounds, false, coverage) {
            return Format::Jsonl;
        }
        self.tree.clear();
        if error.what.contains("limit") {
            coverage.skip("JSON structure", format!("{}; inspected as plain text", place(body, error)));
        }
        Format::Text
    }

    fn read_json(&mut self, body: &[u8], bounds: Bounds) -> Result<(), json::JsonError> {
        let from = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let result = json::walk(body, from..body.len(), 0, Step::Root, bounds, &mut self.tree);
        if result.is_err() {
            self.tree.clear();
        }
        result
    }

    /// JSON Lines: every line is an element under the root; a broken line is a segment of text, and worth saying if JSON was
    /// promised. Says whether all lines but the last are whole.
    fn read_lines(&mut self, body: &[u8], bounds: Bounds, promised: bool, coverage: &mut Coverage) -> bool {
        self.tree.add_node(0, Step::Root);
        let mut start = 0;
        let mut all_but_last = true;
        for (number, line) in body.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let range = start..start + line.len();
            start = range.end;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let (nodes, leaves) = (self.tree.nodes.len(), self.tree.leaves.len());
            let step = Step::Index(number as u32);
            if let Err(error) = json::walk(body, range.clone(), 0, step, bounds, &mut self.tree) {
                all_but_last &= body[range.end..].trim_ascii().is_empty();
                if promised || error.what.contains("limit") {
                    coverage.skip(
                        format!("JSON structure of line {}", number + 1),
                        format!("{} at byte {}; inspected as plain text", error.what, error.at),
                    );
                }
                self.tree.nodes.truncate(nodes);
                self.tree.leaves.truncate(leaves);
                let node = self.tree.add_node(0, step);
                let end = range.end - usize::from(line.ends_with(b"\n"));
                self.tree.leaves.push(Leaf {
                    node,
                    kind: LeafKind::String,
                    escaped: false,
                    start: range.start as u32,
                    end: end as u32,
                });
            }
        }
        all_but_last
    }

    /// Server-sent events: the data of every event is an element under the root, and everything else is text.
    fn read_events(&mut self, body: &[u8], bounds: Bounds, coverage: &mut Coverage) {
        self.tree.add_node(0, Step::Root);
        for (number, lines) in events(body).into_iter().enumerate() {
            let step = Step::Index(number as u32);
            let data = lines.iter().filter(|line| line.data).count();
            if data > 1 {
                let why = "its data stands in several lines; inspected as plain text";
                coverage.skip(format!("JSON structure of event {}", number + 1), why);
            }
            for Line { range, data: is_data } in lines {
                if is_data && data == 1 {
                    let (nodes, leaves) = (self.tree.nodes.len(), self.tree.leaves.len());
                    let Err(error) = json::walk(body, range.clone(), 0, step, bounds, &mut self.tree) else { continue };
                    coverage.skip(
                        format!("JSON structure of event {}", number + 1),
                        format!("{} at byte {}; inspected as plain text", error.what, error.at),
                    );
                    self.tree.nodes.truncate(nodes);
                    self.tree.leaves.truncate(leaves);
                }
                let node = self.tree.add_node(0, step);
                let (start, end) = (range.start as u32, range.end as u32);
                self.tree.leaves.push(Leaf { node, kind: LeafKind::String, escaped: false, start, end });
            }
        }
    }

    fn read_text(&mut self, content: &Content<'_>, body: &[u8], coverage: &mut Coverage) {
        match encoding::sniff(body) {
            Encoding::Utf8 { from } => self.borrowed = Some(from..body.len()),
            Encoding::Utf16 { big_endian } => {
                encoding::decode_utf16(body, big_endian, &mut self.text, &mut self.map);
            }
            other => {
                self.borrowed = Some(0..body.len());
                note_encoding(other, coverage);
            }
        }
        let kinds = content.kind.unwrap_or(ContentKind::ToolOutput).bit();
        let end = self.borrowed.as_ref().map_or(self.text.len(), ExactSizeIterator::len);
        self.segments.push(Segment { node: u32::MAX, kinds, text: 0..end, value: 0 });
    }

    fn copy_leaves(&mut self, content: &Content<'_>, body: &[u8]) {
        // A kind the caller stated always counts: no role inside a tool's answer can take rules for tool answers away.
        let stated = content.kind.map_or(0, ContentKind::bit);
        let mut leaves = self.tree.leaves.iter().peekable();
        while let Some(leaf) = leaves.next() {
            if !self.text.is_empty() {
                self.text.push(SEPARATOR);
                self.map.push_block(leaf.start as usize, 0, 1);
            }
            let start = self.text.len();
            copy_leaf(leaf, body, &mut self.text, &mut self.map);
            let mut begins = if leaf.kind == LeafKind::Name { self.text.len() } else { start };
            if leaf.kind == LeafKind::Name
                && let Some(value) = leaves.next_if(|value| value.node == leaf.node && pairs(value, body))
            {
                // `"password": "…"` says more together than apart.
                self.text.extend_from_slice(b": ");
                self.map.push_block(leaf.end as usize, (value.start - leaf.end) as usize, 2);
                begins = self.text.len();
                copy_leaf(value, body, &mut self.text, &mut self.map);
            }
            let kinds = self.structure.kind(leaf.node).bit() | stated;
            self.segments.push(Segment { node: leaf.node, kinds, text: start..self.text.len(), value: begins });
        }
    }
}

/// A line of an event: the value of a `data:` field, or a whole line of anything else.
#[derive(Debug)]
struct Line {
    range: Range<usize>,
    data: bool,
}

/// Whether it begins as a stream of server-sent events does, and JSON does not.
fn is_events(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| body.starts_with(field))
}

/// The lines of each event of a stream, of which the last may be unfinished. Lines end with CR LF, LF or CR.
fn events(body: &[u8]) -> Vec<Vec<Line>> {
    let mut events = vec![Vec::new()];
    let mut start = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while start < body.len() {
        let len = memchr::memchr2(b'\n', b'\r', &body[start..]).unwrap_or(body.len() - start);
        let line = start..start + len;
        start = line.end + if body[line.end..].starts_with(b"\r\n") { 2 } else { 1 };
        let Some(event) = events.last_mut() else { break };
        if !line.is_empty() {
            let data = body[line.clone()].starts_with(b"data:");
            event.push(Line { range: if data { line.start + 5..line.end } else { line }, data });
        } else if !event.is_empty() {
            events.push(Vec::new());
        }
    }
    events.retain(|event| !event.is_empty());
    events
}

/// Records what was assumed of the bytes, or that they are not understood.
fn note_encoding(encoding: Encoding, coverage: &mut Coverage) {
    match encoding {
        Encoding::Mixed { invalid, first } => {
            let place = format!("{invalid} bytes are not UTF-8, the first at byte {first}");
            coverage.note(format!("{place}; read as Windows-1252 there"));
        }
        Encoding::Unknown { why } => {
            coverage.skip("the meaning of the bytes", format!("{why}; only the raw bytes were searched"));
        }
        Encoding::Utf8 { .. } | Encoding::Utf16 { .. } => {}
    }
}

/// Whether a value belongs beside its name: a short token rather than prose.
fn pairs(value: &Leaf, body: &[u8]) -> bool {
    let text = &body[value.span()];
    value.kind != LeafKind::Name && text.len() <= LONGEST_PAIR && !text.contains(&b' ') && !value.escaped
}

fn copy_leaf(leaf: &Leaf, body: &[u8], text: &mut Vec<u8>, map: &mut OffsetMap) {
    let (span, start) = (leaf.span(), text.len());
    if leaf.escaped {
        unescape(&body[span], leaf.start as usize, text, map);
    } else {
        map.push_copy(span.start, span.len());
        text.extend_from_slice(&body[span]);
    }
    // A byte that is no UTF-8 must not pass for the end of the segment.
    if memchr::memchr(SEPARATOR, &text[start..]).is_some() {
        text[start..].iter_mut().filter(|byte| **byte == SEPARATOR).for_each(|byte| *byte = 0xfe);
    }
}

fn form(leaf: &Leaf, body: &[u8]) -> Form {
    match leaf.kind {
        LeafKind::Name => Form::JsonName,
        LeafKind::Number => Form::JsonNumber,
        // A broken line of JSON Lines is a leaf without quotes.
        LeafKind::String if leaf.start > 0 && body[leaf.start as usize - 1] == b'"' => Form::JsonString,
        LeafKind::String => Form::Text,
    }
}

/// A JSON string without its escapes: `t\u006fols` is `tools` to whoever parses it.
pub(crate) fn plain(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::new();
    unescape(raw, 0, &mut text, &mut OffsetMap::default());
    Cow::Owned(text)
}

/// Undoes the escapes of a JSON string that the walker has found well-formed. `at` is where `raw` stands in the source.
pub(super) fn unescape(raw: &[u8], at: usize, text: &mut Vec<u8>, map: &mut OffsetMap) {
    let mut from = 0;
    while let Some(backslash) = raw[from..].iter().position(|byte| *byte == b'\\').map(|found| from + found) {
        map.push_copy(at + from, backslash - from);
        text.extend_from_slice(&raw[from..backslash]);
        let (character, len) = match raw.get(backslash + 1) {
            Some(b'u') => unicode_escape(&raw[backslash..]),
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(other) => (char::from(*other), 2),
            None => ('\\', 1),
        };
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        text.extend_from_slice(bytes);
        if bytes.len() == 1 {
            map.push_ratio(at + backslash, len, 1, len as u8, 1);
        } else {
            map.push_block(at + backslash, len, bytes.len());
        }
        from = (backslash + len).min(raw.len());
    }
    map.push_copy(at + from, raw.len() - from);
    text.extend_from_slice(&raw[from..]);
}

/// `\uXXXX`, or a surrogate pair of them; a lone surrogate is U+FFFD.
fn unicode_escape(raw: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let Some(first) = unit(0) else { return ('\\', 1) };
    if let Some(character) = char::from_u32(u32::from(first)) {
        return (character, 6);
    }
    if let Some(second) = unit(6)
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
    {
        return (character, 12);
    }
    (char::REPLACEMENT_CHARACTER, 6)
}

/// "what at byte N (line L, column C)"
fn place(body: &[u8], error: json::JsonError) -> String {
    let before = &body[..error.at.min(body.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    format!("{} at byte {} (line {line}, column {column})", error.what, error.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, body: &[u8]) -> (Document, Coverage) {
        let (mut document, mut coverage) = (Document::default(), Coverage::new(body.len()));
        document.read(&Content::unplaced(body).with_format(format), &Limits::default(), &mut coverage);
        (document, coverage)
    }

    fn segments<'a>(document: &'a Document, body: &'a [u8]) -> Vec<(String, String, &'a [u8])> {
        let text = document.text(body);
        let one = |(id, segment): (usize, &Segment)| {
            let source = &body[document.source_span(segment.text.clone())];
            (
                document.pointer(id, body, &|_| false),
                String::from_utf8_lossy(&text[segment.text.clone()]).into_owned(),
                source,
            )
        };
        document.segments().iter().enumerate().map(one).collect()
    }

    #[test]
    fn strings_keep_pointer_and_span() {
        let body = br#"{"a/b": ["one two", "caf\u00e9 \ud83d\ude00 x"], "key": "value"}"#;
        let (document, coverage) = read(Format::Auto, body);
        assert!(coverage.complete);
        let found = segments(&document, body);
        assert_eq!(found[0], ("/a~1b".into(), "a/b".into(), &b"a/b"[..]));
        assert_eq!(found[1], ("/a~1b/0".into(), "one two".into(), &b"one two"[..]));
        assert_eq!(found[2].1, "café 😀 x");
        assert_eq!(found[2].2, br"caf\u00e9 \ud83d\ude00 x");
        assert_eq!(found[3], ("/key".into(), "key: value".into(), &br#"key": "value"#[..]));
    }

    #[test]
    fn broken_json_is_text_and_said_so_only_when_json_was_promised() {
        let body = b"{\"a\": \n \"x\" oops}";
        let (document, coverage) = read(Format::Json, body);
        assert_eq!(document.text(body), body);
        assert!(!coverage.complete);
        assert!(coverage.skipped[0].why.contains("line 2, column 6"), "{:?}", coverage.skipped);
        assert!(read(Format::Auto, body).1.complete);
    }

    #[test]
    fn jsonl_survives_a_broken_line() {
        let body = b"{\"a\":\"x y\"}\n{broken\n\n{\"a\":\"z w\"}\n";
        let (document, coverage) = read(Format::Jsonl, body);
        let found = segments(&document, body);
        let texts: Vec<&str> = found.iter().map(|(_, text, _)| text.as_str()).collect();
        assert_eq!(texts, ["a", "x y", "{broken", "a", "z w"]);
        assert_eq!(found[4].0, "/3/a");
        assert!(coverage.skipped[0].what.contains("line 2"));
        let (found_out, coverage) = read(Format::Auto, body);
        assert_eq!((found_out.format(), coverage.complete), (Format::Text, true));
        assert_eq!(read(Format::Auto, b"{}\n{\"a\":1}\n{\"unfin").0.format(), Format::Jsonl);
    }
}
