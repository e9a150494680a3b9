//! One call on its way.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use bytes::Bytes;
use model::failure::{Failure, RpcError};
use tokio::sync::mpsc;

use super::caller::Inner;
use super::not_sent;
use crate::bus::{BusError, Message};
use crate::call::{Answer, Call, CallId, EnvelopeError};
use crate::chunk::{Announcement, Assembly, ChunkError, Signal, Step, chunk, chunk_bytes};
use crate::limits::{CHUNKED_BYTES_MAX, STALL_MAX};
use crate::subject::Subject;

/// What was heard of the callee of one call.
#[derive(Debug, Default)]
pub struct Heard(AtomicU8);

impl Heard {
    const ANSWER: u8 = 1;
    const NOBODY: u8 = 2;

    /// True where the callee answered, or began to.
    pub fn answer(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::ANSWER
    }

    /// True where the bus said that the callee is not there.
    pub fn nobody(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::NOBODY
    }

    fn note(&self, message: &Message) {
        self.note_link((true, message.no_responders));
    }

    /// Whether anything was heard, and whether that was the bus.
    pub(super) fn note_link(&self, (is_heard, is_nobody): (bool, bool)) {
        if is_heard {
            self.0.store(if is_nobody { Self::NOBODY } else { Self::ANSWER }, Ordering::Relaxed);
        }
    }
}

/// A call that waits. Dropped before its answer has come, it tells the callee so.
pub(super) struct Request<'a> {
    inner: &'a Inner,
    id: CallId,
    /// Where the callee is called.
    to: Subject,
    /// Where it answers.
    reply: Subject,
    deadline: Instant,
    /// Whether the callee listens to signals, and has something to be told.
    cancel: bool,
    heard: Option<&'a Heard>,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.inner.pending.remove(self.id);
        if self.cancel {
            // Without a connection there is nobody to tell: the callee stops at its deadline.
            let _ = self.inner.bus.publish(Signal::Cancel(self.id).to_message(self.to.clone()));
        }
    }
}

impl<'a> Request<'a> {
    pub(super) fn new(inner: &'a Inner, id: CallId, to: Subject, reply: Subject, deadline: Instant) -> Self {
        Self { inner, id, to, reply, deadline, cancel: false, heard: None }
    }

    /// The same, noting what is heard of the callee.
    pub(super) fn noting(mut self, heard: &'a Heard) -> Self {
        self.heard = Some(heard);
        self
    }

    fn note(&self, message: &Message) {
        if let Some(heard) = self.heard {
            heard.note(message);
        }
    }

    /// Sends `message` and waits for the one answer, whatever it says.
    pub(super) async fn ask(&mut self, message: Message, signals: bool) -> Result<Message, Failure> {
        let answer = self.inner.pending.first(self.id, self.reply.clone()).ok_or_else(too_many)?;
        self.inner.bus.publish(message.wanting(self.reply.clone())).map_err(|error| not_sent(&error))?;
        self.cancel = signals;
        let answer = tokio::time::timeout_at(self.deadline.into(), answer).await;
        let Ok(Ok(answer)) = answer else { return Err(self.overdue()) };
        self.note(&answer);
        self.cancel = false;
        if answer.no_responders { Err(self.nobody()) } else { Ok(answer) }
    }

    /// Makes a call whose payload fits into one message.
    pub(super) async fn whole(mut self, call: &Call) -> Result<Bytes, Failure> {
        let answer = self.ask(call.to_message(self.to.clone()), true).await?;
        match read(&answer)? {
            Answer::Whole(result) => result,
            Answer::Chunks(announced) => {
                let messages = self.inner.pending.all(self.id, self.reply.clone()).ok_or_else(too_many)?;
                self.cancel = true;
                self.receive(messages, announced).await
            }
        }
    }

    /// Makes a call whose payload does not.
    pub(super) async fn in_chunks(mut self, call: &Call) -> Result<Bytes, Failure> {
        let announced = Announcement::of(&call.payload).ok_or_else(|| too_large(call.payload.len()))?;
        let mut messages = self.inner.pending.all(self.id, self.reply.clone()).ok_or_else(too_many)?;
        let first = Call { payload: Bytes::new(), ..call.clone() }.to_message(self.to.clone());
        self.publish(announced.on(first)).map_err(|error| not_sent(&error))?;
        self.cancel = true;
        let answer = self.send(&mut messages, &call.payload).await?;
        match read(&answer)? {
            Answer::Whole(result) => {
                self.cancel = false;
                result
            }
            Answer::Chunks(announced) => self.receive(messages, announced).await,
        }
    }

    fn publish(&self, message: Message) -> Result<(), BusError> {
        self.inner.bus.publish(message.wanting(self.reply.clone()))
    }

    /// Sends the payload as credit comes, and waits for the answer.
    async fn send(&mut self, messages: &mut mpsc::Receiver<Message>, payload: &Bytes) -> Result<Message, Failure> {
        let size = chunk_bytes(self.inner.bus.payload_max());
        let mut next = 0;
        let mut all_sent = false;
        loop {
            let until = if all_sent { self.deadline } else { self.deadline.min(Instant::now() + STALL_MAX) };
            let message = match tokio::time::timeout_at(until.into(), messages.recv()).await {
                Ok(Some(message)) => message,
                Ok(None) => return Err(flooded(all_sent)),
                Err(_) if all_sent => return Err(self.overdue()),
                // The callee begins once it has everything.
                Err(_) => return Err(Failure::not_started(RpcError::DeadlineExceeded(self.stalled()))),
            };
            self.note(&message);
            if message.no_responders {
                self.cancel = false;
                return Err(self.nobody());
            }
            let Some(Signal::Credit(_, granted)) = Signal::from_message(&message) else { return Ok(message) };
            while next < granted
                && let Some(part) = chunk(payload, next, size)
            {
                let mut message = Signal::Chunk(self.id, next).to_message(self.to.clone());
                message.payload = part;
                self.publish(message).map_err(|error| not_sent(&error))?;
                next += 1;
            }
            all_sent = chunk(payload, next, size).is_none();
        }
    }

    /// Takes an answer in chunks. The callee has acted, whatever becomes of it.
    async fn receive(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        announced: Announcement,
    ) -> Result<Bytes, Failure> {
        let seat = self.inner.seats.wait(announced.bytes, self.deadline).await;
        let _seat = seat.ok_or_else(|| self.overdue())?;
        let mut assembly = Assembly::new(announced);
        self.grant(assembly.granted())?;
        loop {
            let until = self.deadline.min(Instant::now() + STALL_MAX);
            let message = match tokio::time::timeout_at(until.into(), messages.recv()).await {
                Ok(Some(message)) => message,
                Ok(None) => return Err(flooded(true)),
                Err(_) => return Err(Failure::unknown(RpcError::DeadlineExceeded(self.stalled()))),
            };
            let Some(Signal::Chunk(_, number)) = Signal::from_message(&message) else {
                self.cancel = false;
                return match read(&message)? {
                    Answer::Whole(Err(failure)) => Err(Failure::unknown(failure.error)),
                    _ => Err(Failure::unknown(RpcError::Rpc("a second answer came instead of a chunk".to_owned()))),
                };
            };
            match assembly.take(number, &message.payload).map_err(|error| damaged(&error))? {
                Step::More => {}
                Step::Grant(count) => self.grant(count)?,
                Step::Whole(payload) => {
                    self.cancel = false;
                    return Ok(payload);
                }
            }
        }
    }

    fn grant(&self, count: u64) -> Result<(), Failure> {
        let credit = Signal::Credit(self.id, count).to_message(self.to.clone());
        self.inner.bus.publish(credit).map_err(|error| Failure::unknown(not_sent(&error).error))
    }

    fn overdue(&self) -> Failure {
        overdue(&self.to)
    }

    fn stalled(&self) -> String {
        format!(
            "a payload in chunks on `{}` made no progress for {} s, or until the deadline",
            self.to,
            STALL_MAX.as_secs()
        )
    }

    fn nobody(&self) -> Failure {
        let text = format!(
            "nobody answers on `{}`; check that the host or provider process there is up and has joined this lattice",
            self.to
        );
        Failure::not_started(RpcError::Transport(text))
    }
}

fn read(message: &Message) -> Result<Answer, Failure> {
    Answer::from_message(message).map_err(|error: EnvelopeError| Failure::unknown(RpcError::Rpc(error.to_string())))
}

pub(super) fn overdue(to: &Subject) -> Failure {
    Failure::unknown(RpcError::DeadlineExceeded(format!("no answer on `{to}` within the deadline")))
}

pub(super) fn too_many() -> Failure {
    let most = crate::limits::CALLS_PENDING_MAX;
    Failure::not_started(RpcError::HostError(format!("this host already waits for {most} calls; try again later")))
}

fn too_large(found: usize) -> Failure {
    let text = format!("the payload has {found} bytes; {CHUNKED_BYTES_MAX} is the most over the lattice");
    Failure::not_started(RpcError::InvalidParameter(text))
}

fn damaged(error: &ChunkError) -> Failure {
    Failure::unknown(RpcError::Transport(error.to_string()))
}

/// The other end does not keep to its credit.
fn flooded(started: bool) -> Failure {
    let error = RpcError::Rpc("more messages came than were granted".to_owned());
    if started { Failure::unknown(error) } else { Failure::not_started(error) }
}
