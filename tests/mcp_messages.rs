//! Every type of message of both current revisions of MCP, and the messages that the specification shows: honest they pass, and poison is
//! found in every member of each, with its place. The table in docs/mcp-members.md is made here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use tamiz_core::{Action, Finding, Format, Report};

use crate::support::{ORDER, ORDER_RULE, base64, inspect, read_plain, repository};

const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// Where the table is in the document.
const MARKS: [&str; 2] = ["<!-- members: made by tests/mcp_messages.rs -->\n", "<!-- end of members -->"];

fn lines(name: &str) -> Vec<Value> {
    let text = String::from_utf8(read_plain(&repository(&format!("tests/fixtures/mcp/{name}.jsonl")))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages of every type of a revision, by what they are.
fn written(revision: &str) -> Vec<(String, Value)> {
    let line = |line: Value| (line["what"].as_str().unwrap().to_owned(), line["message"].clone());
    lines(&format!("written-{revision}")).into_iter().map(line).collect()
}

fn mcp(message: &Value) -> Report {
    inspect(None, Format::Mcp, message.to_string().as_bytes())
}

/// It passes; found in it are at most these rules, at most noted.
fn passes(what: &str, message: &Value, noted: &[&str]) {
    let report = mcp(message);
    let found: Vec<(&str, &str)> = report.findings.iter().map(|f| (f.rule.as_str(), f.pointer.as_str())).collect();
    assert_eq!(report.verdict.action, Action::Allow, "{what}: {found:?}");
    assert!(report.coverage.complete, "{what}: {:?}", report.coverage.skipped);
    assert!(found.iter().all(|(rule, _)| noted.contains(rule)), "{what}: {found:?}");
}

#[test]
fn messages_of_every_type_pass() {
    for revision in REVISIONS {
        let messages = written(revision);
        for (what, message) in &messages {
            passes(&format!("{what}, {revision}"), message, &[]);
        }
        let batch: Value = messages.into_iter().map(|(_, message)| message).collect();
        passes(&format!("all of {revision}"), &batch, &[]);
    }
}

#[test]
fn messages_that_the_specification_shows_pass() {
    let mut count = 0;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "draft"] {
        for line in lines(&format!("specification-{revision}")) {
            // One page has an e-mail address, which is noted as the personal data that it is.
            passes(line["page"].as_str().unwrap(), &line["message"], &["pii.email-address"]);
            count += 1;
        }
    }
    assert!(count >= 100, "{count} messages");
}

/// The pointers of all texts in a value, and those of all objects.
fn places(value: &Value, at: &str, texts: &mut Vec<String>, objects: &mut Vec<String>) {
    match value {
        Value::String(_) => texts.push(at.to_owned()),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                places(value, &format!("{at}/{index}"), texts, objects);
            }
        }
        Value::Object(members) => {
            objects.push(at.to_owned());
            for (name, value) in members {
                places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), texts, objects);
            }
        }
        _ => {}
    }
}

fn finds(findings: &[Finding], pointer: &str) -> bool {
    findings.iter().any(|finding| finding.rule == ORDER_RULE && finding.pointer == pointer)
}

/// A pointer with `N` for each index.
fn general(pointer: &str) -> String {
    let part = |part: &str| {
        let index = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if index { "N".to_owned() } else { part.replace("~1", "/") }
    };
    pointer.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What was poisoned in messages of one sort, and what of it was found.
#[derive(Default)]
struct Row {
    members: BTreeMap<String, bool>,
    poisoned: usize,
    found: usize,
}

impl Row {
    fn add(&mut self, member: String, found: bool) {
        *self.members.entry(member).or_insert(true) &= found;
        (self.poisoned, self.found) = (self.poisoned + 1, self.found + usize::from(found));
    }
}

/// Poisons every text of a message, and every object of it with a member that no revision has.
fn poison(message: &Value, row: &mut Row) {
    let (mut texts, mut objects) = (Vec::new(), Vec::new());
    places(message, "", &mut texts, &mut objects);
    for pointer in texts {
        let mut poisoned = message.clone();
        let planted = poisoned.pointer_mut(&pointer).unwrap();
        let encoded = pointer.ends_with("/blob") || pointer.ends_with("/data") && planted.as_str().unwrap().len() > 20;
        *planted = if encoded { base64(ORDER.as_bytes()).into() } else { ORDER.into() };
        row.add(general(&pointer), finds(&mcp(&poisoned).findings, &pointer));
    }
    for parent in objects {
        // Its value, and its name.
        for (name, value) in [("x-odd", json!({ "deep": [ORDER] })), (ORDER, json!({}))] {
            let mut poisoned = message.clone();
            let Some(Value::Object(members)) = poisoned.pointer_mut(&parent) else { continue };
            members.insert(name.into(), value);
            let rest = if name == ORDER { "" } else { "/deep/0" };
            let found = finds(&mcp(&poisoned).findings, &format!("{parent}/{name}{rest}"));
            row.add(general(&format!("{parent}/{}", if name == ORDER { "(a name)" } else { "(unknown)" })), found);
        }
    }
}

/// Members of many places told together: `/result/tools/N/{name, title}`.
fn told(members: &BTreeMap<String, bool>) -> String {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for member in members.keys().filter(|member| !member.ends_with(')')) {
        let (parent, name) = member.rsplit_once('/').unwrap();
        groups.entry(parent).or_default().insert(name);
    }
    let group = |(parent, names): (&str, BTreeSet<&str>)| {
        let names: Vec<&str> = names.into_iter().collect();
        if let [name] = names[..] {
            format!("`{parent}/{name}`")
        } else {
            format!("`{parent}/{{{}}}`", names.join(", "))
        }
    };
    groups.into_iter().map(group).collect::<Vec<_>>().join(" ")
}

#[test]
#[allow(clippy::print_stdout, reason = "--nocapture shows the table")]
fn poison_is_found_in_every_member_of_every_message() {
    let mut table = "| message | revision | planted | found | members |\n|---|---|---:|---:|---|\n".to_owned();
    let (mut planted, mut missed) = (0, Vec::new());
    for revision in REVISIONS {
        for (what, message) in written(revision) {
            let mut row = Row::default();
            poison(&message, &mut row);
            planted += row.poisoned;
            let (poisoned, found) = (row.poisoned, row.found);
            writeln!(table, "| {what} | {revision} | {poisoned} | {found} | {} |", told(&row.members)).unwrap();
            missed
                .extend(row.members.into_iter().filter(|(_, found)| !found).map(|(member, _)| (what.clone(), member)));
        }
    }
    println!("{table}");
    assert!(missed.is_empty(), "not found: {missed:#?}");
    assert!(planted > 2_500, "{planted} planted");
    let document = String::from_utf8(read_plain(&repository("docs/mcp-members.md"))).unwrap();
    let (_, rest) = document.split_once(MARKS[0]).unwrap();
    let (written, _) = rest.split_once(MARKS[1]).unwrap();
    assert!(written == table, "docs/mcp-members.md has another table than the one above; put it there");
}
