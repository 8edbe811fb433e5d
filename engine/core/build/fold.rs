//! The fold table, from Unicode data; and folding with it, for what is chosen at build time.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

const UNCHANGED: u32 = 0;
const STRIP: u32 = 1;
const SPACE: u32 = 2;

/// `PAGES[cp >> 8]` is a page of `ENTRIES`; an entry is one of the three above, or `offset << 8 | length` into `POOL`.
pub(crate) fn table() -> String {
    let mut pool = String::new();
    let mut pooled: HashMap<String, u32> = HashMap::new();
    let mut pages: Vec<u16> = Vec::new();
    let mut entries: Vec<u32> = vec![UNCHANGED; 256];
    let mut known: HashMap<Vec<u32>, u16> = HashMap::from([(vec![UNCHANGED; 256], 0)]);
    // Offset 0 with a small length would look like one of the marks.
    pool.push_str("pool");
    for page in 0..=0x10ff_u32 {
        let page: Vec<u32> = (page << 8..(page << 8) + 256)
            .map(|code| match char::from_u32(code) {
                Some(character) => match fold_to_the_end(character) {
                    Folded::Unchanged => UNCHANGED,
                    Folded::Strip => STRIP,
                    Folded::Space => SPACE,
                    Folded::To(text) => *pooled.entry(text.clone()).or_insert_with(|| {
                        let offset = pool.len() as u32;
                        pool.push_str(&text);
                        offset << 8 | text.len() as u32
                    }),
                },
                None => UNCHANGED,
            })
            .collect();
        let id = *known.entry(page.clone()).or_insert_with(|| {
            entries.extend(&page);
            (entries.len() / 256 - 1) as u16
        });
        pages.push(id);
    }
    format!(
        "static PAGES: [u16; {}] = {pages:?};\nstatic ENTRIES: [u32; {}] = {entries:?};\nstatic POOL: &str = {pool:?};\n",
        pages.len(),
        entries.len(),
    )
}

/// As `fold_phrase` of the crate folds: the same table, without its kernels.
pub(crate) fn fold_phrase(phrase: &str) -> Vec<u8> {
    let mut out = String::new();
    for character in phrase.chars() {
        match fold_to_the_end(character) {
            Folded::Unchanged => out.push(character),
            Folded::Strip => {}
            Folded::Space => out.push(' '),
            Folded::To(text) => out.push_str(&text),
        }
        if out.ends_with("  ") {
            out.pop();
        }
    }
    out.into_bytes()
}

enum Folded {
    Unchanged,
    Strip,
    Space,
    To(String),
}

/// Folds until folding changes nothing more, so that folded text is a fixed point.
fn fold_to_the_end(character: char) -> Folded {
    let mut folded = fold(character);
    for _ in 0..4 {
        let Folded::To(text) = &folded else { break };
        let again: String = text
            .chars()
            .map(|c| match fold(c) {
                Folded::Unchanged => c.to_string(),
                Folded::Strip => String::new(),
                Folded::Space => " ".into(),
                Folded::To(text) => text,
            })
            .collect();
        if again == *text {
            break;
        }
        folded = Folded::To(again);
    }
    folded
}

fn fold(character: char) -> Folded {
    if is_space(character) {
        return if character == ' ' { Folded::Unchanged } else { Folded::Space };
    }
    if is_invisible(character) || is_mark(character) {
        return Folded::Strip;
    }
    if let Some(plain) = punctuation(character) {
        return Folded::To(plain.to_string());
    }
    let visible: String = character.nfkd().filter(|c| !is_mark(*c) && !is_invisible(*c)).collect();
    let folded: String = visible.nfkc().flat_map(char::to_lowercase).filter(|c| !is_mark(*c)).map(look_alike).collect();
    let folded = folded.replace(char::is_whitespace, " ");
    match folded.as_str() {
        "" => Folded::Strip,
        " " => Folded::Space,
        same if same.chars().eq([character]) => Folded::Unchanged,
        _ => Folded::To(folded),
    }
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// Characters that take no room on the screen, or only control how others are shown.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Combining marks that decorate letters; the vowel signs of Indic, Thai, Hebrew and Arabic writing are letters here.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn punctuation(character: char) -> Option<char> {
    const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ_ʏᴢ";
    if let Some(place) = SMALL_CAPITALS.chars().position(|capital| capital == character && capital != '_') {
        return char::from_u32(u32::from('a') + place as u32);
    }
    Some(match character {
        // A capital I in shape; UTS 39 has it with l.
        'ꓲ' => 'i',
        '‘' | '’' | '‚' | '‛' | '′' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        '\u{249c}'..='\u{24b5}' => letter(character, 0x249c)?,
        '\u{1f150}'..='\u{1f169}' => letter(character, 0x1f150)?,
        '\u{1f170}'..='\u{1f189}' => letter(character, 0x1f170)?,
        '\u{1f1e6}'..='\u{1f1ff}' => letter(character, 0x1f1e6)?,
        _ => return None,
    })
}

/// The n-th letter of an enclosed alphabet that has no compatibility form.
fn letter(character: char, first: u32) -> Option<char> {
    char::from_u32(u32::from('a') + u32::from(character) - first)
}

/// The ASCII letter or digit that a letter looks like (UTS 39), if it looks like just one.
fn look_alike(character: char) -> char {
    if character.is_ascii() || !character.is_alphabetic() {
        return character;
    }
    let forms = std::iter::once(character).chain(character.to_uppercase());
    for form in forms {
        let skeleton: Vec<char> =
            unicode_security::skeleton(form.encode_utf8(&mut [0; 4])).filter(|c| !is_mark(*c)).collect();
        if let [single] = skeleton[..]
            && single.is_ascii_alphabetic()
        {
            return single.to_ascii_lowercase();
        }
    }
    character
}
