//! The tool catalogue: what servers said of their tools when somebody approved them, kept, and compared with what they say now.
//!
//! [`Catalogue::look`] reads a listing: a tool seen for the first time is pinned or waits, by choice; one that is not what was
//! pinned may not be called until somebody approves it. Every change of what may be called is a line of the log. The comparing
//! is `tamiz_core`'s; the keeping is [`Store`]'s.

mod call;
mod flow;
mod look;
mod outcome;
mod schema;
mod store;

use std::path::Path;

use tamiz_core::{Engine, ListingError, Tool, ToolChange, diff};

pub use call::CallOutcome;
pub use flow::{FlowOutcome, LabelledCall};
pub use look::{FirstSight, Look};
pub use outcome::{CatalogueFinding, Outcome, Status, ToolReport};
pub use store::{Entry, Put, Record, State, Store, StoreError, Version};

/// Shortest beginning of a digest that names a description.
const SHORTEST_DIGEST: usize = 8;
/// Longest name of a server, of a person, or reason, in bytes.
const LONGEST_TEXT: usize = 512;

/// Why the catalogue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// What was given is no listing.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was given is no call.
    #[error("no call in it: expected a tools/call message, or its params with the `name` of a tool")]
    NoCall,
    /// The tool is not known.
    #[error("no such tool in the catalogue: `tamiz tools list` shows them all")]
    NoSuchTool,
    /// There is nothing that could be approved.
    #[error("nothing waits for approval: the tool is what was approved")]
    NothingToApprove,
    /// Somebody approves something else than what was seen last.
    #[error("the digest is not that of what waits for approval: look at it again (`tamiz tools diff`)")]
    OtherDigest,
    /// A text is empty or too long.
    #[error("{0}: 1 to 512 bytes are needed")]
    Text(&'static str),
}

/// Who asks, and why; for the log.
#[derive(Debug, Clone, Default)]
pub struct By {
    /// Who.
    pub who: String,
    /// Why.
    pub note: Option<String>,
}

/// Approvals, and the engine that reads descriptions.
#[derive(Debug)]
pub struct Catalogue {
    store: Store,
    engine: Engine,
}

impl Catalogue {
    /// Opens the store at `path`, and makes it if there is none.
    ///
    /// # Errors
    /// When it is open elsewhere, is no store, or cannot be made.
    pub fn open(path: &Path, engine: Engine) -> Result<Self, CatalogueError> {
        Ok(Self { store: Store::open(path)?, engine })
    }

    /// Where everything is kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What reads descriptions.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Approves what was seen last of a tool. A `digest`, or its first eight digits or more, must be that of it; so nobody
    /// approves something else than what was read. The empty name approves the server's instructions.
    ///
    /// # Errors
    /// When nothing waits for approval, or something else than `digest`.
    pub fn approve(&self, server: &str, tool: &str, digest: Option<&str>, by: &By) -> Result<Record, CatalogueError> {
        let by = checked(server, by)?;
        let change = self.store.change()?;
        let mut record = change.record(server, tool)?.ok_or(CatalogueError::NoSuchTool)?;
        let before = Some(record.clone());
        let approved = match (record.candidate.take(), &record.pinned) {
            (Some(candidate), _) => candidate,
            // Out of quarantine, as it was.
            (None, Some(pinned)) if record.state != State::Pinned => pinned.clone(),
            (None, _) => return Err(CatalogueError::NothingToApprove),
        };
        if digest.is_some_and(|digest| digest.len() < SHORTEST_DIGEST || !approved.digest.starts_with(digest)) {
            return Err(CatalogueError::OtherDigest);
        }
        let entry = by.entry("approved", server, tool, record.pinned.as_ref(), Some(&approved));
        record = Record { state: State::Pinned, pinned: Some(approved), candidate: None, reason: None, ..record };
        change.put([Put { before, record: record.clone(), entry }])?;
        change.commit()?;
        Ok(record)
    }

    /// Takes a tool out of use until somebody approves it.
    ///
    /// # Errors
    /// When the tool is not known.
    pub fn quarantine(&self, server: &str, tool: &str, by: &By) -> Result<Record, CatalogueError> {
        let by = checked(server, by)?;
        let change = self.store.change()?;
        let mut record = change.record(server, tool)?.ok_or(CatalogueError::NoSuchTool)?;
        let before = Some(record.clone());
        record.state = State::Quarantined;
        record.reason.clone_from(&by.note);
        let entry = by.entry("quarantined", server, tool, record.pinned.as_ref(), record.candidate.as_ref());
        change.put([Put { before, record: record.clone(), entry }])?;
        change.commit()?;
        Ok(record)
    }

    /// What changed between what is approved of a tool and what was seen last. Empty if nothing did.
    ///
    /// # Errors
    /// When the tool is not known.
    pub fn diff(&self, server: &str, tool: &str) -> Result<(Record, Vec<ToolChange>), CatalogueError> {
        let record = self.store.record(server, tool)?.ok_or(CatalogueError::NoSuchTool)?;
        let changes = match (&record.pinned, &record.candidate) {
            (Some(old), Some(new)) if !tool.is_empty() => {
                let parsed = |version: &Version| Tool::from_canonical(tool, version.text.clone());
                self.with_orders(&parsed(old)?, &parsed(new)?)
            }
            (Some(old), Some(new)) => diff(&old.text.clone().into(), &new.text.clone().into()),
            _ => Vec::new(),
        };
        Ok((record, changes))
    }
}

/// The same, if its texts are neither empty nor too long.
fn checked<'b>(server: &str, by: &'b By) -> Result<&'b By, CatalogueError> {
    let fits = |text: &str| !text.is_empty() && text.len() <= LONGEST_TEXT;
    if !fits(server) {
        return Err(CatalogueError::Text("the server's name"));
    }
    if !fits(&by.who) {
        return Err(CatalogueError::Text("who asks"));
    }
    if by.note.as_deref().is_some_and(|note| !fits(note)) {
        return Err(CatalogueError::Text("the reason"));
    }
    Ok(by)
}

impl By {
    fn entry(&self, what: &str, server: &str, tool: &str, from: Option<&Version>, to: Option<&Version>) -> Entry {
        let digest = |version: Option<&Version>| version.map(|version| version.digest.clone());
        Entry {
            number: 0,
            at: 0,
            who: self.who.clone(),
            what: what.to_owned(),
            server: server.to_owned(),
            tool: tool.to_owned(),
            from: digest(from),
            to: digest(to),
            note: self.note.clone(),
        }
    }
}

/// A time of the log as RFC 3339 has it.
#[must_use]
pub fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years from March on: the leap day is the last of a year, and 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", era * 400 + year)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn times_are_told_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
