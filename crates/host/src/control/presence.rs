//! This host as others see it: its record and its lease.

use std::collections::BTreeMap;
use std::sync::Arc;

use lattice::document::{Document as _, Failing, HostRecord, Incarnation};
use lattice::limits::FAILING_MAX;
use lattice::store::Revision;
use model::ids::AppName;
use model::placement::{Ready, Refusal};

use super::effect::{Effect, Report};
use super::event::{Moment, Op, Outcome};
use super::follower::States;
use super::turn::Turn;
use crate::limits::{LEASE_LAPSE, LEASE_RENEWAL, LEASE_WAIT_MAX, RECORD_WAIT_MAX};

/// What this host has told and is telling.
#[derive(Debug)]
pub(super) struct Presence {
    /// The record as it is to stand.
    record: Arc<HostRecord>,
    /// Local state of which the record tells, whatever is found in the data folder.
    claims: States,
    /// What was found in the data folder.
    found: States,
    /// What does not come up, of what was taken on.
    loads: Vec<Failing>,
    /// What was not taken on.
    refusals: Vec<Failing>,
    /// The key as it stands, as far as known.
    seen: Option<(Revision, Option<Arc<HostRecord>>)>,
    /// True once the key has been read: nothing is told before.
    begun: bool,
    /// True while what stands at the key is known.
    watched: bool,
    writing: Option<Writing>,
    /// False as long as nothing that this process wrote can stand.
    may_stand: bool,
    lease: Lease,
}

/// A record on its way.
#[derive(Debug)]
struct Writing {
    op: Op,
    since: Moment,
    record: Arc<HostRecord>,
}

#[derive(Debug, Default)]
struct Lease {
    asked: Option<(Op, Moment)>,
    /// When the next renewal is due.
    due: Moment,
    /// When the last renewal that succeeded was asked for.
    held: Option<Moment>,
    overdue: bool,
}

/// What stands at this host's own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// This process, or an earlier one.
    Ours,
    /// A later process.
    Superseded(Incarnation),
}

impl Presence {
    pub(super) fn new(record: HostRecord) -> Self {
        Self {
            found: record.states.clone(),
            record: Arc::new(record),
            claims: States::new(),
            loads: Vec::new(),
            refusals: Vec::new(),
            seen: None,
            begun: false,
            watched: false,
            writing: None,
            may_stand: false,
            lease: Lease::default(),
        }
    }

    pub(super) fn record(&self) -> &Arc<HostRecord> {
        &self.record
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.record.incarnation
    }

    /// True once a renewal of the lease has succeeded.
    pub(super) fn has_held(&self) -> bool {
        self.lease.held.is_some()
    }

    /// Changes what is told; it is written with the next tick.
    pub(super) fn tell(&mut self, change: impl FnOnce(&mut HostRecord)) {
        change(Arc::make_mut(&mut self.record));
    }

    /// Takes over what the host is; what control itself keeps stays.
    pub(super) fn facts(&mut self, facts: HostRecord) {
        self.found.clone_from(&facts.states);
        let states = self.found.union(&self.claims).cloned().collect();
        self.tell(|record| {
            let before = record.clone();
            *record = HostRecord {
                name: before.name,
                incarnation: before.incarnation,
                draining: before.draining,
                ready: before.ready,
                refused: before.refused,
                failing: before.failing,
                unwell: before.unwell,
                states,
                ..facts
            };
        });
    }

    /// Tells of local state before it is opened, and no longer of what came to nothing.
    pub(super) fn claim(&mut self, turn: &mut Turn<'_>, claims: States) {
        if claims == self.claims {
            return;
        }
        let before = std::mem::replace(&mut self.claims, claims);
        let states = self.found.union(&self.claims).cloned().collect();
        self.tell(|record| record.states = states);
        if !self.claims.is_subset(&before) {
            self.tell_all(turn);
        }
    }

    /// The local state of which the record is known to tell.
    pub(super) fn told_states(&self) -> States {
        let stands = self.seen.as_ref().and_then(|(_, record)| record.as_ref());
        stands.map(|record| record.states.clone()).unwrap_or_default()
    }

    /// What of all that was taken on does not come up.
    pub(super) fn failing(&mut self, loads: Vec<Failing>) {
        self.loads = loads;
        self.tell_failing();
    }

    /// What was not taken on, with the reasons; the first of an application counts.
    pub(super) fn refused<'a>(&mut self, refused: impl Iterator<Item = (&'a AppName, &'a str)>) {
        let mut refusals: Vec<Failing> = Vec::new();
        for (app, reason) in refused {
            if refusals.len() < FAILING_MAX && refusals.iter().all(|known| known.app != *app) {
                refusals.push(Failing::new(app.clone(), None, reason));
            }
        }
        if refusals != self.refusals {
            self.refusals = refusals;
            self.tell_failing();
        }
    }

    pub(super) fn unwell(&mut self, mut unwell: Vec<Failing>) {
        unwell.truncate(FAILING_MAX);
        self.tell(|record| record.unwell = unwell);
    }

    fn tell_failing(&mut self) {
        // What fails to start here first: it is this host alone that can tell.
        let all = self.loads.iter().chain(&self.refusals).take(FAILING_MAX).cloned().collect();
        self.tell(|record| record.failing = all);
    }

    /// The versions that failed here beside the ones before them.
    pub(super) fn gone_back(&mut self, refused: BTreeMap<AppName, Refusal>) {
        self.tell(|record| record.refused = refused);
    }

    pub(super) fn readiness(&mut self, app: AppName, ready: Option<Ready>) {
        self.tell(|record| match ready {
            Some(ready) => drop(record.ready.insert(app, ready)),
            None => drop(record.ready.remove(&app)),
        });
    }

    /// This host's own key as the watch tells it.
    pub(super) fn record_seen(&mut self, revision: Revision, record: Option<Arc<HostRecord>>) {
        self.seen = Some((revision, record));
    }

    /// This host's own key holds what cannot be read. What stood there before this process is overwritten; what a later
    /// lath writes beside it is a later process's.
    pub(super) fn record_unreadable(&mut self, revision: Revision, newer: bool) -> Claim {
        self.seen = Some((revision, None));
        if newer && self.watched { Claim::Superseded(self.incarnation().next()) } else { Claim::Ours }
    }

    /// Whose the name is, by the record that stands. One that cannot be this process's own, and is not of an earlier
    /// one, is a later process's.
    pub(super) fn claimed(&self) -> Claim {
        let stands = self.seen.as_ref().and_then(|(_, record)| record.as_ref()).map(|record| record.incarnation);
        let foreign = !self.may_stand && self.writing.is_none();
        match stands {
            Some(stands) if stands > self.incarnation() => Claim::Superseded(stands),
            Some(stands) if stands == self.incarnation() && foreign => Claim::Superseded(stands),
            _ => Claim::Ours,
        }
    }

    /// Somebody renewed this host's lease.
    pub(super) fn lease_seen(&self, incarnation: Incarnation) -> Claim {
        if incarnation > self.incarnation() { Claim::Superseded(incarnation) } else { Claim::Ours }
    }

    /// The watch begins anew; what it tells counts.
    pub(super) fn watch_began(&mut self) {
        self.seen = None;
        self.watched = false;
    }

    /// All that stood at the key has been told.
    pub(super) fn watch_current(&mut self) {
        self.begun = true;
        self.watched = true;
    }

    pub(super) fn disconnected(&mut self) {
        self.may_stand |= self.writing.take().is_some();
        self.lease.asked = None;
        self.lease.due = Moment::default();
    }

    /// Writes the record, if it is to be another than stands.
    pub(super) fn tell_all(&mut self, turn: &mut Turn<'_>) {
        if self.watched {
            self.write_record(turn);
        }
    }

    /// Renews the lease, if it is time.
    pub(super) fn stay_alive(&mut self, turn: &mut Turn<'_>) {
        if self.begun {
            self.renew(turn);
            self.report_overdue(turn);
        }
    }

    fn write_record(&mut self, turn: &mut Turn<'_>) {
        let stands = self.seen.as_ref().and_then(|(_, record)| record.as_ref());
        let waiting = self.writing.as_ref().is_some_and(|writing| turn.now.since(writing.since) < RECORD_WAIT_MAX);
        // What is told is cut to its bounds, so what stands may differ from what is meant and say the same.
        let says_so = |stands: &Arc<HostRecord>| **stands == *self.record || stands.encode() == self.record.encode();
        if waiting || stands.is_some_and(says_so) {
            return;
        }
        let expected = self.seen.as_ref().map(|(revision, _)| *revision);
        let op = turn.op();
        self.may_stand |= self.writing.is_some();
        self.writing = Some(Writing { op, since: turn.now, record: self.record.clone() });
        turn.emit(Effect::PutRecord { op, expected, record: self.record.clone() });
    }

    fn renew(&mut self, turn: &mut Turn<'_>) {
        let waiting = self.lease.asked.is_some_and(|(_, since)| turn.now.since(since) < LEASE_WAIT_MAX);
        if !waiting && turn.now >= self.lease.due {
            self.put_lease(turn);
        }
    }

    /// Renews the lease now.
    pub(super) fn put_lease(&mut self, turn: &mut Turn<'_>) -> Op {
        let op = turn.op();
        self.lease.asked = Some((op, turn.now));
        self.lease.due = turn.now.after(LEASE_RENEWAL);
        turn.emit(Effect::PutLease { op, incarnation: self.incarnation() });
        op
    }

    fn report_overdue(&mut self, turn: &mut Turn<'_>) {
        let Some(held) = self.lease.held else { return };
        let overdue = turn.now.since(held);
        if overdue >= LEASE_LAPSE && !self.lease.overdue {
            self.lease.overdue = true;
            turn.report(Report::LeaseOverdue { overdue });
        }
    }

    /// The answer to a write, if it was one of these. True where another record stands.
    pub(super) fn written(&mut self, op: Op, outcome: Outcome) -> bool {
        let mut stands = false;
        if let Some(writing) = self.writing.take_if(|writing| writing.op == op) {
            self.may_stand |= outcome != Outcome::Conflict;
            if let Outcome::Done(revision) = outcome
                && self.seen.as_ref().is_none_or(|(seen, _)| *seen < revision)
            {
                self.seen = Some((revision, Some(writing.record)));
                stands = true;
            }
        }
        let Some((_, since)) = self.lease.asked.filter(|(asked, _)| *asked == op) else { return stands };
        self.lease.asked = None;
        if let Outcome::Done(_) = outcome {
            self.lease.held = Some(since);
            self.lease.overdue = false;
        }
        stands
    }
}
