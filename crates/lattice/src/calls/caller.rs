//! Calls to other hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use model::failure::{Failure, RpcError};
use model::ids::HostName;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::Callee;
use super::opening::Opening;
use super::pending::Pending;
use super::request::{Heard, Request};
use crate::bus::{Bus, BusError, Message, Subscription};
use crate::call::{Call, CallId, Incarnation};
use crate::chunk::{Seats, whole_max};
use crate::limits::STREAMS_MAX;
use crate::stream::{Answered, Outgoing, Unanswered};
use crate::subject::{Subject, Subjects, Token};

/// Calls other hosts, over one subscription for all answers. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    inner: Arc<Inner>,
    _task: Arc<Task>,
}

pub(super) struct Inner {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) pending: Pending,
    pub(super) seats: Seats,
    /// A permit for each streamed call.
    pub(super) streams: Arc<Semaphore>,
    subjects: Subjects,
    me: HostName,
    incarnation: Incarnation,
    sequence: AtomicU64,
}

/// What a caller does now, and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerStats {
    /// Calls that wait for their answer, streamed ones included.
    pub pending: usize,
    /// Streamed calls.
    pub streams: usize,
    /// Answers that came after their call had ended.
    pub late: u64,
    /// Answers that came from another than was called; they were refused.
    pub forged: u64,
}

/// Ended when the last caller is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Caller {
    /// Calls as host `me` in its life `incarnation`. Answers are taken from then on.
    ///
    /// Must be called inside a tokio runtime.
    pub async fn start(
        bus: Arc<dyn Bus>,
        subjects: Subjects,
        me: HostName,
        incarnation: Incarnation,
    ) -> Result<Self, BusError> {
        let answers = bus.subscribe(subjects.replies(&me)).await?;
        let (pending, seats, sequence) = (Pending::default(), Seats::default(), AtomicU64::new(1));
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        let inner = Arc::new(Inner { bus, pending, seats, streams, subjects, me, incarnation, sequence });
        let task = tokio::spawn(deliver(inner.clone(), answers));
        Ok(Self { inner, _task: Arc::new(Task(task.abort_handle())) })
    }

    /// Makes `call` at host `to`, which may be this one, and waits for its answer until its deadline. Dropped before, it
    /// tells the callee that nobody waits any more.
    ///
    /// Not started: nobody is there, there is no connection, too many calls wait, or the callee says so. Unknown: no
    /// answer within the deadline, an answer that is none, or the callee says so.
    pub async fn call(&self, to: &HostName, call: Call) -> Result<Bytes, Failure> {
        self.call_heard(to, call, &Heard::default()).await
    }

    /// The same, and notes in `heard` what was heard of the callee: how a call failed does not say that.
    pub async fn call_heard(&self, to: &HostName, call: Call, heard: &Heard) -> Result<Bytes, Failure> {
        let subject = self.inner.subjects.call(to, &self.inner.me);
        self.inner.call(subject, &Token::from(to), call, heard).await
    }

    /// The same, of whoever takes calls as hosts do.
    pub async fn call_callee(&self, to: &Callee, call: Call, heard: &Heard) -> Result<Bytes, Failure> {
        let subject = to.called_by(&self.inner.subjects, &self.inner.me);
        self.inner.call(subject, &to.token(), call, heard).await
    }

    /// Makes a streamed call at host `to`, whose payload is the head of a request and `body` what follows it; gives the
    /// answer once its head is there. Dropped before, or where the answer's body is dropped before its end, it tells the
    /// callee that nobody waits any more.
    ///
    /// Must be called inside a tokio runtime, which the call needs until both bodies are out. Failures are as in
    /// [`Self::call`]; one that is not started gives the body back, with all that was read of it.
    pub async fn stream(
        &self,
        to: &HostName,
        call: Call,
        body: Outgoing,
        heard: &Heard,
    ) -> Result<Answered, Unanswered> {
        if call.deadline <= Instant::now() {
            return Err(Unanswered { failure: passed(), body: Some(body) });
        }
        let id = self.inner.next();
        let reply = self.inner.subjects.reply(&self.inner.me, &Token::from(to), &id.token());
        let opening =
            Opening { inner: self.inner.clone(), id, to: self.inner.subjects.call(to, &self.inner.me), reply };
        opening.make(call, body, heard).await
    }

    /// Sends a message of any kind, and waits until `deadline` for the one message that answers it; `callee` is who may
    /// answer; what was heard of it is noted in `heard`. For those who do not take calls as hosts do.
    pub async fn request(
        &self,
        message: Message,
        callee: &Token,
        deadline: Instant,
        heard: &Heard,
    ) -> Result<Message, Failure> {
        self.inner.request(message.subject.clone(), callee, deadline)?.noting(heard).ask(message, false).await
    }

    /// The subjects of its lattice.
    pub fn subjects(&self) -> &Subjects {
        &self.inner.subjects
    }

    /// What it does and did.
    pub fn stats(&self) -> CallerStats {
        let (pending, late, forged) = self.inner.pending.counts();
        let streams = STREAMS_MAX.saturating_sub(self.inner.streams.available_permits());
        CallerStats { pending, streams, late, forged }
    }
}

impl Inner {
    async fn call(&self, to: Subject, callee: &Token, call: Call, heard: &Heard) -> Result<Bytes, Failure> {
        let whole = call.payload.len() <= whole_max(self.bus.payload_max());
        let request = self.request(to, callee, call.deadline)?.noting(heard);
        if whole { request.whole(&call).await } else { request.in_chunks(&call).await }
    }

    fn request(&self, to: Subject, callee: &Token, deadline: Instant) -> Result<Request<'_>, Failure> {
        if deadline <= Instant::now() {
            return Err(passed());
        }
        let id = self.next();
        let reply = self.subjects.reply(&self.me, callee, &id.token());
        Ok(Request::new(self, id, to, reply, deadline))
    }

    fn next(&self) -> CallId {
        CallId { incarnation: self.incarnation, sequence: self.sequence.fetch_add(1, Ordering::Relaxed) }
    }

    /// The call that the subject of an answer names; none where that is not of this life.
    fn id(&self, message: &Message) -> Option<CallId> {
        let id: CallId = self.subjects.read_reply(&message.subject)?.id.parse().ok()?;
        (id.incarnation == self.incarnation).then_some(id)
    }
}

fn passed() -> Failure {
    let text = "the deadline had passed before the call was sent".to_owned();
    Failure::not_started(RpcError::DeadlineExceeded(text))
}

/// Hands answers to their calls, as long as there is a bus.
async fn deliver(inner: Arc<Inner>, mut answers: Subscription) {
    let echo = inner.subjects.echo(&inner.me);
    while let Some(message) = answers.next().await {
        match inner.id(&message) {
            Some(id) => inner.pending.deliver(id, message),
            None if message.subject == echo => {}
            None => inner.pending.count_late(),
        }
    }
}
