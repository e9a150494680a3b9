//! Which calls go to a version that is tried.

use std::sync::atomic::{AtomicU64, Ordering};

use model::placement::Share;

/// Counts calls, and picks those of a share.
#[derive(Debug)]
pub(crate) struct Picker {
    share: Share,
    calls: AtomicU64,
}

impl Picker {
    pub(crate) fn new(share: Share) -> Self {
        Self { share, calls: AtomicU64::new(0) }
    }

    /// True where this call is of the share.
    pub(crate) fn picks(&self) -> bool {
        self.share.picks(self.calls.fetch_add(1, Ordering::Relaxed))
    }
}
