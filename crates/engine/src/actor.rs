//! An actor: a composite with settings, admission, instances and calls.

mod admission;
mod handle;
mod idle;
mod latency;
mod serve;
mod stats;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use model::failure::{Failure, RpcError};
use tokio::sync::Semaphore;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentExportIndex, InstancePre, Val};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

pub(crate) use self::idle::IdleInstances;
pub use self::latency::Latencies;
pub use self::stats::ActorStats;

use self::admission::{Admission, Place};
pub use self::handle::Unanswered;
use self::handle::{Entrance, entrances};
use self::idle::Idle;
use self::stats::Counters;
use crate::call::CallContext;
use crate::command::Process;
use crate::component::Component;
use crate::deadline;
use crate::ear::{Ear, Heard, Way};
use crate::engine::Flavour;
use crate::error::EngineError;
use crate::limits::{HOSTCALL_SPARE_BYTES, LOOKUPS_MAX};
use crate::linker;
use crate::log::Log;
use crate::native::Native;
use crate::outbound::Outbound;
use crate::settings::ActorSettings;
use crate::stop::{self, Stop};
use crate::store::{Live, State};
use crate::{wasi, wire};

/// A composite that can be called. Cheap to clone.
#[derive(Clone)]
pub struct Actor(Arc<Inner>, usize);

struct Inner {
    flavour: Arc<Flavour>,
    instances: InstancePre<State>,
    /// `receive` of each receiver.
    receivers: Vec<ComponentExportIndex>,
    /// Where requests of HTTP go in.
    entrances: Vec<Entrance>,
    admission: Admission,
    idle: Arc<Idle>,
    shared: Arc<Shared>,
}

/// What an actor's instances share with it.
pub(crate) struct Shared {
    /// Tells actors apart in call chains.
    id: u64,
    pub(crate) settings: ActorSettings,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) log: Arc<Log>,
    pub(crate) live: Live,
    /// The folders it may use, opened.
    pub(crate) folders: WasiFilesystemCtx,
    /// One permit for each name that it may look up at once.
    pub(crate) lookups: Arc<Semaphore>,
    pub(crate) role: Role,
    /// What one call of the host may lift, in wasmtime's measure: bytes in the host's memory.
    pub(crate) lift_bytes_max: usize,
    counters: Counters,
}

/// What a component is run as.
pub(crate) enum Role {
    /// As an actor.
    Actor,
    /// As a command, with what it has because of that.
    Command(Process),
    /// As a computation.
    Computation,
}

/// Calls were still running when the time to drain was over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("actor '{actor}' still has {calls} calls; they end at their own deadlines")]
pub struct DrainError {
    /// The actor.
    pub actor: String,
    /// The calls that are left.
    pub calls: usize,
}

impl Actor {
    pub(crate) fn new(
        component: &Component,
        settings: ActorSettings,
        outbound: Arc<dyn Outbound>,
        native: Option<&Native>,
    ) -> Result<Self, EngineError> {
        check_settings(&settings)?;
        if settings.tapes.is_some() && component.flavour.concurrent {
            return Err(EngineError::Concurrent { actor: settings.name });
        }
        let instances = linker::connect(component, &settings, native)?;
        let receivers = receivers(component, &settings)?;
        let entrances = entrances(&instances, &settings)?;
        let flavour = Arc::clone(&component.flavour);
        let idle = Idle::new(&settings);
        flavour.shared.idle.add(&idle);
        let admission = Admission::new(&settings);
        let mut shared = Shared::new(settings, outbound, flavour.shared.live.clone(), Role::Actor)?;
        if native.is_some() {
            // Its functions take any value: of a list of bytes, each byte is as large as that.
            shared.lift_bytes_max = shared.lift_bytes_max.saturating_mul(size_of::<Val>());
        }
        let shared = Arc::new(shared);
        Ok(Self(Arc::new(Inner { flavour, instances, receivers, entrances, admission, idle, shared }), 0))
    }

    /// The same actor, whose requests of HTTP come in by the export with this index in
    /// [`ActorSettings::http`](crate::ActorSettings::http); without a word it is the first.
    pub fn entering(&self, entrance: usize) -> Self {
        Self(Arc::clone(&self.0), entrance)
    }

    /// True where both are one composite with the same instances.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The actor's name.
    pub fn name(&self) -> &str {
        &self.0.shared.settings.name
    }

    /// Calls `receive` of the receiver with this index in
    /// [`ActorSettings::receivers`](crate::ActorSettings::receivers), on the caller's task, which must be a tokio
    /// one with a timer. Dropping the future ends the call and frees all it used.
    ///
    /// A failure is [`NotStarted`](model::failure::Progress::NotStarted) if no code of the actor ran.
    pub async fn call(
        &self,
        receiver: usize,
        method: &str,
        payload: &[u8],
        call: &CallContext,
    ) -> Result<Vec<u8>, Failure> {
        let Some(ear) = self.0.shared.ear() else { return self.0.call(receiver, method, payload, call).await };
        let begun = Instant::now();
        let answer = Box::pin(self.0.call(receiver, method, payload, call)).await;
        let (way, elapsed) = (Way::In(receiver), begun.elapsed());
        ear.hears(Heard { way, method, payload, answer: answer.as_deref(), depth: call.depth(), elapsed });
        answer
    }

    /// True where a call would have an instance at once.
    pub fn has_room(&self) -> bool {
        self.0.admission.has_room()
    }

    /// Refuses new calls and waits until `deadline` for those that were accepted.
    pub async fn drain(&self, deadline: Instant) -> Result<(), DrainError> {
        self.0.admission.close();
        let drained = tokio::time::timeout_at(deadline.into(), self.0.admission.emptied()).await;
        self.0.idle.clear();
        drained.map_err(|_| DrainError { actor: self.name().to_owned(), calls: self.0.admission.active() })
    }

    /// From now on it is measured how long calls take, or no longer.
    pub fn measure(&self, is_on: bool) {
        self.0.admission.stopwatch.switch(is_on);
    }

    /// How long the calls took that were measured.
    pub fn latencies(&self) -> Latencies {
        self.0.admission.stopwatch.read()
    }

    /// What the actor does and did.
    pub fn stats(&self) -> ActorStats {
        let inner = &*self.0;
        inner.shared.counters.read(inner.admission.running(), inner.admission.waiting(), inner.idle.count())
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("name", &self.name()).field("stats", &self.stats()).finish()
    }
}

impl Inner {
    async fn call(
        &self,
        receiver: usize,
        method: &str,
        payload: &[u8],
        call: &CallContext,
    ) -> Result<Vec<u8>, Failure> {
        let place = self.admit(method, payload, call).await.inspect_err(|_| self.shared.counters.refused())?;
        let inside = call.enter(self.shared.id, self.execution_end(place.since));
        let deadline = inside.deadline();
        match deadline::before(deadline, self.serve(receiver, method, payload, inside)).await {
            Some(reply) => reply,
            None => Err(self.shared.late(method)),
        }
    }

    async fn admit(&self, method: &str, payload: &[u8], call: &CallContext) -> Result<Place<'_>, Failure> {
        self.shared.check_size(method.len().saturating_add(payload.len()))?;
        let depth = self.shared.settings.depth;
        if call.depth() >= depth {
            let text = format!("the chain of calls is longer than {depth}; look for a cycle of links");
            return Err(Failure::not_started(RpcError::HostError(text)));
        }
        self.admission.enter(&self.shared, call).await
    }

    fn execution_end(&self, begun: Instant) -> Instant {
        begun.checked_add(self.shared.settings.execution).unwrap_or(begun)
    }
}

impl Shared {
    pub(crate) fn new(
        settings: ActorSettings,
        outbound: Arc<dyn Outbound>,
        live: Live,
        role: Role,
    ) -> Result<Self, EngineError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let log = Log::new(&settings.name, settings.log_bytes_per_s);
        let folders = wasi::open_folders(&settings)?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let lift_bytes_max = settings.message_bytes_max.saturating_add(HOSTCALL_SPARE_BYTES);
        let counters = Counters::default();
        let lookups = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Ok(Self { id, settings, outbound, log, live, folders, lookups, role, lift_bytes_max, counters })
    }

    /// Whoever listens to the actor's messages now.
    pub(crate) fn ear(&self) -> Option<&dyn Ear> {
        self.settings.ear.as_deref().filter(|ear| ear.listens())
    }

    /// Refuses a message of `bytes` if that is too large.
    pub(crate) fn check_size(&self, bytes: usize) -> Result<(), Failure> {
        let bytes_max = self.settings.message_bytes_max;
        if bytes <= bytes_max {
            return Ok(());
        }
        let actor = &self.settings.name;
        let text = format!("actor '{actor}': a message of {bytes} bytes is over its limit of {bytes_max}");
        Err(Failure::not_started(RpcError::HostError(text)))
    }

    /// The failure of a call that was waiting when its time was over.
    fn late(&self, method: &str) -> Failure {
        self.counters.stopped(&Stop::Deadline);
        stop::report(&Stop::Deadline, None, self, method);
        Failure::unknown(Stop::Deadline.failure(&self.settings.name))
    }
}

fn check_settings(settings: &ActorSettings) -> Result<(), EngineError> {
    let zero = [("instances", settings.instances == 0), ("reuse", settings.reuse == 0)];
    match zero.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((setting, _)) => Err(EngineError::Zero { actor: settings.name.clone(), setting }),
        None => Ok(()),
    }
}

fn receivers(component: &Component, settings: &ActorSettings) -> Result<Vec<ComponentExportIndex>, EngineError> {
    let receive = |label: &String| {
        let receiver = component.code.get_export_index(None, label)?;
        component.code.get_export_index(Some(&receiver), "receive")
    };
    let labels: Vec<String> = settings.receivers.iter().filter(|label| receive(label).is_none()).cloned().collect();
    if !labels.is_empty() {
        return Err(EngineError::MissingReceivers { actor: settings.name.clone(), labels });
    }
    check_types(component, settings)?;
    Ok(settings.receivers.iter().filter_map(receive).collect())
}

/// Refuses receivers that the first call would fail on.
fn check_types(component: &Component, settings: &ActorSettings) -> Result<(), EngineError> {
    let (engine, composite) = (&component.flavour.engine, component.code.component_type());
    let fits = |label: &&String| match composite.get_export(engine, label).map(|export| export.ty) {
        Some(ComponentItem::ComponentInstance(receiver)) => wire::is_receiver(&receiver, engine),
        _ => false,
    };
    match settings.receivers.iter().find(|label| !fits(label)) {
        Some(label) => {
            let source = format!("`receive` of `{label}` is not that of lath:wasmbus/receiver").into();
            Err(EngineError::Link { actor: settings.name.clone(), source })
        }
        None => Ok(()),
    }
}
