//! Calls from other hosts.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use model::failure::{Failure, RpcError};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

use super::pace::Pace;
use super::peer::Peers;
use super::serving::Serving;
use super::{Callee, ECHO, Handler};
use crate::bus::{Bus, BusError, Message, Subscription};
use crate::call::{CALL, CallId, answer};
use crate::chunk::{Seats, Signal};
use crate::limits::{CLOSE_TIME_MAX, STREAMS_MAX};
use crate::stream::Told;
use crate::subject::{Subject, Subjects, Token};

/// Answers calls on the subject of a host, or of a provider's process.
pub struct Server {
    inner: Arc<Inner>,
    /// Dropped to stop the task.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(super) struct Inner {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) seats: Seats,
    /// A permit for each streamed call.
    pub(super) streams: Arc<Semaphore>,
    subjects: Subjects,
    me: Callee,
    /// The same, as subjects of answers have it.
    token: Token,
    calls_max: usize,
    calls: Arc<Semaphore>,
    pace: Arc<Pace>,
    closed: AtomicBool,
    replayed: AtomicU64,
    forged: AtomicU64,
    garbage: AtomicU64,
    cancelled: AtomicU64,
    /// What tells its echoes from those of another process of the same name, such as an earlier one that still runs.
    life: u64,
    /// Echoes that were asked for.
    asked: AtomicU64,
    /// The latest that has come back.
    echoed: watch::Sender<u64>,
}

/// What a server does now, and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Calls that run, streamed ones included.
    pub running: usize,
    /// Streamed calls that run.
    pub streams: usize,
    /// Calls that had been seen before, or came from an earlier life of their host. They were dropped without an answer:
    /// their caller has one, or has gone.
    pub replayed: u64,
    /// Calls to be answered where their caller does not listen. They were dropped.
    pub forged: u64,
    /// Messages that are neither calls nor about one that runs.
    pub garbage: u64,
    /// Calls that were ended because their caller had gone.
    pub cancelled: u64,
}

impl Server {
    /// Serves calls of `me`, `calls_max` at once, from then on.
    ///
    /// Must be called inside a tokio runtime.
    pub async fn start(
        bus: Arc<dyn Bus>,
        subjects: Subjects,
        me: impl Into<Callee>,
        handler: Arc<dyn Handler>,
        calls_max: usize,
    ) -> Result<Self, BusError> {
        let calls_max = calls_max.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let me = me.into();
        let subscription = bus.subscribe(me.calls(&subjects)).await?;
        let inner = Arc::new(Inner {
            bus,
            handler,
            seats: Seats::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            subjects,
            token: me.token(),
            me,
            calls_max,
            calls: Arc::new(Semaphore::new(calls_max)),
            pace: Arc::default(),
            closed: AtomicBool::new(false),
            replayed: AtomicU64::new(0),
            forged: AtomicU64::new(0),
            garbage: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            life: RandomState::new().hash_one(std::process::id()),
            asked: AtomicU64::new(0),
            echoed: watch::Sender::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(inner.clone(), subscription, stopped));
        Ok(Self { inner, stop, task })
    }

    /// Refuses, from now on, every call as not started. What runs goes on.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
    }

    /// Closes, waits until `deadline` for the calls that run, and ends. How many still ran then: they are dropped.
    pub async fn drain(self, deadline: Instant) -> usize {
        self.close();
        let all = u32::try_from(self.inner.calls_max).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout_at(deadline.into(), self.inner.calls.acquire_many(all)).await;
        // What was answered has left. Where that cannot be known, whoever waits finds out at the deadline.
        let _ = self.echoes().ask(Instant::now() + CLOSE_TIME_MAX).await;
        let left = self.stats().running;
        drop(self.stop);
        let _ = self.task.await;
        left
    }

    /// What echoes are asked of.
    pub fn echoes(&self) -> Echoes {
        Echoes(self.inner.clone())
    }

    /// What it does and did.
    pub fn stats(&self) -> ServerStats {
        self.counts().read()
    }

    /// The same for whoever looks later, perhaps when it has ended.
    pub fn counts(&self) -> ServerCounts {
        ServerCounts(Arc::clone(&self.inner))
    }
}

/// Tells what a server does and did. Cheap to clone.
#[derive(Clone)]
pub struct ServerCounts(Arc<Inner>);

impl ServerCounts {
    /// What it does now, and did so far.
    pub fn read(&self) -> ServerStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let inner = &*self.0;
        ServerStats {
            running: inner.calls_max.saturating_sub(inner.calls.available_permits()),
            streams: STREAMS_MAX.saturating_sub(inner.streams.available_permits()),
            replayed: count(&inner.replayed),
            forged: count(&inner.forged),
            garbage: count(&inner.garbage),
            cancelled: count(&inner.cancelled),
        }
    }
}

/// Asks a server for echoes of its own. Cheap to clone.
#[derive(Clone)]
pub struct Echoes(Arc<Inner>);

impl Echoes {
    /// Waits until the server has taken every message that was under way to it: an echo by the way that calls take, and so
    /// behind all of them. What was published here before has left by then.
    ///
    /// # Errors
    ///
    /// There is no connection, or no echo before `deadline`.
    pub async fn ask(&self, deadline: Instant) -> Result<(), BusError> {
        let inner = &*self.0;
        let number = inner.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let (mut echoed, subject) = (inner.echoed.subscribe(), inner.me.itself(&inner.subjects));
        let echo = format!("{}.{number}", inner.life);
        inner.bus.publish(Message::new(subject.clone(), Bytes::new()).with(ECHO, echo))?;
        let heard = echoed.wait_for(|latest| *latest >= number);
        match tokio::time::timeout_at(deadline.into(), heard).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(BusError::Deadline { subject: subject.to_string() }),
        }
    }
}

/// Takes messages until `stopped`, or as long as there is a bus.
async fn serve(inner: Arc<Inner>, mut subscription: Subscription, mut stopped: oneshot::Receiver<()>) {
    let mut peers = Peers::default();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            message = subscription.next() => match message {
                Some(message) => inner.take(message, &mut peers),
                None => return peers.cancel_all(),
            }
        }
    }
    // What has come too late is told so, and may go elsewhere.
    inner.closed.store(true, Ordering::Release);
    subscription.close().await;
    while let Some(message) = subscription.next().await {
        inner.take(message, &mut peers);
    }
    peers.cancel_all();
}

impl Inner {
    fn take(self: &Arc<Self>, message: Message, peers: &mut Peers) {
        let subject = message.subject.clone();
        let Some(from) = self.me.caller(&self.subjects, &subject) else { return self.count_garbage() };
        match message.headers.get(CALL) {
            Some(_) => self.take_call(from, message, peers),
            None if from == self.token.as_str() && message.headers.get(ECHO).is_some() => self.take_echo(&message),
            None => match (Signal::from_message(&message), Told::id(&message)) {
                (Some(signal), _) => self.take_signal(from, signal, message, peers),
                // One that has ended meanwhile is nothing to wonder at.
                (None, Some(id)) => drop(peers.find(from, id).map(|peer| peer.signal(id, message))),
                (None, None) => self.take_garbage(from, &message),
            },
        }
    }

    fn take_call(self: &Arc<Self>, from: &str, message: Message, peers: &mut Peers) {
        // Without a wish for an answer it is no call.
        let Some(reply) = message.reply.clone() else { return self.count_garbage() };
        let Some(id) = self.id_of(from, &reply) else {
            let count = self.forged.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(from, %reply, count, "a call wants its answer where its caller does not listen: dropped");
            return;
        };
        let Some(peer) = peers.take(from, id) else {
            let count = self.replayed.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(from, %id, count, "a call was seen before, or is of an earlier life of its host: dropped");
            return;
        };
        if self.is_closed() {
            return self.refuse(reply, RpcError::Transport(format!("{} is draining", self.me)));
        }
        let Ok(permit) = self.calls.clone().try_acquire_owned() else {
            let text = format!("{} already serves {} calls from the bus; try again later", self.me, self.calls_max);
            return self.refuse(reply, RpcError::HostError(text));
        };
        let serving = Serving::new(self.clone(), peer.clone(), id, reply, permit);
        peer.start(id, || self.pace.begin(serving.run(message)));
    }

    /// The call whose answer goes to `reply`; none where that is no place for answers from here to `from`.
    fn id_of(&self, from: &str, reply: &Subject) -> Option<CallId> {
        let reply = self.subjects.read_reply(reply)?;
        (reply.caller == from && reply.callee == self.token.as_str()).then(|| reply.id.parse().ok()).flatten()
    }

    fn take_signal(&self, from: &str, signal: Signal, message: Message, peers: &Peers) {
        let id = signal.id();
        let found = peers.find(from, id).is_some_and(|peer| match signal {
            Signal::Chunk(..) | Signal::Credit(..) => peer.signal(id, message),
            Signal::Cancel(_) => {
                let found = peer.cancel(id);
                self.cancelled.fetch_add(u64::from(found), Ordering::Relaxed);
                // One that has ended meanwhile is nothing to wonder at.
                true
            }
        });
        if !found {
            self.count_garbage();
        }
    }

    /// All that came before has been taken. That of another server says nothing here.
    fn take_echo(&self, message: &Message) {
        let echo = message.headers.get(ECHO).and_then(|echo| echo.split_once('.'));
        let own = echo.filter(|(life, _)| life.parse() == Ok(self.life));
        match own.and_then(|(_, number)| number.parse::<u64>().ok()) {
            Some(number) => self.echoed.send_modify(|latest| *latest = number.max(*latest)),
            None => self.count_garbage(),
        }
    }

    /// Who serves, as texts name it.
    pub(super) fn me(&self) -> &Callee {
        &self.me
    }

    /// Answers what is no call, where its sender may be answered.
    fn take_garbage(&self, from: &str, message: &Message) {
        self.count_garbage();
        if let Some(reply) = message.reply.as_ref().filter(|reply| self.id_of(from, reply).is_some()) {
            let text = format!("the message on `{}` is not a call: header `{CALL}` is missing", message.subject);
            self.refuse(reply.clone(), RpcError::Deser(format!("{text}; check the version of its sender")));
        }
    }

    fn count_garbage(&self) {
        self.garbage.fetch_add(1, Ordering::Relaxed);
    }

    fn refuse(&self, reply: Subject, error: RpcError) {
        self.publish(answer(reply, Err(Failure::not_started(error))));
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Sends what a caller waits for. Where that cannot be sent, the caller finds out at its deadline.
    pub(super) fn publish(&self, message: Message) {
        let subject = message.subject.clone();
        if let Err(error) = self.bus.publish(message) {
            tracing::debug!(%subject, %error, "an answer is lost");
        }
    }
}
