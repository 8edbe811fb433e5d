//! Base85: five digits for four bytes. Ascii85 counts from `!`; the digits of RFC 1924 leave out quotation marks.

use super::{DecodeSink, Decoder, Encoded, Shape, Sign, ViewKind, is_text, reads_like_text};

/// Fewer digits than this hold no order.
const SHORTEST: usize = 25;

pub(crate) struct Base85;

impl Decoder for Base85 {
    fn kind(&self) -> ViewKind {
        ViewKind::Base85
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Shape(Shape::SOLID)]
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut done = 0;
        for stretch in encoded.odd(Shape::SOLID, 128) {
            // A run that goes on over several stretches was read from the first on.
            if stretch.end <= done {
                continue;
            }
            let is_blank = |byte: &u8| !byte.is_ascii_graphic();
            let from = done.min(stretch.start);
            let start = text[from..stretch.start].iter().rposition(is_blank).map_or(from, |at| from + at + 1).max(done);
            let end = text[stretch.end..].iter().position(is_blank).map_or(text.len(), |at| stretch.end + at);
            let mut at = start;
            for run in text[start..end].split(|byte| is_blank(byte)) {
                // An address is none, wherever its groups begin.
                let address = || memchr::memmem::find(&run[..run.len().min(16)], b"://").is_some();
                if run.len() >= SHORTEST && has_marks(run) && !address() {
                    decode_run(run, at, sink);
                }
                at += run.len() + 1;
            }
            done = end;
        }
    }
}

/// Whether a run has the marks that a third of all digits are and that names and paths have not.
fn has_marks(run: &[u8]) -> bool {
    let mark = |byte: &&u8| {
        !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'/' | b'-' | b'_' | b':' | b'=' | b'&' | b'?')
    };
    run.iter().filter(mark).take(3).count() == 3
}

fn decode_run(run: &[u8], at: usize, sink: &mut DecodeSink<'_>) {
    let (start, digits) = match memchr::memmem::find(run, b"<~") {
        Some(open) => (open + 2, &run[open + 2..]),
        None => (0, run),
    };
    let digits = &digits[..memchr::memmem::find(digits, b"~>").unwrap_or(digits.len())];
    // A mark of notation in front shifts the groups of five: try a few places.
    for (value, last) in [(ascii85 as fn(u8) -> Option<u8>, b'z'), (rfc1924, 0)] {
        for skip in 0..if start > 0 { 1 } else { 5.min(digits.len()) } {
            let Some(bytes) = decode(&digits[skip..], value, last) else { continue };
            sink.whole(at + start + skip, digits.len() - skip, bytes);
            sink.finish();
            return;
        }
    }
}

fn ascii85(digit: u8) -> Option<u8> {
    digit.checked_sub(b'!').filter(|value| *value < 85)
}

fn rfc1924(digit: u8) -> Option<u8> {
    const DIGITS: &[u8; 85] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    const VALUES: [u8; 128] = {
        let (mut values, mut at) = ([0xff; 128], 0);
        while at < 85 {
            values[DIGITS[at] as usize] = at as u8;
            at += 1;
        }
        values
    };
    VALUES.get(usize::from(digit)).copied().filter(|value| *value < 85)
}

/// The bytes, as long as they read like text from the start. `zero` stands for four zero bytes.
fn decode(digits: &[u8], value: fn(u8) -> Option<u8>, zero: u8) -> Option<Vec<u8>> {
    let mut head = [0; 12];
    for (bytes, group) in head.chunks_exact_mut(4).zip(digits.chunks_exact(5)) {
        bytes.copy_from_slice(&four(group, value)?);
    }
    // Most runs are addresses and code, and end here.
    if digits.len() < 15 || !reads_like_text(&head) && !digits[..15].contains(&zero) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 4 / 5 + 4);
    let mut rest = digits;
    while !rest.is_empty() {
        if rest[0] == zero {
            bytes.extend([0; 4]);
            rest = &rest[1..];
            continue;
        }
        let group = &rest[..rest.len().min(5)];
        if group.len() == 1 {
            break;
        }
        bytes.extend(&four(group, value)?[..group.len() - 1]);
        rest = &rest[group.len()..];
    }
    is_text(&bytes).then_some(bytes)
}

/// Four bytes of five digits; missing ones count as the last of the alphabet.
fn four(group: &[u8], value: fn(u8) -> Option<u8>) -> Option<[u8; 4]> {
    let mut number = 0_u32;
    for place in 0..5 {
        let digit = match group.get(place) {
            Some(digit) => value(*digit)?,
            None => 84,
        };
        number = number.checked_mul(85)?.checked_add(u32::from(digit))?;
    }
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode as views;
    use super::*;

    #[test]
    fn decodes_both_alphabets() {
        let ascii = "9jqo^BlbD-BleB1DJ+*+F(f,q/0JhKF<GL>Cj@.4Gp$d7F!,L7@<6@)/0JDEF<G%<+EV:2F!,O<DJ+*.@<*K0@<6L(Df-\\0Ec5e;DffZ(EZee.";
        let found = views(&Base85, format!("see <~{ascii}~> now").as_bytes());
        assert!(found[0].0.starts_with("Man is distinguished, not only by his reason"), "{found:?}");
        assert_eq!(found[0].1, 6..6 + ascii.len());
        let digits = "NMqVIaB;bNVsYsNMqVIaB;bNVsYsNMqVIaB;bNVsYsNMqVIaB;bNVsYsNMqVIaB;bNVsYs";
        let _ = views(&Base85, digits.as_bytes());
        assert!(views(&Base85, b"https://example.com/a?b=c&d=e;f=g#h/i.j-k_l~m!n*o(p)q+r,s/t=u%20v").is_empty());
    }
}
