//! What can go wrong, in words that name the remedy. No error repeats what was scanned.

use std::fmt;

/// What a function of the library answered instead of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub(crate) i32);

impl Status {
    /// The number, as `hs_error_t` in Hyperscan's headers.
    #[must_use]
    pub fn code(self) -> i32 {
        self.0
    }

    fn words(self) -> &'static str {
        match self.0 {
            hyperscan_sys::HS_INVALID => "a parameter is invalid",
            hyperscan_sys::HS_NOMEM => "out of memory",
            hyperscan_sys::HS_SCAN_TERMINATED => "the scan was stopped",
            hyperscan_sys::HS_COMPILER_ERROR => "the compiler failed",
            hyperscan_sys::HS_DB_VERSION_ERROR => "the database is of another version of the library",
            hyperscan_sys::HS_DB_PLATFORM_ERROR => "the database is for another processor",
            hyperscan_sys::HS_DB_MODE_ERROR => "the database is for another mode of scanning",
            hyperscan_sys::HS_BAD_ALIGN => "a parameter is not aligned",
            hyperscan_sys::HS_BAD_ALLOC => "the allocator returned memory that is not aligned",
            hyperscan_sys::HS_SCRATCH_IN_USE => "the scratch memory is in use",
            hyperscan_sys::HS_ARCH_ERROR => "the processor lacks instructions that the library needs",
            hyperscan_sys::HS_INSUFFICIENT_SPACE => "a buffer is too small",
            hyperscan_sys::HS_UNKNOWN_ERROR => "an internal error",
            _ => "an error that this layer does not know",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (Hyperscan status {})", self.words(), self.0)
    }
}

/// Why the library that was found at run time is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// Its version is one that must not be used, or one that nobody knows.
    #[error("libhs says that it is version `{found}`: {why}. {remedy}")]
    Version {
        /// What it says of itself.
        found: String,
        /// What is wrong with that.
        why: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// This processor cannot run it.
    #[error("libhs {found} cannot run here: {status}. Choose the matcher in Rust")]
    Processor {
        /// The library's version.
        found: String,
        /// What it answered.
        status: Status,
    },
}

/// Why a set was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The library is not used at all.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// One pattern is at fault.
    #[error("pattern {index}: {message}")]
    Pattern {
        /// Its place in the set, from 0.
        index: usize,
        /// Hyperscan's words, or ours where the pattern was not even handed over.
        message: String,
    },
    /// The set as a whole is at fault.
    #[error("the set of {count} patterns: {message}")]
    Set {
        /// How many patterns it has.
        count: usize,
        /// Hyperscan's words.
        message: String,
    },
}

/// Why a scan did not run to its end. What was reported until then is right, but it may not be all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Hyperscan counts in 32 bits. Scan in pieces that overlap by the longest match.
    #[error("the text has {length} bytes, and one scan takes at most {}", u32::MAX)]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// There was no working memory.
    #[error("no scratch memory: {0}")]
    Scratch(Status),
    /// The library failed. None is known that a text could cause; see [`Database::literals`](crate::Database::literals).
    #[error("the scan failed: {0}")]
    Failed(Status),
}
