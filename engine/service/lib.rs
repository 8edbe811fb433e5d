//! Tamiz as a program: the command line, the gRPC service, batch scans and evaluation around [`tamiz_core`].
//!
//! To embed the inspection itself, depend on `tamiz-core`; it needs none of what is here.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking"))]

pub mod assemble;
pub mod audit;
pub mod batch;
pub mod batching;
pub mod bench;
pub mod canary;
pub mod catalogue;
pub mod classifier;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversations;
pub mod eval;
pub mod grpc;
pub mod import;
pub mod inspect;
pub mod keys;
pub mod matcher;
pub mod packs;
pub mod serve;
pub mod telemetry;
pub mod texts;
pub mod transcript;
pub mod transforming;
