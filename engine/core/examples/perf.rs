use std::time::Instant;
use tamiz_core::*;
const SORTS: [(&str, &[&str]); 5] = [
    ("prose", &["terms.txt", "recipe.md", "meeting-notes.md", "abstract.txt"]),
    ("code", &["code/walker.rs", "code/agent_loop.py", "code/middleware.js", "code/config.go"]),
    ("json", &["api-issues.json"]),
    ("chat", &["email-thread.eml", "chat/roleplay-linux-terminal.txt", "chat/roleplay-story.txt"]),
    ("multi", &["i18n/zh-manual.md", "i18n/ar-article.md", "i18n/ru-email.txt", "i18n/hi-notice.md"]),
];
fn main() {
    let only = std::env::args().nth(1);
    let size_only = std::env::args().nth(2);
    let t = Instant::now();
    let engine = Engine::builder().build().unwrap();
    let mut scanner = engine.scanner();
    let _ = scanner.inspect(&Content::new(ContentKind::Prompt, b"hello"), &ScanControl::unlimited());
    println!("build+first {:?}; matcher {:?}", t.elapsed(), engine.matcher());
    for (sort, files) in SORTS {
        if only.as_deref().is_some_and(|o| o != sort) {
            continue;
        }
        let text: Vec<u8> = files.iter().flat_map(|f| std::fs::read(format!("examples/benign/{f}")).unwrap()).collect();
        for size in [256usize, 2048, 16384, 1 << 20] {
            if size_only.as_deref().is_some_and(|o| o != size.to_string()) {
                continue;
            }
            let mut t: Vec<u8> = text.iter().copied().cycle().take(size).collect();
            while std::str::from_utf8(&t).is_err_and(|e| e.error_len().is_none()) {
                t.pop();
            }
            let content = Content::new(ContentKind::ToolOutput, &t);
            let n = (20_000_000 / size).clamp(5, 20_000);
            let mut best = f64::MAX;
            let mut found = 0;
            let mut tm = Timings::default();
            for _ in 0..7 {
                let s = Instant::now();
                for _ in 0..n {
                    found = scanner.scan(&content, &ScanControl::unlimited()).matched().count();
                }
                best = best.min(s.elapsed().as_nanos() as f64 / n as f64);
            }
            let w = scanner.scan(&content, &ScanControl::unlimited()).work();
            let r = scanner.inspect(&content, &ScanControl::unlimited());
            tm = r.timings_us;
            println!("   {w:?}");
            println!(
                "{sort:6} {size:8} {best:12.0} ns {:8.2} MB/s  rules {found} {:?} {:?}",
                t.len() as f64 / best * 1e3,
                r.findings.iter().map(|f| f.rule.as_str()).take(4).collect::<Vec<_>>(),
                tm
            );
        }
    }
}
