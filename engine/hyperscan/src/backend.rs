//! The matcher back end `hyperscan`: the literals of a rule pack as one database.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tamiz_core::{Backend, BackendInfo, BuildMatcherError, GramMatcher, Hit, LiteralId, LiteralSet, Matcher, Searcher};

use crate::{Cache, Database, Outcome, Scratch, check, self_test, version};

/// The back end `hyperscan`.
///
/// Compiling tens of thousands of literals takes about a second. With a cache that is paid once per rule pack, library version
/// and processor. In the background it is not waited for: the back end `rust`, which gives the same hits, searches until the
/// database is there.
#[derive(Debug, Default)]
pub struct HyperscanMatcher {
    cache: Option<Cache>,
    background: bool,
}

impl HyperscanMatcher {
    /// Keeps compiled databases there.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Compiles on a thread of its own.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.background = true;
        self
    }
}

fn error(why: impl ToString) -> BuildMatcherError {
    BuildMatcherError { backend: "hyperscan", why: why.to_string() }
}

impl Backend for HyperscanMatcher {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        // The library is asked before anything else: a machine without a good one is told at start, in the background too.
        check().map_err(error)?;
        let plain = GramMatcher.build(literals)?;
        let built = Built {
            shared: Arc::new(Shared {
                database: OnceLock::new(),
                literals: literals.clone(),
                redone: AtomicU64::new(0),
            }),
            plain,
        };
        let cached = self.cache.as_ref().map(|cache| Cache::new(cache.directory()));
        let shared = Arc::clone(&built.shared);
        if self.background {
            std::thread::spawn(move || shared.compile(cached.as_ref()));
        } else if let Err(why) = shared.compile(cached.as_ref()) {
            return Err(error(why));
        }
        Ok(Box::new(built))
    }
}

#[derive(Debug)]
struct Shared {
    /// The database and how it was come by, or why there is none.
    database: OnceLock<Result<(Database, String), String>>,
    literals: LiteralSet,
    /// Searches that the library failed at and that `rust` did.
    redone: AtomicU64,
}

impl Shared {
    fn compile(&self, cache: Option<&Cache>) -> Result<(), String> {
        let made = self.make(cache);
        let outcome = made.as_ref().map(|_| ()).map_err(Clone::clone);
        // Only ever set here, once.
        let _ = self.database.set(made);
        outcome
    }

    fn make(&self, cache: Option<&Cache>) -> Result<(Database, String), String> {
        static TESTED: OnceLock<Result<(), String>> = OnceLock::new();
        TESTED.get_or_init(|| self_test().map(|_| ()).map_err(|error| error.to_string())).clone()?;
        if self.literals.is_empty() {
            return Database::literals::<[&[u8]; 0]>([], false)
                .map(|all| (all, "empty".into()))
                .map_err(|e| e.to_string());
        }
        let compile = || Database::literals(self.literals.iter(), false);
        let Some(cache) = cache else {
            return compile().map(|all| (all, "compiled".into())).map_err(|error| error.to_string());
        };
        let mut digest = blake3::Hasher::new();
        for literal in self.literals.iter() {
            digest.update(&(literal.len() as u64).to_le_bytes()).update(literal);
        }
        let cached = cache.get_or_compile(digest.finalize().as_bytes(), compile).map_err(|error| error.to_string())?;
        let note = cached.not_stored.map_or(String::new(), |why| format!(", not stored: {why}"));
        Ok((cached.database, format!("{:?}{note}", cached.origin)))
    }
}

#[derive(Debug)]
struct Built {
    shared: Arc<Shared>,
    plain: Box<dyn Matcher>,
}

impl Matcher for Built {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(Worker { shared: Arc::clone(&self.shared), scratch: Scratch::new(), plain: self.plain.searcher() })
    }

    fn info(&self) -> BackendInfo {
        let literals = self.shared.literals.len();
        let (detail, memory) = match self.shared.database.get() {
            None => ("compiling; rust searches meanwhile".to_owned(), 0),
            Some(Err(why)) => (format!("not usable, rust searches instead: {why}"), 0),
            Some(Ok((database, origin))) => {
                let redone = self.shared.redone.load(Ordering::Relaxed);
                let redone = if redone > 0 { format!(", {redone} searches redone by rust") } else { String::new() };
                (format!("{}, {origin}{redone}", version()), database.size_bytes())
            }
        };
        let memory = memory + self.plain.info().memory_bytes;
        BackendInfo::new("hyperscan", format!("{literals} literals, {detail}"), memory)
    }
}

#[derive(Debug)]
struct Worker {
    shared: Arc<Shared>,
    scratch: Scratch,
    plain: Box<dyn Searcher>,
}

impl Searcher for Worker {
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        let Some(Ok((database, _))) = self.shared.database.get() else {
            return self.plain.find(haystack, on_hit);
        };
        let literals = &self.shared.literals;
        let outcome = database.scan(&mut self.scratch, haystack, |found| {
            let literal = LiteralId::new(found.id as usize);
            if let Some(start) = found.end.checked_sub(literals.get(literal).len()) {
                on_hit(Hit { literal, start, end: found.end });
            }
            ControlFlow::Continue(())
        });
        // What the library may have missed is not lost: hits that come twice do no harm.
        if !matches!(outcome, Ok(Outcome::Finished)) {
            self.shared.redone.fetch_add(1, Ordering::Relaxed);
            self.plain.find(haystack, on_hit);
        }
    }
}
