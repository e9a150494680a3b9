//! The event loop: carries out the supervisor's effects.

mod load;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Actor, Engine};
use futures_util::future::{OptionFuture, join, join_all};
use lattice::bus::Bus;
use model::blueprint::Blueprint;
use model::ids::{ActorName, ProviderName};
use provider::Provider;
use provider::http::Ingress;
use tokio::sync::{mpsc, oneshot};

use self::load::{LoadedActor, engine_settings};
use crate::application::{Application, Step};
use crate::bus::Server;
use crate::host::{HostError, HostSettings, Loaded, Ready, Serving};
use crate::ingress;
use crate::limits::{DRAIN_TIME_MAX, EVENTS_MAX};
use crate::router::{Outbox, Targets};
use crate::supervisor::{Effect, Event, Part, Stage, State, step};

/// What a task of the runtime brings back.
enum Brought {
    /// News for the supervisor.
    Event(Event),
    /// News for the terminal.
    Step(Step),
    Actor(Box<LoadedActor>),
    Provider(ProviderName, Arc<dyn Provider>),
    Failed(Part, Box<HostError>),
}

/// Everything that one application needs while it runs.
pub(crate) struct Runtime {
    application: Arc<Application>,
    blueprint: Blueprint,
    settings: HostSettings,
    engine: Engine,
    progress: Box<dyn FnMut(Step) + Send>,
    brought: mpsc::Receiver<Brought>,
    bring: mpsc::Sender<Brought>,
    targets: Targets,
    outboxes: BTreeMap<ActorName, Arc<Outbox>>,
    loaded: Vec<Loaded>,
    ingress: Option<Ingress>,
    server: Option<Server>,
    failure: Option<HostError>,
    begun: Instant,
    /// How long draining may take.
    patience: Duration,
}

impl Runtime {
    pub(crate) fn new(
        application: Arc<Application>,
        blueprint: Blueprint,
        settings: HostSettings,
        progress: Box<dyn FnMut(Step) + Send>,
    ) -> Result<Self, HostError> {
        let engine = Engine::new(engine_settings(&application, &blueprint, &settings)).map_err(HostError::Engine)?;
        let (bring, brought) = mpsc::channel(EVENTS_MAX);
        Ok(Self {
            application,
            blueprint,
            settings,
            engine,
            progress,
            brought,
            bring,
            targets: Targets::default(),
            outboxes: BTreeMap::new(),
            loaded: Vec::new(),
            ingress: None,
            server: None,
            failure: None,
            begun: Instant::now(),
            patience: DRAIN_TIME_MAX,
        })
    }

    fn state(&self) -> State {
        let actors = self.blueprint.composites.keys().cloned().map(Part::Actor);
        let providers = self.blueprint.providers.keys().cloned().map(Part::Provider);
        State::new(actors.chain(providers).collect())
    }

    /// Takes what a task brought, and says what it means to the supervisor.
    fn take(&mut self, brought: Brought) -> Option<Event> {
        match brought {
            Brought::Event(event) => Some(event),
            Brought::Step(step) => {
                (self.progress)(step);
                None
            }
            Brought::Actor(loaded) => {
                let LoadedActor { name, actor, outbox, plan, loaded } = *loaded;
                self.loaded.push(loaded);
                self.outboxes.insert(name.clone(), outbox);
                self.targets.actors.insert(name.clone(), (actor, plan));
                Some(Event::Ready(Part::Actor(name)))
            }
            Brought::Provider(name, provider) => {
                self.targets.providers.insert(name.clone(), provider);
                Some(Event::Ready(Part::Provider(name)))
            }
            Brought::Failed(part, error) => {
                self.failure.get_or_insert(*error);
                Some(Event::Failed(part))
            }
        }
    }

    async fn start(&mut self, part: Part, bus: &Arc<dyn Bus>) {
        match part {
            Part::Actor(name) => self.load(name),
            Part::Provider(name) => self.open(name),
            Part::Doors => {
                let opened = self.open_doors(bus).await;
                self.bring(match opened {
                    Ok(()) => Brought::Event(Event::Ready(Part::Doors)),
                    Err(error) => Brought::Failed(Part::Doors, Box::new(error)),
                });
            }
        }
    }

    async fn open_doors(&mut self, bus: &Arc<dyn Bus>) -> Result<(), HostError> {
        self.server = Some(Server::start(&**bus, &self.settings, &self.blueprint, &self.targets).await?);
        if let Some(address) = self.settings.listen {
            let deadline = self.application.manifest().deadline;
            self.ingress = Some(ingress::listen(address, deadline, &self.blueprint, &self.targets)?);
        }
        Ok(())
    }

    /// Brings something to the loop from within it, without waiting: the loop itself empties the channel.
    fn bring(&self, brought: Brought) {
        let bring = self.bring.clone();
        tokio::spawn(async move { bring.send(brought).await });
    }

    fn bring_overdue(&self) {
        let (bring, patience) = (self.bring.clone(), self.patience);
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            bring.send(Brought::Event(Event::DrainOverdue)).await
        });
    }

    fn serving(&self) -> Serving {
        let ready = Ready {
            listen: self.ingress.as_ref().map(Ingress::address),
            loaded: self.loaded.clone(),
            elapsed: self.begun.elapsed(),
        };
        let actors = self.targets.actors.iter().map(|(name, (actor, _))| (name.clone(), actor.clone()));
        Serving { ready, engine: self.engine.clone(), actors: actors.collect() }
    }

    fn connect(&self) {
        for (name, outbox) in &self.outboxes {
            if let Some((_, plan)) = self.targets.actors.get(name) {
                outbox.connect(plan, &self.targets);
            }
        }
    }

    fn stop(&mut self, clean: bool) -> Result<(), HostError> {
        // Calls that are cut off must not keep actors alive in a circle.
        self.outboxes.values().for_each(|outbox| outbox.disconnect());
        match self.failure.take() {
            Some(failure) => Err(failure),
            None if clean => Ok(()),
            None => Err(HostError::Overdue { after: self.patience }),
        }
    }

    fn drain(&mut self, stage: Stage, deadline: Instant) {
        let work: futures_util::future::BoxFuture<'static, ()> = match stage {
            Stage::Doors => {
                let ingress = self.ingress.take();
                let server = self.server.take();
                let patience = deadline.saturating_duration_since(Instant::now());
                // Both doors close at once, and share the time.
                Box::pin(async move {
                    let server = OptionFuture::from(server.map(|server| server.drain(deadline)));
                    let ingress = OptionFuture::from(ingress.map(|ingress| ingress.drain(patience)));
                    join(server, ingress).await;
                })
            }
            Stage::Actors => {
                let actors: Vec<Actor> = self.targets.actors.values().map(|(actor, _)| actor.clone()).collect();
                let outboxes = std::mem::take(&mut self.outboxes);
                Box::pin(async move {
                    join_all(actors.iter().map(|actor| actor.drain(deadline))).await;
                    outboxes.values().for_each(|outbox| outbox.disconnect());
                })
            }
            Stage::Providers => {
                let providers: Vec<_> = self.targets.providers.values().cloned().collect();
                Box::pin(async move {
                    join_all(providers.iter().map(|provider| provider.drain())).await;
                })
            }
        };
        let bring = self.bring.clone();
        tokio::spawn(async move {
            work.await;
            let _ = bring.send(Brought::Event(Event::Drained(stage))).await;
        });
    }
}

/// Runs until all has stopped. `report` is told once the application serves, and dropped if it never does.
pub(crate) async fn run(
    mut runtime: Runtime,
    bus: Arc<dyn Bus>,
    mut asked: mpsc::Receiver<Duration>,
    report: oneshot::Sender<Serving>,
) -> Result<(), HostError> {
    let mut state = runtime.state();
    let mut report = Some(report);
    let mut drain_until = Instant::now();
    let mut stopping = false;
    let mut event = Some(Event::Begun);
    loop {
        for effect in event.map(|event| step(&mut state, event)).unwrap_or_default() {
            match effect {
                Effect::Start(part) => runtime.start(part, &bus).await,
                Effect::Connect => runtime.connect(),
                Effect::ReportReady => {
                    if let Some(report) = report.take() {
                        let _ = report.send(runtime.serving());
                    }
                }
                Effect::StartDrainClock => {
                    drain_until = Instant::now() + runtime.patience;
                    runtime.bring_overdue();
                }
                Effect::Drain(stage) => runtime.drain(stage, drain_until),
                Effect::Stop { clean } => return runtime.stop(clean),
            }
        }
        event = tokio::select! {
            Some(brought) = runtime.brought.recv() => runtime.take(brought),
            // A host that was dropped drains as well, once.
            wish = asked.recv(), if !stopping => {
                stopping = true;
                runtime.patience = wish.unwrap_or(DRAIN_TIME_MAX);
                Some(Event::DrainAsked)
            }
        };
    }
}
