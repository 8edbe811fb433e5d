//! Is this library right, on this processor? A comparison with answers that are known without it.
//!
//! Hyperscan chooses its code by the processor, by the number of patterns and by their shape, and builds of it were shipped that lose
//! matches on some processors only. So the test runs where the program runs, before the first text is inspected, and has cases for
//! each engine that Tamiz leads to: one literal, a few, many; a bounded class; `.*` over lines; several expressions at once.
//!
//! It was seen to fail where it should: with Vectorscan 5.4.9 on AVX2, in the case `any bytes between`.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::database::{Database, Match, Outcome};
use crate::error::{CompileError, ScanError};
use crate::library;
use crate::pattern::{Flags, Pattern};
use crate::scratch::Scratch;

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTest {
    /// Scans.
    pub texts: usize,
    /// Matches that had to be found, and were.
    pub matches: usize,
    /// How long all of it took.
    pub elapsed: Duration,
}

/// Why the library must not be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// A set of the test was not compiled.
    #[error("self-test `{case}`: {error}")]
    Compile {
        /// Which set.
        case: &'static str,
        /// Why.
        error: CompileError,
    },
    /// A scan failed.
    #[error("self-test `{case}`, text {text}: {error}")]
    Scan {
        /// Which set.
        case: &'static str,
        /// Which text, from 0.
        text: usize,
        /// Why.
        error: ScanError,
    },
    /// The answers differ.
    #[error(
        "libhs {library} finds wrong matches on this machine. Self-test `{case}`, text {text} of {length} bytes: {difference}"
    )]
    Wrong {
        /// Version of the library and kind of processor.
        library: String,
        /// Which set.
        case: &'static str,
        /// Which text, from 0.
        text: usize,
        /// Its length.
        length: usize,
        /// Which matches are missing, and which are too many. The texts are synthetic: nothing of a user is shown.
        difference: String,
    },
}

/// A set, and texts with all their matches in order.
struct Case {
    name: &'static str,
    database: Result<Database, CompileError>,
    texts: Vec<(Vec<u8>, Vec<Match>)>,
}

/// Compares the library's answers with the known ones. Takes 15 to 50 ms, nearly all of it compiling. Run it once, at start.
///
/// # Errors
/// [`SelfTestError`] says what differs. Do not use the library then.
pub fn self_test() -> Result<SelfTest, SelfTestError> {
    let start = Instant::now();
    let mut scratch = Scratch::new();
    let mut done = SelfTest { texts: 0, matches: 0, elapsed: Duration::ZERO };
    let cases = [literals("one literal", 1), literals("few literals", 24), literals("many literals", 100)];
    for case in cases.into_iter().chain([floods(), links(), lines(), together(), words()]) {
        run(case, &mut scratch, &mut done)?;
    }
    done.elapsed = start.elapsed();
    Ok(done)
}

fn run(case: Case, scratch: &mut Scratch, done: &mut SelfTest) -> Result<(), SelfTestError> {
    let Case { name, database, texts } = case;
    let database = database.map_err(|error| SelfTestError::Compile { case: name, error })?;
    for (number, (text, expected)) in texts.iter().enumerate() {
        let mut found = Vec::with_capacity(expected.len());
        let result = database.scan(scratch, text, |hit| {
            found.push(hit);
            ControlFlow::Continue(())
        });
        if let Err(error) = result {
            return Err(SelfTestError::Scan { case: name, text: number, error });
        }
        found.sort_unstable();
        if found != *expected || result != Ok(Outcome::Finished) {
            let library = format!("{} ({})", library::version().trim(), database.info());
            let difference = difference(expected, &found);
            return Err(SelfTestError::Wrong { library, case: name, text: number, length: text.len(), difference });
        }
        done.texts += 1;
        done.matches += expected.len();
    }
    Ok(())
}

fn difference(expected: &[Match], found: &[Match]) -> String {
    let mut text = format!("{} matches expected, {} found", expected.len(), found.len());
    let mut first = |what, all: &[Match], others: &[Match]| {
        if let Some(Match { id, end }) = all.iter().find(|hit| others.binary_search(hit).is_err()) {
            // Writing to a string cannot fail.
            let _ = write!(text, "; {what} pattern {id} at {end}");
        }
    };
    first("missing", expected, found);
    first("too many", found, expected);
    text
}

/// The same numbers on every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    fn bytes(&mut self, alphabet: &[u8], count: usize) -> Vec<u8> {
        (0..count).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

/// Where the literals end, ASCII case aside, found by looking at every place. The literals are in lower case.
fn search(literals: &[Vec<u8>], text: &[u8]) -> Vec<Match> {
    let mut by_first: Vec<Vec<usize>> = vec![Vec::new(); 256];
    for (index, literal) in literals.iter().enumerate() {
        by_first[usize::from(literal[0])].push(index);
    }
    let mut found = Vec::new();
    for start in 0..text.len() {
        for &index in &by_first[usize::from(text[start].to_ascii_lowercase())] {
            let end = start + literals[index].len();
            if text.get(start..end).is_some_and(|part| part.eq_ignore_ascii_case(&literals[index])) {
                found.push(Match { id: index as u32, end });
            }
        }
    }
    found.sort_unstable();
    found
}

/// Texts of a small alphabet with literals strewn in, some in upper case, some right at the start and the end.
fn strew(literals: &[Vec<u8>], alphabet: &[u8], count: usize, numbers: &mut Numbers) -> Vec<(Vec<u8>, Vec<Match>)> {
    let text = |number: usize| {
        let wanted = [3, 17, 64, 150, 400][number % 5] + numbers.below(30);
        let mut text = numbers.bytes(alphabet, number % 33);
        while text.len() < wanted {
            let mut piece = literals[numbers.below(literals.len())].clone();
            if numbers.below(3) == 0 {
                piece.make_ascii_uppercase();
            }
            text.append(&mut piece);
            let gap = numbers.below(40);
            text.append(&mut numbers.bytes(alphabet, gap));
        }
        // Cuts some texts in the middle of a literal.
        text.truncate(wanted);
        let expected = search(literals, &text);
        (text, expected)
    };
    (0..count).map(text).collect()
}

fn literals(name: &'static str, count: usize) -> Case {
    const ALPHABET: &[u8] = b"abcdeo -\x00\xc3\xa9";
    let mut numbers = Numbers(count as u64);
    let mut all = std::collections::BTreeSet::new();
    while all.len() < count {
        let length = 3 + numbers.below(22);
        all.insert(numbers.bytes(ALPHABET, length));
    }
    let literals: Vec<Vec<u8>> = all.into_iter().collect();
    Case { name, database: Database::literals(&literals, true), texts: strew(&literals, ALPHABET, 60, &mut numbers) }
}

/// Literals that end in a long run of one character have an engine of their own (intel/hyperscan issues 303 and 353).
fn floods() -> Case {
    let short =
        ["-----begin private key-----", "-----end private key-----", "ignoreeeeeeeeee", "key-----", "=====", "eee"];
    let mut literals: Vec<Vec<u8>> = short.iter().map(|text| text.as_bytes().to_vec()).collect();
    literals.push([&b"key "[..], &[b'='; 40]].concat());
    let texts = strew(&literals, b"-e= key", 60, &mut Numbers(303));
    Case { name: "runs of one character", database: Database::literals(&literals, true), texts }
}

const LINK: &str = r"\[[^\]]{1,100}\]:\s{0,3}https?://\S{1,500}";

/// Definitions of links: Vectorscan 5.4.9 loses some of them with AVX-512. Each text has one, or a near miss; known are the first
/// end and the last.
fn link_texts() -> Vec<(Vec<u8>, usize, usize)> {
    let mut numbers = Numbers(549);
    let text = |number: usize| {
        // 101 to 103 are near misses: too long by one to three.
        let label = 1 + number % 103;
        let scheme =
            ["http://", "https://", "hxxp://", "https:/-"][if number % 10 == 9 { 2 + number % 2 } else { number % 2 }];
        let path = [1, 2, 30, 64, 65, 200, 499, 500, 501, 600][numbers.below(10)];
        let before = numbers.below(90);
        let mut text = numbers.bytes(b"lorem ipsum\n.", before);
        text.push(b'[');
        text.append(&mut numbers.bytes(b"abc (x", label));
        text.extend_from_slice(b"]:");
        text.append(&mut numbers.bytes(b" \n\t", number % 4));
        text.extend_from_slice(scheme.as_bytes());
        let start = text.len();
        text.append(&mut numbers.bytes(b"abc/?=&.%", path));
        let end = text.len().min(start + 500);
        let after = numbers.below(70);
        if after > 0 {
            text.push(b' ');
            text.append(&mut numbers.bytes(b"dolor sit", after));
        }
        let matches = label <= 100 && number % 10 != 9;
        (text, start + 1, if matches { end } else { start })
    };
    (0..309).map(text).collect()
}

fn links() -> Case {
    let once =
        |(text, first, last)| (text, (first <= last).then_some(Match { id: 0, end: first }).into_iter().collect());
    let texts = link_texts().into_iter().map(once).collect();
    let pattern = Pattern::new(LINK).with_flags(Flags::SINGLE_MATCH);
    Case { name: "bounded classes", database: Database::patterns(&[pattern]), texts }
}

/// `.*` over line feeds: Vectorscan 5.4.12 loses some (VectorCamp/vectorscan issue 382).
fn lines() -> Case {
    let pattern = Pattern::new(r"curl.*\|\s*python").with_flags(Flags::DOT_ALL | Flags::CASELESS);
    let text = |length: usize| {
        let mut text = format!("{}CURL http://", "-".repeat(length % 7)).into_bytes();
        text.append(&mut Numbers(length as u64).bytes(b"xyz.\n0", length));
        text.extend_from_slice(b":8000/ 2>&1 |");
        text.extend_from_slice(&b" \n"[..length % 3]);
        text.extend_from_slice(b"Python");
        let end = text.len();
        text.extend_from_slice(&b" curl python |"[..length % 15]);
        (text, vec![Match { id: 0, end }])
    };
    Case { name: "any bytes between", database: Database::patterns(&[pattern]), texts: (0..130).map(text).collect() }
}

/// Expressions that are right alone and were lost together (VectorCamp/vectorscan issue 358).
fn together() -> Case {
    let patterns = [r"<%[\s\S]+%>", "<[^<>]+:(include|param)", r"[\$#]\{[\s\S]+\([\s\S]*\)[\s\S]*\}"];
    let known: [(&str, &[(u32, usize)]); 6] = [
        ("<%out.print();int a%>", &[(0, 21)]),
        ("<%%>", &[]),
        ("see <jsp:include page='x'/>", &[(1, 16)]),
        ("see <jsp:inclusion page='x'/>", &[]),
        ("#{f(x)}", &[(2, 7)]),
        ("${T(java).exec('a')} <%=b%>", &[(0, 27), (2, 20)]),
    ];
    padded("several expressions", &patterns, Flags::SINGLE_MATCH, &known)
}

/// Word boundaries and a bounded repeat.
fn words() -> Case {
    let known: [(&str, &[(u32, usize)]); 3] = [
        ("key AKIAIOSFODNN7EXAMPLE.", &[(0, 24)]),
        ("key xAKIAIOSFODNN7EXAMPLE", &[]),
        ("AKIAIOSFODNN7EXAMPL AKIAIOSFODNN7EXAMPLE", &[(0, 40)]),
    ];
    padded("word boundaries", &[r"\bAKIA[0-9A-Z]{16}\b"], Flags::SINGLE_MATCH, &known)
}

/// The known texts at many distances from the start, as the processor's registers are wide.
fn padded(name: &'static str, patterns: &[&str], flags: Flags, known: &[(&str, &[(u32, usize)])]) -> Case {
    let patterns: Vec<_> = patterns.iter().map(|expression| Pattern::new(expression).with_flags(flags)).collect();
    let mut texts = Vec::new();
    for padding in [0, 1, 5, 15, 16, 31, 32, 63, 64, 100] {
        for (text, matches) in known {
            let mut padded = vec![b'.'; padding];
            // Keeps `^` and `\b` as they are.
            padded.push(b'\n');
            let shift = padded.len();
            padded.extend_from_slice(text.as_bytes());
            texts.push((padded, matches.iter().map(|&(id, end)| Match { id, end: end + shift }).collect()));
        }
    }
    Case { name, database: Database::patterns(&patterns), texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_library_passes() {
        let report = self_test();
        assert!(report.as_ref().is_ok_and(|done| done.texts > 500 && done.matches > 1_000), "{report:?}");
    }

    #[test]
    fn a_lost_match_and_one_too_many_are_told() {
        let (one, two) = (Match { id: 1, end: 3 }, Match { id: 2, end: 5 });
        let wrong = |expected: Vec<Match>| {
            let texts = vec![(b"a needle".to_vec(), expected)];
            let case = Case { name: "made up", database: Database::literals(["needle"], true), texts };
            let mut done = SelfTest { texts: 0, matches: 0, elapsed: Duration::ZERO };
            run(case, &mut Scratch::new(), &mut done).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(wrong(vec![Match { id: 0, end: 8 }]), "");
        assert!(wrong(vec![]).contains("too many pattern 0 at 8"));
        let text = wrong(vec![Match { id: 0, end: 8 }, one]);
        assert!(text.contains("`made up`, text 0 of 8 bytes") && text.contains("missing pattern 1 at 3"), "{text}");
        assert_eq!(
            difference(&[one], &[two]),
            "1 matches expected, 1 found; missing pattern 1 at 3; too many pattern 2 at 5"
        );
    }

    #[test]
    fn the_search_finds_what_it_should() {
        let literals = [b"aba".to_vec(), b"b".to_vec()];
        let found: Vec<_> = search(&literals, b"xABAba").into_iter().map(|hit| (hit.id, hit.end)).collect();
        assert_eq!(found, [(0, 4), (0, 6), (1, 3), (1, 5)]);
    }
}
