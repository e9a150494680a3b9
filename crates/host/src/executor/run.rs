//! The executor's task: carries out the effects of [`super::state::step`].

mod observing;
mod proving;
mod serving;
mod sparing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::Engine;
use model::ids::{ActorName, AppName};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use self::observing::Observation;
use super::judging::Past;
use super::load::{ActorStart, LoadError, Loader, Part, Place, ProviderStart};
use super::retire::retire;
use super::state::{Effect, Event, PartId, PartName, Spec, State, step};
use super::status::{AppStatus, Status};
use super::{Deployment, ExecutorSettings, News, Spare, Tell, Wish};
use crate::limits::{EVENTS_MAX, ROLLOUT_LOOK_INTERVAL, ROLLOUT_MEMORY};
use crate::settings;

/// What a task of the executor brings back.
enum Brought {
    Compiling(AppName, ActorName),
    Started(PartId, Box<Result<Part, LoadError>>),
    Answered(AppName, PartId, Result<(), LoadError>),
    Retired(PartId),
    RetryDue(AppName),
    Spared(SpareName, bool),
    /// A spare that could not be compiled may be tried again.
    SpareDue(SpareName),
}

/// An actor of a version that was compiled ahead.
type SpareName = (AppName, u64, ActorName);

struct Run {
    state: State,
    loader: Loader,
    tell: Tell,
    bring: mpsc::Sender<Brought>,
    running: BTreeMap<PartId, Part>,
    /// Starts that may be given up, and what each takes the place of.
    starting: BTreeMap<PartId, Starting>,
    reasons: BTreeMap<PartId, Arc<LoadError>>,
    /// Parts that are asked whether they are ready.
    asked: BTreeMap<PartId, AbortHandle>,
    told: watch::Sender<Status>,
    /// The versions whose settings were looked over.
    looked_over: BTreeMap<AppName, u64>,
    spares: Vec<Spare>,
    /// What is compiled ahead, or could not be just now.
    spared: BTreeSet<SpareName>,
    /// An actor is being compiled ahead.
    sparing: bool,
    /// New versions that are compared with the ones before them.
    observations: BTreeMap<AppName, Observation>,
    /// What composites had done a while ago.
    past: Past,
    patience: Duration,
    grace: Duration,
}

struct Starting {
    abandoned: Arc<AtomicBool>,
    app: AppName,
    instead_of: Option<PartId>,
}

/// Starts the task. It ends when nobody asks any more and all has drained.
pub(super) fn spawn(
    settings: ExecutorSettings,
    engine: Engine,
    asked: watch::Receiver<Wish>,
    told: watch::Sender<Status>,
    tell: Tell,
) {
    let (bring, brought) = mpsc::channel(EVENTS_MAX);
    let turns = Arc::new(Semaphore::new(settings.loads.max(1)));
    let sources = Arc::new(settings.sources);
    let loader = Loader {
        engine,
        tenancy: settings.tenancy,
        state: settings.state,
        sources,
        turns,
        telemetry: settings.telemetry,
    };
    let (patience, grace) = (asked.borrow().patience, asked.borrow().grace);
    let run = Run {
        state: State::default(),
        loader,
        tell,
        bring,
        running: BTreeMap::new(),
        starting: BTreeMap::new(),
        reasons: BTreeMap::new(),
        asked: BTreeMap::new(),
        told,
        looked_over: BTreeMap::new(),
        spares: Vec::new(),
        spared: BTreeSet::new(),
        sparing: false,
        observations: BTreeMap::new(),
        past: Past::default(),
        patience,
        grace,
    };
    tokio::spawn(run.run(asked, brought));
}

impl Run {
    async fn run(mut self, mut asked: watch::Receiver<Wish>, mut brought: mpsc::Receiver<Brought>) {
        let mut is_asked = true;
        let mut looks = tokio::time::interval(ROLLOUT_LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut memories = tokio::time::interval(ROLLOUT_MEMORY);
        memories.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_asked || !self.state.is_empty() {
            let events = tokio::select! {
                changed = asked.changed(), if is_asked => {
                    is_asked = changed.is_ok();
                    let wish = if is_asked { Some(asked.borrow_and_update().clone()) } else { None };
                    vec![self.take_wish(wish)]
                }
                Some(brought) = brought.recv() => self.take(brought).into_iter().collect(),
                _ = memories.tick() => {
                    self.remember();
                    Vec::new()
                }
                _ = looks.tick(), if !self.observations.is_empty() => self.judge(),
            };
            for event in events {
                let effects = step(&mut self.state, event);
                effects.into_iter().for_each(|effect| self.carry_out(effect));
            }
            self.publish();
            self.spare();
        }
    }

    /// A wish of the executor's owner; none once there is no owner.
    fn take_wish(&mut self, wish: Option<Wish>) -> Event {
        let Some(Wish { assigned, spares, patience, grace }) = wish else { return Event::Assigned(BTreeMap::new()) };
        (self.patience, self.grace) = (patience, grace);
        self.spares = spares;
        self.warn_of_strangers(&assigned);
        self.told.send_modify(|status| status.wishes += 1);
        Event::Assigned(assigned)
    }

    /// Tells of settings that nobody is given, once for each version.
    fn warn_of_strangers(&mut self, assigned: &BTreeMap<AppName, Deployment>) {
        self.looked_over.retain(|app, _| assigned.contains_key(app));
        for (app, deployment) in assigned {
            if self.looked_over.insert(app.clone(), deployment.version) == Some(deployment.version) {
                continue;
            }
            settings::warn(&self.loader.sources.settings.strangers(&deployment.blueprint));
        }
    }

    /// Takes what a task brought, and says what it means.
    fn take(&mut self, brought: Brought) -> Option<Event> {
        match brought {
            Brought::Compiling(app, actor) => {
                (self.tell)(News::Compiling { app, actor });
                None
            }
            Brought::Started(id, result) => Some(self.take_started(id, *result)),
            Brought::Answered(app, id, answer) => self.take_answer(app, id, answer),
            Brought::Retired(id) => Some(Event::Retired(id)),
            Brought::RetryDue(app) => Some(Event::RetryDue(app)),
            Brought::Spared(name, is_compiled) => {
                self.sparing = false;
                if !is_compiled {
                    self.spare_later(name.clone());
                }
                self.spared.insert(name);
                None
            }
            Brought::SpareDue(name) => {
                self.spared.remove(&name);
                None
            }
        }
    }

    fn take_started(&mut self, id: PartId, result: Result<Part, LoadError>) -> Event {
        let starting = self.starting.remove(&id);
        match result {
            Ok(running) => {
                if let Some(replaced) = starting.and_then(|starting| starting.instead_of) {
                    // It stands where the other stood, and is ended with its successor.
                    self.running.remove(&replaced);
                }
                if let Part::Actor { loaded, .. } = &running {
                    (self.tell)(News::Loaded(loaded.clone()));
                }
                self.running.insert(id, running);
                Event::Started(id)
            }
            Err(error) => {
                let error = Arc::new(error);
                if let Some(Starting { app, .. }) = starting
                    && !matches!(*error, LoadError::Abandoned)
                {
                    (self.tell)(News::Failed { app, error: Arc::clone(&error) });
                }
                self.reasons.insert(id, error);
                Event::Failed(id)
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Start { app, id, name, spec, instead_of } => self.start(app, id, name, spec, instead_of),
            Effect::Abandon(id) => {
                if let Some(starting) = self.starting.get(&id) {
                    starting.abandoned.store(true, Ordering::Relaxed);
                }
            }
            Effect::Prove { app, version, parts, beside, asked } => {
                self.prove(&app, (version, &parts), beside, &asked);
            }
            Effect::GoneBack(app, refusal) => (self.tell)(News::GoneBack { app, refusal }),
            Effect::Serve { app, version, parts, tried, kept } => {
                let served = self.served(&app, version, &parts);
                let served = served.map(|mut running| {
                    let kept = kept.and_then(|(version, parts)| self.served(&app, version, &parts));
                    running.targets.other = kept.map(|kept| Arc::new(kept.targets));
                    self.trying(&app, running, &parts, tried)
                });
                (self.tell)(News::Switched(app, served));
            }
            Effect::Withdraw(app) => (self.tell)(News::Switched(app, None)),
            Effect::Retire(ids) => self.retire(ids),
            Effect::RetryAfter(app, pause) => {
                let bring = self.bring.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    bring.send(Brought::RetryDue(app)).await
                });
            }
        }
    }

    fn start(&mut self, app: AppName, id: PartId, name: PartName, spec: Spec, instead_of: Option<PartId>) {
        let abandoned = Arc::new(AtomicBool::new(false));
        let (loader, bring) = (self.loader.clone(), self.bring.clone());
        let starting = Starting { abandoned: Arc::clone(&abandoned), app: app.clone(), instead_of };
        self.starting.insert(id, starting);
        self.reasons.remove(&id);
        let work: futures_util::future::BoxFuture<'static, Result<Part, LoadError>> = match (name, spec) {
            (PartName::Actor(name), Spec::Actor(plan, recorder)) => {
                let Some(parts) = self.state.parts_of(&app, id) else { return };
                let start = ActorStart { app: app.clone(), name: name.clone(), plan, parts, recorder, abandoned };
                let telling = self.bring.clone();
                let compiling = move || {
                    // News only: a loop that is busy does without them.
                    let _ = telling.try_send(Brought::Compiling(app, name));
                };
                Box::pin(loader.actor(start, compiling))
            }
            (PartName::Provider(name), Spec::Provider { plan, is_local }) => {
                let place = instead_of.and_then(|id| self.slot(id));
                Box::pin(loader.provider(ProviderStart { app, name, plan, is_local }, place))
            }
            _ => return,
        };
        let working = tokio::spawn(work);
        tokio::spawn(async move {
            // A panic, say of the compiler, fails the part: the loop waits for all of them.
            let result = working.await.unwrap_or(Err(LoadError::Gone));
            bring.send(Brought::Started(id, Box::new(result))).await
        });
    }

    fn slot(&self, id: PartId) -> Option<Place> {
        match self.running.get(&id)? {
            Part::Provider { slot, .. } => slot.clone(),
            Part::Actor { .. } => None,
        }
    }

    fn retire(&mut self, ids: Vec<PartId>) {
        let parts = ids.iter().filter_map(|id| self.running.remove(id)).collect();
        ids.iter().filter_map(|id| self.asked.remove(id)).for_each(|asking| asking.abort());
        let (bring, grace, patience) = (self.bring.clone(), self.grace, self.patience);
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            retire(parts, Instant::now() + patience).await;
            for id in ids {
                let _ = bring.send(Brought::Retired(id)).await;
            }
        });
    }

    /// Tells how far each application is.
    fn publish(&mut self) {
        let state = &self.state;
        self.reasons.retain(|id, _| state.has(*id));
        let changed = self.state.take_changed();
        if changed.is_empty() {
            return;
        }
        changed.iter().for_each(|app| self.observe(app));
        let statuses: Vec<_> = changed.into_iter().map(|app| (self.app_status(&app), app)).collect();
        self.told.send_modify(|status| {
            for (app_status, app) in statuses {
                match app_status {
                    Some(app_status) => status.apps.insert(app, app_status),
                    None => status.apps.remove(&app),
                };
            }
        });
    }

    fn app_status(&self, app: &AppName) -> Option<AppStatus> {
        let view = self.state.view(app)?;
        let mut status = AppStatus {
            version: view.serving.as_ref().map(|(version, _)| *version),
            tried: view.tried,
            wanted: view.wanted,
            starting: view.starting,
            retiring: view.retiring,
            stage: view.stage,
            refused: view.refused,
            ..AppStatus::default()
        };
        for name in view.serving.into_iter().flat_map(|(_, parts)| parts) {
            match name {
                PartName::Actor(actor) => status.actors.insert(actor),
                PartName::Provider(provider) => status.providers.insert(provider),
            };
        }
        let reason = |(name, id)| Some((name, Arc::clone(self.reasons.get(&id)?)));
        status.failing = view.failed.into_iter().filter_map(reason).collect();
        Some(status)
    }
}
