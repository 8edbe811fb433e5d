//! Makes four things once, so that start-up pays for none: the fold table from Unicode data, the tables that repair mojibake, the table
//! of telephone numbers, and the list of built-in rules.

#![expect(clippy::expect_used, reason = "a build script fails by panicking")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use unicode_normalization::UnicodeNormalization;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("fold_table.rs"), fold_table()).expect("OUT_DIR is writable");
    fs::write(out.join("mojibake_tables.rs"), mojibake_tables()).expect("OUT_DIR is writable");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    fs::write(out.join("builtin_rules.rs"), builtin_rules(&rules)).expect("OUT_DIR is writable");
    let numbers = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect/phone/numbers.in");
    fs::write(out.join("phone_numbers.rs"), phone_numbers(&numbers)).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed={}", numbers.display());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=rules");
}

/// `("family/name.toml", include_str!(…)), …` in order of path.
fn builtin_rules(rules: &Path) -> String {
    let mut files = Vec::new();
    for family in fs::read_dir(rules).expect("engine/core/rules exists").map(|entry| entry.expect("readable").path()) {
        if family.is_dir() {
            println!("cargo:rerun-if-changed={}", family.display());
            let entries = fs::read_dir(&family).expect("readable folder");
            files.extend(entries.map(|entry| entry.expect("readable").path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(rules).expect("found under it").to_string_lossy().replace('\\', "/");
        writeln!(source, "    ({name:?}, include_str!({:?})),", file.display().to_string()).expect("a String takes it");
    }
    source.push_str("]\n");
    source
}

/// For each encoding of two bytes, the characters that pairs of bytes in UTF-8 are misread as, in order, with these bytes.
fn mojibake_tables() -> String {
    let encodings = [("GBK", encoding_rs::GBK), ("BIG5", encoding_rs::BIG5), ("SHIFT_JIS", encoding_rs::SHIFT_JIS)];
    let mut source = String::new();
    for (name, encoding) in encodings {
        let mut table: Vec<(u16, u16)> = Vec::new();
        for first in 0x80..=0xf4_u8 {
            for second in 0x40..=0xf4_u8 {
                // After the first byte of a character comes a later one of it; after that, anything.
                let fits = if first >= 0xc2 {
                    (0x80..0xc0).contains(&second)
                } else {
                    first < 0xc0 && !matches!(second, 0xc0 | 0xc1)
                };
                let pair = [first, second];
                let read = encoding.decode_without_bom_handling_and_without_replacement(&pair);
                let mut characters = read.as_deref().unwrap_or("").chars();
                if let (true, Some(one), None) = (fits, characters.next(), characters.next())
                    && let Ok(code) = u16::try_from(u32::from(one))
                {
                    table.push((code, u16::from_be_bytes(pair)));
                }
            }
        }
        table.sort_unstable();
        table.dedup_by_key(|entry| entry.0);
        writeln!(source, "static {name}: &[(u16, u16)] = &{table:?};").expect("a String takes it");
    }
    source
}

/// `NEXT[state - 1][digit]` is the next state, 0 for none; a bit of `FINAL` for each state where a number may end.
fn phone_numbers(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("the table of telephone numbers is there");
    let (mut next, mut last) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let row: Vec<u16> = line.trim_end_matches(" *").split(' ').map(|to| to.parse().expect("a state")).collect();
        assert_eq!(row.len(), 10, "line {}", number + 1);
        next.push(row);
        last.resize(number / 64 + 1, 0_u64);
        last[number / 64] |= u64::from(line.ends_with('*')) << (number % 64);
    }
    assert!(next.iter().flatten().all(|to| usize::from(*to) <= next.len()), "states are within the table");
    format!("static NEXT: [[u16; 10]; {}] = {next:?};\nstatic FINAL: [u64; {}] = {last:?};\n", next.len(), last.len())
}

const UNCHANGED: u32 = 0;
const STRIP: u32 = 1;
const SPACE: u32 = 2;

/// `PAGES[cp >> 8]` is a page of `ENTRIES`; an entry is one of the three above, or `offset << 8 | length` into `POOL`.
fn fold_table() -> String {
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
