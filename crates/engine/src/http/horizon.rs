//! A deadline that moves: one for the head of an answer, another for its body.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::deadline;

/// When a guest's time is over, as far as is known now.
#[derive(Debug)]
pub(crate) struct Horizon {
    base: Instant,
    /// Microseconds after `base`.
    end_us: AtomicU64,
    streaming: AtomicBool,
    broken: AtomicBool,
    moved: Notify,
}

impl Horizon {
    pub(crate) fn new(end: Instant) -> Self {
        let horizon = Self {
            base: Instant::now(),
            end_us: AtomicU64::new(0),
            streaming: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            moved: Notify::new(),
        };
        horizon.place(end);
        horizon
    }

    pub(crate) fn end(&self) -> Instant {
        self.base + Duration::from_micros(self.end_us.load(Ordering::Relaxed))
    }

    /// The head of the answer is there: the guest has so much time for the rest.
    pub(crate) fn extend(&self, by: Duration) {
        self.streaming.store(true, Ordering::Relaxed);
        self.place(Instant::now() + by);
        self.moved.notify_one();
    }

    /// The answer is out: the guest has at most so much time for what it does afterwards.
    pub(crate) fn shorten(&self, to: Duration) {
        self.place(self.end().min(Instant::now() + to));
        self.moved.notify_one();
    }

    /// Whether the head of the answer is there.
    pub(crate) fn is_extended(&self) -> bool {
        self.streaming.load(Ordering::Relaxed)
    }

    /// The guest has ended badly: what it has not said of its answer yet, it never will.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Whether the guest has ended badly.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// What `work` gives, or `None` if it is still waiting when the time is over.
    pub(crate) async fn bound<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let end = self.end();
            tokio::select! {
                biased;
                done = deadline::before(end, work.as_mut()) => match done {
                    None if self.end() > end => {}
                    done => return done,
                },
                () = self.moved.notified() => {}
            }
        }
    }

    fn place(&self, end: Instant) {
        let after = end.saturating_duration_since(self.base).as_micros();
        self.end_us.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
