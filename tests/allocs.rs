//! Memory per inspection: a scanner that has warmed up asks for none while what it sees is clean. A binary of its own, because the
//! allocator that counts is the whole process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the counts are worth reading even if they are right")]

use allocation_counter::measure;
use tamiz::texts;
use tamiz_core::{Action, Content, ContentKind, Engine, Format, ScanControl, Scanner};

fn clean(scanner: &mut Scanner, content: &Content<'_>) {
    let mut scanned = scanner.scan(content, &ScanControl::unlimited());
    scanned.classify(&ScanControl::unlimited());
    let verdict = scanned.verdict();
    assert_eq!(verdict.action, Action::Allow);
    assert!(scanned.coverage().complete && verdict.reasons.is_empty());
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8; 100]))).count_total, 1);
}

#[test]
fn a_clean_scan_allocates_nothing() {
    let wrong = allocating(&Engine::builder().build().unwrap(), &["prose", "code", "json"]);
    assert!(wrong.is_empty(), "clean scans of 4 KiB that asked for memory: {wrong:#?}");
    // What the program is without any settings: rules and the built-in linear model. It has a word to say about the prose.
    let with_linear = Engine::builder().classifier(tamiz::classifier::built_in().unwrap()).build().unwrap();
    let wrong = allocating(&with_linear, &["code", "json"]);
    assert!(wrong.is_empty(), "with the linear model: {wrong:#?}");
}

fn allocating(engine: &Engine, sorts: &[&str]) -> Vec<String> {
    let mut scanner = engine.scanner();
    let mut wrong = Vec::new();
    for sort in texts::SORTS.iter().filter(|sort| sorts.contains(&sort.name)) {
        let text = texts::sized(sort, 4 << 10);
        let stated = if sort.name == "json" { Format::Json } else { Format::Text };
        for format in [Format::Auto, stated] {
            let content = Content::new(ContentKind::ToolOutput, &text).with_format(format);
            // What expressions need is made when they are first tried.
            for _ in 0..3 {
                clean(&mut scanner, &content);
            }
            let scan = measure(|| clean(&mut scanner, &content));
            let inspect = measure(|| drop(scanner.inspect(&content, &ScanControl::unlimited())));
            println!("{}, {format:?}: {} to scan, {} to inspect", sort.name, scan.count_total, inspect.count_total);
            if scan.count_total > 0 {
                wrong.push(format!("{}, {format:?}: {} of {} bytes", sort.name, scan.count_total, scan.bytes_total));
            }
        }
    }
    wrong
}
