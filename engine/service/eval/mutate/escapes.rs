//! Notations that write characters by their numbers: percent encoding, character references, escapes, mail encodings.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{Dice, Technique, mostly_ascii};

pub(super) const ALL: &[Technique] = &[
    Technique { name: "percent", apply: |text, _| Some(percent(text)) },
    Technique { name: "percent-twice", apply: |text, _| Some(percent(text).replace('%', "%25")) },
    Technique { name: "form", apply: |text, _| Some(form(text)) },
    Technique {
        name: "entities-decimal",
        apply: |text, _| Some(characters(text, |c, out| write!(out, "&#{};", u32::from(c)))),
    },
    Technique {
        name: "entities-hex",
        apply: |text, _| Some(characters(text, |c, out| write!(out, "&#x{:x};", u32::from(c)))),
    },
    Technique {
        name: "entities-bare",
        apply: |text, _| Some(characters(text, |c, out| write!(out, "&#{}", u32::from(c)))),
    },
    Technique { name: "entities-nbsp", apply: |text, _| text.contains(' ').then(|| text.replace(' ', "&nbsp")) },
    Technique { name: "unicode-escapes", apply: |text, _| Some(unicode_escapes(text)) },
    Technique {
        name: "octal-escapes",
        apply: |text, _| Some(text.bytes().fold(String::new(), |out, byte| format!("{out}\\{byte:o}"))),
    },
    Technique { name: "json-in-json", apply: json_in_json },
    Technique { name: "quoted-printable", apply: |text, _| Some(quoted_printable(text)) },
    Technique { name: "utf-7", apply: |text, _| Some(utf7(text)) },
    Technique { name: "punycode", apply: punycode_words },
];

fn characters(text: &str, each: impl Fn(char, &mut String) -> std::fmt::Result) -> String {
    let mut out = String::new();
    for character in text.chars() {
        // A String takes all that is written to it.
        let _ = each(character, &mut out);
    }
    out
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

/// `application/x-www-form-urlencoded`.
fn form(text: &str) -> String {
    text.bytes().fold(String::from("message="), |mut out, byte| {
        match byte {
            b' ' => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

fn unicode_escapes(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut out, unit| {
        let _ = write!(out, "\\u{unit:04x}");
        out
    })
}

/// A string of JSON in a string of JSON, as tools that answer in JSON pass the JSON of other tools on.
fn json_in_json(text: &str, _: &mut Dice) -> Option<String> {
    let inner = serde_json::json!({ "status": "ok", "body": text }).to_string();
    Some(serde_json::json!({ "id": 7, "result": serde_json::json!({ "content": inner }).to_string() }).to_string())
}

/// Every letter written as a number, lines of at most 76 characters.
fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    let mut line = 0;
    for byte in text.bytes() {
        if byte == b'\n' {
            out.push_str("\r\n");
            line = 0;
            continue;
        }
        if line >= 72 {
            out.push_str("=\r\n");
            line = 0;
        }
        let _ = write!(out, "={byte:02X}");
        line += 3;
    }
    out
}

/// All of it in base64 of UTF-16, as UTF-7 may.
fn utf7(text: &str) -> String {
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            let units: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
            if units.is_empty() { String::new() } else { format!("+{}-", STANDARD_NO_PAD.encode(units)) }
        })
        .collect();
    words.join(" ")
}

/// Words with a letter beyond ASCII become `xn--…`; a text of which most words have none is no use for this.
fn punycode_words(text: &str, _: &mut Dice) -> Option<String> {
    if mostly_ascii(text) {
        return None;
    }
    let words: Vec<String> = text
        .split(' ')
        .map(|word| match word.is_ascii() {
            true => word.to_owned(),
            false => format!("xn--{}", punycode(word)),
        })
        .collect();
    Some(words.join(" "))
}

/// RFC 3492.
fn punycode(word: &str) -> String {
    let mut out: String = word.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut next, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72_u32, basic);
    let total = word.chars().count() as u32;
    while done < total {
        let Some(least) = word.chars().map(u32::from).filter(|code| *code >= next).min() else { break };
        delta += (least - next) * (done + 1);
        next = least;
        for code in word.chars().map(u32::from) {
            if code < next {
                delta += 1;
            }
            if code == next {
                let (mut rest, mut base) = (delta, 36_u32);
                loop {
                    let threshold = base.saturating_sub(bias).clamp(1, 26);
                    if rest < threshold {
                        break;
                    }
                    out.push(digit(threshold + (rest - threshold) % (36 - threshold)));
                    rest = (rest - threshold) / (36 - threshold);
                    base += 36;
                }
                out.push(digit(rest));
                delta = if done == basic { delta / 700 } else { delta / 2 };
                delta += delta / (done + 1);
                let mut steps = 0;
                while delta > 455 {
                    delta /= 35;
                    steps += 36;
                }
                bias = steps + 36 * delta / (delta + 38);
                delta = 0;
                done += 1;
            }
        }
        delta += 1;
        next += 1;
    }
    out
}

fn digit(value: u32) -> char {
    char::from(if value < 26 { b'a' + value as u8 } else { b'0' + (value - 26) as u8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(punycode("bücher"), "bcher-kva");
        assert_eq!(punycode("почемужеонинеговорятпорусски"), "b1abfaaepdrnnbgefbadotcwatmq2g4l");
        assert_eq!(utf7("Hi!"), "+AEgAaQAh-");
        assert_eq!(form("a b&c"), "message=a+b%26c");
        assert_eq!(quoted_printable("=é"), "=3D=C3=A9");
    }
}
