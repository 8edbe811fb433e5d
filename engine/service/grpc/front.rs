//! Stands before the service: notes when a call arrived and until when it waits, and says of messages beyond the limit what to do.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tonic::Code;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

use super::status;

/// Until when the caller of a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    /// The call ends.
    pub(super) end: Instant,
    /// The inspection ends, so that its report still arrives.
    pub(super) inspect_until: Instant,
}

impl Deadline {
    /// Keeps an eighth of the time, at most 20 ms, for the way back.
    fn new(arrived: Instant, timeout: Duration) -> Option<Self> {
        let way_back = (timeout / 8).min(Duration::from_millis(20));
        Some(Self { end: arrived.checked_add(timeout)?, inspect_until: arrived.checked_add(timeout - way_back)? })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Front<S> {
    inner: S,
    max_message_bytes: usize,
}

impl<S> Front<S> {
    pub(super) fn new(inner: S, max_message_bytes: usize) -> Self {
        Self { inner, max_message_bytes }
    }
}

impl<S: NamedService> NamedService for Front<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Front<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send + 'static>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let timeout = request.headers().get("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
        let deadline = timeout.and_then(|timeout| Deadline::new(Instant::now(), timeout));
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        let (call, limit) = (self.inner.call(request), self.max_message_bytes);
        Box::pin(async move {
            // tonic keeps the deadline too, but calls it CANCELLED when it passes.
            let expired = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.end.into()).await,
                    None => std::future::pending().await,
                }
            };
            let response = tokio::select! {
                biased;
                response = call => response?,
                () = expired => return Ok(status::call_expired().into_http()),
            };
            // The service itself never says this; the decoder before it does, of messages beyond the limit.
            let out_of_range = response
                .headers()
                .get("grpc-status")
                .is_some_and(|code| code.as_bytes() == (Code::OutOfRange as i32).to_string().as_bytes());
            Ok(if out_of_range { status::too_large(limit).into_http() } else { response })
        })
    }
}

/// `grpc-timeout`: at most eight digits and a unit. tonic refuses what is not, so here it is just no timeout.
fn parse_timeout(value: &str) -> Option<Duration> {
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if number.len() > 8 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3_600)));
        for wrong in ["", "m", "5", "123456789m", "-1S", "+1S", "1é", "5x"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_way_back_is_kept_free() {
        let now = Instant::now();
        let deadline = Deadline::new(now, Duration::from_millis(8)).unwrap();
        assert_eq!(deadline.inspect_until, now + Duration::from_millis(7));
        let deadline = Deadline::new(now, Duration::from_secs(10)).unwrap();
        assert_eq!(deadline.end - deadline.inspect_until, Duration::from_millis(20));
    }
}
