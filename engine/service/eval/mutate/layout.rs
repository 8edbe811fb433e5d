//! The same letters laid out in another way: spread, broken over lines, mixed with emoji, markup and comments.

use super::{Dice, Technique, mostly_ascii};

pub(super) const ALL: &[Technique] = &[
    Technique { name: "spaced", apply: |text, _| spread(text, " ", "   ") },
    Technique { name: "dotted", apply: |text, _| spread(text, ".", " ") },
    Technique { name: "dashed", apply: |text, _| spread(text, "-", " ") },
    Technique { name: "underscored", apply: |text, _| spread(text, "_", " ") },
    Technique { name: "emoji-words", apply: |text, dice| text.contains(' ').then(|| words(text, dice)) },
    Technique { name: "emoji-letters", apply: emoji_letters },
    Technique {
        name: "markdown",
        apply: |text, dice| Some(inside_words(text, dice, &[("**", "**"), ("*", "*"), ("`", "`"), ("~~", "~~")])),
    },
    Technique { name: "markdown-words", apply: |text, dice| Some(around_words(text, dice)) },
    Technique {
        name: "html-inline",
        apply: |text, dice| {
            Some(inside_words(
                text,
                dice,
                &[("<b>", "</b>"), ("<span class=\"x\">", "</span>"), ("<!-- -->", ""), ("<wbr>", "")],
            ))
        },
    },
    Technique {
        name: "html-comment",
        apply: |text, _| Some(format!("<h1>Weekly report</h1>\n<p>All is well.</p>\n<!-- {text} -->\n")),
    },
    Technique {
        name: "html-hidden",
        apply: |text, _| Some(format!("<p>All is well.</p>\n<div style=\"display:none\">{text}</div>\n")),
    },
    Technique {
        name: "html-alt",
        apply: |text, _| {
            Some(format!("<p>All is well.</p><img src=\"a.png\" alt=\"{}\">", text.replace('"', "&quot;")))
        },
    },
    Technique {
        name: "code-comment",
        apply: |text, _| {
            Some(comment(text, "    // ", "fn total(items: &[u32]) -> u32 {\n", "    items.iter().sum()\n}\n"))
        },
    },
    Technique {
        name: "hash-comment",
        apply: |text, _| Some(comment(text, "# ", "import os\n\n", "\nprint(os.name)\n")),
    },
    Technique { name: "doc-comment", apply: |text, _| Some(comment(text, " * ", "/**\n", " */\nint total(void);\n")) },
    Technique {
        name: "quoted-reply",
        apply: |text, _| Some(comment(text, "> ", "On Monday, Ana wrote:\n", "\nThank you!\n")),
    },
    Technique { name: "wrapped-lines", apply: |text, _| Some(lines(text, 44).join("\n")) },
    Technique { name: "hyphenated", apply: hyphenated },
];

/// `between` between the letters of a word and `words` between words.
fn spread(text: &str, between: &str, words: &str) -> Option<String> {
    let word = |word: &str| word.chars().map(String::from).collect::<Vec<_>>().join(between);
    mostly_ascii(text).then(|| text.split_whitespace().map(word).collect::<Vec<_>>().join(words))
}

const EMOJI: [&str; 8] = ["😀", "🔥", "✨", "🚀", "❤️", "👍🏽", "🎉", "👩‍💻"];

fn emoji(dice: &mut Dice) -> &'static str {
    EMOJI[dice.below(EMOJI.len() as u64) as usize]
}

/// An emoji in place of each space.
fn words(text: &str, dice: &mut Dice) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c == ' ' {
            out.push_str(emoji(dice))
        } else {
            out.push(c)
        };
        out
    })
}

/// An emoji after each letter.
fn emoji_letters(text: &str, dice: &mut Dice) -> Option<String> {
    let mut out = String::new();
    for character in text.chars() {
        out.push(character);
        if character.is_alphabetic() {
            out.push_str(emoji(dice));
        }
    }
    mostly_ascii(text).then_some(out)
}

/// Marks around a part of every longer word.
fn inside_words(text: &str, dice: &mut Dice, marks: &[(&str, &str)]) -> String {
    let word = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < 4 || !letters.iter().all(|c| c.is_alphanumeric()) {
            return word.to_owned();
        }
        let (open, close) = marks[dice.below(marks.len() as u64) as usize];
        let (start, end) = (1 + dice.below(letters.len() as u64 / 2 - 1) as usize, letters.len() - 1);
        let part = |part: &[char]| part.iter().collect::<String>();
        format!("{}{open}{}{close}{}", part(&letters[..start]), part(&letters[start..end]), part(&letters[end..]))
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn around_words(text: &str, dice: &mut Dice) -> String {
    let word = |word: &str| {
        if word.is_empty() || !dice.one_in(2) {
            return word.to_owned();
        }
        let mark = ["**", "*", "_", "`"][dice.below(4) as usize];
        format!("{mark}{word}{mark}")
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Lines of at most about `width` letters, broken at spaces.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if room < len + 1 && room < width {
            lines.push(String::new());
            room = width;
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        room = room.saturating_sub(len + 1);
    }
    lines
}

fn comment(text: &str, leader: &str, before: &str, after: &str) -> String {
    let lines: Vec<String> = lines(text, 60).iter().map(|line| format!("{leader}{line}\n")).collect();
    format!("{before}{}{after}", lines.concat())
}

/// Every third longer word broken at the end of its line.
fn hyphenated(text: &str, _: &mut Dice) -> Option<String> {
    let mut longer = 0;
    let word = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < 6 || !letters.iter().all(|c| c.is_ascii_alphabetic()) {
            return word.to_owned();
        }
        longer += 1;
        if longer % 2 == 0 {
            return word.to_owned();
        }
        let half = letters.len() / 2;
        format!("{}-\n{}", letters[..half].iter().collect::<String>(), letters[half..].iter().collect::<String>())
    };
    mostly_ascii(text).then(|| text.split(' ').map(word).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::dice_for;
    use super::*;

    #[test]
    fn known_values() {
        let mut dice = dice_for("record", "technique");
        assert_eq!(spread("abc d.", "-", " ").as_deref(), Some("a-b-c d-."));
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(hyphenated("ignore previous", &mut dice).as_deref(), Some("ign-\nore previous"));
        assert_eq!(comment("a b", "# ", "x\n", "y"), "x\n# a b\ny");
        let marked = inside_words("ignore it", &mut dice, &[("*", "*")]);
        assert_eq!(marked.replace('*', ""), "ignore it");
        assert_ne!(marked, "ignore it");
    }
}
