//! Memory per inspection: a scanner that has warmed up asks for none while what it sees is clean. A binary of its own, because it
//! counts for the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;

use tamiz::texts;
use tamiz_core::{Action, Content, ContentKind, Engine, Format, ScanControl, Scanner};

/// Counts what the thread asks for while it is told to.
struct Counting;

std::thread_local! {
    /// How many so far; `None` while nobody counts. No destructor, so that it can be used in an allocator.
    static COUNT: Cell<Option<usize>> = const { Cell::new(None) };
    /// Whether to say where the first one comes from.
    static TELL: Cell<bool> = const { Cell::new(false) };
}

impl Counting {
    fn note() {
        let Some(count) = COUNT.get() else { return };
        if TELL.replace(false) {
            COUNT.set(None);
            eprintln!("an allocation:\n{}", Backtrace::force_capture());
        }
        COUNT.set(Some(count + 1));
    }
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::note();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::note();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks for memory. With `tell`, the first place is printed.
fn allocations(tell: bool, work: impl FnOnce()) -> usize {
    TELL.set(tell);
    COUNT.set(Some(0));
    work();
    TELL.set(false);
    COUNT.take().unwrap()
}

fn clean(scanner: &mut Scanner, content: &Content<'_>) {
    let scanned = scanner.scan(content, &ScanControl::unlimited());
    let verdict = scanned.verdict();
    assert_eq!(verdict.action, Action::Allow);
    assert!(scanned.coverage().complete && verdict.reasons.is_empty());
}

#[test]
fn a_clean_scan_allocates_nothing() {
    let engine = Engine::builder().build().unwrap();
    let mut scanner = engine.scanner();
    let mut wrong = Vec::new();
    for sort in texts::SORTS.iter().filter(|sort| ["prose", "code", "json"].contains(&sort.name)) {
        let text = texts::sized(sort, 4 << 10);
        let stated = if sort.name == "json" { Format::Json } else { Format::Text };
        for format in [Format::Auto, stated] {
            let content = Content::new(ContentKind::ToolOutput, &text).with_format(format);
            for _ in 0..3 {
                clean(&mut scanner, &content);
            }
            let count = allocations(true, || clean(&mut scanner, &content));
            let report = allocations(false, || drop(scanner.inspect(&content, &ScanControl::unlimited())));
            println!("{}, {format:?}: {count} allocations to scan, {report} to inspect", sort.name);
            if count > 0 {
                wrong.push(format!("{}, {format:?}: {count}", sort.name));
            }
        }
    }
    assert!(wrong.is_empty(), "clean scans of 4 KiB that allocated: {wrong:?}; the first places are above");
}
