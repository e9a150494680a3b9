//! A single application, from its start to its end: all of it starts, then the doors open; draining goes from the
//! outside in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::{Actor, Engine, EngineSettings};
use futures_util::future::{OptionFuture, join};
use lattice::bus::Bus;
use lattice::document::Failing;
use lattice::subject::{SubjectError, Subjects};
use model::blueprint::{Blueprint, CompositePlan, WireTo};
use model::ids::{ActorName, AppName, HostName, LatticeName, NameError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::application::{Application, Step};
use crate::executor::{Executor, ExecutorSettings, LoadError, Loaded, News, Status, Tenancy};
use crate::host::{HostError, HostSettings, Ready, Serving};
use crate::ingress::{Gate, Routed};
use crate::limits::DRAIN_TIME_MAX;
use crate::local::Control;
use crate::node::view::parts;
use crate::router::Switchboard;
use crate::server::{Reception, Server, Trust};
use crate::settings::warn;
use crate::telemetry::{Samples, Source, Telemetry, running};

/// Everything that one application needs while it runs.
pub(crate) struct Runtime {
    application: Arc<Application>,
    settings: HostSettings,
    executor: Arc<Executor>,
    control: Control,
    switchboard: Switchboard,
    heard: Arc<Mutex<Heard>>,
    begun: Instant,
}

/// What the executor has told.
pub(crate) struct Heard {
    /// Until it serves.
    loaded: Option<Vec<Loaded>>,
    pub(crate) actors: BTreeMap<ActorName, Actor>,
}

/// What calls come in by.
#[derive(Default)]
struct Doors {
    ingress: Option<Gate>,
    server: Option<Server>,
}

impl Runtime {
    pub(crate) fn new(
        application: Arc<Application>,
        blueprint: Blueprint,
        settings: HostSettings,
        progress: Box<dyn FnMut(Step) + Send>,
    ) -> Result<Self, HostError> {
        let heard = Heard { loaded: Some(Vec::new()), actors: BTreeMap::new() };
        let heard = Arc::new(Mutex::new(heard));
        let executor = ExecutorSettings {
            tenancy: Tenancy::One { data: settings.data.clone() },
            engine: engine_settings(&application, &blueprint, &settings),
            loads: std::thread::available_parallelism().map_or(1, usize::from),
            state: None,
            telemetry: settings.telemetry.clone(),
            sources: settings.sources.clone(),
        };
        warn(&settings.sources.settings.of_others(&blueprint.application));
        let switchboard = Switchboard::observed(None, settings.telemetry.clone());
        let tell = Box::new(hear(heard.clone(), switchboard.clone(), progress));
        let executor = Arc::new(Executor::start(executor, tell).map_err(HostError::Engine)?);
        let control = Control::new(&application, blueprint, Arc::clone(&executor));
        Ok(Self { application, settings, executor, control, switchboard, heard, begun: Instant::now() })
    }

    /// Runs until it is asked to stop, or dropped by whoever may ask; `report` is told once it serves.
    pub(crate) async fn run(
        self,
        bus: Arc<dyn Bus>,
        mut asked: mpsc::Receiver<Duration>,
        report: oneshot::Sender<Serving>,
    ) -> Result<(), HostError> {
        let started = tokio::select! {
            started = self.start(&bus) => started,
            wish = asked.recv() => {
                return self.stop(Doors::default(), wish.unwrap_or(DRAIN_TIME_MAX)).await;
            }
        };
        let doors = match started {
            Ok(doors) => doors,
            Err((doors, error)) => {
                // What has started is stopped; why it could not all start is what matters.
                let _ = self.stop(doors, DRAIN_TIME_MAX).await;
                return Err(error);
            }
        };
        self.settings.telemetry.attend(View {
            application: self.control.application().clone(),
            switchboard: self.switchboard.clone(),
            engine: self.executor.engine().clone(),
            status: self.executor.status(),
        });
        let _beating = Beating::start(&self.settings.telemetry);
        let _ = report.send(self.serving(&doors));
        // A host that was dropped drains as well.
        let patience = tokio::select! {
            patience = asked.recv() => patience.unwrap_or(DRAIN_TIME_MAX),
            () = self.follow(&doors) => DRAIN_TIME_MAX,
        };
        self.control.stop();
        self.settings.telemetry.leave();
        self.stop(doors, patience).await
    }

    /// Starts everything; the doors open last.
    async fn start(&self, bus: &Arc<dyn Bus>) -> Result<Doors, (Doors, HostError)> {
        self.control.begin();
        self.whole().await.map_err(|error| (Doors::default(), error))?;
        let mut doors = Doors::default();
        match self.open(bus, &mut doors).await {
            Ok(()) => Ok(doors),
            Err(error) => Err((doors, error)),
        }
    }

    /// Waits until everything serves, or something could not be started.
    async fn whole(&self) -> Result<(), HostError> {
        let mut status = self.executor.status();
        let app = self.control.application();
        let settled = |status: &Status| {
            let app = status.apps.get(app);
            app.is_some_and(|app| app.is_whole() || !app.failing.is_empty())
        };
        let status = status.wait_for(settled).await.map_err(|_| HostError::Part(Arc::new(LoadError::Gone)))?;
        match status.apps.get(app).and_then(|app| app.failing.values().next()) {
            Some(reason) => Err(HostError::Part(reason.clone())),
            None => Ok(()),
        }
    }

    async fn open(&self, bus: &Arc<dyn Bus>, doors: &mut Doors) -> Result<(), HostError> {
        let wrong = |error: NameError| HostError::Name(SubjectError { text: error.text });
        let lattice: LatticeName = self.settings.lattice.parse().map_err(wrong)?;
        let host: HostName = self.settings.name.parse().map_err(wrong)?;
        let switchboard = self.switchboard.clone();
        let reception = Reception { host, switchboard, trust: Trust::Everyone, stamp: None };
        let server = Server::start(bus.clone(), Subjects::new(&lattice), reception).await;
        doors.server = Some(server.map_err(HostError::Bus)?);
        if let Some(address) = self.settings.listen {
            let gate = Gate::open(address, self.settings.tls.clone(), self.switchboard.clone(), None)?;
            self.serve(&gate);
            doors.ingress = Some(gate);
        }
        Ok(())
    }

    /// Opens the routes of the version that serves.
    fn serve(&self, gate: &Gate) {
        let deadline = self.application.manifest().deadline;
        let serving = self.control.serving().map(|blueprint| Routed { blueprint, deadline, placement: None });
        gate.serve(serving.as_slice());
    }

    /// Opens the routes of each version that comes to serve, until the executor ends.
    async fn follow(&self, doors: &Doors) {
        let mut status = self.executor.status();
        let version = |status: &Status| status.apps.get(self.control.application()).and_then(|app| app.version);
        let mut serves = version(&status.borrow());
        while status.wait_for(|status| version(status) != serves).await.is_ok() {
            serves = version(&status.borrow());
            doors.ingress.iter().for_each(|gate| self.serve(gate));
        }
    }

    fn serving(&self, doors: &Doors) -> Serving {
        let ready = Ready {
            listen: doors.ingress.as_ref().map(Gate::address),
            secure: self.settings.tls.is_some(),
            loaded: self.heard().loaded.take().unwrap_or_default(),
            elapsed: self.begun.elapsed(),
        };
        let (engine, control) = (self.executor.engine().clone(), self.control.clone());
        Serving { ready, engine, control, heard: Arc::clone(&self.heard) }
    }

    /// Lets the doors finish their requests, then actors their calls, then providers their writes, within `patience`.
    async fn stop(&self, doors: Doors, patience: Duration) -> Result<(), HostError> {
        let deadline = Instant::now() + patience;
        let remaining = || deadline.saturating_duration_since(Instant::now());
        // Both doors close at once, and share the time.
        let server = OptionFuture::from(doors.server.map(|server| server.drain(deadline)));
        let ingress = OptionFuture::from(doors.ingress.map(|ingress| ingress.drain(remaining())));
        // Actors may go on behind their answers until they are drained themselves.
        let _behind = join(server, ingress).await;
        let mut status = self.executor.status();
        let wishes = status.borrow().wishes;
        self.executor.clear(remaining());
        let gone = |status: &Status| status.wishes > wishes && status.apps.is_empty();
        match tokio::time::timeout_at(deadline.into(), status.wait_for(gone)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(HostError::Overdue { after: patience }),
        }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The application as whoever observes it sees it.
struct View {
    application: AppName,
    switchboard: Switchboard,
    engine: Engine,
    status: watch::Receiver<Status>,
}

impl Source for View {
    fn sample(&self, samples: &mut Samples) {
        running::sample(&self.switchboard, &self.engine, samples);
    }

    fn unready(&self) -> Vec<String> {
        match self.status.borrow().apps.get(&self.application) {
            Some(app) => parts(app),
            None => vec!["the application does not run".to_owned()],
        }
    }

    fn unwell(&self) -> Vec<Failing> {
        self.switchboard.unwell()
    }
}

/// Tells that the runtime runs, while this lives: a single application has no loop of its own.
struct Beating(Option<AbortHandle>);

impl Beating {
    fn start(telemetry: &Telemetry) -> Self {
        let (interval, telemetry) = (telemetry.beat_interval(), telemetry.clone());
        Self(interval.map(|interval| {
            let beating = tokio::spawn(async move {
                loop {
                    telemetry.beat();
                    tokio::time::sleep(interval).await;
                }
            });
            beating.abort_handle()
        }))
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        if let Some(beating) = &self.0 {
            beating.abort();
        }
    }
}

/// Passes news of the executor on.
fn hear(
    heard: Arc<Mutex<Heard>>,
    switchboard: Switchboard,
    mut progress: Box<dyn FnMut(Step) + Send>,
) -> impl FnMut(News) + Send {
    move |news| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Compiling { actor, .. } => progress(Step::Compiling { actor }),
            News::Loaded(loaded) => {
                let Loaded { actor, cached, compiling, .. } = loaded.clone();
                progress(Step::Compiled { actor, cached, elapsed: compiling });
                heard.loaded.iter_mut().for_each(|all| all.push(loaded.clone()));
            }
            News::Linked(app, running) => switchboard.link(&app, &running),
            News::Switched(app, running) => {
                let actors = running.iter().flat_map(|running| &running.targets.actors);
                heard.actors = actors.map(|(name, (actor, _))| (name.clone(), actor.clone())).collect();
                switchboard.switch(&app, running);
            }
            News::Failed { .. } | News::GoneBack { .. } => {}
        }
    }
}

/// Room for as many instances as the actors may have, and for the memories of the largest composite.
fn engine_settings(application: &Application, blueprint: &Blueprint, settings: &HostSettings) -> EngineSettings {
    let default = EngineSettings::default();
    let composites = blueprint.composites.values();
    let instances = composites.clone().fold(0_u32, |sum, plan| sum.saturating_add(plan.limits.instances));
    let memories = composites.map(|plan| memories(application, plan)).max().unwrap_or(default.memories_per_instance);
    EngineSettings {
        cache_dir: settings.cache.clone(),
        // Two versions live at most.
        instances_max: instances.saturating_mul(2).max(1),
        memories_per_instance: memories,
        ..default
    }
}

/// Those of the members, and one for each sender and receiver.
fn memories(application: &Application, plan: &CompositePlan) -> u32 {
    let components = &application.intent().components;
    let members = plan.members.iter().map(|member| components.get(&member.actor).map_or(1, |view| view.memories));
    let wires = plan.members.iter().flat_map(|member| &member.wires);
    let senders = wires.filter(|wire| matches!(wire.to, WireTo::Sender(_))).count();
    let adapters = u32::try_from(senders + plan.receivers.len()).unwrap_or(u32::MAX);
    members.fold(adapters, u32::saturating_add)
}
