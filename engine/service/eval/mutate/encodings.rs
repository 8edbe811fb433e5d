//! Whole-text encodings: base64 and its relatives, hexadecimal digits, compression inside base64.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::{Dice, Technique};

pub(super) const ALL: &[Technique] = &[
    Technique { name: "base64", apply: |text, _| Some(STANDARD.encode(text)) },
    Technique { name: "base64-url", apply: |text, _| Some(URL_SAFE_NO_PAD.encode(text)) },
    Technique { name: "base64-unpadded", apply: |text, _| Some(STANDARD_NO_PAD.encode(text)) },
    Technique { name: "base64-wrapped-40", apply: |text, _| Some(wrapped(&STANDARD.encode(text), 40, "\n")) },
    Technique { name: "base64-wrapped-76", apply: |text, _| Some(wrapped(&STANDARD.encode(text), 76, "\r\n")) },
    Technique { name: "base64-utf16", apply: base64_utf16 },
    Technique { name: "base64-invisible", apply: base64_invisible },
    Technique { name: "base64-gzip", apply: base64_gzip },
    Technique { name: "base64-zlib", apply: base64_zlib },
    Technique { name: "base64-twice", apply: |text, _| Some(STANDARD.encode(STANDARD.encode(text))) },
    Technique { name: "base32", apply: |text, _| Some(base32(text.as_bytes())) },
    Technique {
        name: "ascii85",
        apply: |text, _| Some(format!("<~{}~>", base85(text.as_bytes(), ascii85_digit, true))),
    },
    Technique { name: "base85", apply: |text, _| Some(base85(text.as_bytes(), base85_digit, false)) },
    Technique { name: "hex", apply: |text, _| Some(hex(text, "", "")) },
    Technique { name: "hex-spaced", apply: |text, _| Some(hex(text, "", " ")) },
    Technique { name: "hex-escaped", apply: |text, _| Some(hex(text, "\\x", "")) },
    Technique { name: "hex-0x", apply: |text, _| Some(hex(text, "0x", ", ")) },
    Technique { name: "hex-colon", apply: |text, _| Some(hex(text, "", ":")) },
];

fn wrapped(text: &str, width: usize, line_break: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(width).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join(line_break)
}

/// As PowerShell writes its encoded commands.
fn base64_utf16(text: &str, _: &mut Dice) -> Option<String> {
    Some(STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()))
}

fn base64_invisible(text: &str, dice: &mut Dice) -> Option<String> {
    let mut out = String::new();
    for digit in STANDARD.encode(text).chars() {
        out.push(digit);
        if dice.one_in(6) {
            out.push('\u{200b}');
        }
    }
    Some(out)
}

fn base64_gzip(text: &str, _: &mut Dice) -> Option<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

fn base64_zlib(text: &str, _: &mut Dice) -> Option<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    for group in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(padded);
        let digits = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            out.push(if at < digits { char::from(DIGITS[(bits >> (35 - 5 * at) & 31) as usize]) } else { '=' });
        }
    }
    out
}

fn ascii85_digit(value: u8) -> char {
    char::from(b'!' + value)
}

fn base85_digit(value: u8) -> char {
    const DIGITS: &[u8; 85] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    char::from(DIGITS[usize::from(value)])
}

fn base85(bytes: &[u8], digit: fn(u8) -> char, short_zero: bool) -> String {
    let mut out = String::new();
    for group in bytes.chunks(4) {
        let mut padded = [0; 4];
        padded[..group.len()].copy_from_slice(group);
        let mut value = u32::from_be_bytes(padded);
        if value == 0 && group.len() == 4 && short_zero {
            out.push('z');
            continue;
        }
        let mut digits = [0; 5];
        for place in digits.iter_mut().rev() {
            *place = (value % 85) as u8;
            value /= 85;
        }
        out.extend(digits[..=group.len()].iter().map(|value| digit(*value)));
    }
    out
}

fn hex(text: &str, prefix: &str, separator: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("{prefix}{byte:02x}")).collect();
    bytes.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_vectors_of_the_standards() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert_eq!(base85(b"Man is d", ascii85_digit, true), "9jqo^BlbD-");
        assert_eq!(base85(b"Man ", base85_digit, false), "O<`^z");
        assert_eq!(hex("Az", "0x", ", "), "0x41, 0x7a");
        assert_eq!(wrapped("abcde", 2, "\n"), "ab\ncd\ne");
    }
}
