//! The hosts as a planner knows them: their records, and whether they live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{HostRecord, Incarnation};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName, ProviderName};
use model::placement::Refusal;
use plan::placement::HostView;

use crate::control::effect::Report;
use crate::control::event::Moment;
use crate::control::host_view::view;
use crate::control::leases::{Leases, Renewal, Verdict};
use crate::control::turn::Turn;
use crate::limits::PLANNER_RANKS_MAX;

/// Records and leases.
#[derive(Debug)]
pub(super) struct Hosts {
    me: HostName,
    records: BTreeMap<HostName, Arc<HostRecord>>,
    /// Hosts whose record stands and cannot be read; what was known of it before stays.
    unreadable: BTreeSet<HostName>,
    pub(super) leases: Leases,
    /// What the watch has told since it began; none once all is told.
    told: Option<BTreeSet<HostName>>,
    /// True while something stays where it is until it is ready elsewhere.
    pub(super) readiness_awaited: bool,
}

impl Hosts {
    pub(super) fn new(me: HostName) -> Self {
        let leases = Leases::new(me.clone());
        Self { me, records: BTreeMap::new(), unreadable: BTreeSet::new(), leases, told: None, readiness_awaited: false }
    }

    pub(super) fn watch_began(&mut self) {
        self.told = Some(BTreeSet::new());
    }

    pub(super) fn watch_current(&mut self) {
        let Some(told) = self.told.take() else { return };
        let known = self.records.keys().chain(&self.unreadable);
        let gone: BTreeSet<HostName> = known.filter(|host| !told.contains(*host)).cloned().collect();
        for host in gone {
            self.forget(&host);
        }
    }

    /// True where something was known of it.
    fn forget(&mut self, host: &HostName) -> bool {
        self.leases.forget(host);
        let unreadable = self.unreadable.remove(host);
        self.records.remove(host).is_some() || unreadable
    }

    /// A host's record stands, and cannot be read.
    pub(super) fn unreadable(&mut self, now: Moment, host: HostName) {
        if let Some(told) = &mut self.told {
            told.insert(host.clone());
        }
        self.leases.expect_any(now, &host);
        self.unreadable.insert(host);
    }

    /// Hosts of which nothing is known but that they are there.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &HostName> {
        self.unreadable.iter().filter(|host| !self.records.contains_key(*host))
    }

    /// True where planning may come out differently.
    pub(super) fn record(&mut self, now: Moment, host: HostName, record: Option<Arc<HostRecord>>) -> bool {
        if let Some(told) = &mut self.told {
            told.insert(host.clone());
        }
        let Some(record) = record else { return self.forget(&host) };
        self.unreadable.remove(&host);
        self.leases.expect(now, &host, record.incarnation);
        let before = self.records.insert(host, record.clone());
        before.is_none_or(|before| self.matters(&before, &record))
    }

    /// True where a host tells that it has the state of a provider.
    pub(super) fn is_state_told(&self, app: &AppName, provider: &ProviderName) -> bool {
        let state = (app.clone(), provider.clone());
        self.records.values().any(|record| record.states.contains(&state))
    }

    /// Why a version was refused where it ran beside the one before it; none where nobody refused it.
    pub(super) fn refusal(&self, app: &AppName, version: u64) -> Option<Refusal> {
        let mut told = self.records.iter().filter_map(|(host, record)| Some((host, record.refused.get(app)?)));
        let (host, refusal) = told.find(|(_, refusal)| refusal.version == version)?;
        Some(Refusal { version, reason: format!("on {host}: {}", refusal.reason) })
    }

    fn matters(&self, before: &HostRecord, after: &HostRecord) -> bool {
        let told = |record: &HostRecord| {
            (record.incarnation, record.draining, record.planner, record.labels.clone(), record.kinds.clone())
        };
        told(before) != told(after)
            || before.states != after.states
            || before.refused != after.refused
            || (before.ready != after.ready && self.readiness_awaited)
    }

    /// A lease was renewed or deleted. True where planning may come out differently.
    pub(super) fn lease(
        &mut self,
        turn: &mut Turn<'_>,
        host: &HostName,
        revision: Revision,
        incarnation: Option<Incarnation>,
    ) -> bool {
        let Some(incarnation) = incarnation else {
            // The store deletes what has lapsed; only who said that it leaves is gone at once.
            let leaves = self.records.get(host).is_some_and(|record| record.draining) && self.leases.is_alive(host);
            if leaves {
                self.leases.left(host);
            }
            return leaves;
        };
        match self.leases.renewed(turn.now, host, revision, incarnation) {
            Renewal::Expected | Renewal::Outdated => false,
            Renewal::Arrived => true,
            Renewal::Returned { silent } => {
                turn.report(Report::Returned { host: host.clone(), silent });
                true
            }
        }
    }

    /// Judges the leases. True where somebody died.
    pub(super) fn judge(&mut self, turn: &mut Turn<'_>) -> bool {
        let mut died = false;
        for verdict in self.leases.judge(turn.now) {
            match verdict {
                Verdict::Died(host) => {
                    died = true;
                    turn.report(Report::Died(host));
                }
                Verdict::MassLapse { silent, of } => turn.report(Report::MassLapse { silent, of }),
            }
        }
        died
    }

    /// True where it is known of every host whether it lives, and this one does.
    pub(super) fn all_known(&self) -> bool {
        self.leases.is_alive(&self.me) && !self.leases.any_awaited()
    }

    /// Hosts as planning sees them.
    pub(super) fn views(&self) -> BTreeMap<HostName, HostView> {
        let view =
            |(host, record): (&HostName, &Arc<HostRecord>)| (host.clone(), view(record, self.leases.is_alive(host)));
        self.records.iter().map(view).collect()
    }

    /// How many living planners come before this one. The order is another for each generation.
    pub(super) fn rank(&self, generation: u64) -> u32 {
        let weight = |host: &HostName| Digest::of_parts([host.as_str().as_bytes(), &generation.to_le_bytes()]);
        let mine = weight(&self.me);
        let planners = self.records.iter().filter(|(host, record)| record.planner && self.leases.is_alive(host));
        let before = planners.filter(|(host, _)| **host != self.me && weight(host) < mine).count();
        u32::try_from(before.min(PLANNER_RANKS_MAX)).unwrap_or(u32::MAX)
    }

    /// True where no other living host stays.
    pub(super) fn alone(&self) -> bool {
        let stays = |(host, record): (&HostName, &Arc<HostRecord>)| {
            *host != self.me && !record.draining && self.leases.is_alive(host)
        };
        !self.records.iter().any(stays)
    }
}
