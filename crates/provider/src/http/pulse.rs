//! Signs of life of a connection, and what to do where there are none.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// What has happened on a connection. Only its own thread writes.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Requests that were begun.
    started: AtomicUsize,
    /// Requests that run now.
    running: AtomicUsize,
    /// Reads and writes that moved bytes.
    moved: AtomicUsize,
}

/// A pulse at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beat {
    started: usize,
    running: usize,
    moved: usize,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Let it be.
    Keep,
    /// Ask it to end.
    Shut,
    /// End it.
    Cut,
}

impl Pulse {
    /// Counts a request until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// Counts a wait for an actor that still makes its answer, until the guard is dropped.
    pub(super) fn wait(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    pub(super) fn beat(&self) -> Beat {
        Beat {
            started: self.started.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            moved: self.moved.load(Ordering::Relaxed),
        }
    }
}

impl Beat {
    /// Judges a connection after a whole period since `before`. hyper bounds the time for headers of HTTP/1.1 itself;
    /// this also covers connections that say nothing, HTTP/2, and clients that do not take their answer.
    pub(super) fn judge(self, before: Beat, was_asked: bool) -> Verdict {
        if self.running > 0 {
            Verdict::Keep
        } else if self.started == 0 {
            Verdict::Cut
        } else if self.moved != before.moved {
            Verdict::Keep
        } else if was_asked {
            Verdict::Cut
        } else {
            Verdict::Shut
        }
    }
}

/// A request that runs.
pub(super) struct Running(Arc<Pulse>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that counts.
pub(super) struct Counted<S> {
    socket: TokioIo<S>,
    pulse: Arc<Pulse>,
}

impl<S> Counted<S> {
    pub(super) fn new(socket: S, pulse: Arc<Pulse>) -> Self {
        Self { socket: TokioIo::new(socket), pulse }
    }

    fn count<T>(&self, done: Poll<T>) -> Poll<T> {
        if done.is_ready() {
            self.pulse.moved.fetch_add(1, Ordering::Relaxed);
        }
        done
    }
}

impl<S: AsyncRead + Unpin> Read for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<Result<()>> {
        let done = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.count(done)
    }
}

impl<S: AsyncWrite + Unpin> Write for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.count(done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.count(done)
    }
}
