//! Durations, counted by many threads at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The upper bounds of buckets, in nanoseconds: those that OpenTelemetry advises for durations of calls and requests,
/// and three below them, because a call inside a host takes microseconds.
const BOUNDS_NS: [u64; 17] = [
    10_000,
    100_000,
    1_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

/// One for each bound, and one for what is longer.
const BUCKETS: usize = BOUNDS_NS.len() + 1;

/// Threads that count at once without sharing a cache line, mostly.
const SHARDS: usize = 4;

/// A histogram of durations. Counting takes no lock.
#[derive(Debug, Default)]
pub struct Histogram {
    shards: [Shard; SHARDS],
}

/// What some of the threads counted.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

/// What a histogram holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// All durations together, in seconds.
    pub sum_s: f64,
    /// How many there were.
    pub count: u64,
    /// Each bucket's upper bound in seconds, with the count of that bucket alone; the last has no bound.
    pub buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// Counts a duration.
    #[inline]
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < nanos);
        let Some(shard) = self.shards.get(shard()) else { return };
        if let Some(bucket) = shard.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        shard.sum_ns.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Reading {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let sum_ns = self.shards.iter().map(|shard| load(&shard.sum_ns)).fold(0_u64, u64::wrapping_add);
        let bounds = BOUNDS_NS.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
        let count = |bucket: usize| self.shards.iter().filter_map(|shard| shard.buckets.get(bucket)).map(load).sum();
        let buckets: Vec<(f64, u64)> = bounds.enumerate().map(|(bucket, bound)| (bound, count(bucket))).collect();
        Reading { sum_s: seconds(sum_ns), count: buckets.iter().map(|(_, count)| count).sum(), buckets }
    }
}

/// This thread's shard.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    // A thread that is ending has none any more.
    SHARD.try_with(Cell::get).unwrap_or_default()
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
