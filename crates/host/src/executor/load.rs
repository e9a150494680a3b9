//! Starting parts: fetching, composing, compiling, opening.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use adapter::compose::labels::Labels;
use adapter::compose::{self, ComposeError};
use engine::http::Requests;
use engine::{Actor, ActorSettings, Engine, EngineError};
use lattice::store::Bucket;
use model::blueprint::{CompositePlan, Member, ProviderPlan};
use model::digest::Digest;
use model::ids::{ActorName, AppName, ProviderName, SecretName};
use provider::http::outgoing::{self, Client, Roots};
use provider::{Provider, ProviderError, Surroundings};
use tokio::sync::Semaphore;

use super::parts::{Parts, PartsError, components};
use super::resolve::{Configuration, Resolved};
use super::slot::{ExchangeError, Open, Slot};
use super::state::PartName;
use super::{Loaded, Sources, Tenancy};
use crate::limits::{DRAIN_TIME_MAX, FETCH_TIME_MAX};
use crate::record::{RecordError, Recorder};
use crate::router::Outbox;
use crate::secrets::SecretError;
use crate::telemetry::Telemetry;

/// Why a part of an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A component cannot be had.
    #[error("actor {actor} cannot be fetched")]
    Fetch {
        /// The actor.
        actor: ActorName,
        /// Why.
        source: PartsError,
    },
    /// A component does not come.
    #[error("the components of actor {actor} were not there within {} s", after.as_secs())]
    Slow {
        /// The actor.
        actor: ActorName,
        /// How long was waited.
        after: Duration,
    },
    /// A composite cannot be made.
    #[error("actor {actor} cannot be linked")]
    Compose {
        /// The actor.
        actor: ActorName,
        /// Why.
        source: ComposeError,
    },
    /// A composite cannot be compiled or given what it imports.
    #[error("actor {actor} cannot be started")]
    Actor {
        /// The actor.
        actor: ActorName,
        /// Why.
        source: EngineError,
    },
    /// A provider cannot be opened.
    #[error("provider {provider} cannot be started")]
    Provider {
        /// The provider.
        provider: ProviderName,
        /// Why.
        source: ProviderError,
    },
    /// Calls of the provider as it was before do not end.
    #[error("provider {provider} cannot be configured anew: calls of it were still running after {} s", after.as_secs())]
    Busy {
        /// The provider.
        provider: ProviderName,
        /// How long was waited.
        after: Duration,
    },
    /// A secret is not at hand.
    #[error("{part} needs the secret `{secret}`")]
    Secret {
        /// What needs it.
        part: PartName,
        /// The secret.
        secret: SecretName,
        /// Why it is not at hand.
        source: Box<SecretError>,
    },
    /// This host has different settings for actors that share their configuration.
    #[error(
        "actor {actor} cannot be started: this host sets `{key}` of its fused actor {second} to something else than of \
         another, and they share their configuration; set it for all of them"
    )]
    Settings {
        /// The actor.
        actor: ActorName,
        /// The actor in its composite whose setting differs.
        second: ActorName,
        /// The key.
        key: String,
    },
    /// An actor does not say that it is ready.
    #[error("actor {actor} was not ready within {within:?}: `{call}` {reason}")]
    Unready {
        /// The actor.
        actor: ActorName,
        /// How long was waited.
        within: Duration,
        /// The function that was asked.
        call: String,
        /// What it came to last.
        reason: String,
    },
    /// It was to be recorded, and cannot be.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It is not wanted any more.
    #[error("the start was given up, since something else is wanted now")]
    Abandoned,
    /// A task of the host ended early.
    #[error("a task of the host ended before its work was done; this is a fault of Lath, please report it")]
    Gone,
}

impl LoadError {
    /// It and its causes in one text.
    pub(crate) fn whole(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// A part that runs.
pub(super) enum Part {
    Actor {
        actor: Actor,
        outbox: Arc<Outbox>,
        loaded: Loaded,
    },
    Provider {
        provider: Arc<dyn Provider>,
        /// Where it stands, if it cannot be open twice; with what opened it.
        slot: Option<Place>,
    },
}

/// Where a provider stands that cannot be open twice, with what opened it.
pub(super) type Place = (Arc<Slot>, Opening);

/// What opens a provider.
#[derive(Clone)]
pub(super) struct Opening {
    kind: String,
    config: Configuration,
}

/// What starting takes.
#[derive(Clone)]
pub(super) struct Loader {
    pub(super) engine: Engine,
    pub(super) tenancy: Tenancy,
    pub(super) state: Option<Arc<dyn Bucket>>,
    /// Where settings and secrets come from.
    pub(super) sources: Arc<Sources>,
    /// Fetching and compiling at once.
    pub(super) turns: Arc<Semaphore>,
    pub(super) telemetry: Telemetry,
}

/// An actor to start.
pub(super) struct ActorStart {
    pub(super) app: AppName,
    pub(super) name: ActorName,
    pub(super) plan: Arc<CompositePlan>,
    pub(super) parts: Arc<dyn Parts>,
    /// What records it; else what records what starts here, where anything does.
    pub(super) recorder: Option<Recorder>,
    /// Set once nobody wants it any more.
    pub(super) abandoned: Arc<AtomicBool>,
}

/// A provider to open.
pub(super) struct ProviderStart {
    pub(super) app: AppName,
    pub(super) name: ProviderName,
    pub(super) plan: ProviderPlan,
    pub(super) is_local: bool,
}

impl Loader {
    /// Fetches, composes and compiles an actor, and makes it ready for calls.
    pub(super) async fn actor(self, start: ActorStart, compiling: impl FnOnce()) -> Result<Part, LoadError> {
        let resolved = self.sources.actor(&start.app, &start.plan).await?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| LoadError::Gone)?;
        let bytes = fetch(&start).await?;
        if start.abandoned.load(Ordering::Relaxed) {
            return Err(LoadError::Abandoned);
        }
        compiling();
        let working = tokio::task::spawn_blocking(move || {
            let running = self.compile(&start, &bytes).and_then(|(loaded, composing)| {
                self.prepare(&start, &loaded, resolved).map(|(actor, outbox)| {
                    let ActorStart { app, name, .. } = start;
                    let (cached, compiling) = (loaded.cached, loaded.elapsed);
                    let loaded = Loaded { application: app, actor: name, cached, composing, compiling };
                    Part::Actor { actor, outbox, loaded }
                })
            });
            drop(turn);
            running
        });
        working.await.map_err(|_| LoadError::Gone)?
    }

    /// Fetches, composes and compiles an actor into the cache.
    pub(super) async fn spare(self, start: ActorStart) -> Result<(), LoadError> {
        let _turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| LoadError::Gone)?;
        let bytes = fetch(&start).await?;
        let working = tokio::task::spawn_blocking(move || self.compile(&start, &bytes).map(drop));
        working.await.map_err(|_| LoadError::Gone)?
    }

    fn compile(
        &self,
        start: &ActorStart,
        bytes: &HashMap<Digest, Arc<[u8]>>,
    ) -> Result<(engine::Loaded, Duration), LoadError> {
        let actor = || start.name.clone();
        let begun = Instant::now();
        for (digest, bytes) in bytes {
            start.parts.verify(*digest, bytes).map_err(|source| LoadError::Fetch { actor: actor(), source })?;
        }
        let composite = compose::linked(&start.plan, &|digest| bytes.get(digest).cloned());
        let composite = composite.map_err(|source| LoadError::Compose { actor: actor(), source })?;
        let composing = begun.elapsed();
        let loaded = self.engine.load(&composite).map_err(|source| LoadError::Actor { actor: actor(), source })?;
        Ok((loaded, composing))
    }

    fn prepare(
        &self,
        start: &ActorStart,
        loaded: &engine::Loaded,
        Resolved { env, config }: Resolved,
    ) -> Result<(Actor, Arc<Outbox>), LoadError> {
        let outbox = Arc::new(Outbox::default());
        let name = match self.tenancy {
            Tenancy::One { .. } => start.name.to_string(),
            Tenancy::Many { .. } => format!("{}/{}", start.app, start.name),
        };
        let recorder = start.recorder.as_ref().or(self.sources.recorder.as_ref());
        let tapes = recorder.map(|recorder| recorder.tapes(&start.app, &start.name, &start.plan, &env, &config));
        let settings = ActorSettings {
            tapes: tapes.transpose()?.flatten(),
            ear: self.sources.taps.as_ref().map(|taps| taps.ear(&start.app, &start.name, &start.plan)),
            stores: Outbox::stores(&outbox, &start.plan),
            requests: requests(&start.plan).map(|requests| self.telemetry.outgoing(&start.app, &start.name, requests)),
            env,
            config,
            ..actor_settings(name, &start.plan)
        };
        let made = self.engine.actor(&loaded.component, settings, outbox.clone());
        let actor = made.map_err(|source| LoadError::Actor { actor: start.name.clone(), source })?;
        Ok((actor, outbox))
    }

    /// Opens a provider; in the place of another where both cannot be open.
    pub(super) async fn provider(self, start: ProviderStart, instead_of: Option<Place>) -> Result<Part, LoadError> {
        let failed = |error| failed(&start.name, error);
        let part = PartName::Provider(start.name.clone());
        let opening =
            Opening { kind: start.plan.kind.clone(), config: self.sources.provider(&part, &start.plan).await? };
        let slot = match instead_of {
            Some((slot, before)) => {
                let (next, again) = (self.open(&start, opening.clone()), self.open(&start, before));
                slot.exchange(next, again, DRAIN_TIME_MAX).await.map_err(failed)?;
                slot
            }
            None => {
                let opened = tokio::task::spawn_blocking(self.open(&start, opening.clone())).await;
                let provider = opened.map_err(|_| LoadError::Gone)?.map_err(|error| failed(error.into()))?;
                if !start.is_local {
                    return Ok(Part::Provider { provider, slot: None });
                }
                Arc::new(Slot::new(provider))
            }
        };
        Ok(Part::Provider { provider: slot.clone(), slot: Some((slot, opening)) })
    }

    fn open(&self, start: &ProviderStart, Opening { kind, config }: Opening) -> Open {
        let (app, name) = (start.app.clone(), start.name.clone());
        let (data, state) = (self.tenancy.data(&app), self.state.clone());
        Box::new(move || {
            let surroundings = Surroundings { application: &app, name: &name, data: &data, state };
            provider::kind(&kind, &name)?.open(&config, &surroundings)
        })
    }
}

impl Tenancy {
    /// The folder for the data of an application's providers.
    fn data(&self, app: &AppName) -> PathBuf {
        match self {
            Tenancy::One { data } => data.clone(),
            Tenancy::Many { data } => data.join(app.as_str()),
        }
    }
}

fn failed(provider: &ProviderName, error: ExchangeError) -> LoadError {
    let provider = provider.clone();
    match error {
        ExchangeError::Open(source) => LoadError::Provider { provider, source },
        ExchangeError::Busy(after) => LoadError::Busy { provider, after },
        ExchangeError::Gone => LoadError::Gone,
    }
}

async fn fetch(start: &ActorStart) -> Result<HashMap<Digest, Arc<[u8]>>, LoadError> {
    let actor = || start.name.clone();
    let fetching = async {
        let mut all = HashMap::new();
        for digest in components(&start.plan) {
            if start.abandoned.load(Ordering::Relaxed) {
                return Err(LoadError::Abandoned);
            }
            let bytes = start.parts.fetch(digest).await;
            all.insert(digest, bytes.map_err(|source| LoadError::Fetch { actor: actor(), source })?);
        }
        Ok(all)
    };
    tokio::time::timeout(FETCH_TIME_MAX, fetching)
        .await
        .unwrap_or_else(|_| Err(LoadError::Slow { actor: actor(), after: FETCH_TIME_MAX }))
}

/// The way of a composite's own requests into the world, where it was granted any.
fn requests(plan: &CompositePlan) -> Option<Arc<dyn Requests>> {
    // Members that can send any have equal grants.
    let granted = plan.members.iter().map(|member| &member.http).find(|granted| !granted.is_empty())?;
    Some(Arc::new(Client::new(outgoing::Settings::new(granted.clone(), Roots::web()))))
}

fn actor_settings(name: String, plan: &CompositePlan) -> ActorSettings {
    let labels = Labels::of(plan);
    let limits = &plan.limits;
    ActorSettings {
        memory_bytes: limits.memory.0,
        instances: limits.instances as usize,
        queue: limits.queue as usize,
        execution: limits.execution,
        depth: limits.depth,
        log_bytes_per_s: limits.log.0,
        reuse: limits.reuse,
        network: granted(plan, |member| &member.network),
        folders: granted(plan, |member| &member.folders),
        message_bytes_max: usize::try_from(limits.message.0).unwrap_or(usize::MAX),
        receivers: labels.receivers.into_iter().map(|receiver| receiver.label).collect(),
        senders: labels.senders.into_iter().map(|sender| sender.label).collect(),
        http: plan.http.iter().map(|http| (http.label.clone(), http.version)).collect(),
        ..ActorSettings::new(name)
    }
}

/// A grant of the composite's members: those that have it at all have the same.
fn granted<T: Clone>(plan: &CompositePlan, of: impl Fn(&Member) -> &Vec<T>) -> Vec<T> {
    plan.members.iter().map(of).find(|granted| !granted.is_empty()).cloned().unwrap_or_default()
}
