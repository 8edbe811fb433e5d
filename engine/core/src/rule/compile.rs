//! Rules made ready: literals and phrases for the matcher, expressions for the confirmation.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::Hir;

use super::format::{PatternView, count_by_family};
use super::{Rule, RuleSet, literals};
use crate::detect::{Detector, Validator, detector, validator};
use crate::matching::{LiteralId, LiteralSet, Needle};
use crate::view::fold_phrase;

/// Sets of literals tried before an expression is run, and literals in one of them.
const MOST_ALSO: usize = 3;
const MOST_ALSO_LITERALS: usize = 128;

/// Rules ready to be looked for. Immutable; share it.
///
/// Building takes milliseconds per hundred rules; expressions are compiled the first time something looks like a match.
#[derive(Debug)]
pub struct CompiledRules {
    rules: Arc<RuleSet>,
    /// For text as it is.
    pub(crate) raw: Side,
    /// For folded text.
    pub(crate) folded: Side,
    pub(crate) detectors: Vec<(usize, &'static dyn Detector)>,
    digest: String,
}

/// What is looked for in one sort of text.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) literals: LiteralSet,
    /// What a literal means, by literal.
    uses: Vec<Vec<Use>>,
    pub(crate) patterns: Vec<Pattern>,
    /// What the patterns' further sets are made of.
    pub(crate) needles: Vec<Needle>,
}

/// What it means that a literal was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// It is a whole phrase of a rule; `before` and `after` say where a word must end.
    Phrase { rule: u32, before: bool, after: bool },
    /// An expression has to be tried around it.
    Pattern(u32),
}

/// An expression of a rule.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) rule: usize,
    /// Most bytes of a match before its literal, and from its literal's start on.
    pub(crate) reach: (usize, usize),
    /// Further sets of needles of its side; every match contains one of each.
    pub(crate) also: Vec<Vec<u32>>,
    pub(crate) validator: Option<&'static dyn Validator>,
    source: String,
    regex: OnceLock<Option<meta::Regex>>,
}

impl Pattern {
    /// The expression; compiled on first use. `None` cannot happen: rules were compiled when they were read, the built-in
    /// ones by the test suite.
    pub(crate) fn regex(&self) -> Option<&meta::Regex> {
        self.regex.get_or_init(|| build(&self.source).ok()).as_ref()
    }
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// Parses an expression as rules mean it: over bytes, ASCII classes.
pub(crate) fn parse(pattern: &str) -> Result<Hir, String> {
    syntax::parse_with(pattern, &syntax_config()).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        error => error.to_string(),
    })
}

/// Compiles an expression.
///
/// # Errors
/// When it takes more than 4 MB.
pub(crate) fn build(pattern: &str) -> Result<meta::Regex, Box<meta::BuildError>> {
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(4 << 20)).hybrid_cache_capacity(512 << 10);
    meta::Builder::new().configure(config).syntax(syntax_config()).build(pattern).map_err(Box::new)
}

impl CompiledRules {
    /// Compiles a set of rules.
    #[must_use]
    pub fn new(rules: RuleSet) -> Self {
        let (mut raw, mut folded) = (SideBuilder::default(), SideBuilder::default());
        let mut detectors = Vec::new();
        let mut hasher = blake3::Hasher::new();
        for (id, rule) in rules.rules().iter().enumerate() {
            for part in [&rule.id, &rule.source] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            for phrase in &rule.phrases {
                folded.phrase(id, phrase);
            }
            let validator = rule.validator.as_deref().and_then(validator);
            for pattern in &rule.patterns {
                for view in &rule.views {
                    match view {
                        PatternView::Raw => raw.pattern(id, pattern, validator),
                        PatternView::Folded => folded.pattern(id, pattern, validator),
                    }
                }
            }
            detectors.extend(rule.detector.as_deref().and_then(detector).map(|detector| (id, detector)));
        }
        let digest = hasher.finalize().to_hex()[..32].to_owned();
        Self { rules: Arc::new(rules), raw: raw.side, folded: folded.side, detectors, digest }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.rules()
    }

    /// The set they came from.
    #[must_use]
    pub fn rule_set(&self) -> &RuleSet {
        &self.rules
    }

    pub(crate) fn rule(&self, id: usize) -> &Rule {
        &self.rules.rules()[id]
    }

    /// 128 bits of BLAKE3 over the rule files: equal digests, equal rules.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many rules each family has.
    #[must_use]
    pub fn families(&self) -> BTreeMap<&'static str, usize> {
        count_by_family(self.rules())
    }

    /// What a matcher looks for: in text as it is, and in folded text.
    #[must_use]
    pub fn literals(&self) -> [&LiteralSet; 2] {
        [&self.raw.literals, &self.folded.literals]
    }

    /// Distinct literals looked for: in text as it is, and in folded text (phrases among them).
    #[must_use]
    pub fn literal_counts(&self) -> (usize, usize) {
        (self.raw.literals.len(), self.folded.literals.len())
    }
}

impl Side {
    /// What a literal means.
    pub(crate) fn uses(&self, literal: LiteralId) -> &[Use] {
        &self.uses[literal.index()]
    }
}

#[derive(Default)]
struct SideBuilder {
    side: Side,
    known: BTreeMap<Vec<u8>, LiteralId>,
    known_needles: BTreeMap<Vec<u8>, u32>,
}

impl SideBuilder {
    fn add(&mut self, literal: Vec<u8>, new: Use) {
        let side = &mut self.side;
        let id = *self.known.entry(literal).or_insert_with_key(|literal| {
            side.uses.push(Vec::new());
            side.literals.push(literal)
        });
        side.uses[id.index()].push(new);
    }

    fn needle(&mut self, literal: Vec<u8>) -> u32 {
        let needles = &mut self.side.needles;
        *self.known_needles.entry(literal).or_insert_with_key(|literal| {
            needles.push(Needle::new(literal));
            (needles.len() - 1) as u32
        })
    }

    fn phrase(&mut self, rule: usize, phrase: &str) {
        let mut folded = fold_phrase(phrase);
        folded.truncate(folded.trim_ascii_end().len());
        let text = String::from_utf8_lossy(&folded).into_owned();
        let (before, after) =
            (text.chars().next().is_some_and(ends_word), text.chars().next_back().is_some_and(ends_word));
        self.add(folded, Use::Phrase { rule: rule as u32, before, after });
    }

    fn pattern(&mut self, rule: usize, source: &str, validator: Option<&'static dyn Validator>) {
        let Ok(hir) = parse(source) else { return };
        let Some(mut sets) = literals::required(&hir).filter(|_| hir.properties().maximum_len().is_some()) else {
            return;
        };
        let first = sets.remove(0);
        let cheap = |set: &literals::Required| {
            set.literals.len() <= MOST_ALSO_LITERALS && set.literals.iter().all(|literal| literal.len() > 1)
        };
        let further = sets.into_iter().filter(cheap).take(MOST_ALSO);
        let also = further.map(|set| set.literals.into_iter().map(|literal| self.needle(literal)).collect()).collect();
        let id = self.side.patterns.len() as u32;
        let reach = (first.before, first.after);
        self.side.patterns.push(Pattern {
            rule,
            reach,
            also,
            validator,
            source: source.to_owned(),
            regex: OnceLock::new(),
        });
        for literal in first.literals {
            self.add(literal, Use::Pattern(id));
        }
    }
}

/// Whether a word can end at this character: letters and digits of scripts that put spaces between words.
pub(crate) fn ends_word(character: char) -> bool {
    character.is_alphanumeric() && character < '\u{e00}'
}
