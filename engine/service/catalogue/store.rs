//! Where approvals are kept: one redb file, which a killed process leaves whole.
//!
//! Every write is one transaction, and done only when it is on the disk. One process has the file open at a time.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use tamiz_core::{Digester, Label};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const TOOLS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("tools");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

const FORMAT: &[u8] = b"1";

/// Whether a tool may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Approved, and what its server listed last is what was approved.
    Pinned,
    /// Seen and not approved yet.
    Pending,
    /// Approved, and what its server listed last is something else.
    Changed,
    /// Taken out of use.
    Quarantined,
}

impl State {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Pending => "pending",
            Self::Changed => "changed",
            Self::Quarantined => "quarantined",
        }
    }
}

/// A description of a tool, or the instructions of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its keyed digest.
    pub digest: String,
    /// The canonical form of a tool; of instructions, their text.
    pub text: String,
}

/// What is kept of a tool. The record of the empty name is that of the server's instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whether it may be called.
    pub state: State,
    /// What was approved.
    pub pinned: Option<Version>,
    /// What was seen last, if that is something else.
    pub candidate: Option<Version>,
    /// Why it is in this state, if there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it can do to a conversation, if somebody said so; else it is guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Label>>,
}

/// A line of the log: who did what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number, from 1, without gaps.
    pub number: u64,
    /// Seconds since 1970, UTC.
    pub at: u64,
    /// Who.
    pub who: String,
    /// What: `pinned`, `pending`, `changed`, `returned`, `approved`, `quarantined`, `labelled`.
    pub what: String,
    /// The server.
    pub server: String,
    /// The tool; empty for the server's instructions.
    pub tool: String,
    /// Digest of what was approved before.
    pub from: Option<String>,
    /// Digest of what is meant now.
    pub to: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "{}: another process has the store open: if that is `tamiz serve`, ask it (CatalogService), or stop it", .0.display()
    )]
    Busy(PathBuf),
    /// It is not a store, or a newer one.
    #[error("{}: not a store of this version of Tamiz", .0.display())]
    Foreign(PathBuf),
    /// Its folder or file cannot be made.
    #[error("{}: the store cannot be made", .path.display())]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(#[from] Box<redb::Error>),
    /// What is in it cannot be read.
    #[error("the store is damaged: restore its file from a copy")]
    Damaged,
}

/// Runs what reads the file: redb panics at pages that cannot be.
fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(StoreError::Damaged))
}

/// Something of redb's, which writes when it is dropped and panics where a damaged file does not let it.
struct Closing<T>(Option<T>);

impl<T> Closing<T> {
    fn get(&self) -> Result<&T, StoreError> {
        self.0.as_ref().ok_or(StoreError::Damaged)
    }

    fn take(mut self) -> Result<T, StoreError> {
        self.0.take().ok_or(StoreError::Damaged)
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let inner = self.0.take();
        // What was committed is on the disk; there is nothing left to tell.
        drop(catch_unwind(AssertUnwindSafe(|| drop(inner))));
    }
}

impl<T> std::fmt::Debug for Closing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closing(…)")
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Failed(Box::new(error.into()))
            }
        }
    )*};
}
from_redb!(TransactionError, TableError, StorageError, CommitError);

/// The file.
#[derive(Debug)]
pub struct Store {
    database: Closing<Database>,
    digester: Digester,
}

impl Store {
    /// Opens the store, and makes it if there is none.
    ///
    /// # Errors
    /// When it is open elsewhere, is no store, or cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        guarded(|| Self::open_file(path))
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Create { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        create_private(path).map_err(failed)?;
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::Busy(path.to_owned()),
            DatabaseError::UpgradeRequired(_) => StoreError::Foreign(path.to_owned()),
            DatabaseError::Storage(redb::StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                StoreError::Foreign(path.to_owned())
            }
            error => StoreError::Failed(Box::new(error.into())),
        })?;
        let database = Closing(Some(database));
        let write = database.get()?.begin_write()?;
        let (key, new) = {
            let mut meta = write.open_table(META)?;
            write.open_table(TOOLS)?;
            write.open_table(LOG)?;
            let format = meta.get("format")?.map(|format| format.value().to_vec());
            match format {
                Some(format) if format != FORMAT => return Err(StoreError::Foreign(path.to_owned())),
                Some(_) => {
                    let key = meta.get("key")?.map(|key| key.value().to_vec()).ok_or(StoreError::Damaged)?;
                    (key.try_into().map_err(|_| StoreError::Damaged)?, false)
                }
                None => {
                    let mut key = [0; 32];
                    getrandom::fill(&mut key).map_err(|error| failed(io::Error::other(error)))?;
                    meta.insert("format", FORMAT)?;
                    meta.insert("key", &key[..])?;
                    (key, true)
                }
            }
        };
        if new {
            write.commit()?
        } else {
            write.abort()?
        }
        Ok(Self { database, digester: Digester::new(key) })
    }

    /// Makes digests with the store's own key.
    #[must_use]
    pub fn digester(&self) -> &Digester {
        &self.digester
    }

    /// All records of a server, by name of tool.
    ///
    /// # Errors
    /// When reading fails.
    pub fn server(&self, server: &str) -> Result<BTreeMap<String, Record>, StoreError> {
        guarded(|| {
            let read = self.database.get()?.begin_read()?;
            let tools = read.open_table(TOOLS)?;
            let mut records = BTreeMap::new();
            for entry in tools.range((server, "")..)? {
                let (key, value) = entry?;
                let (owner, tool) = key.value();
                if owner != server {
                    break;
                }
                records.insert(tool.to_owned(), read_record(&self.digester, (server, tool), value.value())?);
            }
            Ok(records)
        })
    }

    /// The record of one tool.
    ///
    /// # Errors
    /// When reading fails.
    pub fn record(&self, server: &str, tool: &str) -> Result<Option<Record>, StoreError> {
        guarded(|| {
            let read = self.database.get()?.begin_read()?;
            let tools = read.open_table(TOOLS)?;
            let record = tools.get((server, tool))?;
            record.map(|record| read_record(&self.digester, (server, tool), record.value())).transpose()
        })
    }

    /// Server and name of every tool.
    ///
    /// # Errors
    /// When reading fails.
    pub fn names(&self) -> Result<Vec<(String, String)>, StoreError> {
        guarded(|| {
            let read = self.database.get()?.begin_read()?;
            let tools = read.open_table(TOOLS)?;
            let mut names = Vec::new();
            for entry in tools.iter()? {
                let entry = entry?;
                let (server, tool) = entry.0.value();
                names.push((server.to_owned(), tool.to_owned()));
            }
            Ok(names)
        })
    }

    /// The log from entry `after` on, oldest first, at most `most`.
    ///
    /// # Errors
    /// When reading fails.
    pub fn log(&self, after: u64, most: usize) -> Result<Vec<Entry>, StoreError> {
        guarded(|| {
            let read = self.database.get()?.begin_read()?;
            let log = read.open_table(LOG)?;
            let entries = log.range(after.saturating_add(1)..)?;
            entries.take(most).map(|entry| decode(entry?.1.value())).collect()
        })
    }

    /// Begins a change of several records. Nothing of it holds before it is committed.
    ///
    /// # Errors
    /// When writing cannot begin.
    pub fn change(&self) -> Result<Change, StoreError> {
        guarded(|| {
            let write = Closing(Some(self.database.get()?.begin_write()?));
            Ok(Change { write, digester: self.digester.clone(), at: now() })
        })
    }
}

/// A record, what it was made from, and the line of the log that tells of it. The line names server and tool.
#[derive(Debug)]
pub struct Put {
    /// What was there.
    pub before: Option<Record>,
    /// What is to be there.
    pub record: Record,
    /// Who did it, and why.
    pub entry: Entry,
}

/// A change that is being made.
pub struct Change {
    write: Closing<WriteTransaction>,
    digester: Digester,
    at: u64,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Change {
    /// The record of a tool as it is now.
    ///
    /// # Errors
    /// When reading fails.
    pub fn record(&self, server: &str, tool: &str) -> Result<Option<Record>, StoreError> {
        guarded(|| {
            let tools = self.write.get()?.open_table(TOOLS)?;
            let record = tools.get((server, tool))?;
            record.map(|record| read_record(&self.digester, (server, tool), record.value())).transpose()
        })
    }

    /// Puts records in place of those they were made from, each with a line of the log, which gets the time of the change and the
    /// next number. A record that is another one by now stays as it is: what somebody decided meanwhile stands.
    ///
    /// # Errors
    /// When writing fails.
    pub fn put(&self, puts: impl IntoIterator<Item = Put>) -> Result<(), StoreError> {
        guarded(|| {
            let (mut tools, mut log) = (self.write.get()?.open_table(TOOLS)?, self.write.get()?.open_table(LOG)?);
            let mut number = log.last()?.map_or(0, |(number, _)| number.value());
            for Put { before, record, mut entry } in puts {
                let key = (entry.server.as_str(), entry.tool.as_str());
                let now: Option<Record> =
                    tools.get(key)?.map(|record| read_record(&self.digester, key, record.value())).transpose()?;
                if now != before {
                    continue;
                }
                tools.insert(key, &encode(&record)?[..])?;
                number += 1;
                (entry.number, entry.at) = (number, self.at);
                log.insert(number, &encode(&entry)?[..])?;
            }
            Ok(())
        })
    }

    /// Makes it hold. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When writing fails; then nothing of it holds.
    pub fn commit(self) -> Result<(), StoreError> {
        guarded(|| Ok(self.write.take()?.commit()?))
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|_| StoreError::Damaged)
}

fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Damaged)
}

/// The record of a tool. What it keeps has to be what its digests say, of this tool of this server.
fn read_record(digester: &Digester, (server, tool): (&str, &str), bytes: &[u8]) -> Result<Record, StoreError> {
    let record: Record = decode(bytes)?;
    let whole = |version: &Version| version.digest == digester.kept(server, tool, &version.text);
    if record.pinned.iter().chain(&record.candidate).all(whole) { Ok(record) } else { Err(StoreError::Damaged) }
}

/// Whoever can write there can approve tools: the file is its owner's alone.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.append(true).create(true).open(path).map(drop)
}

#[expect(clippy::disallowed_methods, reason = "the log says when; no verdict depends on it")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(store: &Store, server: &str, tool: &str, text: &str) -> Record {
        let version = Version { digest: store.digester().kept(server, tool, text), text: text.into() };
        Record { state: State::Pinned, pinned: Some(version), candidate: None, reason: None, labels: None }
    }

    fn put(server: &str, tool: &str, text: &str, what: &str, store: &Store) -> Put {
        let entry = Entry {
            number: 0,
            at: 0,
            who: "me".into(),
            what: what.into(),
            server: server.into(),
            tool: tool.into(),
            from: None,
            to: None,
            note: None,
        };
        Put { before: None, record: record(store, server, tool, text), entry }
    }

    #[test]
    fn what_is_committed_is_there_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/tools.redb");
        let digest = {
            let store = Store::open(&path).unwrap();
            let change = store.change().unwrap();
            change.put([put("s", "t", "x", "pinned", &store), put("s2", "t", "y", "approved", &store)]).unwrap();
            change.commit().unwrap();
            let lost = store.change().unwrap();
            lost.put([put("s", "lost", "z", "pinned", &store)]).unwrap();
            drop(lost);
            // Made from what is there no more.
            let late = store.change().unwrap();
            late.put([put("s", "t", "late", "pinned", &store)]).unwrap();
            late.commit().unwrap();
            assert!(matches!(Store::open(&path), Err(StoreError::Busy(_))));
            store.digester().instructions("s", "x")
        };
        let store = Store::open(&path).unwrap();
        assert_eq!(store.server("s").unwrap(), BTreeMap::from([("t".to_owned(), record(&store, "s", "t", "x"))]));
        assert_eq!(store.record("s2", "t").unwrap(), Some(record(&store, "s2", "t", "y")));
        // A record that got under another name approves nothing there.
        let change = store.change().unwrap();
        let moved = Put { record: record(&store, "s2", "t", "y"), ..put("s2", "moved", "y", "approved", &store) };
        change.put([moved]).unwrap();
        change.commit().unwrap();
        assert!(matches!(store.record("s2", "moved"), Err(StoreError::Damaged)));
        assert!(matches!(store.server("s2"), Err(StoreError::Damaged)));
        assert_eq!(store.names().unwrap().len(), 3);
        let log = store.log(0, 10).unwrap();
        assert_eq!(
            log.iter().map(|entry| (entry.number, entry.what.as_str())).collect::<Vec<_>>(),
            [(1, "pinned"), (2, "approved"), (3, "approved")]
        );
        assert!(log[0].at > 1_700_000_000);
        assert_eq!(store.log(1, 10).unwrap().len(), 2);
        assert_eq!(store.digester().instructions("s", "x"), digest);
    }

    #[test]
    fn what_is_no_store_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "not a store at all, but a text of some length".repeat(300)).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
        assert!(fs::read_to_string(&path).unwrap().starts_with("not a store"));
    }
}
