//! What a host runs and what it is to run, as a pure state machine: an event and a state give effects.
//!
//! An application is asked for as a whole, in one version. What is new of it is started beside what runs; what stays,
//! equal in all that its code depends on, goes on as it is. A new version takes over as one, once all of it is ready and,
//! where that is asked for, has shown itself good with a share of the calls; the one before is kept a while to go back to.
//! An actor that can say whether it is ready is asked, once all that starts with it has started, and ready when it says so.
//! A part that is added to the running version joins as soon as it can. What is no longer wanted is withdrawn first
//! and drained then: actors before the providers that they call. A part that cannot be started keeps the version that
//! runs in its place, and is tried again after a pause that doubles.

mod app;
mod part;
mod ready;
mod trial;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::ids::AppName;
use model::placement::Refusal;

pub use self::part::{PartId, PartName, Spec};
pub use self::trial::{Comparison, Stage, Tried};
pub use self::view::AppView;

use self::app::App;
use super::deployment::Deployment;
use super::parts::Parts;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// This and nothing else is to run.
    Assigned(BTreeMap<AppName, Deployment>),
    /// A part has started.
    Started(PartId),
    /// A part could not be started; whoever tells keeps the reason.
    Failed(PartId),
    /// A part says that it is ready.
    Proved(PartId),
    /// A part does not say that it is ready.
    Unready {
        /// The part.
        id: PartId,
        /// What it says.
        reason: String,
    },
    /// The pause after a failure is over.
    RetryDue(AppName),
    /// A part has drained.
    Retired(PartId),
    /// It has shown what to think of a version, beside the one before it or after it took over from that.
    Judged {
        /// The application.
        app: AppName,
        /// The version.
        version: u64,
        /// Why it is refused; none where it is trusted.
        refused: Option<String>,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a part.
    Start {
        /// Whose.
        app: AppName,
        /// The part.
        id: PartId,
        /// Its name.
        name: PartName,
        /// What it is made of.
        spec: Spec,
        /// The part in whose place it starts, since both cannot be open at once: calls of it wait meanwhile.
        instead_of: Option<PartId>,
    },
    /// Nobody wants this part any more, which may not have started yet. It is told [`Event::Started`] or
    /// [`Event::Failed`] all the same.
    Abandon(PartId),
    /// Ask parts whether they are ready, linked as their version says. They take no other calls yet.
    Prove {
        /// The application.
        app: AppName,
        /// The version.
        version: u64,
        /// Its parts that have started.
        parts: BTreeMap<PartName, PartId>,
        /// What serves meanwhile: calls of what has not started go there.
        beside: Option<(u64, BTreeMap<PartName, PartId>)>,
        /// The parts to ask now; others are being asked already.
        asked: Vec<PartId>,
    },
    /// A version was gone back from: tell.
    GoneBack(AppName, Refusal),
    /// From now on calls of the application are served by these parts, linked as this version says, and no others.
    Serve {
        /// The application.
        app: AppName,
        /// The version.
        version: u64,
        /// Its parts.
        parts: BTreeMap<PartName, PartId>,
        /// The version that has a share of the calls.
        tried: Option<Tried>,
        /// The version before with its parts, where that is kept: calls of what this one has no more go there.
        kept: Option<(u64, BTreeMap<PartName, PartId>)>,
    },
    /// Nothing of the application is served from now on.
    Withdraw(AppName),
    /// Let these parts finish what they do, then end them.
    Retire(Vec<PartId>),
    /// Tell [`Event::RetryDue`] after this time.
    RetryAfter(AppName, Duration),
}

/// What a host runs and is to run.
#[derive(Debug, Default)]
pub struct State {
    apps: BTreeMap<AppName, App>,
    ids: part::Ids,
    /// Applications that events have reached since this was asked for.
    changed: BTreeSet<AppName>,
}

impl State {
    /// How an application is; none where nothing of it is here.
    pub fn view(&self, app: &AppName) -> Option<AppView> {
        Some(self.apps.get(app)?.view())
    }

    /// The applications that may have changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<AppName> {
        std::mem::take(&mut self.changed)
    }

    /// True where a part is known.
    pub fn has(&self, id: PartId) -> bool {
        self.apps.values().any(|app| app.has(id))
    }

    /// Where the components of a part that starts come from.
    pub(super) fn parts_of(&self, app: &AppName, id: PartId) -> Option<Arc<dyn Parts>> {
        self.apps.get(app)?.parts_of(id)
    }

    /// A version of an application: the one that is wanted or the one that serves.
    pub fn deployment(&self, app: &AppName, version: u64) -> Option<&Deployment> {
        self.apps.get(app)?.deployment(version)
    }

    /// What of an application is to be compared with the version before it.
    pub fn comparison(&self, app: &AppName) -> Option<Comparison> {
        self.apps.get(app)?.comparison()
    }

    /// True where nothing runs, starts or drains.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }

    /// True where everything that is wanted serves or has failed: nothing starts.
    pub fn is_settled(&self) -> bool {
        self.apps.values().all(App::is_settled)
    }

    fn owner(&self, id: PartId) -> Option<AppName> {
        self.apps.iter().find(|(_, app)| app.has(id)).map(|(name, _)| name.clone())
    }
}

/// What follows from `event`. News of parts that are not known change nothing.
pub fn step(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Assigned(wanted) => assign(state, wanted),
        Event::Started(id) => with_owner(state, id, |app| app.started(id)),
        Event::Failed(id) => with_owner(state, id, |app| app.failed(id)),
        Event::Proved(id) => with_owner(state, id, |app| app.proved(id)),
        Event::Unready { id, reason } => match state.owner(id) {
            Some(app) => with_app(state, &app, |app, ids| app.unready(id, reason, ids)),
            None => Vec::new(),
        },
        Event::Retired(id) => with_owner(state, id, |app| app.retired(id)),
        Event::Judged { app, version, refused } => with_app(state, &app, |app, ids| app.judged(version, refused, ids)),
        Event::RetryDue(app) => with_app(state, &app, |app, _| app.retry()),
    }
}

fn assign(state: &mut State, mut wanted: BTreeMap<AppName, Deployment>) -> Vec<Effect> {
    let known: BTreeSet<AppName> = state.apps.keys().chain(wanted.keys()).cloned().collect();
    known
        .into_iter()
        .flat_map(|name| {
            let deployment = wanted.remove(&name);
            if deployment.is_some() {
                state.apps.entry(name.clone()).or_default();
            }
            with_app(state, &name, |app, ids| app.want(deployment, ids))
        })
        .collect()
}

fn with_owner(state: &mut State, id: PartId, change: impl FnOnce(&mut App)) -> Vec<Effect> {
    match state.owner(id) {
        Some(app) => with_app(state, &app, |app, _| change(app)),
        None => Vec::new(),
    }
}

/// Changes an application, and finds what follows.
fn with_app(state: &mut State, name: &AppName, change: impl FnOnce(&mut App, &mut part::Ids)) -> Vec<Effect> {
    let Some(app) = state.apps.get_mut(name) else { return Vec::new() };
    state.changed.insert(name.clone());
    change(app, &mut state.ids);
    let effects = app.settle(name);
    if app.is_gone() {
        state.apps.remove(name);
    }
    effects
}
