//! Private keys in blocks of lines, which are longer than an expression may match.

use std::ops::Range;

use super::Validator;

/// Most bytes that a finding is extended by. The key of an RSA pair of 16,384 bits has about 12 KB.
const MOST: usize = 32 << 10;
/// Fewest characters of a line in the middle of a block.
const FULL_LINE: usize = 32;

/// Extends what matched to the END line of its block, or to the last line of base64 where there is none.
#[derive(Debug)]
pub(super) struct KeyBlock;

impl Validator for KeyBlock {
    fn name(&self) -> &'static str {
        "key-block"
    }

    fn accepts(&self, _: &[u8]) -> bool {
        true
    }

    fn judge(&self, text: &[u8], found: Range<usize>, _: Option<&str>) -> Option<Range<usize>> {
        let end = if text[found.clone()].ends_with(b"-----") { found.end } else { end(text, found.end) };
        Some(found.start..end)
    }
}

/// Where the block that goes on at `from` ends. Looks no further than the next dash or what is no part of a block, so that all blocks
/// of a text together cost one pass.
fn end(text: &[u8], from: usize) -> usize {
    let rest = &text[from..text.len().min(from + MOST)];
    let body = rest.iter().take_while(|byte| is_base64(**byte) || is_joint(**byte)).count();
    let after = &rest[body..];
    if let Some(name) = after.strip_prefix(b"-----END ") {
        let name_len = name.iter().take(60).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').count();
        if name[name_len..].starts_with(b"-----") {
            return from + body + b"-----END ".len() + name_len + b"-----".len();
        }
    }
    // No END line: a text that was cut off. Prose may follow, whose words are shorter than lines of base64.
    let (mut kept, mut at, mut full) = (0, 0, true);
    for line in rest[..body].split_inclusive(|byte| is_joint(*byte)) {
        let len = line.iter().take_while(|byte| is_base64(**byte)).count();
        at += line.len();
        if len >= FULL_LINE || full && line[..len].ends_with(b"=") || len > 0 && at == line.len() {
            kept = at - (line.len() - len);
        } else if len > 0 {
            full = false;
        }
        if !full {
            break;
        }
    }
    from + kept
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What stands between the lines of a block: white space, escapes, quotation marks, comment signs.
fn is_joint(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'\\' | b'"' | b'\'' | b',' | b'>' | b'|' | b'#' | b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "kV7tQ2mZ9xLw4RbNkV7tQ2mZ9xLw4RbNkV7tQ2mZ9xLw4RbNkV7tQ2mZ9xLw4RbN";

    fn judged(text: &str, matched: usize) -> &str {
        &text[KeyBlock.judge(text.as_bytes(), 0..matched, None).expect("always accepted")]
    }

    #[test]
    fn reaches_to_the_end_line_however_long_the_block_is() {
        for joint in ["\n", "\\n", "\r\n", "\\n\" +\n  \""] {
            let joint = joint.replace('+', ",");
            let block = format!(
                "-----BEGIN RSA PRIVATE KEY-----{joint}{}-----END RSA PRIVATE KEY-----",
                format!("{LINE}{joint}").repeat(150)
            );
            let text = format!("{block}\nand so on");
            assert_eq!(judged(&text, 1_800), block);
            assert_eq!(judged(&text, block.len()), block);
        }
    }

    #[test]
    fn a_block_that_was_cut_off_ends_with_its_last_line() {
        let block = format!("-----BEGIN PRIVATE KEY-----\n{}", format!("{LINE}\n").repeat(60));
        let text = format!("{block}And here is what the letter says about it.");
        assert_eq!(judged(&text, 1_000), block.trim_end());
        let next = format!("{block}-----BEGIN PRIVATE KEY-----\n{LINE}");
        assert_eq!(judged(&next, 1_000), block.trim_end());
    }

    #[test]
    fn the_finding_of_a_long_key_covers_all_of_it() {
        use crate::{Content, ContentKind, Engine, Format, ScanControl};

        // Made up: the first bytes of a key, and lines of nothing.
        let body = format!("MIIJQgIBADANBgkqhkiG9w0BAQEFAASC{LINE}\n{}", format!("{LINE}\n").repeat(90));
        let block = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----");
        let text = format!("Here it is:\n{block}\nKeep it.");
        let engine = Engine::builder().build().expect("the built-in rules fit");
        let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
        let report = engine.scanner().inspect(&content, &ScanControl::unlimited());
        let finding = report.findings.iter().find(|finding| finding.rule == "secret.private-key").expect("found");
        assert_eq!(text[finding.span.start..finding.span.end], block);
    }

    #[test]
    fn many_beginnings_cost_no_more_than_their_text() {
        let text = format!("-----BEGIN PRIVATE KEY-----\n{LINE}\n").repeat(2_000);
        let one = text.len() / 2_000;
        for number in 0..2_000 {
            let range = KeyBlock.judge(text.as_bytes(), number * one..(number + 1) * one - 4, None).expect("accepted");
            assert!(range.len() <= one);
        }
    }
}
