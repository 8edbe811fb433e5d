//! Scanners that keep their memory from one content to the next.
//!
//! A scanner warms up: expressions grow their automata as they run. rayon makes a worker's state anew for every split of a
//! batch, so without a pool most contents would meet a cold scanner.

use std::sync::{Mutex, PoisonError};

use tamiz_core::{Engine, Scanner};

/// As many scanners as were ever in use at once.
#[derive(Debug)]
pub struct ScannerPool<'e> {
    engine: &'e Engine,
    idle: Mutex<Vec<Scanner>>,
}

impl<'e> ScannerPool<'e> {
    /// An empty pool.
    #[must_use]
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine, idle: Mutex::default() }
    }

    /// Does some work with a scanner. The lock is held to take and to return it, not while it works.
    pub fn with<T>(&self, work: impl FnOnce(&mut Scanner) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut scanner = taken.unwrap_or_else(|| self.engine.scanner());
        let result = work(&mut scanner);
        idle().push(scanner);
        result
    }
}
