//! The body of a request as it comes in: bounded in size, and in the time between its parts.

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

/// Why a body was broken off, for the answer to its request.
#[derive(Debug, Default)]
pub(super) struct Breach {
    kind: AtomicU8,
    bytes_max: u64,
}

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const MALFORMED: u8 = 3;

impl Breach {
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

/// A body on its way in. It is read no faster than it is asked for.
pub(super) struct Inflow {
    body: Incoming,
    left: u64,
    patience: Duration,
    /// Runs while somebody waits for the next part.
    alarm: Option<Pin<Box<Sleep>>>,
    breach: Arc<Breach>,
    is_broken: bool,
}

impl Inflow {
    pub(super) fn new(body: Incoming, bytes_max: u64, patience: Duration) -> (Self, Arc<Breach>) {
        let breach = Arc::new(Breach { kind: AtomicU8::new(0), bytes_max });
        let inflow =
            Self { body, left: bytes_max, patience, alarm: None, breach: Arc::clone(&breach), is_broken: false };
        (inflow, breach)
    }

    fn broken(&mut self, kind: u8, error: HttpError) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.is_broken = true;
        self.breach.kind.store(kind, Ordering::Relaxed);
        Poll::Ready(Some(Err(error)))
    }

    /// Waits for the next part, though not for ever.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(alarm.as_mut().poll(cx));
        self.broken(TOO_SLOW, HttpError::BodyTimeout)
    }
}

impl Body for Inflow {
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
            None => Poll::Ready(None),
            Some(Err(error)) => this.broken(MALFORMED, HttpError::Protocol(error.to_string())),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Buf::remaining) as u64;
                match this.left.checked_sub(bytes) {
                    Some(left) => this.left = left,
                    None => return this.broken(TOO_LARGE, HttpError::RequestSize(this.breach.bytes_max)),
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
