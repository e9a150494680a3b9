//! The stamp: when the thread last ticked, and how many gaps it found.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::failure::Failure;

use super::{asleep, quarantined};
use crate::limits::GAP_MAX;

/// A gap between two ticks that was longer than [`GAP_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its number: gaps are counted from 1.
    pub number: u64,
    /// How long it was.
    pub length: Duration,
}

/// When the thread last ticked. Moments are given in, so that it can be tested without a thread.
#[derive(Debug)]
pub struct Stamp {
    epoch: Instant,
    /// Milliseconds since the epoch.
    at: AtomicU64,
    gaps: AtomicU64,
    /// The gap after which the process has rejoined last.
    released: AtomicU64,
}

impl Stamp {
    /// A stamp at `now`, in quarantine unless it is `free`.
    pub fn new(now: Instant, free: bool) -> Self {
        let released = u64::from(free);
        Self { epoch: now, at: AtomicU64::new(0), gaps: AtomicU64::new(1), released: AtomicU64::new(released) }
    }

    /// Stamps `now`; gives the gap that it found. Only one thread may call this.
    ///
    /// Calls that see the new stamp see the gap as well: it is counted first, and [`Stamp::admits`] reads it last.
    pub fn beat(&self, now: Instant) -> Option<Gap> {
        let at = self.millis(now);
        let length = Duration::from_millis(at.saturating_sub(self.at.load(Ordering::Relaxed)));
        let found = length > GAP_MAX;
        let gap = found.then(|| Gap { number: self.gaps.fetch_add(1, Ordering::SeqCst) + 1, length });
        self.at.store(at, Ordering::SeqCst);
        gap
    }

    /// Lets a call in, or says why it may not start.
    pub fn admits(&self, now: Instant) -> Result<(), Failure> {
        let age = self.millis(now).saturating_sub(self.at.load(Ordering::SeqCst));
        if Duration::from_millis(age) > GAP_MAX {
            return Err(asleep());
        }
        if self.is_quarantined() { Err(quarantined()) } else { Ok(()) }
    }

    /// True until the process has rejoined after its last gap.
    pub fn is_quarantined(&self) -> bool {
        self.gaps.load(Ordering::SeqCst) != self.released.load(Ordering::SeqCst)
    }

    /// The number of the last gap.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::SeqCst)
    }

    /// The process has rejoined after gap `number`. False where there was another since.
    pub fn release(&self, number: u64) -> bool {
        self.released.fetch_max(number.min(self.gaps()), Ordering::SeqCst);
        !self.is_quarantined()
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }
}
