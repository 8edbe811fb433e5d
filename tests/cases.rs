//! The declarative suite: `cases/*.toml`, each case through the library and through the program, with the same answer.
//!
//! A case gives a content (`text`, or bytes as `hex` or `latin1`/`utf16le`/`utf16be` text), how it is handed in, and what
//! must come of it. To add one, add a `[[case]]`; no Rust is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use tamiz_core::{Action, ContentKind, Format, Report};

use crate::support::{comparable, covered, inspect, repository, tamiz, without_noise};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: Option<ContentKind>,
    #[serde(default)]
    pub(crate) format: Format,
    text: String,
    /// How `text` becomes bytes.
    #[serde(default)]
    encoding: Encoding,
    expect: Action,
    #[serde(default)]
    finds: Vec<Expected>,
    /// Rules, or `family.*`, that must find nothing.
    #[serde(default)]
    not_finds: Vec<String>,
    #[serde(default = "yes")]
    complete: bool,
    /// Part of what coverage says was left out or assumed.
    says: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    #[default]
    Utf8,
    Latin1,
    Utf16le,
    Utf16be,
    Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    /// What the span covers, exactly.
    text: Option<String>,
    /// What the span covers at least.
    covers: Option<String>,
    /// What the span lies in.
    within: Option<String>,
    pointer: Option<String>,
    views: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

impl Case {
    pub(crate) fn body(&self) -> Vec<u8> {
        self.encode(&self.text)
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Latin1 => {
                text.chars().map(|c| u8::try_from(u32::from(c)).expect("a Latin-1 character")).collect()
            }
            Encoding::Utf16le => utf16(u16::to_le_bytes),
            Encoding::Utf16be => utf16(u16::to_be_bytes),
            Encoding::Hex => {
                let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
                digits.chunks(2).map(byte).collect()
            }
        }
    }

    pub(crate) fn through_library(&self) -> Report {
        inspect(self.kind, self.format, &self.body())
    }

    fn problems(&self, report: &Report, body: &[u8]) -> Vec<String> {
        let mut problems = Vec::new();
        if report.verdict.action != self.expect {
            problems.push(format!("is {:?}, should be {:?}", report.verdict.action, self.expect));
        }
        if report.coverage.complete != self.complete {
            problems.push(format!("coverage is {:?}", report.coverage));
        }
        if let Some(says) = &self.says
            && !format!("{:?}", report.coverage).contains(says)
        {
            problems.push(format!("coverage does not say {says:?}: {:?}", report.coverage));
        }
        for rule in &self.not_finds {
            let named = |id: &str| rule.strip_suffix('*').map_or(id == rule, |prefix| id.starts_with(prefix));
            if let Some(finding) = report.findings.iter().find(|finding| named(&finding.rule)) {
                problems.push(format!("{} finds {:?}", finding.rule, String::from_utf8_lossy(covered(finding, body))));
            }
        }
        problems.extend(self.finds.iter().filter(|expected| !self.is_found(expected, report, body)).map(|expected| {
            let found: Vec<_> = report
                .findings
                .iter()
                .map(|f| (&f.rule, String::from_utf8_lossy(covered(f, body)), &f.pointer, &f.views))
                .collect();
            format!("missing {expected:?}\n    of {found:#?}")
        }));
        problems
    }

    fn is_found(&self, expected: &Expected, report: &Report, body: &[u8]) -> bool {
        report.findings.iter().any(|finding| {
            let slice = covered(finding, body);
            let (start, end) = (finding.span.start, finding.span.end);
            let places = |text: &str| -> Vec<(usize, usize)> {
                let text = self.encode(text);
                let all = 0..(body.len() + 1).saturating_sub(text.len());
                all.filter(|at| body[*at..].starts_with(&text)).map(|at| (at, at + text.len())).collect()
            };
            let views: Vec<&str> = finding.views.iter().map(|view| view.as_str()).collect();
            finding.rule == expected.rule
                && expected.text.as_ref().is_none_or(|text| slice == self.encode(text))
                && expected.covers.as_ref().is_none_or(|text| places(text).iter().any(|p| start <= p.0 && p.1 <= end))
                && expected.within.as_ref().is_none_or(|text| places(text).iter().any(|p| p.0 <= start && end <= p.1))
                && expected.pointer.as_ref().is_none_or(|pointer| finding.pointer == *pointer)
                && expected.views.as_ref().is_none_or(|expected| *expected == views)
        })
    }
}

/// All cases of all files.
pub(crate) fn all() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for path in crate::support::files_below(&repository("tests/cases")) {
        let text = fs::read_to_string(&path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        cases.extend(file.case);
    }
    cases
}

#[test]
fn there_are_many_and_each_has_a_name_of_its_own() {
    let cases = all();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 80, "{}", cases.len());
}

#[test]
fn the_library_answers_as_expected() {
    let mut failed = Vec::new();
    for case in all() {
        let problems = case.problems(&case.through_library(), &case.body());
        failed.extend(problems.into_iter().map(|problem| format!("{}: {problem}", case.name)));
    }
    assert!(failed.is_empty(), "{} problems:\n{}", failed.len(), failed.join("\n"));
}

/// Kind and format.
type HandedIn = (Option<&'static str>, String);

/// The program is run once for each way of handing contents in, over all files at once.
#[test]
fn the_program_answers_as_the_library_does() {
    let directory = tempfile::tempdir().unwrap();
    let mut groups: BTreeMap<HandedIn, Vec<(PathBuf, Case)>> = BTreeMap::new();
    for (number, case) in all().into_iter().enumerate() {
        // The name promises nothing about the format.
        let path = directory.path().join(format!("{number:03}.case"));
        fs::write(&path, case.body()).unwrap();
        let format = serde_json::to_value(case.format).unwrap().as_str().unwrap().to_owned();
        groups.entry((case.kind.map(ContentKind::as_str), format)).or_default().push((path, case));
    }
    for ((kind, format), cases) in &groups {
        let mut arguments = vec!["scan", "--output", "jsonl", "--format", format, "--classify", "off"];
        arguments.extend(kind.iter().flat_map(|kind| ["--kind", kind]));
        arguments.extend(cases.iter().map(|(path, _)| path.to_str().unwrap()));
        let run = tamiz(&arguments);
        let reports = run.json_lines();
        let should_block = cases.iter().any(|(_, case)| case.expect == Action::Block);
        assert_eq!(run.code, i32::from(should_block), "{kind:?} {format}: {}", run.err);
        for (path, case) in cases {
            let path = path.to_str().unwrap();
            let of_case = |report: &&Value| {
                report["path"].as_str().is_some_and(|of| of == path || of.starts_with(&format!("{path}:")))
            };
            let reports: Vec<&Value> = reports.iter().filter(of_case).collect();
            let library = comparable(&case.through_library());
            if case.format == Format::Jsonl {
                assert_eq!(places(&reports), places(&[&library]), "{}", case.name);
            } else {
                assert_eq!(reports.len(), 1, "{}", case.name);
                assert_eq!(without_noise(reports[0].clone()), library, "{}", case.name);
            }
        }
    }
}

/// Rule and span of every finding: what a file of records has in common with its records.
fn places(reports: &[&Value]) -> Vec<String> {
    let findings = reports.iter().flat_map(|report| report["findings"].as_array().unwrap());
    let mut places: Vec<String> = findings.map(|f| format!("{} {}", f["span"], f["rule"])).collect();
    places.sort();
    places
}
