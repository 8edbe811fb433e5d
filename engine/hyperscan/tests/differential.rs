//! Compared with engines that share nothing with Hyperscan.

use std::ops::ControlFlow;

use proptest::collection::vec;
use proptest::prelude::*;
use regex_automata::hybrid::dfa::{DFA, OverlappingState};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};
use tamiz_hyperscan::{Database, Flags, Pattern, Scratch};

use super::{Tested, all};

/// Looks at every place for every literal.
fn naive(literals: &[Vec<u8>], caseless: bool, text: &[u8]) -> Vec<(u32, usize)> {
    let mut found = Vec::new();
    for (id, literal) in literals.iter().enumerate() {
        let here = |window: &[u8]| if caseless { window.eq_ignore_ascii_case(literal) } else { window == literal };
        let windows = text.windows(literal.len()).enumerate();
        found.extend(windows.filter(|(_, window)| here(window)).map(|(at, _)| (id as u32, at + literal.len())));
    }
    found
}

/// Literals, and a text that has some of them in it.
fn texts_with(alphabet: &'static [u8], literals: usize) -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    let byte = move || prop::sample::select(alphabet);
    // A run at the end of a literal leads to another engine.
    let literal = (vec(byte(), 1..12), byte(), prop_oneof![Just(0_usize), Just(0), 1..40_usize])
        .prop_map(|(start, last, run)| [start, vec![last; run]].concat());
    vec(literal, 1..literals).prop_flat_map(move |literals| {
        let known = prop::sample::select(literals.clone());
        let known = (known, any::<bool>()).prop_map(|(mut literal, upper)| {
            if upper {
                literal.make_ascii_uppercase();
            }
            literal
        });
        let text = vec(prop_oneof![known, vec(byte(), 0..9)], 0..20).prop_map(|pieces| pieces.concat());
        (Just(literals), text)
    })
}

fn same(literals: &[Vec<u8>], text: &[u8], caseless: bool) -> Result<(), TestCaseError> {
    let fail = |error: &dyn std::error::Error| TestCaseError::fail(error.to_string());
    let database = Database::literals(literals, caseless).map_err(|error| fail(&error))?;
    let mut scratch = Scratch::new();
    let found = all(&database, &mut scratch, text).map_err(|error| fail(&error))?;
    prop_assert_eq!(found, naive(literals, caseless, text));
    let (mut last, mut ordered) = (0, true);
    let outcome = database.scan(&mut scratch, text, |hit| {
        ordered &= last <= hit.end;
        last = hit.end;
        ControlFlow::Continue(())
    });
    prop_assert!(outcome.is_ok() && ordered, "literals come in order of their ends");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn few_letters((literals, text) in texts_with(b"ab", 10), caseless: bool) {
        same(&literals, &text, caseless)?;
    }

    #[test]
    fn like_rules((literals, text) in texts_with(b"abe -=_\n", 60), caseless: bool) {
        same(&literals, &text, caseless)?;
    }

    #[test]
    fn any_bytes((literals, text) in texts_with(b"\x00\x01aZ\\.[]\x7f\x80\xc3\xa9\xff", 200), caseless: bool) {
        same(&literals, &text, caseless)?;
    }
}

/// With the interface for literals, 5.4.0 fails on both (intel/hyperscan issues 303 and 353).
#[test]
fn known_failures() -> Tested {
    let zeros = |before: &[u8], count: usize, after: &[u8]| [before, &vec![0; count], after].concat();
    let one = vec![
        zeros(b"\xed\xe2", 20, b"some non existing string"),
        zeros(b"", 12, b""),
        zeros(b"", 10, b""),
        zeros(b"\x2a\xed\xe2", 38, b""),
        zeros(b"", 21, b"some non existing string"),
    ];
    let text = zeros(b"\x2a\xed\xe2", 40, b"");
    let found = all(&Database::literals(&one, false)?, &mut Scratch::new(), &text)?;
    assert_eq!(found, naive(&one, false, &text));

    let other = vec![[&b"xt>"[..], &[b'd'; 34]].concat(), b"123".to_vec()];
    let text = [&b"123 xT>"[..], &[b'D'; 40], b" 123"].concat();
    let found = all(&Database::literals(&other, true)?, &mut Scratch::new(), &text)?;
    assert_eq!(found, naive(&other, true, &text));
    Ok(())
}

const EXPRESSIONS: [&str; 8] = [
    r"\[[^\]]{1,20}\]:\s{0,3}https?://\S{1,30}",
    r"(?i)ignore\s{1,5}(?:all\s)?previous",
    r"\bkey-[0-9a-f]{4,8}\b",
    r"a.{0,10}b",
    r"(?:ab|cd){2,5}x?",
    r"(?m:^from:[^\n]{1,12}$)",
    r"[A-Z]{3,}[0-9]+",
    r"(?s)<!--.{0,40}-->",
];

/// Every end of every match, by a lazy automaton in Rust.
fn oracle(dfa: &DFA, text: &[u8]) -> Result<Vec<(u32, usize)>, Box<dyn std::error::Error>> {
    let (mut cache, mut state, mut found) = (dfa.create_cache(), OverlappingState::start(), Vec::new());
    let input = Input::new(text);
    loop {
        dfa.try_search_overlapping_fwd(&mut cache, &input, &mut state)?;
        let Some(hit) = state.get_match() else { break };
        found.push((hit.pattern().as_usize() as u32, hit.offset()));
    }
    found.sort_unstable();
    Ok(found)
}

fn automaton() -> Result<DFA, Box<dyn std::error::Error>> {
    let thompson = regex_automata::nfa::thompson::Config::new().utf8(false);
    Ok(DFA::builder()
        .configure(DFA::config().match_kind(MatchKind::All))
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson)
        .build_many(&EXPRESSIONS)?)
}

fn agree(text: &[u8]) -> Tested {
    let dfa = automaton()?;
    let expected = oracle(&dfa, text)?;
    let every: Vec<_> = EXPRESSIONS.iter().map(|expression| Pattern::new(expression)).collect();
    let mut scratch = Scratch::new();
    let found = all(&Database::patterns(&every)?, &mut scratch, text)?;
    assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(text));
    // One match each, at one of the ends.
    let once: Vec<_> = every.iter().map(|pattern| pattern.with_flags(Flags::SINGLE_MATCH)).collect();
    let found = all(&Database::patterns(&once)?, &mut scratch, text)?;
    let mut ids: Vec<u32> = expected.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert!(found.iter().all(|hit| expected.contains(hit)));
    Ok(())
}

proptest! {
    // Compiling takes most of the time.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn expressions_as_in_rust(pieces in vec(prop_oneof![
        prop::sample::select(&[
            "[a link]: https://example.com/path", "Ignore  all previous", "ignore previous", " key-0a1b2c ", "key-0123456789",
            "a12345b", "ab", "cd", "x", "\nfrom: me\n", "from: nobody and everybody", "ABC123", "<!--", "-->", "[", "]:http://", "\n",
        ][..]).prop_map(|text| text.as_bytes().to_vec()),
        vec(prop::sample::select(&b"ab[]: \n-\xc3\xa9\xff0A"[..]), 0..6),
    ], 0..30)) {
        let result = agree(&pieces.concat()).map_err(|error| error.to_string());
        prop_assert_eq!(result, Ok(()));
    }
}

#[test]
fn expressions_on_a_known_text() -> Tested {
    agree(b"From: x\nfrom: me\n[1]: http://example.com a12b ababcdx KEY9 key-0a1b. ignore all previous <!-- \n -->")
}
