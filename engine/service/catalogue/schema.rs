//! Values against the schema that was approved: JSON Schema 2020-12, or what `$schema` names (draft-07 and others).
//!
//! Nothing is fetched: a schema that refers outside itself is told. Expressions run in linear time. A schema can make checking
//! cost more than any computer has, by references that branch; how much it can cost is estimated first, and what costs too much
//! is told as not checked.

use std::collections::HashMap;

use jsonschema::PatternOptions;
use serde_json::Value;
use tamiz_core::told_name;

/// Most problems that are told of one value.
const MOST: usize = 50;
/// Most steps that checking may take, by estimate.
const MOST_STEPS: u64 = 10_000_000;
/// Largest compiled expression, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

/// Deepest nesting of a schema, references followed.
const DEEPEST: usize = 512;

/// What is wrong with a value: pointer in it, and words without content.
pub(super) type Problem = (String, String);

/// Checks a value. The list is empty if it is valid.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<Problem> {
    if steps(schema, depth(value)) > MOST_STEPS {
        let words = "the approved schema takes too long to check by: its references branch too often";
        return vec![(String::new(), words.to_owned())];
    }
    let patterns = PatternOptions::regex().size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN);
    let validator = jsonschema::options().offline().with_pattern_options(patterns).build(schema);
    let Ok(validator) = validator else {
        let words = "the approved schema is none, or refers to something outside itself: nothing can be checked by it";
        return vec![(String::new(), words.to_owned())];
    };
    let problem = |error: jsonschema::ValidationError<'_>| {
        let words = format!("it breaks `{}` of the approved schema", error.kind().keyword());
        let path = error.instance_path().to_string();
        (path.split('/').map(told_name).collect::<Vec<_>>().join("/"), words)
    };
    validator.iter_errors(value).take(MOST).map(problem).collect()
}

/// How deep a value is nested.
fn depth(value: &Value) -> u32 {
    let inner = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// How much work checking one value may be: steps on one level, and references back to where it began.
#[derive(Debug, Clone, Copy)]
struct Work {
    steps: u64,
    back: u64,
}

/// Steps that checking a value of this depth may take, at most, by the shape of the schema.
fn steps(schema: &Value, depth: u32) -> u64 {
    let mut estimate = Estimate { root: schema, open: Vec::new(), known: HashMap::new() };
    let work = estimate.of(schema);
    // Every way back begins the work of a level anew, one level deeper.
    work.steps.saturating_mul(work.back.saturating_pow(depth)).max(work.steps)
}

struct Estimate<'s> {
    root: &'s Value,
    open: Vec<*const Value>,
    known: HashMap<*const Value, Work>,
}

impl Estimate<'_> {
    fn of(&mut self, schema: &Value) -> Work {
        let id: *const Value = schema;
        if self.open.contains(&id) {
            return Work { steps: 1, back: 1 };
        }
        if let Some(work) = self.known.get(&id) {
            return *work;
        }
        if self.open.len() >= DEEPEST {
            return Work { steps: u64::MAX, back: 0 };
        }
        self.open.push(id);
        let mut work = Work { steps: 1, back: 0 };
        let mut add = |other: Work| {
            work.steps = work.steps.saturating_add(other.steps);
            work.back = work.back.saturating_add(other.back);
        };
        match schema {
            Value::Object(members) => {
                for (name, value) in members {
                    let target = value.as_str().filter(|_| name.ends_with("Ref") || name == "$ref");
                    match target.and_then(|target| target.strip_prefix('#')) {
                        // An anchor may be anywhere: it is taken for a way back.
                        Some(target) => match self.root.pointer(target) {
                            Some(target) => add(self.of(target)),
                            None => add(Work { steps: 1, back: 1 }),
                        },
                        // Definitions count where they are referred to.
                        None if name == "$defs" || name == "definitions" => {}
                        None => add(self.of(value)),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| add(self.of(value))),
            _ => {}
        }
        self.open.pop();
        self.known.insert(id, work);
        work
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(schema: &Value, value: &Value) -> Vec<String> {
        problems(schema, value).into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn both_dialects_are_read() {
        let modern = json!({ "type": "object", "properties": { "a": { "prefixItems": [{ "type": "string" }] } }, "required": ["b"] });
        assert_eq!(pointers(&modern, &json!({ "a": [1] })), ["", "/a/0"]);
        let old = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "definitions": { "s": { "type": "string" } },
            "properties": { "a": { "items": [{ "$ref": "#/definitions/s" }] } } });
        assert_eq!(pointers(&old, &json!({ "a": [1, 2] })), ["/a/0"]);
        assert!(pointers(&old, &json!({ "a": ["x", 2] })).is_empty());
    }

    #[test]
    fn words_hold_no_content_and_nothing_is_fetched() {
        let found = problems(&json!({ "properties": { "a": { "enum": ["x"] } } }), &json!({ "a": "hunter2" }));
        assert_eq!(found, [("/a".to_owned(), "it breaks `enum` of the approved schema".to_owned())]);
        for schema in [
            json!({ "$ref": "https://example.com/x.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!({ "type": 5 }),
        ] {
            assert!(problems(&schema, &json!({}))[0].1.contains("nothing can be checked"), "{schema}");
        }
    }

    #[test]
    fn schemas_that_explode_are_not_followed() {
        let mut definitions = serde_json::Map::new();
        for level in 0..60 {
            let next = format!("#/$defs/{}", level + 1);
            definitions.insert(level.to_string(), json!({ "anyOf": [{ "$ref": next }, { "$ref": next }] }));
        }
        definitions.insert("60".into(), json!({ "type": "string" }));
        let laughs = json!({ "$ref": "#/$defs/0", "$defs": definitions });
        assert!(problems(&laughs, &json!(1))[0].1.contains("too long"));
        let branching = json!({ "properties": { "a": { "allOf": [{ "$ref": "#" }, { "$ref": "#" }] } } });
        let mut deep = json!(1);
        for _ in 0..60 {
            deep = json!({ "a": deep });
        }
        assert!(problems(&branching, &deep)[0].1.contains("too long"));
        assert!(problems(&branching, &json!({ "a": { "a": 1 } })).is_empty());
        let tree = json!({ "type": "object", "properties": { "children": { "items": { "$ref": "#" } } } });
        assert!(problems(&tree, &json!({ "children": [{ "children": [] }] })).is_empty());
    }
}
