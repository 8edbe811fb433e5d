//! How an expression is looked for: by which literals.

use regex_syntax::hir::Hir;

use super::format::PatternView;
use super::literals::{self, Neighbours, Required, Text};
use crate::view::fold_phrase;

/// Shortest literal that is looked for.
pub(crate) const SHORTEST: usize = 4;
/// Most literals that a set of short ones may become.
const MOST_LENGTHENED: usize = 200;
/// What it is worth that bytes beside a literal can be checked at once, or that the whole expression can be followed from it on.
const CHECKED_DISCOUNT: f64 = 0.3;

/// Most occurrences of the literals of a companion in 16 MB of text, and most literals. Commoner ones tell little.
const MOST_OCCURRENCES: f64 = 8000.0;
const MOST_COMPANIONS: usize = 64;
/// Anchors that occur less often need no companion.
const RARE: f64 = 150.0;

/// How an expression is looked for.
pub(crate) struct Plan {
    /// It is tried around these, and only there.
    pub(crate) anchor: Required,
    /// And only where one of these is in reach too.
    pub(crate) companion: Option<Vec<Vec<u8>>>,
}

/// Chooses the set of literals that an expression is found by: of those of which every match contains one, the rarest. The
/// expression is matched on folded text, or on text as it is; its literals are looked for in folded text either way, because a
/// literal that stands in a text stands, folded, in the folded text.
///
/// `None` if there is no set whose literals all have four bytes and more.
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
        let followed = set.tail.is_some() && set.before == 0;
        literals::cost(&set.literals) * if checked || followed { CHECKED_DISCOUNT } else { 1.0 }
    };
    let best = (0..sets.len()).min_by(|a, b| cost(&sets[*a]).total_cmp(&cost(&sets[*b])))?;
    let anchor = sets.swap_remove(best);
    let companion = (literals::cost(&anchor.literals) >= RARE).then(|| companion(&anchor, sets)).flatten();
    Some(Plan { anchor, companion })
}

/// The rarest of the other sets that has nothing to do with the anchor.
fn companion(anchor: &Required, others: Vec<Required>) -> Option<Vec<Vec<u8>>> {
    let holds = |a: &Text, b: &Text| memchr::memmem::find(&a.bytes, &b.bytes).is_some();
    let related = |set: &Required| {
        set.literals.iter().any(|text| anchor.literals.iter().any(|of| holds(text, of) || holds(of, text)))
    };
    let good = others.into_iter().filter(|set| set.literals.len() <= MOST_COMPANIONS && !related(set));
    let rated = good.map(|set| (literals::cost(&set.literals), set));
    let (_, set) = rated.filter(|(cost, _)| *cost <= MOST_OCCURRENCES).min_by(|a, b| a.0.total_cmp(&b.0))?;
    let mut texts: Vec<Vec<u8>> = set.literals.into_iter().map(|text| text.bytes).collect();
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
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
            (text.begins, set.beside[0], set.tail) = (false, None, None);
        }
        text.bytes = trimmed.to_vec();
    }
    set.before += shifted;
    Some(set)
}
