//! `tamiz bench`: the shape of what it says. How fast is nobody's business here.

use serde_json::Value;

use crate::support::tamiz;

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn figures_come_as_json() {
    let run = tamiz(&[
        "bench",
        "--quick",
        "--output",
        "json",
        "--text",
        "prose",
        "--text",
        "adversarial/digits",
        "--size",
        "256",
        "--size",
        "2KB",
    ]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let report = run.json();
    assert_eq!(members(&report), ["engine", "providers", "scaling", "stages"]);
    assert_eq!(members(&report["engine"]), ["cpu", "matcher", "rules", "rules_digest", "simd", "threads", "version"]);
    assert_eq!(report["engine"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["engine"]["rules"].as_u64().unwrap() > 100);
    assert_eq!(report["providers"], Value::Array(Vec::new()));
    let stages = report["stages"].as_array().unwrap();
    for text in ["prose", "adversarial/digits"] {
        for size in [256, 2048] {
            let of_text = stages.iter().filter(|figure| figure["text"] == text && figure["size_bytes"] == size);
            let mut names: Vec<&str> = of_text.map(|figure| figure["stage"].as_str().unwrap()).collect();
            // What is left of a scan may be too little to tell.
            names.retain(|name| *name != "confirm");
            assert_eq!(names, ["fold", "classes", "phrases", "scan"], "{text} {size}");
        }
    }
    for figure in stages {
        assert_eq!(members(figure), ["mb_per_s", "ns_per_message", "ratio_to_memcpy", "size_bytes", "stage", "text"]);
        for number in ["mb_per_s", "ns_per_message", "ratio_to_memcpy"] {
            assert!(figure[number].as_f64().unwrap() > 0.0, "{figure}");
        }
    }
    let scaling = report["scaling"].as_array().unwrap();
    assert_eq!(scaling[0]["threads"], 1);
    assert_eq!(scaling.last().unwrap()["threads"], report["engine"]["threads"]);
    assert!(scaling.iter().all(|figure| figure["mb_per_s"].as_f64().unwrap() > 0.0), "{scaling:?}");
}

#[test]
fn filters_filter_and_refuse_what_they_do_not_know() {
    let run =
        tamiz(&["bench", "--seconds", "0.2", "--stage", "fold", "--text", "json", "--size", "512", "--output", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    let stages = report["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 1, "{stages:?}");
    assert_eq!((&stages[0]["stage"], &stages[0]["size_bytes"]), (&"fold".into(), &512.into()));
    assert_eq!(report["scaling"], Value::Array(Vec::new()), "only where scans are measured");

    for (wrong, sign) in
        [(["--text", "prosa"], "did you mean `prose`"), (["--size", "2GB"], "16 MB"), (["--stage", "folds"], "fold")]
    {
        let run = tamiz(&["bench", wrong[0], wrong[1]]);
        assert!(run.code == 2 && run.err.contains(sign), "{wrong:?}: {run:?}");
    }
}

#[test]
fn the_table_has_a_line_for_each_stage() {
    let run = tamiz(&["bench", "--seconds", "0.2", "--text", "chat", "--size", "1KB", "--output", "human"]);
    assert_eq!(run.code, 0, "{run:?}");
    for part in ["chat", "1 KB", "\nfold", "\nclasses", "\nphrases", "\nscan", "MB/s", "threads"] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
}
