//! What went wrong, as a gRPC status with google.rpc details.
//!
//! Every status has an `ErrorInfo` with domain `tamiz` and a reason that does not change between versions. None repeats content.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _, pb};

use crate::catalogue::CatalogueError;
use crate::inspect::InspectError;
use crate::transcript::TranscriptError;
use crate::transforming::NotTransformed;

/// When a client may try again after the queue was full: a few inspections later.
const RETRY_BUSY: Duration = Duration::from_millis(50);
/// When a client may try again, elsewhere, after a server went away.
const RETRY_STOPPED: Duration = Duration::from_secs(1);

fn status(code: Code, reason: &str, message: impl Into<String>, mut details: ErrorDetails) -> Status {
    details.set_error_info(reason, "tamiz", HashMap::new());
    Status::with_error_details(code, message, details)
}

/// The request is wrong: which fields, and what to do about each.
pub(super) fn invalid(violations: Vec<FieldViolation>) -> Status {
    let told: Vec<String> = violations.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.description)).collect();
    let details = ErrorDetails::with_bad_request(violations);
    status(Code::InvalidArgument, "INVALID_REQUEST", told.join("; "), details)
}

pub(super) fn not_inspected(error: InspectError) -> Status {
    match error {
        InspectError::QueueFull(_) => {
            let details = ErrorDetails::with_retry_info(Some(RETRY_BUSY));
            status(Code::ResourceExhausted, "QUEUE_FULL", format!("{error}: try again, or raise pool.queue"), details)
        }
        InspectError::Failed => {
            let message = "the inspection failed: a bug, please report it; nothing is known about the content";
            status(Code::Internal, "INSPECTION_FAILED", message, ErrorDetails::new())
        }
        InspectError::Cancelled => status(Code::Cancelled, "CANCELLED", error.to_string(), ErrorDetails::new()),
    }
}

pub(super) fn catalogue(error: &CatalogueError) -> Status {
    let (code, reason) = match error {
        CatalogueError::Listing(_) => (Code::InvalidArgument, "NO_LISTING"),
        CatalogueError::NoCall => (Code::InvalidArgument, "NO_CALL"),
        CatalogueError::Text(_) => (Code::InvalidArgument, "INVALID_REQUEST"),
        CatalogueError::NoSuchTool => (Code::NotFound, "NO_SUCH_TOOL"),
        CatalogueError::NothingToApprove => (Code::FailedPrecondition, "NOTHING_TO_APPROVE"),
        CatalogueError::OtherDigest => (Code::FailedPrecondition, "OTHER_DIGEST"),
        // The store's own words may name files of this machine.
        CatalogueError::Store(error) => {
            tracing::error!("the catalogue failed: {error}");
            return catalogue_failed();
        }
    };
    status(code, reason, error.to_string(), ErrorDetails::new())
}

pub(super) fn catalogue_failed() -> Status {
    let message = "the catalogue failed: what was asked for was not done; the server's log says why";
    status(Code::Internal, "CATALOGUE_FAILED", message, ErrorDetails::new())
}

pub(super) fn not_transformed(error: &NotTransformed) -> Status {
    status(Code::FailedPrecondition, "NO_KEY", error.to_string(), ErrorDetails::new())
}

pub(super) fn unknown_digest(error: &TranscriptError) -> Status {
    status(Code::FailedPrecondition, "UNKNOWN_DIGEST", error.to_string(), ErrorDetails::new())
}

pub(super) fn reveal_is_off() -> Status {
    let message = "this server opens no tokens: transform.reveal is off, or it has no key";
    status(Code::PermissionDenied, "REVEAL_OFF", message, ErrorDetails::new())
}

pub(super) fn no_audit() -> Status {
    let message = "nothing was opened: the audit line cannot be written";
    status(Code::Internal, "NO_AUDIT", message, ErrorDetails::new())
}

pub(super) fn too_large(limit: usize) -> Status {
    let message = format!(
        "the request message is larger than {limit} bytes: send the content in parts, or raise server.max_message_bytes"
    );
    status(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message, ErrorDetails::new())
}

pub(super) fn stopping() -> Status {
    let message = "server is shutting down: requests without an answer were not inspected, send them again";
    status(Code::Unavailable, "SHUTTING_DOWN", message, ErrorDetails::with_retry_info(Some(RETRY_STOPPED)))
}

pub(super) fn call_expired() -> Status {
    let message = "the deadline of the call passed: what has no answer was not inspected";
    status(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message, ErrorDetails::new())
}

/// Why a stream could not be read on. tonic says OUT_OF_RANGE of a message beyond the limit, and of nothing else.
pub(super) fn unreadable(error: Status, limit: usize) -> Status {
    if error.code() == Code::OutOfRange { too_large(limit) } else { error }
}

/// The same as a message, for an answer inside a stream.
pub(super) fn message(status: &Status) -> pb::Status {
    let bare = || pb::Status { code: status.code() as i32, message: status.message().to_owned(), details: Vec::new() };
    // The details of a status are the whole status again, encoded.
    match pb::Status::decode(status.details()) {
        Ok(whole) if !status.details().is_empty() => whole,
        _ => bare(),
    }
}
