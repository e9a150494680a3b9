//! A streamed call on its way, until the head of its answer is there.

use std::sync::Arc;

use bytes::Bytes;
use model::failure::{Failure, Progress, RpcError};
use tokio::time::timeout_at;

use super::caller::Inner;
use super::not_sent;
use super::request::{Heard, overdue, too_many};
use crate::bus::Message;
use crate::call::{Call, CallId};
use crate::limits::{STREAM_LINGER, STREAM_PART_BYTES_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX};
use crate::stream::{
    Answered, Closing, Held, Incoming, Intake, Link, Opened, Outgoing, Outlet, Ship, Unanswered, keep,
};
use crate::subject::Subject;

/// A streamed call that is being made.
pub(super) struct Opening {
    pub(super) inner: Arc<Inner>,
    pub(super) id: CallId,
    /// Where the callee is called.
    pub(super) to: Subject,
    /// Where it answers.
    pub(super) reply: Subject,
}

impl Opening {
    /// Makes the call, whose payload is the head, and waits for the head of its answer until its deadline.
    pub(super) async fn make(self, call: Call, mut body: Outgoing, heard: &Heard) -> Result<Answered, Unanswered> {
        let ship =
            Ship { bus: self.inner.bus.clone(), id: self.id, to: self.to.clone(), reply: Some(self.reply.clone()) };
        if call.payload.len() > ship.head_bytes() {
            let text =
                format!("a head of {} bytes; {} is the most over the lattice", call.payload.len(), ship.head_bytes());
            return Err(Unanswered { failure: Failure::not_started(RpcError::HostError(text)), body: Some(body) });
        }
        let room = ship.beside(&call.payload);
        let linger = (tokio::time::Instant::now() + STREAM_LINGER).min(call.deadline.into());
        // What is not there by then follows.
        let _ = timeout_at(linger, body.settle(room)).await;
        let link = Link::new(ship, Intake::new(STREAM_WINDOW_BYTES), Outlet::new(STREAM_PART_BYTES_MAX as u64));
        let held = match self.hold(&link) {
            Ok(held) => held,
            Err(failure) => return Err(Unanswered { failure, body: Some(body) }),
        };
        // From here on it ends the call where this future is dropped.
        let answer = Incoming::new(link.clone(), Some(held.clone()));
        let (data, closing) = link.cut(&mut body, room, call.payload.len());
        if let Err(failure) = self.send(&link, &call, data.clone(), closing.clone()) {
            link.unsent();
            body.restore(data, closing);
            return Err(Unanswered { failure, body: Some(body) });
        }
        let mut upload = Some((body, data, closing));
        let opened = self.head(&link, &held, &call, &mut upload).await;
        heard.note_link(link.heard());
        match opened {
            Ok(head) => {
                // Where the callee asked for more of the request before, it is on its way already.
                if let Some((body, ..)) = upload
                    && !link.is_done()
                {
                    start(held, link, body);
                }
                Ok(Answered { head, body: answer })
            }
            Err(failure) => {
                let upload = upload.filter(|_| failure.progress == Progress::NotStarted);
                let body = upload.map(|(mut body, data, closing)| {
                    body.restore(data, closing);
                    body
                });
                Err(Unanswered { failure, body })
            }
        }
    }

    /// Takes what a call takes up, until nobody holds it any more.
    fn hold(&self, link: &Arc<Link>) -> Result<Arc<Held>, Failure> {
        let seat = self.inner.streams.clone().try_acquire_owned().map_err(|_| {
            let text = format!("this host already makes {STREAMS_MAX} streamed calls; try again later");
            Failure::not_started(RpcError::HostError(text))
        })?;
        if !self.inner.pending.stream(self.id, self.reply.clone(), link.clone()) {
            return Err(too_many());
        }
        let (inner, id, to, link) = (self.inner.clone(), self.id, self.to.clone(), link.clone());
        Ok(Held::new(move || {
            let _ = &seat;
            inner.pending.remove(id);
            if !link.is_done() {
                // Without a connection there is nobody to tell: the callee hears no more of this end.
                let _ = inner.bus.publish(crate::chunk::Signal::Cancel(id).to_message(to.clone()));
            }
        }))
    }

    fn send(&self, link: &Link, call: &Call, data: Bytes, closing: Option<Closing>) -> Result<(), Failure> {
        let (part, flow) = link.begin(call.payload.clone(), data, closing);
        let message: Message = Call { payload: Bytes::new(), ..call.clone() }.to_message(self.to.clone());
        let message = flow.on(self.id, part.on(self.id, message)).wanting(self.reply.clone());
        self.inner.bus.publish(message).map_err(|error| not_sent(&error))
    }

    /// Waits for the head. The rest of the request's body is sent once the callee asks for it.
    async fn head(
        &self,
        link: &Arc<Link>,
        held: &Arc<Held>,
        call: &Call,
        upload: &mut Option<(Outgoing, Bytes, Option<Closing>)>,
    ) -> Result<Bytes, Failure> {
        loop {
            match link.opened() {
                Opened::Head(head) => return Ok(head),
                Opened::Failed(failure) => return Err(failure),
                Opened::Granted => {
                    if let Some((body, ..)) = upload.take() {
                        start(held.clone(), link.clone(), body);
                    }
                }
                Opened::Waiting => {}
            }
            if timeout_at(call.deadline.into(), link.opener.notified()).await.is_err() {
                return Err(overdue(&self.to));
            }
        }
    }
}

/// Keeps the call going, beside whoever reads its answer.
fn start(held: Arc<Held>, link: Arc<Link>, body: Outgoing) {
    tokio::spawn(async move {
        keep(&link, Some(body)).await;
        drop(held);
    });
}
