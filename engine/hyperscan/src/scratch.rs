//! Working memory.

use std::fmt;

use crate::database::Database;
use crate::error::{ScanError, Status};
use crate::ffi::{RawDatabase, RawScratch};

/// With more databases than this in turn, memory is allocated again and again.
const KEPT: usize = 4;

/// The working memory of one worker, for scans with any database. Make one per thread and keep it.
///
/// It holds a piece of memory for each of the last four databases that it was used with, a few KB to a few hundred KB each, and makes it
/// at the first scan; that costs some 100 µs per MB of database. Databases do not share a piece, although Hyperscan's manual allows it:
/// version 5.4.1 refuses that. A piece stays until it is pushed out or the scratch is dropped, also when its database is gone.
#[derive(Default)]
pub struct Scratch {
    /// The last used is the first.
    pieces: Vec<RawScratch>,
}

impl Scratch {
    /// Holds no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the memory for this database now, so that the first scan need not.
    ///
    /// # Errors
    /// [`ScanError::Scratch`].
    pub fn prepare(&mut self, database: &Database) -> Result<(), ScanError> {
        match database.raw() {
            Some(raw) => self.piece_for(raw).map(|_| ()).map_err(ScanError::Scratch),
            None => Ok(()),
        }
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.size().unwrap_or(0)).sum()
    }

    /// The memory for this database, which is made where it is missing.
    pub(crate) fn piece_for(&mut self, database: &RawDatabase) -> Result<&mut RawScratch, Status> {
        match self.pieces.iter().position(|piece| piece.database() == database.id()) {
            Some(place) => self.pieces[..=place].rotate_right(1),
            None => {
                let piece = RawScratch::new(database)?;
                self.pieces.truncate(KEPT - 1);
                self.pieces.insert(0, piece);
            }
        }
        Ok(&mut self.pieces[0])
    }

    /// Forgets the piece used last. After an error nobody knows what state it is in.
    pub(crate) fn forget_last(&mut self) {
        if !self.pieces.is_empty() {
            self.pieces.remove(0);
        }
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let databases: Vec<u64> = self.pieces.iter().map(RawScratch::database).collect();
        formatter.debug_struct("Scratch").field("databases", &databases).finish()
    }
}
