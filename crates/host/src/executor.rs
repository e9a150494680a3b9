//! Runs parts of applications on this host: starts what is new, keeps what stays, drains what leaves.
//!
//! [`Executor::assign`] says what is to run, [`Executor::status`] how far it is. What follows from each is decided by
//! the pure [`state::step`]; `run` carries out its effects, `load` starts a part. One executor has one engine and serves
//! one host, whether that runs a single application by itself or its share of a lattice.
//!
//! Bytes of components come from [`parts::Parts`]; what serves is told to a [`Switchboard`](crate::router::Switchboard),
//! which takes calls there.

mod deployment;
mod disk;
pub mod judging;
mod load;
pub mod parts;
mod question;
mod resolve;
mod retire;
mod run;
mod slot;
pub mod state;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, EngineError, EngineSettings};
use lattice::store::Bucket;
use model::ids::{ActorName, AppName};
use model::placement::Refusal;
use tokio::sync::watch;

pub use self::deployment::Deployment;
pub use self::disk::Disk;
pub use self::load::LoadError;
pub use self::status::{AppStatus, Status};

use crate::limits::{DRAIN_TIME_MAX, RETIRE_GRACE, SPARES_MAX};
use crate::record::Recorder;
use crate::router::Running;
use crate::secrets::Secrets;
use crate::settings::{Settings, warn};
use crate::tap::Taps;
use crate::telemetry::Telemetry;

/// Whose an executor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// A single application's.
    One {
        /// The folder for the data of its providers.
        data: PathBuf,
    },
    /// Many applications'.
    Many {
        /// The folder in which each has a folder for the data of its providers.
        data: PathBuf,
    },
}

/// How an executor works.
#[derive(Clone)]
pub struct ExecutorSettings {
    /// Whose it is.
    pub tenancy: Tenancy,
    /// The engine's settings.
    pub engine: EngineSettings,
    /// Actors that are fetched and compiled at once.
    pub loads: usize,
    /// The bucket that providers with shared state keep it in; none on a host that is in no lattice.
    pub state: Option<Arc<dyn Bucket>>,
    /// Where settings and secrets come from.
    pub sources: Sources,
    /// What the host tells of itself.
    pub telemetry: Telemetry,
}

/// Where a host takes from what it gives to parts besides their components, and who writes down what they get.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What it gives in the place of what manifests say.
    pub settings: Settings,
    /// The values of secrets.
    pub secrets: Secrets,
    /// Records an actor, where that is wanted.
    pub recorder: Option<Recorder>,
    /// Tells messages to those who ask; nobody can on a host that is in no lattice.
    pub taps: Option<Taps>,
}

/// A composite, as it was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The application.
    pub application: AppName,
    /// The actor.
    pub actor: ActorName,
    /// Whether the compiled code came from the cache.
    pub cached: bool,
    /// How long composing took.
    pub composing: Duration,
    /// How long compiling or loading took.
    pub compiling: Duration,
}

/// News of an executor.
pub enum News {
    /// An actor is being compiled.
    Compiling {
        /// The application.
        app: AppName,
        /// The actor.
        actor: ActorName,
    },
    /// An actor was loaded.
    Loaded(Loaded),
    /// These parts of a version are to be linked, and take no calls yet: they are asked whether they are ready.
    Linked(AppName, Running),
    /// From now on calls of the application go to these parts of a version; none where nothing of it runs here.
    Switched(AppName, Option<Running>),
    /// A part could not be started; the executor tries again by itself.
    Failed {
        /// Whose.
        app: AppName,
        /// Why.
        error: Arc<LoadError>,
    },
    /// A new version was worse than the one before it, which serves again.
    GoneBack {
        /// The application.
        app: AppName,
        /// The version, and why.
        refusal: Refusal,
    },
}

/// Takes news, in their order, on the executor's task: it must not block.
pub type Tell = Box<dyn FnMut(News) + Send>;

/// An actor that may have to run here one day, and is compiled ahead.
#[derive(Clone, Debug)]
pub struct Spare {
    /// The application, as it would run.
    pub deployment: Deployment,
    /// The actor.
    pub actor: ActorName,
}

/// What an executor is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    assigned: BTreeMap<AppName, Deployment>,
    spares: Vec<Spare>,
    /// How long what leaves may take to drain.
    patience: Duration,
    /// How long what leaves is left open for calls that were about to reach it.
    grace: Duration,
}

/// Runs parts of applications. Once it is dropped everything drains.
pub struct Executor {
    wishes: watch::Sender<Wish>,
    status: watch::Receiver<Status>,
    engine: Engine,
}

impl Executor {
    /// An executor that runs nothing yet.
    ///
    /// # Errors
    ///
    /// Where the engine does not start.
    pub fn start(settings: ExecutorSettings, tell: Tell) -> Result<Self, EngineError> {
        let engine = Engine::new(settings.engine.clone())?;
        warn(&settings.sources.settings.unread);
        let wish =
            Wish { assigned: BTreeMap::new(), spares: Vec::new(), patience: DRAIN_TIME_MAX, grace: RETIRE_GRACE };
        let (wishes, asked) = watch::channel(wish);
        let (told, status) = watch::channel(Status::default());
        run::spawn(settings, engine.clone(), asked, told, tell);
        Ok(Self { wishes, status, engine })
    }

    /// From now on this is to run, and nothing else.
    pub fn assign(&self, assigned: BTreeMap<AppName, Deployment>) {
        self.wishes.send_modify(|wish| {
            wish.assigned = assigned;
            wish.patience = DRAIN_TIME_MAX;
            wish.grace = RETIRE_GRACE;
        });
    }

    /// These are compiled ahead, once everything that is assigned runs; [`SPARES_MAX`] at most.
    pub fn keep_compiled(&self, mut spares: Vec<Spare>) {
        spares.truncate(SPARES_MAX);
        self.wishes.send_modify(|wish| wish.spares = spares);
    }

    /// Nothing is to run any more, and no more calls come; what runs may finish within `patience`.
    pub fn clear(&self, patience: Duration) {
        self.wishes.send_modify(|wish| {
            wish.assigned = BTreeMap::new();
            wish.spares = Vec::new();
            wish.patience = patience.min(DRAIN_TIME_MAX);
            wish.grace = Duration::ZERO;
        });
    }

    /// How far it is, now and with each change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
