//! The reference back end: one Aho-Corasick automaton per set. Slower to build and to run than [`super::GramMatcher`], and an
//! independent implementation to compare with.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{Backend, BackendInfo, BuildMatcherError, Hit, LiteralId, LiteralSet, Matcher, Searcher};

/// Sets up to this many bytes get a DFA: several times faster than the NFA, and still only some megabytes.
const DFA_BYTES: usize = 64 << 10;

/// The back end `aho-corasick`: an automaton of the crate of that name. Build time some 10 ms per thousand literals.
#[derive(Debug, Clone, Copy, Default)]
pub struct AhoCorasickMatcher;

#[derive(Debug, Clone)]
struct Built {
    automaton: AhoCorasick,
}

impl Backend for AhoCorasickMatcher {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        let kind =
            if literals.total_len() <= DFA_BYTES { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(kind))
            .build(literals.iter())
            .map_err(|error| BuildMatcherError { backend: "aho-corasick", why: error.to_string() })?;
        Ok(Box::new(Built { automaton }))
    }
}

impl Matcher for Built {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(self.clone())
    }

    fn info(&self) -> BackendInfo {
        let kind = format!("{:?}, {} literals", self.automaton.kind(), self.automaton.patterns_len());
        BackendInfo::new("aho-corasick", kind, self.automaton.memory_usage())
    }
}

impl Searcher for Built {
    fn find(&mut self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        for found in self.automaton.find_overlapping_iter(haystack) {
            let literal = LiteralId::new(found.pattern().as_usize());
            on_hit(Hit { literal, start: found.start(), end: found.end() });
        }
    }
}
