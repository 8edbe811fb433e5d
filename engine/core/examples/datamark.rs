//! How fast a text is datamarked on this machine: `cargo run --release -p tamiz-core --example datamark`.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::time::{Duration, Instant};

use tamiz_core::{Content, ContentKind, Format, Marker, Placement};

fn main() -> Result<(), tamiz_core::SpotlightError> {
    let prose =
        "The quick brown fox jumps over the lazy dog, and then it goes home to read a long letter from its aunt.\n";
    for (size, times) in [(64 << 10, 2_000), (1 << 20, 100), (16 << 20, 10)] {
        let text = prose.repeat(size / prose.len());
        let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
        for (name, placement) in [("whitespace", Placement::Whitespace), ("boundary", Placement::Boundary)] {
            let marker = Marker::datamark(&[7; 16], 2, placement);
            let mut best = Duration::MAX;
            for _ in 0..times {
                let started = Instant::now();
                let marked = marker.mark(&content)?;
                best = best.min(started.elapsed());
                assert!(marked.content.len() > text.len(), "nothing was marked");
            }
            let speed = text.len() as f64 / best.as_secs_f64() / 1e9;
            println!("{name}: {speed:.2} GB/s of {} KiB of English prose, best of {times}", size >> 10);
        }
    }
    Ok(())
}
