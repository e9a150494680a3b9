//! A gate: who is inside may finish, nobody else enters once it is closed.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Set once the gate is closed; the other bits count who is inside.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Counts who is inside, until it is closed.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: AtomicUsize,
    /// Told when the last one left a closed gate.
    empty: Notify,
}

/// Being inside.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// Enters, unless the gate is closed.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        let before = self.state.fetch_add(1, Ordering::AcqRel);
        let pass = Pass(self); // whoever is refused leaves again
        (before & CLOSED == 0).then_some(pass)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Closes the gate at once, then waits until nobody is inside.
    pub(crate) async fn close(&self) {
        self.state.fetch_or(CLOSED, Ordering::AcqRel);
        loop {
            let mut empty = std::pin::pin!(self.empty.notified());
            empty.as_mut().enable();
            if self.state.load(Ordering::Acquire) == CLOSED {
                return;
            }
            empty.await;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1 {
            self.0.empty.notify_waiters();
        }
    }
}
