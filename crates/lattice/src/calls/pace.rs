//! Where calls are begun: in the task that takes them, or each in one of its own.
//!
//! A task for each call costs more than a short call does itself. But one that computes would hold up all that come after
//! it, and leave other processors idle. So calls are begun where they arrive as long as they have been short of late; what
//! then waits for something goes on in a task of its own.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::limits::BEGINNING_MEAN_MAX;

/// About how many calls the mean is of.
const MEMORY: u64 = 8;
/// The most that one call counts for: that a processor was busy with something else says nothing of calls.
const COUNTED_NS_MAX: u64 = BEGINNING_MEAN_MAX.as_nanos() as u64 * 2;

/// How long calls have kept whoever began them, until they ended or waited for something: a moving mean.
#[derive(Debug, Default)]
pub(super) struct Pace {
    mean_ns: AtomicU64,
}

impl Pace {
    /// Begins `call`. Gives the task that goes on with it; none where it has ended.
    pub(super) fn begin(self: &Arc<Self>, call: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let mut call = Box::pin(call);
        if self.is_quick() {
            let mut here = Context::from_waker(Waker::noop());
            // A panic ends the call, as it would end its task.
            let ended = catch_unwind(AssertUnwindSafe(|| self.poll_first(call.as_mut(), &mut here)));
            return (!ended.unwrap_or(true)).then(|| tokio::spawn(call).abort_handle());
        }
        let pace = Arc::clone(self);
        let task = tokio::spawn(async move {
            if !poll_fn(|context| Poll::Ready(pace.poll_first(call.as_mut(), context))).await {
                call.await;
            }
        });
        Some(task.abort_handle())
    }

    /// True where calls have been short of late.
    fn is_quick(&self) -> bool {
        Duration::from_nanos(self.mean_ns.load(Ordering::Relaxed)) <= BEGINNING_MEAN_MAX
    }

    /// True where the call has ended with that.
    fn poll_first(&self, call: Pin<&mut impl Future<Output = ()>>, context: &mut Context<'_>) -> bool {
        let begun = Instant::now();
        let ended = call.poll(context).is_ready();
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX).min(COUNTED_NS_MAX);
        // Two that are told at once may count as one: it is a mean.
        let mean = self.mean_ns.load(Ordering::Relaxed);
        self.mean_ns.store(mean - mean / MEMORY + took / MEMORY, Ordering::Relaxed);
        ended
    }
}
