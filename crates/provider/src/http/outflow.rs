//! The body of an answer as it goes out: whole, or as the actor makes it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use engine::http::{Body as Streamed, HttpError};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

use super::lane::Admitted;
use super::pulse::{Pulse, Running};

/// A body of an answer.
pub(super) enum Outflow {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// It is still being made.
    Streamed {
        /// What the actor makes.
        body: Streamed,
        /// The request, which is in hand until its answer is out.
        _admitted: Admitted,
        /// Of the connection.
        pulse: Option<Arc<Pulse>>,
        /// While the actor is waited for. Where the client is waited for instead, its connection shows whether it lives.
        waiting: Option<Running>,
    },
}

impl Outflow {
    pub(super) fn streamed(body: Streamed, admitted: Admitted) -> Self {
        Self::Streamed { body, _admitted: admitted, pulse: None, waiting: None }
    }

    /// The body goes out on the connection with this pulse.
    pub(super) fn on(mut self, connection: &Arc<Pulse>) -> Self {
        if let Self::Streamed { pulse, .. } = &mut self {
            *pulse = Some(Arc::clone(connection));
        }
        self
    }
}

impl From<Full<Bytes>> for Outflow {
    fn from(body: Full<Bytes>) -> Self {
        Self::Whole(body)
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Streamed { body, pulse, waiting, .. } => {
                let frame = Pin::new(body).poll_frame(cx);
                *waiting = match frame {
                    Poll::Pending => waiting.take().or_else(|| pulse.as_ref().map(Pulse::wait)),
                    Poll::Ready(_) => None,
                };
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed { body, .. } => body.size_hint(),
        }
    }
}
