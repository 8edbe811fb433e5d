use std::time::Instant;
use tamiz_core::*;
fn main(){
 let t=Instant::now(); let r=RuleSet::builtin(); println!("parse {:?}", t.elapsed());
 let t=Instant::now(); let e=Engine::builder().rules(r).build().unwrap(); println!("engine {:?}", t.elapsed());
 println!("{:?}", e.backends());
 let text=std::fs::read_to_string("/tmp/mixed.jsonl").unwrap();
 let recs:Vec<String>=text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["text"].as_str().unwrap().to_owned()).collect();
 let bytes:usize=recs.iter().map(|r|r.len()).sum();
 let mut s=e.scanner();
 for pass in 0..4 { let t=Instant::now(); let mut n=0; let (mut v,mut m)=(0,0);
  for r in &recs { let c=Content::new(ContentKind::ToolOutput,r.as_bytes()).with_format(Format::Text); let rep=s.inspect(&c,&ScanControl::unlimited()); n+=rep.findings.len(); v+=rep.timings_us.view; m+=rep.timings_us.matching; }
  println!("pass {pass} {:?} {:.1} MB/s findings {n} view {v} matching {m}", t.elapsed(), bytes as f64/1e6/t.elapsed().as_secs_f64()); }
}
