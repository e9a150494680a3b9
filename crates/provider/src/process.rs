//! A provider as a process of its own, on a lattice.
//!
//! The same functions that serve a contract inside a host ([`crate::service`]) serve it here: the process loads the
//! contract's generated receiver, which turns messages into typed calls, and meets its import with the functions. There
//! is no code for calls in a provider, and none here that knows a contract.
//!
//! Several processes may serve one provider: each has an instance name of its own, and hosts choose among those that they
//! heard of late. `lattice::process` says what travels.

mod serve;

use std::sync::Arc;
use std::time::Instant;

use adapter::emit::Side;
use adapter::generate::generate;
use engine::{Actor, ActorSettings, Engine, EngineSettings};
use lattice::bus::Bus;
use lattice::process::Announcement;
use lattice::subject::{Subjects, Token};
use model::blueprint::WIRE_1;
use model::ids::{AppName, ProviderName};
use model::limits::{DEADLINE_MAX, DEPTH_MAX, REUSE_MAX};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::ProcessError;
use crate::limits::PROCESS_CALLS_MAX;
use crate::service::{Backend, Service};
use serve::Serving;

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

/// A provider that answers calls from a lattice.
pub struct Process {
    serving: Arc<Serving>,
    backend: Arc<dyn Backend>,
    /// Dropped to stop the task.
    stop: oneshot::Sender<()>,
    task: JoinHandle<JoinSet<()>>,
}

impl Process {
    /// Announces the provider, and answers calls from then on.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The contract cannot travel as messages, the engine cannot start, or the bus cannot be subscribed to.
    pub async fn start<B: Backend>(
        service: Service<B>,
        settings: &ProcessSettings,
        bus: Arc<dyn Bus>,
        subjects: Subjects,
    ) -> Result<Self, ProcessError> {
        let backend: Arc<dyn Backend> = service.backend().clone();
        let contract = service.contract().clone();
        let actor = behind_receiver(service, settings)?;
        let announcement =
            Announcement { contracts: vec![contract.name.clone()], wire: WIRE_1.parse()?, leaving: false };
        let ProcessSettings { application, provider, instance } = settings;
        let calls = bus.subscribe(subjects.provider_calls(application, provider, instance)).await?;
        let beat = subjects.provider_beat(application, provider, instance);
        let callee = Token::pair(application, provider);
        let serving = Arc::new(Serving::new(actor, contract, bus, subjects, callee, beat, announcement));
        serving.announce(false);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve::serve(serving.clone(), calls, stopped));
        Ok(Self { serving, backend, stop, task })
    }

    /// Says that it leaves, finishes what has come until `deadline`, lets the provider let go of what it holds, and ends.
    /// How many calls still ran at the deadline: they are cut off.
    pub async fn drain(self, deadline: Instant) -> usize {
        self.serving.announce(true);
        drop(self.stop);
        let running = self.task.await;
        let left = self.serving.finished(deadline).await;
        // What still runs ends here, before the provider lets go of what it uses.
        drop(running);
        self.backend.drain().await;
        left
    }

    /// Calls that were answered since the start, with results or failures.
    pub fn answered(&self) -> u64 {
        self.serving.answered()
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
