//! Characters that are not shown: between the letters, in place of spaces, or carrying the text themselves.

use super::{Dice, Technique, mostly_ascii};

pub(super) const ALL: &[Technique] = &[
    Technique {
        name: "zero-width",
        apply: |text, dice| Some(between(text, dice, &['\u{200b}', '\u{200c}', '\u{2060}', '\u{feff}'])),
    },
    Technique { name: "soft-hyphens", apply: |text, dice| Some(between(text, dice, &['\u{ad}'])) },
    Technique {
        name: "hangul-fillers",
        apply: |text, dice| Some(between(text, dice, &['\u{3164}', '\u{115f}', '\u{1160}', '\u{ffa0}'])),
    },
    Technique { name: "soft-hyphen-spaces", apply: |text, _| spaces(text, '\u{ad}') },
    Technique { name: "zero-width-spaces", apply: |text, _| spaces(text, '\u{200b}') },
    Technique { name: "filler-spaces", apply: |text, _| spaces(text, '\u{3164}') },
    Technique { name: "nul-spaces", apply: |text, _| spaces(text, '\0') },
    Technique { name: "zalgo", apply: zalgo },
    Technique { name: "bidi-override", apply: |text, _| Some(bidi(text)) },
    Technique { name: "tags", apply: tags },
    Technique { name: "variation-selectors", apply: |text, _| Some(variation_selectors(text)) },
    Technique { name: "zero-width-bits", apply: |text, _| Some(bits(text)) },
];

/// One of `marks` after about every second letter.
fn between(text: &str, dice: &mut Dice, marks: &[char]) -> String {
    let mut out = String::new();
    for character in text.chars() {
        out.push(character);
        if character.is_alphabetic() && dice.one_in(2) {
            out.push(marks[dice.below(marks.len() as u64) as usize]);
        }
    }
    out
}

fn spaces(text: &str, mark: char) -> Option<String> {
    text.contains(' ').then(|| text.chars().map(|c| if c == ' ' { mark } else { c }).collect())
}

/// Three marks above and below each letter.
fn zalgo(text: &str, dice: &mut Dice) -> Option<String> {
    let mut out = String::new();
    for character in text.chars() {
        out.push(character);
        if character.is_ascii_alphabetic() {
            out.extend((0..3).filter_map(|_| char::from_u32(0x300 + dice.below(0x6f) as u32)));
        }
    }
    mostly_ascii(text).then_some(out)
}

/// Each line last letter first, within an override that shows it the right way round.
fn bidi(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| format!("\u{202e}{}\u{202c}", line.chars().rev().collect::<String>())).collect();
    lines.join("\n")
}

fn tags(text: &str, _: &mut Dice) -> Option<String> {
    let hidden = text.chars().filter_map(|c| match c {
        ' '..='~' => char::from_u32(0xe0000 + u32::from(c)),
        '\n' | '\t' => Some('\u{e0020}'),
        _ => None,
    });
    mostly_ascii(text).then(|| format!("Have a nice day!{}", hidden.collect::<String>()))
}

/// Each byte as one of the 256 variation selectors, behind an emoji.
fn variation_selectors(text: &str) -> String {
    let selector = |byte: u8| match u32::from(byte) {
        low @ 0..=15 => char::from_u32(0xfe00 + low),
        high => char::from_u32(0xe0100 + high - 16),
    };
    format!("Thank you 😊{} for reading", text.bytes().filter_map(selector).collect::<String>())
}

/// Each byte as eight characters of no width, one for 0 and one for 1.
fn bits(text: &str) -> String {
    let each = |byte: u8| (0..8).rev().map(move |bit| if byte >> bit & 1 == 1 { '\u{200c}' } else { '\u{200b}' });
    format!("Thank you{} for reading", text.bytes().flat_map(each).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::dice_for;
    use super::*;

    #[test]
    fn known_values() {
        let mut dice = dice_for("record", "technique");
        assert_eq!(bidi("ab\ncd"), "\u{202e}ba\u{202c}\n\u{202e}dc\u{202c}");
        assert!(variation_selectors("A").contains("😊\u{e0131}"));
        assert!(tags("Oh Hi", &mut dice).unwrap_or_default().ends_with("\u{e0048}\u{e0069}"));
        assert_eq!(between("ab", &mut dice, &['\u{ad}']).replace('\u{ad}', ""), "ab");
        assert!(spaces("nospace", '\0').is_none());
    }
}
