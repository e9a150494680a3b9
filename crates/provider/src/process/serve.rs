//! Calls that come to a process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use engine::{Actor, CallContext};
use futures_util::FutureExt as _;
use lattice::bus::{Bus, Message, Subscription};
use lattice::call::answer;
use lattice::limits::ANNOUNCEMENT_INTERVAL;
use lattice::process::{Announcement, ProcessCall};
use lattice::subject::{Subject, Subjects, Token};
use model::contract::Contract;
use model::failure::{Failure, RpcError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::PROCESS_CALLS_MAX;

/// What answers calls, and how it is reached.
pub(super) struct Serving {
    actor: Actor,
    contract: Arc<Contract>,
    bus: Arc<dyn Bus>,
    subjects: Subjects,
    /// Who answers, as reply subjects name it.
    callee: Token,
    beat: Subject,
    announcement: Announcement,
    calls: Arc<Semaphore>,
    answered: AtomicU64,
}

impl Serving {
    pub(super) fn new(
        actor: Actor,
        contract: Arc<Contract>,
        bus: Arc<dyn Bus>,
        subjects: Subjects,
        callee: Token,
        beat: Subject,
        announcement: Announcement,
    ) -> Self {
        let calls = Arc::new(Semaphore::new(PROCESS_CALLS_MAX));
        Self { actor, contract, bus, subjects, callee, beat, announcement, calls, answered: AtomicU64::new(0) }
    }

    /// Says that it is here, or that it leaves. Without a connection nobody hears it, and nobody could call.
    pub(super) fn announce(&self, leaving: bool) {
        let announcement = Announcement { leaving, ..self.announcement.clone() };
        if let Err(error) = self.bus.publish(announcement.to_message(self.beat.clone())) {
            tracing::debug!(%error, "the provider is not announced");
        }
    }

    /// Waits until `deadline` for the calls that run; how many are left.
    pub(super) async fn finished(&self, deadline: Instant) -> usize {
        let all = u32::try_from(PROCESS_CALLS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout_at(deadline.into(), self.calls.acquire_many(all)).await;
        PROCESS_CALLS_MAX.saturating_sub(self.calls.available_permits())
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Takes one message. One that nobody may be answered for is dropped.
    fn take(self: &Arc<Self>, message: Message, running: &mut JoinSet<()>) {
        let Some(reply) = message.reply.clone().filter(|reply| self.may_answer(&message.subject, reply)) else {
            tracing::warn!(subject = %message.subject, "a call does not say where its own host listens: dropped");
            return;
        };
        match self.calls.clone().try_acquire_owned() {
            Ok(permit) => drop(running.spawn(self.clone().run(message, reply, permit))),
            Err(_) => {
                let text = format!("the provider's process already serves {PROCESS_CALLS_MAX} calls; try another");
                self.reply(reply, Err(Failure::not_started(RpcError::HostError(text))));
            }
        }
    }

    /// An answer goes only to the host that the subject names, as this provider's.
    fn may_answer(&self, subject: &Subject, reply: &Subject) -> bool {
        let from = self.subjects.read_provider_call(subject);
        let reply = self.subjects.read_reply(reply);
        from.zip(reply).is_some_and(|(from, reply)| reply.caller == from && reply.callee == self.callee.as_str())
    }

    async fn run(self: Arc<Self>, message: Message, reply: Subject, permit: OwnedSemaphorePermit) {
        // A function that panics fails its own call, and no other.
        let called = AssertUnwindSafe(self.call(&message)).catch_unwind().await;
        let called = called.unwrap_or_else(|_| {
            let text = "the provider's function panicked; its log says where".to_owned();
            Err(Failure::unknown(RpcError::ActorHandler(text)))
        });
        let result = called.map(Bytes::from).and_then(|result| self.whole(result));
        self.reply(reply, result);
        drop(permit);
    }

    async fn call(&self, message: &Message) -> Result<Vec<u8>, Failure> {
        let refused = |error| Err(Failure::not_started(error));
        let call = match ProcessCall::from_message(message, Instant::now()) {
            Ok(call) => call,
            Err(error) => return refused(RpcError::Deser(error.to_string())),
        };
        let offered = &self.contract.name;
        if call.contract != *offered && !offered.serves(&call.contract) {
            let text =
                format!("contract `{}` is not served here, `{offered}` is: link to a provider of it", call.contract);
            return refused(RpcError::InvalidParameter(text));
        }
        if call.wire != self.announcement.wire {
            let text = format!("payloads in `{}` are not read here, only in `{}`", call.wire, self.announcement.wire);
            return refused(RpcError::Deser(text));
        }
        let trace = call.trace.map(|trace| trace.to_string().into());
        let context = CallContext::new(call.chain, call.deadline).at_depth(call.depth).traced(trace);
        self.actor.call(0, call.method.as_str(), &call.payload, &context).await
    }

    /// A result that fits into one message; payloads of processes are not cut into chunks.
    fn whole(&self, result: Bytes) -> Result<Bytes, Failure> {
        let most = self.bus.payload_max();
        if result.len() <= most {
            return Ok(result);
        }
        let text =
            format!("the result has {} bytes; {most} is the most that a provider's process answers with", result.len());
        Err(Failure::unknown(RpcError::HostError(text)))
    }

    fn reply(&self, reply: Subject, result: Result<Bytes, Failure>) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.bus.publish(answer(reply, result)) {
            tracing::debug!(%error, "an answer is lost");
        }
    }
}

/// Announces and takes calls until `stopped`, or as long as there is a bus; what came before is still taken. Gives the
/// calls that run then: they end when that is dropped.
pub(super) async fn serve(
    serving: Arc<Serving>,
    mut calls: Subscription,
    mut stopped: oneshot::Receiver<()>,
) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let mut due = interval(ANNOUNCEMENT_INTERVAL);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            _ = due.tick() => serving.announce(false),
            // Those that have ended are forgotten.
            Some(_) = running.join_next(), if !running.is_empty() => {}
            message = calls.next() => match message {
                Some(message) => serving.take(message, &mut running),
                None => return running,
            }
        }
    }
    calls.close().await;
    while let Some(message) = calls.next().await {
        serving.take(message, &mut running);
    }
    running
}
