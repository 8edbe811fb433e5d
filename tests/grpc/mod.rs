//! The gRPC service, as a client sees it.

mod calls;
mod conversation;
mod overload;
mod shutdown;
mod streams;
mod support;
mod text;
mod transform;
