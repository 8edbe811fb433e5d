//! Who never depends on whom: the table of DESIGN.md §2 and ARCHITECTURE.md, read off the sources and the dependency graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{files_below, repository};

/// The source files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    files_below(directory)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The code of a source file: no comments, and nothing from its test module on.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The modules at the root of the crate that `code` names: `crate::a::…`, `use crate::{a, b}` and `super::` are followed.
fn names(code: &str, root: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        let rest = &code[at + root.len() + 2..];
        let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            // `use crate::{content, limits::Limits}`: the names at depth one.
            let mut depth = 0;
            let mut item = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        named.insert(word(item.trim()));
                        item.clear();
                        continue;
                    }
                    _ => {}
                }
                item.push(character);
            }
            named.insert(word(item.trim()));
        } else {
            named.insert(word(rest));
        }
    }
    named.remove("");
    named
}

/// What each room of a crate uses of the others, with the files that do.
fn uses(source: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut uses: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for path in sources(source) {
        let inside = path.strip_prefix(source).unwrap().to_owned();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        for used in names(&code(&path), "crate") {
            if used != room {
                uses.entry(room.clone()).or_default().insert(used, inside.display().to_string());
            }
        }
    }
    uses
}

fn allowed(uses: &BTreeMap<String, BTreeMap<String, String>>, room: &str, allowed: &[&str]) {
    for (used, file) in uses.get(room).into_iter().flatten() {
        assert!(allowed.contains(&used.as_str()), "{room} uses {used} in {file}; it may use {allowed:?} only");
    }
}

#[test]
fn rooms_of_the_core_look_left_only() {
    let uses = uses(&repository("engine/core/src"));
    // Content notes in `verdict::Coverage` what could not be read, and maps offsets with `view::OffsetMap`;
    // views keep as much context as `rule::MAX_MATCH_LEN`. The next two tests hold them to just that.
    allowed(&uses, "date", &[]);
    allowed(&uses, "content", &["limits", "verdict", "view"]);
    allowed(&uses, "view", &["content", "limits", "rule"]);
    // `parallel` is for building only; see below.
    allowed(&uses, "parallel", &[]);
    allowed(&uses, "matching", &["parallel"]);
    allowed(&uses, "classify", &["content", "limits", "rule", "verdict", "view"]);
    allowed(&uses, "verdict", &["date", "rule", "tokens"]);
    allowed(&uses, "tokens", &[]);
    allowed(&uses, "limits", &["date"]);
    allowed(&uses, "rule", &["content", "detect", "engine", "limits", "matching", "parallel", "view"]);
    allowed(&uses, "detect", &["content", "limits", "matching", "rule", "tokens", "view"]);
    allowed(&uses, "report", &["classify", "content", "date", "detect", "rule", "tokens", "verdict", "view"]);
    // It is beside the path, and compares; who calls it inspects.
    allowed(&uses, "catalogue", &["content", "view"]);
    // It scans what it has changed, so it comes after all of them.
    allowed(&uses, "transform", &["content", "engine", "limits", "report", "rule", "verdict", "view"]);
}

#[test]
fn content_and_views_know_no_meanings() {
    let source = repository("engine/core/src");
    for (room, neighbour, allowed) in
        [("content", "verdict", "Coverage"), ("content", "view", "OffsetMap"), ("view", "rule", "MAX_MATCH_LEN")]
    {
        for path in sources(&source.join(room)) {
            let used = names(&code(&path), &format!("crate::{neighbour}"));
            let expected = BTreeSet::from([allowed.to_owned()]);
            assert!(used.is_subset(&expected), "{} uses {used:?} of {neighbour}", path.display());
        }
    }
}

#[test]
fn the_core_prints_nothing_and_keeps_clear_of_the_world() {
    for path in sources(&repository("engine/core/src")) {
        let code = code(&path);
        for word in [
            "println!",
            "print!(",
            "eprintln!",
            "eprint!(",
            "dbg!",
            "unsafe ",
            "std::env",
            "std::net",
            "std::fs",
            "std::process",
            "std::thread",
            "thread_local!",
            "static mut",
            "lazy_static",
            "todo!",
            "unimplemented!",
        ] {
            // Rules are read and matchers built on all cores, by threads that have ended when the call returns. A scan starts none.
            let building = word == "std::thread" && path.ends_with("core/src/parallel.rs");
            assert!(building || !code.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn parts_of_the_service_translate_and_do_not_mix() {
    let uses = uses(&repository("engine/service"));
    // The command line is where the parts are started from; it may reach all of them. Nobody reaches back.
    allowed(&uses, "batch", &["clock"]);
    allowed(&uses, "eval", &["batch"]);
    allowed(&uses, "packs", &[]);
    allowed(&uses, "catalogue", &["clock"]);
    allowed(&uses, "bench", &["texts"]);
    // A server is made of what was assembled; it neither assembles nor reads configuration files.
    allowed(
        &uses,
        "grpc",
        &[
            "assemble",
            "audit",
            "catalogue",
            "clock",
            "config",
            "inspect",
            "keys",
            "telemetry",
            "transcript",
            "transforming",
        ],
    );
    for (room, used) in &uses {
        assert!(room == "main" || !used.contains_key("cli"), "{room} uses cli in {}", used["cli"]);
        let may_serve = ["cli", "serve"].contains(&room.as_str());
        assert!(may_serve || !used.contains_key("grpc"), "{room} uses grpc");
    }
    for room in ["inspect", "config", "assemble", "telemetry", "keys", "audit", "transcript", "transforming"] {
        for part in ["batch", "cli", "eval", "grpc"] {
            assert!(!uses.get(room).is_some_and(|used| used.contains_key(part)), "{room} uses {part}");
        }
    }
}

/// Names of all packages that `tamiz-core` needs to build and run here, by the lock file's resolution. Those for other platforms are not fetched.
fn needed_by_core() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "host-tuple",
            "--manifest-path",
        ])
        .arg(repository("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .map(|package| (package["id"].as_str().unwrap().to_owned(), package["name"].as_str().unwrap().to_owned()))
        .collect();
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let normal = |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let packages = list(&node["deps"]).into_iter().filter(normal);
        let packages = packages.map(|dependency| dependency["pkg"].as_str().unwrap().to_owned()).collect();
        needs.insert(node["id"].as_str().unwrap().to_owned(), packages);
    }
    let core = names.iter().find(|(_, name)| *name == "tamiz-core").unwrap().0;
    let (mut reached, mut open) = (BTreeSet::new(), vec![core.clone()]);
    while let Some(package) = open.pop() {
        if reached.insert(package.clone()) {
            open.extend(needs[&package].iter().cloned());
        }
    }
    reached.iter().map(|package| names[package].clone()).collect()
}

#[test]
fn an_embedder_of_the_core_gets_none_of_the_service() {
    let needed = needed_by_core();
    assert!(needed.contains("tamiz-core") && needed.contains("aho-corasick"));
    for never in [
        "tamiz",
        "tokio",
        "tonic",
        "axum",
        "hyper",
        "clap",
        "ort",
        "tokenizers",
        "hyperscan",
        "hyperscan-sys",
        "rayon",
        "crossbeam-channel",
        "tracing",
        "anyhow",
        "indicatif",
        "opentelemetry",
        "prometheus",
        "reqwest",
        "ignore",
    ] {
        assert!(!needed.contains(never), "tamiz-core needs {never}: {needed:?}");
    }
}

#[test]
fn the_core_forbids_unsafe_code() {
    let manifest = |path: &str| toml::from_str::<toml::Value>(&fs::read_to_string(repository(path)).unwrap()).unwrap();
    assert_eq!(manifest("Cargo.toml")["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(manifest("engine/core/Cargo.toml")["lints"]["workspace"].as_bool(), Some(true));
}

#[test]
fn the_reader_of_names_reads_them() {
    let code = "use crate::{content::{Content, a}, limits};\nfn f() { crate::view::g(); }";
    let expected = ["content", "limits", "view"].map(str::to_owned);
    assert_eq!(names(code, "crate"), BTreeSet::from(expected));
}
