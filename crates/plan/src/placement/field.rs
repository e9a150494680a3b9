//! The hosts, indexed: planning touches each of them many times.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use model::ids::{AppName, HostName, LabelKey, LabelValue, ProviderName};

use super::{Group, HostView, Ready};

/// A host, by its place in the order of names.
pub(super) type HostId = usize;

/// The hosts of a lattice, and how many groups each has.
pub(super) struct Field<'a> {
    names: Vec<&'a HostName>,
    views: Vec<&'a HostView>,
    ids: HashMap<&'a HostName, HostId, BuildHasherDefault<Stable>>,
    hashes: Vec<u64>,
    load: Vec<u32>,
    /// The hosts that have the state of a provider.
    states: BTreeMap<&'a AppName, BTreeMap<&'a ProviderName, Vec<HostId>>>,
    /// The hosts that may take groups with equal wishes.
    fit: Vec<(&'a Group, Rc<[HostId]>)>,
    /// The value of a label on each host, as a number.
    zones: BTreeMap<&'a LabelKey, Rc<[Option<usize>]>>,
}

impl<'a> Field<'a> {
    pub(super) fn new(hosts: &'a BTreeMap<HostName, HostView>) -> Self {
        let names: Vec<_> = hosts.keys().collect();
        let mut states: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for (host, view) in hosts.values().enumerate() {
            for (application, provider) in &view.states {
                states.entry(application).or_default().entry(provider).or_default().push(host);
            }
        }
        Self {
            states,
            ids: names.iter().enumerate().map(|(id, name)| (*name, id)).collect(),
            hashes: names.iter().map(|name| Stable::of(&[name.as_str()])).collect(),
            load: vec![0; names.len()],
            views: hosts.values().collect(),
            names,
            fit: Vec::new(),
            zones: BTreeMap::new(),
        }
    }

    pub(super) fn id(&self, host: &HostName) -> Option<HostId> {
        self.ids.get(host).copied()
    }

    pub(super) fn name(&self, host: HostId) -> Option<&'a HostName> {
        self.names.get(host).copied()
    }

    pub(super) fn view(&self, host: HostId) -> Option<&'a HostView> {
        self.views.get(host).copied()
    }

    /// Every host.
    pub(super) fn all(&self) -> impl Iterator<Item = (HostId, &'a HostName, &'a HostView)> {
        let named = self.names.iter().zip(&self.views).enumerate();
        named.map(|(host, (name, view))| (host, *name, *view))
    }

    /// The hosts that have the state of a provider, in order of names.
    pub(super) fn having(&self, application: &AppName, provider: &ProviderName) -> &[HostId] {
        self.states.get(application).and_then(|states| states.get(provider)).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many groups a host has.
    pub(super) fn load(&self, host: HostId) -> u32 {
        self.load.get(host).copied().unwrap_or_default()
    }

    pub(super) fn add_load(&mut self, host: HostId) {
        if let Some(load) = self.load.get_mut(host) {
            *load = load.saturating_add(1);
        }
    }

    pub(super) fn take_load(&mut self, host: HostId) {
        if let Some(load) = self.load.get_mut(host) {
            *load = load.saturating_sub(1);
        }
    }

    /// How much a host suits a group where all else is equal: the same number on every planner (rendezvous hashing).
    pub(super) fn rank(&self, group: u64, host: HostId) -> u64 {
        mixed(group ^ self.hashes.get(host).copied().unwrap_or_default())
    }

    /// The hosts that may take a group, in order of names.
    pub(super) fn fit(&mut self, group: &'a Group) -> Rc<[HostId]> {
        let alike = |known: &Group| known.on == group.on && known.kinds == group.kinds;
        if let Some((_, hosts)) = self.fit.iter().find(|(known, _)| alike(known)) {
            return Rc::clone(hosts);
        }
        let hosts: Rc<[_]> = self.all().filter(|(_, _, view)| view.may_take(group)).map(|(host, ..)| host).collect();
        self.fit.push((group, Rc::clone(&hosts)));
        hosts
    }

    /// The value of a label on each host, as a number.
    pub(super) fn zones(&mut self, key: &'a LabelKey) -> Rc<[Option<usize>]> {
        if let Some(zones) = self.zones.get(key) {
            return Rc::clone(zones);
        }
        let mut known: BTreeMap<&LabelValue, usize> = BTreeMap::new();
        let mut zone = |view: &'a HostView| {
            let next = known.len();
            view.labels.get(key).map(|value| *known.entry(value).or_insert(next))
        };
        let zones: Rc<[_]> = self.views.iter().map(|view| zone(view)).collect();
        self.zones.insert(key, Rc::clone(&zones));
        zones
    }
}

impl HostView {
    /// True where it may be given the group.
    pub(super) fn may_take(&self, group: &Group) -> bool {
        self.alive && !self.draining && self.can_run(group) && self.has_labels(group)
    }

    /// True where it could run the group, whether it should or not.
    pub(super) fn can_run(&self, group: &Group) -> bool {
        group.kinds.is_subset(&self.kinds)
    }

    /// True where it has every label that the group asks for.
    pub(super) fn has_labels(&self, group: &Group) -> bool {
        group.on.iter().all(|(key, value)| self.labels.get(key) == Some(value))
    }

    /// True where an actor of the group answers, in whatever version.
    pub(super) fn serves(&self, application: &AppName, group: &Group) -> bool {
        let ready = self.ready.get(application);
        ready.is_some_and(|ready| group.actors.iter().any(|actor| ready.actors.contains(actor)))
    }

    /// True where it has local state of the group.
    pub(super) fn has_state(&self, application: &AppName, group: &Group) -> bool {
        group.local.iter().any(|provider| self.states.contains(&(application.clone(), provider.clone())))
    }

    /// True where the whole group is ready.
    pub(super) fn has_ready(&self, application: &AppName, version: u64, group: &Group) -> bool {
        self.ready.get(application).is_some_and(|ready| is_ready(ready, version, group))
    }
}

fn is_ready(ready: &Ready, version: u64, group: &Group) -> bool {
    ready.version == version
        && group.actors.iter().all(|actor| ready.actors.contains(actor))
        && group.providers.iter().all(|provider| ready.providers.contains(provider))
}

/// FNV-1a, 64 bits: the same on every host and in every version.
#[derive(Clone, Copy)]
pub(super) struct Stable(u64);

impl Stable {
    /// The hash of several texts.
    pub(super) fn of(texts: &[&str]) -> u64 {
        let mut hash = Self::default();
        for text in texts {
            hash.write(text.as_bytes());
            hash.write(&[0]);
        }
        mixed(hash.0)
    }
}

impl Default for Stable {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Stable {
    fn finish(&self) -> u64 {
        mixed(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Spreads the bits of a number (the finaliser of SplitMix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
