//! The cache file: its format, who may have written it, and how it is written.
//!
//! ```text
//! magic 8 · format version u32 · key 32 · length of the payload u64 · BLAKE3 of the payload 32 · payload      (little endian)
//! ```

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process;

use super::Reason;
use crate::ffi;

/// Of the files. With any change here, and with any change of what [`RawDatabase`](crate::ffi::RawDatabase) makes of the same
/// patterns, a new number.
pub(super) const FORMAT: u32 = 1;
pub(super) const EXTENSION: &str = "hsdb";
/// Of a file while it is being written.
pub(super) const ASIDE: &str = "new";

const MAGIC: &[u8; 8] = b"tamiz-hs";
const HEADER: usize = 8 + 4 + 32 + 8 + 32;
/// The largest file that is read. 30,000 literals take 4 MB.
const LARGEST: u64 = 1 << 30;
/// Not for the group, not for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Bytes that this layer has got from the library and written: checksum and key agree, and nobody else could write the file.
///
/// Only [`Content::verify`] makes one, after these checks. `ffi.rs` relies on it.
pub(crate) struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The bytes of a file that only this user can write to.
#[derive(Debug)]
pub(super) struct Content(Vec<u8>);

/// Reads the file, if it belongs to this user alone.
pub(super) fn read(path: &Path) -> Result<Content, Reason> {
    let unreadable = |error: io::Error| Reason::Unreadable(error.to_string());
    // A link could lead to a file that somebody else chose, and opening a pipe could wait forever.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Reason::Absent),
        Err(error) => return Err(unreadable(error)),
    };
    // Of the open file, so that it cannot be another one by now.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Reason::Distrusted("it is not a regular file".to_owned()));
    }
    trust(&metadata)?;
    if metadata.len() > LARGEST {
        return Err(Reason::Damaged("it is too large"));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    (&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Content(bytes))
}

impl Content {
    /// The payload, if it is whole and for this key.
    pub(super) fn verify(&self, key: &blake3::Hash) -> Result<Verified<'_>, Reason> {
        let Some((header, payload)) = self.0.split_at_checked(HEADER) else {
            return Err(Reason::Damaged("it is too short"));
        };
        let (magic, rest) = header.split_at(8);
        let (format, rest) = rest.split_at(4);
        let (for_key, rest) = rest.split_at(32);
        let (length, checksum) = rest.split_at(8);
        if magic != MAGIC {
            return Err(Reason::Damaged("it does not begin as a cache file does"));
        }
        if format != FORMAT.to_le_bytes() {
            return Err(Reason::Stale("it has another format"));
        }
        if for_key != key.as_bytes() {
            return Err(Reason::Stale("it is for another key"));
        }
        if length != (payload.len() as u64).to_le_bytes() {
            return Err(Reason::Damaged("its length is not what it should be"));
        }
        if checksum != blake3::hash(payload).as_bytes() {
            return Err(Reason::Damaged("its checksum is wrong"));
        }
        Ok(Verified(payload))
    }
}

/// Fails where somebody else could put files into the directory.
pub(super) fn trust_directory(path: &Path) -> Result<(), Reason> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => Err(Reason::Distrusted("its place is not a directory".to_owned())),
        Ok(metadata) => trust(&metadata).map_err(|reason| Reason::Distrusted(format!("its directory: {reason}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Reason::Absent),
        Err(error) => Err(Reason::Unreadable(error.to_string())),
    }
}

fn trust(metadata: &Metadata) -> Result<(), Reason> {
    let (owner, user, mode) = (metadata.uid(), ffi::effective_user(), metadata.mode() & 0o7777);
    if owner != user {
        return Err(Reason::Distrusted(format!("it belongs to user {owner}, and this is user {user}")));
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Reason::Distrusted(format!("others may write to it (mode {mode:o})")));
    }
    Ok(())
}

/// Makes the directory and those above it, for this user alone. One that is there stays as it is.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    // Nothing would be made, and files would go to the working directory.
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no directory is given"));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes the file in one step, as others see it.
pub(super) fn write(path: &Path, key: &blake3::Hash, payload: &[u8]) -> io::Result<()> {
    // A number that no other writer has. Process ids are not unique: containers that share a directory all have a process 1.
    let number = RandomState::new().hash_one(process::id());
    let aside = path.with_extension(format!("{number:016x}.{ASIDE}"));
    let result = write_new(&aside, key, payload).and_then(|()| fs::rename(&aside, path));
    if result.is_err() {
        let _ = fs::remove_file(&aside);
        return result;
    }
    // The new name lasts when the directory is written too. If that fails, the file is lost in a crash, no more.
    if let Some(directory) = path.parent().and_then(|directory| File::open(directory).ok()) {
        let _ = directory.sync_all();
    }
    Ok(())
}

fn write_new(path: &Path, key: &blake3::Hash, payload: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(key.as_bytes());
    header.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    header.extend_from_slice(blake3::hash(payload).as_bytes());
    file.write_all(&header)?;
    file.write_all(payload)?;
    // Without it, a crash could leave a file with the right name and no content.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> blake3::Hash {
        blake3::hash(b"key")
    }

    fn written(payload: &[u8]) -> io::Result<Vec<u8>> {
        let home = tempfile::tempdir()?;
        let path = home.path().join("file.hsdb");
        write(&path, &key(), payload)?;
        assert_eq!(fs::read_dir(home.path())?.count(), 1, "nothing is left aside");
        assert_eq!(fs::metadata(&path)?.mode() & 0o777, 0o600);
        fs::read(path)
    }

    #[test]
    fn what_was_written_is_read() -> io::Result<()> {
        for payload in [&b""[..], b"x", &[7; 10_000]] {
            let content = Content(written(payload)?);
            assert_eq!(content.verify(&key()).map(|verified| verified.as_bytes().to_vec()), Ok(payload.to_vec()));
        }
        Ok(())
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_seen() -> io::Result<()> {
        let good = written(b"a payload of a few bytes")?;
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[place] ^= 1 << bit;
                assert!(Content(bad).verify(&key()).is_err(), "bit {bit} of byte {place}");
            }
            assert!(Content(good[..place].to_vec()).verify(&key()).is_err(), "cut at {place}");
        }
        let longer = [good, vec![0]].concat();
        assert_eq!(Content(longer).verify(&key()).err(), Some(Reason::Damaged("its length is not what it should be")));
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_named() -> io::Result<()> {
        let good = written(b"payload")?;
        let with = |place: usize| {
            let mut bad = good.clone();
            bad[place] ^= 1;
            Content(bad).verify(&key()).err()
        };
        assert!(matches!(with(0), Some(Reason::Damaged(why)) if why.contains("begin")));
        assert_eq!(with(8), Some(Reason::Stale("it has another format")));
        assert_eq!(with(12), Some(Reason::Stale("it is for another key")));
        assert!(matches!(with(44), Some(Reason::Damaged(why)) if why.contains("length")));
        assert!(matches!(with(52), Some(Reason::Damaged(why)) if why.contains("checksum")));
        assert!(matches!(with(HEADER), Some(Reason::Damaged(why)) if why.contains("checksum")));
        Ok(())
    }
}
