//! From text to windows of tokens.

use std::path::Path;

use tamiz_core::{ContentKind, EncoderCard, Windows};

use crate::Error;
use crate::wordpiece::WordPiece;

/// A model's tokenizer, and how long its windows are. Immutable and shared.
pub(crate) struct Tokens {
    tokenizer: WordPiece,
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
        let tokenizer = WordPiece::new(file).map_err(fail)?;
        let special = |name: &str| tokenizer.id(name).ok_or_else(|| fail(format!("it has no token {name}")));
        let (start, end, padding) = (special("[CLS]")?, special("[SEP]")?, special("[PAD]")?);
        Ok(Self { tokenizer, body: card.max_tokens - 2, stride: card.stride, start, end, padding })
    }

    /// Tokens of the longest window, all counted.
    pub(crate) fn longest(&self) -> usize {
        self.body + 2
    }

    /// Cuts a text into windows that overlap and cover it.
    pub(crate) fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) {
        let mut tokens = Vec::with_capacity(text.len() / 4);
        self.tokenizer.encode(text, &mut tokens);
        let mut ids = Vec::with_capacity(self.body);
        let mut start = 0;
        while start < tokens.len() {
            let end = (start + self.body).min(tokens.len());
            ids.clear();
            ids.extend(tokens[start..end].iter().map(|token| token.id));
            windows.push(&ids, tokens[start].place.start..tokens[end - 1].place.end, kind);
            if end == tokens.len() {
                break;
            }
            start += self.stride;
        }
    }
}
