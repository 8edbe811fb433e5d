//! The whole path, from bytes to verdict, with a scanner that has warmed up. Findings are counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

mod texts;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tamiz_core::{Content, ContentKind, Engine, ScanControl};

fn inspect(criterion: &mut Criterion) {
    let engine = Engine::builder().build().expect("the built-in rules fit");
    let mut expected = texts::Expected::read("end_to_end");
    let mut scanner = engine.scanner();
    let mut group = criterion.benchmark_group("inspect");
    texts::short(&mut group);
    for (name, text) in texts::all() {
        let content = Content::new(ContentKind::ToolOutput, &text);
        let mut count = || {
            let report = scanner.inspect(&content, &ScanControl::unlimited());
            assert!(report.coverage.complete);
            report.findings.len() + report.findings_omitted
        };
        expected.check(&name, count());
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(&name), &text, |bencher, _| bencher.iter(&mut count));
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    criterion.bench_function("start/engine", |bencher| {
        bencher.iter(|| Engine::builder().build().expect("the built-in rules fit").rules().rules().len());
    });
}

criterion_group!(benches, inspect, start);
criterion_main!(benches);
