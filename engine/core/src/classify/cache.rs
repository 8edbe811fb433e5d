//! Scores of windows that were seen before: boilerplate comes again and again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Score;
use crate::content::ContentKind;

/// Windows remembered per generation; there are two.
const GENERATION: usize = 4_096;

/// A digest of a window: 128 bits of BLAKE3, so that nobody can make two windows look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn new(tokens: &[u32], kind: ContentKind) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind as u8]);
        let mut bytes = [0; 256];
        for some in tokens.chunks(bytes.len() / 4) {
            for (to, token) in bytes.chunks_exact_mut(4).zip(some) {
                to.copy_from_slice(&token.to_le_bytes());
            }
            hasher.update(&bytes[..some.len() * 4]);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(key)
    }
}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[..8]);
    }
}

/// The key is a digest already.
#[derive(Debug, Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    }
}

type Generation = HashMap<Key, Score, BuildHasherDefault<Digest>>;

/// Remembers scores in two generations: what is not asked for while one fills, is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    young: Generation,
    old: Generation,
}

impl Cache {
    pub(crate) fn get(&mut self, key: &Key) -> Option<Score> {
        if let Some(score) = self.young.get(key) {
            return Some(*score);
        }
        let score = *self.old.get(key)?;
        self.put(*key, score);
        Some(score)
    }

    pub(crate) fn put(&mut self, key: Key, score: Score) {
        if self.young.len() >= GENERATION {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::default();
        let key = |token: u32| Key::new(&[token], ContentKind::Prompt);
        let score = |token: u32| Score { injection: token as f32, labels: 0 };
        for token in 0..30_000 {
            cache.put(key(token), score(token));
            assert_eq!(cache.get(&key(0)), Some(score(0)), "{token}");
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION);
        assert_eq!(cache.get(&key(1)), None);
    }

    #[test]
    fn kind_and_every_token_count() {
        let long: Vec<u32> = (0..200).collect();
        let mut other = long.clone();
        other[199] += 1;
        assert_ne!(Key::new(&long, ContentKind::Prompt), Key::new(&other, ContentKind::Prompt));
        assert_ne!(Key::new(&long, ContentKind::Prompt), Key::new(&long, ContentKind::ToolOutput));
        assert_eq!(Key::new(&long, ContentKind::Prompt), Key::new(&long.clone(), ContentKind::Prompt));
    }
}
