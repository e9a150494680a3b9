//! An actor or provider of an application, on the hosts.

use std::collections::{BTreeMap, BTreeSet};

use lattice::document::{Failing, Part};
use lattice::subject::Token;
use model::contract::ContractName;
use model::ids::{AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Replicas};
use plan::placement::Group;

use crate::operate::derive::Derived;
use crate::operate::unreadable::What;
use crate::operate::view::{HostFacts, View};

/// An actor or provider, told.
#[derive(Clone, Debug, PartialEq)]
pub struct PartStatus {
    /// Its name.
    pub name: String,
    /// On how many hosts it is to run; none where it is no group's: a process of its own, or nobody links to it.
    pub wanted: Option<Replicas>,
    /// How it is on each host that it is placed on, or that has it still.
    pub hosts: BTreeMap<HostName, OnHost>,
    /// Where it serves though what it needs fails it, and why.
    pub unwell: BTreeMap<HostName, String>,
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
    /// It has a share of the calls, and serves once it has shown itself good; this earlier version serves.
    Tried(u64),
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

/// One application of a view.
pub(super) struct Told<'a> {
    pub(super) view: &'a View,
    pub(super) name: &'a AppName,
    pub(super) placed: Option<&'a AppPlacement>,
}

impl<'a> Told<'a> {
    pub(super) fn of(view: &'a View, name: &'a AppName) -> Self {
        Self { view, name, placed: view.placement.applications.get(name).map(AsRef::as_ref) }
    }

    pub(super) fn actors(&self, derived: &Derived) -> Vec<PartStatus> {
        let actors = derived.blueprint.composites.keys().map(|actor| {
            let placed = self.placed.and_then(|placed| placed.actors.get(actor));
            PartStatus {
                name: actor.to_string(),
                wanted: wanted(derived, |group| group.actors.contains(actor)),
                hosts: self.hosts(placed, &Part::Actor(actor.clone())),
                unwell: self.unwell(placed, &Part::Actor(actor.clone())),
                state: None,
                external: None,
            }
        });
        actors.collect()
    }

    pub(super) fn providers(&self, derived: &Derived) -> Vec<PartStatus> {
        let providers = derived.blueprint.providers.iter().map(|(provider, plan)| {
            let placed = self.placed.and_then(|placed| placed.providers.get(provider));
            let local = |group: &Group| group.local.contains(provider);
            PartStatus {
                name: provider.to_string(),
                wanted: wanted(derived, |group| group.providers.contains(provider)),
                hosts: self.hosts(placed, &Part::Provider(provider.clone())),
                unwell: self.unwell(placed, &Part::Provider(provider.clone())),
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

    fn unwell(&self, placed: Option<&BTreeSet<HostName>>, part: &Part) -> BTreeMap<HostName, String> {
        let why = |host: &HostName| {
            let record = &self.view.hosts.get(host).filter(|facts| facts.alive)?.record;
            let mut unwell = record.unwell.iter();
            let unwell = unwell.find(|unwell| unwell.app == *self.name && unwell.part.as_ref() == Some(part))?;
            Some((host.clone(), unwell.reason.clone()))
        };
        placed.into_iter().flatten().filter_map(why).collect()
    }

    /// True where it cannot be told where it runs, or how it is on a host that has it.
    pub(super) fn is_unknown(&self) -> bool {
        let hosts = self.placed.map(AppPlacement::hosts).unwrap_or_default();
        let is_unreadable = |host: &HostName| self.view.is_unreadable(&What::Host(host.clone()));
        self.view.is_place_unreadable(self.name) || hosts.into_iter().any(is_unreadable)
    }

    fn on_host(&self, host: &HostName, part: &Part) -> OnHost {
        if self.view.is_unreadable(&What::Host(host.clone())) {
            return OnHost::Unknown;
        }
        let Some(facts) = self.view.hosts.get(host).filter(|facts| facts.alive) else { return OnHost::Lost };
        let is_it =
            |failing: &&Failing| failing.app == *self.name && failing.part.as_ref().is_none_or(|failed| failed == part);
        if let Some(failing) = facts.record.failing.iter().find(is_it) {
            return OnHost::Failing(failing.reason.clone());
        }
        let ready = facts.record.ready.get(self.name).filter(|ready| match part {
            Part::Actor(actor) => ready.actors.contains(actor),
            Part::Provider(provider) => ready.providers.contains(provider),
        });
        match ready {
            Some(ready) if self.placed.is_some_and(|placed| placed.version == ready.version) => OnHost::Ready,
            Some(ready) if self.placed.is_some_and(|placed| Some(placed.version) == ready.tried) => {
                OnHost::Tried(ready.version)
            }
            Some(ready) => OnHost::Older(ready.version),
            None => OnHost::Starting,
        }
    }

    /// The living hosts that keep the version before the one that is placed, to go back to.
    pub(super) fn watched(&self) -> BTreeSet<HostName> {
        let is_watched = |facts: &HostFacts| {
            let ready = facts.record.ready.get(self.name).filter(|ready| ready.watched);
            facts.alive && ready.is_some_and(|ready| self.placed.is_some_and(|placed| placed.version == ready.version))
        };
        self.view.hosts.iter().filter(|(_, facts)| is_watched(facts)).map(|(name, _)| name.clone()).collect()
    }

    /// True where anything of it is placed, or ready on a living host.
    pub(super) fn runs(&self) -> bool {
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
