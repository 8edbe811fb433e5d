//! How fast are literals found, by their number?
//!
//! ```text
//! cargo run --release --example throughput -- [--literals FILE | --count N,N,…] [--passes N] TEXT…
//! ```
//!
//! Literals are two to four words in a row, drawn at random from the words of the texts, so that they look like what is scanned and
//! mostly are not in it; or the lines of a file. They are looked for in blocks of 2 KB and of 1 MB of each text, ASCII case aside. The
//! best of the passes counts: other work on the machine only ever makes a pass slower.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::time::Instant;

use tamiz_hyperscan::{Database, Scratch, self_test, version};

fn main() -> Result<(), Box<dyn Error>> {
    let mut counts = vec![1_000, 5_000, 30_000];
    let mut passes = 5;
    let mut fixed = None;
    let mut texts = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--count" => counts = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--passes" => passes = value()?.parse()?,
            "--literals" => fixed = Some(lines(&fs::read(value()?)?)),
            path => texts.push((path.to_owned(), fs::read(path)?)),
        }
    }
    if texts.is_empty() {
        return Err("no text given: throughput [--literals FILE | --count N,N,…] [--passes N] TEXT…".into());
    }
    println!("libhs {}, self-test {:?}", version().trim(), self_test()?);
    match fixed {
        Some(literals) => measure(&literals, &texts, passes),
        None => counts.into_iter().try_for_each(|count| measure(&random(count, &texts)?, &texts, passes)),
    }
}

fn measure(literals: &[Vec<u8>], texts: &[(String, Vec<u8>)], passes: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let database = Database::literals(literals, true)?;
    println!(
        "{} literals: compiled in {:.0} ms, {} KB, {}",
        literals.len(),
        start.elapsed().as_secs_f64() * 1e3,
        database.size_bytes() / 1024,
        database.info()
    );
    let mut scratch = Scratch::new();
    for (name, text) in texts {
        for block in [2 << 10, 1 << 20] {
            let (mut best, mut matches) = (f64::INFINITY, 0_u64);
            for _ in 0..passes {
                matches = 0;
                let start = Instant::now();
                for piece in text.chunks(block) {
                    database.scan(&mut scratch, piece, |_| {
                        matches += 1;
                        ControlFlow::Continue(())
                    })?;
                }
                best = best.min(start.elapsed().as_secs_f64());
            }
            let bytes = text.len() as f64;
            println!(
                "  {:>4} KB blocks: {:>6.0} MB/s, {:>8.0} ns a block, {:>7.2} matches per KB   {name}",
                block >> 10,
                bytes / best / 1e6,
                best * 1e9 / (bytes / block as f64),
                matches as f64 / (bytes / 1024.0),
            );
        }
    }
    Ok(())
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let lines: BTreeSet<_> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_ascii_lowercase).collect();
    lines.into_iter().filter(|line| line.len() >= 3).collect()
}

/// So many different literals of 7 to 40 bytes.
fn random(count: usize, texts: &[(String, Vec<u8>)]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let words: Vec<Vec<u8>> = texts
        .iter()
        .flat_map(|(_, text)| text.split(|byte| !byte.is_ascii_alphanumeric()))
        .filter(|word| (2..16).contains(&word.len()))
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit.max(1) as u64) as usize
    };
    let mut literals = BTreeSet::new();
    for _ in 0..count.saturating_mul(100) {
        if literals.len() == count || words.is_empty() {
            break;
        }
        let many = 2 + below(3);
        let phrase: Vec<&[u8]> = (0..many).map(|_| words[below(words.len())].as_slice()).collect();
        let literal = phrase.join(&b' ');
        if (7..=40).contains(&literal.len()) {
            literals.insert(literal);
        }
    }
    if literals.len() < count {
        return Err(format!("the texts have too few words for {count} literals").into());
    }
    Ok(literals.into_iter().collect())
}
