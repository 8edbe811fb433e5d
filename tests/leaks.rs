//! Canaries, registered prompts and tokens in the wrong place, as somebody who plants and registers them meets them.

use std::fs;

use serde_json::Value;
use tamiz_core::{Content, ContentKind, Format, ScanControl};

use crate::support::{Run, covered, engine, inspect, tamiz, tamiz_with_input};

fn rules(run: &Run) -> Vec<String> {
    let findings = run.json()["reports"][0]["findings"].clone();
    findings.as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_canary_is_planted_and_heard_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, file) = (path("key"), path("canaries.toml"));
    fs::write(&key, "5a".repeat(32)).unwrap();
    let new =
        tamiz(&["canary", "new", "--file", &file, "--key-file", &key, "--format", "aws-key", "--label", "old wiki"]);
    assert_eq!(new.code, 0, "{}", new.err);
    let value = new.out.trim();
    assert!(value.starts_with("AKIA") && value.len() == 20, "{value}");

    let scan = |arguments: &[&str], text: &str| {
        let all = [&["scan", "-", "--kind", "model-output", "--output", "json"], arguments].concat();
        tamiz_with_input(&all, text.as_bytes())
    };
    let with = ["--canaries", file.as_str(), "--fingerprint-key", key.as_str()];
    let found = scan(&with, &format!("the id is {}", value.to_lowercase()));
    assert_eq!(found.code, 1, "{}", found.out);
    assert!(rules(&found)[0].starts_with("secret.canary-"), "{:?}", rules(&found));
    assert!(found.out.contains("Canary: old wiki") && !found.out.contains(&value.to_lowercase()));
    assert_eq!(scan(&with, "nothing here").code, 0);

    let list = tamiz(&["canary", "list", "--file", &file, "--key-file", &key, "--json"]);
    assert_eq!(list.json()["value"], value);
    let without = scan(&["--canaries", file.as_str()], "x");
    assert!(without.code == 2 && without.err.contains("--fingerprint-key"), "{}", without.err);
    fs::write(path("other"), "5b".repeat(32)).unwrap();
    let wrong = scan(&["--canaries", file.as_str(), "--fingerprint-key", &path("other")], "x");
    assert!(wrong.code == 2 && wrong.err.contains("another key"), "{}", wrong.err);
}

#[test]
fn a_registered_prompt_does_not_come_out_unnoticed() {
    const PROMPT: &str = "You help the archivists of the Lindenhof. Dates are written as in the register of 1871. Never tell \
                          visitors which shelves are empty, and do not read out the names in the red ledger.";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (prompt, file) = (path("prompt.txt"), path("prompts.json"));
    fs::write(&prompt, PROMPT).unwrap();
    let register = tamiz(&["prompt", "register", &prompt, "--name", "archive", "--file", &file]);
    assert_eq!(register.code, 0, "{}", register.err);
    assert!(!fs::read_to_string(&file).unwrap().contains("ledger"));
    assert_eq!(tamiz(&["prompt", "list", "--file", &file]).out, "archive\n");

    let scan = |kind: &str, text: &str| {
        let arguments = ["scan", "-", "--kind", kind, "--prompts", &file, "--output", "json"];
        tamiz_with_input(&arguments, text.as_bytes())
    };
    let said = format!("> {}", PROMPT.replace(' ', "\n> "));
    assert_eq!(rules(&scan("model-output", &said)), ["secret.system-prompt"]);
    assert!(rules(&scan("prompt", &said)).is_empty(), "it may go in");
    assert!(rules(&scan("model-output", "The archivists of the Lindenhof write dates as in 1871.")).is_empty());

    let short = tamiz_with_input(&["prompt", "register", "-", "--name", "b", "--file", &file], b"Be brief.");
    assert!(short.code == 2 && short.err.contains("too short"), "{}", short.err);
}

#[test]
fn a_token_for_somebody_else_is_not_passed_through() {
    // Made up: {"alg":"RS256","typ":"JWT"} . {"aud":"https://graph.example.net","sub":"u-17"} . a hash of a letter.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwczovL2dyYXBoLmV4YW1wbGUubmV0Iiwic3ViIjoidS0xNyJ9.\
                         ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs";
    let scan = |server: &[&str]| {
        let all = [&["scan", "-", "--kind", "tool-arguments", "--output", "json"], server].concat();
        tamiz_with_input(&all, format!("{{\"authorization\": \"Bearer {TOKEN}\"}}").as_bytes())
    };
    let passed = |run: &Run| rules(run).contains(&"secret.token-passthrough".to_owned());
    let other = scan(&["--server", "https://mcp.example.com/mcp"]);
    assert!(passed(&other), "{}", other.out);
    let finding = &other.json()["reports"][0]["findings"];
    let of = |rule: &str| finding.as_array().unwrap().iter().find(|finding| finding["rule"] == rule).cloned();
    assert_eq!(of("secret.token-passthrough").unwrap()["pointer"], Value::from("/authorization"));
    assert!(!passed(&scan(&["--server", "https://graph.example.net/v1"])), "it is for this server");
    assert!(!passed(&scan(&[])), "nobody said where it goes");
}

/// A made-up key id, in two pieces that mean nothing alone.
const PIECES: [&str; 2] = ["AKIAQ3ZR", "7MWB2XKD4LTE"];

fn found(body: &str, carried: &[u8]) -> (Vec<String>, Vec<u8>) {
    let content = Content::new(ContentKind::ToolArguments, body.as_bytes()).with_carried(carried);
    let mut scanner = engine().scanner();
    let scanned = scanner.scan(&content, &ScanControl::unlimited());
    let rules = scanned.conclude().findings.iter().map(|finding| finding.rule.clone()).collect();
    (rules, scanned.carry())
}

#[test]
fn a_secret_in_pieces_is_put_together() {
    const RULE: &str = "secret.aws-access-key-id";
    let [a, b] = PIECES;
    for body in [
        format!(r#"["{a}", "{b}"]"#),
        format!(r#"{{"part1": "{a}", "part2": "{b}"}}"#),
        format!(r#"{{"note": "it begins with {a}", "more": {{"x": "{b} and that is all"}}}}"#),
        format!(r#"["{}", "{}", "{b}"]"#, &a[..4], &a[4..]),
    ] {
        let (rules, _) = found(&body, b"");
        assert!(rules.contains(&RULE.to_owned()), "{body}: {rules:?}");
        let report = inspect(Some(ContentKind::ToolArguments), Format::Json, body.as_bytes());
        let finding = report.findings.iter().find(|finding| finding.rule == RULE).unwrap();
        let text = covered(finding, body.as_bytes());
        assert!(text.starts_with(b"AKIA") && text.ends_with(b"TE"), "{}", String::from_utf8_lossy(text));
    }
    for body in [format!(r#"["{a}", "so", "{b}"]"#), format!(r#"["{a} is one", "{b}"]"#), format!("{a} {b}")] {
        assert!(found(&body, b"").0.is_empty(), "{body}");
    }
    // A whole one is found once, whatever stands beside it.
    let (rules, _) = found(&format!(r#"["{a}{b}", "{b}"]"#), b"");
    assert_eq!(rules.iter().filter(|rule| *rule == RULE).count(), 1, "{rules:?}");
}

#[test]
fn a_secret_in_two_messages_is_put_together() {
    let [a, b] = PIECES;
    let (rules, carry) = found(&format!("First half: {a}\n"), b"");
    assert!(rules.is_empty(), "{rules:?}");
    assert_eq!(carry, a.as_bytes());
    let (rules, _) = found(&format!("{b} is the rest"), &carry);
    assert_eq!(rules, ["secret.aws-access-key-id"]);
    assert!(found(&format!("The rest: {b}"), &carry).0.is_empty(), "something stands between");
    let (_, long) = found(&"x1".repeat(10_000), b"");
    assert_eq!(long.len(), 512, "what is carried is bounded");
}
