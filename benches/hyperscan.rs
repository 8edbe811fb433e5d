//! Hyperscan on the same texts: one literal, all literals, and one database of all expressions that it accepts.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use criterion::Criterion;
use tamiz_core::Engine;
use tamiz_hyperscan::{CompileError, Database, Flags, Pattern, Scratch};

use crate::{Expected, Text, measure};

pub(crate) fn all(criterion: &mut Criterion, expected: &mut Expected, engine: &Engine, messages: &[Text]) {
    let literals = || engine.rules().literals().iter();
    // In folded text there is one case only.
    let one = Database::literals(["ignore all previous instructions"], false).expect("one literal fits");
    scans(criterion, expected, "hyperscan-one-literal", &one, messages);

    // What a database does not take (too long ones) is left out, and told.
    let fitting: Vec<&[u8]> = literals().filter(|literal| literal.len() <= 1_000).collect();
    let started = Instant::now();
    let all = Database::literals(&fitting, false).expect("the literals fit");
    told("hyperscan-literals", fitting.len(), literals().count() - fitting.len(), &all, started);
    scans(criterion, expected, "hyperscan-literals", &all, messages);

    let sources: Vec<String> =
        engine.rules().rules().iter().flat_map(|rule| &rule.patterns).map(|source| loosened(source)).collect();
    // At most one match a scan: every end of every match would be hundreds for `\S{1,500}`.
    let mut patterns: Vec<Pattern<'_>> =
        sources.iter().map(|source| Pattern::new(source).with_flags(Flags::SINGLE_MATCH)).collect();
    eprintln!("hyperscan-expressions: compiling {} takes a minute or two", patterns.len());
    let started = Instant::now();
    let expressions = loop {
        match Database::patterns(&patterns) {
            Ok(database) => break database,
            Err(CompileError::Pattern { index, .. }) => drop(patterns.remove(index)),
            Err(error) => return eprintln!("hyperscan-expressions: left out, {error}"),
        }
    };
    told("hyperscan-expressions", patterns.len(), sources.len() - patterns.len(), &expressions, started);
    scans(criterion, expected, "hyperscan-expressions", &expressions, messages);
}

/// An expression without the upper bounds of long repetitions, as the engine tries it first. With them, Hyperscan compiles the set
/// for longer than anybody waits.
fn loosened(source: &str) -> String {
    const LONG: usize = 6;
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        let bounds = rest.split_once('}').and_then(|(bounds, _)| bounds.split_once(','));
        if let Some((low, high)) = bounds
            && let (Ok(least), Ok(most)) = (low.parse::<usize>(), high.parse::<usize>())
            && most - least > LONG
        {
            out.push_str(low);
            out.push(',');
            rest = &rest[low.len() + 1 + high.len()..];
        }
    }
    out + rest
}

fn told(name: &str, taken: usize, refused: usize, database: &Database, started: Instant) {
    let (size, took) = (database.size_bytes() >> 10, started.elapsed().as_millis());
    eprintln!("{name}: {taken} taken, {refused} refused, {size} KB, compiled in {took} ms, {}", database.info());
}

fn scans(criterion: &mut Criterion, expected: &mut Expected, name: &str, database: &Database, messages: &[Text]) {
    let mut scratch = Scratch::new();
    measure(criterion, expected, name, messages, |text| {
        let mut count = 0;
        let scanned = database.scan(&mut scratch, black_box(&text.folded), |_| {
            count += 1;
            ControlFlow::Continue(())
        });
        scanned.expect("the library scans");
        count
    });
}
