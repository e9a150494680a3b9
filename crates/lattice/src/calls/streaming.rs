//! One streamed call that is served.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use model::failure::{Failure, Progress, RpcError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::serving::Serving;
use crate::bus::Message;
use crate::call::{Call, EnvelopeError};
use crate::limits::{STREAM_LINGER, STREAM_PART_BYTES_MAX, STREAMS_MAX, STREAMS_PER_PEER_MAX};
use crate::stream::{Flow, Incoming, Intake, Link, Outlet, Part, Ship, Streamed, Told, keep};

/// The end of a call, however it comes: whoever still reads the request's body has no more of it to expect.
struct End<'a>(&'a Link);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.fail(Failure::unknown(RpcError::Transport("the call has ended".to_owned())));
    }
}

impl Serving {
    /// Serves the streamed call that `message` is, and stays until both bodies are out.
    pub(super) async fn stream(&mut self, mut call: Call, message: Message) {
        let (mut part, flow) = match opening(&message) {
            Ok(opening) => opening,
            Err(failure) => return self.finish(Err(failure)),
        };
        drop(message);
        let (all, own) = (&self.inner.streams, &self.peer.streams);
        let (Some(_seat), Some(_own)) = (seat(all), seat(own)) else {
            let text = format!(
                "{} already serves {STREAMS_MAX} streamed calls, or {STREAMS_PER_PEER_MAX} of host {}; try again later",
                self.inner.me(),
                self.peer.name
            );
            return self.finish(Err(Failure::not_started(RpcError::HostError(text))));
        };
        call.payload = std::mem::take(&mut part.head);
        let ship = Ship { bus: self.inner.bus.clone(), id: self.id, to: self.reply.clone(), reply: None };
        let mut outlet = Outlet::new(0);
        outlet.grant(flow.granted);
        let mut intake = Intake::new(STREAM_PART_BYTES_MAX as u64);
        if let Err(error) = intake.take(part) {
            return self.finish(Err(Failure::not_started(RpcError::Deser(error.to_string()))));
        }
        let link = Link::new(ship, intake, outlet);
        self.peer.attach(self.id, link.clone());
        let _end = End(&link);
        let served = self.answer(&link, call).await;
        if let Err(failure) = served {
            self.finish(Err(failure));
        }
        self.answered = true;
    }

    async fn answer(&self, link: &Arc<Link>, call: Call) -> Result<(), Failure> {
        let body = Incoming::new(link.clone(), None);
        let served = self.inner.handler.stream(&self.peer.name, call, body);
        let served = AssertUnwindSafe(served).catch_unwind().await;
        let Streamed { head, mut body } = served.unwrap_or_else(|_| Err(self.panicked()))?;
        let most = link.ship().head_bytes();
        if head.len() > most {
            let text = format!("the head of the answer has {} bytes; {most} is the most over the lattice", head.len());
            return Err(Failure::unknown(RpcError::Rpc(text)));
        }
        // What is not there by then follows.
        let _ = timeout(STREAM_LINGER, body.settle(link.ship().beside(&head))).await;
        link.send_head(head, &mut body);
        let kept = AssertUnwindSafe(keep(link, Some(body))).catch_unwind().await;
        kept.map_err(|_| self.panicked())?;
        match link.failure() {
            Some(failure) => Err(Failure { progress: Progress::Unknown, ..failure }),
            None => Ok(()),
        }
    }
}

fn seat(seats: &Arc<Semaphore>) -> Option<tokio::sync::OwnedSemaphorePermit> {
    seats.clone().try_acquire_owned().ok()
}

/// What the call brings of its body, and grants of the answer's.
fn opening(message: &Message) -> Result<(Part, Flow), Failure> {
    let malformed = |error: EnvelopeError| Failure::not_started(RpcError::Deser(error.to_string()));
    let flow = Flow::from_message(message).map_err(malformed)?;
    let told = Told::from_message(message).map_err(malformed)?;
    match (told, flow) {
        (Some((_, Told::Part(part))), Some((_, flow))) if part.number == 0 => Ok((part, flow)),
        _ => {
            let text =
                format!("the message on `{}` opens no streamed call; check the version of its sender", message.subject);
            Err(Failure::not_started(RpcError::Deser(text)))
        }
    }
}
