//! A body on its way in.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::Stream;
use model::failure::{Failure, RpcError};

use super::{Broken, Frame, Link};

/// A body that somebody else makes: frames as they come. Reading it is what lets more of it come. Of an answer, dropping
/// it before its end ends the call; of a request, its caller stops sending.
pub struct Incoming {
    link: Arc<Link>,
    /// True where this is the body of an answer.
    is_answer: bool,
    /// The call, until its answer is read.
    held: Option<Arc<Held>>,
    /// Nothing more comes: it was read to its end, or broke off.
    is_over: bool,
    /// Its reader has all that it wants.
    is_enough: bool,
}

/// A call as its caller holds it: it is ended when nobody does any more.
pub(crate) struct Held(Box<dyn Fn() + Send + Sync>);

impl Held {
    pub(crate) fn new(release: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self(Box::new(release)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0();
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Incoming {
    pub(crate) fn new(link: Arc<Link>, held: Option<Arc<Held>>) -> Self {
        Self { link, is_answer: held.is_some(), held, is_over: false, is_enough: false }
    }

    /// The next frame; none after the end.
    pub async fn next(&mut self) -> Option<Result<Frame, Broken>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// The same, for whoever polls.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Broken>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let read = self.link.poll_read(cx);
        self.is_over = matches!(read, Poll::Ready(None | Some(Err(_))));
        if matches!(read, Poll::Ready(None)) {
            // Whatever is still to be sent has a hold of its own.
            self.held = None;
        }
        read
    }

    /// What was read is enough, such as all bytes that a head promised: dropping it now ends nothing.
    pub fn suffice(&mut self) {
        self.is_enough = true;
    }

    /// True where all of it was read, and that was the whole.
    pub fn is_end(&self) -> bool {
        self.link.is_read()
    }
}

impl Stream for Incoming {
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_frame(cx)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_answer {
            self.link.leave();
        } else if !self.is_enough && !self.is_end() {
            // Nobody waits for the answer any more: whoever sends the request stops, and the callee is told.
            self.link.fail(Failure::unknown(RpcError::Transport("the answer is not waited for any more".to_owned())));
        }
    }
}
