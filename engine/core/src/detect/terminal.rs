//! Terminal control sequences: text that a terminal obeys instead of showing.

use std::ops::Range;

use super::{Detector, Needs};

/// Operating-system commands (links, clipboard, title), cursor and screen control. Colours alone are not reported.
#[derive(Debug)]
pub(super) struct TerminalEscapes;

/// Longest sequence followed.
const LONGEST: usize = 1_024;

impl Detector for TerminalEscapes {
    fn name(&self) -> &'static str {
        "terminal-escapes"
    }

    fn needs(&self) -> Needs {
        Needs::Escape
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        for start in memchr::memchr_iter(0x1b, text) {
            let window = &text[start..text.len().min(start + LONGEST)];
            if let Some(len) = sequence(window) {
                found(start..start + len);
            }
        }
    }
}

/// Length of a sequence that does more than colour.
fn sequence(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        // OSC, DCS, PM, APC: up to BEL or ESC \.
        b']' | b'P' | b'^' | b'_' => {
            let end = text[2..].iter().position(|byte| matches!(byte, 0x07 | 0x1b | 0xff));
            Some(match end.map(|end| end + 2) {
                Some(end) if text[end] == 0x1b && text.get(end + 1) == Some(&b'\\') => end + 2,
                Some(end) if text[end] == 0x07 => end + 1,
                Some(end) => end,
                None => text.len(),
            })
        }
        // CSI: parameters, then a final byte; `m` is colour.
        b'[' => {
            let end = 2 + text[2..].iter().position(|byte| !matches!(byte, 0x20..=0x3f))?;
            let last = *text.get(end)?;
            // Hidden text is the exception among the attributes.
            let conceals = last == b'm' && text[2..end].split(|byte| *byte == b';').any(|parameter| parameter == b"8");
            (matches!(last, 0x40..=0x7e) && (last != b'm' || conceals)).then_some(end + 1)
        }
        b'c' => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_and_colours_are_not() {
        let text = b"\x1b[31mred\x1b[0m \x1b]52;c;ZXZpbA==\x07 \x1b[2J\x1b[1;8mhidden";
        let mut all = Vec::new();
        TerminalEscapes.find(text, &mut |range| all.push(text[range].to_vec()));
        assert_eq!(all, [&b"\x1b]52;c;ZXZpbA==\x07"[..], b"\x1b[2J", b"\x1b[1;8m"]);
    }
}
