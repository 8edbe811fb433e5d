//! Room 3: views in, *hits* out.
//!
//! A [`Matcher`] finds where which of many fixed texts stand in a haystack. It knows ids of literals and nothing of rules; what a
//! hit means is settled by the caller, with the rule's own expression on a bounded window, so every back end gives the same
//! findings.

mod automaton;
mod gram;
pub(crate) mod rarity;

pub use automaton::AhoCorasickMatcher;
pub use gram::GramMatcher;

use std::fmt::Debug;

use serde::Serialize;

/// Number of a literal in its [`LiteralSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LiteralId(u32);

impl LiteralId {
    /// The literal with that index.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Self(index as u32)
    }

    /// The index in the set.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The texts to look for: folded, at least four bytes long, all different.
#[derive(Debug, Default, Clone)]
pub struct LiteralSet {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    longest: usize,
}

impl LiteralSet {
    pub(crate) fn push(&mut self, literal: &[u8]) -> LiteralId {
        self.bytes.extend_from_slice(literal);
        self.ends.push(self.bytes.len());
        self.longest = self.longest.max(literal.len());
        LiteralId((self.ends.len() - 1) as u32)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: LiteralId) -> &[u8] {
        let start = id.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[id.index()]]
    }

    /// All of them, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(LiteralId::new(index)))
    }

    /// Length of the longest.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Length of all together.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.bytes.len()
    }
}

/// A literal was seen at `start..end` of the haystack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub literal: LiteralId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a back end is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackendInfo {
    /// Its name in configuration and reports.
    pub name: &'static str,
    /// Which variant runs here.
    pub detail: String,
    /// Memory for its tables, in bytes.
    pub memory_bytes: usize,
}

impl BackendInfo {
    /// Describes a back end.
    #[must_use]
    pub fn new(name: &'static str, detail: String, memory_bytes: usize) -> Self {
        Self { name, detail, memory_bytes }
    }
}

/// Why a matcher could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the matcher `{backend}` could not be built: {why}")]
pub struct BuildMatcherError {
    /// The back end's name.
    pub backend: &'static str,
    /// What it said.
    pub why: String,
}

/// Finds literals. Immutable and shared by all workers.
pub trait Matcher: Send + Sync + Debug {
    /// What one worker searches with: the matcher, and scratch memory of its own where the back end needs any.
    fn searcher(&self) -> Box<dyn Searcher>;

    /// Describes the back end.
    fn info(&self) -> BackendInfo;
}

/// Searches one haystack after another. One per worker.
///
/// # Contract
/// For every occurrence of a literal in the haystack, byte for byte, `on_hit` is called with it, at least once, in any order. Calls beyond
/// that (a place that only looks like an occurrence) are allowed as long as `start..end` lies in the haystack and has the
/// literal's length; callers compare. The haystack cannot make it fail.
pub trait Searcher: Send + Debug {
    /// Reports the hits in `haystack`.
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit));
}

/// Builds a matcher for a set of literals; what a back end provides.
pub trait Backend: Send + Sync + Debug {
    /// Builds the tables.
    ///
    /// # Errors
    /// When the set is too large for the back end.
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError>;
}
