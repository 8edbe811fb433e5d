//! What changed between two descriptions of a tool, member by member, in plain words.

use serde_json::{Map, Value};

use super::words::quoted;

/// What a change means for whoever approved the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// A parameter that was not there: more data can go to the server.
    NewParameter,
    /// A parameter is gone.
    RemovedParameter,
    /// A parameter that could be left out is now required.
    NowRequired,
    /// A schema takes values that it did not take.
    WidenedSchema,
    /// A schema takes fewer values.
    NarrowedSchema,
    /// A text that the model reads is another.
    TextChanged,
    /// The server says less of what the tool may do (`readOnlyHint`, `destructiveHint` …).
    HintWeakened,
    /// A text was added or changed, and gives orders to the model that it did not give before.
    GivesOrders,
    /// A member was added.
    Added,
    /// A member was removed.
    Removed,
    /// A member has another value.
    Changed,
}

impl ChangeKind {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewParameter => "new-parameter",
            Self::RemovedParameter => "removed-parameter",
            Self::NowRequired => "now-required",
            Self::WidenedSchema => "widened-schema",
            Self::NarrowedSchema => "narrowed-schema",
            Self::TextChanged => "text-changed",
            Self::HintWeakened => "hint-weakened",
            Self::GivesOrders => "gives-orders",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct ToolChange {
    /// JSON pointer in the tool.
    pub pointer: String,
    /// What it means.
    pub kind: ChangeKind,
    /// In a person's words; names of members, never texts.
    pub words: String,
}

/// Most changes that are listed.
const MOST: usize = 200;

/// What `new` has that `old` has not, and the other way round; the first 200 changes.
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Vec<ToolChange> {
    let mut changes = Changes(Vec::new());
    changes.value(&Place { pointer: String::new(), schema: false, output: false }, old, new);
    changes.0
}

struct Changes(Vec<ToolChange>);

/// Where in the tool it is.
struct Place {
    pointer: String,
    /// The value is a JSON Schema.
    schema: bool,
    /// It is what the tool gives, not what it takes.
    output: bool,
}

impl Place {
    fn below(&self, name: &str, schema: bool) -> Self {
        let step = name.replace('~', "~0").replace('/', "~1");
        let output = self.output || (self.pointer.is_empty() && name == "outputSchema");
        Self { pointer: format!("{}/{step}", self.pointer), schema, output }
    }
}

impl Changes {
    fn push(&mut self, place: &Place, kind: ChangeKind, words: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(ToolChange { pointer: place.pointer.clone(), kind, words: words.into() });
        }
    }

    fn value(&mut self, place: &Place, old: &Value, new: &Value) {
        match (old, new) {
            (old, new) if old == new => {}
            (Value::Object(old), Value::Object(new)) => self.object(place, old, new),
            (Value::Array(old), Value::Array(new)) => {
                for index in 0..old.len().max(new.len()) {
                    let below = place.below(&index.to_string(), place.schema);
                    match (old.get(index), new.get(index)) {
                        (Some(old), Some(new)) => self.value(&below, old, new),
                        (None, _) => self.push(&below, ChangeKind::Added, "an element was added"),
                        (_, None) => self.push(&below, ChangeKind::Removed, "an element was removed"),
                    }
                }
            }
            (Value::String(_), Value::String(_)) => {
                self.push(place, ChangeKind::TextChanged, "the text is another one");
            }
            _ => self.push(place, ChangeKind::Changed, "the value is another one"),
        }
    }

    fn object(&mut self, place: &Place, old: &Map<String, Value>, new: &Map<String, Value>) {
        let mut names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
        names.sort_unstable();
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            if before == after {
                continue;
            }
            if place.schema && self.keyword(place, name, before, after) {
                continue;
            }
            let is_schema =
                place.schema || (place.pointer.is_empty() && (name == "inputSchema" || name == "outputSchema"));
            let below = place.below(name, is_schema);
            if place.pointer == "/annotations" && self.hint(&below, name, before, after) {
                continue;
            }
            match (before, after) {
                (Some(before), Some(after)) => self.value(&below, before, after),
                (None, _) => self.push(&below, ChangeKind::Added, format!("`{}` was added", quoted(name))),
                (_, None) => self.push(&below, ChangeKind::Removed, format!("`{}` was removed", quoted(name))),
            }
        }
    }

    /// A hint of the server on what the tool may do. Says whether it was one.
    fn hint(&mut self, place: &Place, name: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
        // What is taken to hold where nothing is said.
        let (careful, meaning) = match name {
            "readOnlyHint" => (true, "that it only reads"),
            "idempotentHint" => (true, "that calling it twice is harmless"),
            "destructiveHint" => (false, "that it destroys nothing"),
            "openWorldHint" => (false, "that it stays in a closed world"),
            _ => return false,
        };
        let said = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(careful);
        match (said(before), said(after)) {
            (true, false) => self.push(place, ChangeKind::HintWeakened, format!("the server no longer says {meaning}")),
            (false, true) => self.push(place, ChangeKind::Changed, format!("the server now says {meaning}")),
            _ => return false,
        }
        true
    }

    /// A keyword of JSON Schema whose change has a meaning. Says whether it was one.
    fn keyword(&mut self, place: &Place, name: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
        let below = place.below(name, true);
        match (name, before, after) {
            ("properties", before, after) => {
                let none = Map::new();
                let of = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
                let (old, new) = (of(before), of(after));
                self.properties(&below, old.as_ref().unwrap_or(&none), new.as_ref().unwrap_or(&none));
            }
            ("required", before, after) => {
                let (old, new) = (texts(before), texts(after));
                for name in new.iter().filter(|name| !old.contains(name)) {
                    let words = format!("`{}` is now required", quoted(name));
                    self.push(&below, ChangeKind::NowRequired, words);
                }
                for name in old.iter().filter(|name| !new.contains(name)) {
                    let words = format!("`{}` is no longer required", quoted(name));
                    self.push(&below, ChangeKind::WidenedSchema, words);
                }
            }
            ("type" | "enum", Some(before), Some(after)) => {
                let (old, new) = (elements(before), elements(after));
                if new.iter().any(|value| !old.contains(value)) {
                    self.push(&below, ChangeKind::WidenedSchema, format!("`{name}` takes more than before"));
                } else {
                    self.push(&below, ChangeKind::NarrowedSchema, format!("`{name}` takes less than before"));
                }
            }
            ("additionalProperties" | "unevaluatedProperties", before, after) => {
                let closed = |value: Option<&Value>| value == Some(&Value::Bool(false));
                match (closed(before), closed(after)) {
                    (true, false) => self.push(&below, ChangeKind::WidenedSchema, "further parameters are now taken"),
                    (false, true) => {
                        self.push(&below, ChangeKind::NarrowedSchema, "no further parameters are taken now")
                    }
                    _ => return false,
                }
            }
            ("maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties", before, after) => {
                self.bound(&below, name, before, after, |old, new| new > old);
            }
            ("minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties", before, after) => {
                self.bound(&below, name, before, after, |old, new| new < old);
            }
            (
                "type" | "enum" | "const" | "pattern" | "format" | "not" | "multipleOf" | "uniqueItems",
                Some(_),
                None,
            ) => {
                self.push(&below, ChangeKind::WidenedSchema, format!("`{name}` no longer limits the value"));
            }
            (
                "type" | "enum" | "const" | "pattern" | "format" | "not" | "multipleOf" | "uniqueItems",
                None,
                Some(_),
            ) => {
                self.push(&below, ChangeKind::NarrowedSchema, format!("`{name}` now limits the value"));
            }
            ("const" | "pattern" | "format", Some(_), Some(_)) => {
                self.push(&below, ChangeKind::WidenedSchema, format!("`{name}` takes other values than before"));
            }
            _ => return false,
        }
        true
    }

    fn bound(&mut self, at: &Place, name: &str, old: Option<&Value>, new: Option<&Value>, wider: fn(f64, f64) -> bool) {
        let number = |value: Option<&Value>| value.and_then(Value::as_f64);
        match (number(old), number(new)) {
            (Some(old), Some(new)) if wider(old, new) => {
                self.push(at, ChangeKind::WidenedSchema, format!("`{name}` takes more than before"));
            }
            (Some(_), None) => self.push(at, ChangeKind::WidenedSchema, format!("`{name}` no longer limits the value")),
            _ => self.push(at, ChangeKind::NarrowedSchema, format!("`{name}` takes less than before")),
        }
    }

    fn properties(&mut self, place: &Place, old: &Map<String, Value>, new: &Map<String, Value>) {
        let what = if place.output { "member of the result" } else { "parameter" };
        for (name, value) in new {
            let below = place.below(name, true);
            match old.get(name) {
                Some(before) => self.value(&below, before, value),
                None => self.push(&below, ChangeKind::NewParameter, format!("new {what} `{}`", quoted(name))),
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            let words = format!("{what} `{}` is gone", quoted(name));
            self.push(&place.below(name, true), ChangeKind::RemovedParameter, words);
        }
    }
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<(String, ChangeKind, String)> {
        let value = |json: &str| serde_json::from_str(json).unwrap();
        diff(&value(old), &value(new)).into_iter().map(|change| (change.pointer, change.kind, change.words)).collect()
    }

    fn schema(properties: &str, rest: &str) -> String {
        format!(r#"{{"name":"t","inputSchema":{{"type":"object","properties":{{{properties}}}{rest}}}}}"#)
    }

    #[test]
    fn parameters_come_and_go() {
        let old = schema(r#""q":{"type":"string"},"n":{"type":"integer"}"#, r#","required":["q"]"#);
        let new = schema(r#""q":{"type":["string","object"]},"a/b":{}"#, r#","required":["q","a/b"]"#);
        assert_eq!(
            changes(&old, &new),
            [
                ("/inputSchema/properties/a~1b".into(), ChangeKind::NewParameter, "new parameter `a/b`".into()),
                (
                    "/inputSchema/properties/q/type".into(),
                    ChangeKind::WidenedSchema,
                    "`type` takes more than before".into()
                ),
                ("/inputSchema/properties/n".into(), ChangeKind::RemovedParameter, "parameter `n` is gone".into()),
                ("/inputSchema/required".into(), ChangeKind::NowRequired, "`a/b` is now required".into()),
            ]
        );
        assert!(changes(&old, &old).is_empty());
    }

    #[test]
    fn schemas_widen_and_narrow() {
        for (old, new, kind) in [
            (r#""enum":["a"]"#, r#""enum":["a","b"]"#, ChangeKind::WidenedSchema),
            (r#""enum":["a","b"]"#, r#""enum":["b"]"#, ChangeKind::NarrowedSchema),
            (r#""maxLength":5"#, r#""maxLength":6"#, ChangeKind::WidenedSchema),
            (r#""maxLength":5"#, r#""x":1"#, ChangeKind::WidenedSchema),
            (r#""minimum":5"#, r#""minimum":6"#, ChangeKind::NarrowedSchema),
            (r#""pattern":"a""#, r#""pattern":"b""#, ChangeKind::WidenedSchema),
            (r#""x":1"#, r#""format":"uri""#, ChangeKind::NarrowedSchema),
        ] {
            let found = changes(&schema(&format!(r#""p":{{{old}}}"#), ""), &schema(&format!(r#""p":{{{new}}}"#), ""));
            assert!(found.iter().any(|(_, found, _)| *found == kind), "{old} {new}: {found:?}");
        }
        let open = changes(&schema("", r#","additionalProperties":false"#), &schema("", ""));
        assert_eq!((open[0].0.as_str(), open[0].1), ("/inputSchema/additionalProperties", ChangeKind::WidenedSchema));
    }

    #[test]
    fn texts_hints_and_unknown_members_are_told() {
        let found = changes(
            r#"{"name":"t","description":"a","annotations":{"readOnlyHint":true},"x-odd":{"deep":["p"]}}"#,
            r#"{"name":"t","description":"b","annotations":{"destructiveHint":true},"x-odd":{"deep":["q",1]},"_meta":{}}"#,
        );
        let kinds: Vec<(&str, ChangeKind)> = found.iter().map(|(at, kind, _)| (at.as_str(), *kind)).collect();
        assert_eq!(
            kinds,
            [
                ("/_meta", ChangeKind::Added),
                ("/annotations/destructiveHint", ChangeKind::Added),
                ("/annotations/readOnlyHint", ChangeKind::HintWeakened),
                ("/description", ChangeKind::TextChanged),
                ("/x-odd/deep/0", ChangeKind::TextChanged),
                ("/x-odd/deep/1", ChangeKind::Added),
            ]
        );
    }
}
