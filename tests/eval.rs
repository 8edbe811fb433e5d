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
    let run = tamiz(&["eval", &records(), "--output", "json", "--errors", "3", "--threshold-fpr", "0.5"]);
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
