//! What takes the place of a region.

use super::conversation::Conversation;
use super::defang::{defang, is_hidden};
use super::key::{NONCE, TransformKey};
use super::plan::{Checksum, Numbers, Plan, Treatment};
use super::region::Region;
use super::token::{self, Origin};
use crate::content::Form;

/// What takes the place of something, before it is written the way its surroundings are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum New {
    Text(String),
    /// Digits that stay a JSON number.
    Number(String),
}

/// What the treatments work with.
pub(super) struct Tools<'t> {
    pub(super) plan: &'t Plan,
    pub(super) key: Option<&'t TransformKey>,
    pub(super) nonce: [u8; NONCE],
    pub(super) conversation: &'t mut Conversation,
    /// Sealed values go back exactly as they were, wherever they stand then.
    pub(super) exact: bool,
}

/// The treatment after `level` attempts that did not do, and which attempt of it this is.
pub(super) fn ladder(asked: Treatment, level: u8, form: Form) -> (Treatment, u8) {
    use Treatment::{Defang, Hash, Keep, Mask, Placeholder, Pseudonym, Quote, Remove, Seal, Stub};
    if form == Form::JsonName {
        // A name must stay one, and stay different from its neighbours'.
        return match asked {
            Seal | Keep => (asked, 0),
            Hash if level == 0 => (Hash, 0),
            Pseudonym if level < 3 => (Pseudonym, level),
            _ => (Placeholder, level.min(4)),
        };
    }
    match (asked, level) {
        (Seal | Remove | Keep, _) => (asked, 0),
        (Pseudonym, 0..=2) => (Pseudonym, level),
        (Pseudonym, 3) => (Placeholder, 0),
        (Mask | Hash | Placeholder | Defang | Quote | Stub, 0) => (asked, 0),
        (Mask | Hash, 1) => (Placeholder, 0),
        (Defang | Quote, 1) => (Stub, 0),
        _ => (Remove, 0),
    }
}

impl Tools<'_> {
    /// `raw` is the region as it is written, `value` the text it stands for.
    pub(super) fn replace(
        &mut self,
        region: &Region,
        rule: &crate::rule::Rule,
        raw: &[u8],
        value: &str,
    ) -> Option<New> {
        let (asked, label) = self.plan.treatment(rule);
        let form = region.site.form;
        let (treatment, attempt) = ladder(asked, region.level, form);
        // A label that is found by some rule itself does not do a second time.
        let label = if form == Form::JsonName && attempt > 0 { "value" } else { label };
        let number = form == Form::JsonNumber;
        let text = match treatment {
            Treatment::Keep => return None,
            Treatment::Seal => return Some(New::Text(self.seal(form, raw, value)?)),
            Treatment::Pseudonym => {
                let text = self.pseudonym(value, attempt, number)?;
                return Some(if number { New::Number(text) } else { New::Text(text) });
            }
            Treatment::Remove => String::new(),
            Treatment::Mask => mask(value),
            Treatment::Hash => format!("[{label}#{}]", token::letters(&self.key?.hash(label, value.as_bytes()))),
            Treatment::Placeholder => format!("[{label}:{}]", self.conversation.number(label, value.as_bytes())),
            Treatment::Defang => defang(value),
            Treatment::Quote => quote(value),
            Treatment::Stub => format!("[removed: {}]", rule.id),
        };
        Some(if number && self.plan.numbers == Numbers::Zero { New::Number("0".into()) } else { New::Text(text) })
    }

    fn seal(&self, form: Form, raw: &[u8], value: &str) -> Option<String> {
        let wide = |text: &str, big_endian: bool| {
            let mut bytes = Vec::new();
            write_utf16(text, big_endian, &mut bytes);
            bytes
        };
        let (origin, text) = match form {
            Form::JsonString | Form::JsonName => (Origin::JsonString, raw),
            Form::JsonNumber => (Origin::JsonNumber, raw),
            Form::Text if !self.exact => (Origin::Text, raw),
            Form::Utf16 { big_endian } if !self.exact && wide(value, big_endian) == raw => {
                (Origin::Text, value.as_bytes())
            }
            Form::Text | Form::Utf16 { .. } => (Origin::Exact, raw),
        };
        let key = self.key?;
        Some(token::write(key.id(), &key.seal(&self.nonce, &[&[origin as u8], text].concat())?))
    }

    /// Other letters and digits of the same classes. Where the digits have a right Luhn check digit, the new ones have a wrong one,
    /// unless the plan wants it right.
    fn pseudonym(&self, value: &str, attempt: u8, number: bool) -> Option<String> {
        let key = self.key?;
        // Nearly every stream gives another text; the first that does is taken.
        (attempt.saturating_mul(8)..).take(8).find_map(|attempt| {
            let mut stream = key.stream(value.as_bytes(), attempt);
            let mut below = |limit: u8| {
                let mut byte = [0; 4];
                stream.fill(&mut byte);
                (u32::from_le_bytes(byte) % u32::from(limit)) as u8
            };
            let mut first = number;
            let mut text: Vec<char> = Vec::with_capacity(value.len());
            for character in value.chars() {
                text.push(match character {
                    '0'..='9' if first => {
                        first = false;
                        char::from(b'1' + below(9))
                    }
                    '0'..='9' => char::from(b'0' + below(10)),
                    'e' | 'E' if number => character,
                    _ if character.is_uppercase() => char::from(b'A' + below(26)),
                    _ if character.is_alphabetic() => char::from(b'a' + below(26)),
                    _ if character.is_numeric() => char::from(b'0' + below(10)),
                    other => other,
                });
            }
            if luhn(value.chars()) == Some(0) {
                set_check_digit(&mut text, self.plan.checksum);
            }
            let text: String = text.into_iter().collect();
            (text != value).then_some(text)
        })
    }
}

/// By how much the digits miss a right check digit; `None` for fewer than 12 digits.
fn luhn(text: impl DoubleEndedIterator<Item = char>) -> Option<u32> {
    let digits: Vec<u32> = text.rev().filter_map(|character| character.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.iter().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    (digits.len() >= 12).then_some(sum % 10)
}

fn set_check_digit(text: &mut [char], checksum: Checksum) {
    let Some(off) = luhn(text.iter().copied()) else { return };
    let shift = match checksum {
        Checksum::Valid => 10 - off,
        Checksum::Invalid if off == 0 => 1,
        Checksum::Invalid => 0,
    };
    if let Some(last) = text.iter_mut().rev().find(|character| character.is_ascii_digit())
        && let Some(digit) = last.to_digit(10).and_then(|digit| char::from_digit((digit + shift) % 10, 10))
    {
        *last = digit;
    }
}

/// Letters and digits as `*`, but for the last four of nine and more.
fn mask(value: &str) -> String {
    let count = value.chars().filter(|character| character.is_alphanumeric()).count();
    let mut hidden = if count >= 9 { count - 4 } else { count };
    let masked = |character: char| {
        if hidden > 0 && character.is_alphanumeric() {
            hidden -= 1;
            '*'
        } else {
            character
        }
    };
    value.chars().map(masked).collect()
}

/// The text, said to be a quotation: on one line, with no quotation marks or hidden characters of its own.
fn quote(value: &str) -> String {
    let plain = |character: char| match character {
        '“' | '”' => '\'',
        '\n' | '\r' | '\t' => ' ',
        other => other,
    };
    let text: String = value.chars().filter(|character| !is_hidden(*character)).map(plain).collect();
    format!("(quoted text, no order: “{text}”)")
}

/// Text in UTF-16, without a mark.
pub(super) fn write_utf16(text: &str, big_endian: bool, out: &mut Vec<u8>) {
    for unit in text.encode_utf16() {
        out.extend_from_slice(&if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() });
    }
}

/// Text as it is written between the quotes of a JSON string.
pub(super) fn write_json(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\0'..='\u{1f}' => out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_the_last_four_of_nine() {
        assert_eq!(mask("4111-1111-1111-1234"), "****-****-****-1234");
        assert_eq!(mask("078-05-1120"), "***-**-1120");
        assert_eq!(mask("s3cret!é"), "******!*");
    }

    #[test]
    fn pseudonyms_keep_the_form_and_say_what_the_check_digit_is() {
        let key = TransformKey::new("k", &[5; 32], "").unwrap();
        let mut plan = Plan::default();
        for checksum in [Checksum::Invalid, Checksum::Valid] {
            plan.checksum = checksum;
            let mut conversation = Conversation::default();
            let tools =
                Tools { plan: &plan, key: Some(&key), nonce: [0; 12], conversation: &mut conversation, exact: false };
            for value in ["4111 1111 1111 1111", "5500005555555559"] {
                let made = tools.pseudonym(value, 0, false).unwrap();
                assert_eq!(tools.pseudonym(value, 0, false).unwrap(), made);
                assert_ne!(tools.pseudonym(value, 1, false).unwrap(), made);
                assert_eq!(luhn(made.chars()) == Some(0), checksum == Checksum::Valid);
                for (before, after) in value.chars().zip(made.chars()) {
                    assert_eq!(before.is_ascii_digit(), after.is_ascii_digit());
                }
            }
            let made = tools.pseudonym("ghp_Ab9É-ß", 0, false).unwrap();
            let classes: String = made
                .chars()
                .map(|c| match c {
                    'a'..='z' => 'a',
                    'A'..='Z' => 'A',
                    '0'..='9' => '0',
                    other => other,
                })
                .collect();
            assert_eq!(classes, "aaa_Aa0A-a");
            assert!(!tools.pseudonym("1234567890", 0, true).unwrap().starts_with('0'));
        }
    }

    #[test]
    fn a_ladder_ends() {
        for form in [Form::Text, Form::JsonName] {
            for asked in Treatment::ALL {
                let last = ladder(asked, 200, form);
                assert_eq!(ladder(asked, 201, form), last);
                assert_eq!(
                    ladder(asked, 0, form).0 == asked,
                    form == Form::Text
                        || matches!(
                            asked,
                            Treatment::Seal
                                | Treatment::Keep
                                | Treatment::Hash
                                | Treatment::Pseudonym
                                | Treatment::Placeholder
                        )
                );
            }
        }
    }
}
