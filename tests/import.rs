//! `tamiz rules import`: rules of other tools, sound as rule files, and what could not be taken over.

use std::fs;

use crate::support::{Run, files_below, repository, tamiz, tamiz_with_input};

fn fixture(name: &str) -> String {
    repository("tests/data/import").join(name).to_str().unwrap().to_owned()
}

fn rules_in(folder: &tempfile::TempDir) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files_below(folder.path()).iter().map(name).collect()
}

/// The rules of the folder that find something in a text.
fn found(folder: &tempfile::TempDir, text: &str) -> Vec<String> {
    let folder = folder.path().to_str().unwrap();
    let own = ["scan", "-", "--no-builtin-rules", "--rules", folder, "--classify", "off", "--output", "json"];
    let run = tamiz_with_input(&own, text.as_bytes()).json();
    let findings = run["reports"][0]["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn sound(folder: &tempfile::TempDir) {
    let check = tamiz(&["rules", "check", folder.path().to_str().unwrap()]);
    assert!(check.code == 0 && check.out.contains("all sound"), "{check:?}");
}

fn tells(run: &Run, all: &[&str]) {
    for part in all {
        assert!(run.err.contains(part), "no {part:?} in\n{}", run.err);
    }
}

#[test]
fn gitleaks_rules_become_rules() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let run = tamiz(&["rules", "import", "gitleaks", &fixture("gitleaks.toml"), "--to", to]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    tells(
        &run,
        &[
            "3 rules imported, 3 of them with notes; 6 not imported",
            "not imported: no-words: no usable literal",
            "not imported: key-files: it looks at names of files only",
            "not imported: look-behind: the expression: look-around",
            "not imported: too-long: a match can be 3008 bytes long; 2048 are allowed",
            "not imported: with-others: it needs findings of other rules",
            "not imported: quarry-deploy-token: another rule has this name already",
            "note: [extend] is not followed",
            "note: the global allowlist has no counterpart (1 stop words, 1 paths)",
            "note: Quarry_Deploy.Token: its allowlist has no counterpart (1 expressions, 1 stop words): it may find more",
            "note: zinnia-api-key: entropy 3.2 became the validator `entropy`: 3",
            "note: marl-url: repetitions without an end stop after",
        ],
    );
    assert_eq!(rules_in(&folder), ["gitleaks-marl-url", "gitleaks-quarry-deploy-token", "gitleaks-zinnia-api-key"]);
    sound(&folder);
    assert_eq!(found(&folder, "the key znk_q7zp2mxv9kdr4tlw8hsb3cy5."), Vec::<String>::new(), "a point is no end");
    assert_eq!(found(&folder, "the key znk_q7zp2mxv9kdr4tlw8hsb3cy5"), ["secret.gitleaks-zinnia-api-key"]);
    assert_eq!(found(&folder, "the key znk_aaaaaaaaaaaaaaaaaaaaaaaa"), Vec::<String>::new(), "no entropy");
    assert_eq!(
        found(&folder, "QUARRY_KEY: 3fea6af1349166eab0c1c45acf2b1d07 "),
        ["secret.gitleaks-quarry-deploy-token"]
    );
    assert_eq!(found(&folder, "marl://ana:pw17@store.example"), ["secret.gitleaks-marl-url"]);

    // Nothing is written over, and nothing of it then.
    let again = tamiz(&["rules", "import", "gitleaks", &fixture("gitleaks.toml"), "--to", to]);
    assert!(again.code == 2 && again.err.contains("is there already; nothing was written"), "{again:?}");
    // To be read.
    let shown = tamiz(&["rules", "import", "gitleaks", &fixture("gitleaks.toml"), "--prefix", "", "--severity", "low"]);
    assert!(
        shown.out.contains("# marl-url.toml\nid = \"secret.marl-url\"") && shown.out.contains("severity = \"low\"")
    );
}

#[test]
fn yara_rules_become_rules() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let run = tamiz(&["rules", "import", "yara", &fixture("rules.yar"), "--family", "injection", "--to", to]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    tells(
        &run,
        &[
            "4 rules imported, 4 of them with notes; 5 not imported",
            "not imported: counted: its condition has `#a`",
            "not imported: too_short: no usable literal",
            "not imported: jump: none of its strings can be taken over (not by $a: a jump without an end)",
            "not imported: big: its condition has `filesize`",
            "not imported: helper: it is private",
            "note: partly: not by $x: `xor` has no counterpart",
            "note: partly: without `(?:w[el]l)`: no usable literal",
            "note: two_together: strings that must be there together must stand within 200 bytes",
            "note: Leave_the_garden: `wide` is not needed",
            "note: `import` is not followed",
        ],
    );
    let names = ["yara-leave-the-garden", "yara-partly", "yara-two-of-three", "yara-two-together"];
    assert_eq!(rules_in(&folder), names);
    sound(&folder);
    let text = fs::read_to_string(folder.path().join("yara-leave-the-garden.toml")).unwrap();
    assert!(text.contains("title = \"Orders to leave the garden\""), "{text}");
    for (text, expected) in [
        ("Please LEAVE THE GARDEN at once!", &["injection.yara-leave-the-garden"][..]),
        ("reopen the blue gates", &[]),
        ("Open the Blue Gate.", &["injection.yara-leave-the-garden"]),
        ("Forget any of your gardeners", &["injection.yara-leave-the-garden"]),
        ("gather the pebbles", &[]),
        ("gather the pebbles, then count, all beads", &["injection.yara-two-together"]),
        ("count the beads. Then gather the pebbles", &["injection.yara-two-together"]),
        ("an amber lantern, and a cedar basket", &["injection.yara-two-of-three"]),
        ("the birch ladder, the amber lantern", &["injection.yara-two-of-three"]),
        ("an amber lantern", &[]),
        ("Tell me the password of the well", &["injection.yara-partly"]),
    ] {
        assert_eq!(found(&folder, text), expected, "{text}");
    }
    let without = tamiz(&["rules", "import", "yara", &fixture("rules.yar")]);
    assert!(without.code == 2 && without.err.contains("--family"), "{without:?}");
}

#[test]
fn what_is_no_rules_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut import = |tool: &str, text: &[u8]| {
        number += 1;
        let file = folder.path().join(format!("{number}"));
        fs::write(&file, text).unwrap();
        let family: &[&str] = if tool == "yara" { &["--family", "secret"] } else { &[] };
        let run = tamiz(&[&["rules", "import", tool, file.to_str().unwrap()], family].concat());
        assert!(run.code == 2 && run.out.is_empty() && run.err.len() < 500, "{run:?}");
        run.err
    };
    for (text, part) in [
        ("[[rules]]\nid = \"a\"\nregex = '''x", ":3: no Gitleaks configuration"),
        ("[[rules]]\nid = 7\n", ":2: no Gitleaks configuration: invalid type"),
        ("title = \"x\"", "there is no [[rules]] in it"),
        ("", "there is no [[rules]] in it"),
        (&format!("x = {}", "[".repeat(100_000)), "no Gitleaks configuration: "),
        (&"[[rules]]\n".repeat(6_000), "6000 rules; at most 5000"),
    ] {
        let error = import("gitleaks", text.as_bytes());
        assert!(error.contains(part), "{error}");
    }
    for (text, part) in [
        ("rule a {\n strings:\n  $a = \"x\n condition: $a }", ":3: no YARA rules: a text does not end on its line"),
        ("rule a { condition: true", "a rule does not end"),
        ("rule {", "a rule needs a name"),
        ("garbage", "expected `rule`"),
        ("", "there is no rule in it"),
        ("/* x", "a comment does not end"),
        (&"rule a { condition: true } ".repeat(6_000), "more than 5000 rules"),
        ("rule a { strings: $a = { 6", "a hexadecimal string does not end"),
        ("rule a { strings: $a = 5 condition: $a }", "`$a` needs a text"),
    ] {
        let error = import("yara", text.as_bytes());
        assert!(error.contains(part), "{error}");
    }
    for tool in ["gitleaks", "yara"] {
        assert!(import(tool, &vec![b'#'; 10 << 20]).contains("10485760 bytes; at most 4194304 are read: split it"));
        assert!(import(tool, b"\xff\xfe\x00rule").contains("cannot be read as UTF-8"));
        // Each by itself is refused; the file is read to its end.
        let hostile = match tool {
            "gitleaks" => format!("[[rules]]\nid = 'a'\nregex = '''abcd{}'''\n", "(x".repeat(20_000)),
            _ => format!("rule a {{ strings: $a = \"abcdef\" condition: {}$a }}", "(".repeat(100_000)),
        };
        assert!(import(tool, hostile.as_bytes()).contains("0 rules imported, 0 of them with notes; 1 not imported"));
    }
}
