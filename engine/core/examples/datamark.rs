//! How fast a text is datamarked on this machine: `cargo run --release -p tamiz-core --example datamark`.
//!
//! `whole` asks for memory for each text, as who marks one text does; much of its time goes into getting pages from the system.
//! `stream` writes to memory that is there, as who marks one text after another does.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::time::{Duration, Instant};

use tamiz_core::{Content, ContentKind, Format, Marker, Placement, SpotlightStream};

fn main() -> Result<(), tamiz_core::SpotlightError> {
    let prose =
        "The quick brown fox jumps over the lazy dog, and then it goes home to read a long letter from its aunt.\n";
    for (size, times) in [(64 << 10, 2_000), (1 << 20, 100), (16 << 20, 10)] {
        let text = prose.repeat(size / prose.len());
        let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
        for (name, placement) in [("whitespace", Placement::Whitespace), ("boundary", Placement::Boundary)] {
            let marker = Marker::datamark(&[7; 16], 2, placement);
            let (mut whole, mut stream, mut out) = (Duration::MAX, Duration::MAX, Vec::new());
            for _ in 0..times {
                let started = Instant::now();
                let marked = marker.mark(&content)?;
                whole = whole.min(started.elapsed());
                assert!(marked.content.len() > text.len(), "nothing was marked");

                let started = Instant::now();
                let mut marks = SpotlightStream::new(marked.marker);
                out.clear();
                marks.push(text.as_bytes(), &mut out)?;
                marks.finish(&mut out)?;
                stream = stream.min(started.elapsed());
                assert!(out == marked.content, "a stream is not the whole");
            }
            let speed = |took: Duration| text.len() as f64 / took.as_secs_f64() / 1e9;
            let (whole, stream) = (speed(whole), speed(stream));
            println!(
                "{name}: whole {whole:.2}, stream {stream:.2} GB/s of {} KiB of prose, best of {times}",
                size >> 10
            );
        }
    }
    Ok(())
}
