//! Work at start-up on all cores: reading rules and building matchers is what a command on one small file waits for.

use std::thread;

/// More threads than this would wait for memory.
const MOST: usize = 8;

/// `each` of every item, in order, on as many threads as the machine runs at once, each with at least `least` items.
///
/// A thread that the system does not start is done without.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], least: usize, each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MOST);
    let share = items.len().div_ceil(cores).max(least).max(1);
    let of_part = |part: &[T]| part.iter().map(&each).collect::<Vec<R>>();
    thread::scope(|scope| {
        let mut parts = items.chunks(share);
        let here = parts.next().unwrap_or_default();
        let others: Vec<_> =
            parts.map(|part| (part, thread::Builder::new().spawn_scoped(scope, move || of_part(part)))).collect();
        let mut all = of_part(here);
        for (part, other) in others {
            match other.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(done)) => all.extend(done),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => all.extend(of_part(part)),
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_one_thread_would() {
        for count in [0, 1, 2, 3, 7, 8, 9, 100] {
            let items: Vec<usize> = (0..count).collect();
            for least in [0, 1, 5, 1000] {
                assert_eq!(map(&items, least, |item| item * 3), items.iter().map(|item| item * 3).collect::<Vec<_>>());
            }
        }
    }
}
