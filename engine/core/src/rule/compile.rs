//! Rules made ready: literals and phrases for the matcher, expressions for the confirmation.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::format::{PatternView, count_by_family};
use super::literals::{Neighbours, Text};
use super::plan::plan;
use super::{Rule, RuleSet};
use crate::detect::{Detector, Validator, detector, validator};
use crate::matching::{LiteralId, LiteralSet};
use crate::view::fold_phrase;

/// Rules ready to be looked for. Immutable; share it.
///
/// Building takes milliseconds per hundred rules; expressions are compiled the first time something looks like a match.
#[derive(Debug)]
pub struct CompiledRules {
    rules: Arc<RuleSet>,
    /// Phrases, and what every match of an expression contains one of. Looked for in all folded text.
    pub(crate) anchors: LiteralSet,
    /// What must be near an anchor. Looked for around anchors only.
    pub(crate) companions: LiteralSet,
    companion_sets: usize,
    uses: Lists<Use>,
    variants: Lists<Variant>,
    /// The nearness that each anchor needs: from its start, the farthest places before and after where companions count.
    reaches: Vec<(i32, i32)>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) detectors: Vec<(usize, &'static dyn Detector)>,
    digest: String,
}

/// A list for each literal, all in one piece of memory.
#[derive(Debug)]
struct Lists<T> {
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    fn new(lists: Vec<Vec<T>>) -> Self {
        let mut all = Self { ends: Vec::with_capacity(lists.len()), items: Vec::new() };
        for list in lists {
            all.items.extend(list);
            all.ends.push(all.items.len() as u32);
        }
        all
    }

    fn of(&self, literal: LiteralId) -> &[T] {
        let start = literal.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[literal.index()] as usize]
    }
}

/// What it means that an anchor was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// It is a whole phrase of a rule; `before` and `after` say where a word must end.
    Phrase { rule: u32, before: bool, after: bool },
    /// An expression may match around it; `begins` and `ends` say where a word boundary must be.
    Pattern { pattern: u32, begins: bool, ends: bool },
}

/// A companion, with or without word boundaries at its ends, belongs to some sets.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) begins: bool,
    pub(crate) ends: bool,
    pub(crate) sets: Box<[u32]>,
}

/// An expression of a rule.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) rule: usize,
    /// Whether it is matched on folded text, or on text as it is.
    pub(crate) folded: bool,
    /// Most bytes of a match before its anchor, and from its anchor's start on.
    pub(crate) reach: (usize, usize),
    /// What must stand right before and right after its anchor.
    pub(crate) beside: [Option<Neighbours>; 2],
    /// Companions that must be near.
    pub(crate) needs: Vec<Need>,
    pub(crate) validator: Option<&'static dyn Validator>,
    source: String,
    regex: OnceLock<Option<meta::Regex>>,
    loose: OnceLock<Option<meta::Regex>>,
}

/// A companion of this set must start between `low` and `high` bytes from the anchor's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    pub(crate) set: u32,
    pub(crate) low: i32,
    pub(crate) high: i32,
}

impl Pattern {
    /// The expression; compiled on first use. `None` cannot happen: rules were compiled when they were read, the built-in
    /// ones by the test suite.
    pub(crate) fn regex(&self) -> Option<&meta::Regex> {
        self.regex.get_or_init(|| build(&self.source).ok()).as_ref()
    }

    /// An expression that matches wherever this one does, and is much cheaper: without the upper bounds of repetitions. A class
    /// repeated up to 400 times is 400 states of an automaton; repeated without bound it is one.
    pub(crate) fn loose(&self) -> Option<&meta::Regex> {
        let build = || {
            let hir = loosen(parse(&self.source).ok()?);
            let config = config().which_captures(WhichCaptures::Implicit).hybrid_cache_capacity(128 << 10);
            meta::Builder::new().configure(config).build_from_hir(&hir).ok()
        };
        self.loose.get_or_init(build).as_ref()
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

fn config() -> meta::Config {
    meta::Config::new().utf8_empty(false).nfa_size_limit(Some(4 << 20)).hybrid_cache_capacity(512 << 10)
}

/// Takes away captures and the upper bounds of repetitions that may go on for long.
fn loosen(hir: Hir) -> Hir {
    const LONG: u32 = 6;
    match hir.into_kind() {
        HirKind::Capture(capture) => loosen(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(loosen).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.into_iter().map(loosen).collect()),
        HirKind::Repetition(repetition) => {
            let max = repetition.max.filter(|max| *max - repetition.min <= LONG);
            Hir::repetition(Repetition { max, sub: Box::new(loosen(*repetition.sub)), ..repetition })
        }
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Empty => Hir::empty(),
    }
}

/// Compiles an expression.
///
/// # Errors
/// When it takes more than 4 MB.
pub(crate) fn build(pattern: &str) -> Result<meta::Regex, Box<meta::BuildError>> {
    meta::Builder::new().configure(config()).syntax(syntax_config()).build(pattern).map_err(Box::new)
}

impl CompiledRules {
    /// Compiles a set of rules.
    #[must_use]
    pub fn new(rules: RuleSet) -> Self {
        let mut builder = Builder::default();
        let mut detectors = Vec::new();
        let mut hasher = blake3::Hasher::new();
        for (id, rule) in rules.rules().iter().enumerate() {
            for part in [&rule.id, &rule.source] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            for phrase in &rule.phrases {
                builder.phrase(id, phrase);
            }
            let validator = rule.validator.as_deref().and_then(validator);
            for pattern in &rule.patterns {
                for view in &rule.views {
                    builder.pattern(id, pattern, *view, validator);
                }
            }
            detectors.extend(rule.detector.as_deref().and_then(detector).map(|detector| (id, detector)));
        }
        let digest = hasher.finalize().to_hex()[..32].to_owned();
        let companion_sets = builder.known_sets.len();
        let Builder { anchors, companions, uses, reaches, patterns, variants, .. } = builder;
        let variants = variants.into_iter().map(|of_literal| {
            let variant = |((begins, ends), sets): (_, Vec<u32>)| Variant { begins, ends, sets: sets.into() };
            of_literal.into_iter().map(variant).collect()
        });
        let variants = Lists::new(variants.collect());
        let uses = Lists::new(uses);
        let rules = Arc::new(rules);
        Self { rules, anchors, companions, companion_sets, uses, variants, reaches, patterns, detectors, digest }
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

    /// What matchers look for in folded text: anchors (phrases, and what every match of an expression contains one of) and
    /// companions (what else must be near).
    #[must_use]
    pub fn literals(&self) -> [&LiteralSet; 2] {
        [&self.anchors, &self.companions]
    }

    /// How many sets of companions there are.
    pub(crate) fn companion_sets(&self) -> usize {
        self.companion_sets
    }

    /// What an anchor means.
    pub(crate) fn uses(&self, anchor: LiteralId) -> &[Use] {
        self.uses.of(anchor)
    }

    /// What a companion belongs to.
    pub(crate) fn variants(&self, companion: LiteralId) -> &[Variant] {
        self.variants.of(companion)
    }

    /// From the start of an anchor, where the first and the last companion that counts may start; none if none counts.
    pub(crate) fn reach(&self, anchor: LiteralId) -> Option<(i32, i32)> {
        Some(self.reaches[anchor.index()]).filter(|(low, high)| low <= high)
    }
}

#[derive(Default)]
struct Builder {
    anchors: LiteralSet,
    known_anchors: HashMap<Vec<u8>, LiteralId>,
    uses: Vec<Vec<Use>>,
    reaches: Vec<(i32, i32)>,
    companions: LiteralSet,
    known_companions: HashMap<Vec<u8>, LiteralId>,
    variants: Vec<BTreeMap<(bool, bool), Vec<u32>>>,
    known_sets: HashMap<Vec<Text>, u32>,
    patterns: Vec<Pattern>,
}

impl Builder {
    fn anchor(&mut self, literal: Vec<u8>, new: Use) -> LiteralId {
        let Self { anchors, known_anchors, uses, reaches, .. } = self;
        let id = *known_anchors.entry(literal).or_insert_with_key(|literal| {
            uses.push(Vec::new());
            reaches.push((i32::MAX, i32::MIN));
            anchors.push(literal)
        });
        uses[id.index()].push(new);
        id
    }

    fn phrase(&mut self, rule: usize, phrase: &str) {
        let mut folded = fold_phrase(phrase);
        folded.truncate(folded.trim_ascii_end().len());
        let text = String::from_utf8_lossy(&folded);
        let (before, after) =
            (text.chars().next().is_some_and(ends_word), text.chars().next_back().is_some_and(ends_word));
        self.anchor(folded, Use::Phrase { rule: rule as u32, before, after });
    }

    fn pattern(&mut self, rule: usize, source: &str, view: PatternView, validator: Option<&'static dyn Validator>) {
        let Ok(hir) = parse(source) else { return };
        let Some(plan) = plan(&hir, view).filter(|_| hir.properties().maximum_len().is_some()) else {
            return;
        };
        let folded = view == PatternView::Folded;
        let id = self.patterns.len() as u32;
        let (mut low, mut high) = (i32::MAX, i32::MIN);
        let mut needs = Vec::new();
        for companion in plan.companions {
            (low, high) = (low.min(companion.low), high.max(companion.high));
            needs.push(Need { set: self.set(companion.literals, folded), low: companion.low, high: companion.high });
        }
        for Text { bytes, begins, ends } in plan.anchor.literals {
            let anchor = self.anchor(bytes, Use::Pattern { pattern: id, begins, ends });
            let reach = &mut self.reaches[anchor.index()];
            *reach = (reach.0.min(low), reach.1.max(high));
        }
        self.patterns.push(Pattern {
            rule,
            folded,
            reach: (plan.anchor.before, plan.anchor.after),
            beside: plan.anchor.beside,
            needs,
            validator,
            source: source.to_owned(),
            regex: OnceLock::new(),
            loose: OnceLock::new(),
        });
    }

    /// A set of companions. Word boundaries of expressions for text as it is cannot be told in folded text.
    fn set(&mut self, mut literals: Vec<Text>, folded: bool) -> u32 {
        if !folded {
            literals.iter_mut().for_each(|text| (text.begins, text.ends) = (false, false));
        }
        let new = self.known_sets.len() as u32;
        let id = *self.known_sets.entry(literals.clone()).or_insert(new);
        if id == new {
            for Text { bytes, begins, ends } in literals {
                let Self { companions, known_companions, variants, .. } = self;
                let literal = *known_companions.entry(bytes).or_insert_with_key(|literal| {
                    variants.push(BTreeMap::new());
                    companions.push(literal)
                });
                variants[literal.index()].entry((begins, ends)).or_default().push(id);
            }
        }
        id
    }
}

/// Whether a word can end at this character: letters and digits of scripts that put spaces between words.
pub(crate) fn ends_word(character: char) -> bool {
    character.is_alphanumeric() && character < '\u{e00}'
}
