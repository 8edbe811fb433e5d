//! What must be the same whichever way it is computed.

use std::cell::RefCell;

use tamiz_core::{
    AhoCorasickMatcher, Backend, Content, ContentKind, Engine, Format, GramMatcher, Hit, ScanControl, Scanner, Searcher,
};
use tamiz_simd::grams::{FILTER_WORDS, Filter, Filters, Marks};
use tamiz_simd::{Survey, avx2, avx512, scalar};

thread_local! {
    /// Every third bit of one, every fifth of the other.
    static FILTERS: (Box<Filter>, Box<Filter>) = {
        let every = |step: usize| {
            let mut filter: Box<Filter> = Box::new([0; FILTER_WORDS]);
            (0..32 * FILTER_WORDS).step_by(step).for_each(|bit| filter[bit / 32] |= 1 << (bit % 32));
            filter
        };
        (every(3), every(5))
    };
}

/// Folding, survey and gram filters by the vectors of this processor give what they give without. The first byte picks where the text begins in
/// memory, and whether white space came before.
pub fn kernels(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let text = &text[text.len().min(usize::from(*choice) % 40)..];
    let (mut slow, mut fast) = (Survey::default(), Survey::default());
    scalar::survey(text, &mut slow);
    for twin in [avx2::survey, avx512::survey] {
        if twin(text, &mut fast).is_some() {
            assert_eq!(slow, fast, "the surveys differ");
        }
    }
    for from in (0..text.len()).step_by(1 + usize::from(*choice)) {
        let (mut slow, mut fast) = (vec![*choice], vec![*choice]);
        let after_space = choice % 2 == 1;
        let taken = scalar::fold_plain(&text[from..], after_space, &mut slow);
        for twin in [avx2::fold_plain, avx512::fold_plain] {
            fast.truncate(1);
            if let Some(as_well) = twin(&text[from..], after_space, &mut fast) {
                assert_eq!((taken, &slow), (as_well, &fast), "the folded texts differ");
            }
        }
    }
    FILTERS.with(|(eight, four)| {
        let filters = Filters { eight, four };
        let (mut slow, mut fast) =
            (vec![Marks::default(); text.len() / 64 + 1], vec![Marks::default(); text.len() / 64 + 1]);
        scalar::grams(text, 0, filters, &mut slow);
        if avx512::grams(text, 0, filters, &mut fast).is_some() {
            assert_eq!(slow, fast, "the marks differ");
        }
    });
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
    // One that cannot be had is a failure: nobody is to believe that it was compared.
    let way = |backend: Box<dyn Backend>| {
        let engine = Engine::builder().backend(backend).build().expect("the back end is there and takes the rules");
        Way { searcher: engine.searcher(), scanner: engine.scanner(), engine }
    };
    vec![
        way(Box::new(GramMatcher)),
        way(Box::new(AhoCorasickMatcher)),
        #[cfg(feature = "hyperscan")]
        way(Box::new(tamiz_hyperscan::HyperscanMatcher::default())),
    ]
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
