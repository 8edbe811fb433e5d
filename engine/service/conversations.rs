//! What is remembered of a conversation from one message to the next: the token that it ended in, so that a secret cut in two is found,
//! and how much went out that looks like keys.
//!
//! At most 512 bytes a conversation and kind of content, at most 600 bytes more for each conversation with a budget, and a bounded number
//! of both: of too many, the one that was quiet longest is forgotten. It is kept in memory alone; of what is counted there are digests.
//! Messages that are inspected at the same time see each other in no particular order.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tamiz_core::{ContentKind, OpaqueToken};

/// A conversation's id, and the kind of what is said in it: answers go on from answers, not from the prompts between them.
pub type Key = (String, Option<ContentKind>);

/// Different tokens that are known again; of more, each counts as a new one.
const KNOWN: usize = 64;

/// What is carried on in each conversation. It has no `Debug`: it holds content.
pub struct Conversations {
    carried: Mutex<LruCache<Key, Vec<u8>>>,
    spent: Mutex<LruCache<String, Spent>>,
}

/// What went out in a conversation.
#[derive(Default)]
pub(crate) struct Spent {
    pub(crate) bytes: u64,
    /// Tokens that were counted: an identifier that stands in every call counts once.
    known: Vec<u64>,
}

impl Spent {
    /// Counts tokens. Gives those that were not counted before.
    pub(crate) fn count(&mut self, tokens: &[OpaqueToken]) -> Vec<OpaqueToken> {
        let mut fresh = tokens.to_vec();
        fresh.retain(|token| {
            let known = self.known.contains(&token.print);
            if !known {
                self.bytes += token.bytes as u64;
                if self.known.len() < KNOWN {
                    self.known.push(token.print);
                }
            }
            !known
        });
        fresh
    }
}

impl Conversations {
    /// Room for so many.
    #[must_use]
    pub fn new(most: NonZeroUsize) -> Self {
        Self { carried: Mutex::new(LruCache::new(most)), spent: Mutex::new(LruCache::new(most)) }
    }

    /// What the last message ended in; empty for the first.
    #[must_use]
    pub fn carried(&self, key: &Key) -> Vec<u8> {
        locked(&self.carried).get(key).cloned().unwrap_or_default()
    }

    /// Keeps what a message ended in for the next one.
    pub fn carry(&self, key: Key, token: Vec<u8>) {
        let mut carried = locked(&self.carried);
        if token.is_empty() {
            carried.pop(&key);
        } else {
            carried.put(key, token);
        }
    }

    /// Counts the opaque tokens of a message. Gives those that were not counted before, and the bytes of all in the conversation.
    pub fn spend(&self, conversation: &str, tokens: &[OpaqueToken]) -> (Vec<OpaqueToken>, u64) {
        let mut all = locked(&self.spent);
        if tokens.is_empty() {
            return (Vec::new(), all.get(conversation).map_or(0, |spent| spent.bytes));
        }
        let spent = all.get_or_insert_mut(conversation.to_owned(), Spent::default);
        let fresh = spent.count(tokens);
        (fresh, spent.bytes)
    }
}

/// A lock that outlives a panic: what is behind it is whole after every statement.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Conversations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Conversations(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quietest_conversation_is_forgotten() {
        let all = Conversations::new(NonZeroUsize::new(2).unwrap());
        let key = |id: &str| (id.to_owned(), Some(ContentKind::ModelOutput));
        all.carry(key("a"), b"AKIA".to_vec());
        all.carry(key("b"), b"ghp_".to_vec());
        assert_eq!(all.carried(&key("a")), b"AKIA");
        all.carry(key("c"), b"x".to_vec());
        assert!(all.carried(&key("b")).is_empty());
        assert!(all.carried(&("a".to_owned(), Some(ContentKind::Prompt))).is_empty());
        all.carry(key("a"), Vec::new());
        assert!(all.carried(&key("a")).is_empty());
    }

    /// Tokens as a scan finds them.
    fn tokens(numbers: std::ops::Range<usize>) -> Vec<OpaqueToken> {
        let engine = tamiz_core::Engine::builder().build().unwrap();
        let token = |number: usize| format!("q7Zp2mXv{number:04}9KdR4tLw8HsB");
        let text = numbers.map(token).collect::<Vec<_>>().join(" ");
        let content = tamiz_core::Content::new(ContentKind::ModelOutput, text.as_bytes());
        engine.scanner().scan(&content, &tamiz_core::ScanControl::unlimited()).opaque_tokens()
    }

    #[test]
    fn what_is_said_again_counts_once_and_memory_is_bounded() {
        let all = Conversations::new(NonZeroUsize::new(2).unwrap());
        let three = tokens(0..3);
        assert_eq!(three.len(), 3);
        assert_eq!(all.spend("a", &three), (three.clone(), 72));
        assert_eq!(all.spend("a", &three), (Vec::new(), 72));
        assert_eq!(all.spend("a", &[]), (Vec::new(), 72));
        assert_eq!(all.spend("b", &[]), (Vec::new(), 0));
        let (fresh, bytes) = all.spend("a", &tokens(0..200));
        assert_eq!((fresh.len(), bytes), (197, 200 * 24));
        assert_eq!(all.spent.lock().unwrap().get("a").unwrap().known.len(), KNOWN);
        all.spend("b", &three);
        all.spend("c", &three);
        assert_eq!(all.spend("a", &[]).1, 0, "forgotten");
    }
}
