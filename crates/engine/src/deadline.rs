//! Work that must end in time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

use crate::limits::EXPIRY_GRACE;

/// What `work` gives, or `None` if it is still waiting at `deadline`.
///
/// Work that never waits costs no timer. Work resumed late is polled once more, because a guest that is running
/// stops itself at the next tick and then says where it was; work resumed very late is not, so that many of them
/// cannot hold up the thread.
pub(crate) async fn before<F: Future>(deadline: Instant, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = pin!(None::<Sleep>);
    let mut waited = false;
    poll_fn(|context| {
        if waited && Instant::now().saturating_duration_since(deadline) > EXPIRY_GRACE {
            return Poll::Ready(None);
        }
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if !waited {
            waited = true;
            alarm.set(Some(sleep_until(deadline.into())));
        }
        match alarm.as_mut().as_pin_mut() {
            Some(alarm) => alarm.poll(context).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
