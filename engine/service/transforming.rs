//! How the service changes content: plan, keys, and the conversations whose placeholders it remembers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tamiz_core::{
    Content, Conversation, Plan, ScanControl, Scanner, StreamTransform, TransformContext, TransformError, TransformKey,
    Transformed,
};

use crate::config::TransformConfig;
use crate::keys;

/// Values remembered of a conversation.
const VALUES: usize = 4_096;

/// Everything that changing content takes, besides an engine.
#[derive(Debug)]
pub struct Transforming {
    /// What becomes of what.
    pub plan: Plan,
    /// The first seals, all open.
    pub keys: Vec<TransformKey>,
    /// The settings they were made of.
    pub config: TransformConfig,
    conversations: Mutex<Conversations>,
}

impl Default for Transforming {
    fn default() -> Self {
        Self::new(Plan::default(), Vec::new(), TransformConfig::default())
    }
}

/// Why a content was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotTransformed {
    /// The plan cannot be followed.
    #[error("{0}: give the server one with transform.key_file or transform.key_env")]
    Plan(#[from] TransformError),
    /// There is nothing to make tokens different with.
    #[error("{0}")]
    Random(String),
}

#[derive(Debug, Default)]
struct Conversations {
    /// With the time of the last use, counted in uses.
    known: HashMap<String, (u64, Conversation)>,
    uses: u64,
}

impl Transforming {
    /// Of these parts.
    #[must_use]
    pub fn new(plan: Plan, keys: Vec<TransformKey>, config: TransformConfig) -> Self {
        Self { plan, keys, config, conversations: Mutex::default() }
    }

    /// Changes a content as the settings say.
    ///
    /// # Errors
    /// When there is no key and one is needed, or the system has no random bytes.
    pub fn apply(
        &self,
        scanner: &mut Scanner,
        content: &Content<'_>,
        control: &ScanControl,
    ) -> Result<Transformed, NotTransformed> {
        self.apply_plan(&self.plan, "", false, scanner, content, control)
    }

    /// Changes a content by another plan, within a conversation if it has a name.
    ///
    /// # Errors
    /// As [`Transforming::apply`].
    pub fn apply_plan(
        &self,
        plan: &Plan,
        name: &str,
        deterministic: bool,
        scanner: &mut Scanner,
        content: &Content<'_>,
        control: &ScanControl,
    ) -> Result<Transformed, NotTransformed> {
        let random = |error: anyhow::Error| NotTransformed::Random(error.to_string());
        let nonce = if deterministic { [0; 12] } else { keys::random().map_err(random)? };
        let mut conversation = match self.take(name) {
            Some(known) => known,
            None => Conversation::new(keys::random().map_err(random)?, VALUES),
        };
        let mut context = TransformContext { key: self.keys.first(), nonce, conversation: &mut conversation };
        let done = plan.apply(scanner, content, &mut context, control);
        self.keep(name, conversation);
        Ok(done?)
    }

    /// How a stream is changed as the settings say, within a conversation if it has a name.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn of_stream(&self, name: &str) -> Result<StreamTransform, NotTransformed> {
        let random = |error: anyhow::Error| NotTransformed::Random(error.to_string());
        let conversation = match self.take(name) {
            Some(known) => known,
            None => Conversation::new(keys::random().map_err(random)?, VALUES),
        };
        let nonce = keys::random().map_err(random)?;
        Ok(StreamTransform::new(self.plan.clone(), self.keys.first().cloned(), nonce, conversation))
    }

    /// A conversation as it is now. Two requests at once may give the same number to different values of theirs: who wants one numbering
    /// sends one request after the other.
    fn take(&self, name: &str) -> Option<Conversation> {
        let known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        known.known.get(name).map(|(_, conversation)| conversation.clone())
    }

    /// Remembers a conversation, if it has a name.
    pub fn keep(&self, name: &str, conversation: Conversation) {
        if name.is_empty() || self.config.conversations == 0 {
            return;
        }
        let mut all = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        all.uses += 1;
        let now = all.uses;
        if !all.known.contains_key(name) && all.known.len() >= self.config.conversations {
            let oldest = all.known.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone());
            oldest.and_then(|name| all.known.remove(&name));
        }
        all.known.insert(name.to_owned(), (now, conversation));
    }
}

#[cfg(test)]
mod tests {
    use tamiz_core::{ContentKind, Engine};

    use super::*;

    #[test]
    fn conversations_are_remembered_up_to_a_number() {
        let config = TransformConfig { conversations: 2, ..TransformConfig::default() };
        let transforming = Transforming::new(Plan::default(), Vec::new(), config);
        let mut scanner = Engine::builder().build().unwrap().scanner();
        let mut redact = |name: &str, text: &str| {
            let content = Content::new(ContentKind::Prompt, text.as_bytes());
            let control = ScanControl::unlimited();
            let done =
                transforming.apply_plan(&Plan::default(), name, false, &mut scanner, &content, &control).unwrap();
            String::from_utf8(done.content).unwrap()
        };
        let (one, two) = ("4111 1111 1111 1111", "5500 0055 5555 5559");
        assert_eq!(redact("a", one), "[payment-card:1]");
        assert_eq!((redact("a", two), redact("b", two)), ("[payment-card:2]".into(), "[payment-card:1]".into()));
        assert_eq!((redact("", two), redact("a", two)), ("[payment-card:1]".into(), "[payment-card:2]".into()));
        // The third name takes the place of `b`, which was not used for longest.
        redact("c", one);
        assert_eq!((redact("a", two), redact("b", one)), ("[payment-card:2]".into(), "[payment-card:1]".into()));
    }
}
