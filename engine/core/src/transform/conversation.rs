//! Which placeholder stands for which value, for as long as a conversation lasts.

use std::collections::HashMap;
use std::fmt;

/// Numbers the values of a conversation by type, so that `[card:1]` is the same card in every message.
///
/// It holds digests, never values; give it a key of its own if it is kept where others can read it. It remembers a bounded number
/// of values; later ones get numbers too, but a new one each time.
///
/// ```
/// use tamiz_core::Conversation;
/// let mut conversation = Conversation::default();
/// assert_eq!(conversation.number("card", b"4111 1111 1111 1111"), 1);
/// assert_eq!(conversation.number("card", b"5500 0000 0000 0004"), 2);
/// assert_eq!(conversation.number("card", b"4111 1111 1111 1111"), 1);
/// ```
#[derive(Clone)]
pub struct Conversation {
    key: [u8; 32],
    numbers: HashMap<[u8; 16], u32>,
    last: HashMap<String, u32>,
    limit: usize,
}

/// Values remembered unless another number is asked for: about a megabyte.
const REMEMBERED: usize = 16_384;

impl Default for Conversation {
    fn default() -> Self {
        Self::new([0; 32], REMEMBERED)
    }
}

impl Conversation {
    /// An empty one that remembers up to `limit` values by their digests under `key`.
    #[must_use]
    pub fn new(key: [u8; 32], limit: usize) -> Self {
        Self { key, numbers: HashMap::new(), last: HashMap::new(), limit }
    }

    /// The number of a value among those with the same label, from 1 on.
    pub fn number(&mut self, label: &str, value: &[u8]) -> u32 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(label.as_bytes()).update(&[0]).update(value);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        if let Some(number) = self.numbers.get(&digest) {
            return *number;
        }
        // Labels come from rules, so there are no more of these than rules.
        let last = self.last.entry(label.to_owned()).or_default();
        *last = last.saturating_add(1);
        if self.numbers.len() < self.limit {
            self.numbers.insert(digest, *last);
        }
        *last
    }

    /// The values it remembers.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.numbers.len()
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("remembered", &self.numbers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_numbers_stay_apart() {
        let mut conversation = Conversation::new([1; 32], 2);
        let numbers: Vec<u32> = (0_u8..4).map(|value| conversation.number("card", &[value])).collect();
        assert_eq!((numbers, conversation.remembered()), (vec![1, 2, 3, 4], 2));
        assert_eq!((conversation.number("card", &[1]), conversation.number("card", &[3])), (2, 5));
        assert_eq!(conversation.number("iban", &[1]), 1);
        assert!(!format!("{conversation:?}").contains("card"));
    }
}
