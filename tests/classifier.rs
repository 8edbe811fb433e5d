//! The classifier beside the rules: what it adds, what it can never take away, and that what it left out is told.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tamiz::config::Config;
use tamiz_core::{
    Action, Cascade, Classifier, ClassifierInfo, ClassifierSession, ClassifierState, Classify, ClassifyError, Content,
    ContentKind, Engine, Format, Limits, Palette, Policy, Report, RuleSet, ScanControl, Score, TextStream, Windows,
    render, sarif,
};
use tamiz_onnx::ModelFolder;

use crate::support::{ORDER, files_below, read_plain, repository, tamiz};

/// What the classifier of these tests calls an attack; no rule knows it.
const ATTACK: &str = "zebra";
/// Words of its windows, and from one to the next.
const WINDOW: usize = 8;
const STRIDE: usize = 6;

fn token(word: &str) -> u32 {
    word.bytes().fold(5_381, |sum, byte| sum.wrapping_mul(33) ^ u32::from(byte))
}

/// How it fails, if it does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    NoSession,
    Score,
    Silent,
    NotANumber,
    Slow,
}

#[derive(Debug, Clone)]
struct Words {
    fault: Fault,
    asked: Arc<AtomicUsize>,
}

impl Words {
    fn new(fault: Fault) -> Self {
        Self { fault, asked: Arc::default() }
    }
}

impl Classifier for Words {
    fn info(&self) -> ClassifierInfo {
        ClassifierInfo { id: "words".into(), provider: "test".into(), digest: String::new() }
    }

    fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError> {
        let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let mut start = 0;
        while start < words.len() {
            let window = &words[start..words.len().min(start + WINDOW)];
            let tokens: Vec<u32> = window.iter().map(|word| token(word)).collect();
            let last = window[window.len() - 1];
            windows.push(&tokens, place(window[0])..place(last) + last.len(), kind);
            if start + WINDOW >= words.len() {
                break;
            }
            start += STRIDE;
        }
        Ok(())
    }

    fn session(&self) -> Result<Box<dyn ClassifierSession>, ClassifyError> {
        match self.fault {
            Fault::NoSession => Err(ClassifyError::Failed("out of memory; give it more".into())),
            _ => Ok(Box::new(self.clone())),
        }
    }
}

impl ClassifierSession for Words {
    fn score(
        &mut self,
        windows: &Windows,
        which: &[usize],
        control: &ScanControl,
        scored: &mut dyn FnMut(usize, Score),
    ) -> Result<(), ClassifyError> {
        for window in which {
            if let Some(why) = control.interruption() {
                return Err(ClassifyError::Interrupted(why));
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            let found = windows.tokens(*window).iter().any(|found| [token(ATTACK), token("зебра")].contains(found));
            let score = Score { injection: if found { 0.99 } else { 0.001 }, labels: u64::from(found) };
            match self.fault {
                Fault::Score => return Err(ClassifyError::Failed("the device is gone".into())),
                Fault::Silent => {}
                Fault::NotANumber => scored(*window, Score { injection: f32::NAN, labels: 0 }),
                Fault::Slow => {
                    std::thread::sleep(Duration::from_millis(5));
                    scored(*window, score);
                }
                Fault::None | Fault::NoSession => scored(*window, score),
            }
        }
        Ok(())
    }
}

fn folder() -> ModelFolder {
    ModelFolder::open(&repository("tests/fixtures/classifier")).unwrap()
}

fn cascade(words: Words) -> Cascade {
    let folder = folder();
    Cascade::new(Arc::clone(folder.card()), folder.linear().unwrap()).with_encoder(Arc::new(words))
}

fn engine_with(words: Words, mode: Classify) -> Engine {
    Engine::builder().classifier(cascade(words).with_mode(mode)).build().unwrap()
}

fn always() -> Engine {
    engine_with(Words::new(Fault::None), Classify::Always)
}

fn inspect(engine: &Engine, kind: ContentKind, body: &[u8]) -> Report {
    engine.inspect(&Content::new(kind, body))
}

fn found(report: &Report) -> Vec<&tamiz_core::Finding> {
    report.findings.iter().filter(|finding| finding.rule == "classifier.injection").collect()
}

#[test]
fn without_a_model_nothing_changes() {
    let report = inspect(crate::support::engine(), ContentKind::Prompt, b"a zebra in the park");
    assert_eq!(report.classifier.state, ClassifierState::Off);
    assert!(report.coverage.complete && report.coverage.notes.is_empty() && report.verdict.reasons.is_empty());
    assert_eq!((report.verdict.action, report.verdict.score), (Action::Allow, 0.0));
}

#[test]
fn what_it_finds_has_a_place_a_reason_and_words() {
    let body = format!("{{\"notes\": [\"all is well\", \"please {ATTACK} the door, and then come back\"]}}");
    let engine = always();
    let report = inspect(&engine, ContentKind::ToolOutput, body.as_bytes());
    assert_eq!((report.verdict.action, report.classifier.state), (Action::Block, ClassifierState::Encoder));
    let finding = found(&report)[0];
    assert!(body[finding.span.start..finding.span.end].contains(ATTACK));
    assert_eq!(report.verdict.reasons[0].code, "classifier.injection");
    let title = &report.verdict.reasons[0].title;
    assert!(title.contains("probability 0.99") && title.contains("direct"), "{title}");
    assert!(!title.contains(ATTACK), "a reason holds no content");
    let highest = report.classifier.highest.as_ref().unwrap();
    assert!(highest.weight > 0.85 && highest.kinds == ["direct"]);
    let rules = RuleSet::builtin();
    let text = render(&report, body.as_bytes(), 0, &rules, &Palette::default());
    assert!(text.contains("why: A model trained") && text.contains("do: Read the passage"), "{text}");
    let log = sarif(&[report], &rules);
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], "classifier.injection");
}

#[test]
fn it_sees_through_what_hides_text() {
    let engine = always();
    let base64 = "please zebra the door and come back to the garden";
    for (name, text) in [
        ("full width", "please ｚｅｂｒａ the door".to_owned()),
        ("zero width", "please ze\u{200b}br\u{200d}a the door".to_owned()),
        ("look-alikes", "please zеbrа the door".to_owned()),
        ("Cyrillic", "пожалуйста зебра дверь и вернись обратно домой".to_owned()),
        ("base64", format!("data: {}", encode(base64.as_bytes()))),
        ("percent", "please%20zebra%20the%20door%20and%20come".to_owned()),
    ] {
        let report = inspect(&engine, ContentKind::ToolOutput, text.as_bytes());
        assert!(report.coverage.complete, "{name}: {:?}", report.coverage);
        assert_eq!(found(&report).len(), 1, "{name}: {:?}", report.classifier);
    }
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, place: u32| char::from(DIGITS[(group >> (18 - 6 * place) & 63) as usize]);
    let whole = bytes.len() / 3 * 3;
    let group = |three: &[u8]| u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
    bytes[..whole].chunks(3).flat_map(|three| (0..4).map(move |place| digit(group(three), place))).collect()
}

#[test]
fn no_place_in_a_long_text_is_left_out() {
    let engine = always();
    let mut scanner = engine.scanner();
    let filler = "the weather report of the day is here to read and it is long ".repeat(2_000);
    // Starts, ends and borders of the pieces that a text is taken in, and of windows in them.
    let places = (0..40).map(|step| step * 3_301).chain((0..4_usize).flat_map(|piece| {
        let border = piece * (32 << 10);
        (0..6).map(move |step| (border + step * 200).saturating_sub(600))
    }));
    for place in places.chain([filler.len()]) {
        let mut text = filler.clone();
        text.insert_str(place.min(filler.len()), &format!(" {ATTACK} "));
        let report =
            scanner.inspect(&Content::new(ContentKind::ToolOutput, text.as_bytes()), &ScanControl::unlimited());
        let findings = found(&report);
        assert!(!findings.is_empty() && report.coverage.complete, "at {place}");
        assert!(text[findings[0].span.start..findings[0].span.end].contains(ATTACK), "at {place}");
        assert!(findings[0].span.end - findings[0].span.start < 200, "a window, or two that overlap");
    }
}

#[test]
fn it_never_lowers_what_rules_found() {
    let plain = crate::support::engine();
    // It calls everything benign, everything it is asked; and the linear stage settles what it can.
    for mode in [Classify::Auto, Classify::Always] {
        let engine = engine_with(Words::new(Fault::None), mode);
        for path in files_below(&repository("examples/poisoned")) {
            let body = read_plain(&path);
            let content = Content::unplaced(&body);
            let (without, with) = (plain.inspect(&content), engine.inspect(&content));
            assert!(with.verdict.action >= without.verdict.action, "{}", path.display());
            assert!(with.verdict.score + 1e-12 >= without.verdict.score, "{}", path.display());
            assert!(with.findings.len() >= without.findings.len());
        }
    }
    let report = inspect(&always(), ContentKind::ToolOutput, ORDER.as_bytes());
    assert_eq!(report.verdict.action, Action::Block);
    assert!(report.classifier.highest.unwrap().weight < 0.01, "it saw nothing in it");
}

#[test]
fn the_linear_stage_settles_what_is_obvious() {
    let words = Words::new(Fault::None);
    let engine = engine_with(words.clone(), Classify::Auto);
    let mut scanner = engine.scanner();
    let mut inspect = |text: &str, control: ScanControl| {
        scanner.inspect(&Content::new(ContentKind::ModelOutput, text.as_bytes()), &control)
    };
    let report = inspect("notes of the meeting in the green river", ScanControl::unlimited());
    assert_eq!((report.classifier.state, report.classifier.linear_settled), (ClassifierState::Linear, 1));
    assert!(report.coverage.complete && words.asked.load(Ordering::SeqCst) == 0);
    // Sure of an attack: its thresholds say what that weighs.
    let report = inspect("zebra", ScanControl::unlimited());
    assert_eq!((report.classifier.state, report.verdict.action), (ClassifierState::Linear, Action::Block));
    assert_eq!(words.asked.load(Ordering::SeqCst), 0);
    // Not sure: the encoder is asked, and only about that part.
    let words_of = |range: std::ops::Range<u32>| range.map(|word| format!("word{word} ")).collect::<String>();
    let long = format!("{} heron {}", words_of(0..600), words_of(600..1_200));
    let report = inspect(&long, ScanControl::unlimited());
    let classifier = &report.classifier;
    assert_eq!(classifier.state, ClassifierState::Encoder);
    assert!(classifier.linear_settled > 0 && classifier.linear_settled < classifier.linear_windows, "{classifier:?}");
    assert!(classifier.encoder_windows < long.split(' ').count() / STRIDE, "{classifier:?}");
    // A call may say otherwise.
    let report = inspect("zebra", ScanControl::unlimited().with_classify(Classify::Off));
    assert_eq!((report.classifier.state, report.verdict.action), (ClassifierState::Off, Action::Allow));
    let report = inspect("the green river", ScanControl::unlimited().with_classify(Classify::Always));
    assert_eq!((report.classifier.state, report.classifier.linear_windows), (ClassifierState::Encoder, 0));
}

#[test]
fn windows_seen_before_are_not_asked_again() {
    let words = Words::new(Fault::None);
    let engine = engine_with(words.clone(), Classify::Always);
    let mut scanner = engine.scanner();
    let body = format!("the {ATTACK} of the day and nothing else to tell about it today");
    let content = Content::new(ContentKind::Prompt, body.as_bytes());
    let first = scanner.inspect(&content, &ScanControl::unlimited());
    let asked = words.asked.load(Ordering::SeqCst);
    assert_eq!((first.classifier.inferred, first.classifier.cached), (asked, 0));
    let second = scanner.inspect(&content, &ScanControl::unlimited());
    assert_eq!((second.classifier.inferred, second.classifier.cached), (0, asked));
    assert_eq!(words.asked.load(Ordering::SeqCst), asked);
    assert_eq!((first.verdict, first.classifier.highest), (second.verdict, second.classifier.highest));
}

/// Nothing of it may look inspected: told in the coverage, and stopped by the shipped policy.
fn left_out(report: &Report, why: &str) {
    assert!(!report.coverage.complete && report.verdict.action == Action::Block, "{report:?}");
    let skipped = &report.coverage.skipped[0];
    assert!(skipped.what.contains("classification of bytes 0..") && skipped.why.contains(why), "{skipped:?}");
    assert!(report.verdict.reasons.iter().any(|reason| reason.code == "incomplete"));
}

#[test]
fn what_fails_is_told_and_not_taken_for_benign() {
    let text = b"the green river and the stone";
    for (fault, why) in [
        (Fault::NoSession, "out of memory"),
        (Fault::Score, "the device is gone"),
        (Fault::Silent, "no score"),
        (Fault::NotANumber, "no score"),
    ] {
        let engine = engine_with(Words::new(fault), Classify::Always);
        let report = inspect(&engine, ContentKind::ToolOutput, text);
        left_out(&report, why);
        assert_eq!(report.classifier.state, ClassifierState::Unavailable);
        assert!(report.classifier.why.as_ref().unwrap().contains(why));
    }
    let broken = Cascade::unavailable("model.toml is gone; get it anew", true);
    let engine = Engine::builder().classifier(broken).build().unwrap();
    let report = inspect(&engine, ContentKind::ToolOutput, text);
    assert!(!report.coverage.complete && report.coverage.skipped[0].why.contains("get it anew"));
    // Nobody asked for it: a note.
    let engine = Engine::builder().classifier(Cascade::unavailable("no library", false)).build().unwrap();
    let report = inspect(&engine, ContentKind::ToolOutput, text);
    assert!(report.coverage.complete && report.coverage.notes[0].contains("only rules were applied"));
}

#[test]
fn what_time_and_budget_cut_off_is_told() {
    let text = "the green river ".repeat(4_000);
    let engine = engine_with(Words::new(Fault::Slow), Classify::Always);
    let control = ScanControl::unlimited().with_timeout(Duration::from_millis(150));
    let content = Content::new(ContentKind::ToolOutput, text.as_bytes());
    let report = engine.scanner().inspect(&content, &control);
    assert!(!report.coverage.complete);
    let skipped = &report.coverage.skipped[0];
    assert!(skipped.what.starts_with("classification of bytes") && skipped.what.ends_with("..64000"), "{skipped:?}");
    assert_eq!(skipped.why, "the deadline passed");
    assert!(report.classifier.inferred > 0, "what was scored before counts");
    let cancelled = ScanControl::unlimited().with_cancel(Arc::new(AtomicBool::new(true)));
    assert!(!engine.scanner().inspect(&content, &cancelled).coverage.complete);

    let mut limits = Limits::default();
    limits.max_windows = 100;
    let builder = Engine::builder().limits(limits);
    let engine = builder.classifier(cascade(Words::new(Fault::None)).with_mode(Classify::Always)).build().unwrap();
    let long = "the green river ".repeat(20_000);
    let report = inspect(&engine, ContentKind::ToolOutput, long.as_bytes());
    assert!(report.coverage.skipped[0].why.contains("max_windows (100)"), "{:?}", report.coverage);
    assert!(report.coverage.skipped[0].what.ends_with(&format!("..{}", long.len())), "{:?}", report.coverage);
}

fn with_policy(source: &str, cascade: Cascade) -> Engine {
    let policy = Policy::parse("policy.toml", source, &RuleSet::builtin()).unwrap();
    Engine::builder().policy(policy).classifier(cascade).build().unwrap()
}

#[test]
fn the_policy_says_what_it_means() {
    let always = || cascade(Words::new(Fault::None)).with_mode(Classify::Always);
    let text = b"please zebra the door";
    let off = with_policy("classifier = \"off\"", always());
    assert_eq!(inspect(&off, ContentKind::Prompt, text).verdict.action, Action::Allow);
    let required = with_policy("classifier = \"required\"", Cascade::default());
    let report = inspect(&required, ContentKind::Prompt, text);
    assert!(!report.coverage.complete && report.verdict.action == Action::Block);
    let required = with_policy("classifier = \"required\"", always());
    let control = ScanControl::unlimited().with_classify(Classify::Off);
    assert!(!required.scanner().inspect(&Content::new(ContentKind::Prompt, text), &control).coverage.complete);
    let flag = with_policy("[[override]]\nrules = [\"classifier.injection\"]\naction = \"flag\"", always());
    assert_eq!(inspect(&flag, ContentKind::Prompt, text).verdict.action, Action::Flag);
    assert_eq!(inspect(&flag, ContentKind::Prompt, b"please close the door").verdict.action, Action::Allow);
    assert!(Policy::parse("p", "classifier = \"maybe\"", &RuleSet::builtin()).is_err());
}

fn copy_of_fixture() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in files_below(&repository("tests/fixtures/classifier")) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn models_are_listed_verified_and_shown() {
    let copy = copy_of_fixture();
    let folder = path(copy.path());
    let run = tamiz(&["models", "list", folder]);
    assert!(run.code == 0 && run.out.starts_with("stand-in-1"), "{}", run.err);
    let run = tamiz(&["models", "verify", folder]);
    assert!(run.code == 0 && run.out.contains("sound") && run.out.contains("linear.bin"), "{}", run.err);
    let run = tamiz(&["models", "show", folder]);
    assert!(run.code == 0 && run.out.contains("Apache-2.0") && run.out.contains("direct, indirect"), "{}", run.out);
    let linear = copy.path().join("linear.bin");
    let mut bytes = fs::read(&linear).unwrap();
    bytes[100] ^= 1;
    fs::write(&linear, bytes).unwrap();
    let run = tamiz(&["models", "verify", folder]);
    assert!(run.code == 2 && run.err.contains("linear.bin") && run.err.contains("was changed"), "{}", run.err);
    let run = tamiz(&["models", "verify"]);
    assert!(run.code == 2 && run.err.contains("no model"), "{}", run.err);
    // With no folder at all there is still the one in the program.
    for command in ["list", "show"] {
        let run = tamiz(&["models", command]);
        assert!(
            run.code == 0 && run.out.contains("tamiz-mini-1-linear") && run.out.contains("(built in)"),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_scan_says_when_what_was_named_is_not_there() {
    let fixture = repository("tests/fixtures/classifier");
    let missing = repository("tests/data/no-such-library.so");
    let run = tamiz(&["scan", "README.md", "--model", path(&missing)]);
    assert!(run.code == 2 && run.err.contains("no-such-library"), "{}", run.err);
    let run = tamiz(&["scan", "README.md", "--model", path(&fixture), "--onnxruntime", path(&missing)]);
    assert!(run.code == 2 && run.err.contains("cannot be read"), "{}", run.err);
    let run = tamiz(&["scan", "README.md", "--model", path(&fixture), "--provider", "gpu"]);
    assert!(run.code == 2 && run.err.contains("is no provider"), "{}", run.err);
    let run = tamiz(&["scan", "LICENSE", "--classify", "off", "--model", path(&missing), "--output", "json"]);
    let report: &Value = &run.json()["reports"][0];
    assert_eq!((run.code, &report["classifier"]["state"]), (0, &Value::from("off")), "{}", run.err);
}

#[test]
fn a_linear_model_alone_is_the_judge_of_everything() {
    let examples = repository("examples/benign");
    for mode in ["auto", "always"] {
        // No model is named: the one that is built in.
        let run = tamiz(&["scan", path(&examples), "--classify", mode, "--output", "json"]);
        let answer = run.json();
        let reports = answer["reports"].as_array().unwrap();
        assert!(reports.len() > 20, "{}", run.err);
        for report in reports {
            let classifier = &report["classifier"];
            assert_eq!(
                (&report["coverage"]["complete"], &classifier["state"]),
                (&true.into(), &"linear".into()),
                "{report}"
            );
            assert!(classifier["linear_windows"] == classifier["linear_settled"], "{report}");
        }
        // Honest files, chosen for looking like attacks: what the program makes of them as it comes.
        let summary = &answer["summary"];
        assert!(summary["flagged"].as_u64() <= Some(5) && summary["blocked"].as_u64() <= Some(1), "{summary}");
    }
}

#[test]
fn a_stream_waits_for_an_encoder_and_not_for_the_linear_stage() {
    let control = ScanControl::unlimited();
    let text = "Notes of the meeting by the green river, page after page of it. ".repeat(200);
    let linear = Engine::builder().classifier(tamiz::classifier::built_in().unwrap()).build().unwrap();
    for (engine, classify, waits, state) in [
        (&linear, None, false, ClassifierState::Off),
        (&linear, Some(Classify::Auto), true, ClassifierState::Linear),
        (&always(), None, true, ClassifierState::Encoder),
        (&always(), Some(Classify::Off), false, ClassifierState::Off),
    ] {
        let mut scanner = engine.scanner();
        let mut stream = TextStream::new(engine, ContentKind::ModelOutput).with_classify(classify);
        let went = stream.push(&mut scanner, text.as_bytes(), &control).bytes.len();
        assert_eq!(went == 0, waits, "{classify:?}: {went} bytes went");
        let end = stream.finish(&mut scanner, &control);
        assert_eq!((went + end.last.bytes.len(), end.report.classifier.state), (text.len(), state), "{classify:?}");
    }
}

#[test]
fn a_service_without_its_library_starts_and_tells() {
    let mut config = Config::default();
    config.classifier.model = Some(repository("tests/fixtures/classifier"));
    config.classifier.library = Some(repository("tests/data/no-such-library.so"));
    let engine = tamiz::assemble::engine(&config).unwrap();
    // What the linear stage settles is classified; the rest is not, and says so.
    let settled = inspect(&engine, ContentKind::ModelOutput, b"notes of the meeting in the green river");
    assert!(settled.coverage.complete && settled.classifier.state == ClassifierState::Linear);
    let open = inspect(
        &engine,
        ContentKind::ModelOutput,
        b"the heron of the meeting in the green river and the stone and the stone",
    );
    left_out(&open, "cannot be read");
    assert_eq!(open.classifier.state, ClassifierState::Unavailable);
    let changed = copy_of_fixture();
    fs::write(changed.path().join("linear.bin"), b"something else").unwrap();
    config.classifier.model = Some(changed.path().to_owned());
    let engine = tamiz::assemble::engine(&config).unwrap();
    let report = inspect(&engine, ContentKind::ModelOutput, b"notes of the meeting");
    assert!(!report.coverage.complete && report.coverage.skipped[0].why.contains("was changed"));
    config.classifier.providers = "gpu".into();
    assert!(tamiz::assemble::engine(&config).unwrap_err().to_string().contains("classifier.providers"));
}

#[test]
fn formats_do_not_hide_text_from_it() {
    let engine = always();
    for (format, body) in [
        (Format::Jsonl, "{\"a\":\"all is well\"}\n{\"a\":\"please zebra the door\"}\n"),
        (Format::Json, "{\"zebra of the park\": 1}"),
        (Format::Text, "please\nzebra\nthe door"),
        (Format::Mcp, "{\"tools\":[{\"name\":\"x\",\"description\":\"please zebra the door\"}]}"),
    ] {
        let report = engine.inspect(&Content::unplaced(body.as_bytes()).with_format(format));
        assert_eq!(found(&report).len(), 1, "{format:?}: {:?}", report.classifier);
    }
}
