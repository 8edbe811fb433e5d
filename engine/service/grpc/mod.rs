//! The gRPC services `tamiz.v1.InspectionService` and `tamiz.v1.TransformService`: translate messages into tasks and reports into messages.
//!
//! Everything that is inspected goes through [`crate::inspect`]; nothing here looks at content.

mod catalog;
mod conversation;
mod convert;
mod front;
mod inspect;
mod linger;
mod status;
mod text;
mod transform;

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

pub use catalog::Catalog;
use front::Front;
pub use inspect::Inspection;
pub use linger::Lingering;

use crate::catalogue::Catalogue;

/// Messages, clients and servers, made from `proto/tamiz/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tamiz.v1");
}

/// The descriptors of the service, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tamiz_descriptor.bin"));

/// Name of the service, as health checks ask for it.
pub const SERVICE_NAME: &str = v1::inspection_service_server::SERVICE_NAME;

/// The service, ready for a tonic router. When `stopping` turns true, streams end after answering what they have read.
pub fn service(
    inspection: Inspection,
    max_message_bytes: usize,
    stopping: watch::Receiver<bool>,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + NamedService
+ Clone
+ Send
+ Sync
+ 'static {
    let server = v1::inspection_service_server::InspectionServiceServer::new(inspection.stopped_by(stopping))
        .max_decoding_message_size(max_message_bytes)
        // Answers are as long as the findings make them; the limits bound these.
        .max_encoding_message_size(usize::MAX);
    Front::new(server, max_message_bytes)
}

/// The catalogue service, ready for a tonic router.
pub fn catalog_service(
    catalog: Catalog,
    max_message_bytes: usize,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + NamedService
+ Clone
+ Send
+ Sync
+ 'static {
    let server = v1::catalog_service_server::CatalogServiceServer::new(catalog)
        .max_decoding_message_size(max_message_bytes)
        .max_encoding_message_size(usize::MAX);
    Front::new(server, max_message_bytes)
}

/// The service that changes content, ready for a tonic router.
pub fn transform_service(
    inspection: &Inspection,
    max_message_bytes: usize,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
>
+ NamedService
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    let transformation = transform::Transformation::new(inspection.shared());
    let server = v1::transform_service_server::TransformServiceServer::new(transformation)
        .max_decoding_message_size(max_message_bytes)
        .max_encoding_message_size(usize::MAX);
    Front::new(server, max_message_bytes)
}

/// The service for conversations that are sent again at every turn, ready for a tonic router.
pub fn conversation_service(
    inspection: &Inspection,
    catalogue: Option<Arc<Catalogue>>,
    max_message_bytes: usize,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
>
+ NamedService
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    let conversation = conversation::Conversation::new(inspection.shared(), catalogue);
    let server = v1::conversation_service_server::ConversationServiceServer::new(conversation)
        .max_decoding_message_size(max_message_bytes)
        .max_encoding_message_size(usize::MAX);
    Front::new(server, max_message_bytes)
}

impl fmt::Debug for v1::ConversationTurn {
    /// Shows what sort of turn it is, never what is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationTurn")
            .field("kind", &self.kind)
            .field("handled", &self.handled)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::Listing {
    /// Shows the size of the listing, never the listing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("server", &self.server).field("content_bytes", &self.content.len()).finish()
    }
}

impl fmt::Debug for v1::InspectTextRequest {
    /// Shows the size of the chunk, never the chunk.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.chunk.len();
        f.debug_struct("InspectTextRequest").field("start", &self.start).field("chunk_bytes", &size).finish()
    }
}

impl fmt::Debug for v1::InspectTextResponse {
    /// Shows the size of the content, never the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectTextResponse")
            .field("content_bytes", &self.content.len())
            .field("action", &self.action)
            .field("findings", &self.findings)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::CheckCallRequest {
    /// Shows the size of the call, never the call.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.content.len();
        f.debug_struct("CheckCallRequest").field("server", &self.server).field("content_bytes", &size).finish()
    }
}

impl fmt::Debug for v1::CheckResultRequest {
    /// Shows the size of the result, never the result.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.content.len();
        let (server, tool) = (&self.server, &self.tool);
        f.debug_struct("CheckResultRequest")
            .field("server", server)
            .field("tool", tool)
            .field("content_bytes", &size)
            .finish()
    }
}

/// A `Debug` that shows the id of a message and nothing of the content it holds.
macro_rules! debug_by_id {
    ($($message:ident),*) => {$(
        impl fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    )*};
}

debug_by_id!(
    InspectResponse,
    InspectStreamResponse,
    TransformRequest,
    TransformResponse,
    RevealRequest,
    RevealResponse,
    UnspotlightRequest,
    UnspotlightResponse
);

impl fmt::Debug for v1::inspect_stream_response::Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(report) => f.debug_tuple("Report").field(report).finish(),
            Self::Error(status) => f.debug_tuple("Error").field(status).finish(),
        }
    }
}

impl fmt::Debug for v1::SpotlightResult {
    /// The marker is a secret, and the instruction holds it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpotlightResult").field("marker_id", &self.marker_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::InspectRequest {
    /// Shows the size of the content, never the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectRequest")
            .field("id", &self.id)
            .field("content_bytes", &self.content.len())
            .field("kind", &self.kind)
            .field("format", &self.format)
            .field("path", &self.path)
            .field("include_excerpts", &self.include_excerpts)
            .field("timeout_ms", &self.timeout_ms)
            .field("classify", &self.classify)
            .field("server", &self.server)
            .field("mcp_protocol_version", &self.mcp_protocol_version)
            .field("mcp_method", &self.mcp_method)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::Finding {
    /// Shows everything but the excerpt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finding")
            .field("rule", &self.rule)
            .field("span", &self.span)
            .field("pointer", &self.pointer)
            .field("views", &self.views)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
