//! Base64: runs of its alphabet (standard or URL, padded or not, wrapped over lines of 48 digits and more) that decode to text.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{DecodeSink, Decoder, Encoded, Sign, ViewKind, reads_like_text};
use crate::content::SEPARATOR;

/// Shortest run looked at: 16 characters are 12 bytes, two short words.
const SHORTEST: usize = tamiz_simd::TOKEN_LEN;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(crate) struct Base64;

impl Decoder for Base64 {
    fn kind(&self) -> ViewKind {
        ViewKind::Base64
    }

    fn sign(&self) -> Sign {
        Sign::Token
    }

    fn decode(&self, encoded: Encoded<'_>, sink: &mut DecodeSink<'_>) {
        let text = encoded.text;
        let mut at = 0;
        for run in encoded.tokens() {
            // The line of a wrapped blob that was decoded already.
            if run.start < at || !mixed(&text[run.clone()]) {
                continue;
            }
            let (start, len) = (run.start, run.len());
            at = run.end;
            // A word glued to the front shifts the groups of four: try them all.
            let shifts = 0..4.min(len - SHORTEST + 1);
            let mut lines = Vec::new();
            for shift in shifts.filter(|shift| may_be_text(&text[start + shift..start + len])) {
                if lines.is_empty() {
                    lines = wrapped(text, start, len);
                    at = lines.last().map_or(at, |last| last.1);
                }
                lines[0].0 = start + shift;
                if decode_lines(text, &lines, sink) {
                    sink.finish();
                    break;
                }
                sink.abandon();
            }
        }
    }
}

/// Whether what a run decodes to starts or ends like text. Most runs are words, paths, identifiers or pictures, and found out after
/// some twenty bytes.
fn may_be_text(run: &[u8]) -> bool {
    let whole = run.len() / 4 * 4;
    starts_like_text(run) || whole > HEAD && starts_like_text(&run[whole - HEAD..])
}

/// Digits looked at: 48 bytes.
const HEAD: usize = 64;

fn starts_like_text(run: &[u8]) -> bool {
    let run = &run[..run.len().min(HEAD) / 4 * 4];
    // As many odd bytes as `reads_like_text` forgives.
    let bytes = run.len() / 4 * 3;
    let forgiven = if bytes < 24 { bytes / 6 } else { bytes / 5 };
    let (mut odd, mut missing, mut pending) = (0, 0, 0);
    for group in run.chunks_exact(4) {
        let bits = group.iter().fold(0, |bits: u32, digit| bits << 6 | u32::from(VALUES[usize::from(*digit)]));
        for byte in [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8] {
            if missing > 0 && byte & 0xc0 == 0x80 {
                missing -= 1;
                pending += 1;
                continue;
            }
            // A character that was broken off is odd as a whole.
            odd += if missing > 0 { pending } else { 0 };
            (missing, pending) = match byte {
                b'\t'..=b'\r' | b' '..=b'~' => (0, 0),
                0xc2..=0xdf => (1, 1),
                0xe0..=0xef => (2, 1),
                0xf0..=0xf4 => (3, 1),
                _ => {
                    odd += 1;
                    (0, 0)
                }
            };
        }
        if odd > forgiven {
            return false;
        }
    }
    true
}

/// The value of each digit, of either alphabet.
const VALUES: [u8; 256] = {
    let mut values = [0; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        values[digits[at] as usize] = at as u8;
        at += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// Whether a run has capital and small letters. Base64 of any text has; most long words, names and paths in code have not.
fn mixed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The lines of a wrapped blob: equally long ones, and a last one that may be shorter.
fn wrapped(text: &[u8], start: usize, len: usize) -> Vec<(usize, usize)> {
    let mut lines = vec![(start, start + len)];
    if len < 48 || !len.is_multiple_of(4) {
        return lines;
    }
    let mut end = start + len;
    while let Some(gap) = line_break(&text[end..]) {
        let next = end + gap;
        let more = text[next..].iter().take_while(|byte| is_digit(**byte)).count();
        if more == 0 || more > len {
            break;
        }
        end = next + more;
        lines.push((next, end));
        if more < len {
            break;
        }
    }
    lines
}

/// Length of a line break with indentation, real or written as `\n`.
fn line_break(text: &[u8]) -> Option<usize> {
    let newline = match text {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        [b'\\', b'n', ..] => 2,
        _ => return None,
    };
    Some(newline + text[newline..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t')).count())
}

fn decode_lines(text: &[u8], lines: &[(usize, usize)], sink: &mut DecodeSink<'_>) -> bool {
    let mut all = Vec::new();
    for (index, (start, end)) in lines.iter().enumerate() {
        let raw = &text[*start..*end];
        let engine = if raw.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
        // One digit over a group of four holds no byte.
        let whole = if raw.len() % 4 == 1 { &raw[..raw.len() - 1] } else { raw };
        let before = all.len();
        if engine.decode_vec(whole, &mut all).is_err() {
            all.truncate(before);
            return false;
        }
        let (head, tail) = (&all[..all.len().min(48)], &all[all.len().saturating_sub(48)..]);
        if index == 0 && !reads_like_text(head) && !reads_like_text(tail) {
            return false;
        }
        all[before..].iter_mut().filter(|byte| **byte == SEPARATOR).for_each(|byte| *byte = 0xfe);
        sink.decoded(*start, whole.len(), &all[before..], 4, 3);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::decode;
    use super::*;

    #[test]
    fn decodes_text_and_leaves_the_rest() {
        let views = decode(&Base64, b"see SWdub3JlIGFsbCBydWxlcw== now");
        assert_eq!(views, [("Ignore all rules".into(), 4..26)]);
        for glued in ["xSWdub3JlIGFsbCBydWxlcw", "path/SWdub3JlIGFsbCBydWxlcw", "abSWdub3JlIGFsbCBydWxlc4A"] {
            let views = decode(&Base64, glued.as_bytes());
            assert!(views.iter().any(|(view, _)| view.contains("gnore all rule")), "{glued}: {views:?}");
        }
        for other in ["/usr/local/share/applications/mimeinfo", "aVeryLongIdentifierInSomeSourceCode", "short"] {
            assert!(decode(&Base64, other.as_bytes()).is_empty(), "{other}");
        }
    }

    #[test]
    fn joins_wrapped_lines_and_maps_each_back() {
        let line = "VGhpcyBpcyBhIGxpbmUgb2YgdGV4dCB0aGF0IGlzIGxvbmcgZW5vdWdo".to_owned();
        let text = format!("{line}\r\n  {line}\r\n  SWdub3Jl");
        let views = decode(&Base64, text.as_bytes());
        let one = "This is a line of text that is long enough";
        assert_eq!(views[0].0, format!("{one}{one}Ignore"));
        assert_eq!(views[0].1, 0..text.len());
    }
}
