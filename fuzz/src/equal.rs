//! What must be the same whichever way it is computed.

use std::cell::RefCell;

use tamiz_core::{
    AhoCorasickMatcher, Backend, Content, ContentKind, Engine, Format, Hit, ScanControl, Scanner, Searcher,
};
use tamiz_simd::{Survey, avx2, scalar};

use crate::BUILTIN;

/// Folding and survey by the vectors of this processor give what they give without. The first byte picks where the text begins in
/// memory, and whether white space came before.
pub fn kernels(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let text = &text[text.len().min(usize::from(*choice) % 40)..];
    let (mut slow, mut fast) = (Survey::default(), Survey::default());
    scalar::survey(text, &mut slow);
    if avx2::survey(text, &mut fast).is_some() {
        assert_eq!(slow, fast, "the surveys differ");
    }
    for from in (0..text.len()).step_by(1 + usize::from(*choice)) {
        let (mut slow, mut fast) = (vec![*choice], vec![*choice]);
        let after_space = choice % 2 == 1;
        let taken = scalar::fold_plain(&text[from..], after_space, &mut slow);
        if let Some(as_well) = avx2::fold_plain(&text[from..], after_space, &mut fast) {
            assert_eq!((taken, &slow), (as_well, &fast), "the folded texts differ");
        }
    }
}

/// A back end: what searches by itself, and what inspects with it. Made once, for a scanner learns.
struct Way {
    engine: Engine,
    searcher: Box<dyn Searcher>,
    scanner: Scanner,
}

thread_local! {
    static WAYS: RefCell<Vec<Way>> = RefCell::new(ways());
}

fn ways() -> Vec<Way> {
    let with = |backend: Box<dyn Backend>| Engine::builder().backend(backend).build();
    let plain = with(Box::new(AhoCorasickMatcher)).expect("it takes any rules");
    #[allow(unused_mut, reason = "a feature adds one")]
    let mut engines = vec![BUILTIN.clone(), plain];
    // Left out where libhs is missing or refused.
    #[cfg(feature = "hyperscan")]
    engines.extend(with(Box::new(tamiz_hyperscan::HyperscanMatcher::default())));
    let way = |engine: Engine| Way { searcher: engine.searcher(), scanner: engine.scanner(), engine };
    engines.into_iter().map(way).collect()
}

/// All matcher back ends find the same literals in any bytes, and come to the same report.
pub fn matchers(data: &[u8]) {
    WAYS.with_borrow_mut(|ways| {
        let found: Vec<_> =
            ways.iter_mut().map(|way| (way.engine.matcher().name, hits(way, data), findings(way, data))).collect();
        let (first, others) = found.split_first().expect("there are two");
        for (name, hits, report) in others {
            assert_eq!(hits, &first.1, "{name} finds other literals");
            assert_eq!(report, &first.2, "{name} comes to another report");
        }
    });
}

fn hits(way: &mut Way, data: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut hits = Vec::new();
    way.searcher.find(data, &mut |hit: Hit| {
        // A back end may guess; who calls it compares.
        if way.engine.rules().literals().get(hit.literal) == &data[hit.start..hit.end] {
            hits.push((hit.start, hit.end, hit.literal.index()));
        }
    });
    hits.sort_unstable();
    hits.dedup();
    hits
}

fn findings(way: &mut Way, data: &[u8]) -> String {
    let content = Content::new(ContentKind::ToolOutput, data).with_format(Format::Auto);
    let report = way.scanner.inspect(&content, &ScanControl::unlimited());
    format!("{:?} {:?} {:?}", report.verdict, report.coverage, report.findings)
}
