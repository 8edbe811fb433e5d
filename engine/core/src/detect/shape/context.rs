//! The words near a number: those that say what it is, and those that say it is something else.
//!
//! Words are looked up in folded text, so case, accents and look-alike letters do not matter. A phrase is found by the hash of
//! its words with one space between any two, whatever stands between them in the text (`card_number`, `card-number`). Scripts
//! without spaces between words are taken character by character.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use crate::view::{Layer, fold_phrase};

/// Most words (or characters of a script without spaces) in a phrase.
pub(crate) const MOST_UNITS: usize = 24;

/// What a number is called that identifies nobody. Right before a number, one of these takes a weak match away.
const OTHER_NUMBERS: &[&str] = &[
    "order",
    "order number",
    "order no",
    "order id",
    "invoice",
    "invoice number",
    "invoice no",
    "invoice id",
    "tracking",
    "tracking number",
    "tracking no",
    "ticket",
    "ticket number",
    "ticket id",
    "case number",
    "case id",
    "version",
    "v",
    "ver",
    "release",
    "build",
    "build number",
    "commit",
    "revision",
    "rev",
    "sha",
    "hash",
    "checksum",
    "serial",
    "serial number",
    "serial no",
    "sku",
    "upc",
    "ean",
    "isbn",
    "issn",
    "part number",
    "part no",
    "product number",
    "product id",
    "product code",
    "item",
    "item number",
    "item id",
    "article number",
    "model",
    "model number",
    "batch",
    "batch number",
    "lot number",
    "timestamp",
    "epoch",
    "unix time",
    "port",
    "line",
    "lines",
    "offset",
    "bytes",
    "size",
    "length",
    "count",
    "total",
    "pid",
    "process id",
    "thread",
    "thread id",
    "error code",
    "status code",
    "code",
    "price",
    "amount",
    "quantity",
    "qty",
    "request id",
    "trace id",
    "span id",
    "session id",
    "message id",
    "transaction id",
    "transaction number",
    "booking number",
    "reservation",
    "reservation number",
    "confirmation number",
    "flight number",
    "doi",
    "arxiv",
    "pmid",
    "issue",
    "pull request",
    "bug",
    "cve",
    "rfc",
    "figure",
    "table",
    "page",
    "chapter",
    "seed",
    "bestellnummer",
    "bestellung",
    "rechnung",
    "rechnungsnummer",
    "artikelnummer",
    "sendungsnummer",
    "pedido",
    "numero de pedido",
    "factura",
    "numero de factura",
    "referencia",
    "commande",
    "numero de commande",
    "facture",
    "numero de facture",
    "ordine",
    "numero ordine",
    "fattura",
    "encomenda",
    "fatura",
    "bestelnummer",
    "factuurnummer",
];

/// What machines call a number of their own. It takes digits in a row away for which no other word speaks.
const IDENTIFIERS: &[&str] = &[
    "id", "ids", "uid", "gid", "oid", "guid", "uuid", "pk", "seq", "sequence", "nonce", "cursor", "etag", "ts", "time",
    "usec", "nsec",
];

/// Words that stand between the name of a number and the number.
const GLUE: &[&str] = &[
    "no",
    "nr",
    "num",
    "number",
    "numero",
    "nummer",
    "n",
    "id",
    "is",
    "was",
    "of",
    "the",
    "es",
    "ist",
    "lautet",
    "e",
    "est",
    "de",
    "is",
    "ref",
    "reference",
    "code",
    "my",
    "mein",
    "mi",
    "o",
];

/// A hash is a good hash of itself.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = hash(self.0, *byte));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type Table<T> = HashMap<u64, T, BuildHasherDefault<Same>>;

/// FNV-1a: it can be gone on with, so a phrase costs no more than its last word.
fn hash(so_far: u64, byte: u8) -> u64 {
    (so_far ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// The words that rules know.
#[derive(Debug)]
pub(super) struct Words {
    /// For the first unit of a phrase, how many units a phrase that begins with it has at most.
    firsts: Table<u8>,
    /// A bit for each of these, by how it begins and how long it is: most words are none of them, and this tells without a look at
    /// each byte.
    known: Box<[u64; KNOWN_WORDS]>,
    phrases: Table<Meaning>,
    rules: Vec<u16>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Meaning {
    /// Rules, in `Words::rules`.
    rules: (u32, u32),
    other: bool,
    identifier: bool,
    glue: bool,
}

/// A phrase seen near a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// In the text as it is.
    start: usize,
    end: usize,
    meaning: Meaning,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            firsts: Table::default(),
            known: Box::new([0; KNOWN_WORDS]),
            phrases: Table::default(),
            rules: Vec::new(),
        }
    }
}

/// 8192 bits for some hundred words.
const KNOWN_WORDS: usize = 128;

/// Where the bit of a word is.
fn place_of(word: &[u8]) -> (usize, u64) {
    let start = match word.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    let hash = (start ^ word.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash >> 32) as usize % KNOWN_WORDS, 1 << (hash >> 58))
}

impl Seen {
    /// Whether it begins before a place.
    pub(super) fn is_before(&self, at: usize) -> bool {
        self.start < at
    }
}

impl Words {
    /// `lists` are the words of each rule that has any.
    pub(super) fn new<'w>(lists: impl Iterator<Item = (u16, &'w [String])>) -> Self {
        let mut words = Self::default();
        let mut all: HashMap<Vec<u8>, (Vec<u16>, bool, bool, bool)> = HashMap::new();
        for (rule, list) in lists {
            list.iter().for_each(|word| all.entry(fold_phrase(word)).or_default().0.push(rule));
        }
        OTHER_NUMBERS.iter().for_each(|word| all.entry(fold_phrase(word)).or_default().1 = true);
        GLUE.iter().for_each(|word| all.entry(fold_phrase(word)).or_default().2 = true);
        IDENTIFIERS.iter().for_each(|word| all.entry(fold_phrase(word)).or_default().3 = true);
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_unstable();
        for (text, (rules, other, glue, identifier)) in all {
            let Some((phrase, first, count)) = key(&text) else { continue };
            if let Some(unit) = unit(&text, 0) {
                let (place, bit) = place_of(&text[unit]);
                words.known[place] |= bit;
            }
            let longest = words.firsts.entry(first).or_default();
            *longest = (*longest).max(count);
            let start = words.rules.len() as u32;
            words.rules.extend(rules);
            // Two spellings with the same units are one phrase.
            let meaning = words.phrases.entry(phrase).or_default();
            if meaning.rules.0 < meaning.rules.1 {
                let (from, to) = (meaning.rules.0 as usize, meaning.rules.1 as usize);
                words.rules.extend_from_within(from..to);
            }
            words.rules[start as usize..].sort_unstable();
            meaning.rules = (start, words.rules.len() as u32);
            meaning.other |= other;
            meaning.glue |= glue;
            meaning.identifier |= identifier;
        }
        words
    }

    /// Lists the phrases in a part of a layer's folded text, in order.
    pub(super) fn find(&self, layer: &Layer, folded: Range<usize>, seen: &mut Vec<Seen>) {
        let text = &layer.folded[..folded.end];
        let mut at = folded.start;
        while let Some(unit) = unit(text, at) {
            at = unit.end;
            let (place, bit) = place_of(&text[unit.clone()]);
            if self.known[place] & bit == 0 {
                continue;
            }
            let first = text[unit.clone()].iter().fold(SEED, |sum, byte| hash(sum, *byte));
            let Some(longest) = self.firsts.get(&first) else { continue };
            let (mut sum, mut end) = (first, unit.end);
            for number in 1..=*longest {
                if let Some(meaning) = self.phrases.get(&sum).filter(|_| !is_inside(text, unit.start)) {
                    let place = layer.unfold(unit.start..end);
                    seen.push(Seen { start: place.start, end: place.end, meaning: *meaning });
                }
                if number == *longest {
                    break;
                }
                let Some(next) = self::unit(text, end).filter(|next| belongs(text, unit.start..end, next)) else {
                    break;
                };
                if next.start > end {
                    sum = hash(sum, b' ');
                }
                sum = text[next.clone()].iter().fold(sum, |sum, byte| hash(sum, *byte));
                end = next.end;
            }
        }
    }

    /// How far the nearest of a rule's words is from a place, in bytes; one that follows counts as twice as far.
    pub(super) fn distance(&self, seen: &[Seen], rule: u16, place: &Range<usize>, window: usize) -> Option<usize> {
        let far = |seen: &Seen| {
            let distance = if seen.end <= place.start {
                place.start - seen.end
            } else if seen.start >= place.end {
                2 * (seen.start - place.end)
            } else {
                return None;
            };
            let Meaning { rules: (from, to), .. } = seen.meaning;
            let named = || self.rules[from as usize..to as usize].binary_search(&rule).is_ok();
            (distance <= window && named()).then_some(distance)
        };
        near(seen, place, window).iter().filter_map(far).min()
    }

    /// How far the name of another sort of number is that stands right before a place, with only punctuation and [`GLUE`] between.
    /// What machines call their numbers is such a name if `identifiers` says so.
    pub(super) fn other(&self, seen: &[Seen], text: &[u8], place: &Range<usize>, identifiers: bool) -> Option<usize> {
        let near = near(seen, place, MOST_GLUE);
        let mut from = place.start;
        loop {
            let beside = |seen: &&Seen| {
                let between = text.get(seen.end..from).filter(|between| between.len() <= 6);
                between.is_some_and(|between| !between.iter().any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0xc3))
            };
            let before = near.iter().filter(beside);
            if let Some(other) =
                before.clone().find(|seen| seen.meaning.other || identifiers && seen.meaning.identifier)
            {
                return Some(place.start - other.end);
            }
            from = before.filter(|seen| seen.meaning.glue).map(|seen| seen.start).min()?;
            if from + MOST_GLUE < place.start {
                return None;
            }
        }
    }
}

/// Whether a word at `at` is part of something that words have nothing to say in: the name of a host, a longer abbreviation (`S.A.C.I.`).
fn is_inside(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    before.ends_with(b"://")
        || matches!(before, [.., letter, b'.'] if letter.is_ascii_alphabetic())
            && !matches!(before, [.., first, _, b'.'] if first.is_ascii_alphanumeric())
}

/// Whether a word goes on a phrase: not far from it, and between single letters nothing but dots and spaces.
fn belongs(text: &[u8], phrase: Range<usize>, next: &Range<usize>) -> bool {
    let between = &text[phrase.end..next.start];
    let letters =
        next.len() == 1 && text[..phrase.end].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count() == 1;
    between.len() <= 3 && (!letters || between.iter().all(|byte| matches!(byte, b'.' | b' ')))
}

/// Most bytes between a number and the name that says it is something else.
pub(super) const MOST_GLUE: usize = 48;

/// The phrases that are not far from a place.
fn near<'s>(seen: &'s [Seen], place: &Range<usize>, window: usize) -> &'s [Seen] {
    let from = seen.partition_point(|seen| seen.start + window + LONGEST_PHRASE < place.start);
    let count = seen[from..].partition_point(|seen| seen.start <= place.end + window);
    &seen[from..from + count]
}

/// A phrase is hardly longer, in bytes.
pub(super) const LONGEST_PHRASE: usize = 64;

/// Hash of a phrase, hash of its first unit, and how many it has; `None` if it has none or too many.
fn key(text: &[u8]) -> Option<(u64, u64, u8)> {
    let (mut at, mut sum, mut first, mut count) = (0, SEED, SEED, 0_u8);
    while let Some(unit) = unit(text, at) {
        if count > 0 && unit.start > at {
            sum = hash(sum, b' ');
        }
        sum = text[unit.clone()].iter().fold(sum, |sum, byte| hash(sum, *byte));
        count += 1;
        if count == 1 {
            first = sum;
        }
        at = unit.end;
    }
    (count > 0 && usize::from(count) <= MOST_UNITS).then_some((sum, first, count))
}

/// Whether a context word is one: it has letters or digits, and not too many words.
pub(crate) fn is_phrase(text: &str) -> bool {
    let folded = fold_phrase(text);
    folded.len() >= 2 && key(&folded).is_some()
}

/// The next word from `at` on, or the next character of a script without spaces.
fn unit(text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut start = at;
    loop {
        match SORTS[usize::from(*text.get(start)?)] {
            NONE => start += 1,
            WORD => break,
            _ => match character(&text[start..]) {
                (Some(true), len) => return Some(start..start + len),
                (Some(false), _) => break,
                (None, len) => start += len,
            },
        }
    }
    let mut end = start;
    while let Some(byte) = text.get(end) {
        match SORTS[usize::from(*byte)] {
            WORD => end += 1,
            NONE => break,
            _ => match character(&text[end..]) {
                (Some(false), len) => end += len,
                _ => break,
            },
        }
    }
    Some(start..end)
}

const NONE: u8 = 0;
const WORD: u8 = 1;
const WIDE: u8 = 2;

/// For each byte whether it is of a word, begins a character beyond ASCII, or neither.
const SORTS: [u8; 256] = {
    let (mut sorts, mut byte) = ([NONE; 256], 0_usize);
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            sorts[byte] = WORD;
        } else if byte >= 0xc2 {
            sorts[byte] = WIDE;
        }
        byte += 1;
    }
    sorts
};

/// Whether a character stands for itself (Thai, Chinese, Japanese …) or is a letter of a word; `None` for all else. And its length.
fn character(text: &[u8]) -> (Option<bool>, usize) {
    let len = match text[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let character =
        text.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    match character {
        Some(character) if character.is_alphanumeric() => (Some(character >= '\u{e00}'), len),
        // Vowel signs of Indic writing are no letters by themselves.
        Some('\u{900}'..='\u{dff}') => (Some(false), len),
        Some(_) => (None, len),
        None => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<&str> {
        let (mut at, mut all) = (0, Vec::new());
        while let Some(unit) = unit(text.as_bytes(), at) {
            all.push(&text[unit.clone()]);
            at = unit.end;
        }
        all
    }

    #[test]
    fn words_and_characters() {
        assert_eq!(units("card_number: \"n.º 5\""), ["card", "number", "n", "º", "5"]);
        assert_eq!(units("身份证号 ok"), ["身", "份", "证", "号", "ok"]);
        assert_eq!(units("паспорт № 12"), ["паспорт", "12"]);
        assert_eq!(units("\u{ff}\u{80}"), ["ÿ"]);
    }

    #[test]
    fn punctuation_between_words_does_not_matter() {
        let of = |text: &str| key(&fold_phrase(text)).map(|key| key.0);
        assert_eq!(of("card number"), of("Card-Number"));
        assert_eq!(of("n.i.f."), of("N I F"));
        assert_ne!(of("cardnumber"), of("card number"));
        assert!(is_phrase("id") && is_phrase("身份证") && !is_phrase("-") && !is_phrase(&"a ".repeat(25)));
    }
}
