//! WordPiece as BERT's lower-casing models have it: text to numbers of tokens, each with its place.
//!
//! The steps are those of a Hugging Face `tokenizer.json` with `BertNormalizer` (clean text, Chinese characters by themselves, no accents,
//! lower case), `BertPreTokenizer` and `WordPiece`; anything else is refused. Written for this because it is ten to twenty times as fast as
//! a general tokenizer, and texts are long where the network is quick.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use serde::Deserialize;
use unicode_categories::UnicodeCategories as _;
use unicode_normalization::char::decompose_canonical;

/// Hashes the few bytes of a token. Its table never grows after it was read, so nobody can fill it with what collides.
#[derive(Default)]
struct Fx(u64);

impl Hasher for Fx {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
}

type Table = HashMap<Box<[u8]>, u32, BuildHasherDefault<Fx>>;

/// A vocabulary, ready to cut words.
pub(crate) struct WordPiece {
    /// Tokens that start a word, and those that go on with one, without their prefix.
    first: Table,
    further: Table,
    /// Bytes of the longest token.
    longest: usize,
    unknown: u32,
    most_characters: usize,
}

#[derive(Deserialize)]
struct File {
    normalizer: Normalizer,
    pre_tokenizer: Typed,
    model: Model,
}

#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

#[derive(Deserialize)]
struct Normalizer {
    r#type: String,
    #[serde(default)]
    clean_text: bool,
    #[serde(default)]
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    #[serde(default)]
    lowercase: bool,
}

#[derive(Deserialize)]
struct Model {
    r#type: String,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, u32>,
}

/// A token and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: u32,
    pub(crate) place: Range<usize>,
}

/// A word on its way: its bytes after normalising, and for every character of these where it starts and what it stands for.
#[derive(Default)]
struct Word {
    bytes: Vec<u8>,
    characters: Vec<(usize, Range<usize>)>,
}

impl WordPiece {
    /// Reads a `tokenizer.json`.
    pub(crate) fn new(file: &[u8]) -> Result<Self, String> {
        let File { normalizer, pre_tokenizer, model } =
            serde_json::from_slice(file).map_err(|error| format!("it is no tokenizer of BERT: {error}"))?;
        let Normalizer { r#type, clean_text, handle_chinese_chars, strip_accents, lowercase } = normalizer;
        let folds = clean_text && handle_chinese_chars && lowercase && strip_accents.unwrap_or(lowercase);
        if r#type != "BertNormalizer"
            || !folds
            || pre_tokenizer.r#type != "BertPreTokenizer"
            || model.r#type != "WordPiece"
        {
            return Err(
                "only lower-casing BERT tokenizers (BertNormalizer, BertPreTokenizer, WordPiece) are read".into()
            );
        }
        let unknown = *model.vocab.get(&model.unk_token).ok_or("its unk_token is not in its vocabulary")?;
        let (mut first, mut further) = (Table::default(), Table::default());
        let mut longest = 0;
        for (token, id) in &model.vocab {
            let going_on = token.strip_prefix(&model.continuing_subword_prefix).filter(|rest| !rest.is_empty());
            let text = going_on.unwrap_or(token).as_bytes();
            longest = longest.max(text.len());
            let table = if going_on.is_some() { &mut further } else { &mut first };
            table.insert(text.into(), *id);
        }
        Ok(Self { first, further, longest, unknown, most_characters: model.max_input_chars_per_word })
    }

    /// The number of a token, such as `[CLS]`.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        self.first.get(token.as_bytes()).copied()
    }

    /// Cuts a text into tokens. Marks such as `[SEP]` in it are text like any other.
    pub(crate) fn encode(&self, text: &str, tokens: &mut Vec<Token>) {
        let mut word = Word::default();
        for (at, character) in text.char_indices() {
            let place = at..at + character.len_utf8();
            if is_dropped(character) {
                continue;
            }
            if character.is_ascii() {
                self.normal(character.to_ascii_lowercase(), place, &mut word, tokens);
            } else if is_chinese(character) {
                self.end(&mut word, tokens);
                self.decomposed(character, &place, &mut word, tokens);
                self.end(&mut word, tokens);
            } else {
                self.decomposed(character, &place, &mut word, tokens);
            }
        }
        self.end(&mut word, tokens);
    }

    /// A character without its accents, in lower case.
    fn decomposed(&self, character: char, place: &Range<usize>, word: &mut Word, tokens: &mut Vec<Token>) {
        decompose_canonical(character, |part| {
            if !part.is_mark_nonspacing() {
                part.to_lowercase().for_each(|lower| self.normal(lower, place.clone(), word, tokens));
            }
        });
    }

    /// A character after normalising: a part of the word, or the end of one.
    fn normal(&self, character: char, place: Range<usize>, word: &mut Word, tokens: &mut Vec<Token>) {
        if character.is_whitespace() {
            self.end(word, tokens);
        } else if character.is_ascii_punctuation() || !character.is_ascii() && character.is_punctuation() {
            self.end(word, tokens);
            word.push(character, place);
            self.end(word, tokens);
        } else {
            word.push(character, place);
        }
    }

    /// Cuts a whole word: the longest token that it starts with, then the longest that goes on, and so forth; a word that cannot be cut so
    /// is one unknown token.
    fn end(&self, word: &mut Word, tokens: &mut Vec<Token>) {
        let (Some((_, head)), Some((_, tail))) = (word.characters.first(), word.characters.last()) else { return };
        let whole = head.start..tail.end;
        let before = tokens.len();
        let mut next = if word.characters.len() > self.most_characters { usize::MAX } else { 0 };
        while next < word.characters.len() {
            let start = word.characters[next].0;
            let table = if next == 0 { &self.first } else { &self.further };
            let fits = (next + 1..=word.characters.len()).rev().find_map(|end| {
                let stop = word.characters.get(end).map_or(word.bytes.len(), |(stop, _)| *stop);
                let text = &word.bytes[start..stop];
                if text.len() > self.longest { None } else { Some((end, *table.get(text)?)) }
            });
            let Some((end, id)) = fits else {
                next = usize::MAX;
                break;
            };
            let place = word.characters[next].1.start..word.characters[end - 1].1.end;
            tokens.push(Token { id, place });
            next = end;
        }
        if next == usize::MAX {
            tokens.truncate(before);
            tokens.push(Token { id: self.unknown, place: whole });
        }
        word.bytes.clear();
        word.characters.clear();
    }
}

impl Word {
    fn push(&mut self, character: char, place: Range<usize>) {
        self.characters.push((self.bytes.len(), place));
        let mut buffer = [0; 4];
        self.bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
}

/// What cleaning takes out: control characters, invisible ones, those of private use, and the sign for what could not be read.
fn is_dropped(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | ' '..='~' => false,
        _ => character == '\u{fffd}' || character.is_other(),
    }
}

/// Ideographs, which are words by themselves.
fn is_chinese(character: char) -> bool {
    matches!(
        character,
        '\u{4e00}'..='\u{9fff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{20000}'..='\u{2a6df}'
            | '\u{2a700}'..='\u{2b73f}'
            | '\u{2b740}'..='\u{2b81f}'
            | '\u{2b920}'..='\u{2ceaf}'
            | '\u{f900}'..='\u{faff}'
            | '\u{2f800}'..='\u{2fa1f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(normalizer: &str) -> Vec<u8> {
        let vocabulary = ["[UNK]", "un", "##aff", "##able", "want", "##ed", "cafe", "!", "指", "示", "[", "]", "sep"];
        let vocabulary: Vec<String> =
            vocabulary.iter().enumerate().map(|(id, word)| format!("\"{word}\": {id}")).collect();
        format!(
            "{{\"normalizer\": {{{normalizer}}}, \"pre_tokenizer\": {{\"type\": \"BertPreTokenizer\"}}, \"model\": {{\"type\": \
             \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100, \
             \"vocab\": {{{}}}}}}}",
            vocabulary.join(", ")
        )
        .into_bytes()
    }

    const BERT: &str = "\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, \
                        \"strip_accents\": null, \"lowercase\": true";

    fn encode(text: &str) -> Vec<(u32, &str)> {
        let mut tokens = Vec::new();
        WordPiece::new(&file(BERT)).unwrap().encode(text, &mut tokens);
        tokens.into_iter().map(|token| (token.id, &text[token.place])).collect()
    }

    #[test]
    fn words_are_cut_into_the_longest_tokens() {
        assert_eq!(encode("UNaffable"), [(1, "UN"), (2, "aff"), (3, "able")]);
        assert_eq!(encode("wanted!"), [(4, "want"), (5, "ed"), (7, "!")]);
        assert_eq!(encode("wanting un"), [(0, "wanting"), (1, "un")]);
        assert_eq!(encode(&"un".repeat(51)), [(0, "un".repeat(51).as_str())]);
        assert!(encode(" \n\u{200b}\0\u{fffd}").is_empty());
    }

    #[test]
    fn accents_go_ideographs_stand_alone_and_marks_are_text() {
        assert_eq!(encode("Cafe\u{301} CAFÉ ca\u{ad}fe"), [(6, "Cafe"), (6, "CAFÉ"), (6, "ca\u{ad}fe")]);
        assert_eq!(encode("un指示ed"), [(1, "un"), (8, "指"), (9, "示"), (0, "ed")]);
        assert_eq!(encode("[SEP]"), [(10, "["), (12, "SEP"), (11, "]")]);
    }

    #[test]
    fn other_tokenizers_are_refused() {
        for wrong in ["\"type\": \"NFC\"", "\"type\": \"BertNormalizer\", \"lowercase\": false"] {
            assert!(WordPiece::new(&file(wrong)).is_err_and(|why| why.contains("BERT")));
        }
        assert!(WordPiece::new(b"{}").is_err());
    }
}
