//! Bodies between the engine and the lattice.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use engine::http::{Body, HttpError};
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use lattice::stream::{self, Broken, Incoming, Outgoing};

use super::head::{read_trailers, write_trailers};

/// A body for another host.
pub fn outgoing(body: Body) -> Outgoing {
    Outgoing::new(BodyStream::new(body).map(|frame| match frame.map(Frame::into_data) {
        Ok(Ok(data)) => Ok(stream::Frame::Data(data)),
        Ok(Err(frame)) => Ok(stream::Frame::Trailers(write_trailers(&frame.into_trailers().unwrap_or_default()))),
        Err(error) => Err(Broken(broken(error))),
    }))
}

/// A body of another host; its head says how long it is, where anybody knows.
pub fn incoming(body: Incoming, head: &HeaderMap) -> Body {
    let length = head.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Inward { body, left: length, is_over: false }.boxed_unsync()
}

/// A body that was ready for another host, on this one.
pub(super) fn kept(body: Outgoing) -> Body {
    StreamBody::new(body.map(frame)).boxed_unsync()
}

/// What came over the lattice as a body.
struct Inward {
    body: Incoming,
    /// Bytes that are still to come, where the head says so.
    left: Option<u64>,
    is_over: bool,
}

impl http_body::Body for Inward {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let read = ready!(this.body.poll_frame(cx)).map(frame);
        this.is_over = !matches!(&read, Some(Ok(_)));
        if let Some(Ok(frame)) = &read {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            this.left = this.left.map(|left| left.saturating_sub(bytes));
            // Whoever reads a body of known length need not read its end.
            if frame.is_trailers() || this.left == Some(0) {
                this.body.suffice();
            }
        }
        Poll::Ready(read)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn frame(read: Result<stream::Frame, Broken>) -> Result<Frame<Bytes>, HttpError> {
    match read {
        Ok(stream::Frame::Data(data)) => Ok(Frame::data(data)),
        Ok(stream::Frame::Trailers(trailers)) => {
            let trailers = read_trailers(trailers).map_err(|error| HttpError::Protocol(error.to_string()))?;
            Ok(Frame::trailers(trailers))
        }
        Err(broken) => Err(error(&broken)),
    }
}

/// Why a body breaks off, for whoever reads it elsewhere.
fn broken(error: HttpError) -> String {
    match error {
        HttpError::BodyTimeout => "body-timeout".to_owned(),
        HttpError::RequestSize(bytes) => format!("request-size {bytes}"),
        HttpError::AnswerSize(bytes) => format!("answer-size {bytes}"),
        HttpError::Protocol(reason) => format!("protocol {reason}"),
        HttpError::Incomplete(reason) => format!("incomplete {reason}"),
        other => format!("incomplete {other}"),
    }
}

fn error(Broken(text): &Broken) -> HttpError {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "body-timeout" => HttpError::BodyTimeout,
        "request-size" => HttpError::RequestSize(rest.parse().unwrap_or_default()),
        "answer-size" => HttpError::AnswerSize(rest.parse().unwrap_or_default()),
        "protocol" => HttpError::Protocol(rest.to_owned()),
        "incomplete" => HttpError::Incomplete(rest.to_owned()),
        _ => HttpError::Incomplete(text.clone()),
    }
}
