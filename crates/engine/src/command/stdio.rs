//! The standard streams of a command.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::limits;

/// Standard input, output and error of a command.
#[derive(Debug)]
pub struct Stdio {
    /// Whether the command reads what this process reads; else there is nothing to read.
    pub input: bool,
    /// Standard output.
    pub output: Pipe,
    /// Standard error.
    pub error: Pipe,
}

/// Where a command writes to. What it writes is there before it goes on; while nobody takes it, the command waits, and
/// with it the thread that it runs on.
#[derive(Clone)]
pub struct Pipe(Arc<Inner>);

struct Inner {
    to: Mutex<Box<dyn Write + Send>>,
    is_terminal: bool,
    broken: Arc<Notify>,
}

/// Nobody reads what a command writes.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads what it writes")]
pub(crate) struct BrokenPipe;

impl Pipe {
    /// A pipe into `to`, which may block.
    pub fn new(to: impl Write + Send + 'static, is_terminal: bool) -> Self {
        Self(Arc::new(Inner { to: Mutex::new(Box::new(to)), is_terminal, broken: Arc::default() }))
    }

    /// Returns once a write failed because nobody reads any more.
    pub(crate) async fn broken(&self) {
        self.0.broken.notified().await;
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut to = self.0.to.lock().unwrap_or_else(PoisonError::into_inner);
        let put = to.write_all(bytes).and_then(|()| to.flush());
        if put.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            self.0.broken.notify_one();
        }
        put
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe").field("is_terminal", &self.0.is_terminal).finish_non_exhaustive()
    }
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes).map_err(|error| match error.kind() {
            // As a signal would: the command ends.
            ErrorKind::BrokenPipe => StreamError::Trap(BrokenPipe.into()),
            _ => StreamError::LastOperationFailed(error.into()),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::LOG_WRITE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.put(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
