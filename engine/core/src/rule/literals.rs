//! Which fixed strings every match of an expression must contain.
//!
//! The multi-pattern engine looks for these, whatever their case; the expression itself only runs around them. The strings are
//! found from the structure of the expression: for each part, either all texts it can match (if they are few), or a set of
//! texts one of which must be in it.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most texts that combining parts may give.
const MOST: usize = 64;
/// Most literals of an expression.
const MOST_REQUIRED: usize = 256;
/// Shortest useful literal.
pub(crate) const SHORTEST: usize = 3;

/// Literals, in lower case, one of which is in every match; `None` if there is no good set.
pub(crate) fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut set = part(hir).best()?;
    if set.iter().any(|literal| literal.len() < SHORTEST) {
        return None;
    }
    // A literal that contains another of the set is found through it.
    set.sort_by_key(Vec::len);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for literal in set {
        if !kept.iter().any(|short| memchr::memmem::find(&literal, short).is_some()) {
            kept.push(literal);
        }
    }
    Some(kept)
}

/// What is known of a part of an expression.
#[derive(Default)]
struct Part {
    /// Every text the part can match.
    exact: Option<Vec<Vec<u8>>>,
    /// Texts one of which is in every match.
    required: Option<Vec<Vec<u8>>>,
}

impl Part {
    fn exact(texts: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(texts), required: None }
    }

    fn best(self) -> Option<Vec<Vec<u8>>> {
        better(self.exact, self.required)
    }
}

/// How good a set is to look for: long literals first, then few of them.
fn quality(set: &[Vec<u8>]) -> (usize, usize) {
    let shortest = set.iter().map(Vec::len).min().unwrap_or(0);
    // Beyond a dozen bytes length no longer makes a literal rarer, but more of them cost more.
    (shortest.min(12), MOST_REQUIRED - set.len().min(MOST_REQUIRED))
}

fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if quality(&a) >= quality(&b) { a } else { b }),
        (a, b) => a.or(b),
    }
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
            match (repetition.min, repetition.max) {
                (0, Some(1)) => Part {
                    exact: inner.exact.map(|mut texts| {
                        texts.push(Vec::new());
                        texts
                    }),
                    required: None,
                },
                (0, _) => Part::default(),
                (min, max) if max == Some(min) && min <= 8 => {
                    let exact = inner.exact.as_ref().and_then(|texts| {
                        (1..min).try_fold(texts.clone(), |all, _| cross(&all, texts))
                    });
                    Part { exact, required: inner.best() }
                }
                _ => Part { exact: None, required: inner.best() },
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => {
            let parts: Vec<Part> = branches.iter().map(part).collect();
            let exact: Option<Vec<_>> = parts.iter().map(|part| part.exact.clone()).collect();
            let exact = exact.map(|texts| texts.concat()).filter(|texts| texts.len() <= MOST_REQUIRED);
            let required: Option<Vec<_>> = parts.into_iter().map(Part::best).collect();
            let required = required.map(|texts| texts.concat()).filter(|texts| texts.len() <= MOST_REQUIRED);
            Part { exact, required }
        }
    }
}

fn concat(parts: &[Hir]) -> Part {
    let mut best: Option<Vec<Vec<u8>>> = None;
    // The texts of the parts since the last one that could be anything.
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    let mut whole = true;
    for part in parts.iter().map(part) {
        if let Some(longer) = part.exact.as_ref().and_then(|texts| cross(&run, texts)) {
            run = longer;
            continue;
        }
        whole = false;
        best = better(best, Some(run));
        run = match part.exact {
            Some(texts) => texts,
            _ => {
                best = better(best, part.required);
                vec![Vec::new()]
            }
        };
    }
    if whole { Part::exact(run) } else { Part { exact: None, required: better(best, Some(run)) } }
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
        let mut set: Vec<String> =
            required(&hir)?.into_iter().map(|literal| String::from_utf8_lossy(&literal).into_owned()).collect();
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
    fn refuses_what_could_be_anything() {
        for pattern in [r"\d{16}", r"(?:abc)?\d{4}", r"abc|\d{3}", r"ab[0-9]cd", r"a{1,9}"] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }
}
