//! A running application, from outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{ActorStats, Engine, EngineError};
use lattice::bus::{Bus, BusError};
use lattice::subject::SubjectError;
use model::blueprint::Blueprint;
use model::ids::ActorName;
use tokio::sync::{mpsc, oneshot};

use crate::application::{Application, Step};
use crate::executor::{LoadError, Loaded, Sources};
use crate::ingress::TlsFiles;
use crate::limits::DRAIN_TIME_MAX;
use crate::local::Control;
use crate::runtime::{Heard, Runtime};
use crate::telemetry::Telemetry;

/// How a host runs.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// The host's name on the bus: one token.
    pub name: String,
    /// The lattice's name on the bus: one token.
    pub lattice: String,
    /// Where HTTP is served; nowhere where absent.
    pub listen: Option<SocketAddr>,
    /// Where HTTP has its certificate from; without, it is not encrypted.
    pub tls: Option<TlsFiles>,
    /// The folder for the data of providers.
    pub data: PathBuf,
    /// The folder for compiled code; none is kept where absent.
    pub cache: Option<PathBuf>,
    /// What it tells of itself.
    pub telemetry: Telemetry,
    /// Where settings and secrets come from.
    pub sources: Sources,
}

/// Why a host does not run.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine.
    #[error("the engine cannot be started")]
    Engine(#[source] EngineError),
    /// An actor or a provider does not start.
    #[error(transparent)]
    Part(#[from] Arc<LoadError>),
    /// The routes or the address of the ingress.
    #[error("HTTP cannot be served")]
    Ingress(#[source] provider::http::IngressError),
    /// The bus.
    #[error("the host cannot join the bus")]
    Bus(#[source] BusError),
    /// The host's or the lattice's name.
    #[error("the host cannot join the bus under this name")]
    Name(#[source] SubjectError),
    /// A task of the host ended early.
    #[error("a task of the host ended before its work was done; this is a fault of Lath, please report it")]
    Gone,
    /// Draining took too long.
    #[error("calls were still running after {} s and were cut off", after.as_secs_f64())]
    Overdue {
        /// How long was waited.
        after: Duration,
    },
}

/// What a host serves.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where HTTP is served.
    pub listen: Option<SocketAddr>,
    /// True where it is served over TLS.
    pub secure: bool,
    /// Composites, as they were loaded.
    pub loaded: Vec<Loaded>,
    /// How long the start took.
    pub elapsed: Duration,
}

/// What a host does now, and did since it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStats {
    /// Instances alive now, running or idle.
    pub instances: usize,
    /// Each actor's calls.
    pub actors: BTreeMap<ActorName, ActorStats>,
}

/// A running application.
pub struct Host {
    /// Wishes to stop, each with the time that draining may take.
    stops: mpsc::Sender<Duration>,
    outcome: oneshot::Receiver<Result<(), HostError>>,
    ready: Ready,
    engine: Engine,
    control: Control,
    heard: Arc<Mutex<Heard>>,
}

/// What a host hands out once it serves.
pub(crate) struct Serving {
    pub(crate) ready: Ready,
    pub(crate) engine: Engine,
    pub(crate) control: Control,
    pub(crate) heard: Arc<Mutex<Heard>>,
}

impl Host {
    /// Runs `application` as `blueprint` says; returns once it serves.
    pub async fn start(
        application: Arc<Application>,
        blueprint: Blueprint,
        settings: HostSettings,
        bus: Arc<dyn Bus>,
        progress: Box<dyn FnMut(Step) + Send>,
    ) -> Result<Self, HostError> {
        let runtime = Runtime::new(application, blueprint, settings, progress)?;
        let (stops, asked) = mpsc::channel(1);
        let (report, serving) = oneshot::channel();
        let (outcome, ended) = oneshot::channel();
        tokio::spawn(async move {
            let _ = outcome.send(runtime.run(bus, asked, report).await);
        });
        match serving.await {
            Ok(Serving { ready, engine, control, heard }) => {
                Ok(Self { stops, outcome: ended, ready, engine, control, heard })
            }
            // The run ended before it was ready: its outcome says why.
            Err(_) => Err(ended.await.unwrap_or(Err(HostError::Gone)).err().unwrap_or(HostError::Gone)),
        }
    }

    /// What it serves.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Changes what it runs.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What it does.
    pub fn stats(&self) -> HostStats {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let actors = heard.actors.iter().map(|(name, actor)| (name.clone(), actor.stats())).collect();
        HostStats { instances: self.engine.stats().instances, actors }
    }

    /// Finishes what runs, within [`DRAIN_TIME_MAX`], and stops.
    pub async fn drain(self) -> Result<(), HostError> {
        self.drain_within(DRAIN_TIME_MAX).await
    }

    /// Finishes what runs, within `patience` and [`DRAIN_TIME_MAX`], and stops.
    pub async fn drain_within(self, patience: Duration) -> Result<(), HostError> {
        // A run that has already ended has its outcome ready.
        let _ = self.stops.send(patience.min(DRAIN_TIME_MAX)).await;
        self.outcome.await.unwrap_or(Err(HostError::Gone))
    }
}
