//! Other letters in place of the plain ones: styled alphabets, look-alikes, leet, braille, letters turned over.

use super::{Dice, Technique, mostly_ascii};

pub(super) const ALL: &[Technique] = &[
    Technique { name: "leet", apply: leet },
    Technique { name: "ascii-look-alikes", apply: ascii_look_alikes },
    Technique { name: "full-width", apply: |text, _| mapped(text, full_width) },
    Technique { name: "circled", apply: |text, _| mapped(text, |c| offset(c, 0x24d0, 0x24b6)) },
    Technique {
        name: "negative-circled",
        apply: |text, _| mapped(text, |c| offset(c.to_ascii_uppercase(), 0, 0x1f150)),
    },
    Technique { name: "squared", apply: |text, _| mapped(text, |c| offset(c.to_ascii_uppercase(), 0, 0x1f130)) },
    Technique { name: "parenthesized", apply: |text, _| mapped(text, |c| offset(c.to_ascii_lowercase(), 0x249c, 0)) },
    Technique { name: "math-bold", apply: |text, _| mapped(text, |c| offset(c, 0x1d41a, 0x1d400)) },
    Technique { name: "math-sans", apply: |text, _| mapped(text, |c| offset(c, 0x1d5ba, 0x1d5a0)) },
    Technique { name: "math-monospace", apply: |text, _| mapped(text, |c| offset(c, 0x1d68a, 0x1d670)) },
    Technique { name: "fraktur", apply: |text, _| mapped(text, |c| offset(c, 0x1d586, 0x1d56c)) },
    Technique {
        name: "small-capitals", apply: |text, _| from_list(text, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ")
    },
    Technique {
        name: "superscript", apply: |text, _| from_list(text, "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖqʳˢᵗᵘᵛʷˣʸᶻ")
    },
    Technique {
        name: "regional-indicators",
        apply: |text, _| mapped(text, |c| offset(c.to_ascii_uppercase(), 0, 0x1f1e6)),
    },
    Technique { name: "braille", apply: braille },
    Technique { name: "upside-down", apply: upside_down },
    Technique { name: "cyrillic", apply: |text, dice| swapped(text, dice, "aаcсeеiіjјoоpрsѕxхyуhһ", 2) },
    Technique { name: "greek", apply: |text, dice| swapped(text, dice, "aαiιoοpρuυvνkκtτnη", 2) },
    Technique { name: "cherokee-lisu", apply: cherokee_lisu },
];

fn mapped(text: &str, change: impl Fn(char) -> Option<char>) -> Option<String> {
    mostly_ascii(text).then(|| text.chars().map(|c| change(c).unwrap_or(c)).collect())
}

/// The letter at the same place of an alphabet whose small and capital letters begin there; 0: it has none.
fn offset(letter: char, small: u32, capital: u32) -> Option<char> {
    let (place, first) = match letter {
        'a'..='z' => (u32::from(letter) - u32::from('a'), small),
        'A'..='Z' => (u32::from(letter) - u32::from('A'), capital),
        _ => return None,
    };
    char::from_u32(first + place).filter(|_| first != 0)
}

fn full_width(character: char) -> Option<char> {
    match character {
        '!'..='~' => char::from_u32(u32::from(character) + 0xfee0),
        ' ' => Some('\u{3000}'),
        _ => None,
    }
}

fn from_list(text: &str, list: &str) -> Option<String> {
    let list: Vec<char> = list.chars().collect();
    mapped(text, |c| {
        let place = usize::from((c.to_ascii_lowercase() as u8).wrapping_sub(b'a'));
        c.is_ascii_alphabetic().then(|| list.get(place).copied())?
    })
}

fn leet(text: &str, dice: &mut Dice) -> Option<String> {
    let mut each = |c: char| match c.to_ascii_lowercase() {
        'a' => Some(if dice.one_in(3) { '@' } else { '4' }),
        'e' => Some('3'),
        'i' => Some(if dice.one_in(4) { '!' } else { '1' }),
        'o' => Some('0'),
        's' => Some(if dice.one_in(2) { '$' } else { '5' }),
        't' => Some('7'),
        'l' if dice.one_in(3) => Some('1'),
        _ => None,
    };
    mostly_ascii(text).then(|| text.chars().map(|c| each(c).unwrap_or(c)).collect())
}

/// `l` and `I` and `1`, `O` and `0`: alike in many fonts.
fn ascii_look_alikes(text: &str, dice: &mut Dice) -> Option<String> {
    let mut each = |c: char| match c {
        'l' => Some(if dice.one_in(2) { 'I' } else { '1' }),
        'I' => Some('l'),
        'o' | 'O' if dice.one_in(2) => Some('0'),
        _ => None,
    };
    mostly_ascii(text).then(|| text.chars().map(|c| each(c).unwrap_or(c)).collect())
}

/// Grade 1: a cell for each letter, a sign before capitals left out.
fn braille(text: &str, _: &mut Dice) -> Option<String> {
    const CELLS: [u8; 26] = [
        0x01, 0x03, 0x09, 0x19, 0x11, 0x0b, 0x1b, 0x13, 0x0a, 0x1a, 0x05, 0x07, 0x0d, 0x1d, 0x15, 0x0f, 0x1f, 0x17,
        0x0e, 0x1e, 0x25, 0x27, 0x3a, 0x2d, 0x3d, 0x35,
    ];
    let cell = |cell: u8| char::from_u32(0x2800 + u32::from(cell));
    mapped(text, |c| match c.to_ascii_lowercase() {
        letter @ 'a'..='z' => cell(CELLS[usize::from(letter as u8 - b'a')]),
        ' ' => cell(0),
        _ => None,
    })
}

/// Turned by half a circle: the letters turned over, last one first.
fn upside_down(text: &str, _: &mut Dice) -> Option<String> {
    let turned: Vec<char> = "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz".chars().collect();
    let each = |c: char| match c.to_ascii_lowercase() {
        letter @ 'a'..='z' => turned[usize::from(letter as u8 - b'a')],
        '.' => '˙',
        ',' => '\'',
        '?' => '¿',
        '!' => '¡',
        '(' => ')',
        ')' => '(',
        _ => c,
    };
    mostly_ascii(text).then(|| text.chars().rev().map(each).collect())
}

/// Some of the letters that have a look-alike; `pairs` has each letter before its look-alike.
fn swapped(text: &str, dice: &mut Dice, pairs: &str, one_in: u64) -> Option<String> {
    let pairs: Vec<char> = pairs.chars().collect();
    let mut each = |c: char| {
        let found = pairs.chunks_exact(2).find(|pair| pair[0] == c)?;
        dice.one_in(one_in).then_some(found[1])
    };
    mostly_ascii(text).then(|| text.chars().map(|c| each(c).unwrap_or(c)).collect())
}

/// Capitals of Cherokee and Lisu for the Latin capitals they look like.
fn cherokee_lisu(text: &str, dice: &mut Dice) -> Option<String> {
    const CHEROKEE: [(char, char); 16] = [
        ('A', 'Ꭺ'),
        ('B', 'Ᏼ'),
        ('C', 'Ꮯ'),
        ('D', 'Ꭰ'),
        ('E', 'Ꭼ'),
        ('G', 'Ꮐ'),
        ('H', 'Ꮋ'),
        ('J', 'Ꭻ'),
        ('K', 'Ꮶ'),
        ('L', 'Ꮮ'),
        ('M', 'Ꮇ'),
        ('P', 'Ꮲ'),
        ('R', 'Ꭱ'),
        ('T', 'Ꭲ'),
        ('W', 'Ꮃ'),
        ('V', 'Ꮩ'),
    ];
    const LISU: [(char, char); 20] = [
        ('A', 'ꓮ'),
        ('B', 'ꓐ'),
        ('C', 'ꓚ'),
        ('D', 'ꓓ'),
        ('E', 'ꓰ'),
        ('F', 'ꓝ'),
        ('G', 'ꓖ'),
        ('H', 'ꓧ'),
        ('I', 'ꓲ'),
        ('J', 'ꓙ'),
        ('K', 'ꓗ'),
        ('L', 'ꓡ'),
        ('M', 'ꓟ'),
        ('N', 'ꓠ'),
        ('O', 'ꓳ'),
        ('P', 'ꓑ'),
        ('R', 'ꓣ'),
        ('S', 'ꓢ'),
        ('T', 'ꓔ'),
        ('U', 'ꓴ'),
    ];
    let mut each = |c: char| {
        let list: &[(char, char)] = if dice.one_in(2) { &CHEROKEE } else { &LISU };
        list.iter().find(|(plain, _)| *plain == c.to_ascii_uppercase()).map(|(_, other)| *other)
    };
    mostly_ascii(text).then(|| text.chars().map(|c| each(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::dice_for;
    use super::*;

    #[test]
    fn known_values() {
        let mut dice = dice_for("record", "technique");
        assert_eq!(mapped("Abba1", |c| offset(c, 0x24d0, 0x24b6)).as_deref(), Some("Ⓐⓑⓑⓐ1"));
        assert_eq!(mapped("A bee", full_width).as_deref(), Some("Ａ　ｂｅｅ"));
        assert_eq!(braille("Hi zed", &mut dice).as_deref(), Some("⠓⠊⠀⠵⠑⠙"));
        assert_eq!(upside_down("Ignore.", &mut dice).as_deref(), Some("˙ǝɹouƃᴉ"));
        assert!(leet("государство", &mut dice).is_none());
    }
}
