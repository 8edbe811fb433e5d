//! Compiled sets, and scanning with them.

use std::ffi::CString;
use std::fmt::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::{CompileError, ScanError, Status};
use crate::ffi::{self, Expression, RawDatabase, Refusal};
use crate::library;
use crate::pattern::{Flags, Pattern};
use crate::scratch::Scratch;

/// A pattern matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Match {
    /// Which: its place in the set, from 0.
    pub id: u32,
    /// One past the last byte of the match.
    pub end: usize,
}

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole text was scanned.
    Finished,
    /// The callback stopped it.
    Stopped,
}

/// A compiled set of literals or expressions, for this processor. Immutable; clones share it, and so may any number of threads.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    /// Nothing for the empty set, which the library does not accept.
    raw: Option<RawDatabase>,
    info: String,
    size: usize,
}

impl Database {
    /// Compiles literals: any bytes, at least one, at most some 4,000. Ids are places in the sequence. Equal literals are all reported.
    ///
    /// They go through the compiler of expressions, each byte escaped. Hyperscan recognises them as literals again: the database and the
    /// speed are those of its interface for literals. That one is not used because in version 5.4.0 (Debian 12) scans fail on literals
    /// that end in a long run of one character (intel/hyperscan issues 303 and 353), empty ones read memory that is not theirs (issue
    /// 302), and Vectorscan before 5.4.12 takes a leading zero byte for an empty literal.
    ///
    /// # Cost
    /// Measured with 5.4.0 and AVX2 on phrases of two to four words: 20–40 µs and 110–200 bytes a literal to compile. Scanning prose,
    /// code and logs in blocks of 2 KB: 1,000 literals 750–1,700 MB/s, 5,000 literals 280–660 MB/s, 30,000 literals 100–320 MB/s. Try
    /// the example `throughput` on the set at hand.
    ///
    /// # Errors
    /// [`CompileError::Library`] where [`check`](crate::check) fails; [`CompileError::Pattern`] for an empty or too long literal.
    pub fn literals<I>(literals: I, caseless: bool) -> Result<Self, CompileError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let flags = if caseless { Flags::CASELESS.bits() } else { 0 };
        let one = |(index, literal): (usize, I::Item)| {
            escape(index, literal.as_ref()).map(|text| Expression { text, flags, ext: None })
        };
        let expressions: Result<Vec<_>, _> = literals.into_iter().enumerate().map(one).collect();
        Self::compile(&expressions?)
    }

    /// Compiles expressions. Ids are places in the slice. They must be from somebody trusted: a hostile one can take minutes.
    ///
    /// # Cost
    /// 0.5–4 s for 300–2,400 expressions, and one bad expression can take more time in every scan than all others together. Off the
    /// request path, please, and through a [`Cache`](crate::Cache).
    ///
    /// # Errors
    /// As [`literals`](Self::literals), and for whatever Hyperscan does not support, in its words.
    pub fn patterns(patterns: &[Pattern<'_>]) -> Result<Self, CompileError> {
        let expressions: Result<Vec<_>, _> = patterns.iter().enumerate().map(|(i, p)| expression(i, p)).collect();
        Self::compile(&expressions?)
    }

    fn compile(expressions: &[Expression]) -> Result<Self, CompileError> {
        library::check()?;
        if expressions.is_empty() {
            return Ok(Self { shared: Arc::new(Shared { raw: None, info: "empty".to_owned(), size: 0 }) });
        }
        let set = |message| CompileError::Set { count: expressions.len(), message };
        let raw = ffi::compile(expressions).map_err(|Refusal { index, message }| match index {
            Some(index) => CompileError::Pattern { index, message },
            None => set(message),
        })?;
        Self::from_raw(raw).map_err(|status| set(status.to_string()))
    }

    pub(crate) fn from_raw(raw: RawDatabase) -> Result<Self, Status> {
        let (info, size) = (raw.info()?, raw.size()?);
        Ok(Self { shared: Arc::new(Shared { raw: Some(raw), info, size }) })
    }

    pub(crate) fn raw(&self) -> Option<&RawDatabase> {
        self.shared.raw.as_ref()
    }

    /// Whether the set is empty. Nothing matches then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.raw.is_none()
    }

    /// Memory for its tables, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.shared.size
    }

    /// What it was compiled for, in the library's words: `Version: 5.4.0 Features: AVX2 Mode: BLOCK`.
    #[must_use]
    pub fn info(&self) -> &str {
        &self.shared.info
    }

    /// Calls `on_match` for every match in `haystack`, on this thread, until it returns `Break`.
    ///
    /// Every end of every match is one call (unless [`Flags::SINGLE_MATCH`]). Literals come in order of their ends, expressions by and
    /// large; the order at one end is undefined. A panic in `on_match` stops the scan and goes on to the caller; `scratch` is fine
    /// afterwards.
    ///
    /// # Errors
    /// [`ScanError`]: the text is longer than 4 GiB, there is no memory, or the library failed. Then matches may be missing, so what was
    /// not scanned must not count as clean.
    pub fn scan<F>(&self, scratch: &mut Scratch, haystack: &[u8], on_match: F) -> Result<Outcome, ScanError>
    where
        F: FnMut(Match) -> ControlFlow<()>,
    {
        if u32::try_from(haystack.len()).is_err() {
            return Err(ScanError::TooLong { length: haystack.len() });
        }
        let Some(raw) = self.raw() else { return Ok(Outcome::Finished) };
        let piece = scratch.piece_for(raw).map_err(ScanError::Scratch)?;
        ffi::scan(raw, piece, haystack, on_match).map_err(|status| {
            scratch.forget_last();
            ScanError::Failed(status)
        })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("info", &self.info()).field("size_bytes", &self.size_bytes()).finish()
    }
}

const MOST_GROUPS: usize = 1_000;

fn refuse(index: usize, message: &str) -> CompileError {
    CompileError::Pattern { index, message: message.to_owned() }
}

/// The expression that matches these bytes and no others.
fn escape(index: usize, literal: &[u8]) -> Result<CString, CompileError> {
    if literal.is_empty() {
        return Err(refuse(index, "an empty literal would match everywhere"));
    }
    let mut text = String::with_capacity(literal.len() * 2);
    for &byte in literal {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    CString::new(text).map_err(|_| refuse(index, "a zero byte"))
}

fn expression(index: usize, pattern: &Pattern<'_>) -> Result<Expression, CompileError> {
    // Such verbs switch UTF-8 mode on.
    if pattern.expression.starts_with("(*") {
        return Err(refuse(index, "verbs such as (*UTF8) are not allowed"));
    }
    // The compiler calls itself for each level: 8,000 overflow a stack of 256 KB, 1,000 do not.
    if pattern.expression.bytes().filter(|&byte| byte == b'(').count() > MOST_GROUPS {
        return Err(refuse(index, "more than 1,000 groups"));
    }
    let text = CString::new(pattern.expression).map_err(|_| refuse(index, "write a zero byte as \\x00"))?;
    Ok(Expression { text, flags: pattern.flags.bits(), ext: pattern.bounds.to_ext() })
}
