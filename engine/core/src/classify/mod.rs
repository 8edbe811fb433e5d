//! Room 5: views in, *scores* out.
//!
//! Rules catch what is said openly; a model catches what is said otherwise. This room cuts all views of a content into windows,
//! lets a cheap linear stage settle the obvious ones, and asks a [`Classifier`] about the rest. It knows no model runtime: a
//! classifier is handed in, as `tamiz-onnx` makes one.
//!
//! Cost: the linear stage some microseconds per KiB; a window of a small encoder on a CPU some milliseconds. Every byte is in a window; what
//! was not scored (a deadline, a budget, a classifier that failed) is named in the coverage, never taken for benign.

mod cache;
mod card;
mod cascade;
mod judge;
mod linear;
mod passage;

pub use card::{Calibration, EncoderCard, Graph, LinearCard, ModelCard, ModelFile, Thresholds};
pub use cascade::Cascade;
pub(crate) use judge::{Judge, Mark, Material, Outcome};
pub use linear::{Linear, LinearError, Scratch as LinearScratch};

use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::content::ContentKind;
use crate::limits::{Interruption, ScanControl};

/// A model that can be asked. Immutable and shared; every worker has a [`ClassifierSession`].
pub trait Classifier: Send + Sync + Debug {
    /// What it is.
    fn info(&self) -> ClassifierInfo;

    /// Cuts `text` into windows that the model takes whole, and appends them to `windows`. Together they cover the text.
    ///
    /// # Errors
    /// [`ClassifyError::Failed`] when the text cannot be taken apart.
    fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError>;

    /// A session for one worker. May take long (a model is loaded); it is asked for when first needed.
    ///
    /// # Errors
    /// [`ClassifyError::Failed`] when the model or its runtime cannot be had.
    fn session(&self) -> Result<Box<dyn ClassifierSession>, ClassifyError>;
}

/// Asks the model. One per worker, which alone uses it.
pub trait ClassifierSession: Send + Debug {
    /// Scores windows `which` (ascending) and tells each score to `scored`. What it has told before an error counts.
    ///
    /// # Errors
    /// [`ClassifyError::Interrupted`] when `control` says so, looked at before every batch; [`ClassifyError::Failed`] when the model
    /// fails or answers with what is no number.
    fn score(
        &mut self,
        windows: &Windows,
        which: &[usize],
        control: &ScanControl,
        scored: &mut dyn FnMut(usize, Score),
    ) -> Result<(), ClassifyError>;
}

/// What a classifier is, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifierInfo {
    /// The model's id.
    pub id: String,
    /// Where it runs, and in which precision: `cpu int8`.
    pub provider: String,
    /// Digest of the graph that runs.
    pub digest: String,
}

/// What a model says of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Probability that the text tries to steer the model that reads it, calibrated for the content kind; from 0 to 1.
    pub injection: f32,
    /// Labels that are more likely than not: bit `i` is the card's `kinds[i]`.
    pub labels: u64,
}

/// Why windows were not scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassifyError {
    /// The deadline passed or the caller cancelled.
    #[error("{}", .0.reason())]
    Interrupted(Interruption),
    /// It failed; what, and what to do. Never holds content.
    #[error("{0}")]
    Failed(String),
}

/// Windows of tokens, in the order of their text. Reused from one content to the next.
#[derive(Debug, Default, Clone)]
pub struct Windows {
    tokens: Vec<u32>,
    list: Vec<Window>,
}

/// What a model is asked about at once.
#[derive(Debug, Clone)]
pub struct Window {
    tokens: Range<usize>,
    /// Where its text stands in the text that was planned.
    pub text: Range<usize>,
    /// What the text is to the model that reads it.
    pub kind: ContentKind,
}

impl Windows {
    /// Adds a window.
    pub fn push(&mut self, tokens: &[u32], text: Range<usize>, kind: ContentKind) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.list.push(Window { tokens: start..self.tokens.len(), text, kind });
    }

    /// Forgets all windows and keeps the memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.list.clear();
    }

    /// The windows.
    #[must_use]
    pub fn list(&self) -> &[Window] {
        &self.list
    }

    /// The tokens of a window, without those that mark its start and end.
    #[must_use]
    pub fn tokens(&self, window: usize) -> &[u32] {
        &self.tokens[self.list[window].tokens.clone()]
    }

    /// Moves the text of the windows from `from` on by `by` bytes, when what was planned was part of a larger text.
    fn shift(&mut self, from: usize, by: usize) {
        for window in &mut self.list[from..] {
            window.text = window.text.start + by..window.text.end + by;
        }
    }
}

/// What the classifier did for one content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ClassifierReport {
    /// What answered.
    pub state: ClassifierState,
    /// The model's id; none where none was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<Arc<str>>,
    /// Where it runs: `cpu int8`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<Arc<str>>,
    /// Why it is off or not available, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Cow<'static, str>>,
    /// Windows of the linear stage.
    pub linear_windows: usize,
    /// Those of them that the linear stage settled, so that the encoder was not asked.
    pub linear_settled: usize,
    /// Windows of the encoder: all, whether they were scored or not.
    pub encoder_windows: usize,
    /// Those of them that the encoder scored.
    pub inferred: usize,
    /// Those of them whose score was known from before.
    pub cached: usize,
    /// The window that says most, if any was scored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub highest: Option<HighestScore>,
}

/// The window that says most.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct HighestScore {
    /// Probability that it tries to steer the model, from 0 to 1.
    pub probability: f64,
    /// What that weighs as evidence, from 0 to 1.
    pub weight: f64,
    /// `linear` or `encoder`.
    pub stage: ClassifierState,
    /// Where the window starts in the original content, in bytes.
    pub start: usize,
    /// One past the window's last byte.
    pub end: usize,
    /// What sort of attempt it is, as far as the model can tell.
    pub kinds: Vec<String>,
}

/// What answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassifierState {
    /// Nothing: no model is configured, or it was not asked for.
    #[default]
    Off,
    /// The linear stage settled everything.
    Linear,
    /// The encoder was asked.
    Encoder,
    /// It should have answered and could not.
    Unavailable,
}
