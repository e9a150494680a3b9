//! Calls that come in by the bus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::{Actor, CallContext};
use futures_util::FutureExt as _;
use lattice::bus::{Bus, Message, Subscription};
use lattice::call::{self, Call};
use lattice::subject::Subject;
use model::blueprint::{Blueprint, CompositePlan};
use model::failure::{Failure, RpcError};
use model::limits::DEADLINE_MAX;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::host::{HostError, HostSettings};
use crate::limits::BUS_CALLS_MAX;
use crate::router::Targets;

/// Answers calls on the host's subject.
pub(crate) struct Server {
    /// Dropped to stop the task.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    calls: Arc<Semaphore>,
}

/// The actors that answer, by `app/actor`.
type Actors = BTreeMap<String, (Actor, CompositePlan)>;

impl Server {
    /// Subscribes, and answers from then on.
    pub(crate) async fn start(
        bus: &dyn Bus,
        settings: &HostSettings,
        blueprint: &Blueprint,
        targets: &Targets,
    ) -> Result<Self, HostError> {
        let subject = Subject::calls(&settings.lattice, &settings.name).map_err(HostError::Name)?;
        let subscription = bus.subscribe(subject).await.map_err(HostError::Bus)?;
        let name = |actor| format!("{}/{actor}", blueprint.application);
        let actors = targets.actors.iter().map(|(actor, target)| (name(actor), target.clone())).collect();
        let calls = Arc::new(Semaphore::new(BUS_CALLS_MAX));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(subscription, Arc::new(actors), calls.clone(), stopped));
        Ok(Self { stop, task, calls })
    }

    /// Takes no more calls, and waits until `deadline` for those that run.
    pub(crate) async fn drain(self, deadline: Instant) {
        drop(self.stop);
        let _ = self.task.await;
        let all = u32::try_from(BUS_CALLS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout_at(deadline.into(), self.calls.acquire_many(all)).await;
    }
}

async fn serve(
    mut subscription: Subscription,
    actors: Arc<Actors>,
    calls: Arc<Semaphore>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            message = subscription.next() => match message {
                Some(message) => take(message, &actors, &calls),
                None => return,
            }
        }
    }
    // What came too late is told so, and may go elsewhere.
    while let Some(Some(message)) = tokio::task::unconstrained(subscription.next()).now_or_never() {
        refuse(message, RpcError::Transport("the host is draining".to_owned()));
    }
}

/// Answers a call on a task of its own.
fn take(mut message: Message, actors: &Arc<Actors>, calls: &Arc<Semaphore>) {
    let Ok(permit) = calls.clone().try_acquire_owned() else {
        let text = format!("the host already serves {BUS_CALLS_MAX} calls from the bus; try again later");
        return refuse(message, RpcError::HostError(text));
    };
    let Some(reply) = message.reply.take() else { return };
    let actors = actors.clone();
    tokio::spawn(async move {
        let result = answer(&actors, &message).await;
        reply.send(call::answer(message.subject, result));
        drop(permit);
    });
}

fn refuse(message: Message, error: RpcError) {
    if let Some(reply) = message.reply {
        reply.send(call::answer(message.subject, Err(Failure::not_started(error))));
    }
}

async fn answer(actors: &Actors, message: &Message) -> Result<Vec<u8>, Failure> {
    let refused = |error| Err(Failure::not_started(error));
    let call = match Call::from_message(message) {
        Ok(call) => call,
        Err(error) => return refused(RpcError::Deser(error.to_string())),
    };
    let Some((actor, plan)) = actors.get(&call.actor) else {
        return refused(RpcError::Transport(format!("actor {} does not run here", call.actor)));
    };
    let serves = |wire: &str, contract: &str| wire == call.wire && contract == call.contract;
    let receiver =
        plan.receivers.iter().position(|receiver| serves(receiver.adapter.wire(), &receiver.contract.name.to_string()));
    let Some(receiver) = receiver else {
        let text = format!("actor {} does not answer on {} in {}", call.actor, call.contract, call.wire);
        return refused(RpcError::InvalidParameter(text));
    };
    let context = CallContext::new(call_id(), Instant::now() + call.remaining.min(DEADLINE_MAX));
    actor.call(receiver, &call.method, &call.payload, &context).await
}

/// Identifies one chain of calls on this host.
pub(crate) fn call_id() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}
