//! Names of tools and members: how they are shown, and which of them look alike.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;

use crate::view::Folder;

/// Longest part of a name that is shown, in characters.
const SHOWN: usize = 64;
/// Shortest name, folded, that one letter more or less makes suspicious.
const SHORTEST_NEAR: usize = 8;

/// A name as it may be shown: cut, and without control or invisible characters.
pub(super) fn quoted(name: &str) -> String {
    let mut shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A name that a model gave, as it may be told: `…` for one that is longer than 64 bytes or has more than four digits, as keys and
/// numbers do. Models put values where names belong.
#[must_use]
pub fn told_name(name: &str) -> &str {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if name.len() > SHOWN || digits > 4 { "…" } else { name }
}

/// How two names are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// They read the same: only case, separators, accents or look-alike letters differ.
    Same,
    /// One letter is added, left out, replaced, or two are swapped.
    OneLetter,
}

/// Known names, to find those that look like another.
#[derive(Debug, Default)]
pub(super) struct Names {
    folder: Folder,
    by_skeleton: HashMap<Vec<u8>, Vec<usize>>,
    /// Skeletons, and skeletons with one letter left out, as hashes: some twenty for a name. Sorted when one is looked for.
    shortened: Vec<(u64, usize)>,
    sorted: bool,
    hasher: RandomState,
    names: Vec<(usize, String)>,
}

impl Names {
    /// Adds a name that belongs to `group` (a server); with `near` also for names that are one letter away.
    pub(super) fn add(&mut self, group: usize, name: &str, near: bool) {
        let id = self.names.len();
        self.names.push((group, name.to_owned()));
        let skeleton = self.skeleton(name);
        if near {
            self.shortened.extend(shortenings(&self.hasher, &skeleton).map(|hash| (hash, id)));
            self.sorted = false;
        }
        self.by_skeleton.entry(skeleton).or_default().push(id);
    }

    /// The names that look like `name` and are not it: group, name, and how.
    pub(super) fn like(&mut self, name: &str) -> Vec<(usize, &str, Likeness)> {
        let skeleton = self.skeleton(name);
        let same: HashSet<usize> = self.by_skeleton.get(&skeleton).into_iter().flatten().copied().collect();
        let mut near = HashSet::new();
        if !self.shortened.is_empty() {
            if !self.sorted {
                self.shortened.sort_unstable();
                self.sorted = true;
            }
            for short in shortenings(&self.hasher, &skeleton) {
                let from = self.shortened.partition_point(|(hash, _)| *hash < short);
                let equal = self.shortened[from..].iter().take_while(|(hash, _)| *hash == short);
                near.extend(equal.map(|(_, id)| *id));
            }
        }
        let mut found = Vec::new();
        for id in near.union(&same).copied() {
            let (group, other) = &self.names[id];
            if same.contains(&id) {
                if other != name {
                    found.push((*group, other.as_str(), Likeness::Same));
                }
            } else if !is_plural(name, other) {
                found.push((*group, other.as_str(), Likeness::OneLetter));
            }
        }
        found.sort_unstable_by_key(|(group, name, _)| (*group, *name));
        found
    }

    /// What is left of a name for a reader: folded, without separators.
    fn skeleton(&mut self, name: &str) -> Vec<u8> {
        let mut folded = self.folder.fold(name.as_bytes()).to_vec();
        folded.retain(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/' | b':'));
        for byte in &mut folded {
            *byte = match *byte {
                b'0' => b'o',
                b'1' | b'|' => b'l',
                other => other,
            };
        }
        folded
    }
}

/// Whether the names differ by plurals or numbers alone, as honest families of tools do.
fn is_plural(a: &str, b: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        let words = name.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty());
        words.map(|word| word.to_lowercase().trim_end_matches('s').to_owned()).collect()
    };
    words(a) == words(b)
}

/// Hashes of a skeleton and of it with one letter left out; none of a short one.
fn shortenings<'t>(hasher: &'t RandomState, text: &'t [u8]) -> impl Iterator<Item = u64> + 't {
    let long = text.len() >= SHORTEST_NEAR;
    let mut short = Vec::with_capacity(text.len());
    let without = move |at: usize| {
        short.clear();
        short.extend_from_slice(&text[..at]);
        short.extend_from_slice(&text[at + 1..]);
        hasher.hash_one(&short)
    };
    let whole = long.then(|| hasher.hash_one(text));
    (0..if long { text.len() } else { 0 }).map(without).chain(whole)
}

/// The words of a text that may be names of tools: they have a separator or a capital inside and are no plain word.
pub(super) fn name_like(text: &str) -> impl Iterator<Item = &str> {
    let part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    text.split(move |character| !part(character))
        .map(|word| word.trim_matches(['.', '-']))
        .filter(|word| (6..=128).contains(&word.len()) && is_distinctive(word))
}

/// Whether a word is hardly one of a language: `read_file`, `listIssues`.
pub(super) fn is_distinctive(word: &str) -> bool {
    let inner = word.char_indices().skip(1);
    let mut before = ' ';
    for (_, character) in inner {
        if character == '_' || (character.is_uppercase() && before.is_lowercase()) {
            return true;
        }
        before = character;
    }
    word.matches('-').count() >= 1 && word.len() >= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_the_same_are_alike() {
        let mut names = Names::default();
        for name in ["read_file", "send_message", "list_issue"] {
            names.add(1, name, true);
        }
        let mut like = |name: &str| names.like(name).into_iter().map(|(_, name, how)| (name.to_owned(), how)).next();
        for name in ["read-file", "readFile", "rеad_file", "ｒead_file", "read_fi1e", "read_\u{200b}file"] {
            assert_eq!(like(name), Some(("read_file".into(), Likeness::Same)), "{name}");
        }
        for name in ["send_mesage", "send_messsage", "semd_message", "sned_message"] {
            assert_eq!(like(name), Some(("send_message".into(), Likeness::OneLetter)), "{name}");
        }
        for name in ["read_file", "list_issues", "write_file", "send_messages_x", "read"] {
            assert_eq!(like(name), None, "{name}");
        }
    }

    #[test]
    fn names_in_text_are_told_from_words() {
        let words: Vec<&str> =
            name_like("Use read_file (or listIssues) before well-known e.g. GitHub's query.").collect();
        assert_eq!(words, ["read_file", "listIssues", "well-known", "GitHub"]);
        assert_eq!(quoted("a\u{1b}[0m\u{200b}"), "a\\u{1b}[0m\\u{200b}");
    }
}
