//! Random-looking text, as opposed to words and placeholders.

use std::ops::Range;

use super::Validator;

/// Bits per character below which a text is no random secret.
const LEAST_BITS: f64 = 3.0;

/// At least three bits of Shannon entropy per character, and no placeholder.
#[derive(Debug)]
pub(super) struct Entropy;

impl Validator for Entropy {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        bits_per_byte(text) >= LEAST_BITS && !is_placeholder(text)
    }

    fn judge(&self, text: &[u8], found: Range<usize>, _: Option<&str>) -> Option<Range<usize>> {
        (self.accepts(&text[found.clone()]) && !is_type(text, &found)).then_some(found)
    }
}

/// Anything that does not look like a stand-in for a value.
#[derive(Debug)]
pub(super) struct NotPlaceholder;

impl Validator for NotPlaceholder {
    fn name(&self) -> &'static str {
        "not-placeholder"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        !is_placeholder(text)
    }

    fn judge(&self, text: &[u8], found: Range<usize>, _: Option<&str>) -> Option<Range<usize>> {
        (self.accepts(&text[found.clone()]) && !is_type(text, &found)).then_some(found)
    }
}

/// Shannon entropy, in bits per byte. None of an empty text.
pub(super) fn bits_per_byte(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    text.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = text.len() as f64;
    let bits = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(bits).sum()
}

/// Words that stand where a value will be.
const STAND_INS: [&str; 22] = [
    "example",
    "changeme",
    "change_me",
    "placeholder",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "insert",
    "redacted",
    "dummy",
    "sample",
    "xxxx",
    "****",
    "....",
    "test_key",
    "todo",
    "1234567890",
    "abcdefgh",
    "fake",
    "process.env",
    "os.environ",
];

fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let lower = String::from_utf8_lossy(&lower);
    let run = text.windows(5).any(|window| window.iter().all(|byte| *byte == window[0]));
    is_template(text) || run || is_path(text) || STAND_INS.iter().any(|word| lower.contains(word))
}

/// Whether it is a path in code, `module::Name`.
fn is_path(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"::").is_some()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Whether what was found is the type in a declaration, `NAME: Type = value`.
pub(super) fn is_type(text: &[u8], found: &Range<usize>) -> bool {
    text[..found.start].ends_with(b": ") && text[found.end..].starts_with(b" = ")
}

/// Whether something will be put in here: `${NAME}`, `{{ name }}`, `<name>`.
pub(super) fn is_template(text: &[u8]) -> bool {
    let begins = |open: &&[u8]| text.starts_with(open);
    let has = |open: &[u8]| memchr::memmem::find(text, open).is_some();
    [&b"<"[..], b"$(", b"%("].iter().any(begins) || has(b"${") || has(b"{{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_stand_ins_are_no_secrets() {
        for text in [
            "passwordpassword",
            "AKIAIOSFODNN7EXAMPLE",
            "${TOKEN_FROM_VAULT}",
            "<your token here>",
            "aaaaaaaabbbb",
            "your_api_key_9f8",
        ] {
            assert!(!Entropy.accepts(text.as_bytes()), "{text}");
        }
        assert!(Entropy.accepts(b"q7Zp2mXv9KdR4tLw8HsB"));
    }

    #[test]
    fn types_and_paths_in_code_are_no_values() {
        assert!(!Entropy.accepts(b"crate::win32::UNICODE_STRING16"));
        let text = b"pub const BAD_PASSWORD: Win32Error9 = 86;";
        assert_eq!(Entropy.judge(text, 24..35, None), None);
        assert_eq!(Entropy.judge(&text[..35], 24..35, None), Some(24..35));
    }
}
