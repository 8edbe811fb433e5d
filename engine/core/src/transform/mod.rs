//! Room 8: findings in, *changed content* out.
//!
//! [`Plan::apply`] scans a content, replaces what the plan's rules found and scans the result again, until nothing of it is found any
//! more: redaction where something leaks, neutralising where something steers the model; one mechanism. [`reveal`] undoes what was
//! sealed, for whoever has the key. [`Spotlight`] marks a whole text as data for the model that reads it; [`Marker::undo`] takes the
//! marks out again.
//!
//! Notation stays whole: strings of JSON are escaped anew, numbers stay numbers or become strings, and what lies between values is
//! not touched. Keys, nonces and random bytes come from the caller; this room draws none.
//!
//! Cost: one scan where nothing is found, otherwise one more for each pass (two or three in all, at most [`MAX_PASSES`] + 1).

mod conversation;
mod defang;
mod key;
mod plan;
mod redact;
mod region;
mod reveal;
mod spotlight;
mod token;
mod treat;

pub use conversation::Conversation;
pub use key::{KeyError, TransformKey};
pub use plan::{Checksum, Encoded, Numbers, Plan, Treat, Treatment};
pub use redact::{Change, MAX_PASSES, TransformContext, TransformError, Transformed};
pub use reveal::{Revealed, reveal};
pub use spotlight::{
    Instruction, MOST_GRAMS, MarkEncoding, Marked, Marker, Placement, SpotlightError, SpotlightStream,
};
