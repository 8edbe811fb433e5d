//! Makes once what start-up would pay for each time: the fold table from Unicode data, the tables that repair mojibake, the table of
//! telephone numbers, and the list of built-in rules, with how each is looked for.

#![expect(clippy::expect_used, reason = "a build script fails by panicking")]

mod fold;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

use rule::plan::{PatternView, RulePlan};

/// The part of the crate that chooses how rules are looked for, under the names that it has there. A test of the crate makes sure
/// that what it chooses here and there is the same.
#[allow(dead_code, reason = "the rest of these files is for the crate")]
#[path = "../src/rule"]
mod rule {
    pub(crate) mod literals;
    pub(crate) mod phrase;
    pub(crate) mod plan;
    pub(crate) mod template;
}

#[path = "../src/matching"]
mod matching {
    pub(crate) mod rarity;
}

mod view {
    pub(crate) use crate::fold::fold_phrase;
}

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("fold_table.rs"), fold::table()).expect("OUT_DIR is writable");
    fs::write(out.join("mojibake_tables.rs"), mojibake_tables()).expect("OUT_DIR is writable");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    builtin_rules(&rules, &out);
    let numbers = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect/phone/numbers.in");
    fs::write(out.join("phone_numbers.rs"), phone_numbers(&numbers)).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed={}", numbers.display());
    println!("cargo:rerun-if-changed=build");
    for chooses in [
        "rule/literals.rs",
        "rule/phrase.rs",
        "rule/plan.rs",
        "rule/template.rs",
        "matching/rarity.rs",
        "matching/gram_counts.bin",
    ] {
        println!("cargo:rerun-if-changed=src/{chooses}");
    }
    println!("cargo:rerun-if-changed=rules");
}

/// What of a rule is looked for. The rest of the file, and whether it is right, is looked at by the crate.
#[derive(Default, Deserialize)]
struct Looks {
    #[serde(default)]
    phrases: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    views: Vec<PatternView>,
}

/// `("family/name.toml", include_str!(…), include_bytes!(…)), …` in order of path.
fn builtin_rules(rules: &Path, out: &Path) {
    let mut files = Vec::new();
    for family in fs::read_dir(rules).expect("engine/core/rules exists").map(|entry| entry.expect("readable").path()) {
        if family.is_dir() {
            println!("cargo:rerun-if-changed={}", family.display());
            let entries = fs::read_dir(&family).expect("readable folder");
            files.extend(entries.map(|entry| entry.expect("readable").path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let plans = out.join("plans");
    fs::create_dir_all(&plans).expect("OUT_DIR is writable");
    let mut source = String::from("&[\n");
    for (number, file) in files.into_iter().enumerate() {
        let name = file.strip_prefix(rules).expect("found under it").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a rule file is readable UTF-8");
        let mut looks: Looks = toml::from_str(&text).unwrap_or_default();
        if looks.views.is_empty() {
            looks.views.push(PatternView::Raw);
        }
        let plan = RulePlan::new(&looks.phrases, &looks.patterns, &looks.views);
        let at = plans.join(number.to_string());
        fs::write(&at, postcard::to_stdvec(&plan).expect("a plan can be written down")).expect("OUT_DIR is writable");
        let (file, at) = (file.display().to_string(), at.display().to_string());
        writeln!(source, "    ({name:?}, include_str!({file:?}), include_bytes!({at:?})),").expect("a String takes it");
    }
    source.push_str("]\n");
    fs::write(out.join("builtin_rules.rs"), source).expect("OUT_DIR is writable");
}

/// For each encoding of two bytes, the characters that pairs of bytes in UTF-8 are misread as, in order, with these bytes.
fn mojibake_tables() -> String {
    let encodings = [("GBK", encoding_rs::GBK), ("BIG5", encoding_rs::BIG5), ("SHIFT_JIS", encoding_rs::SHIFT_JIS)];
    let mut source = String::new();
    for (name, encoding) in encodings {
        let mut table: Vec<(u16, u16)> = Vec::new();
        for first in 0x80..=0xf4_u8 {
            for second in 0x40..=0xf4_u8 {
                // After the first byte of a character comes a later one of it; after that, anything.
                let fits = if first >= 0xc2 {
                    (0x80..0xc0).contains(&second)
                } else {
                    first < 0xc0 && !matches!(second, 0xc0 | 0xc1)
                };
                let pair = [first, second];
                let read = encoding.decode_without_bom_handling_and_without_replacement(&pair);
                let mut characters = read.as_deref().unwrap_or("").chars();
                if let (true, Some(one), None) = (fits, characters.next(), characters.next())
                    && let Ok(code) = u16::try_from(u32::from(one))
                {
                    table.push((code, u16::from_be_bytes(pair)));
                }
            }
        }
        table.sort_unstable();
        table.dedup_by_key(|entry| entry.0);
        writeln!(source, "static {name}: &[(u16, u16)] = &{table:?};").expect("a String takes it");
    }
    source
}

/// `NEXT[state - 1][digit]` is the next state, 0 for none; a bit of `FINAL` for each state where a number may end.
fn phone_numbers(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("the table of telephone numbers is there");
    let (mut next, mut last) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let row: Vec<u16> = line.trim_end_matches(" *").split(' ').map(|to| to.parse().expect("a state")).collect();
        assert_eq!(row.len(), 10, "line {}", number + 1);
        next.push(row);
        last.resize(number / 64 + 1, 0_u64);
        last[number / 64] |= u64::from(line.ends_with('*')) << (number % 64);
    }
    assert!(next.iter().flatten().all(|to| usize::from(*to) <= next.len()), "states are within the table");
    format!("static NEXT: [[u16; 10]; {}] = {next:?};\nstatic FINAL: [u64; {}] = {last:?};\n", next.len(), last.len())
}
