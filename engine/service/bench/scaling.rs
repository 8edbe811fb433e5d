//! Whole scans on more and more threads: what memory, caches and turbo clocks leave of the speed of one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tamiz_core::{Engine, Scanner};

use super::measure::{middle, scan};
use super::{ScalingFigure, Text, adversarial::ADVERSARIAL, machine};
use crate::texts;

/// Sizes of the pieces that are scanned.
const PIECES: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];
/// Measurements per number of threads, whatever the time says.
const FEWEST: usize = 2;

/// Scans the chosen texts in pieces, as many times over as there are threads.
pub(super) fn measure(engine: &Engine, chosen: &[Text], time: Duration) -> anyhow::Result<Vec<ScalingFigure>> {
    let pieces = pieces(engine, chosen);
    let bytes: usize = pieces.iter().map(Vec::len).sum();
    let counts = threads(machine::threads());
    let share = time / u32::try_from(counts.len()).unwrap_or(1);
    let mut of_one = None;
    let mut figures = Vec::new();
    for threads in counts {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.context("worker threads could not be started")?;
        let scanners: Vec<Mutex<Scanner>> = (0..threads).map(|_| Mutex::new(engine.scanner())).collect();
        let all = || {
            let next = AtomicUsize::new(0);
            // Largest first, whoever is free takes the next: so nobody is left with a large one at the end.
            let worker = |worker: rayon::BroadcastContext<'_>| {
                let mut scanner = scanners[worker.index()].lock().unwrap_or_else(PoisonError::into_inner);
                let mine = std::iter::repeat_with(|| pieces.get(next.fetch_add(1, Ordering::Relaxed) / threads));
                mine.map_while(|piece| Some(scan(&mut scanner, piece?))).sum::<u64>()
            };
            pool.broadcast(worker).into_iter().sum::<u64>()
        };
        let started = Instant::now();
        // The first round warms the scanners up. The first number of threads is one: it says what each has to come to.
        let warm = all();
        let expected = *of_one.get_or_insert(warm) * threads as u64;
        let mut times = Vec::new();
        while times.len() < FEWEST || started.elapsed() < share {
            let started = Instant::now();
            let count = all();
            times.push(started.elapsed().as_secs_f64());
            if count != expected {
                bail!("{threads} threads counted {count}, and not {expected}");
            }
        }
        times.sort_by(f64::total_cmp);
        figures.push(ScalingFigure { threads, mb_per_s: (bytes * threads) as f64 / middle(&times) / 1e6 });
    }
    Ok(figures)
}

/// 1, 2, 4 … and all there are.
fn threads(most: usize) -> Vec<usize> {
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count < most).collect();
    counts.push(most);
    counts
}

/// The chosen texts in pieces. Texts made to be dear only where nothing else was chosen: they would be most of the time.
fn pieces(engine: &Engine, chosen: &[Text]) -> Vec<Vec<u8>> {
    let named = |name: &str| chosen.iter().any(|text| text.name == name);
    let mut pieces = Vec::new();
    let sorts: Vec<_> = texts::all().filter(|sort| named(sort.name)).collect();
    if sorts.len() < PIECES.len() {
        pieces.extend(sorts.iter().flat_map(|sort| PIECES.map(|size| texts::sized(sort, size))));
    } else {
        pieces.extend(sorts.iter().zip(PIECES.iter().cycle()).map(|(sort, size)| texts::sized(sort, *size)));
    }
    if pieces.is_empty() {
        let literals = engine.rules().literals();
        for (_, make) in ADVERSARIAL.iter().filter(|(name, _)| named(name)) {
            pieces.push(make(literals, PIECES[0]));
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    pieces
}

#[cfg(test)]
mod tests {
    #[test]
    fn threads_double_up_to_all() {
        assert_eq!(super::threads(1), [1]);
        assert_eq!(super::threads(2), [1, 2]);
        assert_eq!(super::threads(6), [1, 2, 4, 6]);
        assert_eq!(super::threads(8), [1, 2, 4, 8]);
    }
}
