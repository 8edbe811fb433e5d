//! How an expression is looked for: by which literals, and what must be near them before it is tried.

use regex_syntax::hir::Hir;

use super::format::PatternView;
use super::literals::{self, Neighbours, Required, Text};
use crate::matching::rarity;
use crate::view::fold_phrase;

/// Shortest literal that is looked for.
pub(crate) const SHORTEST: usize = 4;
/// Companions of an expression, and literals in one of them.
const MOST_COMPANIONS: usize = 1;
const MOST_COMPANION_LITERALS: usize = 160;
/// How many of a companion may be expected near an anchor in ordinary text; where there is nearly always one, it tells nothing.
const MOST_NEAR: f64 = 0.3;
/// Most literals that a set of short ones may become.
const MOST_LENGTHENED: usize = 200;
/// What it is worth that bytes beside a literal can be checked at once.
const BESIDE_DISCOUNT: f64 = 0.25;

/// Where to try an expression: around the literals of `anchor`, where each of the `companions` is near.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) anchor: Required,
    pub(crate) companions: Vec<Companion>,
}

/// Literals one of which starts between `low` and `high` bytes from the start of the anchor.
#[derive(Debug)]
pub(crate) struct Companion {
    pub(crate) literals: Vec<Text>,
    pub(crate) low: i32,
    pub(crate) high: i32,
}

/// Plans an expression that is matched on folded text, or on text as it is. Its literals are looked for in folded text either
/// way: a literal that stands in a text stands, folded, in the folded text.
///
/// `None` if there is no set of literals of three bytes and more, one of which every match contains.
pub(crate) fn plan(hir: &Hir, view: PatternView) -> Option<Plan> {
    let mut sets: Vec<Required> = literals::required(hir)
        .into_iter()
        .filter_map(|set| if view == PatternView::Raw { folded(set) } else { Some(set) })
        .collect();
    sets.iter_mut().for_each(Required::drop_covered);
    sets.iter_mut().for_each(lengthen);
    sets.retain(|set| set.literals.iter().all(|text| text.bytes.len() >= SHORTEST));
    let cost = |set: &Required| {
        let checked = set.beside.iter().flatten().map(|beside: &Neighbours| beside.count).sum::<usize>() >= 4;
        literals::cost(&set.literals) * if checked { BESIDE_DISCOUNT } else { 1.0 }
    };
    sets.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    if sets.is_empty() {
        return None;
    }
    let anchor = sets.remove(0);
    let far = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    let companions = sets
        .into_iter()
        .filter(|set| set.literals.len() <= MOST_COMPANION_LITERALS)
        .map(|set| {
            // A match starts at most `before` bytes before each of its literals, and ends at most `after` bytes from its start.
            let low = -far(anchor.before.min(set.after.saturating_sub(1)));
            let high = far(anchor.after.min(set.before));
            let near = literals::cost(&set.literals) * (f64::from(high) - f64::from(low)) / rarity::BYTES;
            (near, Companion { literals: set.literals, low, high })
        })
        .filter(|(near, _)| *near < MOST_NEAR);
    let mut companions: Vec<(f64, Companion)> = companions.collect();
    companions.sort_by(|a, b| a.0.total_cmp(&b.0));
    let companions = companions.into_iter().take(MOST_COMPANIONS).map(|(_, companion)| companion).collect();
    Some(Plan { anchor, companions })
}

/// Adds what must stand after a literal that is one byte too short: `sk-` and a letter or digit is 38 literals, and a good set.
fn lengthen(set: &mut Required) {
    let Some(after) = set.beside[1].filter(|_| set.literals.iter().any(|text| text.bytes.len() + 1 == SHORTEST)) else {
        return;
    };
    let mut next: Vec<u8> =
        (0..=0x7f).filter(|byte| after.class.has(*byte)).map(|byte: u8| byte.to_ascii_lowercase()).collect();
    next.sort_unstable();
    next.dedup();
    let visible = next.iter().all(u8::is_ascii_graphic) && (0x80..=0xff).all(|byte| !after.class.has(byte));
    if !visible || set.literals.len() * next.len() > MOST_LENGTHENED {
        return;
    }
    let (long, short): (Vec<Text>, Vec<Text>) =
        set.literals.drain(..).partition(|text| text.bytes.len() + 1 != SHORTEST || text.ends);
    let longer = |text: &Text| {
        let join = |byte: &u8| Text { bytes: [text.bytes.as_slice(), &[*byte]].concat(), ..text.clone() };
        next.iter().map(join).collect::<Vec<_>>()
    };
    set.literals = long.into_iter().chain(short.iter().flat_map(longer)).collect();
    // What was checked after the literal begins one byte later now, for some.
    set.beside[1] = Some(Neighbours { count: after.count - 1, ..after }).filter(|after| after.count > 0);
}

/// The set as it looks in folded text; `None` if a literal of it cannot be told there.
fn folded(mut set: Required) -> Option<Required> {
    let mut shifted = 0;
    for text in &mut set.literals {
        let folded = fold_phrase(std::str::from_utf8(&text.bytes).ok()?);
        // White space at an end may have become one with what stands next to it.
        let trimmed = folded.trim_ascii();
        if !folded.ends_with(trimmed) {
            (text.ends, set.beside[1]) = (false, None);
        }
        if !folded.starts_with(trimmed) {
            shifted = shifted.max(text.bytes.len());
            (text.begins, set.beside[0]) = (false, None);
        }
        text.bytes = trimmed.to_vec();
    }
    set.before += shifted;
    Some(set)
}
