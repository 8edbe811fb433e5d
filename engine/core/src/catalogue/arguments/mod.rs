//! Arguments of a call, beside the schema that was approved: members that it does not have, and texts that are not what the
//! parameter is for.
//!
//! What a text should be is read off the schema: its `format`, the name of the parameter, whether it may be any of a few values.
//! An address in a parameter for addresses is looked at for where it leads; the same address in the body of a mail is not.
//! Checking the schema itself is up to the caller; so is inspecting texts for orders and secrets.
//!
//! Cost: one pass over the arguments, a few over each text.

mod address;
mod file;
mod injection;
mod purpose;

use serde_json::{Map, Value};

use super::Notice;
use super::words::{quoted, told_name};
use purpose::purpose;

/// Longest text that is looked at whole, in bytes. What is longer is told.
const LONGEST: usize = 256 << 10;
/// Most notices on one call.
const MOST: usize = 200;
/// References that are followed from one schema to the next.
const MOST_REFERENCES: usize = 16;

/// What of `arguments` is not in `schema`, the `inputSchema` that was approved of `tool`, or not what the schema's parameters are
/// for. `pointer` is where the arguments stand in what was read.
#[must_use]
pub fn check_arguments(tool: &str, schema: &Value, arguments: &Value, pointer: &str) -> Vec<Notice> {
    let mut check = Check { tool, root: schema, notices: Vec::new() };
    check.value(&[schema], arguments, &mut pointer.to_owned(), "");
    check.notices
}

struct Check<'s> {
    tool: &'s str,
    root: &'s Value,
    notices: Vec<Notice>,
}

impl<'s> Check<'s> {
    fn note(&mut self, rule: &'static str, pointer: &str, words: impl Into<String>) {
        if self.notices.len() < MOST {
            self.notices.push(Notice::new(self.tool, rule, pointer, words));
        }
    }

    /// `schemas`: all that say something of the value; empty if none does. `name`: that of the parameter.
    fn value(&mut self, schemas: &[&'s Value], value: &Value, pointer: &mut String, name: &str) {
        let len = pointer.len();
        let schemas = self.resolved(schemas);
        match value {
            Value::Object(members) => {
                let open = self.object(&schemas, members, pointer);
                for (member, value) in members {
                    let below = member_schemas(&schemas, member, open);
                    pointer.push('/');
                    pointer.push_str(&told_name(member).replace('~', "~0").replace('/', "~1"));
                    self.value(&below, value, pointer, member);
                    pointer.truncate(len);
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    let below: Vec<&Value> = schemas
                        .iter()
                        .filter_map(|schema| {
                            schema.get("prefixItems").and_then(|items| items.get(index)).or_else(|| schema.get("items"))
                        })
                        .collect();
                    pointer.push_str(&format!("/{index}"));
                    self.value(&below, value, pointer, name);
                    pointer.truncate(len);
                }
            }
            Value::String(text) => self.text(&schemas, text, pointer, name),
            _ => {}
        }
    }

    /// The schemas with what they refer to and are made of; bounded, and never beyond the document.
    fn resolved(&self, schemas: &[&'s Value]) -> Vec<&'s Value> {
        let mut all: Vec<&Value> = schemas.to_vec();
        let mut at = 0;
        while at < all.len() && all.len() < 4 * MOST_REFERENCES {
            let schema = all[at];
            at += 1;
            if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'))
            {
                all.extend(
                    self.root.pointer(target).filter(|target| !all.iter().any(|known| std::ptr::eq(*known, *target))),
                );
            }
            for combined in ["allOf", "anyOf", "oneOf"] {
                all.extend(schema.get(combined).and_then(Value::as_array).into_iter().flatten());
            }
            all.extend(["if", "then", "else"].iter().filter_map(|part| schema.get(part)));
        }
        all
    }

    /// Members that no schema names. Says whether the schemas leave the object open on purpose.
    fn object(&mut self, schemas: &[&'s Value], members: &Map<String, Value>, pointer: &str) -> bool {
        let says =
            |schema: &&&Value, keyword: &str| schema.get(keyword).is_some_and(|value| *value != Value::Bool(false));
        let open = |schema: &&&Value| says(schema, "additionalProperties") || says(schema, "patternProperties");
        if schemas.iter().any(|schema| open(&schema)) {
            return true;
        }
        // Below a parameter that may be any object, nothing is unknown.
        let top = schemas.iter().any(|schema| std::ptr::eq(*schema, self.root));
        if !top && !schemas.iter().any(|schema| schema.get("properties").is_some()) {
            return true;
        }
        for name in members.keys() {
            let known =
                |schema: &&Value| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
            if !schemas.iter().any(known) {
                let name = told_name(name);
                let at = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                let words = format!("`{}` is no parameter of the tool as it was approved", quoted(name));
                self.note("tool-misuse.unknown-argument", &at, words);
            }
        }
        false
    }

    fn text(&mut self, schemas: &[&'s Value], text: &str, pointer: &str, name: &str) {
        // What may be one of a few values is checked by the schema.
        if schemas.iter().any(|schema| schema.get("enum").is_some() || schema.get("const").is_some()) {
            return;
        }
        let whole = text.len() <= LONGEST;
        if !whole {
            let words = format!("a text of {} bytes; the first 262,144 were looked at", text.len());
            self.note("tool-misuse.oversize-argument", pointer, words);
        }
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let purpose = purpose(schemas, name);
        let mut found = Vec::new();
        address::check(text, purpose, &mut found);
        file::check(text, purpose, &mut found);
        injection::check(text, purpose, &mut found);
        for (rule, words) in found {
            self.note(rule, pointer, words);
        }
    }
}

fn member_schemas<'s>(schemas: &[&'s Value], name: &str, open: bool) -> Vec<&'s Value> {
    let named = schemas.iter().filter_map(|schema| schema.get("properties")?.get(name));
    let mut all: Vec<&Value> = named.collect();
    if all.is_empty() && open {
        all.extend(schemas.iter().filter_map(|schema| schema.get("additionalProperties")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn check(schema: &str, arguments: &str) -> Vec<(&'static str, String)> {
        let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        let found = check_arguments("t", &value(schema), &value(arguments), "/a");
        found.into_iter().map(|notice| (notice.rule, notice.pointer)).collect()
    }

    #[test]
    fn members_beyond_the_schema_are_told() {
        const UNKNOWN: &str = "tool-misuse.unknown-argument";
        let schema = r##"{"type":"object","properties":{"a":{"type":"object","properties":{"x":{}}},"b":{"type":"object"},
            "c":{"$ref":"#/$defs/c"},"d":{"type":"object","properties":{},"additionalProperties":{"type":"string"}},
            "e":{"anyOf":[{"type":"null"},{"properties":{"y":{}}}]},"l":{"items":{"properties":{"z":{}}}}},
            "$defs":{"c":{"properties":{"n":{},"c":{"$ref":"#/$defs/c"}}}}}"##;
        assert_eq!(
            check(schema, r#"{"a":{"x":1},"b":{"any":1},"c":{"c":{"n":1}},"d":{"q":"r"},"e":{"y":1},"l":[{"z":1}]}"#),
            []
        );
        assert_eq!(
            check(schema, r#"{"a":{"y":1},"c":{"c":{"m":1}},"e":{"z":1},"l":[{},{"y":1}],"new/one":1}"#),
            [
                (UNKNOWN, "/a/new~1one".to_owned()),
                (UNKNOWN, "/a/a/y".to_owned()),
                (UNKNOWN, "/a/c/c/m".to_owned()),
                (UNKNOWN, "/a/e/z".to_owned()),
                (UNKNOWN, "/a/l/1/y".to_owned()),
            ]
        );
        assert_eq!(check(r#"{"type":"object"}"#, r#"{"x":1}"#), [(UNKNOWN, "/a/x".to_owned())]);
        assert_eq!(check(r#"{"type":"object","additionalProperties":true}"#, r#"{"x":1}"#), []);
        assert_eq!(check(r##"{"$ref":"#","properties":{}}"##, "{}"), []);
    }

    #[test]
    fn texts_are_judged_by_what_they_are_for() {
        let schema = r#"{"properties":{"url":{"type":"string"},"body":{"type":"string"},"path":{"type":"string"},"mode":{"enum":["; rm"]}}}"#;
        assert_eq!(
            check(
                schema,
                r#"{"url":"http://169.254.169.254/latest","body":"see http://169.254.169.254/latest; rm -rf / ../../etc/passwd","path":"notes/today.md","mode":"; rm"}"#
            ),
            [("tool-misuse.ssrf-metadata", "/a/url".to_owned())]
        );
        let long = format!(r#"{{"path":"{}"}}"#, "a".repeat(300_000));
        assert_eq!(check(schema, &long), [("tool-misuse.oversize-argument", "/a/path".to_owned())]);
    }
}
