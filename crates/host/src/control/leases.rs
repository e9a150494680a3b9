//! Who lives, as a planner sees it.
//!
//! A host is dead once its lease was not seen renewed for [`LEASE_LAPSE`] while the planner's own renewals went through
//! all that time: a stalled bucket, a frozen planner or one that is cut off declares nobody dead.

use std::collections::BTreeMap;
use std::time::Duration;

use lattice::document::Incarnation;
use lattice::store::Revision;
use model::ids::HostName;

use super::Moment;
use crate::limits::{LEASE_LAPSE, LEASE_RENEWAL, MASS_LAPSE_HOSTS_MIN};

/// The longest that the planner's own renewals may be apart to count as going through all that time.
const FLOW_GAP_MAX: Duration = LEASE_RENEWAL.saturating_mul(2);
/// How long after one of the planner's own renewals the next is not yet missed: what is not seen later says nothing.
const FLOW_SLACK: Duration = Duration::from_nanos(LEASE_RENEWAL.as_nanos() as u64 / 4 * 5);
/// A lease this old has missed a renewal: its host may be lapsing together with another that is overdue.
const SUSPECT_AFTER: Duration = Duration::from_nanos(LEASE_LAPSE.as_nanos() as u64 / 2);

/// The leases that a planner watches.
#[derive(Debug)]
pub(super) struct Leases {
    me: HostName,
    hosts: BTreeMap<HostName, Lease>,
    /// When the planner's own renewal was last seen, and since when they have come without a gap.
    own: Option<Flow>,
    /// Since when more than half are silent.
    mass: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Flow {
    since: Moment,
    last: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    life: Life,
    incarnation: Incarnation,
    /// The last renewal.
    revision: Revision,
    /// When it was last seen renewed, or since when it is waited for.
    seen: Moment,
}

impl Lease {
    fn awaited(now: Moment, incarnation: Incarnation) -> Self {
        Self { life: Life::Awaited, incarnation, revision: Revision(0), seen: now }
    }
}

/// What is known of a host's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Known by its record only; nothing is planned until it is alive or dead.
    Awaited,
    Alive,
    Dead,
}

/// What follows from a look at the leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The host's lease has lapsed.
    Died(HostName),
    /// So many of so many are silent at once: one more period is waited.
    MassLapse { silent: usize, of: usize },
}

/// What a renewal tells of a host that was not alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// It was alive, as far as known.
    Expected,
    /// It is alive now, and was not before.
    Arrived,
    /// The same process had been declared dead: it was frozen or cut off, or wrongly ejected.
    Returned { silent: Duration },
    /// An older process of the same name; it does not count.
    Outdated,
}

impl Leases {
    pub(super) fn new(me: HostName) -> Self {
        Self { me, hosts: BTreeMap::new(), own: None, mass: None }
    }

    /// A host has a record: wait for the lease of the process that wrote it, if it has never been seen. Records are
    /// written by compare-and-set, so they say which process has the name, whatever leases say.
    pub(super) fn expect(&mut self, now: Moment, host: &HostName, incarnation: Incarnation) {
        let lease = self.hosts.entry(host.clone()).or_insert(Lease::awaited(now, incarnation));
        if lease.incarnation != incarnation {
            *lease = Lease::awaited(now, incarnation);
        }
    }

    /// A host is there, and which process it is cannot be told: wait for the lease of any.
    pub(super) fn expect_any(&mut self, now: Moment, host: &HostName) {
        self.hosts.entry(host.clone()).or_insert(Lease::awaited(now, Incarnation(0)));
    }

    /// The process that has the name, as far as known.
    pub(super) fn incarnation(&self, host: &HostName) -> Incarnation {
        self.hosts.get(host).map_or(Incarnation(0), |lease| lease.incarnation)
    }

    /// A host's record is gone.
    pub(super) fn forget(&mut self, host: &HostName) {
        self.hosts.remove(host);
    }

    /// A lease was seen renewed.
    pub(super) fn renewed(
        &mut self,
        now: Moment,
        host: &HostName,
        revision: Revision,
        incarnation: Incarnation,
    ) -> Renewal {
        let known = self.hosts.get(host);
        if known.is_some_and(|lease| lease.revision == revision) {
            return Renewal::Expected;
        }
        if known.is_some_and(|lease| incarnation < lease.incarnation) {
            return Renewal::Outdated;
        }
        if *host == self.me {
            let since = self.own.filter(|own| now.since(own.last) <= FLOW_GAP_MAX).map_or(now, |own| own.since);
            self.own = Some(Flow { since, last: now });
        }
        let renewed = Lease { life: Life::Alive, incarnation, revision, seen: now };
        let Some(before) = self.hosts.insert(host.clone(), renewed) else { return Renewal::Arrived };
        match before.life {
            Life::Dead if before.incarnation == incarnation => Renewal::Returned { silent: now.since(before.seen) },
            Life::Alive if before.incarnation == incarnation => Renewal::Expected,
            Life::Dead | Life::Awaited | Life::Alive => Renewal::Arrived,
        }
    }

    /// A host has left of its own accord.
    pub(super) fn left(&mut self, host: &HostName) {
        if let Some(lease) = self.hosts.get_mut(host) {
            lease.life = Life::Dead;
        }
    }

    /// What was seen before says nothing any more: the watch began anew, or the planner itself stood still. Everybody
    /// who is not dead gets a whole period.
    pub(super) fn begin_again(&mut self, now: Moment) {
        self.own = None;
        self.mass = None;
        for lease in self.hosts.values_mut() {
            lease.seen = lease.seen.max(now);
        }
    }

    pub(super) fn is_alive(&self, host: &HostName) -> bool {
        self.hosts.get(host).is_some_and(|lease| lease.life == Life::Alive)
    }

    /// True while it is not known of some host whether it lives.
    pub(super) fn any_awaited(&self) -> bool {
        self.hosts.values().any(|lease| lease.life == Life::Awaited)
    }

    /// Judges everybody.
    pub(super) fn judge(&mut self, now: Moment) -> Vec<Verdict> {
        let Some(flow) = self.own else { return Vec::new() };
        let horizon = now.min(flow.last.after(FLOW_SLACK));
        let silence = |lease: &Lease| horizon.since(lease.seen.max(flow.since));
        let living = || self.hosts.iter().filter(|(_, lease)| lease.life != Life::Dead);
        let overdue: Vec<HostName> =
            living().filter(|(_, lease)| silence(lease) >= LEASE_LAPSE).map(|(host, _)| host.clone()).collect();
        if overdue.is_empty() {
            self.mass = None;
            return Vec::new();
        }
        let of = living().count();
        let silent = living().filter(|(_, lease)| silence(lease) >= SUSPECT_AFTER).count();
        if of >= MASS_LAPSE_HOSTS_MIN && silent * 2 > of {
            match self.mass {
                None => {
                    self.mass = Some(now);
                    return vec![Verdict::MassLapse { silent, of }];
                }
                Some(since) if now.since(since) < LEASE_LAPSE => return Vec::new(),
                Some(_) => {}
            }
        }
        overdue.iter().for_each(|host| self.left(host));
        overdue.into_iter().map(Verdict::Died).collect()
    }
}
