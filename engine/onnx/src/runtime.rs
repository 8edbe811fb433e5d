//! The library ONNX Runtime: loaded once for the process.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::Error;

/// ONNX Runtime, loaded. Clones are the same library.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub(crate) environment: Environment,
    path: PathBuf,
}

/// A process can have one, whoever asks.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library at `path`, or gives the one that was loaded from there before. Loading runs its code: whoever can write the
    /// file can run code.
    ///
    /// # Errors
    /// When it is missing, no such library, cut short or too old; and when another one is loaded already.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let fail = |why: String| Error::Runtime { path: path.to_owned(), why };
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            if runtime.path == path {
                return Ok(runtime.clone());
            }
            let other = runtime.path.display();
            return Err(fail(format!("this process has loaded {other} already, and can have one ONNX Runtime only")));
        }
        check_whole(path).map_err(fail)?;
        let absolute = std::path::absolute(path).map_err(|error| fail(error.to_string()))?;
        let builder = ort::init_from(&absolute)
            .map_err(|error| fail(format!("it cannot be loaded as ONNX Runtime: {}", one_line(&error.to_string()))))?;
        let environment = builder.with_telemetry(false).build().map_err(|error| fail(one_line(&error.to_string())))?;
        // Warnings of the library are about graphs, and go past our log.
        environment.set_log_level(LogLevel::Error);
        let runtime = Self { environment, path: path.to_owned() };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Where the library is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

pub(crate) fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ").chars().take(400).collect()
}

/// Refuses a library that was cut short: loading one would end the process with SIGBUS.
fn check_whole(path: &Path) -> Result<(), String> {
    let mut header = [0; 64];
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let elf = file.read_exact(&mut header).is_ok() && header.starts_with(b"\x7fELF\x02\x01");
    if cfg!(target_os = "linux") && !elf {
        return Err("it is no shared library for this system; install ONNX Runtime anew".into());
    }
    if elf {
        // The table of sections is the last thing in the file.
        let number = |at: usize, bytes: usize| {
            header[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let end = number(0x28, 8).saturating_add(number(0x3a, 2) * number(0x3c, 2));
        if end > size {
            return Err(format!(
                "it has {size} bytes and should have {end}: it was cut short; install ONNX Runtime anew"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: Option<&[u8]>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime.so");
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        Runtime::load(&path).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(refusal(None).contains("cannot be read"));
        assert!(refusal(Some(b"")).contains("no shared library"));
        assert!(refusal(Some(b"#!/bin/sh\nexit 1\n".repeat(9).as_slice())).contains("no shared library"));
        let mut cut = vec![0; 4_096];
        cut[..6].copy_from_slice(b"\x7fELF\x02\x01");
        cut[0x28..0x30].copy_from_slice(&1_000_000_u64.to_le_bytes());
        assert!(refusal(Some(&cut)).contains("cut short"));
        cut[0x28..0x30].copy_from_slice(&64_u64.to_le_bytes());
        assert!(refusal(Some(&cut)).contains("cannot be loaded as ONNX Runtime"));
    }
}
