//! Which rules a text nearly matches, for whoever writes them. Beside the path: a scan knows nothing of it.

use std::collections::HashMap;

use super::CompiledRules;
use super::literals::{self, required};
use crate::matching::{AhoCorasickMatcher, Backend as _, BuildMatcherError, Hit, LiteralSet, Searcher};
use crate::view::{Folder, fold_phrase};

/// Fewest bytes of fixed words that are looked for.
const SHORTEST: usize = 3;

/// Finds near misses of expressions.
///
/// Every match of an expression has one text of each of some sets of fixed texts (`ignore` or `forget`, then `rules` or `orders`). A near
/// miss is a place where the rarest of these sets stands and, within the length of a match around it, exactly one of the others does not.
/// Expressions with one set, phrases, shapes and detectors have none.
#[derive(Debug)]
pub struct NearMisses {
    searcher: Box<dyn Searcher>,
    expressions: Vec<Expression>,
    /// For each text, the expressions and their sets that it belongs to.
    uses: Vec<Vec<(usize, usize)>>,
    texts: LiteralSet,
    folder: Folder,
    /// Where the sets of each expression stand. Reused.
    places: Vec<Vec<(usize, usize)>>,
}

#[derive(Debug)]
struct Expression {
    rule: usize,
    sets: usize,
    /// The rarest of its sets.
    anchor: usize,
    /// Longest match, in bytes.
    reach: usize,
}

impl NearMisses {
    /// Makes ready to look for near misses of these rules.
    ///
    /// # Errors
    /// When there are too many texts for the search.
    pub fn new(rules: &CompiledRules) -> Result<Self, BuildMatcherError> {
        let (mut expressions, mut texts) = (Vec::new(), LiteralSet::default());
        let mut uses: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut known = HashMap::new();
        for (rule, source) in rules
            .rules()
            .iter()
            .enumerate()
            .flat_map(|(id, rule)| rule.patterns.iter().map(move |pattern| (id, pattern)))
        {
            let Ok(hir) = super::plan::parse(source) else { continue };
            let Some(reach) = hir.properties().maximum_len() else { continue };
            let mut sets: Vec<(f64, Vec<Vec<u8>>)> = Vec::new();
            for set in required(&hir) {
                let cost = literals::cost(&set.literals);
                let folded = |text: &literals::Text| Some(fold_phrase(std::str::from_utf8(&text.bytes).ok()?));
                let Some(mut folded) = set.literals.iter().map(folded).collect::<Option<Vec<_>>>() else { continue };
                folded.sort_unstable();
                folded.dedup();
                if folded.iter().all(|text| text.len() >= SHORTEST) && !sets.iter().any(|(_, other)| *other == folded) {
                    sets.push((cost, folded));
                }
            }
            if sets.len() < 2 {
                continue;
            }
            let rarest = sets.iter().enumerate().min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
            let anchor = rarest.map_or(0, |(at, _)| at);
            for (set, literal) in
                sets.iter().enumerate().flat_map(|(at, (_, all))| all.iter().map(move |one| (at, one)))
            {
                let id = *known.entry(literal.clone()).or_insert_with(|| {
                    uses.push(Vec::new());
                    texts.push(literal).index()
                });
                uses[id].push((expressions.len(), set));
            }
            expressions.push(Expression { rule, sets: sets.len(), anchor, reach });
        }
        let searcher = AhoCorasickMatcher.build(&texts)?.searcher();
        let places = vec![Vec::new(); expressions.len()];
        Ok(Self { searcher, expressions, uses, texts, folder: Folder::default(), places })
    }

    /// The rules that have a near miss in a text, by their place in [`CompiledRules::rules`], each once. Whether they match elsewhere in it is
    /// the caller's to know.
    pub fn find(&mut self, text: &[u8]) -> Vec<usize> {
        let Self { searcher, expressions, uses, texts, folder, places } = self;
        places.iter_mut().for_each(Vec::clear);
        let text = folder.fold(text);
        searcher.find(text, &mut |Hit { literal, start, end }| {
            if text[start..end] == *texts.get(literal) {
                for (expression, set) in &uses[literal.index()] {
                    places[*expression].push((*set, start));
                }
            }
        });
        let near = |(expression, places): (&Expression, &Vec<(usize, usize)>)| {
            let anchors = places.iter().filter(|(set, _)| *set == expression.anchor);
            let missing = |at: usize| {
                let within = |set: usize| {
                    places.iter().any(|(other, place)| *other == set && place.abs_diff(at) <= expression.reach)
                };
                (0..expression.sets).filter(|set| !within(*set)).count()
            };
            // A text with thousands of them is not looked at to its end.
            anchors.take(64).any(|(_, at)| missing(*at) == 1).then_some(expression.rule)
        };
        let mut rules: Vec<usize> = expressions.iter().zip(&*places).filter_map(near).collect();
        rules.dedup();
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::super::RuleSet;
    use super::*;

    #[test]
    fn all_but_one_of_the_fixed_words_stand_together() {
        let source = r#"
id = "injection.test"
title = "A test"
severity = "high"
confidence = "high"
description = "A test."
why = "A test."
remedy = "None."
patterns = ['''\bfeed the zebra\b.{0,40}\b(?:quickly|tonight)\b.{0,20}\bor else\b''']
views = ["folded"]
examples = ["feed the zebra tonight or else", "feed the zebra quickly, or else"]
negative_examples = ["a zebra", "feed the cat"]
[taxonomy]
owasp_llm = ["LLM01:2025"]
"#;
        let (rules, problems) = RuleSet::parse([("test.toml", source)]);
        assert!(problems.is_empty(), "{problems:?}");
        let mut near = NearMisses::new(&CompiledRules::new(rules)).expect("few texts");
        let mut found = |text: &str| near.find(text.as_bytes()).len();
        assert_eq!(found("Feed  the ZEBRA tomorrow, or else!"), 1, "one set is missing");
        assert_eq!(found("Feed the zebra tonight."), 1);
        assert_eq!(found("Feed the zebra."), 0, "two are missing");
        assert_eq!(found("Feed the zebra tonight, or else."), 0, "none is");
        assert_eq!(found(&format!("Feed the zebra.{} or else", " and so on".repeat(20))), 0, "too far off");
    }
}
