//! A provider as a process of its own, on a lattice.
//!
//! The same functions that serve a contract inside a host ([`crate::service`]) serve it here: the process loads the
//! contract's generated receiver, which turns messages into typed calls, and meets its import with the functions. There
//! is no code for calls in a provider, and none here that knows a contract.
//!
//! Calls come as they come to a host, by [`lattice::calls`], and so what holds there holds here: a call that was seen
//! before is dropped, one whose caller has gone is ended, payloads travel in chunks. A process that stood still, as
//! [`lattice::pulse`] finds, refuses what had piled up until it has heard itself through the bus.
//!
//! Several processes may serve one provider: each has an instance name of its own, and hosts choose among those that they
//! heard of late. `lattice::process` says what travels.

mod desk;
mod presence;

use std::sync::Arc;
use std::time::Instant;

use adapter::generate::generate;
use engine::{Actor, ActorSettings, Engine, EngineSettings};
use lattice::bus::Bus;
use lattice::calls::{Callee, Server, ServerStats};
use lattice::process::{Announcement, Calls};
use lattice::pulse::{Pulse, Stamp};
use lattice::subject::{Subjects, Token};
use model::blueprint::WIRE_1;
use model::ids::{AppName, ProviderName};
use model::limits::{DEADLINE_MAX, DEPTH_MAX, REUSE_MAX};
use model::wire::Side;
use tokio::task::AbortHandle;

use crate::error::ProcessError;
use crate::limits::{FAREWELL_TIME_MAX, LETTING_GO_TIME_MAX, PROCESS_CALLS_MAX};
use crate::service::{Backend, Service};
use desk::Desk;
use presence::Presence;

/// The export of a receiver that has not been composed.
const RECEIVER: &str = "lath:wasmbus/receiver@0.1.0";

/// Which provider a process serves, and as which of its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// The application.
    pub application: AppName,
    /// The provider's name in the application's manifest.
    pub provider: ProviderName,
    /// This process, among all that serve the provider.
    pub instance: Token,
}

/// A provider that answers calls from a lattice. Dropped, it ends as one that crashed: it tells nobody.
pub struct Process {
    server: Server,
    presence: Arc<Presence>,
    backend: Arc<dyn Backend>,
    stamp: Arc<Stamp>,
    _present: Task,
}

/// Ended when it is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Process {
    /// Answers calls from then on, and announces the provider.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The contract cannot travel as messages, the engine or a thread cannot start, or the bus cannot be subscribed to.
    pub async fn start<B: Backend>(
        service: Service<B>,
        settings: &ProcessSettings,
        bus: Arc<dyn Bus>,
        subjects: Subjects,
    ) -> Result<Self, ProcessError> {
        let backend: Arc<dyn Backend> = service.backend().clone();
        let contract = service.contract().clone();
        let ProcessSettings { application, provider, instance } = settings.clone();
        let announcement = Announcement {
            contracts: vec![contract.name.clone()],
            wire: WIRE_1.parse()?,
            calls: Calls::Host,
            leaving: false,
        };
        let beat = subjects.provider_beat(&application, &provider, &instance);
        // Nothing can have been sent to this process before it began.
        let pulse = Pulse::start(true, Box::new(|_| {})).map_err(ProcessError::Pulse)?;
        let stamp = pulse.stamp();
        let desk = Desk::new(behind_receiver(service, settings)?, contract.name.clone(), stamp.clone());
        let me = Callee::Process { application, provider, instance };
        let server = Server::start(bus.clone(), subjects, me, Arc::new(desk), PROCESS_CALLS_MAX).await?;
        let presence = Arc::new(Presence::new(bus, beat, announcement));
        let present = tokio::spawn(presence.clone().keep(pulse, server.echoes()));
        Ok(Self { server, presence, backend, stamp, _present: Task(present.abort_handle()) })
    }

    /// Says that it leaves, finishes what has come until `deadline`, lets the provider let go of what it holds, for which it
    /// has [`LETTING_GO_TIME_MAX`] beyond that, and ends. How many calls still ran at the deadline: they are cut off.
    pub async fn drain(self, deadline: Instant) -> usize {
        self.presence.leave();
        // What hosts sent before they could hear that is served, or refused from then on: they go elsewhere.
        let farewell = deadline.min(Instant::now() + FAREWELL_TIME_MAX);
        if let Err(reason) = self.server.echoes().ask(farewell).await {
            tracing::debug!(%reason, "whether hosts know that the provider leaves is not known");
        }
        let left = self.server.drain(deadline).await;
        let patience = deadline.max(Instant::now() + LETTING_GO_TIME_MAX);
        if tokio::time::timeout_at(patience.into(), self.backend.drain()).await.is_err() {
            tracing::warn!("the provider still held files or connections when its time to let go was over");
        }
        left
    }

    /// Whether the process is awake. Calls are refused while it is not; a provider that acts by itself asks here first.
    pub fn stamp(&self) -> Arc<Stamp> {
        self.stamp.clone()
    }

    /// What it does with calls, and did.
    pub fn stats(&self) -> ServerStats {
        self.server.stats()
    }
}

/// The service behind its contract's receiver.
fn behind_receiver<B: Backend>(service: Service<B>, settings: &ProcessSettings) -> Result<Actor, ProcessError> {
    let contract = service.contract().clone();
    let calls = u32::try_from(PROCESS_CALLS_MAX).unwrap_or(u32::MAX);
    let engine = Engine::new(EngineSettings { instances_max: calls, ..EngineSettings::default() })?;
    let receiver = engine.load(&generate(&contract, Side::Receiver).map_err(Box::new)?)?.component;
    let name = format!("{}/{}", settings.application, settings.provider);
    let settings = ActorSettings {
        instances: PROCESS_CALLS_MAX,
        queue: 0,
        // The functions are the provider's own: the caller's deadline is all that ends them.
        execution: DEADLINE_MAX,
        depth: DEPTH_MAX,
        // A receiver keeps nothing of a call.
        reuse: REUSE_MAX,
        receivers: vec![RECEIVER.to_owned()],
        ..ActorSettings::new(name)
    };
    Ok(engine.native(&receiver, settings, contract, Arc::new(service))?)
}
