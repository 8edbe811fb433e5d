//! What is carried from one message of a conversation to the next: the token that it ended in, so that a secret cut in two is found.
//!
//! At most 512 bytes a conversation and kind of content, and a bounded number of these: of too many, the one that was quiet longest is
//! forgotten. It is content, kept in memory alone. Messages that are inspected at the same time see each other in no particular order.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use tamiz_core::ContentKind;

/// A conversation's id, and the kind of what is said in it: answers go on from answers, not from the prompts between them.
pub type Key = (String, Option<ContentKind>);

/// What is carried on in each conversation. It has no `Debug`: it holds content.
pub struct Conversations {
    carried: Mutex<LruCache<Key, Vec<u8>>>,
}

impl Conversations {
    /// Room for so many.
    #[must_use]
    pub fn new(most: NonZeroUsize) -> Self {
        Self { carried: Mutex::new(LruCache::new(most)) }
    }

    /// What the last message ended in; empty for the first.
    #[must_use]
    pub fn carried(&self, key: &Key) -> Vec<u8> {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        carried.get(key).cloned().unwrap_or_default()
    }

    /// Keeps what a message ended in for the next one.
    pub fn carry(&self, key: Key, token: Vec<u8>) {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        if token.is_empty() {
            carried.pop(&key);
        } else {
            carried.put(key, token);
        }
    }
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
}
