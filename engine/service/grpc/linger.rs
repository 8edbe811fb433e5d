//! A connection that is closed without losing what was sent last.
//!
//! A socket that is closed while the peer still sends answers with a reset, and a reset throws away what the peer has not read
//! yet: with a client that pipelines requests, the last answers of a shutdown. So the writing half is closed first, and what
//! still comes in is read and dropped, for a while.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

/// Longest time that a client gets to close its half.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP connection that lingers.
#[derive(Debug)]
pub struct Lingering {
    stream: TcpStream,
    /// Since the writing half was closed.
    closing: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    /// Takes over a connection.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, closing: None }
    }
}

impl Connected for Lingering {
    type ConnectInfo = <TcpStream as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Lingering {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let closing = this.closing.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        loop {
            if closing.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut dropped = [0; 8 << 10];
            let mut dropped = ReadBuf::new(&mut dropped);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut dropped));
            if read.is_err() || dropped.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
