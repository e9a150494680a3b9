//! What an actor counts.

use std::ops::Add;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stop::Stop;

/// What an actor does now, and did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActorStats {
    /// Calls that have an instance.
    pub running: usize,
    /// Calls that wait for one.
    pub waiting: usize,
    /// Instances that wait for a call.
    pub idle: usize,
    /// Calls that reached the guest.
    pub calls: u64,
    /// Calls refused before they reached it.
    pub refused: u64,
    /// Calls that ended in a trap.
    pub traps: u64,
    /// Calls that ended at a limit.
    pub limited: u64,
    /// Calls stopped at their deadline.
    pub late: u64,
}

impl Add for ActorStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            running: self.running.saturating_add(other.running),
            waiting: self.waiting.saturating_add(other.waiting),
            idle: self.idle.saturating_add(other.idle),
            calls: self.calls.saturating_add(other.calls),
            refused: self.refused.saturating_add(other.refused),
            traps: self.traps.saturating_add(other.traps),
            limited: self.limited.saturating_add(other.limited),
            late: self.late.saturating_add(other.late),
        }
    }
}

#[derive(Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    refused: AtomicU64,
    traps: AtomicU64,
    limited: AtomicU64,
    late: AtomicU64,
}

impl Counters {
    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self, stop: &Stop) {
        let counter = match stop {
            Stop::Deadline => &self.late,
            Stop::Limit(_) => &self.limited,
            Stop::Trap(_) => &self.traps,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, running: usize, waiting: usize, idle: usize) -> ActorStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ActorStats {
            running,
            waiting,
            idle,
            calls: read(&self.calls),
            refused: read(&self.refused),
            traps: read(&self.traps),
            limited: read(&self.limited),
            late: read(&self.late),
        }
    }
}
