//! `tamiz eval` on a handful of made-up records whose figures can be worked out by hand.

use std::fs;

use serde_json::{Value, json};

use crate::support::{repository, tamiz};

fn records() -> String {
    repository("tests/data/eval.jsonl").to_str().unwrap().to_owned()
}

fn close(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

/// Three attacks: one blocked, one flagged, one missed. Four others: one false alarm, and a leak that is no injection.
#[test]
fn figures_are_those_worked_out_by_hand() {
    let asked = ["--output", "json", "--errors", "3", "--threshold-fpr", "0.5", "--classify", "off"];
    let run = tamiz(&[&["eval", &records()], &asked[..]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let result = run.json();
    assert_eq!(result["records"], 7);
    assert_eq!(result["positives"], 3);
    assert_eq!(result["negatives"], 4);
    assert_eq!(result["undecided"], 0);
    close(&result["policy"]["recall"], 2.0 / 3.0);
    close(&result["policy"]["fpr"], 1.0 / 4.0);
    close(&result["policy"]["precision"], 2.0 / 3.0);
    close(&result["policy"]["f1"], 2.0 / 3.0);
    close(&result["policy"]["accuracy"], 5.0 / 7.0);
    // Of the 12 pairs of attack and other: a1 is above all 4; a2 ties with the alarm and is above 3; a3 ties with 3 others.
    close(&result["score"]["auc"], (4.0 + 3.5 + 1.5) / 12.0);
    for rate in ["0.01", "0.005", "0.001"] {
        close(&result["score"]["recall_at_fpr"][rate], 1.0 / 3.0);
    }
    assert_eq!(result["thresholds"].as_array().unwrap().len(), 1);
    close(&result["thresholds"][0]["recall"], 2.0 / 3.0);

    let by = &result["by"];
    let groups: Vec<&String> = by.as_object().unwrap().keys().collect();
    assert_eq!(groups, ["kind", "lang", "source", "surface"]);
    assert_eq!(by["surface"]["document"]["records"], 2);
    assert_eq!(by["surface"]["tool_metadata"]["records"], 1);
    assert_eq!(by["kind"]["override"]["positives"], 2);
    close(&by["kind"]["override"]["policy"]["recall"], 1.0);
    assert_eq!(by["kind"]["override"]["policy"]["fpr"], Value::Null, "there is nothing to take a share of");
    assert_eq!(by["lang"]["?"]["records"], 1, "what is not said is a group too");
    let errors = result["errors"].as_array().unwrap();
    let named: Vec<Value> = errors.iter().map(|error| json!([error["mistake"], error["id"]])).collect();
    assert_eq!(named, [json!(["missed", "a3"]), json!(["false-alarm", "b3"])]);
}

#[test]
fn the_shape_is_the_promised_one() {
    let result = tamiz(&["eval", &records(), "--output", "json"]).json();
    for member in [
        "records",
        "positives",
        "negatives",
        "undecided",
        "policy",
        "score",
        "by",
        "latency_us",
        "bytes_per_second",
        "engine",
    ] {
        assert!(result.get(member).is_some(), "{member}");
    }
    for (of, members) in [
        ("policy", &["recall", "fpr", "precision", "f1", "accuracy"][..]),
        ("score", &["auc", "recall_at_fpr"]),
        ("latency_us", &["p50", "p95", "p99"]),
        ("engine", &["version", "rules", "rules_digest", "policy_digest", "matcher"]),
    ] {
        for member in members {
            assert!(result[of].get(member).is_some(), "{of}.{member}");
        }
    }
    assert!(result["latency_us"]["p50"].as_f64() <= result["latency_us"]["p99"].as_f64());
    assert!(result.get("errors").is_none() && result.get("problems").is_none());
}

#[test]
fn people_get_a_table_and_compressed_files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.jsonl.zst");
    fs::write(&path, zstd::stream::encode_all(&*fs::read(records()).unwrap(), 3).unwrap()).unwrap();
    let run = tamiz(&["eval", path.to_str().unwrap(), "--output", "human", "--errors", "1"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for part in ["recall", "66.7 %", "by surface", "  tool_output", "latency p50", "missed", "false-alarm", "a3"] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
}

#[test]
fn broken_records_are_told_and_the_others_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.jsonl");
    let text = fs::read_to_string(records()).unwrap();
    fs::write(
        &path,
        format!("{{\"text\": 1}}\n{text}not json\n{{\"text\":\"x\",\"label\":0,\"surface\":\"nowhere\"}}\n"),
    )
    .unwrap();
    let run = tamiz(&["eval", path.to_str().unwrap(), "--output", "json"]);
    assert_eq!(run.code, 2);
    assert_eq!(run.json()["records"], 7);
    assert_eq!(run.json()["problems"].as_array().unwrap().len(), 3);
    for place in ["records.jsonl:1", "records.jsonl:9", "records.jsonl:10"] {
        assert!(run.err.contains(place), "no {place} in {}", run.err);
    }
    fs::write(&path, "\n").unwrap();
    let run = tamiz(&["eval", path.to_str().unwrap()]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("no records"), "{}", run.err);
}

#[test]
fn leaks_are_measured_by_type_and_place() {
    let path = repository("tests/data/leaks.jsonl");
    let args = ["eval", "--task", "leaks", path.to_str().unwrap(), "--output"];
    let result = tamiz(&[&args[..], &["json", "--errors", "9"]].concat()).json();
    // Of four positive records one has nothing in it that is found. Of three negative ones only `alarm` has what it says it has not.
    assert_eq!(result["policy"]["recall"], 0.75);
    assert_eq!(result["policy"]["fpr"], 1.0 / 3.0);
    let cards = &result["by"]["type"]["CREDIT_CARD"];
    assert_eq!((&cards["positives"], &cards["negatives"]), (&3.into(), &1.into()));
    assert_eq!(cards["policy"]["recall"], 2.0 / 3.0);
    assert_eq!(cards["spans"]["labelled"], 3);
    assert_eq!(cards["spans"]["found"], 2);
    assert_eq!(cards["spans"]["overlap"], 1.0, "offsets are in characters");
    assert_eq!(result["by"]["type"]["jwt"]["policy"]["fpr"], 0.0, "a card is no token");
    assert_eq!(result["unclaimed"], serde_json::json!(["PERSON"]));
    let mistakes: Vec<_> =
        result["errors"].as_array().unwrap().iter().map(|error| error["id"].as_str().unwrap()).collect();
    assert!(mistakes.contains(&"missed") && mistakes.contains(&"alarm"), "{mistakes:?}");
    assert!(mistakes.contains(&"elsewhere"), "a finding on no labelled span: {mistakes:?}");

    let table = tamiz(&[&args[..], &["human"]].concat()).out;
    assert!(table.contains("CREDIT_CARD") && table.contains("no rule in use looks for: PERSON"), "{table}");
}

#[test]
fn a_wrong_mapping_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let map = dir.path().join("types.toml");
    std::fs::write(&map, "[types]\nCARD = [\n  \"pii.paymentcard\",\n]\n").unwrap();
    let records = repository("tests/data/leaks.jsonl");
    let (records, map) = (records.to_str().unwrap(), map.to_str().unwrap());
    let run = tamiz(&["eval", "--task", "leaks", "--types", map, records]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("types.toml:3") && run.err.contains("did you mean `pii.payment-card`"), "{}", run.err);
    let run = tamiz(&["eval", "--types", map, records]);
    assert!(run.err.contains("--types is for --task leaks"), "{}", run.err);
}

/// One rule of two expressions on four labelled texts, one without a label, and a file that is a text.
#[test]
fn rules_are_tried_one_by_one_on_records_and_texts() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rule = r#"
id = "injection.test"
title = "A test"
severity = "high"
confidence = "high"
description = "A test."
why = "A test."
remedy = "None."
patterns = ['''\bfeed the zebra\b.{0,20}\b(?:right now|today)\b''']
views = ["folded"]
examples = ["feed the zebra right now", "feed the zebra today"]
negative_examples = ["a zebra", "feed the cat"]
[taxonomy]
owasp_llm = ["LLM01:2025"]
"#;
    fs::write(path("rules/test.toml"), rule).unwrap();
    let record = |text: &str, label: Value| json!({"text": text, "label": label, "surface": "document"}).to_string();
    let records = [
        record("Feed the zebra right now.", json!(1)),
        record("Feed the zebra today, then sleep.", json!(0)),
        record("Feed the zebra tomorrow.", json!(1)),
        record("The zebra sleeps.", json!(0)),
        json!({"text": "feed the zebra right now"}).to_string(),
    ];
    fs::write(path("records.jsonl"), records.join("\n")).unwrap();
    fs::write(path("note.txt"), "Please feed the zebra on Monday.").unwrap();
    let (rules, records, note) = (path("rules"), path("records.jsonl"), path("note.txt"));
    let fixed = ["rules", "test", "--rules", &rules, "--no-builtin-rules", "--on", &records, &note];
    let run = tamiz(&fixed);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let result = run.json();
    assert_eq!(result["texts"], json!({"positives": 2, "negatives": 2, "unlabelled": 2}));
    let figures = &result["rules"][0];
    assert_eq!(figures["rule"], "injection.test");
    assert_eq!(figures["matched"], json!({"positives": 1, "negatives": 1, "unlabelled": 1}));
    close(&figures["precision"], 0.5);
    assert_eq!(figures["near_misses"], json!({"positives": 1, "negatives": 0, "unlabelled": 1}));
    let run = tamiz(&[&fixed[..], &["--output", "human"]].concat());
    assert!(run.out.contains("injection.test") && run.out.contains("50.0 %"), "{}", run.out);

    fs::write(&records, json!({"text": "a", "label": "yes"}).to_string()).unwrap();
    let run = tamiz(&fixed);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("records.jsonl:1"), "{}", run.err);
    let run = tamiz(&[&fixed[..], &["--only", "nobody"]].concat());
    assert!(run.code == 2 && run.err.contains("no rule starts with `nobody`"), "{}", run.err);
}
