//! Which library was found at run time, and whether it may be used.
//!
//! The library is linked dynamically, so it can be another one than at build time. `libhs` is Intel's Hyperscan or its fork Vectorscan;
//! both call themselves by a number only. Intel's open versions end with 5.4.2, and from 5.4.3 on it is Vectorscan.

use std::fmt;
use std::sync::OnceLock;

use hyperscan_sys as hs;

use crate::error::{LibraryError, Status};
use crate::ffi;

/// The interface that the bindings were made for.
const INTERFACE: (u32, u32) = (5, 4);
/// Intel's last open version of it.
const LAST_HYPERSCAN: u32 = 2;
/// The first Vectorscan without known losses: 5.4.9 loses matches with AVX-512 (reference/matching.md), 5.4.12 with "dot matches all", on
/// x86-64 and on ARM (VectorCamp/vectorscan issue 382).
const FIRST_VECTORSCAN: u32 = 13;

const REMEDY: &str = "Install Hyperscan 5.4.0 to 5.4.2 (x86-64 only; Debian and Ubuntu: libhyperscan5) or Vectorscan 5.4.13 or later, \
                      or choose the matcher in Rust";

/// What databases are compiled for on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Platform {
    /// Which family of processors they are tuned for, `HS_TUNE_FAMILY_…`; 0 is none in particular.
    pub tune: u32,
    /// What the processor can do, `HS_CPU_FEATURES_…`.
    pub cpu_features: u64,
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            (hs::HS_CPU_FEATURES_AVX2, "AVX2"),
            (hs::HS_CPU_FEATURES_AVX512, "AVX512"),
            (hs::HS_CPU_FEATURES_AVX512VBMI, "AVX512VBMI"),
        ];
        // The later ones include the earlier ones.
        let best = known.iter().rev().find(|(bit, _)| self.cpu_features & u64::from(*bit) != 0);
        write!(formatter, "{}, tuned for family {}", best.map_or("baseline", |(_, name)| name), self.tune)
    }
}

/// What the library says of itself, such as `5.4.0 2021-01-26`.
#[must_use]
pub fn version() -> String {
    ffi::version()
}

/// What databases are compiled for on this machine.
///
/// # Errors
/// As [`check`].
pub fn platform() -> Result<Platform, LibraryError> {
    check()?;
    let info = ffi::platform().map_err(unsupported)?;
    Ok(Platform { tune: info.tune, cpu_features: info.cpu_features })
}

/// Whether the library may be used. Looked at once; free afterwards. Compiling asks it itself, so that no refused library is ever used.
///
/// # Errors
/// [`LibraryError`], which names what was found and what to do.
pub fn check() -> Result<(), LibraryError> {
    static ANSWER: OnceLock<Result<(), LibraryError>> = OnceLock::new();
    ANSWER.get_or_init(|| judge(&version()).and_then(|()| ffi::valid_platform().map_err(unsupported))).clone()
}

fn unsupported(status: Status) -> LibraryError {
    LibraryError::Processor { found: version(), status }
}

fn judge(found: &str) -> Result<(), LibraryError> {
    let why = match parse(found) {
        None => "that is not a version in three numbers",
        Some((major, minor, _)) if (major, minor) < INTERFACE => "it is older than 5.4, which is needed",
        Some((major, minor, _)) if (major, minor) > INTERFACE => "its interface is not known to be that of 5.4",
        Some((_, _, FIRST_VECTORSCAN..)) => return Ok(()),
        Some((_, _, 0..=LAST_HYPERSCAN)) if cfg!(target_arch = "x86_64") => return Ok(()),
        Some(_) => "that is Vectorscan before 5.4.13, which loses matches",
    };
    Err(LibraryError::Version { found: found.to_owned(), why, remedy: REMEDY })
}

/// `5.4.0 2021-01-26` is 5, 4, 0. Nothing but white space may follow the numbers, so that `5.4.2+something` is not taken for 5.4.2.
fn parse(found: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = found.split_ascii_whitespace().next()?.split('.').map(|number| {
        // `parse` alone would take `+5`.
        if number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse().ok() } else { None }
    });
    let version = (numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_passes() {
        assert_eq!(check(), Ok(()));
        assert!(parse(&version()).is_some());
        let platform = platform().map(|platform| platform.to_string());
        assert!(platform.is_ok_and(|text| text.contains("tuned for family")));
    }

    #[test]
    fn versions_known_to_lose_matches_are_refused() {
        for found in ["5.4.3", "5.4.9 ", "5.4.8 2022-09-13", "5.4.11 2023-11-19", "5.4.12 2025-07-21"] {
            let error = judge(found).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(found) && error.contains("loses matches") && error.contains("Install"), "{error}");
        }
    }

    #[test]
    fn good_versions_pass() {
        assert_eq!(judge("5.4.13 2026-08-22"), Ok(()));
        assert_eq!(judge("5.4.20"), Ok(()));
        for hyperscan in ["5.4.0 2021-01-26", "5.4.1 2023-02-20", "5.4.2"] {
            assert_eq!(judge(hyperscan).is_ok(), cfg!(target_arch = "x86_64"), "{hyperscan}");
        }
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        let odd = [
            "",
            " ",
            "5",
            "5.4",
            "5.4.",
            "5.4.x",
            "v5.4.0",
            "5.4.0.1",
            "5.4.2+vectorscan",
            "+5.4.0",
            "5.-4.0",
            "5.4.99999999999",
        ];
        for found in odd.into_iter().chain(["4.7.0", "5.3.0", "5.5.0", "6.0.0"]) {
            assert!(matches!(judge(found), Err(LibraryError::Version { .. })), "{found:?}");
        }
    }
}
