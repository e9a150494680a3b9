//! A body as it comes in, of a request or of an answer: bounded in size, and in the time between its parts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use engine::http::HttpError;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::problem::Problem;

/// What is wrong with a body.
pub(super) enum Fault {
    /// It is over so many bytes.
    Large(u64),
    /// Its next part did not come in time.
    Slow,
    /// It is none, or ends before its end.
    Malformed(String),
}

/// Whoever a body comes from, and what its faults are called then.
pub(super) trait Sender: Unpin {
    /// The fault as the actor is told of it.
    fn failed(&mut self, fault: Fault) -> HttpError;

    /// Nothing more comes.
    fn ended(&mut self) {}
}

/// A body on its way in. It is read no faster than it is asked for.
pub(super) struct Inflow<S> {
    body: Incoming,
    bytes_max: u64,
    left: u64,
    patience: Duration,
    /// Runs while somebody waits for the next part.
    alarm: Option<Pin<Box<Sleep>>>,
    is_broken: bool,
    sender: S,
}

impl<S: Sender> Inflow<S> {
    pub(super) fn new(body: Incoming, bytes_max: u64, patience: Duration, sender: S) -> Self {
        Self { body, bytes_max, left: bytes_max, patience, alarm: None, is_broken: false, sender }
    }

    fn broken(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.is_broken = true;
        let error = self.sender.failed(fault);
        self.sender.ended();
        Poll::Ready(Some(Err(error)))
    }

    /// Waits for the next part, though not for ever.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(alarm.as_mut().poll(cx));
        self.broken(Fault::Slow)
    }
}

impl<S: Sender> Body for Inflow<S> {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        if this.is_broken {
            return Poll::Ready(None);
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Pending => return this.wait(cx),
            Poll::Ready(frame) => frame,
        };
        this.alarm = None;
        match frame {
            None => {
                this.sender.ended();
                Poll::Ready(None)
            }
            Some(Err(error)) => this.broken(Fault::Malformed(error.to_string())),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Buf::remaining) as u64;
                match this.left.checked_sub(bytes) {
                    Some(left) => this.left = left,
                    None => return this.broken(Fault::Large(this.bytes_max)),
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_broken || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What was wrong with the body of a request, for the answer to it.
#[derive(Debug, Default)]
pub(super) struct Breach {
    kind: AtomicU8,
    bytes_max: u64,
}

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const MALFORMED: u8 = 3;

impl Breach {
    /// None yet, of a body that may have so many bytes.
    pub(super) fn none(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { kind: AtomicU8::new(0), bytes_max })
    }

    /// The problem that the client has with its body, if it has one.
    pub(super) fn problem(&self) -> Option<Problem> {
        match self.kind.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Problem::LargeBody(usize::try_from(self.bytes_max).unwrap_or(usize::MAX))),
            TOO_SLOW => Some(Problem::SlowBody),
            MALFORMED => Some(Problem::BadRequest("The request's body is malformed or incomplete.")),
            _ => None,
        }
    }
}

/// A client, which is told of the breach.
impl Sender for Arc<Breach> {
    fn failed(&mut self, fault: Fault) -> HttpError {
        let (kind, error) = match fault {
            Fault::Large(bytes) => (TOO_LARGE, HttpError::RequestSize(bytes)),
            Fault::Slow => (TOO_SLOW, HttpError::BodyTimeout),
            Fault::Malformed(reason) => (MALFORMED, HttpError::Protocol(reason)),
        };
        self.kind.store(kind, Ordering::Relaxed);
        error
    }
}
