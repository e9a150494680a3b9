//! The hosts of one group: those that it keeps, those that it joins, and those that it leaves once others are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Replicas};

use super::field::{Field, HostId, Stable};
use super::state::{Holder, holder};
use super::{Group, HostView};

/// A group that is to be given hosts.
pub(super) struct Settling<'a, 'p> {
    pub(super) application: &'a AppName,
    pub(super) version: u64,
    pub(super) group: &'a Group,
    pub(super) previous: Option<&'p AppPlacement>,
}

/// The hosts on which parts of a group were, and how many of its parts.
pub(super) type Before = BTreeMap<HostId, usize>;

impl<'a> Settling<'a, '_> {
    /// The known hosts on which parts of the group are now.
    pub(super) fn before(&self, field: &Field<'_>) -> Before {
        let mut before = Before::new();
        let Some(previous) = self.previous else { return before };
        let actors = self.group.actors.iter().filter_map(|actor| previous.actors.get(actor));
        let local = self.group.local.iter().filter_map(|provider| previous.providers.get(provider));
        for host in actors.chain(local).flatten().filter_map(|host| field.id(host)) {
            *before.entry(host).or_default() += 1;
        }
        before
    }

    /// The hosts of the group from now on, in order of names.
    pub(super) fn hosts(&self, before: &Before, field: &mut Field<'a>) -> Vec<HostName> {
        if self.group.pinned() {
            return self.pinned(before, field);
        }
        let mut hosts = self.chosen(before, field);
        let leaving = self.leaving(before, &hosts, field);
        hosts.extend(leaving);
        hosts.sort_unstable();
        hosts.iter().filter_map(|host| field.name(*host).cloned()).collect()
    }

    /// The one host that has the state, or none while it cannot run the group.
    fn pinned(&self, before: &Before, field: &mut Field<'a>) -> Vec<HostName> {
        let host = match holder(self.application, self.group, self.previous, field) {
            Holder::Nobody => {
                let chosen = self.chosen(before, field);
                return chosen.iter().filter_map(|host| field.name(*host).cloned()).collect();
            }
            Holder::Unclear(_) => return Vec::new(),
            Holder::Host(_, host) => host,
        };
        let view = field.id(&host).and_then(|id| field.view(id));
        // Nobody else can take it over: it stays where it is, even on a host that is down.
        let can = view.is_none_or(|view| {
            let keeps = || view.has_labels(self.group) || view.serves(self.application, self.group);
            !view.alive || (view.can_run(self.group) && (keeps() || view.has_state(self.application, self.group)))
        });
        let joins = view.is_some_and(|view| view.may_take(self.group));
        if joins || (can && self.ran_on(&host)) { vec![host] } else { Vec::new() }
    }

    /// True where the group ran on a host, known or not, as far as it was a group then.
    fn ran_on(&self, host: &HostName) -> bool {
        let Some(previous) = self.previous else { return false };
        let on = |hosts: Option<&BTreeSet<HostName>>| hosts.is_some_and(|hosts| hosts.contains(host));
        match self.group.actors.is_empty() {
            true => self.group.local.iter().any(|provider| on(previous.providers.get(provider))),
            false => self.group.actors.iter().any(|actor| on(previous.actors.get(actor))),
        }
    }

    fn is_ready(&self, host: HostId, field: &Field<'_>) -> bool {
        field.view(host).is_some_and(|view| view.has_ready(self.application, self.version, self.group))
    }

    /// The hosts that shall have the group: those that have it, as far as they may, and the best of the others.
    fn chosen(&self, before: &Before, field: &mut Field<'a>) -> Vec<HostId> {
        let fit = field.fit(self.group);
        let count = match self.group.replicas {
            _ if self.group.pinned() => 1,
            Replicas::Everywhere => return fit.to_vec(),
            Replicas::Count(count) => usize::try_from(count.get()).unwrap_or(usize::MAX),
        };
        if count >= fit.len() {
            return fit.to_vec();
        }
        let keeps = |host: &HostId| field.view(*host).is_some_and(|view| view.may_take(self.group));
        let hosts: Vec<_> = before.keys().copied().filter(keeps).collect();
        let zones = self.group.spread.as_ref().map(|key| field.zones(key));
        let mut team = Team { settling: self, hosts, zones, hash: self.hash() };
        team.dismiss(count, before, field);
        team.hire(count, &fit, field);
        team.hosts
    }

    /// By which hosts are ranked for the group.
    fn hash(&self) -> u64 {
        Stable::of(&[self.application.as_str(), self.group.name()])
    }

    /// The hosts that shall not have the group and keep it until others are ready: never more than are awaited. Where nobody
    /// else can take it, those that have it keep it.
    fn leaving(&self, before: &Before, chosen: &[HostId], field: &Field<'_>) -> Vec<HostId> {
        let mut leaving: Vec<_> = before.iter().filter(|(host, _)| !chosen.contains(host)).collect();
        // A host that began anew without a label that it had refuses what it no longer serves.
        let serves = |view: &HostView| view.has_labels(self.group) || view.serves(self.application, self.group);
        leaving.retain(|(host, _)| {
            field.view(**host).is_some_and(|view| view.alive && view.can_run(self.group) && serves(view))
        });
        leaving.sort_by_key(|(host, parts)| (!self.is_ready(**host, field), std::cmp::Reverse(**parts)));
        let ready = chosen.iter().filter(|host| self.is_ready(**host, field)).count();
        let awaited = match self.group.replicas {
            _ if ready == 0 && chosen.is_empty() => leaving.len(),
            // Each host has its own copy: no other takes its place, and one must answer.
            Replicas::Everywhere => {
                if ready == 0 {
                    leaving.len()
                } else {
                    0
                }
            }
            Replicas::Count(_) => chosen.len() - ready,
        };
        leaving.into_iter().take(awaited).map(|(host, _)| *host).collect()
    }
}

/// The hosts of a group while they are chosen.
struct Team<'s, 'a, 'p> {
    settling: &'s Settling<'a, 'p>,
    hosts: Vec<HostId>,
    zones: Option<Rc<[Option<usize>]>>,
    hash: u64,
}

/// How crowded a host's value of the spread label is; hosts without the label come last.
type Crowd = usize;

impl Team<'_, '_, '_> {
    fn zone(&self, host: HostId) -> Option<usize> {
        self.zones.as_ref()?.get(host).copied().flatten()
    }

    /// How many of the team each value of the label has.
    fn crowds(&self) -> BTreeMap<usize, Crowd> {
        let mut crowds = BTreeMap::new();
        for zone in self.hosts.iter().filter_map(|host| self.zone(*host)) {
            *crowds.entry(zone).or_default() += 1;
        }
        crowds
    }

    fn crowd(&self, host: HostId, crowds: &BTreeMap<usize, Crowd>) -> Crowd {
        match (&self.zones, self.zone(host)) {
            (None, _) => 0,
            (Some(_), None) => Crowd::MAX,
            (Some(_), Some(zone)) => crowds.get(&zone).copied().unwrap_or_default(),
        }
    }

    /// Adds the best of the hosts that fit, up to a number: of the least crowded value, then the least loaded, then the
    /// highest rank.
    fn hire(&mut self, count: usize, fit: &[HostId], field: &Field<'_>) {
        let taken: BTreeSet<_> = self.hosts.iter().copied().collect();
        let mut free: Vec<_> = fit.iter().copied().filter(|host| !taken.contains(host)).collect();
        let mut crowds = self.crowds();
        while self.hosts.len() < count {
            let Some(best) = self.best(&free, &crowds, field) else { return };
            let host = free.remove(best);
            if let Some(zone) = self.zone(host) {
                *crowds.entry(zone).or_default() += 1;
            }
            self.hosts.push(host);
        }
    }

    /// Where the best of the hosts stands among them.
    fn best(&self, free: &[HostId], crowds: &BTreeMap<usize, Crowd>, field: &Field<'_>) -> Option<usize> {
        let mut best: Option<((Crowd, u32), u64, usize)> = None;
        for (index, host) in free.iter().copied().enumerate() {
            let cost = (self.crowd(host, crowds), field.load(host));
            if best.is_some_and(|(least, ..)| cost > least) {
                continue;
            }
            let rank = field.rank(self.hash, host);
            if best.is_none_or(|(least, highest, _)| cost < least || rank > highest) {
                best = Some((cost, rank, index));
            }
        }
        best.map(|(.., index)| index)
    }

    /// Lets go those that are missed least, down to a number: not ready, with few parts of the group, of a crowded value,
    /// loaded.
    fn dismiss(&mut self, count: usize, before: &Before, field: &Field<'_>) {
        let mut crowds = self.crowds();
        let standing = |host: &HostId| {
            let parts = before.get(host).copied().unwrap_or_default();
            (!self.settling.is_ready(*host, field), std::cmp::Reverse(parts))
        };
        let standing: BTreeMap<_, _> = self.hosts.iter().map(|host| (*host, standing(host))).collect();
        while self.hosts.len() > count {
            let cost = |host: &HostId| {
                let rank = std::cmp::Reverse(field.rank(self.hash, *host));
                (standing.get(host), self.crowd(*host, &crowds), field.load(*host), rank)
            };
            let Some(costliest) = self.hosts.iter().copied().max_by_key(cost) else { return };
            self.hosts.retain(|host| *host != costliest);
            if let Some(crowd) = self.zone(costliest).and_then(|zone| crowds.get_mut(&zone)) {
                *crowd = crowd.saturating_sub(1);
            }
        }
    }
}
