//! One call that is served.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use model::failure::{Failure, RpcError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::peer::Peer;
use super::server::Inner;
use crate::bus::Message;
use crate::call::{Call, CallId, EnvelopeError, answer};
use crate::chunk::{Announcement, Assembly, Signal, Step, chunk, chunk_bytes, whole_max};
use crate::limits::{ASSEMBLIES_MAX, CHUNKED_BYTES_MAX, STALL_MAX};
use crate::stream::Told;
use crate::subject::Subject;

/// A call on its way through a host. It ends with the task that runs it.
pub(super) struct Serving {
    pub(super) inner: Arc<Inner>,
    pub(super) peer: Arc<Peer>,
    pub(super) id: CallId,
    pub(super) reply: Subject,
    pub(super) answered: bool,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.peer.end(self.id);
        // Cut off by the end of the server, not by its caller, who need not wait until the deadline.
        if !self.answered && self.inner.is_closed() {
            let text =
                format!("{} stopped while it served the call; whether it was done is not known", self.inner.me());
            self.inner.publish(answer(self.reply.clone(), Err(Failure::unknown(RpcError::Transport(text)))));
        }
    }
}

impl Serving {
    pub(super) fn new(
        inner: Arc<Inner>,
        peer: Arc<Peer>,
        id: CallId,
        reply: Subject,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self { inner, peer, id, reply, answered: false, _permit: permit }
    }

    /// Serves the call that `message` is, and answers it.
    pub(super) async fn run(mut self, message: Message) {
        let (call, announced) = match read(&message) {
            Ok(read) => read,
            Err(failure) => return self.finish(Err(failure)),
        };
        if Told::is_opening(&message) {
            // Boxed like all that few calls need: the task of each call is as large as this future.
            return Box::pin(self.stream(call, message)).await;
        }
        drop(message);
        let deadline = call.deadline;
        // What a call that panics has done is not known; what it holds is dropped with it.
        let served = AssertUnwindSafe(self.serve(call, announced)).catch_unwind().await;
        let result = served.unwrap_or_else(|_| Err(self.panicked()));
        match result {
            Ok(payload) if payload.len() > whole_max(self.inner.bus.payload_max()) => {
                // Boxed as well.
                Box::pin(self.send(&payload, deadline)).await;
            }
            result => self.finish(result),
        }
    }

    pub(super) fn panicked(&self) -> Failure {
        let text = format!("{} failed while it served the call; its log says where", self.inner.me());
        Failure::unknown(RpcError::HostError(text))
    }

    /// Sends the answer in one message.
    pub(super) fn finish(&mut self, result: Result<Bytes, Failure>) {
        self.answered = true;
        self.inner.publish(answer(self.reply.clone(), result));
    }

    async fn serve(&self, mut call: Call, announced: Option<Announcement>) -> Result<Bytes, Failure> {
        if let Some(announced) = announced {
            self.inner.handler.admit(&self.peer.name, &call)?;
            let payload = Box::pin(self.receive(announced, call.deadline)).await;
            call.payload = payload.map_err(Failure::not_started)?;
        }
        self.inner.handler.call(&self.peer.name, call).await
    }

    /// Takes a payload in chunks. Nothing has been started before it is whole.
    async fn receive(&self, announced: Announcement, deadline: Instant) -> Result<Bytes, RpcError> {
        let _seat = self.inner.seats.take(announced.bytes).ok_or_else(|| {
            let text = "large payloads, or as many bytes as it may; try again later";
            RpcError::HostError(format!("{} already takes {ASSEMBLIES_MAX} {text}", self.inner.me()))
        })?;
        let mut chunks = self.peer.listen(self.id);
        let mut assembly = Assembly::new(announced);
        let grant = |count| self.inner.publish(Signal::Credit(self.id, count).to_message(self.reply.clone()));
        grant(assembly.granted());
        loop {
            let message = self.next(&mut chunks, deadline).await?;
            let Some(Signal::Chunk(_, number)) = Signal::from_message(&message) else { continue };
            let step = assembly.take(number, &message.payload);
            match step.map_err(|error| RpcError::Transport(error.to_string()))? {
                Step::More => {}
                Step::Grant(count) => grant(count),
                Step::Whole(payload) => return Ok(payload),
            }
        }
    }

    /// Sends an answer in chunks, as credit comes for it.
    async fn send(&mut self, payload: &Bytes, deadline: Instant) {
        let Some(announced) = Announcement::of(payload) else {
            let text =
                format!("the result has {} bytes; {CHUNKED_BYTES_MAX} is the most over the lattice", payload.len());
            return self.finish(Err(Failure::unknown(RpcError::HostError(text))));
        };
        let mut credit = self.peer.listen(self.id);
        self.inner.publish(announced.on(Message::new(self.reply.clone(), Bytes::new())));
        let size = chunk_bytes(self.inner.bus.payload_max());
        let mut next = 0;
        while chunk(payload, next, size).is_some() {
            let granted = match self.next_credit(&mut credit, deadline).await {
                Ok(granted) => granted,
                Err(error) => return self.finish(Err(Failure::unknown(error))),
            };
            while next < granted
                && let Some(part) = chunk(payload, next, size)
            {
                let mut message = Signal::Chunk(self.id, next).to_message(self.reply.clone());
                message.payload = part;
                next += 1;
                self.answered = chunk(payload, next, size).is_none();
                self.inner.publish(message);
            }
        }
    }

    async fn next_credit(&self, credit: &mut mpsc::Receiver<Message>, deadline: Instant) -> Result<u64, RpcError> {
        loop {
            let message = self.next(credit, deadline).await?;
            if let Some(Signal::Credit(_, granted)) = Signal::from_message(&message) {
                return Ok(granted);
            }
        }
    }

    /// The next chunk or credit of this call.
    async fn next(&self, messages: &mut mpsc::Receiver<Message>, deadline: Instant) -> Result<Message, RpcError> {
        let until = deadline.min(Instant::now() + STALL_MAX);
        match tokio::time::timeout_at(until.into(), messages.recv()).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => {
                if !self.peer.has(self.id) {
                    // Its caller has gone. This task is being ended, and has nobody to answer meanwhile.
                    tokio::time::sleep_until(deadline.into()).await;
                }
                Err(RpcError::Rpc("more messages came than were granted".to_owned()))
            }
            Err(_) => {
                let text = format!("no progress for {} s, or until the deadline", STALL_MAX.as_secs());
                Err(RpcError::DeadlineExceeded(format!("a payload in chunks made {text}")))
            }
        }
    }
}

/// A call, and what it says of a payload that follows.
fn read(message: &Message) -> Result<(Call, Option<Announcement>), Failure> {
    let malformed = |error: EnvelopeError| Failure::not_started(RpcError::Deser(error.to_string()));
    let call = Call::from_message(message, Instant::now()).map_err(malformed)?;
    Ok((call, Announcement::from_message(message).map_err(malformed)?))
}
