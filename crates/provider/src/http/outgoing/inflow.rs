//! The body of an answer from outside: bounded in size, and in the time between its parts.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use engine::http::HttpError;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body that must go on.
pub(super) struct Paced {
    body: Incoming,
    patience: Duration,
    /// Runs while somebody waits for the next part.
    alarm: Option<Pin<Box<Sleep>>>,
    left: u64,
    bytes_max: u64,
    is_broken: bool,
}

impl Paced {
    pub(super) fn new(body: Incoming, patience: Duration, bytes_max: u64) -> Self {
        Self { body, patience, alarm: None, left: bytes_max, bytes_max, is_broken: false }
    }

    fn broken(&mut self, error: HttpError) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.is_broken = true;
        Poll::Ready(Some(Err(error)))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(alarm.as_mut().poll(cx));
        self.broken(HttpError::BodyTimeout)
    }
}

impl Body for Paced {
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
            Some(Err(error)) => this.broken(HttpError::Incomplete(error.to_string())),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Buf::remaining) as u64;
                match this.left.checked_sub(bytes) {
                    Some(left) => this.left = left,
                    None => return this.broken(HttpError::AnswerSize(this.bytes_max)),
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
