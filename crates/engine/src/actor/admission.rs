//! Who may call now, who waits, who is refused.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use model::failure::{Failure, RpcError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::Shared;
use super::latency::Stopwatch;
use crate::call::CallContext;
use crate::settings::ActorSettings;

/// The door of an actor.
pub(super) struct Admission {
    /// One permit for each instance; waiters get them in order of arrival.
    instances: Semaphore,
    /// Calls inside: running and waiting.
    active: AtomicUsize,
    waiting: AtomicUsize,
    closed: AtomicBool,
    emptied: Notify,
    pub(super) stopwatch: Stopwatch,
}

/// A place inside, with the right to one instance.
pub(super) struct Place<'a> {
    /// When the instance was free for this call.
    pub(super) since: Instant,
    stopwatch: &'a Stopwatch,
    // Given back before the call is counted as gone.
    _instance: SemaphorePermit<'a>,
    _entered: Entered<'a>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.stopwatch.ended(self.since);
    }
}

impl Admission {
    pub(super) fn new(settings: &ActorSettings) -> Self {
        Self {
            instances: Semaphore::new(settings.instances.min(Semaphore::MAX_PERMITS)),
            active: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            emptied: Notify::new(),
            stopwatch: Stopwatch::default(),
        }
    }

    /// Lets a call in, at once or when an instance is free; or refuses it.
    pub(super) async fn enter(&self, shared: &Shared, call: &CallContext) -> Result<Place<'_>, Failure> {
        // Counted before the door is looked at: whoever closes it then sees this call.
        let entered = Entered::new(self);
        if self.is_closed() {
            let text = format!("actor '{}' is draining", shared.settings.name);
            return Err(Failure::not_started(RpcError::Transport(text)));
        }
        let now = Instant::now();
        if now >= call.deadline() {
            return Err(late(shared));
        }
        let (instance, since) = match self.instances.try_acquire() {
            Ok(instance) => (instance, now),
            Err(_) => (Box::pin(self.wait(shared, call)).await?, Instant::now()),
        };
        Ok(Place { since, stopwatch: &self.stopwatch, _instance: instance, _entered: entered })
    }

    async fn wait(&self, shared: &Shared, call: &CallContext) -> Result<SemaphorePermit<'_>, Failure> {
        if call.holds(shared.id) {
            return Err(refused(shared, "this call would wait for an instance that its own chain holds"));
        }
        let _waiting = Waiting::new(self, shared.settings.queue)
            .ok_or_else(|| refused(shared, "all instances are busy and the queue is full"))?;
        match tokio::time::timeout_at(call.deadline().into(), self.instances.acquire()).await {
            Ok(Ok(instance)) => Ok(instance),
            Ok(Err(_)) => Err(refused(shared, "it was closed")),
            Err(_) => Err(late(shared)),
        }
    }

    /// True where an instance is free, and no call waits for one.
    pub(super) fn has_room(&self) -> bool {
        !self.is_closed() && self.instances.available_permits() > 0
    }

    /// Refuses all further calls.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Waits until nobody is inside.
    pub(super) async fn emptied(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.active() == 0 {
                return;
            }
            emptied.await;
        }
    }

    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(super) fn running(&self) -> usize {
        self.active().saturating_sub(self.waiting())
    }
}

fn refused(shared: &Shared, why: &str) -> Failure {
    Failure::not_started(RpcError::HostError(format!("actor '{}': {why}", shared.settings.name)))
}

fn late(shared: &Shared) -> Failure {
    let text = format!("the deadline passed before actor '{}' could start", shared.settings.name);
    Failure::not_started(RpcError::DeadlineExceeded(text))
}

/// One call inside, while this lives.
struct Entered<'a>(&'a Admission);

impl<'a> Entered<'a> {
    fn new(admission: &'a Admission) -> Self {
        admission.active.fetch_add(1, Ordering::SeqCst);
        Self(admission)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let left = self.0.active.fetch_sub(1, Ordering::SeqCst) - 1;
        if left == 0 && self.0.is_closed() {
            self.0.emptied.notify_waiters();
        }
    }
}

/// One call in the queue, while this lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(admission: &'a Admission, queue_max: usize) -> Option<Self> {
        let enter = |waiting: usize| (waiting < queue_max).then_some(waiting + 1);
        admission.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter).ok()?;
        Some(Self(&admission.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
