//! What one inspection may cost: sizes (`Limits`, per engine) and time (`ScanControl`, per call).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::date::Date;

/// Upper bounds of one inspection. What a bound cuts off is named in the verdict's coverage; it is never passed over in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Largest content inspected, in bytes. Larger content is inspected up to here. At most 256 MiB.
    pub max_content_bytes: usize,
    /// Deepest nesting of JSON arrays and objects that is followed.
    pub max_json_depth: usize,
    /// Most JSON values in one content.
    pub max_json_values: usize,
    /// How often decoding may be nested (base64 inside percent encoding is 2).
    pub max_decode_depth: usize,
    /// Bytes that decoded views may take together, whatever the content's size.
    pub max_decoded_bytes: usize,
    /// Findings listed in a report. More are counted, not listed; they do not change the verdict.
    pub max_findings: usize,
    /// Windows of one content that a classifier's encoder is asked about.
    pub max_windows: usize,
}

impl Limits {
    /// Offsets are kept in 32 bits, and a character may fold to eleven times its length.
    pub(crate) const HARD_CONTENT_BYTES: usize = 1 << 28;

    /// The number of content bytes that will be inspected.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        self.max_content_bytes.min(Self::HARD_CONTENT_BYTES)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_content_bytes: 64 << 20,
            max_json_depth: 1_000,
            max_json_values: 4_000_000,
            max_decode_depth: 4,
            max_decoded_bytes: 64 << 20,
            max_findings: 1_000,
            max_windows: 16_384,
        }
    }
}

/// When an inspection has to stop early (a deadline, a cancel flag, both or neither), and what day it is.
///
/// An interrupted inspection still yields a report; its coverage says what was not looked at, so it never looks clean.
/// The clock is looked at between stages, every 256 KiB of text and every few windows and findings; one expression on one window,
/// one decoder or one detector is not interrupted. Stopping takes milliseconds, more on hostile megabytes.
///
/// ```
/// use std::time::Duration;
/// use tamiz_core::ScanControl;
/// let control = ScanControl::unlimited().with_timeout(Duration::from_millis(50));
/// assert!(control.interruption().is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScanControl {
    deadline: Option<Instant>,
    cancel: Option<Arc<AtomicBool>>,
    classify: Option<Classify>,
    today: Option<Date>,
}

/// When the classifier is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classify {
    /// Never.
    Off,
    /// Where there is one: the linear stage settles the obvious, the encoder gets the rest.
    #[default]
    Auto,
    /// The encoder gets everything.
    Always,
}

/// Why an inspection stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// The deadline passed.
    Deadline,
    /// The caller cancelled.
    Cancelled,
}

impl Interruption {
    /// The reason as coverage gives it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Deadline => "the deadline passed",
            Self::Cancelled => "the caller cancelled",
        }
    }
}

impl ScanControl {
    /// Runs to the end.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Stops at `deadline`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Stops `timeout` from now. A timeout too long to express is no timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// Stops soon after `cancel` becomes true.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Arc<AtomicBool>) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Asks the classifier as `classify` says, whatever the engine does by default. A policy that requires it still counts
    /// a content that was not classified as not inspected.
    #[must_use]
    pub fn with_classify(mut self, classify: Classify) -> Self {
        self.classify = Some(classify);
        self
    }

    /// Says what day it is: suppressions of the policy end on theirs. Without it none of them holds.
    #[must_use]
    pub fn with_today(mut self, today: Date) -> Self {
        self.today = Some(today);
        self
    }

    /// The day that was said.
    #[must_use]
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    pub(crate) fn classify(&self) -> Option<Classify> {
        self.classify
    }

    /// Whether, and why, the inspection has to stop now.
    #[must_use]
    pub fn interruption(&self) -> Option<Interruption> {
        if self.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Some(Interruption::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Some(Interruption::Deadline),
            _ => None,
        }
    }
}
