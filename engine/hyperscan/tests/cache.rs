//! The cache gives back the right database or none, whatever lies in its directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use tamiz_hyperscan::{Cache, Cached, CompileError, Database, Origin, Reason, Scratch};

use super::{Tested, all};

const TEXT: &[u8] = b"one needle in a haystack";

fn compile() -> Result<Database, CompileError> {
    Database::literals(["needle", "thread"], true)
}

/// Asks the cache, and tests that what it gives finds what it should.
fn ask(cache: &Cache) -> Result<Cached, Box<dyn std::error::Error>> {
    let cached = cache.get_or_compile(b"digest of two literals", compile)?;
    assert_eq!(all(&cached.database, &mut Scratch::new(), TEXT)?, [(0, 10)]);
    Ok(cached)
}

fn reason(cached: &Cached) -> Option<&Reason> {
    match &cached.origin {
        Origin::Compiled { why } => Some(why),
        Origin::Hit => None,
    }
}

/// A cache with one database in it, and its file.
fn filled(home: &Path) -> Result<(Cache, PathBuf), Box<dyn std::error::Error>> {
    let cache = Cache::new(home.join("below/cache"));
    let first = ask(&cache)?;
    assert_eq!(first.origin, Origin::Compiled { why: Reason::Absent });
    assert_eq!(first.not_stored, None);
    let files: Vec<_> = fs::read_dir(cache.directory())?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 1);
    let file = files[0].path();
    Ok((cache, file))
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

#[test]
fn the_second_time_is_a_hit() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    assert_eq!((mode(cache.directory())?, mode(&file)?), (0o700, 0o600));
    let again = cache.get_or_compile(b"digest of two literals", || {
        Err(CompileError::Set { count: 0, message: "it is not compiled again".to_owned() })
    })?;
    assert_eq!((again.origin, again.not_stored), (Origin::Hit, None));
    assert_eq!(all(&again.database, &mut Scratch::new(), TEXT)?, [(0, 10)]);
    // Another key is another database.
    let other = cache.get_or_compile(b"another digest", || Database::literals(["haystack"], true))?;
    assert_eq!(other.origin, Origin::Compiled { why: Reason::Absent });
    assert_eq!(all(&other.database, &mut Scratch::new(), TEXT)?, [(0, 24)]);
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    Ok(())
}

#[test]
fn errors_of_the_compiler_come_through_and_nothing_is_stored() -> Tested {
    let home = tempfile::tempdir()?;
    let cache = Cache::new(home.path());
    let failed = cache.get_or_compile(b"key", || Database::literals([""], true));
    assert!(matches!(failed, Err(CompileError::Pattern { index: 0, .. })));
    let empty = cache.get_or_compile(b"key", || Database::literals(Vec::<&str>::new(), true))?;
    assert!(empty.database.is_empty() && empty.not_stored.is_none());
    assert_eq!(fs::read_dir(home.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_changed_byte_anywhere_is_a_miss_and_is_repaired() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    let good = fs::read(&file)?;
    // All of the header, and places in the database.
    for place in (0..84).chain((84..good.len()).step_by(61)).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        fs::write(&file, &bad)?;
        let cached = ask(&cache)?;
        assert!(matches!(reason(&cached), Some(Reason::Damaged(_) | Reason::Stale(_))), "byte {place}");
        assert_eq!(cached.not_stored, None);
        assert_eq!(fs::read(&file)?, good, "byte {place}");
    }
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    Ok(())
}

#[test]
fn cut_and_lengthened_files_are_misses() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    let good = fs::read(&file)?;
    for length in [0, 1, 11, 83, 84, 85, good.len() / 2, good.len() - 1] {
        fs::write(&file, &good[..length])?;
        assert!(matches!(reason(&ask(&cache)?), Some(Reason::Damaged(_))), "{length} bytes");
    }
    fs::write(&file, [&good[..], &good[..]].concat())?;
    assert!(matches!(reason(&ask(&cache)?), Some(Reason::Damaged(_))));
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    Ok(())
}

#[test]
fn another_format_is_stale() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    let mut old = fs::read(&file)?;
    old[8..12].copy_from_slice(&99_u32.to_le_bytes());
    fs::write(&file, old)?;
    assert_eq!(reason(&ask(&cache)?), Some(&Reason::Stale("it has another format")));
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    Ok(())
}

#[test]
fn a_place_that_cannot_be_written_to_is_no_error() -> Tested {
    let home = tempfile::tempdir()?;
    let file = home.path().join("file");
    fs::write(&file, "no directory")?;
    for place in [file.clone(), file.join("below"), PathBuf::from("/proc/tamiz"), PathBuf::new()] {
        let cached = ask(&Cache::new(&place))?;
        assert!(cached.not_stored.is_some(), "{}", place.display());
        assert_ne!(cached.origin, Origin::Hit);
    }
    // Root writes anyway.
    let read_only = home.path().join("read-only");
    fs::create_dir(&read_only)?;
    fs::set_permissions(&read_only, Permissions::from_mode(0o500))?;
    let root = fs::write(read_only.join("probe"), "").is_ok();
    assert_eq!(ask(&Cache::new(&read_only))?.not_stored.is_none(), root);
    Ok(())
}

#[test]
fn what_others_could_have_written_is_not_read() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    for (others, trusted) in [(0o620, false), (0o602, false), (0o666, false), (0o644, true), (0o400, true)] {
        fs::set_permissions(&file, Permissions::from_mode(others))?;
        let cached = ask(&cache)?;
        assert_eq!(cached.origin == Origin::Hit, trusted, "mode {others:o}");
        if !trusted {
            assert!(matches!(reason(&cached), Some(Reason::Distrusted(_))));
            assert_eq!(mode(&file)?, 0o600, "replaced by a private one");
        }
    }
    fs::set_permissions(cache.directory(), Permissions::from_mode(0o777))?;
    let cached = ask(&cache)?;
    assert!(matches!(reason(&cached), Some(Reason::Distrusted(_))) && cached.not_stored.is_some());
    fs::set_permissions(cache.directory(), Permissions::from_mode(0o755))?;
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    Ok(())
}

#[test]
fn files_of_other_users_are_not_read() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    if chown(&file, Some(12_345), None).is_err() {
        return Ok(()); // Only root gives files away.
    }
    assert!(matches!(reason(&ask(&cache)?), Some(Reason::Distrusted(why)) if why.contains("12345")));
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    chown(cache.directory(), Some(12_345), None)?;
    let cached = ask(&cache)?;
    assert!(matches!(reason(&cached), Some(Reason::Distrusted(_))) && cached.not_stored.is_some());
    Ok(())
}

#[test]
fn links_and_directories_in_place_of_the_file_are_misses() -> Tested {
    let home = tempfile::tempdir()?;
    let (cache, file) = filled(home.path())?;
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&file, &elsewhere)?;
    symlink(&elsewhere, &file)?;
    assert!(matches!(reason(&ask(&cache)?), Some(Reason::Unreadable(_))));
    assert!(fs::symlink_metadata(&file)?.is_file(), "the link is replaced, not followed");
    assert_eq!(ask(&cache)?.origin, Origin::Hit);
    fs::remove_file(&file)?;
    fs::create_dir(&file)?;
    let cached = ask(&cache)?;
    assert!(matches!(reason(&cached), Some(Reason::Distrusted(_))) && cached.not_stored.is_some());
    Ok(())
}

#[test]
fn writers_at_once_do_not_disturb_each_other() -> Tested {
    let home = tempfile::tempdir()?;
    let cache = Cache::new(home.path().join("cache"));
    for round in 0..20_u8 {
        let key = [round];
        let barrier = Barrier::new(4);
        let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
            let work = || {
                barrier.wait();
                let cached = cache.get_or_compile(&key, compile).map_err(|error| error.to_string())?;
                let found = all(&cached.database, &mut Scratch::new(), TEXT).map_err(|error| error.to_string())?;
                if found != [(0, 10)] {
                    return Err(format!("{found:?}"));
                }
                // A reader may come before the first writer is done, but never in between.
                match (cached.not_stored, cached.origin) {
                    (None, Origin::Hit | Origin::Compiled { why: Reason::Absent }) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Err("a thread panicked".to_owned()))).collect()
        });
        assert_eq!(outcomes, [Ok(()), Ok(()), Ok(()), Ok(())]);
        let hit = cache.get_or_compile(&key, || Err(CompileError::Set { count: 0, message: "compiled".to_owned() }))?;
        assert_eq!(hit.origin, Origin::Hit);
    }
    for entry in fs::read_dir(cache.directory())? {
        assert_eq!(entry?.path().extension().and_then(|end| end.to_str()), Some("hsdb"), "nothing is left aside");
    }
    Ok(())
}
