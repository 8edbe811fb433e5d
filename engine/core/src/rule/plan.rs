//! How what a rule looks for is looked for: by which literals.
//!
//! Choosing them takes some tenths of a millisecond for each expression. So `build.rs` includes this file and its neighbours, chooses
//! for the built-in rules, and writes down what was chosen, with postcard; at start-up it is only read.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

use super::literals::{self, Neighbours, Required, Text};
use super::template::TemplatePlan;
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
/// How much commoner than the anchor a companion may be. Finding it costs too.
const WORTH: f64 = 3.0;
/// Anchors that occur less often need no companion.
const RARE: f64 = 150.0;

/// Where the expressions of a rule look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PatternView {
    Raw,
    Folded,
}

/// How the phrases and the expressions of a rule are looked for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RulePlan {
    /// What it was made for.
    digest: u64,
    /// Of each phrase.
    pub(crate) templates: Vec<Option<TemplatePlan>>,
    /// Of each expression, in each view.
    pub(crate) patterns: Vec<Vec<Option<Plan>>>,
}

impl RulePlan {
    /// Chooses for a rule with these phrases, and with these expressions in these views.
    pub(crate) fn new(phrases: &[String], patterns: &[String], views: &[PatternView]) -> Self {
        let of_pattern = |source: &String| {
            let hir = parse(source).ok().filter(|hir| hir.properties().maximum_len().is_some());
            let required = hir.map_or(Vec::new(), |hir| literals::required(&hir));
            views.iter().map(|view| plan(&required, *view)).collect()
        };
        Self {
            digest: digest(phrases, patterns, views),
            templates: phrases.iter().map(|phrase| TemplatePlan::new(phrase)).collect(),
            patterns: patterns.iter().map(of_pattern).collect(),
        }
    }

    /// Reads one that was written down. `None` if it is for something else.
    pub(crate) fn read(bytes: &[u8], phrases: &[String], patterns: &[String], views: &[PatternView]) -> Option<Self> {
        let plan: Self = postcard::from_bytes(bytes).ok()?;
        (plan.digest == digest(phrases, patterns, views)).then_some(plan)
    }
}

/// FNV-1a: what changed by mistake is noticed, and that is all it is for.
fn digest(phrases: &[String], patterns: &[String], views: &[PatternView]) -> u64 {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let end = [0xff];
    let texts = phrases.iter().chain(patterns).flat_map(|text| text.bytes().chain(end));
    let views = views.iter().map(|view| *view as u8);
    texts.chain([phrases.len() as u8]).chain(views).fold(0xcbf2_9ce4_8422_2325, add)
}

/// Parses an expression as rules mean it: over bytes, ASCII classes.
pub(crate) fn parse(pattern: &str) -> Result<Hir, String> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        error => error.to_string(),
    })
}

/// How an expression is looked for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// It is tried around these, and only there.
    pub(crate) anchor: Required,
    /// And only where one of these is in reach too.
    pub(crate) companion: Option<Vec<Vec<u8>>>,
}

/// Chooses the set of literals that an expression is found by: of those of which every match contains one
/// ([`literals::required`]), the rarest. The
/// expression is matched on folded text, or on text as it is; its literals are looked for in folded text either way, because a
/// literal that stands in a text stands, folded, in the folded text.
///
/// `None` if there is no set whose literals all have four bytes and more.
pub(crate) fn plan(required: &[Required], view: PatternView) -> Option<Plan> {
    let sets =
        required.iter().cloned().filter_map(|set| if view == PatternView::Raw { folded(set) } else { Some(set) });
    let mut sets: Vec<(f64, Required)> = sets
        .filter_map(|mut set| {
            set.drop_covered();
            lengthen(&mut set);
            let usable = set.literals.iter().all(|text| text.bytes.len() >= SHORTEST);
            usable.then(|| (literals::cost(&set.literals), set))
        })
        .collect();
    let as_anchor = |(cost, set): &(f64, Required)| {
        let checked = set.beside.iter().flatten().map(|beside: &Neighbours| beside.count).sum::<usize>() >= 4;
        let followed = set.tail.is_some() && set.before == 0;
        cost * if checked || followed { CHECKED_DISCOUNT } else { 1.0 }
    };
    let best = (0..sets.len()).min_by(|a, b| as_anchor(&sets[*a]).total_cmp(&as_anchor(&sets[*b])))?;
    let (cost, anchor) = sets.swap_remove(best);
    let companion = (cost >= RARE).then(|| companion(&anchor, sets)).flatten();
    Some(Plan { anchor, companion })
}

/// The rarest of the other sets that has nothing to do with the anchor.
fn companion(anchor: &Required, mut others: Vec<(f64, Required)>) -> Option<Vec<Vec<u8>>> {
    let holds = |a: &Text, b: &Text| a.bytes.windows(b.bytes.len()).any(|part| part == b.bytes);
    let related = |set: &Required| {
        set.literals.iter().any(|text| anchor.literals.iter().any(|of| holds(text, of) || holds(of, text)))
    };
    let most = MOST_OCCURRENCES.min(WORTH * literals::cost(&anchor.literals));
    others.retain(|(cost, set)| *cost <= most && set.literals.len() <= MOST_COMPANIONS);
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (_, set) = others.into_iter().find(|(_, set)| !related(set))?;
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
