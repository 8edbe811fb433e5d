//! The stages of an inspection on each text in each size, and the fastest that other ways of searching come to on the same text.
//!
//! Every figure has a count that it must come to (benches/expected/stages.json): a benchmark that skips work must not look fast.
//! `TAMIZ_BENCH_BLESS=1 cargo bench --bench stages` writes the counts of this tree. `make bench` ends with a table of all figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark fails by panicking, and says what it left out"
)]

#[cfg(feature = "hyperscan")]
mod hyperscan;
mod reference;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tamiz::{bench, texts};
use tamiz_core::{Content, ContentKind, Engine, Folder, ScanControl};
use tamiz_simd::Survey;

/// One message to measure on.
struct Text {
    name: &'static str,
    bytes: Vec<u8>,
    folded: Vec<u8>,
}

impl Text {
    fn id(&self) -> BenchmarkId {
        BenchmarkId::new(self.name.replace('/', "-"), self.bytes.len())
    }
}

/// All texts in all sizes; those made to be dear in one, for they are many.
fn messages(engine: &Engine) -> Vec<Text> {
    let mut folder = Folder::default();
    let mut text = |name, bytes: Vec<u8>| Text { name, folded: folder.fold(&bytes).to_vec(), bytes };
    let mut all = Vec::new();
    for sort in texts::all() {
        all.extend(bench::SIZES.map(|size| text(sort.name, texts::sized(sort, size))));
    }
    for (name, make) in bench::ADVERSARIAL {
        all.push(text(name, make(engine.rules().literals(), 16 << 10)));
    }
    all
}

/// Measures `once` on each text, under `group`. It returns a count of what it did.
fn measure(
    criterion: &mut Criterion,
    expected: &mut Expected,
    group: &str,
    messages: &[Text],
    mut once: impl FnMut(&Text) -> usize,
) {
    let mut group_of = criterion.benchmark_group(group);
    // Two hundred figures in some minutes, not in an hour.
    group_of.sample_size(15).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400));
    for text in messages {
        let count = once(text);
        expected.check(&format!("{group}/{}/{}", text.name, text.bytes.len()), count);
        group_of.throughput(Throughput::Bytes(text.bytes.len() as u64));
        group_of.bench_with_input(text.id(), text, |bencher, text| {
            bencher.iter(|| assert_eq!(once(text), count, "not the same work every time"));
        });
    }
    group_of.finish();
}

fn stages(criterion: &mut Criterion) {
    let engine = Engine::builder().build().expect("the built-in rules fit");
    let messages = messages(&engine);
    let mut expected = Expected::read("stages");
    let mut folder = Folder::default();
    measure(criterion, &mut expected, "fold", &messages, |text| folder.fold(black_box(&text.bytes)).len());
    let mut survey = Survey::default();
    measure(criterion, &mut expected, "classes", &messages, |text| {
        tamiz_simd::survey(black_box(&text.bytes), &mut survey);
        survey.tokens.len() + survey.digits.len()
    });
    let mut searcher = engine.searcher();
    measure(criterion, &mut expected, "phrases", &messages, |text| {
        let mut hits = 0;
        searcher.find(black_box(&text.folded), &mut |hit| hits += usize::from(hit.end > 0));
        hits
    });
    let mut scanner = engine.scanner();
    measure(criterion, &mut expected, "scan", &messages, |text| {
        let content = Content::new(ContentKind::ToolOutput, black_box(&text.bytes));
        let scanned = scanner.scan(&content, &ScanControl::unlimited());
        assert_eq!(scanned.coverage().inspected_bytes, text.bytes.len());
        scanned.matched().count()
    });
    reference::all(criterion, &mut expected, &engine, &messages);
    #[cfg(feature = "hyperscan")]
    hyperscan::all(criterion, &mut expected, &engine, &messages);
    expected.write().expect("benches/expected is writable");
}

fn start(criterion: &mut Criterion) {
    criterion.bench_function("start/engine", |bencher| {
        bencher.iter(|| Engine::builder().build().expect("the built-in rules fit").rules().rules().len());
    });
}

/// Counts that each benchmark must come to. `TAMIZ_BENCH_BLESS=1` rewrites them.
struct Expected {
    file: PathBuf,
    counts: BTreeMap<String, usize>,
    bless: bool,
}

impl Expected {
    fn read(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/expected").join(format!("{name}.json"));
        let counts = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, counts, bless: std::env::var_os("TAMIZ_BENCH_BLESS").is_some() }
    }

    fn check(&mut self, what: &str, count: usize) {
        if self.bless {
            self.counts.insert(what.to_owned(), count);
        } else {
            let hint = "the count changed; if it is meant to, TAMIZ_BENCH_BLESS=1 writes the new ones";
            assert_eq!(Some(&count), self.counts.get(what), "{what}: {hint}");
        }
    }

    fn write(&self) -> io::Result<()> {
        if self.bless { fs::write(&self.file, format!("{:#}\n", serde_json::json!(self.counts))) } else { Ok(()) }
    }
}

criterion_group!(benches, stages, start);
criterion_main!(benches);
