//! How many payloads are put together at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::limits::{ASSEMBLIES_BYTES_MAX, ASSEMBLIES_MAX};

/// Bounds payloads that are put together at once, in number and in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: Mutex<Taken>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    bytes: usize,
}

/// The right to put one payload together, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    bytes: usize,
}

impl Seats {
    /// A seat for `bytes`; none where too many are taken.
    pub(crate) fn take(&self, bytes: usize) -> Option<Seat> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.count >= ASSEMBLIES_MAX || taken.bytes + bytes > ASSEMBLIES_BYTES_MAX {
            return None;
        }
        taken.count += 1;
        taken.bytes += bytes;
        Some(Seat { seats: self.clone(), bytes })
    }

    /// A seat for `bytes`, waited for until `deadline`.
    pub(crate) async fn wait(&self, bytes: usize, deadline: Instant) -> Option<Seat> {
        let seat = async {
            loop {
                // Registered before the look, so that no leaving is missed.
                let left = self.0.left.notified();
                match self.take(bytes) {
                    Some(seat) => return seat,
                    None => left.await,
                }
            }
        };
        tokio::time::timeout_at(deadline.into(), seat).await.ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.count = taken.count.saturating_sub(1);
        taken.bytes = taken.bytes.saturating_sub(self.bytes);
        drop(taken);
        self.seats.0.left.notify_waiters();
    }
}
