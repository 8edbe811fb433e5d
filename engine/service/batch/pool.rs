//! Scanners that keep their memory from one batch to the next.
//!
//! A scanner warms up: expressions grow their automata as they run. rayon makes a worker's state anew for every split of a
//! batch, so without a pool most contents would meet a cold scanner.

use std::ops::{Deref, DerefMut};
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

    /// A scanner, until the lease is dropped.
    #[must_use]
    pub fn lease(&self) -> Lease<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lease { scanner: Some(idle.unwrap_or_else(|| self.engine.scanner())), pool: &self.idle, engine: self.engine }
    }
}

/// A scanner on loan.
#[derive(Debug)]
pub struct Lease<'p> {
    scanner: Option<Scanner>,
    pool: &'p Mutex<Vec<Scanner>>,
    engine: &'p Engine,
}

impl Deref for Lease<'_> {
    type Target = Scanner;

    fn deref(&self) -> &Scanner {
        self.scanner.as_ref().unwrap_or_else(|| unreachable!("a lease has its scanner until it is dropped"))
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Scanner {
        self.scanner.get_or_insert_with(|| self.engine.scanner())
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).extend(self.scanner.take());
    }
}
