//! How long calls take, while somebody wants to know.

use std::array;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Two to each doubling from a microsecond on: the last begins at about 16 s.
const BUCKETS: usize = 50;

/// How many calls took how long, to within a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies([u64; BUCKETS]);

/// Measures calls while it is on.
pub(super) struct Stopwatch {
    is_on: AtomicBool,
    counts: [AtomicU64; BUCKETS],
}

impl Default for Latencies {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { is_on: AtomicBool::new(false), counts: array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Latencies {
    /// Calls that took so long.
    pub fn of(calls: impl IntoIterator<Item = Duration>) -> Self {
        let mut latencies = Self::default();
        for took in calls {
            if let Some(count) = latencies.0.get_mut(bucket(took)) {
                *count += 1;
            }
        }
        latencies
    }

    /// Those that are not among `earlier` ones.
    pub fn since(&self, earlier: &Self) -> Self {
        Self(array::from_fn(|bucket| {
            let count = |latencies: &Self| latencies.0.get(bucket).copied().unwrap_or_default();
            count(self).saturating_sub(count(earlier))
        }))
    }

    /// All but the slowest so many.
    pub fn without_slowest(&self, mut calls: u64) -> Self {
        let mut rest = *self;
        for count in rest.0.iter_mut().rev() {
            let dropped = calls.min(*count);
            (*count, calls) = (*count - dropped, calls - dropped);
        }
        rest
    }

    /// The calls that have ended.
    pub fn calls(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time within which so many of a thousand calls ended; none where there were none.
    pub fn within(&self, per_mille: u64) -> Option<Duration> {
        let calls = self.calls();
        let rank = calls.saturating_mul(per_mille).div_ceil(1_000).max(1);
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= rank
        };
        let bucket = self.0.iter().position(reaches)?;
        Some(end(bucket))
    }
}

impl Stopwatch {
    pub(super) fn switch(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// A call that began then has ended.
    pub(super) fn ended(&self, begun: Instant) {
        if self.is_on.load(Ordering::Relaxed)
            && let Some(count) = self.counts.get(bucket(begun.elapsed()))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Latencies {
        let mut counts = [0; BUCKETS];
        for (read, count) in counts.iter_mut().zip(&self.counts) {
            *read = count.load(Ordering::Relaxed);
        }
        Latencies(counts)
    }
}

/// Two to each doubling of microseconds.
fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let doublings = micros.ilog2();
    let is_upper = doublings > 0 && micros >> (doublings - 1) & 1 == 1;
    (2 * doublings as usize + usize::from(is_upper)).min(BUCKETS - 1)
}

/// Where a bucket ends.
fn end(bucket: usize) -> Duration {
    let start = 1_u64 << (bucket / 2);
    Duration::from_micros(if bucket.is_multiple_of(2) { start + start.div_ceil(2) } else { 2 * start })
}
