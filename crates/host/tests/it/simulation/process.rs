//! Hosts: the machines, and the processes that run on them with the real control and a model of the executor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use host::control::{Event, Moment, Share, State, Topic};
use lattice::document::{HostRecord, Incarnation, Storage};
use model::ids::{AppName, HostName, Labels, ProviderName};
use model::placement::{AppPlacement, Ready, Refusal};

use super::scenario::kinds;

/// A machine: what outlives a process.
pub struct Machine {
    pub name: HostName,
    pub labels: Labels,
    pub planner: bool,
    pub ingress: bool,
    /// The state in its data folder.
    pub states: BTreeSet<(AppName, ProviderName)>,
    /// Messages to the store, and from it, get through.
    pub up: bool,
    pub down: bool,
    /// Until then the bucket of leases does not answer it.
    pub stalled: u64,
    /// It will never run again.
    pub removed: bool,
    /// The last time that something was wrong with it.
    pub troubled: u64,
}

/// One life of a host.
pub struct Process {
    pub machine: usize,
    pub state: State,
    pub began: u64,
    pub alive: bool,
    /// True once anything was told to it: one that stood still before knows nothing that could be out of date.
    pub begun: bool,
    /// True from when it says that it has left.
    pub exited: bool,
    pub connected: bool,
    /// Since when it stands still.
    pub frozen: Option<u64>,
    pub pile: Vec<Event>,
    /// The number of the watch of each topic; what an older one tells is lost.
    pub watches: BTreeMap<Topic, Watching>,
    pub share: Share,
    pub ready: BTreeMap<AppName, Ready>,
    /// The versions that it went back from.
    pub refused: BTreeMap<AppName, Refusal>,
    /// What the oracle saw of its rejoining.
    pub thawed: Option<Thawed>,
    pub generation: u64,
}

/// A process that has stood still for long and has not rejoined.
#[derive(Clone, Copy, Default)]
pub struct Thawed {
    pub echoed: bool,
    pub reread: bool,
    /// The generation of its pointer when it thawed.
    pub pointer: u64,
}

#[derive(Clone, Copy, Default)]
pub struct Watching {
    pub session: u64,
    /// When the last message of it arrives: they keep their order.
    pub last: u64,
    /// Something of it was lost.
    pub broken: bool,
}

impl Process {
    pub fn new(index: usize, machine: &Machine, now: u64, incarnation: Incarnation) -> Self {
        let record = HostRecord {
            name: machine.name.clone(),
            incarnation,
            version: "1.0.0".to_owned(),
            sealing: None,
            settings: BTreeSet::new(),
            labels: machine.labels.clone(),
            draining: false,
            planner: machine.planner,
            listen: None,
            secure: false,
            kinds: kinds(),
            states: machine.states.clone(),
            storage: Storage::Safe,
            ready: BTreeMap::new(),
            refused: BTreeMap::new(),
            failing: Vec::new(),
            unwell: Vec::new(),
        };
        Self {
            machine: index,
            state: State::new(record, machine.ingress),
            began: now,
            alive: true,
            begun: false,
            exited: false,
            connected: false,
            frozen: None,
            pile: Vec::new(),
            watches: BTreeMap::new(),
            share: Share::default(),
            ready: BTreeMap::new(),
            refused: BTreeMap::new(),
            thawed: None,
            generation: 0,
        }
    }

    pub fn moment(&self, now: u64) -> Moment {
        Moment(std::time::Duration::from_millis(now - self.began))
    }

    /// What watches a process of this machine has.
    pub fn topics(machine: &Machine) -> &'static [Topic] {
        match machine.planner {
            true => &[Topic::Hosts, Topic::Pointers, Topic::Intents, Topic::Leases, Topic::Root],
            false => &[Topic::Hosts, Topic::Pointers],
        }
    }
}

/// What of an application is to run on a host.
pub fn part(host: &HostName, app: &AppPlacement) -> Ready {
    let actors = app.actors.iter().filter(|(_, hosts)| hosts.contains(host)).map(|(name, _)| name.clone());
    let providers = app.providers.iter().filter(|(_, hosts)| hosts.contains(host)).map(|(name, _)| name.clone());
    Ready { version: app.version, actors: actors.collect(), providers: providers.collect(), ..Ready::default() }
}

/// The applications whose part on this host differs from what is ready.
pub fn unready(process: &Process, host: &HostName) -> Vec<(AppName, Arc<AppPlacement>)> {
    let differs =
        |(app, placement): &(&AppName, &Arc<AppPlacement>)| process.ready.get(*app) != Some(&part(host, placement));
    process.share.apps.iter().filter(differs).map(|(app, placement)| (app.clone(), placement.clone())).collect()
}
