//! The bundled examples: what is benign passes, what is poisoned is blocked, and findings cover what was planted.

use serde::Deserialize;
use tamiz_core::{Action, ContentKind, Finding, Format, Report};

use crate::support::{files_below, inspect, read_plain, repository};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Poisoned {
    file: String,
    kind: ContentKind,
    #[expect(dead_code, reason = "for readers of the file")]
    why: String,
    spans: Vec<[usize; 2]>,
    record: Option<usize>,
}

fn poisoned() -> Vec<Poisoned> {
    serde_json::from_slice(&std::fs::read(repository("examples/poisoned/expected.json")).unwrap()).unwrap()
}

/// As `examples/README.md` says.
fn kind_of(path: &str) -> ContentKind {
    match path {
        _ if path.ends_with("result-query.json") => ContentKind::ToolOutput,
        _ if path.ends_with("requests.jsonl") => ContentKind::ToolArguments,
        _ if path.contains("/benign/mcp/") => ContentKind::ToolMetadata,
        _ if path.contains("/benign/chat/") => ContentKind::Prompt,
        _ => ContentKind::ToolOutput,
    }
}

#[test]
fn nothing_benign_is_blocked() {
    let mut blocked = Vec::new();
    let files = files_below(&repository("examples/benign"));
    assert!(files.len() >= 45, "{}", files.len());
    for path in files {
        let body = read_plain(&path);
        let name = path.display().to_string();
        // As it is described, and as it would be if nobody had said what it is.
        for kind in [Some(kind_of(&name)), None] {
            let report = inspect(kind, Format::Auto, &body);
            assert!(report.coverage.complete, "{name}: {:?}", report.coverage);
            if report.verdict.action == Action::Block {
                blocked.push(format!("{name} as {kind:?}: {:#?}", report.verdict.reasons));
            }
        }
    }
    assert!(blocked.is_empty(), "{}", blocked.join("\n"));
}

/// Each content of a file: the whole, or the lines of a JSON Lines file with their place.
fn contents(path: &str, body: &[u8]) -> Vec<(usize, usize)> {
    if !path.contains(".jsonl") {
        return vec![(0, body.len())];
    }
    let mut at = 0;
    let lines = body.split_inclusive(|byte| *byte == b'\n').map(|line| {
        at += line.len();
        (at - line.len(), at)
    });
    lines.collect()
}

#[test]
fn everything_poisoned_is_blocked_where_it_was_planted() {
    let mut failed = Vec::new();
    for entry in poisoned() {
        let body = read_plain(&repository("examples/poisoned").join(&entry.file));
        let contents = contents(&entry.file, &body);
        let (start, end) = contents[entry.record.map_or(0, |record| record - 1)];
        for kind in [Some(entry.kind), None] {
            // Without a kind a file of tool metadata that is no MCP message is only a text.
            let report = inspect(kind, Format::Auto, &body[start..end]).with_offset(start);
            if kind.is_none()
                && matches!(entry.kind, ContentKind::Prompt | ContentKind::ToolOutput | ContentKind::ModelOutput)
            {
                continue;
            }
            if report.verdict.action != Action::Block {
                let reasons: Vec<_> = report.verdict.reasons.iter().map(|reason| &reason.code).collect();
                failed.push(format!("{} as {kind:?}: {:?} by {reasons:?}", entry.file, report.verdict.action));
            }
            failed.extend(entry.spans.iter().filter(|span| !is_covered(&report, span)).map(|span| {
                let found: Vec<_> = report.findings.iter().map(|f| (&f.rule, f.span.start, f.span.end)).collect();
                format!("{} as {kind:?}: nothing at {span:?} but {found:?}", entry.file)
            }));
        }
        // The other records of the file are harmless.
        for (number, (start, end)) in contents.iter().enumerate() {
            if entry.record.is_some_and(|record| record != number + 1) {
                let report = inspect(None, Format::Auto, &body[*start..*end]);
                assert_ne!(report.verdict.action, Action::Block, "{}:{}", entry.file, number + 1);
            }
        }
    }
    assert!(failed.is_empty(), "{} problems:\n{}", failed.len(), failed.join("\n"));
}

/// A finding lies in what was planted, or covers it all.
fn is_covered(report: &Report, [start, end]: &[usize; 2]) -> bool {
    let fits = |finding: &Finding| {
        let span = finding.span;
        (*start <= span.start && span.end <= *end) || (span.start <= *start && *end <= span.end)
    };
    report.findings.iter().any(fits)
}

#[test]
fn every_poisoned_file_is_described() {
    let mut described: Vec<String> = poisoned().into_iter().map(|entry| entry.file).collect();
    described.push("expected.json".into());
    described.sort();
    let directory = repository("examples/poisoned");
    let files = files_below(&directory);
    let mut there: Vec<String> =
        files.iter().map(|path| path.strip_prefix(&directory).unwrap().display().to_string()).collect();
    there.sort();
    assert_eq!(described, there);
}
