//! The matchers alone: all literals of the built-in rules over each text. Every hit is counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

mod texts;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tamiz_core::{AhoCorasickMatcher, Backend, CompiledRules, RuleSet};

fn matching(criterion: &mut Criterion) {
    let rules = CompiledRules::new(RuleSet::builtin());
    let mut expected = texts::Expected::read("matching");
    for (side, literals) in ["raw", "folded"].into_iter().zip(rules.literals()) {
        let matcher = AhoCorasickMatcher.build(literals).expect("the built-in rules fit");
        let mut group = criterion.benchmark_group(format!("matching/rust/{side}"));
        texts::short(&mut group);
        for (name, text) in texts::all() {
            let text = if side == "folded" { text.to_ascii_lowercase() } else { text };
            let count = || {
                let mut hits = 0;
                matcher.find(&text, &mut |_| hits += 1);
                hits
            };
            expected.check(&format!("{side}/{name}"), count());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(&name), &text, |bencher, _| bencher.iter(count));
        }
    }
}

criterion_group!(benches, matching);
criterion_main!(benches);
