//! A body on its way out.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};

use super::outlet::Closing;
use super::{Broken, Frame};

/// Frames that are taken from a maker in one go: one that makes empty ones without end must not keep its thread.
const FRAMES_AT_ONCE: usize = 256;

/// A body that somebody makes, with what of it was taken and not sent yet. It is made no faster than it is sent.
pub struct Outgoing {
    maker: BoxStream<'static, Result<Frame, Broken>>,
    taken: VecDeque<Bytes>,
    bytes: usize,
    closing: Option<Closing>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("taken", &self.bytes).field("closing", &self.closing).finish_non_exhaustive()
    }
}

/// The body read by somebody on the same host: what was taken of it first.
impl Stream for Outgoing {
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.bytes == 0 && this.closing.is_none() {
            ready!(this.poll_take(1, cx));
        }
        if let Some(data) = this.taken.pop_front() {
            this.bytes -= data.len();
            return Poll::Ready(Some(Ok(Frame::Data(data))));
        }
        let (frame, left) = match this.closing.take() {
            Some(Closing::Whole(Some(trailers))) => (Some(Ok(Frame::Trailers(trailers))), Closing::Whole(None)),
            Some(Closing::Broken(reason)) => (Some(Err(Broken(reason))), Closing::Whole(None)),
            Some(Closing::Whole(None)) | None => (None, Closing::Whole(None)),
        };
        this.closing = Some(left);
        Poll::Ready(frame)
    }
}

impl Outgoing {
    /// A body of these frames. It ends with them, with the first trailers, or, before its end, with an error.
    pub fn new(frames: impl Stream<Item = Result<Frame, Broken>> + Send + 'static) -> Self {
        Self { maker: frames.boxed(), taken: VecDeque::new(), bytes: 0, closing: None }
    }

    /// A body that is there as a whole.
    pub fn whole(body: Bytes) -> Self {
        let frame = (!body.is_empty()).then_some(Ok(Frame::Data(body)));
        Self::new(futures_util::stream::iter(frame))
    }

    /// Waits until there are `most` bytes to send, or the end.
    pub(crate) async fn settle(&mut self, most: usize) {
        poll_fn(|cx| self.poll_take(most, cx)).await;
    }

    /// Waits until there is anything to send. Dropped before, it loses nothing.
    pub(crate) async fn fill(&mut self, most: usize) {
        poll_fn(|cx| match self.poll_take(most, cx) {
            Poll::Pending if self.bytes > 0 => Poll::Ready(()),
            taken => taken,
        })
        .await;
    }

    fn poll_take(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..FRAMES_AT_ONCE {
            if self.closing.is_some() || self.bytes >= most {
                return Poll::Ready(());
            }
            match self.maker.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => self.closing = Some(Closing::Whole(None)),
                Poll::Ready(Some(Ok(Frame::Trailers(trailers)))) => self.closing = Some(Closing::Whole(Some(trailers))),
                Poll::Ready(Some(Err(Broken(reason)))) => self.closing = Some(Closing::Broken(reason)),
                Poll::Ready(Some(Ok(Frame::Data(data)))) if data.is_empty() => {}
                Poll::Ready(Some(Ok(Frame::Data(data)))) => {
                    self.bytes += data.len();
                    self.taken.push_back(data);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes `most` bytes at most of those that are there, in one piece.
    pub(crate) fn take(&mut self, most: usize) -> Bytes {
        let most = most.min(self.bytes);
        self.bytes -= most;
        match self.taken.front_mut() {
            Some(first) if first.len() > most => return first.split_to(most),
            Some(first) if first.len() == most => return self.taken.pop_front().unwrap_or_default(),
            _ => {}
        }
        let mut whole = BytesMut::with_capacity(most);
        while whole.len() < most
            && let Some(mut next) = self.taken.pop_front()
        {
            let part = next.split_to(next.len().min(most - whole.len()));
            whole.extend_from_slice(&part);
            if !next.is_empty() {
                self.taken.push_front(next);
            }
        }
        whole.freeze()
    }

    /// Takes the end, where all bytes were taken before it; one whose trailers have more than `most` bytes is none.
    pub(crate) fn close(&mut self, most: usize) -> Option<Closing> {
        if self.bytes > 0 {
            return None;
        }
        self.closing.take().map(|closing| match closing {
            Closing::Whole(Some(trailers)) if trailers.len() > most => {
                Closing::Broken(format!("trailers of {} bytes; {most} is the most over the lattice", trailers.len()))
            }
            closing => closing,
        })
    }

    /// The bytes of the trailers, where they are there.
    pub(crate) fn trailers(&self) -> usize {
        match &self.closing {
            Some(Closing::Whole(Some(trailers))) => trailers.len(),
            _ => 0,
        }
    }

    /// Gives back what was taken last.
    pub(crate) fn restore(&mut self, data: Bytes, closing: Option<Closing>) {
        self.bytes += data.len();
        if !data.is_empty() {
            self.taken.push_front(data);
        }
        self.closing = closing.or(self.closing.take());
    }
}
