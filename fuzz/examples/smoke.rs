//! A short fuzz run on stable Rust: every target over its seeds, then over a fixed number of mutations of them.
//!
//! ```sh
//! cargo run --manifest-path fuzz/Cargo.toml --no-default-features --example smoke -- [RUNS [SEED [TARGET…]]]
//! ```
//!
//! RUNS is how many mutations, or how long: `600s`. The same SEED makes the same inputs. An input that breaks a promise is written to `fuzz/artifacts/<target>/`, and the run fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, panic};

use tamiz_fuzz::TARGETS;

const DEFAULT_RUNS: u64 = 3_000;
/// One input may take this long; small inputs that take longer are defects too.
const SLOWEST: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let runs = arguments.next().unwrap_or_else(|| DEFAULT_RUNS.to_string());
    let number = |text: &str| text.parse::<u64>().expect("RUNS and SEED are numbers");
    let (runs, longest) = match runs.strip_suffix('s') {
        Some(seconds) => (u64::MAX, Duration::from_secs(number(seconds))),
        None => (number(&runs), Duration::MAX),
    };
    let seed = arguments.next().map_or(1, |text| number(&text));
    let only: Vec<String> = arguments.collect();
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut failed = false;
    for (name, target) in
        TARGETS.into_iter().filter(|(name, _)| only.is_empty() || only.iter().any(|only| only == name))
    {
        let seeds = read_seeds(&home.join("seeds").join(name));
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let started = Instant::now();
        let mut done = 0_u64;
        let mutated = (0..runs).take_while(|_| started.elapsed() < longest).map(|_| {
            done += 1;
            mutate(&seeds, &mut random)
        });
        for input in seeds.iter().cloned().chain(mutated) {
            let one = Instant::now();
            let ended = panic::catch_unwind(|| target(&input));
            if ended.is_err() || one.elapsed() > SLOWEST {
                let file = keep(&home.join("artifacts").join(name), &input);
                eprintln!("{name}: failed after {:.1?}; the input is {}", one.elapsed(), file.display());
                failed = true;
                break;
            }
        }
        println!("{name}: {} seeds, {done} mutations, {:.1} s", seeds.len(), started.elapsed().as_secs_f64());
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The seed files in order of name.
fn read_seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{}: no seeds", folder.display());
    files.iter().map(|file| fs::read(file).expect("a readable seed")).collect()
}

fn keep(folder: &Path, input: &[u8]) -> PathBuf {
    fs::create_dir_all(folder).expect("fuzz/artifacts can be made");
    let sum = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let file = folder.join(format!("smoke-{sum:016x}"));
    fs::write(&file, input).expect("fuzz/artifacts can be written");
    file
}

/// xorshift64*: enough to vary inputs, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % limit.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Pieces that mean something to some part of the path.
#[rustfmt::skip]
const PIECES: [&[u8]; 28] = [
    b"\"", b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\\u0069", b"\\ud83d", b"%69", b"%2569", b"&#105;", b"&amp;", b"&lt",
    b"zebra", b"emVicmEgemVicmEgemVicmE=", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\n", b"\x1b]8;;", b"\xe2\x80\x8b",
    b"\xe2\x80\xae", b"\xf3\xa0\x81\xa9", b"\xef\xbd\x8a", b"-1e400",
];

fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(seeds).clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(24)).min(input.len());
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.below(256) as u8,
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            5 => {
                let other = random.pick(seeds);
                let from = random.below(other.len() + 1);
                let part = other[from..].iter().take(64).copied();
                input.splice(at..end, part);
            }
            6 => {
                let piece = *random.pick(&PIECES);
                let times = 1 + random.below(6) * random.below(8);
                input.splice(at..at, piece.repeat(times));
            }
            _ => {
                input.splice(at..at, random.pick(&PIECES).iter().copied());
            }
        }
        input.truncate(1 << 16);
    }
    input
}
