fn main() {
    let engine = tamiz_core::Engine::builder().build().unwrap();
    let mut bad = 0;
    let mut n = 0;
    for (rule, outcome) in tamiz_core::check_examples(&engine) {
        n += outcome.found.1;
        for p in &outcome.problems {
            bad += 1;
            if bad < 15 {
                println!("{} {:?}", rule.id, outcome.found);
                let _ = p;
            }
        }
    }
    println!("{bad} problems of {n}");
}
