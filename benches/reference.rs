//! What else does on the same texts: memory, one byte, an automaton of all literals, a regular expression engine.

use std::collections::BTreeSet;
use std::hint::black_box;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use criterion::Criterion;
use regex_automata::meta;
use regex_automata::util::syntax;
use tamiz_core::{Engine, Family, LiteralSet};

use crate::{Expected, Text, measure};

/// The largest automaton that is made.
const MOST_MEMORY: usize = 256 << 20;
/// Expressions in one engine: all of them are too many for it.
const EXPRESSIONS: usize = 50;

pub(crate) fn all(criterion: &mut Criterion, expected: &mut Expected, engine: &Engine, messages: &[Text]) {
    let mut copy = Vec::new();
    measure(criterion, expected, "memcpy", messages, |text| {
        copy.clear();
        copy.extend_from_slice(black_box(&text.bytes));
        black_box(copy.as_slice()).len()
    });
    // A byte that is in no text, so that all of each is searched.
    measure(criterion, expected, "memchr", messages, |text| {
        usize::from(memchr::memchr(0xff, black_box(&text.bytes)).is_some())
    });
    let (name, automaton) = automaton(engine.rules().literals());
    measure(criterion, expected, name, messages, |text| {
        automaton.find_overlapping_iter(black_box(&text.folded)).count()
    });
    let (expressions, several) = expressions(engine);
    eprintln!("regex-50: {expressions} expressions of the family injection, in one engine, on folded text");
    let mut cache = several.create_cache();
    measure(criterion, expected, "regex-50", messages, |text| {
        let (mut count, mut input) = (0, regex_automata::Input::new(black_box(&text.folded)));
        while let Some(found) = several.search_with(&mut cache, &input) {
            count += 1;
            input.set_start(found.end().max(found.start() + 1));
        }
        count
    });
}

/// An automaton of all literals of the rules: a DFA if it is not too large, else an NFA in one piece.
fn automaton(literals: &LiteralSet) -> (&'static str, AhoCorasick) {
    let sorted: BTreeSet<&[u8]> = literals.iter().collect();
    let (mut states, mut last): (usize, &[u8]) = (1, &[]);
    for literal in sorted {
        let same = literal.iter().zip(last).take_while(|(a, b)| a == b).count();
        states += literal.len() - same;
        last = literal;
    }
    let bytes = literals.iter().flatten().collect::<BTreeSet<_>>().len();
    let memory = states * (bytes + 1).next_power_of_two() * 4;
    let (name, kind) = if memory <= MOST_MEMORY {
        ("aho-corasick-dfa", AhoCorasickKind::DFA)
    } else {
        ("aho-corasick-nfa", AhoCorasickKind::ContiguousNFA)
    };
    let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(kind)).build(literals.iter());
    let automaton = automaton.expect("the literals fit");
    let (count, made) = (literals.len(), automaton.memory_usage() >> 20);
    eprintln!("{name}: {count} literals, {made} MB; as a DFA it is some {} MB", memory >> 20);
    (name, automaton)
}

/// The first expressions of the family injection as one engine, and how many they are.
fn expressions(engine: &Engine) -> (usize, meta::Regex) {
    let injection = engine.rules().rules().iter().filter(|rule| rule.family == Family::Injection);
    let patterns: Vec<&String> = injection.flat_map(|rule| &rule.patterns).take(EXPRESSIONS).collect();
    // As rule/compile.rs reads them, with room for all.
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(256 << 20)).hybrid_cache_capacity(64 << 20);
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let several = meta::Builder::new().configure(config).syntax(syntax).build_many(&patterns);
    (patterns.len(), several.expect("the expressions of the rules are sound"))
}
