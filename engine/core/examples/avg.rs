use std::time::Instant;
use tamiz_core::*;
fn main() {
    let engine = Engine::builder().build().unwrap();
    let mut scanner = engine.scanner();
    let text = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let size: usize = std::env::args().nth(2).map_or(2048, |s| s.parse().unwrap());
    let chunks: Vec<&[u8]> = text.chunks(size).collect();
    let mut best = f64::MAX;
    let mut all = Work::default();
    let mut per: Vec<f64> = vec![f64::MAX; chunks.len()];
    for _ in 0..std::env::var("N").map_or(9, |n| n.parse().unwrap()) {
        all = Work::default();
        let s = Instant::now();
        for (i, c) in chunks.iter().enumerate() {
            let s = Instant::now();
            all += scanner.scan(&Content::new(ContentKind::ToolOutput, c), &ScanControl::unlimited()).work();
            per[i] = per[i].min(s.elapsed().as_nanos() as f64);
        }
        best = best.min(s.elapsed().as_nanos() as f64 / chunks.len() as f64);
    }
    per.sort_by(f64::total_cmp);
    let n = chunks.len() as f64;
    println!(
        "{:.0} ns per {size} B, {:.1} MB/s; median {:.0} p90 {:.0}; per message: anchors {:.1} tails {:.1} windows {:.2} window bytes {:.0}",
        best,
        size as f64 * 1e3 / best,
        per[per.len() / 2],
        per[per.len() * 9 / 10],
        all.anchors as f64 / n,
        all.tails as f64 / n,
        all.windows as f64 / n,
        all.window_bytes as f64 / n
    );
}
