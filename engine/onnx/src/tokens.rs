//! From text to windows of tokens.

use std::path::Path;

use tamiz_core::{ClassifyError, ContentKind, EncoderCard, Windows};
use tokenizers::Tokenizer;

use crate::Error;

/// A model's tokenizer, and how long its windows are. Immutable and shared.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    /// Tokens of a window, without those that mark its start and end.
    body: usize,
    stride: usize,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) padding: u32,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("body", &self.body).field("stride", &self.stride).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads a tokenizer file; `path` is for messages.
    pub(crate) fn new(file: &[u8], path: &Path, card: &EncoderCard) -> Result<Self, Error> {
        let fail = |why: String| Error::Model { path: path.to_owned(), why };
        let mut tokenizer = Tokenizer::from_bytes(file)
            .map_err(|error| fail(format!("it is no tokenizer: {}", crate::runtime::one_line(&error.to_string()))))?;
        // Windows are cut here, and the whole text is in them.
        tokenizer.with_truncation(None).map_err(|error| fail(error.to_string()))?;
        tokenizer.with_padding(None);
        // `[SEP]` in a text is text: it must not end what the model reads.
        tokenizer.set_encode_special_tokens(true);
        let special = |name: &str| tokenizer.token_to_id(name).ok_or_else(|| fail(format!("it has no token {name}")));
        let (start, end, padding) = (special("[CLS]")?, special("[SEP]")?, special("[PAD]")?);
        Ok(Self { tokenizer, body: card.max_tokens - 2, stride: card.stride, start, end, padding })
    }

    /// Tokens of the longest window, all counted.
    pub(crate) fn longest(&self) -> usize {
        self.body + 2
    }

    /// Cuts a text into windows that overlap and cover it.
    pub(crate) fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            // The error could hold content.
            .map_err(|_| ClassifyError::Failed("the tokenizer cannot take the text apart".into()))?;
        let (ids, offsets) = (encoding.get_ids(), encoding.get_offsets());
        let mut start = 0;
        while start < ids.len() {
            let end = (start + self.body).min(ids.len());
            windows.push(&ids[start..end], offsets[start].0..offsets[end - 1].1, kind);
            if end == ids.len() {
                break;
            }
            start += self.stride;
        }
        Ok(())
    }
}
