//! What a parameter is for, by its schema and name.

use serde_json::Value;

/// What a text should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An address that the tool goes to.
    Address,
    /// A file or folder.
    File,
    /// A command, a query or code: anything of its language may be in it.
    Program,
    /// Text for people.
    Prose,
    /// Nothing is known: an id, a name, a word to search for.
    Other,
}

const ADDRESS: &str = "url urls uri uris link links href endpoint webhook callback host hostname website domain";
const FILE: &str = "path paths file files filename filepath dir directory directories folder cwd destination workspace";
const PROGRAM: &str = "command commands cmd script code sql statement expression formula regex pattern shell cypher jsonpath xpath \
    selector javascript python function template diff patch args argv";
const PROSE: &str = "text content contents body message description prompt comment note notes title subject summary thought \
    observation observations question answer reason markdown html query data instructions task";

/// What a text at a place with these schemas should be.
pub(super) fn purpose(schemas: &[&Value], name: &str) -> Purpose {
    let formats = schemas.iter().filter_map(|schema| schema.get("format").and_then(Value::as_str));
    for format in formats {
        match format {
            "uri" | "iri" | "url" | "uri-reference" | "iri-reference" | "hostname" | "ipv4" | "ipv6" => {
                return Purpose::Address;
            }
            "regex" => return Purpose::Program,
            _ => {}
        }
    }
    let words = words(name);
    // The last word says what it is: a `file_content` is content, a `content_file` is a file.
    for word in words.iter().rev() {
        let is = |list: &str| list.split(' ').any(|known| known == word);
        match () {
            () if is(ADDRESS) => return Purpose::Address,
            () if is(FILE) => return Purpose::File,
            () if is(PROGRAM) => return Purpose::Program,
            () if is(PROSE) => return if speaks_of_programs(schemas) { Purpose::Program } else { Purpose::Prose },
            () => {}
        }
    }
    Purpose::Other
}

/// `query` may be a question or SQL; the description tells.
fn speaks_of_programs(schemas: &[&Value]) -> bool {
    let descriptions = schemas.iter().filter_map(|schema| schema.get("description").and_then(Value::as_str));
    descriptions.into_iter().any(|text| {
        let text = text.to_ascii_lowercase();
        ["sql", "script", "graphql", "cypher", "regular expression", "source code"]
            .iter()
            .any(|word| text.contains(word))
    })
}

/// `targetURL_path` is target, url, path.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars().take(128) {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_formats_say_what_a_text_is_for() {
        let none = Value::Null;
        for (name, expected) in [
            ("url", Purpose::Address),
            ("imageUrl", Purpose::Address),
            ("webhook_url", Purpose::Address),
            ("file_path", Purpose::File),
            ("outputDir", Purpose::File),
            ("content_file", Purpose::File),
            ("file_content", Purpose::Prose),
            ("command", Purpose::Program),
            ("query", Purpose::Prose),
            ("issue_id", Purpose::Other),
            ("", Purpose::Other),
        ] {
            assert_eq!(purpose(&[&none], name), expected, "{name}");
        }
        let schema = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        assert_eq!(purpose(&[&schema(r#"{"format":"uri"}"#)], "target"), Purpose::Address);
        assert_eq!(purpose(&[&schema(r#"{"description":"SQL to run"}"#)], "query"), Purpose::Program);
    }
}
