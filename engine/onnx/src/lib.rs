//! The classifier back end of Tamiz: a model folder, its tokenizer, and sessions of ONNX Runtime.
//!
//! ONNX Runtime is a library that is loaded when it is needed, so this builds and links without it. What can go wrong (no library, a
//! changed file, a provider that does not work here) is an [`Error`] that says what to do; nothing here decides what that means for
//! an inspection.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tamiz_core::{Cascade, Engine};
//! use tamiz_onnx::{ModelFolder, OnnxClassifier, Options, Runtime};
//!
//! let folder = ModelFolder::open("models/tamiz-mini-1".as_ref())?;
//! let runtime = Runtime::load("libonnxruntime.so.1.32.0".as_ref())?;
//! let encoder = OnnxClassifier::load(&folder, &runtime, &Options::default())?;
//! let cascade = Cascade::new(folder.card().clone(), folder.linear()?).with_encoder(Arc::new(encoder));
//! let engine = Engine::builder().classifier(cascade).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking"))]

mod classifier;
mod folder;
mod provider;
mod runtime;
mod session;
mod tokens;
mod wordpiece;

pub use classifier::{OnnxClassifier, Options};
pub use folder::{Checked, ModelFolder};
pub use provider::Provider;
pub use runtime::Runtime;

use std::path::PathBuf;

/// Why there is no classifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the model's folder is missing, changed or wrong.
    #[error("{}: {why}", .path.display())]
    Model {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The card has a mistake; place and remedy are in the text.
    #[error("{0}")]
    Card(String),
    /// ONNX Runtime cannot be loaded.
    #[error("{}: {why}", .path.display())]
    Runtime {
        /// The library.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// No execution provider works with the model here.
    #[error("no execution provider works: {0}")]
    Provider(String),
}
