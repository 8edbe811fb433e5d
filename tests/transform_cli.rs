//! `tamiz redact`, `reveal`, `key`, `spotlight` and `unspotlight`, as people and scripts use them.

use std::fs;

use serde_json::Value;

use crate::support::{ORDER, tamiz, tamiz_with_input};

const CARD: &str = "4111 1111 1111 1111";

#[test]
fn redacts_a_pipe_and_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let input = format!("{{\"card\": \"{CARD}\", \"n\": 4111111111111111}}");
    let arguments = ["redact", "--kind", "tool-output", "--report", report.to_str().unwrap()];
    let run = tamiz_with_input(&arguments, input.as_bytes());
    assert_eq!(
        (run.code, run.out.as_str(), run.err.as_str()),
        (0, r#"{"card": "[payment-card:1]", "n": "[payment-card:2]"}"#, "")
    );
    let report = fs::read_to_string(report).unwrap();
    assert!(!report.contains("4111 1111"));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["changes"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&report["changes"][0]["treatment"], &report["after"]["verdict"]["action"]),
        (&"placeholder".into(), &"allow".into())
    );
    let zero = tamiz_with_input(&["redact", "--numbers", "zero", "--mode", "mask"], input.as_bytes());
    assert_eq!(zero.out, r#"{"card": "**** **** **** 1111", "n": 0}"#);
    // Nothing to do is no change.
    assert_eq!(tamiz_with_input(&["redact"], b"hello\n").out, "hello\n");
}

#[test]
fn what_steers_is_neutralised_on_request() {
    let text = format!("Hello. {ORDER}. My card is {CARD}.");
    assert!(tamiz_with_input(&["redact"], text.as_bytes()).out.contains(ORDER));
    let run = tamiz_with_input(&["redact", "--mode", "keep", "--neutralise", "stub"], text.as_bytes());
    assert!(run.out.starts_with("Hello. [removed: injection.") && run.out.contains(CARD), "{}", run.out);
}

#[test]
fn a_plan_file_says_what_becomes_of_what() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    fs::write(&plan, "[[treat]]\nrules = [\"pii.payment-card*\"]\nwith = \"mask\"\n").unwrap();
    let run = tamiz_with_input(&["redact", "--plan", plan.to_str().unwrap()], CARD.as_bytes());
    assert_eq!((run.code, run.out.as_str()), (0, "**** **** **** 1111"));
    fs::write(&plan, "[[treat]]\nrules = [\"pii.payment-cart\"]\nwith = \"mask\"\n").unwrap();
    let run = tamiz_with_input(&["redact", "--plan", plan.to_str().unwrap()], CARD.as_bytes());
    assert!(run.code == 2 && run.out.is_empty() && run.err.contains(":2:10: error[E043]"), "{}", run.err);
}

#[test]
fn what_is_sealed_is_opened_with_the_key_and_an_audit_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, other, audit) = (path("key"), path("other"), path("audit"));
    assert_eq!(tamiz(&["key", "new", &key, "--id", "main"]).code, 0);
    assert_eq!(tamiz(&["key", "new", &key]).code, 2, "a key is never overwritten");
    fs::write(&other, tamiz(&["key", "new", "--id", "main"]).out).unwrap();
    let text = format!("{{\"card\": \"{CARD}\", \"n\": 1}}");

    let seal = |more: &[&str]| {
        let arguments = [&["redact", "--mode", "seal", "--key-file", &key], more].concat();
        tamiz_with_input(&arguments, text.as_bytes())
    };
    let sealed = seal(&["--tenant", "acme"]);
    assert!(sealed.code == 0 && sealed.out.contains("[sealed:main:"), "{sealed:?}");
    assert_ne!(seal(&["--tenant", "acme"]).out, sealed.out);
    assert_eq!(seal(&["--deterministic"]).out, seal(&["--deterministic"]).out);

    let reveal = |key: &str, tenant: &str| {
        let arguments = ["reveal", "--key-file", key, "--tenant", tenant, "--actor", "ana", "--audit-file", &audit];
        tamiz_with_input(&arguments, sealed.out.as_bytes())
    };
    let opened = reveal(&key, "acme");
    assert_eq!((opened.code, opened.out.as_str()), (0, text.as_str()));
    for (key, tenant) in [(&other, "acme"), (&key, "another")] {
        let refused = reveal(key, tenant);
        assert_eq!((refused.code, &refused.out), (2, &sealed.out));
        assert!(refused.err.contains("1 tokens were not opened"), "{}", refused.err);
    }
    let lines = fs::read_to_string(&audit).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let line = &lines[0];
    assert_eq!((&line["actor"], &line["tenant"], &line["keys"][0]), (&"ana".into(), &"acme".into(), &"main".into()));
    assert_eq!((&line["opened"], &lines[1]["refused"]), (&1.into(), &1.into()));
    assert!(line["time"].as_str().unwrap().starts_with("20") && !line.to_string().contains("4111"));

    // No key, no secret mode; and no audit line, no content.
    let without = tamiz_with_input(&["redact", "--mode", "seal"], text.as_bytes());
    assert!(without.code == 2 && without.out.is_empty() && without.err.contains("--key-file"), "{without:?}");
    let arguments = ["reveal", "--key-file", &key, "--by", "ana", "--audit-file", folder.path().to_str().unwrap()];
    let unaudited = tamiz_with_input(&arguments, sealed.out.as_bytes());
    assert!(unaudited.code == 2 && unaudited.out.is_empty(), "{unaudited:?}");
}

#[test]
fn what_could_not_be_inspected_is_not_written() {
    let binary = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\xfd" as &[u8], CARD.as_bytes()].concat();
    let run = tamiz_with_input(&["redact"], &binary);
    assert!(run.code == 2 && run.out.is_empty() && run.err.contains("--partial"), "{run:?}");
    let broken = format!("{{\"a\": {CARD}");
    let run = tamiz_with_input(&["redact", "--format", "json"], broken.as_bytes());
    assert!(run.code == 2 && run.out.is_empty(), "{run:?}");
    let run = tamiz_with_input(&["redact", "--format", "json", "--partial"], broken.as_bytes());
    assert_eq!((run.code, run.out.as_str()), (2, "{\"a\": [payment-card:1]"));
}

#[test]
fn what_is_spotlighted_comes_back_and_an_echo_is_found() {
    let text = "Two words,\nand 漢字 \u{e000}.\n";
    for mode in ["delimit", "datamark", "base64", "hex", "rot13"] {
        let run = tamiz_with_input(&["spotlight", "--mode", mode, "--json"], text.as_bytes());
        let marked = run.json();
        let (content, marker) = (marked["content"].as_str().unwrap(), marked["marker"].as_str().unwrap());
        assert!(content != text && marked["instruction"].as_str().unwrap().len() > 50, "{mode}");
        let undone = tamiz_with_input(&["unspotlight", "--marker", marker], content.as_bytes());
        assert_eq!((undone.code, undone.out.as_str()), (0, text), "{mode}");
        let scan = ["scan", "-", "--kind", "model-output", "--marker", marker, "--fail-on", "flag", "--output", "json"];
        let echoed = tamiz_with_input(&scan, content.as_bytes());
        assert_eq!(echoed.code, i32::from(matches!(mode, "delimit" | "datamark")), "{mode}: {}", echoed.out);
    }
    let spanish = tamiz_with_input(&["spotlight", "--language", "es"], text.as_bytes());
    assert!(spanish.err.contains("No sigas nunca") && spanish.err.contains("marker: text:datamark:boundary:"));
    let own = tamiz_with_input(&["spotlight", "--instruction", "mind {marker}", "--mode", "datamark"], text.as_bytes());
    assert!(own.err.starts_with("instruction: mind \u{e0}") || own.err.starts_with("instruction: mind "));
    assert_eq!(tamiz_with_input(&["unspotlight", "--marker", "nonsense"], b"x").code, 2);
}
