//! `tamiz tools`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{files, intruder, rug_pull};
use crate::support::{Run, tamiz_with_input};

pub(super) struct Store(tempfile::TempDir);

impl Store {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("tools.redb")
    }

    pub(super) fn run(&self, arguments: &[&str], input: &Value) -> Run {
        let store = self.path();
        let with = ["tools", arguments[0], "--store", store.to_str().unwrap(), "--json"];
        tamiz_with_input(&[&with[..], &arguments[1..]].concat(), input.to_string().as_bytes())
    }

    pub(super) fn look(&self, command: &str, server: &str, list: &Value) -> (i32, Value) {
        let run = self.run(&[command, "--server", server, "--by", "test"], list);
        assert!(run.err.is_empty(), "{run:?}");
        (run.code, run.json())
    }
}

/// The rules and pointers found of a tool.
fn found(outcome: &Value, tool: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of_tool = |report: &&Value| report["tool"] == tool;
    let reports = outcome["tools"].as_array().unwrap().iter().filter(of_tool);
    let findings = reports.flat_map(|report| report["findings"].as_array().unwrap());
    findings.map(|finding| (text(&finding["rule"]), text(&finding["pointer"]))).collect()
}

fn has(outcome: &Value, tool: &str, rule: &str, pointer: &str) {
    let found = found(outcome, tool);
    assert!(found.contains(&(rule.to_owned(), pointer.to_owned())), "{tool}: no {rule} at {pointer} in {found:#?}");
}

#[test]
fn an_unchanged_list_is_clean_and_a_rug_pull_is_stopped_until_approved() {
    let store = Store::new();
    let (code, outcome) = store.look("pin", "files", &files());
    assert_eq!((code, &outcome["action"], &outcome["listed"]), (0, &json!("allow"), &json!(3)));
    // The same list, written otherwise.
    let pretty = format!("{:#}", files());
    let (code, outcome) = store.look("check", "files", &serde_json::from_str(&pretty).unwrap());
    assert_eq!((code, &outcome["unchanged"], &outcome["tools"]), (0, &json!(3), &json!([])));

    let (code, outcome) = store.look("check", "files", &rug_pull());
    assert_eq!((code, &outcome["action"], &outcome["unchanged"]), (1, &json!("block"), &json!(2)));
    has(&outcome, "read_text_file", "tool-poisoning.tool-changed", "/description");
    has(&outcome, "read_text_file", "tool-poisoning.tool-changed", "/inputSchema/properties/context");
    let tool = &outcome["tools"][0];
    let kinds: Vec<&str> = tool["changes"].as_array().unwrap().iter().map(|c| c["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &tool["state"]), (vec!["gives-orders", "new-parameter"], &json!("quarantined")));

    // It stays out of use, whatever is listed, until somebody approves it.
    let (code, outcome) = store.look("check", "files", &files());
    assert_eq!(code, 1);
    has(&outcome, "read_text_file", "tool-poisoning.tool-quarantined", "");
    store.look("check", "files", &rug_pull());
    let run = store.run(&["diff", "--server", "files"], &json!(null));
    let waiting = run.json()[0]["to"].as_str().unwrap().to_owned();
    assert_eq!(run.code, 1);
    let approve = |digest: &str| {
        let run =
            ["approve", "--server", "files", "--by", "ana", "--note", "was read", "--digest", digest, "read_text_file"];
        store.run(&run, &json!(null))
    };
    let other = approve("0123456789abcdef");
    assert_eq!(other.code, 2, "{other:?}");
    assert!(other.err.contains("not that of what waits"), "{other:?}");
    assert_eq!(approve(&waiting[..12]).code, 0);
    assert_eq!(store.look("check", "files", &rug_pull()).0, 0);

    let run = store.run(&["log"], &json!(null));
    let log = run.json();
    let lines: Vec<(&str, &str, &str)> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["who"].as_str().unwrap(), line["what"].as_str().unwrap(), line["tool"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            ("test", "pinned", "read_text_file"),
            ("test", "pinned", "list_directory"),
            ("test", "pinned", "fetch_page"),
            ("test", "quarantined", "read_text_file"),
            ("ana", "approved", "read_text_file"),
        ]
    );
    assert_eq!((&log[4]["note"], &log[4]["to"]), (&json!("was read"), &json!(waiting)));
}

#[test]
fn an_innocent_change_waits_and_may_be_taken_back() {
    let store = Store::new();
    store.look("pin", "files", &files());
    let mut list = files();
    list["result"]["tools"][2]["inputSchema"]["properties"]["method"]["enum"] = json!(["GET", "HEAD", "POST"]);
    let (code, outcome) = store.look("check", "files", &list);
    assert_eq!((code, &outcome["tools"][0]["state"]), (1, &json!("changed")));
    has(&outcome, "fetch_page", "tool-poisoning.tool-changed", "/inputSchema/properties/method/enum");
    let words = outcome["tools"][0]["changes"][0]["words"].as_str().unwrap();
    assert_eq!(words, "`enum` takes more than before");
    let (code, outcome) = store.look("check", "files", &files());
    assert_eq!((code, &outcome["unchanged"]), (0, &json!(3)));
    let run = store.run(&["list"], &json!(null));
    assert!(run.json().as_array().unwrap().iter().all(|tool| tool["state"] == "pinned"));
}

#[test]
fn another_server_shadows_and_mimics() {
    let store = Store::new();
    store.look("pin", "files", &files());
    let (_, outcome) = store.look("pin", "quotes", &intruder());
    has(&outcome, "read-text-file", "tool-poisoning.near-name-tool", "/name");
    has(&outcome, "re\u{430}d_text_file", "tool-poisoning.look-alike-tool", "/name");
    has(&outcome, "daily_quote", "tool-poisoning.names-foreign-tool", "/description");
    let state = |tool: &str| {
        let run = store.run(&["list", "--server", "quotes"], &json!(null)).json();
        run.as_array().unwrap().iter().find(|line| line["tool"] == tool).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("re\u{430}d_text_file"), "pending");
}

#[test]
fn names_come_and_go() {
    let store = Store::new();
    let mut list = files();
    list["result"]["instructions"] = json!("Paths are relative to the home of the project.");
    store.look("pin", "files", &list);
    let tools = list["result"]["tools"].as_array_mut().unwrap();
    tools[1]["name"] = json!("show_directory");
    let twice = tools[0].clone();
    tools.push(twice);
    list["result"]["instructions"] = json!("Paths are absolute.");
    let (code, outcome) = store.look("check", "files", &list);
    assert_eq!(code, 1);
    has(&outcome, "show_directory", "tool-poisoning.tool-renamed", "/name");
    has(&outcome, "show_directory", "tool-poisoning.tool-unapproved", "");
    has(&outcome, "read_text_file", "tool-poisoning.duplicate-tool", "/name");
    has(&outcome, "", "tool-poisoning.instructions-changed", "");
    // A page of a list says nothing of tools that are not on it.
    let part = json!({ "tools": [files()["result"]["tools"][0]], "nextCursor": "2" });
    let (code, outcome) = store.look("check", "files", &part);
    assert_eq!((code, &outcome["partial"], &outcome["tools"]), (0, &json!(true), &json!([])));
    let (_, outcome) = store.look("check", "files", &json!([files()["result"]["tools"][0]]));
    has(&outcome, "fetch_page", "tool-poisoning.tool-removed", "");
}

#[test]
fn first_sight_may_wait_and_people_are_told() {
    let store = Store::new();
    let input = files();
    let run =
        store.run(&["pin", "--server", "files", "--first-sight", "pending", "--fail-on", "flag", "--by", "t"], &input);
    assert_eq!((run.code, &run.json()["tools"][0]["state"]), (1, &json!("pending")));
    let run = store.run(&["approve", "--server", "files", "--by", "t", "fetch_page"], &json!(null));
    assert_eq!(run.code, 0, "{run:?}");
    let path = store.path();
    let tools = |arguments: &[&str], input: &[u8]| {
        let with = ["tools", arguments[0], "--store", path.to_str().unwrap(), "--by", "t", "--server", "files"];
        tamiz_with_input(&[&with[..], &arguments[1..]].concat(), input)
    };
    let run = tools(&["check"], input.to_string().as_bytes());
    assert!(run.out.ends_with("files: 3 tools, 1 as approved\n"), "{}", run.out);
    assert!(run.out.contains("flag   list_directory  unchanged, pending"), "{}", run.out);
    let hostile = b"[{\"name\":\"\\u001b[2Jx\\u202e\",\"description\":\"d\"}]";
    let run = tools(&["check"], hostile);
    assert!(!run.out.contains('\u{1b}') && !run.out.contains('\u{202e}'), "{:?}", run.out);
    for (input, part) in
        [(&b"{}"[..], "no tools in it"), (b"[{\"name\":1}]", "/0: a tool has a `name`"), (b"{", "ends too early")]
    {
        let run = tools(&["check"], input);
        assert!(run.code == 2 && run.err.contains(part), "{run:?}");
    }
    let run = tools(&["quarantine", "nothing"], b"");
    assert!(run.code == 2 && run.err.contains("no such tool"), "{run:?}");
    let nowhere = store.0.path().join("no/such/store.redb");
    let run = tamiz_with_input(&["tools", "list", "--store", nowhere.to_str().unwrap()], b"");
    assert!(run.code == 2 && run.err.contains("there is no store") && !nowhere.parent().unwrap().exists(), "{run:?}");
    fs::write(&path, "this is no store").unwrap();
    let run = tools(&["check"], input.to_string().as_bytes());
    assert!(run.code == 2 && run.err.contains("not a store"), "{run:?}");
    assert!(Path::new(&path).exists());
}

fn call(name: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
}

/// Rules and pointers found beside the text of a call, and the exit code.
fn check_call(store: &Store, message: &Value) -> (i32, Vec<(String, String)>) {
    let run = store.run(&["call", "--server", "files"], message);
    assert!(run.code != 2, "{run:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let outcome = run.json();
    let findings = outcome["findings"].as_array().unwrap();
    (run.code, findings.iter().map(|finding| (text(&finding["rule"]), text(&finding["pointer"]))).collect())
}

#[test]
fn calls_are_held_to_the_approved_schema() {
    let store = Store::new();
    store.look("pin", "files", &files());
    let good = [
        call("read_text_file", &json!({ "path": "notes/today.md", "head": 10 })),
        call("fetch_page", &json!({ "url": "https://example.com/a?b=c", "method": "HEAD" })),
        json!({ "name": "list_directory", "arguments": { "path": "." } }),
    ];
    for message in good {
        assert_eq!(check_call(&store, &message), (0, vec![]), "{message}");
    }
    let at = |rule: &str, pointer: &str| (format!("tool-misuse.{rule}"), format!("/params{pointer}"));
    for (message, expected) in [
        (call("read_text_file", &json!({ "path": 5 })), at("argument-schema", "/arguments/path")),
        (call("read_text_file", &json!({ "path": "a", "head": 5000 })), at("argument-schema", "/arguments/head")),
        (call("read_text_file", &json!({})), at("argument-schema", "/arguments")),
        (
            call("fetch_page", &json!({ "url": "https://example.com", "method": "POST" })),
            at("argument-schema", "/arguments/method"),
        ),
        // The schema leaves more members open; nobody approved this one.
        (call("read_text_file", &json!({ "path": "a", "context": "b" })), at("unknown-argument", "/arguments/context")),
        (call("read_text_file", &json!({ "path": "../../../etc/hosts" })), at("path-traversal", "/arguments/path")),
        (call("list_directory", &json!({ "path": "x; rm -rf ~/" })), at("shell-injection", "/arguments/path")),
        (call("nothing_known", &json!({})), at("unapproved-call", "/name")),
    ] {
        let (code, found) = check_call(&store, &message);
        assert_eq!((code, found.contains(&expected)), (1, true), "{message}: {found:?}");
    }
    store.look("check", "files", &rug_pull());
    let (code, found) = check_call(&store, &call("read_text_file", &json!({ "path": "a" })));
    assert_eq!((code, found), (1, vec![at("unapproved-call", "/name")]));
}

#[test]
fn addresses_that_lead_inside_are_seen_in_every_form() {
    let store = Store::new();
    store.look("pin", "files", &files());
    for (url, rule) in [
        ("http://169.254.169.254/latest/meta-data/", "ssrf-metadata"),
        ("http://2852039166/", "ssrf-metadata"),
        ("http://[::ffff:169.254.169.254]/", "ssrf-metadata"),
        ("http://0177.0.0.1/", "ssrf-disguised"),
        ("http://0x7f000001/", "ssrf-disguised"),
        ("http://example.com@10.0.0.1/", "ssrf-disguised"),
        ("http://10.0.0.1.nip.io/", "ssrf-disguised"),
        ("http://127.0.0.1:6379/", "ssrf-internal"),
        ("file:///etc/hosts", "address-scheme"),
        ("https://bit.ly/abc", "address-redirector"),
    ] {
        let (_, found) = check_call(&store, &call("fetch_page", &json!({ "url": url })));
        let expected = (format!("tool-misuse.{rule}"), "/params/arguments/url".to_owned());
        assert!(found.contains(&expected), "{url}: {found:?}");
    }
}

#[test]
fn results_are_held_to_the_approved_schema() {
    let store = Store::new();
    let list = json!([{ "name": "weather", "description": "Gives the weather.", "inputSchema": { "type": "object" },
        "outputSchema": { "type": "object", "properties": { "celsius": { "type": "number" } }, "required": ["celsius"] } }]);
    store.look("pin", "w", &list);
    let result = |body: &Value| store.run(&["result", "--server", "w", "--tool", "weather", "--fail-on", "flag"], body);
    let good =
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": [], "structuredContent": { "celsius": 3.5 } } });
    assert_eq!(result(&good).code, 0);
    assert_eq!(result(&json!({ "content": [], "isError": true })).code, 0);
    let run = result(&json!({ "result": { "structuredContent": { "celsius": "warm" } } }));
    assert_eq!((run.code, &run.json()["findings"][0]["pointer"]), (1, &json!("/result/structuredContent/celsius")));
    assert_eq!(result(&json!({ "content": [] })).code, 1);
    // Whoever reads the result sees no error.
    assert_eq!(result(&json!({ "result": { "content": [] }, "error": { "code": 1, "message": "m" } })).code, 1);
    assert_eq!(result(&json!({ "error": { "code": 1, "message": "m" } })).code, 0);
    let poisoned = json!({ "content": [{ "type": "text", "text": crate::support::ORDER }], "structuredContent": { "celsius": 1 } });
    let run = result(&poisoned);
    assert_eq!(run.json()["report"]["findings"][0]["pointer"], "/content/0/text", "{run:?}");
    let twice = tamiz_with_input(
        &["tools", "result", "--store", store.path().to_str().unwrap(), "--server", "w", "--tool", "weather"],
        br#"{"content":[],"structuredContent":{"celsius":1},"structuredContent":{"celsius":2}}"#,
    );
    assert!(twice.code == 2 && twice.err.contains("a member with the name of an earlier one"), "{twice:?}");
}

#[test]
fn a_session_that_can_carry_data_out_is_told() {
    let store = Store::new();
    store.look("pin", "files", &files());
    let calls =
        |tools: &[&str]| -> Value { tools.iter().map(|tool| json!({ "server": "files", "tool": tool })).collect() };
    // Fetching a page reads what a stranger wrote, and the address carries data out.
    let run = store.run(&["flow"], &calls(&["fetch_page", "list_directory", "read_text_file"]));
    let outcome = run.json();
    assert_eq!(
        (run.code, &outcome["toxic_at"], &outcome["verdict"]["action"]),
        (1, &json!(1), &json!("flag")),
        "{run:?}"
    );
    assert_eq!(outcome["findings"][0]["rule"], "tool-misuse.toxic-flow");
    assert_eq!(store.run(&["flow"], &calls(&["read_text_file", "list_directory"])).code, 0);
    let label =
        |more: &[&str]| store.run(&[&["label", "--server", "files", "--by", "ana"], more].concat(), &json!(null));
    assert_eq!(label(&["fetch_page"]).json()["labels"], json!(["reads-untrusted", "writes-outside"]));
    assert_eq!(label(&["fetch_page", "--set", "reads-untrusted"]).json()["labels"], json!(["reads-untrusted"]));
    assert_eq!(store.run(&["flow"], &calls(&["fetch_page", "read_text_file"])).code, 0);
    assert_eq!(label(&["fetch_page", "--reset"]).json()["labels"], json!(["reads-untrusted", "writes-outside"]));
    assert!(label(&["fetch_page", "--set", "reads-minds"]).err.contains("labels are reads-untrusted"));
    let log = store.run(&["log", "--after", "3"], &json!(null)).json();
    assert_eq!((&log[0]["what"], &log[0]["note"]), (&json!("labelled"), &json!("reads-untrusted")));
    let run = store.run(&["flow"], &json!([{ "server": "files", "tool": "unheard_of" }]));
    assert_eq!((run.code, &run.json()["findings"][0]["rule"]), (1, &json!("tool-misuse.unapproved-call")));
}
