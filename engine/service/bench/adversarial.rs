//! Texts made to be dear: what somebody would send who wants the inspection to take long. The same every time.

use tamiz_core::LiteralSet;

/// Makes a text of a size from the literals that are searched for.
pub type Make = fn(&LiteralSet, usize) -> Vec<u8>;

/// Name of each, and how it is made.
pub static ADVERSARIAL: &[(&str, Make)] = &[
    ("adversarial/all-hits", all_hits),
    ("adversarial/near-misses", near_misses),
    ("adversarial/one-gram", one_gram),
    ("adversarial/digits", digits),
    ("adversarial/aaaa", |_, size| vec![b'a'; size]),
    ("adversarial/base64", base64),
    ("adversarial/deep-json", deep_json),
];

/// Pseudo-random numbers that are the same everywhere (PCG's multiplier).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

/// Pieces one after another until there are `size` bytes.
fn fill(size: usize, mut piece: impl FnMut(&mut Dice, &mut Vec<u8>)) -> Vec<u8> {
    let (mut out, mut dice) = (Vec::with_capacity(size + 512), Dice(1));
    while out.len() < size {
        let before = out.len();
        piece(&mut dice, &mut out);
        if out.len() == before {
            out.push(b'.');
        }
    }
    out.truncate(size);
    while std::str::from_utf8(&out).is_err_and(|error| error.error_len().is_none()) {
        out.pop();
    }
    out.resize(size, b' ');
    out
}

/// Literals of all rules, one after another.
fn all_hits(literals: &LiteralSet, size: usize) -> Vec<u8> {
    let all: Vec<&[u8]> = literals.iter().collect();
    fill(size, |dice, out| {
        out.extend_from_slice(all.get(dice.below(all.len())).copied().unwrap_or_default());
        out.push(b' ');
    })
}

/// Literals whose last byte is wrong.
fn near_misses(literals: &LiteralSet, size: usize) -> Vec<u8> {
    let all: Vec<&[u8]> = literals.iter().filter(|literal| literal.is_ascii()).collect();
    fill(size, |dice, out| {
        if let Some((last, start)) = all.get(dice.below(all.len())).and_then(|literal| literal.split_last()) {
            out.extend_from_slice(start);
            out.push(if *last == b'~' { b'^' } else { b'~' });
        }
        out.push(b' ');
    })
}

/// The four bytes that most literals begin with, over and over.
fn one_gram(literals: &LiteralSet, size: usize) -> Vec<u8> {
    let mut grams: Vec<&[u8]> =
        literals.iter().filter_map(|literal| literal.get(..4)).filter(|gram| gram.is_ascii()).collect();
    grams.sort_unstable();
    let most = grams.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map_or(&b"igno"[..], |same| same[0]);
    fill(size, |_, out| out.extend_from_slice(most))
}

/// Digits in groups, as in tables of card and account numbers.
fn digits(_: &LiteralSet, size: usize) -> Vec<u8> {
    fill(size, |dice, out| {
        out.extend((0..1 + dice.below(19)).map(|_| b"0123456789"[dice.below(10)]));
        out.push(b" - \n"[dice.below(4)]);
    })
}

/// Lines of 76 digits of base64.
fn base64(_: &LiteralSet, size: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fill(size, |dice, out| {
        out.extend((0..76).map(|_| DIGITS[dice.below(64)]));
        out.push(b'\n');
    })
}

/// Objects in objects, not quite as deep as is allowed.
fn deep_json(_: &LiteralSet, size: usize) -> Vec<u8> {
    const DEEPEST: usize = 900;
    let mut out = vec![b'['];
    loop {
        // Six bytes for each step in and out; at most six for the rest.
        let depth = (size.saturating_sub(out.len() + 6) / 6).min(DEEPEST);
        if depth == 0 {
            break;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(&b"{\"a\":".repeat(depth));
        out.extend_from_slice(b"\"b\"");
        out.resize(out.len() + depth, b'}');
    }
    out.push(b']');
    out.resize(size.max(out.len()), b' ');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_made_in_every_size_and_is_text() {
        let engine = tamiz_core::Engine::builder().build().unwrap();
        let literals = engine.rules().literals();
        for (name, make) in ADVERSARIAL {
            for size in [64, 256, 2 << 10, 40_000] {
                let text = make(literals, size);
                assert_eq!(text.len(), size, "{name}");
                assert!(std::str::from_utf8(&text).is_ok(), "{name}");
                assert_eq!(text, make(literals, size), "{name}: not the same every time");
            }
        }
    }

    #[test]
    fn deep_json_is_json() {
        let none = LiteralSet::default();
        for size in [64, 256, 2 << 10] {
            let text = deep_json(&none, size);
            // serde_json itself stops at 128 levels.
            if size == 256 || size == 64 {
                serde_json::from_slice::<serde_json::Value>(&text).unwrap();
            }
            let opened = text.iter().filter(|byte| **byte == b'{').count();
            assert_eq!(opened, text.iter().filter(|byte| **byte == b'}').count());
            assert!(opened > size / 10, "{size}: {opened}");
        }
    }
}
