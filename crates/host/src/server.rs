//! Calls that come in by the bus: whether they may run here, and on what.

mod streaming;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::CallContext;
use futures_util::future::BoxFuture;
use lattice::bus::{Bus, BusError};
use lattice::call::Call;
use lattice::calls::{self, Handler};
use lattice::pulse::Stamp;
use lattice::stream::{Incoming, Streamed};
use lattice::subject::Subjects;
use model::blueprint::Target;
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::HostName;
use model::limits::DEPTH_MAX;
use model::planted::Bug;
use provider::Opens;
use tokio::sync::{Semaphore, watch};

use crate::authority::{Granted, Judge, Knowledge, Refusal, authorise};
use crate::health::Health;
use crate::limits::{BUS_CALLS_MAX, CATCH_UP_TIME, CATCHING_UP_MAX};
use crate::router::{Near, Switchboard, Targets};

/// Answers calls on the host's subject.
pub struct Server(calls::Server);

/// Decides about calls from the bus, and makes those that may run.
pub struct Reception {
    /// This host.
    pub host: HostName,
    /// What runs here.
    pub switchboard: Switchboard,
    /// Whom the host believes.
    pub trust: Trust,
    /// Whether the host is awake; none where it is in no lattice, and nobody else could answer.
    pub stamp: Option<Arc<Stamp>>,
}

/// A reception in service.
struct Desk {
    reception: Reception,
    /// Room for calls that wait until this host has caught up: whoever claims to know the future holds no more than that.
    catching_up: Semaphore,
}

/// Whom a host believes.
pub enum Trust {
    /// Whoever is on the bus, which is inside this process: any contract of any actor may be called.
    Everyone,
    /// Nobody: calls are checked against what was agreed.
    Agreement {
        /// What was agreed, as far as this host has taken it up.
        knowledge: watch::Receiver<Arc<Knowledge>>,
        /// Which hosts live.
        health: Health,
        /// The contract of HTTP requests.
        requests: ContractName,
    },
}

impl Server {
    /// Subscribes, and answers from then on.
    ///
    /// # Errors
    ///
    /// Where the bus does not take the subscription.
    pub async fn start(bus: Arc<dyn Bus>, subjects: Subjects, reception: Reception) -> Result<Self, BusError> {
        let host = reception.host.clone();
        let desk = Arc::new(Desk { reception, catching_up: Semaphore::new(CATCHING_UP_MAX) });
        calls::Server::start(bus, subjects, host, desk, BUS_CALLS_MAX).await.map(Self)
    }

    /// Refuses, from now on, every call as not started. What runs goes on.
    pub fn close(&self) {
        self.0.close();
    }

    /// Takes no more calls, and waits until `deadline` for those that run. How many still ran then: they are dropped.
    pub async fn drain(self, deadline: Instant) -> usize {
        self.0.drain(deadline).await
    }

    /// What tells that every call that was under way to this host has been taken, and so refused where it is not awake.
    pub fn echoes(&self) -> calls::Echoes {
        self.0.echoes()
    }

    /// The same, for whoever looks later.
    pub fn counts(&self) -> calls::ServerCounts {
        self.0.counts()
    }

    /// What it does and did.
    pub fn stats(&self) -> calls::ServerStats {
        self.0.stats()
    }
}

impl Handler for Desk {
    fn admit(&self, from: &HostName, call: &Call) -> Result<(), Failure> {
        let reception = &self.reception;
        reception.check(call)?;
        let Trust::Agreement { knowledge, health, requests } = &reception.trust else { return Ok(()) };
        match reception.judge(from, call, &knowledge.borrow(), health, requests) {
            // The call itself waits until this host has caught up.
            Ok(_) | Err(Refusal::Newer { .. }) => Ok(()),
            Err(refusal) => Err(refusal.failure(call, from, &reception.host)),
        }
    }

    fn call<'a>(&'a self, from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move { self.reception.answer(from, &call, &self.catching_up).await.map(Bytes::from) })
    }

    fn stream<'a>(
        &'a self,
        from: &'a HostName,
        call: Call,
        body: Incoming,
    ) -> BoxFuture<'a, Result<Streamed, Failure>> {
        Box::pin(self.reception.exchange(from, call, body, &self.catching_up))
    }
}

impl Reception {
    async fn answer(&self, from: &HostName, call: &Call, room: &Semaphore) -> Result<Vec<u8>, Failure> {
        self.check(call)?;
        let near = match &self.trust {
            Trust::Everyone => self.named(call)?,
            Trust::Agreement { knowledge, health, requests } => {
                let granted = self.granted(from, call, knowledge, (health, requests), room).await?;
                // The host may have stood still while the call waited.
                self.check(call)?;
                self.found(from, call, &granted)?
            }
        };
        let (method, context) = (call.method.as_str(), self.context(call));
        let Some(meter) = self.switchboard.telemetry().served(call) else {
            return near.call(method, &call.payload, &context, call.deadline).await;
        };
        let (measured, own) = meter.begin(&context, method, Instant::now());
        let answer = near.call(method, &call.payload, own.as_deref().unwrap_or(&context), call.deadline).await;
        measured.ended(&answer);
        answer
    }

    /// What any call must pass, whoever sent it.
    fn check(&self, call: &Call) -> Result<(), Failure> {
        if let Some(stamp) = self.stamp.as_ref().filter(|_| !Bug::RunsLate.is_planted()) {
            stamp.admits(Instant::now())?;
        }
        if call.depth > DEPTH_MAX {
            let text = format!("the chain of calls is longer than {DEPTH_MAX}; look for a cycle of links");
            return Err(Failure::not_started(RpcError::HostError(text)));
        }
        Ok(())
    }

    /// What the call may call, once this host knows as much as its caller; it waits for that where there is `room`.
    async fn granted(
        &self,
        from: &HostName,
        call: &Call,
        knowledge: &watch::Receiver<Arc<Knowledge>>,
        (health, requests): (&Health, &ContractName),
        room: &Semaphore,
    ) -> Result<Granted, Failure> {
        let judged = self.judge(from, call, &knowledge.borrow(), health, requests);
        let judged = match judged {
            Err(newer @ Refusal::Newer { .. }) => {
                let Ok(_waiting) = room.try_acquire() else { return Err(newer.failure(call, from, &self.host)) };
                let mut knowledge = knowledge.clone();
                let until = call.deadline.min(Instant::now() + CATCH_UP_TIME);
                let caught_up = |known: &Arc<Knowledge>| known.generation(call.target.app()) >= call.generation;
                // Whether it has caught up or not: what is known then decides.
                let _ = tokio::time::timeout_at(until.into(), knowledge.wait_for(caught_up)).await;
                let known = knowledge.borrow().clone();
                self.judge(from, call, &known, health, requests)
            }
            judged => judged,
        };
        judged.map_err(|refusal| refusal.failure(call, from, &self.host))
    }

    fn judge(
        &self,
        from: &HostName,
        call: &Call,
        knowledge: &Knowledge,
        health: &Health,
        requests: &ContractName,
    ) -> Result<Granted, Refusal> {
        let is_live = || *from == self.host || health.is_live(from);
        authorise(call, from, Judge { knowledge, requests, is_live: &is_live, now: Instant::now() })
    }

    /// The target of a call that may be made, as it runs here.
    fn found(&self, from: &HostName, call: &Call, granted: &Granted) -> Result<Near, Failure> {
        let table = self.switchboard.table();
        let Some(targets) = table.get(call.target.app()).filter(|targets| targets.has(&granted.target)) else {
            return Err(Refusal::NotHere.failure(call, from, &self.host));
        };
        let near = targets.find(&granted.target, &granted.contract, call.wire.as_str(), &granted.opens);
        near.ok_or_else(|| {
            // The call is as it was agreed: what still runs here is of another version, and another host may have this.
            let text = format!("{} here; call another host, or again", unanswered(call));
            Failure::not_started(RpcError::Transport(text))
        })
    }

    /// The target that a call names, whoever calls.
    fn named(&self, call: &Call) -> Result<Near, Failure> {
        let table = self.switchboard.table();
        let target = |targets: &Targets| targets.named(call.target.name());
        let found = table.get(call.target.app()).and_then(|targets| Some((targets, target(targets)?)));
        let (targets, target): (_, Target) = found.ok_or_else(|| {
            Failure::not_started(RpcError::Transport(format!("actor {} does not run here", call.target)))
        })?;
        let contract: Option<ContractName> = call.contract.as_str().parse().ok();
        let near = contract.and_then(|contract| targets.find(&target, &contract, call.wire.as_str(), &Opens::All));
        near.ok_or_else(|| Failure::not_started(RpcError::InvalidParameter(unanswered(call))))
    }

    /// The context of a call: a chain that comes back holds here what it held when it left.
    fn context(&self, call: &Call) -> CallContext {
        let chains = self.switchboard.outside().map(|outside| outside.chains());
        let context = match chains.and_then(|chains| chains.resume(call.chain, call.depth)) {
            Some(above) => above.within(call.deadline),
            None => CallContext::new(call.chain, call.deadline),
        };
        context.at_depth(call.depth).traced(call.trace.clone())
    }
}

fn unanswered(call: &Call) -> String {
    format!("actor {} does not answer on {} in {}", call.target, call.contract, call.wire)
}
