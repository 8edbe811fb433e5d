//! Scans what scripts/instructions.py counts the instructions of: the 2 KB text of each sort, 20 times after a warm-up.
//!
//! Prints the sorts in the order in which they are measured.

#![allow(clippy::print_stdout, reason = "a program for a script")]

// The same texts as `tamiz bench`; they use nothing of the service.
#[allow(unreachable_pub, reason = "a library's module, read by a program")]
#[path = "../../service/texts.rs"]
mod texts;

use std::hint::black_box;

use tamiz_core::{Content, ContentKind, Engine, ScanControl, Scanner};

const SIZE: usize = 2 << 10;
const RUNS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().build()?;
    let mut scanner = engine.scanner();
    for sort in texts::all() {
        let text = texts::sized(sort, SIZE);
        // Twice: the first builds what the second finds.
        scan(&mut scanner, &text);
        let expected = scan(&mut scanner, &text) * RUNS;
        if measured(&mut scanner, &text) != expected {
            return Err(format!("{}: not the same rules every time", sort.name).into());
        }
        println!("{} {RUNS}", sort.name);
    }
    Ok(())
}

/// Callgrind counts what happens in here; so the name matters, and that there is a function of it.
#[inline(never)]
fn measured(scanner: &mut Scanner, text: &[u8]) -> usize {
    (0..RUNS).map(|_| scan(scanner, text)).sum()
}

/// How many rules matched, and a little more: nothing may be left out.
fn scan(scanner: &mut Scanner, text: &[u8]) -> usize {
    let content = Content::new(ContentKind::ToolOutput, black_box(text));
    let scanned = scanner.scan(&content, &ScanControl::unlimited());
    black_box(scanned.matched().count() + scanned.coverage().inspected_bytes)
}
