//! What runs here and where all else is placed, and the links that follow from both.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use engine::Actor;
use lattice::document::{Failing, Part};
use model::blueprint::Target;
use model::contract::ContractName;
use model::ids::{ActorName, AppName, ProviderName};
use model::placement::AppPlacement;
use provider::{Health, Opens};

use super::crashes::{CRASHING, Crashes};
use super::far::Outside;
use super::near::{Near, Targets};
use super::open::Open;
use super::{Outbox, Scope};
use crate::telemetry::Telemetry;

/// What runs here of one application, and the outboxes of its actors.
#[derive(Clone)]
pub struct Running {
    /// Its version.
    pub version: u64,
    /// What can be called.
    pub targets: Targets,
    /// The outbox of each of its actors.
    pub outboxes: BTreeMap<ActorName, Arc<Outbox>>,
    /// A newer version that is tried, with the outboxes of the actors that are its alone.
    pub tried: Option<Box<Running>>,
}

/// One application, as far as it is known.
#[derive(Clone, Default)]
struct Entry {
    running: Option<Running>,
    placement: Option<Arc<AppPlacement>>,
    /// The last placement of another version, by which the links of that one lead as long as it runs here.
    before: Option<Arc<AppPlacement>>,
}

impl Entry {
    /// Where a version runs; the newest where nothing is known of that version.
    fn placement_of(&self, version: u64) -> Option<&AppPlacement> {
        let known = self.placement.iter().chain(&self.before);
        let its = known.into_iter().find(|placement| placement.version == version);
        its.or(self.placement.as_ref()).map(Arc::as_ref)
    }

    fn place(&mut self, placement: Option<Arc<AppPlacement>>) {
        let before = std::mem::replace(&mut self.placement, placement);
        let version = |placement: &Option<Arc<AppPlacement>>| placement.as_ref().map(|placement| placement.version);
        if self.placement.is_none() || version(&before) != version(&self.placement) {
            self.before = before.filter(|_| self.placement.is_some());
        }
    }
}

/// Applications as calls from outside find them: replaced as one, read on each call.
pub(crate) type Table = HashMap<String, Arc<Targets>>;

/// Links whatever runs here. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Switchboard(Arc<Inner>);

struct Inner {
    outside: Option<Outside>,
    telemetry: Telemetry,
    entries: Mutex<BTreeMap<AppName, Entry>>,
    table: ArcSwap<Table>,
    /// Which actors crash, as far as anybody looked.
    crashes: Mutex<Crashes>,
}

impl Switchboard {
    /// Nothing runs. Without a way `outside`, links reach no further than this host.
    pub fn new(outside: Option<Outside>) -> Self {
        Self::observed(outside, Telemetry::default())
    }

    /// The same, with calls that are observed.
    pub fn observed(outside: Option<Outside>, telemetry: Telemetry) -> Self {
        let (entries, table, crashes) = (Mutex::default(), ArcSwap::default(), Mutex::default());
        Self(Arc::new(Inner { outside, telemetry, entries, table, crashes }))
    }

    /// What the host tells of itself.
    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    /// The way to other hosts.
    pub fn outside(&self) -> Option<&Outside> {
        self.0.outside.as_ref()
    }

    /// From now on calls of the application go to these; none where nothing of it runs here any more. The links of what
    /// ran before are left as they are: it may still finish calls.
    pub fn switch(&self, application: &AppName, running: Option<Running>) {
        self.change(application, |entry| entry.running = running);
    }

    /// Links these actors, which take no calls yet, as far as anything is known of where all else is.
    pub fn link(&self, application: &AppName, running: &Running) {
        let entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = Entry::default();
        self.connect(application, entries.get(application).unwrap_or(&unknown), running);
    }

    /// The application is placed so; none where it is no longer known here.
    pub fn place(&self, application: &AppName, placement: Option<Arc<AppPlacement>>) {
        self.change(application, |entry| entry.place(placement));
    }

    fn change(&self, application: &AppName, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(application.clone()).or_default();
        change(entry);
        for running in entry.running.iter().flat_map(|running| running.tried.as_deref().into_iter().chain([running])) {
            self.connect(application, entry, running);
        }
        if entry.running.is_none() && entry.placement.is_none() {
            entries.remove(application);
            self.0.telemetry.forget(application);
        }
        // Still under the lock: tables are stored in the order of changes.
        let targets = |entry: &Entry| entry.running.as_ref().map(|running| Arc::new(running.targets.clone()));
        let table = entries.iter().filter_map(|(name, entry)| Some((name.to_string(), targets(entry)?)));
        self.0.table.store(Arc::new(table.collect()));
    }

    fn connect(&self, application: &AppName, entry: &Entry, running: &Running) {
        let elsewhere = entry.placement_of(running.version).zip(self.0.outside.as_ref());
        let scope = Scope { application, targets: &running.targets, elsewhere, telemetry: &self.0.telemetry };
        for (name, outbox) in &running.outboxes {
            if let Some(plan) = running.targets.blueprint.composites.get(name) {
                outbox.connect(plan, scope);
            }
        }
    }

    /// The target of a call that opens no stores, as it runs here.
    pub(crate) fn find(
        &self,
        application: &AppName,
        target: &Target,
        contract: &ContractName,
        wire: &str,
    ) -> Option<Near> {
        self.0.table.load().get(application.as_str())?.find(target, contract, wire, &Opens::Nothing)
    }

    /// The actor, behind this chain of middleware, where it runs here and serves requests of HTTP without messages.
    pub(crate) fn http(&self, application: &AppName, actor: &ActorName, via: &[ActorName]) -> Option<Actor> {
        self.0.table.load().get(application.as_str())?.http(actor, via)
    }

    /// The same for one request, which may be of the share of a version that is tried.
    pub(crate) fn open(&self, application: &AppName, actor: &ActorName, via: &[ActorName]) -> Option<Open> {
        self.0.table.load().get(application.as_str())?.open(actor, via)
    }

    /// How the providers are that run here.
    pub(crate) fn health(&self) -> Vec<(AppName, ProviderName, Health)> {
        let table = self.table();
        let of = |targets: &Arc<Targets>| {
            let application = targets.blueprint.application.clone();
            let health = targets.health().into_iter();
            health.map(|(name, health)| (application.clone(), name.clone(), health)).collect::<Vec<_>>()
        };
        table.values().flat_map(of).collect()
    }

    /// The providers and actors that run here and are not well.
    pub(crate) fn unwell(&self) -> Vec<Failing> {
        let unwell = |(application, name, health)| match health {
            Health::Well => None,
            Health::Unwell(why) => Some(Failing::new(application, Some(Part::Provider(name)), &why)),
        };
        let providers = self.health().into_iter().filter_map(unwell);
        let crashing = self.crashing().into_iter();
        let actors = crashing.map(|(application, name)| Failing::new(application, Some(Part::Actor(name)), CRASHING));
        providers.chain(actors).collect()
    }

    /// The actors that serve here and crash.
    fn crashing(&self) -> Vec<(AppName, ActorName)> {
        let table = self.table();
        let of = |targets: &Arc<Targets>| {
            let application = targets.blueprint.application.clone();
            let stats = targets.actors.iter().map(|(name, (actor, _))| (name.clone(), actor.stats()));
            stats.map(|(name, stats)| (application.clone(), name, stats)).collect::<Vec<_>>()
        };
        let mut crashes = self.0.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        crashes.look(Instant::now(), table.values().flat_map(of))
    }

    /// What runs here, by application.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.0.table.load_full()
    }
}
