//! Rules made ready: literals and phrases for the matcher, expressions for the confirmation.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use regex_automata::hybrid::dfa::DFA;
use regex_automata::meta;
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::format::count_by_family;
use super::literals::{Neighbours, Text, tail};
use super::plan::{PatternView, Plan, parse};
use super::template::{Anchor, Template, TemplatePlan};
use super::{Rule, RuleSet};
use crate::content::ContentKind;
use crate::detect::{Detector, Parts, Shapes, Validator, detector, validator};
use crate::matching::{LiteralId, LiteralSet};
use crate::parallel;

/// Rules ready to be looked for. Immutable; share it.
///
/// Building takes tens of milliseconds for the built-in rules, whose literals were chosen when the program was built, and some tenths of a
/// millisecond for each other expression; expressions are compiled the first time something looks like a match.
#[derive(Debug)]
pub struct CompiledRules {
    rules: Arc<RuleSet>,
    /// Phrases, and what every match of an expression contains one of. Looked for in all folded text.
    pub(crate) anchors: LiteralSet,
    uses: Lists<Use>,
    /// For each literal the sets of companions that it is in.
    sets: Lists<u32>,
    pub(crate) templates: Vec<Template>,
    pub(crate) patterns: Vec<Pattern>,
    /// How many sets of companions there are.
    pub(crate) companions: usize,
    pub(crate) detectors: Vec<(usize, &'static dyn Detector)>,
    pub(crate) shapes: Shapes,
    digest: String,
}

/// A list for each literal, all in one piece of memory.
#[derive(Debug)]
struct Lists<T> {
    /// Where each begins, and where the last one ends.
    borders: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// The lists of `count` literals, given as literal and item; each list keeps this order.
    fn new(count: usize, given: &[(LiteralId, T)]) -> Self {
        let mut borders = vec![0; count + 1];
        for (literal, _) in given {
            borders[literal.index() + 1] += 1;
        }
        for index in 1..borders.len() {
            borders[index] += borders[index - 1];
        }
        let mut items: Vec<T> = given.iter().map(|(_, item)| *item).collect();
        let mut next = borders.clone();
        for (literal, item) in given {
            let place = &mut next[literal.index()];
            items[*place as usize] = *item;
            *place += 1;
        }
        Self { borders, items }
    }

    #[inline]
    fn of(&self, literal: LiteralId) -> &[T] {
        let [start, end] = self.borders[literal.index()..][..2] else { return &[] };
        &self.items[start as usize..end as usize]
    }
}

/// What it means that an anchor was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// A template of phrases may stand around it; `lead` and `trail` say where a space comes next.
    Phrase { template: u32, lead: bool, trail: bool },
    /// An expression may match around it; `begins` and `ends` say where a word boundary must be.
    Pattern { pattern: u32, begins: bool, ends: bool },
}

/// An expression of a rule.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) rule: usize,
    /// Whether it is matched on folded text, or on text as it is.
    pub(crate) folded: bool,
    /// Most bytes of a match before its anchor, and from its anchor's start on.
    pub(crate) reach: (usize, usize),
    /// The set of which one must be in reach of the anchor.
    pub(crate) companion: Option<u32>,
    /// What must stand right before and right after its anchor.
    pub(crate) beside: [Option<Neighbours>; 2],
    pub(crate) validator: Option<&'static dyn Validator>,
    source: String,
    regex: OnceLock<Option<meta::Regex>>,
    tail: Option<usize>,
    loose_tail: OnceLock<Option<DFA>>,
    loose: OnceLock<Option<DFA>>,
}

impl Pattern {
    /// The expression; compiled on first use. `None` cannot happen: rules were compiled when they were read, the built-in
    /// ones by the test suite.
    pub(crate) fn regex(&self) -> Option<&meta::Regex> {
        self.regex.get_or_init(|| build(&self.source).ok()).as_ref()
    }

    /// What every match goes on with from its anchor on, as a loose automaton. `None`: that is not known.
    pub(crate) fn loose_tail(&self) -> Option<&DFA> {
        self.loose_tail.get_or_init(|| loose(tail(&parse(&self.source).ok()?, self.tail?)?)).as_ref()
    }

    /// The expression as a loose automaton. `None`: it would tell no more than its tail does.
    pub(crate) fn loose(&self) -> Option<&DFA> {
        let whole = self.tail.is_some() && self.reach.0 == 0;
        self.loose.get_or_init(|| if whole { None } else { loose(parse(&self.source).ok()?) }).as_ref()
    }
}

/// An automaton that matches wherever the expression does, and is much smaller: the bounds of repetitions are left out. A class
/// repeated up to 400 times is 400 states; repeated without bound it is one.
fn loose(hir: Hir) -> Option<DFA> {
    let compiler = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
    let nfa = NFA::compiler().configure(compiler).build_from_hir(&loosen(hir)).ok()?;
    let config = DFA::config().cache_capacity(128 << 10).minimum_cache_clear_count(Some(4));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
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
        let plans = parallel::map(rules.rules(), 16, Rule::plan);
        for ((id, rule), plan) in rules.rules().iter().enumerate().zip(plans) {
            for part in [&rule.id, &rule.source] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            for (phrase, plan) in rule.phrases.iter().zip(plan.templates) {
                builder.phrase(id, phrase, plan);
            }
            let validator = rule.validator.as_deref().and_then(validator);
            for (pattern, plans) in rule.patterns.iter().zip(plan.patterns) {
                for (view, plan) in rule.views.iter().zip(plans) {
                    builder.pattern(id, pattern, *view, plan, validator);
                }
            }
            detectors.extend(rule.detector.as_deref().and_then(detector).map(|detector| (id, detector)));
        }
        let shapes = Shapes::new(rules.rules(), |rule| Parts {
            validator: rule.validator.as_deref().and_then(validator),
            detector: rule.detector.as_deref().and_then(detector),
        });
        let digest = hasher.finalize().to_hex()[..32].to_owned();
        let Builder { anchors, uses, sets, templates, patterns, companions, .. } = builder;
        let companions = companions.len();
        let (uses, sets) = (Lists::new(anchors.len(), &uses), Lists::new(anchors.len(), &sets));
        let rules = Arc::new(rules);
        Self { rules, anchors, uses, sets, templates, patterns, companions, detectors, shapes, digest }
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

    /// What a matcher looks for in folded text: phrases, and for each expression literals of which every match contains one.
    #[must_use]
    pub fn literals(&self) -> &LiteralSet {
        &self.anchors
    }

    /// How much text a rule for content of a kind looks at together at most, in bytes: its match, and what must stand near it.
    pub(crate) fn reach(&self, kind: ContentKind) -> usize {
        /// Words near numbers, quotation marks around orders, stretches that decoders look at.
        const NEAR: usize = 512;
        let applies = |pattern: &&Pattern| self.rule(pattern.rule).content_kinds.contains(&kind);
        let longest = self.patterns.iter().filter(applies).map(|pattern| pattern.reach.0 + pattern.reach.1).max();
        let phrase = self.templates.iter().map(Template::longest).max();
        longest.max(phrase).unwrap_or(0) + NEAR
    }

    /// What an anchor means.
    pub(crate) fn uses(&self, anchor: LiteralId) -> &[Use] {
        self.uses.of(anchor)
    }

    /// The sets of companions that a literal is in.
    pub(crate) fn companion_sets(&self, literal: LiteralId) -> &[u32] {
        self.sets.of(literal)
    }
}

#[derive(Default)]
struct Builder {
    anchors: LiteralSet,
    known: HashMap<Vec<u8>, LiteralId, foldhash::fast::RandomState>,
    uses: Vec<(LiteralId, Use)>,
    sets: Vec<(LiteralId, u32)>,
    templates: Vec<Template>,
    patterns: Vec<Pattern>,
    companions: HashMap<Vec<Vec<u8>>, u32>,
}

impl Builder {
    fn anchor(&mut self, literal: Vec<u8>, new: Use) {
        let id = self.literal(literal);
        self.uses.push((id, new));
    }

    fn literal(&mut self, literal: Vec<u8>) -> LiteralId {
        let Self { anchors, known, .. } = self;
        *known.entry(literal).or_insert_with_key(|literal| anchors.push(literal))
    }

    fn phrase(&mut self, rule: usize, phrase: &str, plan: Option<TemplatePlan>) {
        let Some(TemplatePlan { anchor, texts }) = plan else { return };
        let Some(template) = Template::new(rule, phrase, anchor) else { return };
        let id = self.templates.len() as u32;
        for Anchor { text, lead, trail } in texts {
            self.anchor(text, Use::Phrase { template: id, lead, trail });
        }
        self.templates.push(template);
    }

    /// The number of a set of companions.
    fn companion(&mut self, texts: Vec<Vec<u8>>) -> u32 {
        let new = self.companions.len() as u32;
        let set = *self.companions.entry(texts.clone()).or_insert(new);
        if set == new {
            texts.into_iter().for_each(|text| {
                let id = self.literal(text);
                self.sets.push((id, set));
            });
        }
        set
    }

    fn pattern(
        &mut self,
        rule: usize,
        source: &str,
        view: PatternView,
        plan: Option<Plan>,
        validator: Option<&'static dyn Validator>,
    ) {
        let Some(Plan { anchor, companion }) = plan else { return };
        let companion = companion.map(|texts| self.companion(texts));
        let id = self.patterns.len() as u32;
        for Text { bytes, begins, ends } in anchor.literals {
            self.anchor(bytes, Use::Pattern { pattern: id, begins, ends });
        }
        self.patterns.push(Pattern {
            rule,
            folded: view == PatternView::Folded,
            reach: (anchor.before, anchor.after),
            companion,
            beside: anchor.beside,
            validator,
            source: source.to_owned(),
            regex: OnceLock::new(),
            tail: anchor.tail,
            loose_tail: OnceLock::new(),
            loose: OnceLock::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::RulePlan;
    use super::*;

    #[test]
    fn what_was_chosen_at_build_time_is_what_would_be_chosen_now() {
        for rule in RuleSet::builtin().rules() {
            let ready = RulePlan::read(rule.planned.unwrap_or_default(), &rule.phrases, &rule.patterns, &rule.views);
            assert_eq!(ready, Some(RulePlan::new(&rule.phrases, &rule.patterns, &rule.views)), "{}", rule.id);
        }
    }

    #[test]
    fn a_plan_for_something_else_is_not_used() {
        let mut rule = RuleSet::builtin().get("injection.urgent-order").expect("a built-in rule").clone();
        rule.patterns = vec!["needles?".into()];
        assert_eq!(rule.plan(), RulePlan::new(&[], &rule.patterns, &rule.views));
    }
}
