//! `tamiz eval --mutate`: made-up orders in every disguise are caught, harmless texts in the same are not stopped.

use serde_json::Value;

use crate::support::{repository, tamiz};

fn records() -> String {
    repository("tests/data/mutate.jsonl").to_str().unwrap().to_owned()
}

#[test]
fn every_disguise_of_every_order_is_seen_through() {
    let run = tamiz(&["eval", "--mutate", "--classify", "off", "--output", "json", "--errors", "9", &records()]);
    assert_eq!(run.code, 0, "{}", run.err);
    let result = run.json();
    assert_eq!(result["attacks_missed_plain"], 0, "the orders are caught as they are");
    assert_eq!(result["benign_stopped_plain"], 0);
    let techniques = result["techniques"].as_array().unwrap();
    assert!(techniques.len() > 90);
    let mut wrong = Vec::new();
    for one in techniques {
        let (name, group) = (one["technique"].as_str().unwrap(), one["group"].as_str().unwrap());
        let seen = |share: &Value| share.is_null() || share.as_f64() == Some(1.0);
        if !seen(&one["recall"]) {
            wrong.push(format!("{name}: recall {}, missed {}", one["recall"], one["missed"]));
        }
        // What is caught for being hidden has to be read all the same.
        if group == "invisible" && !seen(&one["recall_by_content"]) {
            wrong.push(format!("{name}: recall by content {}", one["recall_by_content"]));
        }
        if one["fpr"].as_f64().is_some_and(|share| share > 0.0) {
            wrong.push(format!("{name}: stopped {}", one["stopped"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn techniques_can_be_chosen_and_the_table_names_them() {
    let run = tamiz(&[
        "eval",
        "--mutate",
        "--output",
        "human",
        "--technique",
        "rot13",
        "--technique",
        "mojibake",
        &records(),
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("rot13") && run.out.contains("mojibake-gbk") && !run.out.contains("leet"), "{}", run.out);
    let wrong = tamiz(&["eval", "--mutate", "--technique", "rot14", &records()]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.err.contains("rot14") && wrong.err.contains("rot13"), "{}", wrong.err);
}

#[test]
fn the_same_record_is_changed_the_same_way() {
    let run = || tamiz(&["eval", "--mutate", "--output", "json", "--technique", "letters", &records()]).out;
    assert_eq!(run(), run());
}
