//! The bodies of the fuzz targets. Each takes any bytes and panics if a promise of the engine is broken.
//!
//! Two things call them: the libFuzzer binaries in `fuzz_targets/` (nightly Rust, coverage-guided, for as long as you like) and
//! `examples/smoke.rs` (stable Rust, the seeds and a fixed number of mutations, for CI). Only the public API is used.

#![forbid(unsafe_code)]

mod equal;
mod json;

pub use equal::{kernels, matchers};

use std::sync::LazyLock;
use std::time::Duration;

use tamiz_core::{
    Action, Content, ContentKind, Conversation, Digester, Encoded, Engine, Format, KnownTool, Limits, Listing,
    MarkEncoding, Marker, McpHeaders, Palette, Placement, Plan, Policy, Report, RuleSet, ScanControl, Scanner,
    SpotlightStream, StreamTransform, TextStream, Tool, TransformContext, TransformKey, Treatment, ViewKind,
    check_arguments, check_examples, compare, diff, labels, render, reveal, sarif,
};

/// A target: its name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, in the order of the path.
pub const TARGETS: [Target; 9] = [
    ("kernels", kernels),
    ("matchers", matchers),
    ("json_walker", json_walker),
    ("views", views),
    ("rule_file", rule_file),
    ("scan", scan),
    ("transform", transform),
    ("listing", listing),
    ("stream", stream),
];

/// The text that the two rules of [`marker_engine`] look for. Short, so that mutations hit it often.
const MARKER: &str = "zebra";

/// One rule that sees text as it is and one that sees it folded.
static MARKERS: LazyLock<Engine> = LazyLock::new(|| marker_engine(Limits::default()));

/// The same with bounds that small inputs reach.
static TIGHT: LazyLock<Engine> = LazyLock::new(|| {
    let mut limits = Limits::default();
    limits.max_content_bytes = 4_000;
    limits.max_json_depth = 5;
    limits.max_json_values = 40;
    limits.max_decode_depth = 1;
    limits.max_decoded_bytes = 300;
    limits.max_findings = 3;
    marker_engine(limits)
});

static BUILTIN: LazyLock<Engine> = LazyLock::new(|| Engine::builder().build().expect("the built-in rules compile"));

fn marker_engine(limits: Limits) -> Engine {
    let rule = |name: &str, body: &str| {
        format!(
            "id = \"injection.{name}\"\ntitle = \"{name}\"\nseverity = \"high\"\nconfidence = \"high\"\ndescription = \"d\"\n\
             why = \"w\"\nremedy = \"r\"\n{body}\nexamples = [\"a {MARKER} b\", \"{MARKER}\"]\nnegative_examples = [\"no\", \"none\"]\n"
        )
    };
    let raw = rule("raw", &format!("patterns = ['''{MARKER}[ -~]{{0,8}}''']"));
    let folded = rule("folded", &format!("phrases = [\"{MARKER}\"]"));
    let (rules, problems) = RuleSet::parse([("raw.toml", raw.as_str()), ("folded.toml", folded.as_str())]);
    assert!(problems.is_empty(), "{problems:?}");
    Engine::builder().rules(rules).limits(limits).build().expect("two rules compile")
}

/// The JSON walker accepts exactly what is JSON (serde_json is the judge), and every pointer leads somewhere.
pub fn json_walker(data: &[u8]) {
    let mut scanner = MARKERS.scanner();
    let report = inspect(&mut scanner, &Content::unplaced(data).with_format(Format::Json), &ScanControl::unlimited());
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let bounded = report.coverage.skipped.iter().any(|skipped| skipped.why.contains("limit"));
    if !bounded {
        assert_eq!(report.format == Format::Json, json::is_json(text), "the walker and serde_json disagree");
    }
    if report.format == Format::Json
        && let Some(pointers) = json::pointers(text)
    {
        for finding in &report.findings {
            assert!(pointers.contains(&finding.pointer), "{:?} leads nowhere", finding.pointer);
        }
    }
    for format in [Format::Auto, Format::Jsonl, Format::Mcp] {
        inspect(&mut scanner, &Content::unplaced(data).with_format(format), &ScanControl::unlimited());
    }
    let tight = Content::unplaced(data).with_format(Format::Json);
    inspect(&mut TIGHT.scanner(), &tight, &ScanControl::unlimited());
}

/// A listing that is read has one canonical form, differs from itself in nothing, and its schemas can be held against anything.
pub fn listing(data: &[u8]) {
    let headers = McpHeaders::new(Some("2026-07-28"), Some("tools/call"), std::str::from_utf8(data).ok());
    let message = Content::unplaced(data).with_format(Format::Mcp).with_mcp_headers(headers);
    inspect(&mut MARKERS.scanner(), &message, &ScanControl::unlimited());
    let Ok(listing) = Listing::read(data) else { return };
    let fresh: Vec<usize> = (0..listing.tools.len()).collect();
    let known: Vec<KnownTool> =
        listing.tools.iter().map(|tool| KnownTool { server: "other".into(), name: tool.name.clone() }).collect();
    let _ = compare("here", &listing, &fresh, &listing.tools, &known);
    let digester = Digester::new([7; 32]);
    for tool in &listing.tools {
        let again = Tool::from_canonical(&tool.name, tool.canonical.clone()).expect("a canonical form is JSON");
        assert_eq!(digester.tool("s", tool), digester.tool("s", &again));
        let bare = format!("[{}]", tool.canonical);
        let read = Listing::read(bare.as_bytes()).expect("a canonical tool is a tool");
        assert_eq!(read.tools[0].canonical, tool.canonical, "a canonical form is its own canonical form");
        assert!(diff(&tool.value, &tool.value).is_empty());
        let _ = (diff(&listing.tools[0].value, &tool.value), labels(tool));
        let schema = tool.value.get("inputSchema").unwrap_or(&tool.value);
        let _ = check_arguments(&tool.name, schema, &tool.value, "/params/arguments");
    }
}

/// Views map back into the original, and what is plainly there is found whatever stands around it.
pub fn views(data: &[u8]) {
    let mut scanner = MARKERS.scanner();
    let report = inspect(&mut scanner, &text(data), &ScanControl::unlimited());
    for finding in
        report.findings.iter().filter(|finding| finding.rule == "injection.raw" && finding.views == [ViewKind::Raw])
    {
        let utf16 = data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff");
        let found = &data[finding.span.start..finding.span.end];
        assert!(utf16 || found.starts_with(MARKER.as_bytes()), "the span of a raw finding is the text itself");
    }
    inspect(&mut TIGHT.scanner(), &text(data), &ScanControl::unlimited());

    // The marker, encoded, after the input: found, and in its place, even if the input has the same already. A line of spaces
    // keeps the input's last word away.
    let utf8 = String::from_utf8_lossy(data);
    let plain = format!("the {MARKER} is here");
    let encodings = [
        plain.clone(),
        plain.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        plain.bytes().map(|byte| format!("&#{byte};")).collect(),
        plain.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        plain.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect(),
        plain
            .chars()
            .filter_map(|c| char::from_u32(if c == ' ' { 0x3000 } else { 0xff00 + u32::from(c) - 0x20 }))
            .collect(),
    ];
    for encoded in encodings {
        let body = format!("{utf8}\n  \n{encoded}");
        let start = body.len() - encoded.len();
        let report = inspect(&mut scanner, &text(body.as_bytes()), &ScanControl::unlimited());
        let found =
            report.findings.iter().any(|finding| finding.span.start >= start && finding.rule == "injection.folded");
        assert!(
            found || !report.coverage.complete || report.findings_omitted > 0,
            "{encoded:?} was not found in its place"
        );
    }
}

/// Rule and policy files: mistakes have a place, and what is accepted compiles and runs.
pub fn rule_file(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let (rules, problems) = RuleSet::parse([("fuzz.toml", source)]);
    assert_eq!(rules.rules().is_empty(), !problems.is_empty(), "a file is a rule, or it has mistakes");
    let lines = source.matches('\n').count() + 1;
    for problem in &problems {
        assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}");
    }
    if !rules.rules().is_empty() {
        let engine = Engine::builder().rules(rules).build().expect("a rule that was accepted compiles");
        let _ = check_examples(&engine);
        inspect(&mut engine.scanner(), &text(data), &ScanControl::unlimited());
    }
    if let Err(error) = Policy::parse("fuzz.toml", source, MARKERS.rules().rule_set()) {
        assert!(!error.0.is_empty(), "a refused policy has a mistake");
        let _ = error.to_string();
    }
}

/// The whole path with the built-in rules. The first byte picks kind, format and deadline.
pub fn scan(data: &[u8]) {
    let (choice, body) = data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest));
    const FORMATS: [Format; 5] = [Format::Auto, Format::Text, Format::Json, Format::Jsonl, Format::Mcp];
    let format = FORMATS[choice % 5];
    let content = match ContentKind::ALL.get(choice / 5 % 6) {
        Some(kind) => Content::new(*kind, body),
        None => Content::unplaced(body),
    };
    let content = content.with_format(format);
    let mut scanner = BUILTIN.scanner();
    let report = inspect(&mut scanner, &content, &ScanControl::unlimited());

    let text = render(&report, body, 0, BUILTIN.rules().rule_set(), &Palette::default());
    let hidden = |c: char| c.is_control() && c != '\n';
    assert!(!text.chars().any(hidden), "text for people holds no control characters");
    let report_was_empty = report.findings.is_empty();
    let _ = sarif(&[report.with_excerpts(body, 0)], BUILTIN.rules().rule_set());

    // A deadline that has passed: never clean, unless there was nothing to read (`{}`, a byte order mark).
    if choice >= 128 {
        let late = inspect(&mut scanner, &content, &ScanControl::unlimited().with_timeout(Duration::ZERO));
        let nothing = report_was_empty && (late.format != Format::Text || body.len() <= 3);
        assert!(nothing || !late.coverage.complete, "an interrupted scan looks complete");
    }
}

/// What is redacted is gone and comes back, what is marked comes back, and forged tokens and marks do no harm. The first two bytes pick
/// format, treatment and marker.
pub fn transform(data: &[u8]) {
    let [choice, way, body @ ..] = data else { return };
    const FORMATS: [Format; 5] = [Format::Auto, Format::Text, Format::Json, Format::Jsonl, Format::Mcp];
    let format = FORMATS[usize::from(*choice) % 5];
    let content = Content::new(ContentKind::ToolOutput, body).with_format(format);
    let key = TransformKey::new("k1", &[7; 32], "fuzz").expect("an id");
    let treatment = Treatment::ALL[usize::from(*way) % Treatment::ALL.len()];
    let mut plan = Plan::new(treatment, treatment);
    plan.encoded = if *choice >= 128 { Encoded::Reencode } else { Encoded::Blob };
    for engine in [&MARKERS, &BUILTIN] {
        let mut conversation = Conversation::default();
        let mut context = TransformContext { key: Some(&key), nonce: [*way; 12], conversation: &mut conversation };
        let mut scanner = engine.scanner();
        let done = plan.apply(&mut scanner, &content, &mut context, &ScanControl::unlimited()).expect("there is a key");
        let again = Content::new(ContentKind::ToolOutput, &done.content).with_format(format);
        let after = scanner.inspect(&again, &ScanControl::unlimited());
        let left = |finding: &tamiz_core::Finding| !(treatment == Treatment::Quote && finding.quoted);
        if treatment != Treatment::Keep && done.after.coverage.complete {
            assert!(!after.findings.iter().any(left), "something is left, and nothing said so");
        }
        if done.before.format != Format::Text {
            assert_eq!(done.before.format, after.format, "the notation broke");
        }
        if matches!(treatment, Treatment::Seal | Treatment::Keep) {
            let revealed = reveal(&again, engine.limits(), std::slice::from_ref(&key));
            assert!(revealed.content == body, "what was sealed did not come back");
        }
    }
    let _ = reveal(&content, &Limits::default(), &[key]);

    let random = [*choice; 16];
    let marker = match way % 6 {
        0 => Marker::delimit(&random, body),
        1 => Marker::datamark(&random, 1, Placement::Whitespace),
        2 => Marker::datamark(&random, 2, Placement::Boundary),
        3 => Marker::encode(MarkEncoding::Base64),
        4 => Marker::encode(MarkEncoding::Hex),
        _ => Marker::encode(MarkEncoding::Rot13),
    };
    let _ = marker.undo(body);
    let _ = marker.echoes(body);
    if let Ok(marked) = marker.mark(&content) {
        let undone = marked.marker.undo(&marked.content).expect("what was just marked");
        assert!(undone == body, "the marks did not come out whole");
    }
    if std::str::from_utf8(body).is_ok() {
        let whole = marker.mark(&content.with_format(Format::Text));
        let (mut stream, mut out) = (SpotlightStream::new(marker), Vec::new());
        let streamed = body.chunks(1 + usize::from(*choice % 7)).try_for_each(|chunk| stream.push(chunk, &mut out));
        if let (Ok(whole), Ok(())) = (whole, streamed.and_then(|()| stream.finish(&mut out))) {
            assert!(whole.content == out, "a stream is not the whole");
        }
    }
}

/// A text in pieces comes to what the whole text comes to, or says what went too early. The first two bytes pick the pieces and whether
/// it is changed.
pub fn stream(data: &[u8]) {
    let [choice, size, body @ ..] = data else { return };
    // With enough around it that something goes before the end.
    let around = "The boats leave at nine, and every hour until evening. ".repeat(14 + usize::from(*choice) % 40);
    let whole = [around.as_bytes(), body, b" ", around.as_bytes(), body].concat();
    let kind = ContentKind::ToolOutput;
    for engine in [&MARKERS, &TIGHT] {
        let (mut scanner, control) = (engine.scanner(), ScanControl::unlimited());
        let report = inspect(&mut scanner, &text(&whole), &control);
        let mut stream = TextStream::new(engine, kind);
        if *choice >= 128 {
            let transform = StreamTransform::new(Plan::default(), None, [0; 12], Conversation::default());
            stream = stream.with_transform(transform).expect("no key is needed");
        }
        let mut went = Vec::new();
        for chunk in whole.chunks(1 + 3 * usize::from(*size)) {
            went.extend(stream.push(&mut scanner, chunk, &control).bytes);
        }
        let end = stream.finish(&mut scanner, &control);
        went.extend(&end.last.bytes);
        assert_eq!(places(&end.report), places(&report), "the stream finds something else");
        let early = |report: &Report| report.coverage.skipped.iter().any(|skipped| skipped.why.contains("had gone on"));
        if !early(&end.report) {
            assert_eq!(end.report.coverage.complete, report.coverage.complete);
            assert_eq!(end.report.verdict.score, report.verdict.score);
        }
        match &end.after {
            None => {
                assert!(whole.starts_with(&went), "what went is not the text");
                // A part of a text may be reason to stop where all of it is none, not the other way round.
                assert!(end.stopped || end.report.verdict.action != Action::Block);
                assert!(end.stopped || went.len() == whole.len());
            }
            Some(after) => {
                let mut conversation = Conversation::default();
                let mut context = TransformContext { key: None, nonce: [0; 12], conversation: &mut conversation };
                let done = Plan::default().apply(&mut scanner, &text(&whole), &mut context, &control).expect("no key");
                let told = after.coverage.skipped.iter().any(|skipped| skipped.why.contains("went before"));
                assert!(told || done.content.starts_with(&went), "what went is not the changed text");
                assert!(end.stopped || went == done.content);
            }
        }
    }
}

fn text(body: &[u8]) -> Content<'_> {
    Content::new(ContentKind::ToolOutput, body).with_format(Format::Text)
}

/// Inspects twice, and checks what holds for every report under the shipped policy.
fn inspect(scanner: &mut Scanner, content: &Content<'_>, control: &ScanControl) -> Report {
    let report = scanner.inspect(content, control);
    let (coverage, verdict, len) = (&report.coverage, &report.verdict, content.body.len());
    assert_eq!(coverage.complete, coverage.skipped.is_empty(), "{coverage:?}");
    assert_eq!(coverage.total_bytes, len);
    assert!(coverage.inspected_bytes <= len, "{coverage:?}");
    assert!(!coverage.complete || coverage.inspected_bytes == len, "{coverage:?}");
    assert!(coverage.complete || verdict.action == Action::Block, "incomplete and let through");
    assert!((0.0..=1.0).contains(&verdict.score), "{verdict:?}");
    for finding in &report.findings {
        assert!(finding.span.start <= finding.span.end && finding.span.end <= len, "{finding:?}");
        assert!(verdict.reasons.iter().any(|reason| reason.code == finding.rule), "{finding:?} is no reason");
    }
    for reason in verdict.reasons.iter().filter(|reason| reason.code != "incomplete") {
        assert!(report.findings.iter().any(|finding| finding.rule == reason.code), "{reason:?} has no place");
    }
    let again = scanner.inspect(content, control);
    assert_eq!(places(&report), places(&again), "a second look finds something else");
    assert_eq!(report.verdict, again.verdict);
    report
}

fn places(report: &Report) -> Vec<(&str, usize, usize, &str, &[ViewKind])> {
    let place = |finding: &'_ tamiz_core::Finding| (finding.span.start, finding.span.end);
    report
        .findings
        .iter()
        .map(|finding| {
            let (start, end) = place(finding);
            (finding.rule.as_str(), start, end, finding.pointer.as_str(), finding.views.as_slice())
        })
        .collect()
}
