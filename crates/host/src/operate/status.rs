//! What can be told of a lattice: hosts, applications, what runs where, and why something does not.

mod app;
mod chain;
mod link;
mod part;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use lattice::document::{OwnSetting, Storage};
use model::ids::{AppName, HostName, Labels};
use plan::placement::{Demand, Unplaced, place, unplaced};

use super::unreadable::Unreadable;
use super::view::{HostFacts, View};

pub(super) use app::rolled_back;
pub use app::{AppStatus, Phase, RolledBack};
pub use chain::ChainStatus;
pub use part::{ExternalStatus, OnHost, PartStatus, ProcessStatus, StateStatus};

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
