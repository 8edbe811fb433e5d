//! The command line as people and scripts see it.

use std::fs;

use serde_json::Value;

use crate::support::{ORDER, ORDER_RULE, tamiz, tamiz_with_input};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["scan"],
    &["redact"],
    &["reveal"],
    &["key", "new"],
    &["spotlight"],
    &["unspotlight"],
    &["serve"],
    &["config"],
    &["config", "check"],
    &["config", "print"],
    &["rules"],
    &["rules", "list"],
    &["rules", "show"],
    &["rules", "check"],
    &["rules", "test"],
    &["models"],
    &["models", "list"],
    &["models", "verify"],
    &["models", "show"],
    &["eval"],
    &["bench"],
    &["completions"],
    &["man"],
    &["schema"],
];

#[test]
fn every_command_has_help() {
    for command in COMMANDS {
        let arguments: Vec<&str> = command.iter().chain(&["--help"]).copied().collect();
        let run = tamiz(&arguments);
        assert_eq!(run.code, 0, "{arguments:?}");
        assert!(run.out.contains("Usage: tamiz") && run.err.is_empty(), "{arguments:?}: {}", run.out);
        for line in run.out.lines() {
            assert!(line.chars().count() <= 120, "{arguments:?}: {line}");
        }
    }
    let run = tamiz(&["--version"]);
    assert_eq!((run.code, run.out.trim()), (0, concat!("tamiz ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(tamiz(&[]).code, 2, "a command is needed");
}

#[test]
fn completions_and_the_manual_page_are_made() {
    for (shell, sign) in [("bash", "_tamiz()"), ("zsh", "#compdef tamiz"), ("fish", "complete -c tamiz")] {
        let run = tamiz(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.out.contains(sign) && run.out.contains("fail-on"), "{shell}");
    }
    let run = tamiz(&["man"]);
    assert_eq!(run.code, 0);
    for part in [".TH", ".SH", "TAMIZ SCAN", "TAMIZ RULES", "TAMIZ EVAL", "fail\\-on"] {
        assert!(run.out.contains(part), "no {part} in the manual page");
    }
}

#[test]
fn rules_can_be_listed_and_shown() {
    let run = tamiz(&["rules", "list"]);
    assert_eq!(run.code, 0);
    assert!(run.out.lines().count() >= 150);
    let secrets = tamiz(&["rules", "list", "--family", "secret", "--json"]).json();
    let secrets = secrets.as_array().unwrap();
    assert!(secrets.len() >= 40 && secrets.iter().all(|rule| rule["family"] == "secret"));

    let run = tamiz(&["rules", "show", ORDER_RULE]);
    assert_eq!(run.code, 0);
    for part in [
        ORDER_RULE,
        "severity    high",
        "applies to  prompt",
        "What it catches",
        "Why it matters",
        "What to do",
        "Finds",
        "Leaves alone",
        "LLM01:2025",
    ] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
    let rule = tamiz(&["rules", "show", "--json", ORDER_RULE]).json();
    assert_eq!(rule["id"], ORDER_RULE);
    // A rule that looks for control characters must not send them to the terminal.
    let run = tamiz(&["rules", "show", "exfiltration.terminal-escapes"]);
    assert!(!run.out.contains('\u{1b}'));
}

#[test]
fn rules_are_checked_and_tested() {
    let run = tamiz(&["rules", "check"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("all sound"), "{}", run.out);
    let run = tamiz(&["rules", "test", "--only", "pii."]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("pii.iban") && !run.out.contains("FAILED") && !run.out.contains("secret."));
}

/// The excerpt line and the caret line after it.
fn picture<'o>(out: &'o str, rule: &str) -> (&'o str, &'o str) {
    let mut lines = out.lines().skip_while(|line| !line.contains(&format!("[{rule}]")));
    let mut bars = lines.by_ref().filter_map(|line| line.strip_prefix("   |"));
    assert_eq!(bars.next(), Some(""), "{out}");
    (bars.next().unwrap(), bars.next().unwrap())
}

#[test]
fn people_see_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.txt");
    fs::write(&path, format!("Grüße,\nand then 日本: {ORDER}, thanks\nBye\n")).unwrap();
    let run = tamiz(&["scan", path.to_str().unwrap(), "--output", "human"]);
    assert_eq!(run.code, 1);
    assert!(!run.out.contains('\u{1b}'), "no colours into a pipe");
    let place = format!("--> {}:2:14 ", path.display());
    for part in ["block ", &place, ORDER_RULE, "high[", "= why:", "= do:", "1 inspected", "1 blocked"] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
    let (excerpt, carets) = picture(&run.out, ORDER_RULE);
    assert_eq!(excerpt, format!(" and then 日本: {ORDER}, thanks"));
    // Carets stand in columns, and 日 and 本 take two each.
    let columns: String = excerpt.replace(['日', '本'], "..");
    let marked: String = columns.chars().zip(carets.chars()).filter(|(_, mark)| *mark == '^').map(|(c, _)| c).collect();
    assert_eq!(marked, "Ignore all previous instructions and");
}

#[test]
fn people_see_what_it_was_hidden_in() {
    let encoded = crate::support::base64(ORDER.as_bytes());
    let run =
        tamiz_with_input(&["scan", "-", "--output", "human"], format!("{{\"a b\": [\"see {encoded}\"]}}").as_bytes());
    assert_eq!(run.code, 1);
    for part in ["<stdin>", "at /a b/0", "seen through: base64 → folded"] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
}

fn is_control(character: char) -> bool {
    character.is_control() && character != '\n'
}

#[test]
fn hostile_text_cannot_drive_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    // The name of a file is as hostile as what is in it.
    let path = directory.path().join("a\u{1b}[2Jb\u{202e}.txt");
    let text = format!("\u{1b}[2J\u{1b}]0;title\u{7} \u{9b}31m \u{202e}{ORDER}\u{200b}\r\u{8} \u{e0049}\u{7f}\n");
    fs::write(&path, &text).unwrap();
    for output in ["human", "json", "sarif"] {
        let run = tamiz(&["scan", path.to_str().unwrap(), "--output", output, "--excerpts"]);
        assert_eq!(run.code, 1);
        assert!(
            !run.out.contains(|c: char| c.is_ascii_control() && c != '\n' && c != '\u{7f}'),
            "{output}: {:?}",
            run.out
        );
        if output == "human" {
            assert!(!run.out.contains(is_control), "{:?}", run.out);
            assert!(!run.out.contains(['\u{202e}', '\u{200b}', '\u{e0049}']), "{:?}", run.out);
            let (excerpt, carets) = picture(&run.out, ORDER_RULE);
            assert!(excerpt.contains('␛'), "{excerpt}");
            let width = carets.trim_start().chars().take_while(|c| *c == '^').count();
            assert_eq!(width, "Ignore all previous instructions and".len());
        }
    }
}

#[test]
fn hostile_names_cannot_drive_the_terminal_by_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("x\u{1b}[2J.txt");
    let run = tamiz(&["scan", missing.to_str().unwrap()]);
    assert_eq!(run.code, 2);
    assert!(!run.err.contains(is_control), "{:?}", run.err);
}

#[test]
fn programs_get_what_they_can_parse() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.txt"), format!("{ORDER}.")).unwrap();
    fs::write(directory.path().join("b.txt"), "hello").unwrap();
    fs::write(directory.path().join("c.jsonl"), format!("{{\"x\":\"hello\"}}\n{{\"x\":\"{ORDER}\"}}\n")).unwrap();
    let path = directory.path().to_str().unwrap();

    let run = tamiz(&["scan", path]);
    let whole = run.json();
    assert_eq!(whole["reports"].as_array().unwrap().len(), 4, "json is what a pipe gets");
    let summary = &whole["summary"];
    for (member, count) in [("inspected", 4), ("allowed", 2), ("flagged", 0), ("blocked", 2), ("incomplete", 0)] {
        assert_eq!(summary[member], count, "{member}");
    }

    let run = tamiz(&["scan", path, "--output", "jsonl", "--excerpts", "-j", "2", "--classify", "off"]);
    let lines = run.json_lines();
    let paths: Vec<String> = lines.iter().map(|report| report["path"].as_str().unwrap().replace(path, "")).collect();
    assert_eq!(paths, ["/a.txt", "/b.txt", "/c.jsonl:1", "/c.jsonl:2"], "in order, whatever the number of workers");
    let excerpts: Vec<&Value> =
        lines.iter().flat_map(|report| report["findings"].as_array().unwrap()).map(|f| &f["excerpt"]).collect();
    assert!(
        !excerpts.is_empty()
            && excerpts.iter().all(|excerpt| ORDER.contains(excerpt.as_str().unwrap().trim_end_matches('.')))
    );
    assert!(run.err.contains("4 inspected"), "{}", run.err);

    let log = tamiz(&["scan", path, "--output", "sarif"]).json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result["ruleId"] == ORDER_RULE));
    assert!(!log.to_string().contains(ORDER), "no content without --excerpts");
}

#[test]
fn standard_input_is_read_in_any_format() {
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, ORDER.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let run = tamiz_with_input(&["scan", "-", "--output", "json"], &gzip);
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!(run.json()["reports"][0]["path"], "<stdin>");
    let lines = format!("{{\"a\":1}}\n{{\"a\":\"{ORDER}\"}}\n");
    let run = tamiz_with_input(&["scan", "-", "--output", "jsonl", "--format", "jsonl"], lines.as_bytes());
    let paths: Vec<Value> = run.json_lines().iter().map(|report| report["path"].clone()).collect();
    assert_eq!(paths, ["<stdin>:1", "<stdin>:2"]);
}
