//! Calls of targets that run on several hosts: here first, else on another, and on a further one where that fails.

mod streamed;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::CallContext;
use lattice::call::{Call, Origin, Target, Word};
use lattice::calls::{Caller, Heard};
use lattice::pulse::Stamp;
use model::failure::{Failure, RpcError};
use model::ids::HostName;

use super::chain::Chains;
use super::near::Near;
use crate::health::{Chosen, Health, Wanted};
use crate::outside::processes::Processes;
use crate::retry::{Budget, Tries};
use crate::telemetry::Meter;

/// The way from this host to others.
#[derive(Clone)]
pub struct Outside {
    /// This host.
    pub host: HostName,
    /// Which hosts answer.
    pub health: Health,
    /// Calls them.
    pub caller: Caller,
    /// Providers that are processes of their own.
    pub processes: Processes,
    pub(super) chains: Chains,
    stamp: Option<Arc<Stamp>>,
}

impl Outside {
    /// The way from `host`.
    pub fn new(host: HostName, health: Health, caller: Caller) -> Self {
        let processes = Processes::new(host.clone(), caller.clone(), caller.subjects().clone());
        Self { host, health, caller, processes, chains: Chains::default(), stamp: None }
    }

    /// The same, closed while the host is not awake: what ran here when it stood still calls nobody in its name.
    pub fn guarded(mut self, stamp: Arc<Stamp>) -> Self {
        self.stamp = Some(stamp);
        self
    }

    pub(super) fn admits(&self) -> Result<(), Failure> {
        self.stamp.as_ref().map_or(Ok(()), |stamp| stamp.admits(Instant::now()))
    }

    pub(crate) fn chains(&self) -> &Chains {
        &self.chains
    }
}

/// A target that other hosts have, as one caller reaches it.
pub(crate) struct Far {
    /// The target on this host, which comes first.
    pub(super) near: Option<Near>,
    pub(super) outside: Outside,
    pub(super) reached: Reached,
    /// Functions that may run twice.
    pub(super) idempotent: BTreeSet<String>,
    pub(super) budget: Arc<Budget>,
    pub(super) meter: Option<Arc<Meter>>,
}

/// A target on other hosts, and what calls of it say.
pub(crate) struct Reached {
    pub(crate) target: Target,
    pub(crate) origin: Origin,
    pub(crate) link: Option<Word>,
    pub(crate) contract: Word,
    pub(crate) wire: Word,
    /// The hosts, this one left out.
    pub(crate) hosts: BTreeSet<HostName>,
    /// The generation that placed it there.
    pub(crate) generation: u64,
}

/// One call with what it has come to so far.
struct Attempt<'a> {
    far: &'a Far,
    method: &'a str,
    payload: Bytes,
    call: &'a CallContext,
    deadline: Instant,
    tries: Tries,
    failed: Vec<HostName>,
}

impl Far {
    /// A target without a link: no function may run twice.
    pub(crate) fn new(near: Option<Near>, outside: Outside, reached: Reached) -> Self {
        Self { near, outside, reached, idempotent: BTreeSet::new(), budget: Arc::default(), meter: None }
    }

    /// Calls `method` wherever that succeeds first, until `deadline`.
    pub(crate) async fn call(
        &self,
        method: &str,
        payload: Bytes,
        call: &CallContext,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        self.budget.earn();
        let tries = Tries::new(self.idempotent.contains(method));
        let attempt = Attempt { far: self, method, payload, call, deadline, tries, failed: Vec::new() };
        attempt.run().await
    }

    fn nobody(&self) -> Failure {
        let text = if self.reached.hosts.is_empty() && self.near.is_none() {
            format!("{} is placed on no host; see its status for the reason", self.reached.target)
        } else {
            format!("no host that has {} answers now; see the status of its hosts, or call again", self.reached.target)
        };
        Failure::not_started(RpcError::Transport(text))
    }
}

impl Attempt<'_> {
    async fn run(mut self) -> Result<Vec<u8>, Failure> {
        let mut last = None;
        if let Some(near) = &self.far.near {
            let until = self.until();
            let failure = match near.call(self.method, &self.payload, self.call, until).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            last = Some(self.again(failure)?);
        }
        loop {
            let Some(chosen) = self.choose() else {
                return Err(self.tries.verdict(last.unwrap_or_else(|| self.far.nobody())));
            };
            match self.send(chosen).await {
                Ok(answer) => return Ok(answer.into()),
                Err(failure) => last = Some(self.again(failure)?),
            }
        }
    }

    /// The next host to try, while there is time.
    fn choose(&mut self) -> Option<Chosen> {
        let chosen = self.far.outside.health.choose(&self.far.reached.hosts, &self.failed, self.wanted());
        let chosen = chosen.filter(|_| Instant::now() < self.deadline)?;
        self.failed.push(chosen.host().clone());
        Some(chosen)
    }

    /// The failure, where the call may be tried on another host; else it is the call's.
    fn again(&mut self, failure: Failure) -> Result<Failure, Failure> {
        // Nothing is paid for a retry that has nowhere to go, or no time left.
        let possible = self.has_other() && Instant::now() < self.deadline;
        match self.tries.again(&failure, &self.far.budget, possible) {
            true => {
                if let Some(meter) = &self.far.meter {
                    meter.retried();
                }
                Ok(failure)
            }
            false => Err(self.tries.verdict(failure)),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { target: &self.far.reached.target, generation: self.far.reached.generation }
    }

    /// True where there is a host that has not been tried and could be: to be placed there is not enough.
    fn has_other(&self) -> bool {
        self.far.outside.health.has_other(&self.far.reached.hosts, &self.failed, self.wanted())
    }

    /// When the next try ends.
    fn until(&self) -> Instant {
        let now = Instant::now();
        let elsewhere = self.tries.is_idempotent() && self.has_other();
        now + self.tries.patience(self.deadline.saturating_duration_since(now), elsewhere)
    }

    async fn send(&self, chosen: Chosen) -> Result<Bytes, Failure> {
        self.far.outside.admits()?;
        let until = self.until();
        let message = self.message(until)?;
        let _away = self.far.outside.chains.leave(self.call);
        let heard = Heard::default();
        let result = self.far.outside.caller.call_heard(chosen.host(), message, &heard).await;
        self.note(chosen, &heard, until);
        result
    }

    /// Notes what was heard of the host, and what was not.
    fn note(&self, chosen: Chosen, heard: &Heard, until: Instant) {
        if heard.answer() {
            chosen.answered();
        } else if heard.nobody() {
            self.far.outside.health.disconnected(chosen.host());
        } else if Instant::now() >= until && self.far.outside.admits().is_ok() {
            // Had this host stood still meanwhile, the silence would be its own.
            chosen.missed();
        }
    }

    fn message(&self, deadline: Instant) -> Result<Call, Failure> {
        let method = self.method.parse();
        let method = method.map_err(|_| Failure::not_started(RpcError::MethodNotHandled(self.method.to_owned())))?;
        Ok(Call {
            target: self.far.reached.target.clone(),
            origin: self.far.reached.origin.clone(),
            link: self.far.reached.link.clone(),
            contract: self.far.reached.contract.clone(),
            method,
            wire: self.far.reached.wire.clone(),
            deadline,
            chain: self.call.call_id(),
            depth: self.call.depth(),
            generation: self.far.reached.generation,
            trace: self.call.trace().cloned(),
            payload: self.payload.clone(),
        })
    }
}
