//! All integration tests in one binary: they share what they link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod backends;
mod bad_input;
mod bench;
mod cases;
mod cases_grpc;
mod catalogue;
mod classifier;
mod cli;
mod embedding;
mod eval;
mod examples;
mod grpc;
mod guard;
mod hard_negatives;
mod import;
mod layering;
mod leaks;
mod mcp;
mod mcp_messages;
mod mutate;
mod privacy;
mod properties;
mod rules;
mod schema;
mod spotlight;
mod support;
mod suppressions;
mod transform;
mod transform_cli;
