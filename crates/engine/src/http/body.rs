//! Bodies on their way through the engine.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;

use super::{Body, Horizon, HttpError};

/// The body of a guest's answer. The guest ends when it is dropped before its end, because then nobody reads on.
pub(crate) struct Served {
    body: WasiBody,
    /// Bytes that are still to come, where the answer's head says so.
    left: Option<u64>,
    /// Bytes that may still come.
    room: u64,
    bytes_max: u64,
    guest: Guest,
}

/// A guest after the head of its answer.
pub(crate) struct Guest {
    /// Where it goes on; none where it has ended.
    pub(crate) task: Option<JoinHandle<()>>,
    pub(crate) horizon: Arc<Horizon>,
    /// What it may still take once its answer is out.
    pub(crate) afterwards: Duration,
    /// Dropped when the answer is out.
    pub(crate) out: Option<oneshot::Sender<()>>,
}

impl Served {
    pub(crate) fn body(body: WasiBody, length: Option<u64>, bytes_max: u64, guest: Guest) -> Body {
        let mut served = Self { body, left: length, room: bytes_max, bytes_max, guest };
        if length == Some(0) {
            // Nobody asks for a body of which nothing is to come.
            served.release();
        }
        served.boxed_unsync()
    }

    /// The answer is whole: whatever the guest still does is no longer this body's.
    fn release(&mut self) {
        self.guest.out = None;
        if self.guest.task.take().is_some() {
            self.guest.horizon.shorten(self.guest.afterwards);
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), HttpError> {
        self.room = self.room.checked_sub(bytes).ok_or(HttpError::AnswerSize(self.bytes_max))?;
        self.left = self.left.map(|left| left.saturating_sub(bytes));
        Ok(())
    }
}

impl http_body::Body for Served {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            None if this.guest.horizon.is_broken() => {
                return Poll::Ready(Some(Err(HttpError::Incomplete("the actor failed".to_owned()))));
            }
            None => {
                this.release();
                return Poll::Ready(None);
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => frame,
        };
        let counted = match frame.data_ref() {
            Some(data) => this.count(data.remaining() as u64),
            None => Ok(()),
        };
        if frame.is_trailers() || this.left == Some(0) {
            this.release();
        }
        Poll::Ready(Some(counted.map(|()| frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(task) = self.guest.task.take() {
            task.abort();
        }
    }
}

/// A body of the host as wasmtime knows bodies.
pub(crate) fn foreign(body: Body) -> WasiBody {
    body.map_err(Into::into).boxed_unsync()
}
