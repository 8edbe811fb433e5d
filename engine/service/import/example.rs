//! Texts that a rule finds, made from its expressions, and texts that it just does not find.
//!
//! They are made up, and each was shown to the rule before it is written: an example here proves as much as one by hand that the
//! rule works, and less that it is meant so.

use regex_syntax::hir::{Class, Hir, HirKind};
use tamiz_core::{Content, ContentKind, Engine, Format};

use super::expression;

/// Examples of a rule.
const WANTED: usize = 2;
/// Texts that are tried for an expression.
const TRIES: u64 = 60;
/// Most bytes of an example; parts that may be left out or repeated are short.
const LONGEST: usize = 4_096;

/// Texts that the one rule of `engine` finds: of each expression one, two in all at least. `None` if they cannot be made.
pub(super) fn found(engine: &Engine, patterns: &[String]) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for pattern in patterns {
        let hir = expression::parse(pattern).ok()?;
        let wanted = if patterns.len() < WANTED { WANTED } else { 1 };
        let mut made = Vec::new();
        for seed in 1..=TRIES {
            let mut text = Text { bytes: Vec::new(), random: Random(seed), generous: seed > TRIES / 3 };
            if !text.write(&hir) {
                continue;
            }
            // A text of one line stands where texts stand: with something before and after it, or alone.
            for (before, after) in [("", ""), ("here: ", " end"), ("\n", "\n"), ("x=", ";")] {
                let Ok(text) = String::from_utf8([before.as_bytes(), &text.bytes, after.as_bytes()].concat()) else {
                    continue;
                };
                if !all.contains(&text) && !made.contains(&text) && finds(engine, &text) {
                    made.push(text);
                    break;
                }
            }
            if made.len() >= wanted {
                break;
            }
        }
        if made.is_empty() {
            return None;
        }
        all.append(&mut made);
    }
    // An expression that only one text matches is shown in two surroundings.
    if all.len() < WANTED
        && let Some(more) = ["It says {} here.", "- {}\n", "a {}"]
            .map(|frame| frame.replace("{}", &all[0]))
            .into_iter()
            .find(|text| !all.contains(text) && finds(engine, text))
    {
        all.push(more);
    }
    (all.len() >= WANTED).then_some(all)
}

/// Texts that the rule leaves alone: one of its examples without its end, and a sentence.
pub(super) fn near_misses(engine: &Engine, examples: &[String]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for example in examples.iter().take(WANTED) {
        let ends: Vec<usize> = example.char_indices().map(|(at, _)| at).collect();
        let shortened = ends.iter().rev().map(|end| &example[..*end]).find(|text| !finds(engine, text));
        all.extend(shortened.filter(|text| !text.trim().is_empty()).map(str::to_owned));
    }
    for text in
        ["The meeting is on Monday at nine.", "for name in names: print(name)", "Nothing of the sort is in here."]
    {
        if all.len() < WANTED && !finds(engine, text) {
            all.push(text.to_owned());
        }
    }
    all.dedup();
    (all.len() >= WANTED).then_some(all)
}

fn finds(engine: &Engine, text: &str) -> bool {
    let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
    // Only this rule is in the engine; what is odd about a message has rules of its own.
    !engine.inspect(&content).findings.is_empty()
}

/// A small generator of numbers, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

struct Text {
    bytes: Vec<u8>,
    random: Random,
    /// Whether parts that may be repeated are, some.
    generous: bool,
}

impl Text {
    /// Adds something that the expression matches, as far as that can be told from its form. The depth is bounded by the parser.
    fn write(&mut self, hir: &Hir) -> bool {
        if self.bytes.len() > LONGEST {
            return false;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => true,
            HirKind::Literal(literal) => {
                self.bytes.extend_from_slice(&literal.0);
                true
            }
            HirKind::Class(class) => self.one_of(class),
            HirKind::Capture(capture) => self.write(&capture.sub),
            HirKind::Concat(parts) => parts.iter().all(|part| self.write(part)),
            HirKind::Alternation(branches) => {
                let branch = self.random.below(branches.len() as u64) as usize;
                self.write(&branches[branch])
            }
            HirKind::Repetition(repetition) => {
                let room = repetition.max.map_or(8, |max| max - repetition.min);
                let more = if self.generous { self.random.below(u64::from(room.min(30)) + 1) as u32 } else { 0 };
                (0..repetition.min + more).all(|_| self.write(&repetition.sub))
            }
        }
    }

    /// A character of the class, a letter or digit if it has any.
    fn one_of(&mut self, class: &Class) -> bool {
        let has = |byte: u8| match class {
            Class::Bytes(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte)),
            Class::Unicode(class) => {
                class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
            }
        };
        let sorts: [fn(&u8) -> bool; 3] = [u8::is_ascii_alphanumeric, u8::is_ascii_graphic, u8::is_ascii];
        for sort in sorts {
            let bytes: Vec<u8> = (0..128).filter(|byte| sort(byte) && has(*byte)).collect();
            if !bytes.is_empty() {
                let at = self.random.below(bytes.len() as u64) as usize;
                self.bytes.push(bytes[at]);
                return true;
            }
        }
        match class {
            Class::Unicode(class) => {
                let first = class.ranges().first().map(|range| range.start());
                self.bytes.extend(first.into_iter().collect::<String>().bytes());
                first.is_some()
            }
            Class::Bytes(class) => {
                let first = class.ranges().first().map(|range| range.start());
                self.bytes.extend(first);
                first.is_some()
            }
        }
    }
}
