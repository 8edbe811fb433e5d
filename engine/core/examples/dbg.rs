use tamiz_core::*;
fn main() {
    let engine = Engine::builder().build().unwrap();
    let mut scanner = engine.scanner();
    let text: Vec<u8> = std::env::args().skip(1).flat_map(|f| std::fs::read(f).unwrap()).collect();
    let mut n = 0;
    for chunk in text.chunks(2048) {
        n += 1;
        let _ =
            scanner.scan(&Content::new(ContentKind::ToolOutput, chunk), &ScanControl::unlimited()).matched().count();
    }
    let s = tamiz_core::detect::confirm::STATS.lock().unwrap();
    println!("{n} messages");
    let mut v: Vec<_> = s.iter().filter(|e| !e.0.starts_with("HIT")).collect();
    v.sort_by_key(|e| std::cmp::Reverse(e.1.2));
    let tot: u64 = v.iter().map(|e| e.1.2).sum();
    let w: u64 = v.iter().map(|e| e.1.0).sum();
    println!("regex ns per message {} windows per message {}", tot / n, w as f64 / n as f64);
    for (k, e) in v.iter().take(90) {
        println!("{:8} ns/msg {:7.2} win/msg {:5} B/win  {k}", e.2 / n, e.0 as f64 / n as f64, e.1 / e.0.max(1));
    }
    let mut v: Vec<_> = s.iter().filter(|e| e.0.starts_with("HIT")).collect();
    v.sort_by_key(|e| std::cmp::Reverse(e.1.0));
    println!("hits per message {}", v.iter().map(|e| e.1.0).sum::<u64>() as f64 / n as f64);
    for (k, e) in v.iter().take(100) {
        print!("{:.2} {k}; ", e.0 as f64 / n as f64);
    }
}
