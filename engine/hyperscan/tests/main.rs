//! What this layer promises, tested from outside.

mod cache;
mod differential;
mod misuse;
mod scan;

use std::ops::ControlFlow;

use tamiz_hyperscan::{Database, Match, Outcome, ScanError, Scratch};

/// Tests return what went wrong.
type Tested = Result<(), Box<dyn std::error::Error>>;

/// All matches, in order of id and end.
fn all(database: &Database, scratch: &mut Scratch, haystack: &[u8]) -> Result<Vec<(u32, usize)>, ScanError> {
    let mut found = Vec::new();
    let outcome = database.scan(scratch, haystack, |Match { id, end }| {
        found.push((id, end));
        ControlFlow::Continue(())
    })?;
    assert_eq!(outcome, Outcome::Finished);
    found.sort_unstable();
    Ok(found)
}
