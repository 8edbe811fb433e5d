//! Which fixed strings every match of an expression must contain.
//!
//! The multi-pattern engine looks for these, whatever their case; the expression itself only runs around them. The strings are
//! found from the structure of the expression: for each part, either all texts it can match (if they are few), or a set of
//! texts one of which must be in it.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::rarity;

/// Most texts that combining parts may give.
const MOST: usize = 256;
/// Most literals of an expression.
const MOST_REQUIRED: usize = 512;
/// Shortest useful literal.
pub(crate) const SHORTEST: usize = 3;

/// Literals, in lower case, one of which is in every match, and how far a match may reach around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Required {
    pub(crate) literals: Vec<Vec<u8>>,
    /// Most bytes of a match before the literal.
    pub(crate) before: usize,
    /// Most bytes of a match after the literal's start.
    pub(crate) after: usize,
}

/// All sets of literals that every match must have one of, the best to look for first. None if there is no usable one.
pub(crate) fn required(hir: &Hir) -> Option<Vec<Required>> {
    let mut sets = part(hir).into_sets(max_len(hir));
    for set in &mut sets {
        drop_covered(&mut set.literals);
    }
    sets.sort_by(|a, b| expected(&a.literals).total_cmp(&expected(&b.literals)));
    let usable = |set: &Required| set.literals.iter().all(|literal| literal.len() >= SHORTEST);
    let first = sets.iter().position(usable)?;
    sets[..=first].rotate_right(1);
    Some(sets)
}

/// A literal that contains another of the set is found through it.
fn drop_covered(literals: &mut Vec<Vec<u8>>) {
    literals.sort_by_key(Vec::len);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for literal in literals.drain(..) {
        // Only at its start: what a match may have before the literal is counted from there.
        if !kept.iter().any(|short| literal.starts_with(short)) {
            kept.push(literal);
        }
    }
    *literals = kept;
}

/// What is known of a part of an expression.
#[derive(Default)]
struct Part {
    /// Every text the part can match.
    exact: Option<Vec<Vec<u8>>>,
    /// Sets of literals that every match has one of each of.
    sets: Vec<Required>,
}

impl Part {
    fn exact(texts: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(texts), sets: Vec::new() }
    }

    /// All sets, the exact texts among them. `max_len` is the part's longest match.
    fn into_sets(self, max_len: usize) -> Vec<Required> {
        let whole = self.exact.filter(|texts| texts.iter().all(|text| !text.is_empty()));
        let whole = whole.map(|literals| Required { literals, before: 0, after: max_len });
        whole.into_iter().chain(self.sets).collect()
    }

    fn into_best(self, max_len: usize) -> Option<Required> {
        let cost = |set: &Required| {
            let short = set.literals.iter().any(|literal| literal.len() < SHORTEST);
            expected(&set.literals) + if short { 1e12 } else { 0.0 }
        };
        self.into_sets(max_len).into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))
    }
}

/// Longest match; parts without a bound count as endless, and their rule is refused.
fn max_len(hir: &Hir) -> usize {
    hir.properties().maximum_len().unwrap_or(usize::MAX / 4)
}

/// How often a set is to be expected in ordinary text; each literal also costs a little by itself.
fn expected(set: &[Vec<u8>]) -> f64 {
    set.iter().map(|literal| rarity::occurrences(literal) + 1.0).sum()
}

fn cross(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if left.len() * right.len() > MOST {
        return None;
    }
    let mut all: Vec<Vec<u8>> = left.iter().flat_map(|l| right.iter().map(|r| [l.as_slice(), r].concat())).collect();
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn part(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::exact(vec![Vec::new()]),
        HirKind::Literal(literal) => Part::exact(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => class_texts(class).map_or_else(Part::default, Part::exact),
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = part(&repetition.sub);
            let len = max_len(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) => Part {
                    exact: inner.exact.map(|mut texts| {
                        texts.push(Vec::new());
                        texts
                    }),
                    sets: Vec::new(),
                },
                (0, _) => Part::default(),
                (min, max) => {
                    let few = max == Some(min) && min <= 8;
                    let exact = inner
                        .exact
                        .as_ref()
                        .filter(|_| few)
                        .and_then(|texts| (1..min).try_fold(texts.clone(), |all, _| cross(&all, texts)));
                    // The first turn has one of each set; others may come after it.
                    let others = len.saturating_mul(max.map_or(usize::MAX / 4, |max| max as usize) - 1);
                    let widen = |set: Required| Required { after: set.after.saturating_add(others), ..set };
                    Part { exact, sets: inner.into_sets(len).into_iter().map(widen).collect() }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn alternation(branches: &[Hir]) -> Part {
    let exact: Option<Vec<_>> = branches.iter().map(|branch| part(branch).exact).collect();
    let exact = exact.map(|texts| texts.concat()).filter(|texts| texts.len() <= MOST_REQUIRED);
    let best: Option<Vec<Required>> = branches.iter().map(|branch| part(branch).into_best(max_len(branch))).collect();
    let joined = best.map(|sets| Required {
        before: sets.iter().map(|set| set.before).max().unwrap_or(0),
        after: sets.iter().map(|set| set.after).max().unwrap_or(0),
        literals: sets.into_iter().flat_map(|set| set.literals).collect(),
    });
    let usable = |set: &Required| exact.is_none() && set.literals.len() <= MOST_REQUIRED;
    Part { sets: joined.into_iter().filter(usable).collect(), exact }
}

fn concat(parts: &[Hir]) -> Part {
    let total: usize = parts.iter().map(max_len).fold(0, usize::saturating_add);
    let mut sets: Vec<Required> = Vec::new();
    // The texts of the parts since the last one that could be anything, and how much may come before them.
    let (mut run, mut run_at): (Vec<Vec<u8>>, usize) = (vec![Vec::new()], 0);
    let mut at: usize = 0;
    let mut whole = true;
    let close = |run: Vec<Vec<u8>>, run_at: usize, sets: &mut Vec<Required>| {
        if run.iter().all(|text| !text.is_empty()) {
            sets.push(Required { literals: run, before: run_at, after: total.saturating_sub(run_at) });
        }
    };
    for hir in parts {
        let (part, len) = (part(hir), max_len(hir));
        match part.exact.as_ref().and_then(|texts| cross(&run, texts)) {
            Some(longer) => run = longer,
            None => {
                whole = false;
                close(std::mem::take(&mut run), run_at, &mut sets);
                let end = at.saturating_add(len);
                match part.exact {
                    Some(texts) => (run, run_at) = (texts, at),
                    None => {
                        let shift = |set: Required| Required {
                            before: set.before.saturating_add(at),
                            after: set.after.saturating_add(total.saturating_sub(end)),
                            ..set
                        };
                        sets.extend(part.sets.into_iter().map(shift));
                        (run, run_at) = (vec![Vec::new()], end);
                    }
                }
            }
        }
        at = at.saturating_add(len);
    }
    if whole {
        return Part::exact(run);
    }
    close(run, run_at, &mut sets);
    Part { exact: None, sets }
}

/// The texts of a small class, case aside.
fn class_texts(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Bytes(class) = class else { return None };
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for range in class.ranges() {
        for byte in range.start()..=range.end() {
            let text = vec![byte.to_ascii_lowercase()];
            if !texts.contains(&text) {
                texts.push(text);
            }
            if texts.len() > 6 {
                return None;
            }
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let hir = super::super::compile::parse(pattern).expect("valid expression");
        let mut set: Vec<String> = required(&hir)?
            .swap_remove(0)
            .literals
            .into_iter()
            .map(|literal| String::from_utf8_lossy(&literal).into_owned())
            .collect();
        set.sort();
        Some(set)
    }

    #[test]
    fn finds_what_every_match_contains() {
        assert_eq!(of(r"\bghp_[0-9A-Za-z]{36}\b"), Some(vec!["ghp_".into()]));
        assert_eq!(of(r"(?i)pass(?:word|wd)?\s{0,3}[:=]"), Some(vec!["pass".into()]));
        assert_eq!(of(r"(?:AKIA|ASIA)[A-Z2-7]{16}"), Some(vec!["akia".into(), "asia".into()]));
        assert_eq!(of(r"A(?:KI|SI)A[A-Z]{16}"), Some(vec!["akia".into(), "asia".into()]));
        assert_eq!(of(r"[a-z]{2,9}://[^ ]{1,9}@"), Some(vec!["://".into()]));
        assert_eq!(of(r"x{3}"), Some(vec!["xxx".into()]));
    }

    #[test]
    fn knows_how_far_a_match_reaches_around_each_set() {
        let hir =
            super::super::compile::parse(r"(?:send|post) [a-z]{1,9} (?:to|via) https?://[a-z]{1,30}").expect("valid");
        let sets = required(&hir).expect("literals");
        let reach: Vec<(usize, usize, usize)> =
            sets.iter().map(|set| (set.literals.len(), set.before, set.after)).collect();
        assert_eq!(reach, [(4, 14, 43), (2, 0, 57)], "{sets:?}");
    }

    #[test]
    fn refuses_what_could_be_anything() {
        for pattern in [r"\d{16}", r"(?:abc)?\d{4}", r"abc|\d{3}", r"ab[0-9]cd", r"a{1,9}"] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }
}
