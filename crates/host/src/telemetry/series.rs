//! Sets of labels and what is counted for each, as many as there may be.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use model::failure::RpcError;

use super::histogram::{Histogram, Reading};
use crate::limits::{SERIES_MAX, SERIES_PER_APPLICATION_MAX};

/// What a call came to where it did not succeed: the case of `rpc-error`, or that nobody waited for it any more.
const KINDS: [&str; 15] = [
    "deadline-exceeded",
    "not-initialized",
    "method-not-handled",
    "not-implemented",
    "host-error",
    "deser",
    "ser",
    "rpc",
    "transport",
    "invalid-parameter",
    "actor-handler",
    "provider-init",
    "timeout",
    "other",
    CANCELLED,
];

/// What a call came to that nobody waited for any more.
pub(super) const CANCELLED: &str = "cancelled";

/// What a label says whose own value has no room.
pub(super) const OTHER: &str = "other";

/// The values of a family's labels, in their order; the first is the application.
pub(super) type Labels = Box<[Box<str>]>;

/// What is counted in series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// Calls that go out over a link.
    Links,
    /// Calls that come in over the lattice.
    Served,
    /// Requests at the ingress.
    Requests,
    /// Requests of actors into the world.
    Outgoing,
}

impl Family {
    pub(super) const ALL: [Self; 4] = [Self::Links, Self::Served, Self::Requests, Self::Outgoing];

    /// The names of its labels.
    pub(super) fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Links => &["lath_application", "lath_actor", "lath_link", "lath_contract", "lath_reach"],
            Self::Served => &["lath_application", "lath_target", "lath_contract"],
            Self::Requests => {
                &["lath_application", "http_request_method", "http_route", "http_response_status_code", "error_type"]
            }
            Self::Outgoing => &[
                "lath_application",
                "lath_actor",
                "http_request_method",
                "server_address",
                "server_port",
                "http_response_status_code",
                "error_type",
            ],
        }
    }
}

/// What is counted for one set of labels. Counting takes no lock.
#[derive(Debug, Default)]
pub(super) struct Series {
    succeeded: OnceLock<Box<Histogram>>,
    failed: [OnceLock<Box<Histogram>>; KINDS.len()],
    pub(super) retries: AtomicU64,
}

impl Series {
    /// Something took so long, and succeeded.
    #[inline]
    pub(super) fn succeeded(&self, took: Duration) {
        self.succeeded.get_or_init(Box::default).record(took);
    }

    /// Something took so long, and failed so.
    pub(super) fn failed(&self, took: Duration, kind: &str) {
        let at = KINDS.iter().position(|known| *known == kind);
        if let Some(failed) = at.and_then(|at| self.failed.get(at)) {
            failed.get_or_init(Box::default).record(took);
        }
    }

    /// What was counted, with the kind of failure where it was one.
    pub(super) fn read(&self) -> impl Iterator<Item = (Option<&'static str>, Reading)> {
        let failed = KINDS.into_iter().zip(&self.failed).map(|(kind, failed)| (Some(kind), failed));
        let all = [(None, &self.succeeded)].into_iter().chain(failed);
        all.filter_map(|(kind, counted)| Some((kind, counted.get()?.read())))
    }
}

/// The kind of a failure.
pub(super) fn kind(error: &RpcError) -> &'static str {
    let case = error.parts().0;
    KINDS.into_iter().find(|kind| *kind == case).unwrap_or(OTHER)
}

/// All series of a host.
#[derive(Debug)]
pub(super) struct Table {
    held: RwLock<Held>,
    /// Series of families whose own sets of labels have no room.
    others: [OnceLock<Arc<Series>>; Family::ALL.len()],
    pub(super) collapsed: AtomicU64,
    warned: AtomicBool,
    room: Room,
}

/// How many series there may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// In all.
    pub all: usize,
    /// Of one application.
    pub application: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { all: SERIES_MAX, application: SERIES_PER_APPLICATION_MAX }
    }
}

#[derive(Debug, Default)]
struct Held {
    series: BTreeMap<Family, BTreeMap<Labels, Arc<Series>>>,
    applications: HashMap<Box<str>, usize>,
    count: usize,
}

impl Table {
    pub(super) fn new(room: Room) -> Self {
        let (held, others) = Default::default();
        Self { held, others, collapsed: AtomicU64::new(0), warned: AtomicBool::new(false), room }
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series of these labels, made where it is missing; that of `other` where there is no room for it.
    pub(super) fn series(&self, family: Family, labels: &[&str]) -> Arc<Series> {
        let labels: Labels = labels.iter().map(|label| Box::from(*label)).collect();
        let known = self.read().series.get(&family).and_then(|series| series.get(&labels)).cloned();
        known.unwrap_or_else(|| self.make(family, labels))
    }

    fn make(&self, family: Family, labels: Labels) -> Arc<Series> {
        let mut held = self.write();
        if let Some(known) = held.series.get(&family).and_then(|series| series.get(&labels)) {
            return Arc::clone(known);
        }
        let application = labels.first().cloned().unwrap_or_default();
        let of_application = held.applications.get(&application).copied().unwrap_or_default();
        if held.count >= self.room.all || of_application >= self.room.application {
            drop(held);
            return self.other(family, &application);
        }
        held.count += 1;
        held.applications.insert(application, of_application + 1);
        let series = Arc::new(Series::default());
        held.series.entry(family).or_default().insert(labels, Arc::clone(&series));
        series
    }

    fn other(&self, family: Family, application: &str) -> Arc<Series> {
        self.collapsed.fetch_add(1, Ordering::Relaxed);
        if !self.warned.swap(true, Ordering::Relaxed) {
            let Room { all, application: most } = self.room;
            let text = "metrics have too many sets of labels: further ones count as `other`";
            tracing::warn!(application, ?family, all, of_one_application = most, "{text}");
        }
        let other = Family::ALL.iter().position(|each| *each == family).and_then(|at| self.others.get(at));
        other.map(|other| Arc::clone(other.get_or_init(Arc::default))).unwrap_or_default()
    }

    /// Nothing of the application runs here any more.
    pub(super) fn forget(&self, application: &str) {
        let mut held = self.write();
        let Some(count) = held.applications.remove(application) else { return };
        held.count = held.count.saturating_sub(count);
        for series in held.series.values_mut() {
            series.retain(|labels, _| labels.first().is_none_or(|first| **first != *application));
        }
    }

    /// The series of a family with their labels.
    pub(super) fn all(&self, family: Family) -> Vec<(Labels, Arc<Series>)> {
        let held = self.read();
        let own = held.series.get(&family).into_iter().flatten();
        let mut all: Vec<_> = own.map(|(labels, series)| (labels.clone(), Arc::clone(series))).collect();
        let other = Family::ALL.iter().position(|each| *each == family).and_then(|at| self.others.get(at)?.get());
        let labels = || family.labels().iter().map(|_| Box::from(OTHER)).collect();
        all.extend(other.map(|other| (labels(), Arc::clone(other))));
        all
    }

    /// How many sets of labels there are.
    pub(super) fn count(&self) -> usize {
        self.read().count
    }
}
