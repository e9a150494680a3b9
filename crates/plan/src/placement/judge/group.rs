//! One group: whether its hosts may have it, are as many as can be, and change only where they must.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{AppName, HostName, LabelKey, LabelValue, Labels, ProviderName};
use model::placement::{AppPlacement, Replicas};

use super::Misplacement;
use super::structure::{hosts, part};
use crate::placement::{Demand, Group, HostView};

/// What groups ask of hosts, apart from names.
type Wishes<'a> = (&'a Labels, &'a BTreeSet<String>);
/// The hosts that have the state of each provider.
type States<'a> = BTreeMap<&'a AppName, BTreeMap<&'a ProviderName, BTreeSet<&'a HostName>>>;
/// How many hosts have each value of a label.
type Zones<'a> = BTreeMap<&'a LabelValue, usize>;

/// Judges groups, and remembers which hosts suit which wishes.
pub(super) struct Judge<'a> {
    hosts: &'a BTreeMap<HostName, HostView>,
    suited: BTreeMap<Wishes<'a>, BTreeSet<&'a HostName>>,
    zones: BTreeMap<(Wishes<'a>, &'a LabelKey), Zones<'a>>,
    states: States<'a>,
}

/// A group before and after.
struct Case<'c> {
    demand: &'c Demand,
    group: &'c Group,
    before: BTreeSet<&'c HostName>,
    after: &'c BTreeSet<HostName>,
    /// All hosts that may be given the group.
    suited: &'c BTreeSet<&'c HostName>,
    /// How many of those have each value of the label over which it is spread.
    zones: Option<&'c Zones<'c>>,
    states: &'c States<'c>,
    hosts: &'c BTreeMap<HostName, HostView>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(hosts: &'a BTreeMap<HostName, HostView>) -> Self {
        let mut states = States::new();
        for (host, view) in hosts {
            for (application, provider) in &view.states {
                states.entry(application).or_default().entry(provider).or_default().insert(host);
            }
        }
        Self { hosts, suited: BTreeMap::new(), zones: BTreeMap::new(), states }
    }

    /// Finds what is wrong with the hosts of a group.
    pub(super) fn group(
        &mut self,
        demand: &'a Demand,
        group: &'a Group,
        before: Option<&AppPlacement>,
        placed: &AppPlacement,
        found: &mut Vec<Misplacement>,
    ) {
        let Some(after) = hosts(group, placed) else { return };
        let all = self.hosts;
        let suited = self.suited.entry((&group.on, &group.kinds)).or_insert_with(|| {
            all.iter()
                .filter(|(_, view)| !view.draining && view.alive && suits(group, view))
                .map(|(name, _)| name)
                .collect()
        });
        if group.local.is_empty() && is_unmoved(group, before, after, suited) {
            return;
        }
        let zones = group.spread.as_ref().map(|label| {
            &*self.zones.entry(((&group.on, &group.kinds), label)).or_insert_with(|| zones(suited, all, label))
        });
        let (before_hosts, states) = (earlier(group, before), &self.states);
        let case = Case { demand, group, before: before_hosts, after, suited, zones, states, hosts: all };
        if group.local.is_empty() {
            case.free(found);
        } else {
            case.local(before, placed, found);
        }
    }
}

/// True where an actor that stands alone has as many hosts as it asks for, may keep them all, and does.
fn is_unmoved(
    group: &Group,
    before: Option<&AppPlacement>,
    after: &BTreeSet<HostName>,
    suited: &BTreeSet<&HostName>,
) -> bool {
    let Replicas::Count(count) = group.replicas else { return false };
    let was = before.and_then(|before| before.actors.get(group.actors.first()?));
    group.actors.len() == 1
        && u32::try_from(after.len()) == Ok(count.get())
        && was == Some(after)
        && after.iter().all(|host| suited.contains(host))
}

fn zones<'a>(suited: &BTreeSet<&'a HostName>, hosts: &'a BTreeMap<HostName, HostView>, label: &LabelKey) -> Zones<'a> {
    let mut zones = Zones::new();
    for value in suited.iter().filter_map(|host| hosts.get(*host)?.labels.get(label)) {
        *zones.entry(value).or_default() += 1;
    }
    zones
}

fn suits(group: &Group, view: &HostView) -> bool {
    group.on.iter().all(|(key, value)| view.labels.get(key) == Some(value)) && offers(group, view)
}

fn offers(group: &Group, view: &HostView) -> bool {
    group.kinds.iter().all(|kind| view.kinds.contains(kind))
}

/// Every host on which an actor or a local provider of the group was.
fn earlier<'p>(group: &Group, before: Option<&'p AppPlacement>) -> BTreeSet<&'p HostName> {
    let mut hosts = BTreeSet::new();
    if let Some(before) = before {
        hosts.extend(group.actors.iter().filter_map(|actor| before.actors.get(actor)).flatten());
        hosts.extend(group.local.iter().filter_map(|provider| before.providers.get(provider)).flatten());
    }
    hosts
}

impl Case<'_> {
    fn free(&self, found: &mut Vec<Misplacement>) {
        self.each_host(found);
        self.count(found);
        self.make_before_break(found);
        self.spread(found);
    }

    /// Each host is up and can run it; one that joins may also be given it, and one that only keeps it serves it.
    fn each_host(&self, found: &mut Vec<Misplacement>) {
        for host in self.after {
            let (application, part) = (self.demand.application.clone(), part(self.group));
            let host_name = host.clone();
            let Some(view) = self.hosts.get(host).filter(|view| view.alive) else {
                found.push(Misplacement::Dead { application, part, host: host_name });
                continue;
            };
            let joins = !self.before.contains(host);
            if !offers(self.group, view) {
                found.push(Misplacement::Kind { application, part, host: host_name });
            } else if joins && view.draining {
                found.push(Misplacement::Draining { application, part, host: host_name });
            } else if !suits(self.group, view) && (joins || !self.serves(view)) {
                found.push(Misplacement::Label { application, part, host: host_name });
            }
        }
    }

    /// True where any of it answers there, or its state is there: else a host that lacks a label refuses it.
    fn serves(&self, view: &HostView) -> bool {
        let app = &self.demand.application;
        let ready = view.ready.get(app).is_some_and(|ready| !ready.actors.is_disjoint(&self.group.actors));
        ready || view.states.iter().any(|(of, provider)| of == app && self.group.local.contains(provider))
    }

    /// How many hosts should have it, of those that may.
    fn wanted(&self) -> usize {
        match self.group.replicas {
            Replicas::Everywhere => self.suited.len(),
            Replicas::Count(count) => self.suited.len().min(usize::try_from(count.get()).unwrap_or(usize::MAX)),
        }
    }

    fn kept(&self) -> impl Iterator<Item = &HostName> {
        self.after.iter().filter(|host| self.suited.contains(host))
    }

    fn count(&self, found: &mut Vec<Misplacement>) {
        let (given, wanted) = (self.kept().count(), self.wanted());
        let (application, part) = (|| self.demand.application.clone(), || part(self.group));
        let good_before = self.before.iter().filter(|host| self.suited.contains(**host)).count();
        let joined = self.kept().filter(|host| !self.before.contains(host)).count();
        // Beyond the number there may be only those that wait to leave, which were there before.
        if given < wanted || joined > wanted.saturating_sub(good_before) {
            found.push(Misplacement::Count { application: application(), part: part(), given, wanted });
        }
        if good_before <= wanted {
            let left = self.before.iter().filter(|host| self.suited.contains(**host) && !self.after.contains(**host));
            found.extend(left.map(|host| Misplacement::Moved {
                application: application(),
                part: part(),
                host: (*host).clone(),
            }));
        }
    }

    fn is_ready(&self, host: &HostName) -> bool {
        let ready = self.hosts.get(host).filter(|view| view.alive && offers(self.group, view));
        let ready = ready.and_then(|view| view.ready.get(&self.demand.application));
        ready.is_some_and(|ready| {
            ready.version == self.demand.version
                && self.group.actors.is_subset(&ready.actors)
                && self.group.providers.is_subset(&ready.providers)
        })
    }

    /// Nobody leaves before another is ready in its place, where another can be; and everybody leaves then.
    fn make_before_break(&self, found: &mut Vec<Misplacement>) {
        let wanted = self.wanted();
        let ready_before = self.before.iter().filter(|host| self.is_ready(host)).count();
        let ready_after = self.after.iter().filter(|host| self.is_ready(host)).count();
        let due = match (self.group.replicas, wanted) {
            (_, 0) => ready_before,
            (Replicas::Everywhere, _) => ready_before.min(1),
            (Replicas::Count(_), wanted) => ready_before.min(wanted),
        };
        let (application, part) = (|| self.demand.application.clone(), || part(self.group));
        if ready_after < due {
            found.push(Misplacement::Hasty { application: application(), part: part() });
        }
        let ready_kept = self.kept().filter(|host| self.is_ready(host)).count();
        let awaited = match self.group.replicas {
            Replicas::Everywhere => {
                if ready_kept == 0 {
                    usize::MAX
                } else {
                    0
                }
            }
            Replicas::Count(_) => wanted.saturating_sub(ready_kept),
        };
        if wanted > 0 && self.after.len() > wanted.saturating_add(awaited) {
            found.push(Misplacement::Lingering { application: application(), part: part() });
        }
    }

    /// Who joins does so where there were fewest, as far as there was a host left.
    fn spread(&self, found: &mut Vec<Misplacement>) {
        let (Some(label), Replicas::Count(_)) = (&self.group.spread, self.group.replicas) else { return };
        let mut crowds: BTreeMap<Option<&LabelValue>, usize> = BTreeMap::new();
        for host in self.kept() {
            *crowds.entry(self.value(host, label)).or_default() += 1;
        }
        let crowd = |value: &LabelValue| crowds.get(&Some(value)).copied().unwrap_or_default();
        let free = self.zones.into_iter().flatten().filter(|(value, hosts)| crowd(value) < **hosts);
        let fewest = free.map(|(value, _)| crowd(value));
        let Some(fewest) = fewest.min() else { return };
        for host in self.kept().filter(|host| !self.before.contains(host)) {
            let value = self.value(host, label);
            let crowd = crowds.get(&value).copied().unwrap_or_default();
            if value.is_none() || crowd > fewest.saturating_add(1) {
                let (application, part) = (self.demand.application.clone(), part(self.group));
                found.push(Misplacement::Unspread { application, part, host: host.clone(), label: label.to_string() });
            }
        }
    }

    fn value(&self, host: &HostName, label: &LabelKey) -> Option<&LabelValue> {
        self.hosts.get(host)?.labels.get(label)
    }

    /// A group with local state: one host, the one that has the state.
    fn local(&self, before: Option<&AppPlacement>, placed: &AppPlacement, found: &mut Vec<Misplacement>) {
        let was = |host: &HostName| match before {
            None => false,
            Some(before) if self.group.actors.is_empty() => before.providers.values().any(|on| on.contains(host)),
            Some(before) => {
                self.group.actors.iter().filter_map(|actor| before.actors.get(actor)).any(|on| on.contains(host))
            }
        };
        // It may stay on a host that is down, not join one.
        let is_up = |host: &HostName| self.hosts.get(host).is_some_and(|view| view.alive);
        if self.after.iter().any(|host| !was(host) || is_up(host)) {
            self.each_host(found);
        }
        if self.after.len() > 1 {
            let (given, wanted) = (self.after.len(), 1);
            let (application, part) = (self.demand.application.clone(), part(self.group));
            found.push(Misplacement::Count { application, part, given, wanted });
        }
        let mut known = BTreeSet::new();
        for provider in &self.group.local {
            let kept = before.and_then(|before| before.providers.get(provider)).filter(|hosts| hosts.len() == 1);
            let wrong = |host: &HostName| Misplacement::State {
                application: self.demand.application.clone(),
                provider: provider.clone(),
                host: host.clone(),
            };
            if let Some(host) = kept.into_iter().flatten().next() {
                known.insert(host);
                if placed.providers.get(provider) != kept {
                    found.push(wrong(host));
                }
                continue;
            }
            let none = BTreeSet::new();
            let holders =
                self.states.get(&self.demand.application).and_then(|states| states.get(provider)).unwrap_or(&none);
            if let Some(host) = holders.first().filter(|_| self.after.iter().any(|host| !holders.contains(host))) {
                found.push(wrong(host));
            }
            known.extend(holders);
        }
        self.unused(&known, found);
    }

    /// A host that may have the group has it.
    fn unused(&self, known: &BTreeSet<&HostName>, found: &mut Vec<Misplacement>) {
        let (one, mut known) = (known.len() == 1, known.iter());
        let could = match known.next() {
            None => !self.suited.is_empty(),
            Some(host) => one && self.suited.contains(*host),
        };
        if could && self.after.is_empty() {
            let (application, part) = (self.demand.application.clone(), part(self.group));
            found.push(Misplacement::Count { application, part, given: 0, wanted: 1 });
        }
    }
}
