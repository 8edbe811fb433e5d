//! What an embedder may rely on: sharing, repetition, interruption, and scanners that outlive a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tamiz_core::{
    Action, AhoCorasickMatcher, Backend, BackendInfo, BuildMatcherError, Content, ContentKind, Engine, Hit, Limits,
    LiteralSet, Matcher, OnIncomplete, Policy, Report, RuleSet, ScanControl, Scanner, Searcher,
};

use crate::cases;
use crate::support::{ORDER, ORDER_RULE, comparable, covered, engine, rules_of};

const CLEAN: &[u8] = b"The meeting is on Monday at nine; bring the printed report.";

fn tool_output(body: &[u8]) -> Content<'_> {
    Content::new(ContentKind::ToolOutput, body)
}

#[test]
fn what_is_shared_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn moved<T: Send + 'static>() {}
    shared::<Engine>();
    shared::<Report>();
    shared::<ScanControl>();
    shared::<RuleSet>();
    shared::<Policy>();
    moved::<Scanner>();
    moved::<BuildMatcherError>();
}

#[test]
fn workers_with_one_engine_agree() {
    let bodies: Vec<Vec<u8>> = cases::all().iter().map(cases::Case::body).collect();
    let work = || -> Vec<_> {
        let mut scanner = engine().scanner();
        bodies.iter().map(|body| comparable(&scanner.inspect(&tool_output(body), &ScanControl::unlimited()))).collect()
    };
    let expected = work();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            assert_eq!(worker.join().unwrap(), expected);
        }
    });
}

#[test]
fn a_used_scanner_answers_as_a_new_one() {
    let cases = cases::all();
    let mut used = engine().scanner();
    for round in 0..1 {
        for case in &cases {
            let body = case.body();
            let report = used.inspect(&tool_output(&body), &ScanControl::unlimited());
            assert_eq!(
                comparable(&report),
                comparable(&engine().inspect(&tool_output(&body))),
                "{} {round}",
                case.name
            );
        }
        let report = used.inspect(&tool_output(CLEAN), &ScanControl::unlimited());
        assert!(report.findings.is_empty() && report.coverage.complete && report.verdict.reasons.is_empty());
        let report = used.inspect(&tool_output(b""), &ScanControl::unlimited());
        assert!(report.findings.is_empty() && report.coverage.complete && report.verdict.score == 0.0);
    }
}

#[test]
fn a_scan_can_be_concluded_step_by_step() {
    let body = format!("{ORDER}.").into_bytes();
    let mut scanner = engine().scanner();
    let mut scanned = scanner.scan(&tool_output(&body), &ScanControl::unlimited());
    assert!(scanned.coverage().complete);
    assert!(scanned.matched().count() > 0);
    scanned.classify(&ScanControl::unlimited());
    let verdict = scanned.verdict();
    let report = scanned.conclude();
    assert_eq!(verdict, report.verdict);
    assert_eq!(comparable(&report), comparable(&scanned.conclude()));
    assert_eq!(comparable(&report), comparable(&engine().inspect(&tool_output(&body))));
}

/// Panics when it sees a certain text, as a bug would.
#[derive(Debug)]
struct Fragile;

#[derive(Debug)]
struct FragileMatcher(Box<dyn Matcher>);

const FATAL: &[u8] = b"xyzzy";

impl Backend for Fragile {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        Ok(Box::new(FragileMatcher(AhoCorasickMatcher.build(literals)?)))
    }
}

impl Matcher for FragileMatcher {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(FragileSearcher(self.0.searcher()))
    }

    fn info(&self) -> BackendInfo {
        self.0.info()
    }
}

#[derive(Debug)]
struct FragileSearcher(Box<dyn Searcher>);

impl Searcher for FragileSearcher {
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        let mut hits = 0;
        self.0.find(haystack, &mut |hit| {
            on_hit(hit);
            hits += 1;
        });
        let fatal = haystack.windows(FATAL.len()).any(|window| window == FATAL);
        assert!(!fatal, "a bug, after {hits} hits");
    }
}

#[test]
fn a_scanner_can_be_used_after_a_panic() {
    let fragile = Engine::builder().backend(Box::new(Fragile)).build().unwrap();
    let mut scanner = fragile.scanner();
    let encoded = crate::support::base64(format!("{ORDER} xyzzy, and so on").as_bytes());
    let fatal = [
        format!("{ORDER} xyzzy"),
        // Deep inside: one layer of findings has been made by then.
        format!("{{\"a\": \"{ORDER}\", \"b\": \"{encoded}\"}}"),
    ];
    for fatal in fatal {
        let control = ScanControl::unlimited();
        let caught = catch_unwind(AssertUnwindSafe(|| scanner.inspect(&tool_output(fatal.as_bytes()), &control)));
        assert!(caught.is_err());
        let clean = scanner.inspect(&tool_output(CLEAN), &control);
        assert_eq!(comparable(&clean), comparable(&engine().inspect(&tool_output(CLEAN))));
        for case in cases::all() {
            let body = case.body();
            let report = scanner.inspect(&tool_output(&body), &control);
            assert_eq!(comparable(&report), comparable(&engine().inspect(&tool_output(&body))), "{}", case.name);
        }
    }
}

fn looks_unfinished(report: &Report, why: &str) {
    assert!(!report.coverage.complete);
    assert!(report.coverage.inspected_bytes <= report.coverage.total_bytes);
    assert!(report.coverage.skipped.iter().any(|skipped| skipped.why.contains(why)), "{:?}", report.coverage);
    assert_eq!(report.verdict.action, Action::Block);
    assert_eq!(report.verdict.reasons[0].code, "incomplete");
}

#[test]
fn a_deadline_in_the_past_never_looks_clean() {
    let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    let control = ScanControl::unlimited().with_deadline(past);
    let long = vec![b'a'; 3 << 20];
    let json = br#"{"messages": [{"role": "user", "content": "hello"}]}"#;
    for body in [CLEAN, &long, json, b"x"] {
        looks_unfinished(&engine().scanner().inspect(&tool_output(body), &control), "deadline");
    }
}

#[test]
fn a_cancelled_scan_never_looks_clean() {
    let flag = Arc::new(AtomicBool::new(true));
    let control = ScanControl::unlimited().with_cancel(Arc::clone(&flag));
    looks_unfinished(&engine().scanner().inspect(&tool_output(CLEAN), &control), "cancelled");
    flag.store(false, std::sync::atomic::Ordering::Relaxed);
    let report = engine().scanner().inspect(&tool_output(CLEAN), &control);
    assert!(report.coverage.complete && report.verdict.action == Action::Allow);
}

/// Cancels its own scan the moment a certain text is matched.
#[derive(Debug)]
struct Canceller(Arc<AtomicBool>);

#[derive(Debug)]
struct CancellerMatcher(Box<dyn Matcher>, Arc<AtomicBool>);

impl Backend for Canceller {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        Ok(Box::new(CancellerMatcher(AhoCorasickMatcher.build(literals)?, Arc::clone(&self.0))))
    }
}

impl Matcher for CancellerMatcher {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(CancellerSearcher(self.0.searcher(), Arc::clone(&self.1)))
    }

    fn info(&self) -> BackendInfo {
        self.0.info()
    }
}

#[derive(Debug)]
struct CancellerSearcher(Box<dyn Searcher>, Arc<AtomicBool>);

impl Searcher for CancellerSearcher {
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        self.0.find(haystack, on_hit);
        if haystack.windows(FATAL.len()).any(|window| window == FATAL) {
            self.1.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

#[test]
fn a_scan_that_is_cancelled_half_way_tells_what_it_saw_and_what_not() {
    let flag = Arc::new(AtomicBool::new(false));
    let cancelling = Engine::builder().backend(Box::new(Canceller(Arc::clone(&flag)))).build().unwrap();
    // A leak at the start is seen; the flag is raised in the second step; the order at the end is not reached.
    let mut body = b"token ghp_tk9oMORHwSp3Qd2Hc8J0St7L7KceCnYQHsy5 here. xyzzy ".to_vec();
    body.resize(3 << 20, b'.');
    body.extend_from_slice(ORDER.as_bytes());
    let control = ScanControl::unlimited().with_cancel(Arc::clone(&flag));
    let mut scanner = cancelling.scanner();
    let report = scanner.inspect(&tool_output(&body), &control);
    looks_unfinished(&report, "cancelled");
    assert!(report.coverage.inspected_bytes < body.len());
    assert!(!rules_of(&report).contains(&ORDER_RULE));
    // What is encoded counts as not inspected too.
    flag.store(false, std::sync::atomic::Ordering::Relaxed);
    let encoded = format!("plain {}", crate::support::base64(b"some harmless words and then xyzzy, that is all"));
    let report = scanner.inspect(&tool_output(encoded.as_bytes()), &control);
    looks_unfinished(&report, "cancelled");
}

#[test]
fn the_policy_decides_what_an_unfinished_scan_leads_to() {
    let past = ScanControl::unlimited().with_timeout(Duration::ZERO);
    for (choice, action) in
        [(OnIncomplete::Allow, Action::Allow), (OnIncomplete::Flag, Action::Flag), (OnIncomplete::Block, Action::Block)]
    {
        let text = format!("on_incomplete = {}", serde_json::to_string(&choice).unwrap());
        let policy = Policy::parse("p.toml", &text, engine().rules().rule_set()).unwrap();
        let engine = Engine::builder().policy(policy).build().unwrap();
        let report = engine.scanner().inspect(&tool_output(CLEAN), &past);
        assert_eq!(report.verdict.action, action);
        assert!(!report.coverage.complete, "allowed, and still said to be unfinished");
        assert_eq!(report.verdict.reasons[0].code, "incomplete");
    }
}

#[test]
fn every_limit_is_told_when_it_cuts() {
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Engine::builder().limits(limits).build().unwrap()
    };
    let nested = format!("{}1{}", "[".repeat(20), "]".repeat(20));
    let values = format!("[{}]", vec!["1"; 200].join(","));
    let encoded = crate::support::base64(crate::support::base64(&b"some harmless words, ".repeat(20)).as_bytes());
    let bodies = [
        (with(|limits| limits.max_content_bytes = 10), CLEAN, "max_content_bytes"),
        (with(|limits| limits.max_json_depth = 10), nested.as_bytes(), "limit"),
        (with(|limits| limits.max_json_values = 100), values.as_bytes(), "limit"),
        (with(|limits| limits.max_decode_depth = 1), encoded.as_bytes(), "max_decode_depth"),
        (with(|limits| limits.max_decoded_bytes = 50), encoded.as_bytes(), "max_decoded_bytes"),
    ];
    for (engine, body, why) in &bodies {
        assert!(crate::support::engine().inspect(&tool_output(body)).coverage.complete, "{why}");
        let report = engine.inspect(&tool_output(body));
        assert!(!report.coverage.complete, "{why}");
        assert!(
            report.coverage.skipped.iter().any(|skipped| skipped.why.contains(why)),
            "{why}: {:?}",
            report.coverage
        );
        assert_eq!(report.verdict.action, Action::Block);
    }
}

#[test]
fn a_limit_on_findings_changes_no_verdict() {
    let mut limits = Limits::default();
    limits.max_findings = 3;
    let few = Engine::builder().limits(limits).build().unwrap();
    let body = format!("{ORDER}. ").repeat(50);
    let (all, cut) = (engine().inspect(&tool_output(body.as_bytes())), few.inspect(&tool_output(body.as_bytes())));
    assert_eq!(all.verdict, cut.verdict);
    assert!(all.findings.len() >= 50 && cut.findings.len() < 10 && cut.findings_omitted >= 40);
    assert_eq!(all.findings.len() + all.findings_omitted, cut.findings.len() + cut.findings_omitted);
    for reason in &cut.verdict.reasons {
        assert!(rules_of(&cut).contains(&reason.code.as_str()), "{} has no place to show", reason.code);
    }
}

#[test]
fn fingerprints_are_the_same_for_the_same_text_and_key_only() {
    let body = format!("{ORDER}. And {ORDER}.");
    let keyed = |key: u8| Engine::builder().fingerprint_key([key; 32]).build().unwrap();
    let prints = |engine: &Engine| -> Vec<String> {
        let report = engine.inspect(&tool_output(body.as_bytes()));
        let of_rule = report.findings.iter().filter(|finding| finding.rule == ORDER_RULE);
        of_rule.map(|finding| finding.fingerprint.clone()).collect()
    };
    let (one, again, other, none) = (prints(&keyed(1)), prints(&keyed(1)), prints(&keyed(2)), prints(engine()));
    assert_eq!(one.len(), 2);
    assert_eq!(one[0], one[1]);
    assert_eq!(one, again);
    assert!(one != other && one != none && other != none);
}

#[test]
fn debug_output_and_reports_do_not_hold_the_content() {
    let secret = "ghp_tk9oMORHwSp3Qd2Hc8J0St7L7KceCnYQHsy5";
    let body = format!("token {secret}");
    let report = engine().inspect(&tool_output(body.as_bytes()));
    assert_eq!(covered(&report.findings[0], body.as_bytes()), secret.as_bytes());
    assert!(!serde_json::to_string(&report).unwrap().contains(secret));
    let with_excerpts = report.with_excerpts(body.as_bytes(), 0);
    assert!(!format!("{with_excerpts:?}").contains(secret), "Debug shows an excerpt");
    assert!(serde_json::to_string(&with_excerpts).unwrap().contains(secret));
}
