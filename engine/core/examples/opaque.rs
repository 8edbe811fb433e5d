//! How many bytes of opaque tokens texts of your own hold, to choose an entropy budget by:
//! `cargo run --release -p tamiz-core --example opaque < records.jsonl`, a JSON object with `text` on each line.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;
use std::io::BufRead;

use tamiz_core::{Content, ContentKind, Engine, Format, ScanControl};

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder().build()?;
    let mut scanner = engine.scanner();
    let (mut sums, mut bytes) = (Vec::new(), 0);
    for line in std::io::stdin().lock().lines() {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let text = record["text"].as_str().unwrap_or_default();
        let content = Content::new(ContentKind::ModelOutput, text.as_bytes()).with_format(Format::Text);
        let tokens = scanner.scan(&content, &ScanControl::unlimited()).opaque_tokens();
        let mut seen: Vec<_> = tokens.iter().map(|token| (token.print, token.bytes)).collect();
        seen.sort_unstable();
        seen.dedup();
        sums.push(seen.iter().map(|(_, bytes)| bytes).sum::<usize>());
        bytes += text.len();
    }
    sums.sort_unstable();
    let at = |share: f64| sums.get((sums.len() as f64 * share) as usize).or(sums.last()).copied().unwrap_or(0);
    println!(
        "{} texts, {bytes} bytes; with opaque tokens: {}",
        sums.len(),
        sums.iter().filter(|sum| **sum > 0).count()
    );
    println!("bytes of opaque tokens: 95 % {}, 99 % {}, 99.9 % {}, most {}", at(0.95), at(0.99), at(0.999), at(1.0));
    for budget in [256, 512, 1_024, 2_048, 4_096] {
        println!("above {budget}: {}", sums.iter().filter(|sum| **sum > budget).count());
    }
    Ok(())
}
