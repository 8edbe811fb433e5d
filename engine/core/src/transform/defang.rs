//! Text that stays readable and stops working: nothing in it is a link, an image, markup, a terminal command or invisible.

/// Rewrites `text` so that nothing follows, loads, obeys or hides it.
pub(super) fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    if text.starts_with(['=', '+', '-', '@']) {
        // A cell that starts so is a formula.
        out.push('\'');
    }
    let mut host = false;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if is_hidden(character) {
            continue;
        }
        host &= !matches!(character, '/' | '?' | '#' | '"' | '\'' | ')' | '>' | ']') && !character.is_whitespace();
        match character {
            '<' => out.push('['),
            '>' => out.push(']'),
            '!' if rest.peek() == Some(&'[') => {}
            '.' if host => out.push_str("[.]"),
            '(' if out.ends_with(']') => out.push_str(" ("),
            ':' => {
                let slashes = { rest.clone().take(2).eq(['/', '/']) };
                if slashes {
                    disarm_scheme(&mut out);
                    rest.next();
                    rest.next();
                    out.push_str("//");
                    host = true;
                } else if runs_alone(&out) {
                    out.push_str("[:]");
                } else {
                    out.push(':');
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// `http` becomes `hxxp`; the colon of any other scheme is put in brackets.
fn disarm_scheme(out: &mut String) {
    for (scheme, disarmed) in [("https", "hxxps"), ("http", "hxxp")] {
        if ends_with(out, scheme) {
            out.truncate(out.len() - scheme.len());
            out.push_str(disarmed);
            out.push(':');
            return;
        }
    }
    out.push_str("[:]");
}

/// Whether `out` ends with a scheme that does something without a host.
fn runs_alone(out: &str) -> bool {
    ["javascript", "vbscript", "data", "file", "blob", "mailto"].iter().any(|scheme| ends_with(out, scheme))
}

fn ends_with(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Control characters but for line ends and tabs, and characters that are not shown.
pub(super) fn is_hidden(character: char) -> bool {
    if character.is_control() {
        return !matches!(character, '\n' | '\r' | '\t');
    }
    matches!(
        u32::from(character),
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
            | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_works_any_more() {
        for (text, defanged) in [
            ("see https://evil.example.com/a.b?c=d.e now", "see hxxps://evil[.]example[.]com/a.b?c=d.e now"),
            ("![alt](http://x.test/i.png)", "[alt] (hxxp://x[.]test/i.png)"),
            ("<img src=\"HTTP://x.test\">", "[img src=\"hxxp://x[.]test\"]"),
            ("[a](javascript:alert(1))", "[a] (javascript[:]alert(1))"),
            ("ftp://a.b c.d", "ftp[:]//a[.]b c.d"),
            ("\u{1b}]8;;x\u{7}red\u{1b}[0m", "]8;;xred[0m"),
            ("a\u{200b}b\u{e0041}c\u{202e}", "abc"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("time 10:30, 3.14", "time 10:30, 3.14"),
        ] {
            assert_eq!(defang(text), defanged, "{text:?}");
        }
    }
}
