//! What can be told of a lattice: hosts, applications, what runs where, and why something does not.

mod chain;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use lattice::document::{Author, IntentHead, OwnSetting, Part, Storage, UnixMillis};
use lattice::subject::Token;
use model::contract::ContractName;
use model::ids::{AppName, HostName, Labels, ProviderName};
use model::placement::{AppPlacement, Replicas};
use plan::placement::{Demand, Group, Unplaced, place, unplaced};

use super::derive::Derived;
use super::unreadable::{Unreadable, What};
use super::view::{HostFacts, View};

pub use chain::ChainStatus;

/// A lattice, told.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The generation of the placement.
    pub generation: u64,
    /// The hosts, in order of names.
    pub hosts: Vec<HostStatus>,
    /// The applications, in order of names.
    pub applications: Vec<AppStatus>,
    /// What is there and cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A host, told.
#[derive(Clone, Debug, PartialEq)]
pub struct HostStatus {
    /// Its name.
    pub name: HostName,
    /// True where its lease stands.
    pub alive: bool,
    /// True where it takes nothing new and gives away what it has.
    pub draining: bool,
    /// True where an operator has asked it to drain.
    pub drain_asked: bool,
    /// True where it may plan.
    pub planner: bool,
    /// The version of lath that it is.
    pub version: String,
    /// Its labels.
    pub labels: Labels,
    /// Where it serves HTTP.
    pub listen: Option<SocketAddr>,
    /// True where it serves it over TLS.
    pub secure: bool,
    /// Whether what the lattice stores outlives a power cut, as far as it knows.
    pub storage: Storage,
    /// Settings that it gives to actors in the place of their manifests'.
    pub settings: BTreeSet<OwnSetting>,
    /// How many actors and providers are placed on it.
    pub parts: usize,
    /// How busy it is, where its beats were listened to.
    pub load: Option<Load>,
}

/// How busy a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Calls that it runs.
    pub running: u32,
    /// Calls that it could run.
    pub capacity: u32,
}

/// An application, told.
#[derive(Clone, Debug, PartialEq)]
pub struct AppStatus {
    /// Its name.
    pub name: AppName,
    /// Its newest version.
    pub version: u64,
    /// Who made that.
    pub by: Author,
    /// When.
    pub at: UnixMillis,
    /// How it is.
    pub phase: Phase,
    /// The actors that are called by themselves.
    pub actors: Vec<PartStatus>,
    /// The providers.
    pub providers: Vec<PartStatus>,
    /// The chains of middleware.
    pub chains: Vec<ChainStatus>,
    /// What runs on fewer hosts than it asks for, and why.
    pub unplaced: Vec<Unplaced>,
    /// Why the version cannot be planned.
    pub refused: Option<String>,
}

/// How an application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was taken down, and nothing of it runs.
    Down,
    /// It was taken down, and still runs somewhere.
    Stopping,
    /// Its newest version cannot be planned; an earlier one may run.
    Refused,
    /// No planner has placed the newest version yet.
    Planning,
    /// Something is not ready yet.
    Starting,
    /// Something does not come up.
    Failing,
    /// It cannot be told, for something cannot be read.
    Unknown,
    /// All that is placed is ready, and something runs on fewer hosts than it asks for.
    Short,
    /// Everything is ready wherever it is asked for.
    Ready,
}

impl Phase {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Stopping => "stopping",
            Self::Refused => "refused",
            Self::Planning => "planning",
            Self::Starting => "starting",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::Short => "short",
            Self::Ready => "ready",
        }
    }
}

/// An actor or provider, told.
#[derive(Clone, Debug, PartialEq)]
pub struct PartStatus {
    /// Its name.
    pub name: String,
    /// On how many hosts it is to run; none where it is no group's: a process of its own, or nobody links to it.
    pub wanted: Option<Replicas>,
    /// How it is on each host that it is placed on, or that has it still.
    pub hosts: BTreeMap<HostName, OnHost>,
    /// Of a provider: its kind, and where its state is.
    pub state: Option<StateStatus>,
    /// Of a provider that is a process of its own: what it is to serve, and the processes.
    pub external: Option<ExternalStatus>,
}

/// A provider that is a process of its own, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalStatus {
    /// The contracts that it is to serve.
    pub serves: BTreeSet<ContractName>,
    /// The processes that announce themselves, by the names that they gave themselves; none where that was not listened to.
    pub processes: Option<BTreeMap<Token, ProcessStatus>>,
}

/// A process of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStatus {
    /// True where it announces all that it is to serve: hosts call no other.
    pub serves: bool,
    /// What its payloads are written in: `json`, or a wire id.
    pub wire: String,
}

/// How an actor or provider is on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnHost {
    /// It serves.
    Ready,
    /// It is not ready yet.
    Starting,
    /// It is not ready yet; this earlier version serves.
    Older(u64),
    /// It does not come up, for this reason.
    Failing(String),
    /// The host is down.
    Lost,
    /// What the host tells cannot be read.
    Unknown,
}

/// The state of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateStatus {
    /// Its kind, such as `keyvalue/embedded`.
    pub kind: String,
    /// True where the state is its host's.
    pub is_local: bool,
    /// The hosts whose data folders have state of it.
    pub hosts: BTreeSet<HostName>,
}

impl Status {
    /// What `view` tells.
    pub fn of(view: &View) -> Self {
        let hosts = view.hosts.iter().map(|(name, host)| HostStatus::of(view, name, host));
        let short = short(view);
        let applications = view.heads.iter().map(|(name, head)| AppStatus::of(view, name, head, &short));
        Self {
            generation: view.placement.generation,
            hosts: hosts.collect(),
            applications: applications.collect(),
            unreadable: view.unreadable.clone(),
        }
    }
}

/// What is on fewer hosts than it asks for. A version that no planner has placed yet is judged by the place that it would
/// be given now.
fn short(view: &View) -> Vec<Unplaced> {
    let (demands, hosts) = (view.demands(), view.host_views());
    let is_placed = |(name, demand): (&AppName, &Arc<Demand>)| {
        view.placement.applications.get(name).is_some_and(|placed| placed.version == demand.version)
    };
    if demands.iter().all(is_placed) {
        return unplaced(&demands, &view.placement, &hosts);
    }
    unplaced(&demands, &place(&demands, &view.placement, &hosts), &hosts)
}

impl HostStatus {
    fn of(view: &View, name: &HostName, HostFacts { record, alive, asked }: &HostFacts) -> Self {
        let placed = view.placement.applications.values();
        let parts = placed.flat_map(|app| app.actors.values().chain(app.providers.values()));
        Self {
            name: name.clone(),
            alive: *alive,
            draining: record.draining,
            drain_asked: asked.is_some(),
            planner: record.planner,
            version: record.version.clone(),
            labels: record.labels.clone(),
            listen: record.listen,
            secure: record.secure,
            storage: record.storage.clone(),
            settings: record.settings.clone(),
            parts: parts.filter(|hosts| hosts.contains(name)).count(),
            load: None,
        }
    }
}

impl AppStatus {
    fn of(view: &View, name: &AppName, head: &IntentHead, short: &[Unplaced]) -> Self {
        let told = Told { view, name, placed: view.placement.applications.get(name).map(AsRef::as_ref) };
        let derived = view.derived.get(name);
        let planned = derived.and_then(|derived| derived.as_ref().ok());
        let mut status = Self {
            name: name.clone(),
            version: head.version,
            by: head.by.clone(),
            at: head.at,
            phase: Phase::Down,
            actors: planned.map(|derived| told.actors(derived)).unwrap_or_default(),
            providers: planned.map(|derived| told.providers(derived)).unwrap_or_default(),
            chains: planned.map(|derived| ChainStatus::all(&derived.intent.manifest)).unwrap_or_default(),
            unplaced: if told.is_unknown() {
                Vec::new()
            } else {
                short.iter().filter(|unplaced| unplaced.application == *name).cloned().collect()
            },
            refused: derived.and_then(|derived| derived.as_ref().err().cloned()),
        };
        status.phase = status.phase(head, &told);
        status
    }

    fn phase(&self, head: &IntentHead, told: &Told<'_>) -> Phase {
        if head.document.is_none() {
            return if told.runs() {
                Phase::Stopping
            } else if told.is_unknown() {
                Phase::Unknown
            } else {
                Phase::Down
            };
        }
        if self.refused.is_some() {
            return Phase::Refused;
        }
        if told.view.is_place_unreadable(told.name) {
            return Phase::Unknown;
        }
        if told.placed.is_none_or(|placed| placed.version != head.version) {
            return Phase::Planning;
        }
        let hosts: Vec<&OnHost> =
            self.actors.iter().chain(&self.providers).flat_map(|part| part.hosts.values()).collect();
        let any = |is: fn(&OnHost) -> bool| hosts.iter().any(|on| is(on));
        if any(|on| matches!(on, OnHost::Failing(_))) {
            Phase::Failing
        } else if any(|on| matches!(on, OnHost::Starting | OnHost::Older(_))) {
            Phase::Starting
        } else if any(|on| *on == OnHost::Unknown) {
            Phase::Unknown
        } else if !self.unplaced.is_empty() || any(|on| *on == OnHost::Lost) {
            Phase::Short
        } else {
            Phase::Ready
        }
    }
}

/// One application of a view.
struct Told<'a> {
    view: &'a View,
    name: &'a AppName,
    placed: Option<&'a AppPlacement>,
}

impl Told<'_> {
    fn actors(&self, derived: &Derived) -> Vec<PartStatus> {
        let actors = derived.blueprint.composites.keys().map(|actor| {
            let placed = self.placed.and_then(|placed| placed.actors.get(actor));
            PartStatus {
                name: actor.to_string(),
                wanted: wanted(derived, |group| group.actors.contains(actor)),
                hosts: self.hosts(placed, &Part::Actor(actor.clone())),
                state: None,
                external: None,
            }
        });
        actors.collect()
    }

    fn providers(&self, derived: &Derived) -> Vec<PartStatus> {
        let providers = derived.blueprint.providers.iter().map(|(provider, plan)| {
            let placed = self.placed.and_then(|placed| placed.providers.get(provider));
            let local = |group: &Group| group.local.contains(provider);
            PartStatus {
                name: provider.to_string(),
                wanted: wanted(derived, |group| group.providers.contains(provider)),
                hosts: self.hosts(placed, &Part::Provider(provider.clone())),
                state: Some(StateStatus {
                    kind: plan.kind.clone(),
                    is_local: derived.demand.groups.iter().any(local),
                    hosts: self.with_state(provider),
                }),
                external: plan.external.clone().map(|serves| ExternalStatus { serves, processes: None }),
            }
        });
        providers.collect()
    }

    fn with_state(&self, provider: &ProviderName) -> BTreeSet<HostName> {
        let key = (self.name.clone(), provider.clone());
        let hosts = self.view.hosts.iter().filter(|(_, host)| host.record.states.contains(&key));
        hosts.map(|(name, _)| name.clone()).collect()
    }

    fn hosts(&self, placed: Option<&BTreeSet<HostName>>, part: &Part) -> BTreeMap<HostName, OnHost> {
        placed.into_iter().flatten().map(|host| (host.clone(), self.on_host(host, part))).collect()
    }

    /// True where it cannot be told where it runs, or how it is on a host that has it.
    fn is_unknown(&self) -> bool {
        let hosts = self.placed.map(AppPlacement::hosts).unwrap_or_default();
        let is_unreadable = |host: &HostName| self.view.is_unreadable(&What::Host(host.clone()));
        self.view.is_place_unreadable(self.name) || hosts.into_iter().any(is_unreadable)
    }

    fn on_host(&self, host: &HostName, part: &Part) -> OnHost {
        if self.view.is_unreadable(&What::Host(host.clone())) {
            return OnHost::Unknown;
        }
        let Some(facts) = self.view.hosts.get(host).filter(|facts| facts.alive) else { return OnHost::Lost };
        let is_it = |failing: &&lattice::document::Failing| {
            failing.app == *self.name && failing.part.as_ref().is_none_or(|failed| failed == part)
        };
        if let Some(failing) = facts.record.failing.iter().find(is_it) {
            return OnHost::Failing(failing.reason.clone());
        }
        let ready = facts.record.ready.get(self.name).filter(|ready| match part {
            Part::Actor(actor) => ready.actors.contains(actor),
            Part::Provider(provider) => ready.providers.contains(provider),
        });
        match ready {
            Some(ready) if self.placed.is_some_and(|placed| placed.version == ready.version) => OnHost::Ready,
            Some(ready) => OnHost::Older(ready.version),
            None => OnHost::Starting,
        }
    }

    /// True where anything of it is placed, or ready on a living host.
    fn runs(&self) -> bool {
        let is_ready = |host: &HostFacts| {
            let ready = host.record.ready.get(self.name);
            host.alive && ready.is_some_and(|ready| !ready.actors.is_empty() || !ready.providers.is_empty())
        };
        self.placed.is_some_and(|placed| !placed.hosts().is_empty()) || self.view.hosts.values().any(is_ready)
    }
}

fn wanted(derived: &Derived, is_in: impl Fn(&Group) -> bool) -> Option<Replicas> {
    let groups = derived.demand.groups.iter().filter(|group| is_in(group));
    groups.map(|group| group.replicas).reduce(most)
}

/// A provider beside several groups runs wherever one of them does.
fn most(left: Replicas, right: Replicas) -> Replicas {
    match (left, right) {
        (Replicas::Count(left), Replicas::Count(right)) => Replicas::Count(left.max(right)),
        _ => Replicas::Everywhere,
    }
}
