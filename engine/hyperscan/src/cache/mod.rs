//! Compiled databases on disk, so that a start takes a millisecond instead of seconds.

mod file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::database::Database;
use crate::error::CompileError;
use crate::ffi::RawDatabase;
use crate::library::{self, Platform};
use crate::scratch::Scratch;

pub(crate) use file::Verified;

/// Files with older packs and of older libraries are deleted beyond this many.
const KEPT: usize = 16;
/// No writer takes so long.
const ABANDONED: Duration = Duration::from_secs(3_600);

/// A directory with compiled databases.
///
/// # Trust
/// **A cache file must be trusted like code.** Hyperscan believes every byte of a database: whoever can write one can make the process
/// read and write memory that is not its own. The checksum in the file finds accidents, not attackers, for there is no secret in it.
/// So the directory and the file must belong to the user that the process acts as, and nobody else may be able to write to them
/// (directories are made with mode 0700, files with 0600); a symbolic link is not followed to a file. What fails that is not read. The
/// directories above are not looked at: put the cache where nobody else can rename things (not directly below `/tmp`). Never copy
/// cache files between machines or into an image: compile them there.
///
/// # Guarantees
/// A database comes back only if the file's format, the whole key and the checksum agree, and the library accepts it. The key is a
/// BLAKE3 digest of what the caller gives, the library's version, the processor's features and the version of the format. Anything else
/// is a miss, and a miss is never an error. Files are written aside, synced and renamed, so readers see the whole file or none, whoever
/// writes at once. The newest 16 files stay.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

/// A database, and where it is from.
#[derive(Debug, Clone)]
pub struct Cached {
    /// The database.
    pub database: Database,
    /// Where it is from.
    pub origin: Origin,
    /// Why it was not written to the cache, where it should have been. Not an error: the next start compiles again.
    pub not_stored: Option<String>,
}

/// Where a database is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The cache.
    Hit,
    /// It was compiled.
    Compiled {
        /// Because of this.
        why: Reason,
    },
}

/// Why a cached database was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There was none.
    #[error("not in the cache")]
    Absent,
    /// The file could not be read.
    #[error("the cache file cannot be read: {0}")]
    Unreadable(String),
    /// Somebody else could have written the file.
    #[error("the cache file is not trusted: {0}")]
    Distrusted(String),
    /// The file is of another version of this layer, or for another key than its name says.
    #[error("the cache file is stale: {0}")]
    Stale(&'static str),
    /// The file is damaged.
    #[error("the cache file is damaged: {0}")]
    Damaged(&'static str),
    /// The library does not accept it.
    #[error("the cached database is refused: {0}")]
    Refused(String),
}

impl Cache {
    /// A cache in this directory. It is made, private, when first written to; nothing is touched before.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The database for `key_material`: from the cache, or else compiled by `compile` and written to the cache.
    ///
    /// `key_material` must tell apart everything that `compile` depends on: a digest of the literals or rules, and every choice beside
    /// them (case, flags). The library and the processor are added here.
    ///
    /// # Cost
    /// A hit: reading the file, hashing it, copying it; some 0.7 ms per MB. A miss: what `compile` takes, and the writing.
    ///
    /// # Errors
    /// Those of `compile`, and [`CompileError::Library`]. Trouble with files is told in [`Cached`].
    pub fn get_or_compile(
        &self,
        key_material: &[u8],
        compile: impl FnOnce() -> Result<Database, CompileError>,
    ) -> Result<Cached, CompileError> {
        let key = key(key_material, &library::version(), library::platform()?);
        let why = match self.load(&key) {
            Ok(database) => return Ok(Cached { database, origin: Origin::Hit, not_stored: None }),
            Err(why) => why,
        };
        let database = compile()?;
        let not_stored = self.store(&key, &database).err();
        Ok(Cached { database, origin: Origin::Compiled { why }, not_stored })
    }

    fn path(&self, key: &blake3::Hash) -> PathBuf {
        self.directory.join(format!("{}.{}", key.to_hex(), file::EXTENSION))
    }

    fn load(&self, key: &blake3::Hash) -> Result<Database, Reason> {
        file::trust_directory(&self.directory)?;
        let content = file::read(&self.path(key))?;
        let payload = content.verify(key)?;
        let refused = |why: &dyn ToString| Reason::Refused(why.to_string());
        let raw = RawDatabase::deserialize(payload).map_err(|status| refused(&status))?;
        let database = Database::from_raw(raw).map_err(|status| refused(&status))?;
        if !database.info().ends_with("Mode: BLOCK") {
            return Err(refused(&database.info()));
        }
        // The library looks at a database most closely when it makes scratch memory for it.
        Scratch::new().prepare(&database).map_err(|error| refused(&error))?;
        Ok(database)
    }

    fn store(&self, key: &blake3::Hash, database: &Database) -> Result<(), String> {
        // The empty set costs nothing to compile.
        let Some(raw) = database.raw() else { return Ok(()) };
        let payload = raw.serialize().map_err(|status| format!("it cannot be serialised: {status}"))?;
        let failed = |error: io::Error| format!("{}: {error}", self.directory.display());
        file::make_directory(&self.directory).map_err(failed)?;
        file::trust_directory(&self.directory).map_err(|reason| reason.to_string())?;
        file::write(&self.path(key), key, &payload).map_err(failed)?;
        self.prune();
        Ok(())
    }

    /// Deletes the oldest files beyond the limit, and what writers left that died. What cannot be deleted stays.
    fn prune(&self) {
        let mut files = self.files_with(file::EXTENSION);
        files.sort();
        let Some((newest, _)) = files.last() else { return };
        let abandoned =
            |(written, _): &(SystemTime, PathBuf)| newest.duration_since(*written).is_ok_and(|age| age > ABANDONED);
        let left: Vec<_> = self.files_with(file::ASIDE).into_iter().filter(abandoned).collect();
        for (_, path) in files.iter().rev().skip(KEPT).chain(&left) {
            let _ = fs::remove_file(path);
        }
    }

    /// When each was written, and where it is.
    fn files_with(&self, extension: &str) -> Vec<(SystemTime, PathBuf)> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let paths = paths.filter(|path| path.extension().is_some_and(|end| end == extension));
        paths.filter_map(|path| Some((fs::symlink_metadata(&path).ok()?.modified().ok()?, path))).collect()
    }
}

/// Every part with its length, so that no two lists of parts give the same bytes.
fn key(material: &[u8], version: &str, platform: Platform) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let parts: [&[u8]; 6] = [
        b"tamiz-hyperscan cache",
        &file::FORMAT.to_le_bytes(),
        version.as_bytes(),
        &platform.tune.to_le_bytes(),
        &platform.cpu_features.to_le_bytes(),
        material,
    ];
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Platform = Platform { tune: 1, cpu_features: 4 };

    #[test]
    fn the_key_depends_on_everything() {
        let mut keys = vec![
            key(b"rules", "5.4.0 2021", HERE),
            key(b"rule", "5.4.0 2021", HERE),
            key(b"rules", "5.4.1 2021", HERE),
            key(b"rules", "5.4.0 2021", Platform { tune: 2, ..HERE }),
            key(b"rules", "5.4.0 2021", Platform { cpu_features: 12, ..HERE }),
            key(b"1rules", "5.4.0 202", HERE),
            key(b"", "", HERE),
        ];
        let count = keys.len();
        keys.sort_by_key(|key| *key.as_bytes());
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert_eq!(key(b"rules", "5.4.0", HERE), key(b"rules", "5.4.0", HERE));
    }

    #[test]
    fn a_database_of_another_key_is_stale_even_under_the_right_name() -> Result<(), Box<dyn std::error::Error>> {
        let home = tempfile::tempdir()?;
        let cache = Cache::new(home.path());
        let (one, other) = (key(b"one", "5.4.0", HERE), key(b"other", "5.4.0", HERE));
        cache.store(&one, &Database::literals(["needle"], true)?)?;
        fs::copy(cache.path(&one), cache.path(&other))?;
        assert!(cache.load(&one).is_ok());
        assert_eq!(cache.load(&other).err(), Some(Reason::Stale("it is for another key")));
        Ok(())
    }

    #[test]
    fn a_payload_that_the_library_refuses_is_a_miss() -> Result<(), Box<dyn std::error::Error>> {
        let home = tempfile::tempdir()?;
        let cache = Cache::new(home.path());
        let key = key(b"rules", "5.4.0", HERE);
        file::make_directory(home.path())?;
        file::write(&cache.path(&key), &key, b"this is no database")?;
        assert!(matches!(cache.load(&key), Err(Reason::Refused(_))));
        Ok(())
    }

    #[test]
    fn only_the_newest_files_stay() -> Result<(), Box<dyn std::error::Error>> {
        let home = tempfile::tempdir()?;
        let cache = Cache::new(home.path());
        let database = Database::literals(["needle"], true)?;
        fs::write(home.path().join("somebody's file"), "stays")?;
        fs::write(home.path().join("being-written.0.new"), "stays")?;
        let abandoned = fs::File::create(home.path().join("abandoned.0.new"))?;
        abandoned.set_modified(SystemTime::UNIX_EPOCH)?;
        let keys: Vec<_> = (0..KEPT as u8 + 4).map(|number| key(&[number], "5.4.0", HERE)).collect();
        for key in &keys {
            cache.store(key, &database)?;
        }
        assert_eq!(fs::read_dir(home.path())?.count(), KEPT + 2);
        assert!(!home.path().join("abandoned.0.new").exists());
        assert!(cache.load(&keys[keys.len() - 1]).is_ok());
        Ok(())
    }
}
