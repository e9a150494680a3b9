//! Changing an application that runs by itself: its versions, each tried beside the one before as on a lattice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::blueprint::Blueprint;
use model::ids::{ActorName, AppName};
use model::placement::{Refusal, Share};
use plan::{Intent, Inventory, Problem};
use tokio::time::Instant;

use crate::application::{Application, Piece};
use crate::executor::parts::Memory;
use crate::executor::state::Stage;
use crate::executor::{AppStatus, Deployment, Executor, Status};
use crate::limits::{LOCAL_VERSIONS_MAX, ROLLOUT_SHARE_PER_MILLE};
use crate::record::{Bounds, Masks, RecordError, Recorder};

/// Why an application that runs by itself stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It has no such actor.
    #[error("application {application} has no actor {actor}; it has {}", listed(actors))]
    NoActor {
        /// The application.
        application: AppName,
        /// The actor.
        actor: ActorName,
        /// Those that it has.
        actors: BTreeSet<ActorName>,
    },
    /// It cannot be planned with the component.
    #[error("application {application} cannot run with it; it stays as it is")]
    Unplannable {
        /// The application.
        application: AppName,
        /// Why.
        problems: Vec<Problem>,
    },
    /// It cannot be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It cannot be recorded yet.
    #[error("application {application} tries another version; record it once that is trusted or refused")]
    Unsettled {
        /// The application.
        application: AppName,
    },
    /// There is no such version to go back to.
    #[error("application {application} has no such version to go back to; it has {}", numbers(kept))]
    NoVersion {
        /// The application.
        application: AppName,
        /// The versions that are kept.
        kept: Vec<u64>,
    },
    /// It stops.
    #[error("application {application} stops")]
    Stops {
        /// The application.
        application: AppName,
    },
}

/// A change of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The version that has it.
    pub version: u64,
    /// False where what runs is that already.
    pub is_new: bool,
}

/// What became of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It serves, and is trusted.
    Serves,
    /// It was worse than the one before it, which serves again.
    Refused(String),
    /// A part of it does not start; the one before it serves, and stands again.
    Failing(String),
    /// Another version was made meanwhile.
    Superseded,
    /// It was none of these when the time was over.
    Overdue,
}

/// How an application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStatus {
    /// The version that serves; none where nothing does yet.
    pub version: Option<u64>,
    /// The version that is to serve.
    pub wanted: Option<u64>,
    /// What a version that may be refused has of the calls.
    pub stage: Option<Stage>,
    /// The version that was gone back from last, and why.
    pub refused: Option<Refusal>,
    /// What does not start, by its name, and why.
    pub failing: BTreeMap<String, String>,
    /// What starts.
    pub starting: BTreeSet<String>,
    /// The actors that serve.
    pub actors: BTreeSet<ActorName>,
    /// Those of them that have another component than the application was started with.
    pub patched: BTreeSet<ActorName>,
}

/// Changes an application that runs by itself. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    application: AppName,
    inventory: Inventory,
    executor: Arc<Executor>,
    made: Mutex<Made>,
}

/// The versions that were made, the newest last.
struct Made {
    versions: Vec<Version>,
    /// The number of the last that was made; none is given twice.
    last: u64,
    is_stopping: bool,
}

#[derive(Clone)]
struct Version {
    number: u64,
    intent: Arc<Intent>,
    blueprint: Arc<Blueprint>,
    parts: Arc<Memory>,
    recorder: Option<Recorder>,
    trust: Trust,
}

/// What is known of how good a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Nothing: another came before it was trusted.
    Unknown,
    /// It took over, and was not worse than the one before it.
    Trusted,
    /// It was gone back from.
    Refused,
}

impl Control {
    /// The application as it is started: version 1.
    pub(crate) fn new(application: &Application, blueprint: Blueprint, executor: Arc<Executor>) -> Self {
        let first = Version {
            number: 1,
            intent: Arc::new(application.intent().clone()),
            blueprint: Arc::new(blueprint),
            parts: application.parts(),
            recorder: None,
            trust: Trust::Unknown,
        };
        Self(Arc::new(Inner {
            application: application.manifest().application.clone(),
            inventory: application.inventory().clone(),
            executor,
            made: Mutex::new(Made { versions: vec![first], last: 1, is_stopping: false }),
        }))
    }

    /// Starts what was made first.
    pub(crate) fn begin(&self) {
        let made = self.made();
        if let Some(first) = made.versions.first() {
            self.assign(first, None);
        }
    }

    /// Nothing is changed any more.
    pub(crate) fn stop(&self) {
        self.made().is_stopping = true;
    }

    /// What the version runs that serves now.
    pub(crate) fn serving(&self) -> Option<Arc<Blueprint>> {
        let version = self.told()?.version?;
        Some(Arc::clone(&self.made().find(version)?.blueprint))
    }

    /// Makes a version in which `actor` is `component`, and begins with it: with that share of the calls of what differs, or
    /// the usual one. It is planned first, on what runs.
    ///
    /// # Errors
    ///
    /// There is no such actor; what keeps it from being planned; the application stops.
    pub fn patch(&self, actor: &ActorName, component: &Piece, share: Option<Share>) -> Result<Changed, ChangeError> {
        let mut made = self.made();
        let stands = self.stands(&mut made)?;
        let mut intent = (*stands.intent).clone();
        let known = intent.components.get_mut(actor);
        let Some(known) = known else { return Err(self.no_actor(actor, &stands.intent)) };
        if *known == component.view {
            return Ok(Changed { version: stands.number, is_new: false });
        }
        *known = component.view.clone();
        let planned = plan::plan(&intent, Some(&stands.blueprint), &self.0.inventory);
        let unplannable = |problems| ChangeError::Unplannable { application: self.0.application.clone(), problems };
        let blueprint = Arc::new(planned.map_err(unplannable)?.blueprint);
        let mut parts = stands.parts.0.clone();
        parts.insert(component.view.digest, Arc::clone(&component.bytes));
        let (intent, parts) = (Arc::new(intent), Arc::new(Memory(parts)));
        let version = Version { number: 0, intent, blueprint, parts, recorder: None, trust: Trust::Unknown };
        Ok(self.make(&mut made, version, share.or(Share::per_mille(ROLLOUT_SHARE_PER_MILLE))))
    }

    /// Makes a version of what an earlier one ran; without a number, of the last that ran something else than what stands and
    /// was not refused. What was trusted takes over at once, all else is tried.
    ///
    /// # Errors
    ///
    /// There is no such version, or it is kept no more; the application stops.
    pub fn rollback(&self, to: Option<u64>) -> Result<Changed, ChangeError> {
        let mut made = self.made();
        let stands = self.stands(&mut made)?;
        let is_other = |version: &&Version| {
            let is_good = version.trust != Trust::Refused;
            is_good && version.number < stands.number && version.intent != stands.intent
        };
        let found = match to {
            Some(number) => made.find(number),
            None => made.versions.iter().rev().find(is_other),
        };
        let Some(earlier) = found.cloned() else {
            let kept = made.versions.iter().map(|version| version.number).collect();
            return Err(ChangeError::NoVersion { application: self.0.application.clone(), kept });
        };
        if earlier.intent == stands.intent {
            return Ok(Changed { version: stands.number, is_new: false });
        }
        let share = Share::per_mille(ROLLOUT_SHARE_PER_MILLE).filter(|_| earlier.trust != Trust::Trusted);
        Ok(self.make(&mut made, Version { recorder: None, ..earlier }, share))
    }

    /// Makes a version of what stands in which an actor is recorded from its start on, and which takes over at once.
    ///
    /// # Errors
    ///
    /// There is no such actor, it cannot be recorded, a rule means nothing; a version is tried or watched, which must
    /// not take over by this; the application stops.
    pub fn record(&self, actor: &ActorName, masks: Masks, bounds: Bounds) -> Result<(Changed, Recorder), ChangeError> {
        let mut made = self.made();
        let stands = self.stands(&mut made)?;
        if stands.trust != Trust::Trusted {
            return Err(ChangeError::Unsettled { application: self.0.application.clone() });
        }
        let recorder = Recorder::new(&stands.blueprint, actor, masks, bounds)?;
        let version = Version { recorder: Some(recorder.clone()), ..stands };
        Ok((self.make(&mut made, version, None), recorder))
    }

    /// Makes a version of what stands in which nothing is recorded, where the one that is recorded still stands.
    pub fn record_no_more(&self, recorded: u64) {
        let mut made = self.made();
        if let Ok(stands) = self.stands(&mut made)
            && stands.number == recorded
        {
            self.make(&mut made, Version { recorder: None, ..stands }, None);
        }
    }

    /// Waits until another version than this is to serve.
    pub async fn left(&self, version: u64) {
        let mut status = self.0.executor.status();
        let is_left =
            |status: &Status| status.apps.get(&self.0.application).is_none_or(|app| app.wanted != Some(version));
        // Where the executor has ended, so has the version.
        let _ = status.wait_for(is_left).await;
    }

    /// Waits for what becomes of a version.
    pub async fn wait(&self, version: u64, deadline: Instant) -> Became {
        let mut status = self.0.executor.status();
        let mut became = None;
        let known = status.wait_for(|status| {
            became = status.apps.get(&self.0.application).and_then(|app| became_of(version, app));
            became.is_some()
        });
        match tokio::time::timeout_at(deadline, known).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Became::Superseded,
            Err(_) => return Became::Overdue,
        }
        if let Some(Became::Failing(_)) = became {
            self.give_up(version);
            let is_gone =
                |status: &Status| status.apps.get(&self.0.application).is_none_or(|app| app.wanted != Some(version));
            // Nothing depends on it but what is told next.
            let _ = tokio::time::timeout_at(deadline, status.wait_for(is_gone)).await;
        }
        became.unwrap_or(Became::Overdue)
    }

    /// What serves stands again, where the newest version is this one and does not start.
    fn give_up(&self, version: u64) {
        let mut made = self.made();
        let serves = self.told().and_then(|told| told.version).and_then(|serves| made.find(serves)).cloned();
        let newest = made.versions.last().map(|newest| newest.number);
        if let Some(serves) = serves.filter(|serves| newest == Some(version) && serves.number != version) {
            made.versions.pop();
            self.assign(&serves, None);
        }
    }

    /// How the application is.
    pub fn status(&self) -> LocalStatus {
        let told = self.told().unwrap_or_default();
        let made = self.made();
        let component = |version: &Version, actor: &ActorName| Some(version.intent.components.get(actor)?.digest);
        let (first, serves) = (made.find(1), told.version.and_then(|number| made.find(number)));
        let is_patched = |actor: &&ActorName| {
            let both = first.zip(serves).map(|(first, serves)| (component(first, actor), component(serves, actor)));
            both.is_some_and(|(first, serves)| first != serves)
        };
        LocalStatus {
            version: told.version,
            wanted: told.wanted,
            stage: told.stage,
            patched: serves
                .iter()
                .flat_map(|serves| serves.intent.components.keys())
                .filter(is_patched)
                .cloned()
                .collect(),
            failing: told.failing.iter().map(|(name, error)| (name.to_string(), error.whole())).collect(),
            starting: told.starting.iter().map(ToString::to_string).collect(),
            actors: told.actors,
            refused: told.refused,
        }
    }

    /// With each change of what [`Control::status`] tells.
    pub async fn changed(&self, last: &LocalStatus) -> LocalStatus {
        let mut status = self.0.executor.status();
        loop {
            let now = self.status();
            if now != *last || status.changed().await.is_err() {
                return now;
            }
        }
    }

    /// The application.
    pub fn application(&self) -> &AppName {
        &self.0.application
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> Option<AppStatus> {
        self.0.executor.status().borrow().apps.get(&self.0.application).cloned()
    }

    /// The version that is to serve: the newest, unless that was refused. What is known by now of the newest is remembered, as
    /// the executor tells of one version only.
    fn stands(&self, made: &mut Made) -> Result<Version, ChangeError> {
        let stops = || ChangeError::Stops { application: self.0.application.clone() };
        if made.is_stopping {
            return Err(stops());
        }
        let told = self.told();
        let newest = made.versions.last_mut().ok_or_else(stops)?;
        if let Some(told) = &told {
            let number = newest.number;
            if told.refused.as_ref().is_some_and(|refused| refused.version == number) {
                newest.trust = Trust::Refused;
            } else if told.version == Some(number) && told.stage.is_none() {
                newest.trust = Trust::Trusted;
            }
        }
        if newest.trust != Trust::Refused {
            return Ok(newest.clone());
        }
        told.and_then(|told| told.version).and_then(|serves| made.find(serves)).cloned().ok_or_else(stops)
    }

    fn make(&self, made: &mut Made, version: Version, share: Option<Share>) -> Changed {
        made.last = made.last.saturating_add(1);
        let number = made.last;
        let version = Version { number, trust: Trust::Unknown, ..version };
        self.assign(&version, share);
        made.versions.push(version);
        // The first is what the application was started with.
        let serves = self.told().and_then(|told| told.version);
        let goes = |version: &Version| version.number != 1 && Some(version.number) != serves;
        if made.versions.len() > LOCAL_VERSIONS_MAX
            && let Some(at) = made.versions.iter().position(goes)
        {
            made.versions.remove(at);
        }
        Changed { version: number, is_new: true }
    }

    fn assign(&self, version: &Version, trial: Option<Share>) {
        let Version { number, blueprint, parts, recorder, .. } = version;
        let whole = Deployment::whole(*number, Arc::clone(blueprint), Arc::clone(parts) as _);
        self.0
            .executor
            .assign([(self.0.application.clone(), Deployment { trial, recorder: recorder.clone(), ..whole })].into());
    }

    fn no_actor(&self, actor: &ActorName, intent: &Intent) -> ChangeError {
        ChangeError::NoActor {
            application: self.0.application.clone(),
            actor: actor.clone(),
            actors: intent.components.keys().cloned().collect(),
        }
    }
}

impl Made {
    fn find(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }
}

/// What a version has become, as soon as that is known.
fn became_of(version: u64, app: &AppStatus) -> Option<Became> {
    if let Some(refused) = app.refused.as_ref().filter(|refused| refused.version == version) {
        return Some(Became::Refused(refused.reason.clone()));
    }
    if app.wanted.is_some_and(|wanted| wanted > version) {
        return Some(Became::Superseded);
    }
    if app.wanted != Some(version) {
        return None;
    }
    if let Some(error) = app.failing.values().next() {
        return Some(Became::Failing(error.whole()));
    }
    (app.is_whole() && app.stage.is_none()).then_some(Became::Serves)
}

fn listed(actors: &BTreeSet<ActorName>) -> String {
    actors.iter().map(ActorName::as_str).collect::<Vec<_>>().join(", ")
}

fn numbers(versions: &[u64]) -> String {
    versions.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
