//! Whether a failed call is tried once more, and how long one try may take (DESIGN, "Failure is part of the contract").
//!
//! *Not started* is always tried elsewhere, within the deadline and [`TRIES_MAX`]. *Unknown* is tried only where the
//! link declares the function idempotent, on another host, and within a budget, so that a lattice in trouble gets no
//! more than a fifth of calls on top of what it already cannot serve.
//!
//! [`TRIES_MAX`]: crate::limits::TRIES_MAX

use model::planted::Bug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use model::failure::{Failure, Progress, RpcError};

use crate::limits::{RETRIES_RESERVE, RETRY_PERCENT, TRIES_MAX, UNKNOWN_TRIES_MAX};

/// What one retry costs, in the unit of the budget: hundredths of a retry.
const RETRY: u32 = 100;

/// The tokens of one link: each call earns a fifth of a retry, each retry of a call with unknown outcome costs one.
/// Begins full, so that links with few calls may retry too.
#[derive(Debug)]
pub struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }
}

impl Budget {
    const FULL: u32 = RETRIES_RESERVE * RETRY;

    /// A call begins.
    pub fn earn(&self) {
        let more = |tokens: u32| (tokens < Self::FULL).then(|| tokens.saturating_add(RETRY_PERCENT).min(Self::FULL));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Pays for a retry; false where nothing is left.
    pub fn pay(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(RETRY)).is_ok()
    }

    /// Retries that could be paid for now.
    pub fn retries(&self) -> u32 {
        self.0.load(Ordering::Relaxed) / RETRY
    }
}

/// A call with its tries so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    idempotent: bool,
    /// Tries that came to nothing.
    made: u32,
    /// Those of them whose outcome is unknown.
    unknown: u32,
}

impl Tries {
    /// A call that has not been tried yet, of a function that may run twice where `idempotent`.
    pub fn new(idempotent: bool) -> Self {
        Self { idempotent, made: 0, unknown: 0 }
    }

    /// True where the function may run twice.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// True where the call, whose last try failed so, may be tried on another host; `elsewhere` says whether there is
    /// one. Pays for it out of `budget` where it must.
    pub fn again(&mut self, failure: &Failure, budget: &Budget, elsewhere: bool) -> bool {
        self.made += 1;
        if failure.progress == Progress::Unknown {
            self.unknown += 1;
        }
        if !elsewhere || self.made >= TRIES_MAX || is_about_the_call(&failure.error) {
            return false;
        }
        match failure.progress {
            // Its part of the deadline may have passed in a queue; whoever tries again looks whether the whole has.
            Progress::NotStarted => true,
            Progress::Unknown => {
                (self.idempotent || Bug::RetriesUnknown.is_planted())
                    && self.unknown < UNKNOWN_TRIES_MAX
                    && budget.pay()
            }
        }
    }

    /// How long the next try may take, of `remaining`: an even part where there could be further ones with unknown
    /// outcome, else all. `elsewhere` says whether there is another host that could be tried after this one.
    pub fn patience(&self, remaining: Duration, elsewhere: bool) -> Duration {
        let left = UNKNOWN_TRIES_MAX.saturating_sub(self.unknown).max(1);
        if self.idempotent && elsewhere { remaining / left } else { remaining }
    }

    /// What is told at last: once a try's outcome is unknown, the call's is.
    pub fn verdict(&self, failure: Failure) -> Failure {
        if self.unknown > 0 { Failure::unknown(failure.error) } else { failure }
    }
}

/// True where the call was refused for what it is: it would be on every host.
fn is_about_the_call(error: &RpcError) -> bool {
    matches!(
        error,
        RpcError::InvalidParameter(_) | RpcError::Deser(_) | RpcError::Ser(_) | RpcError::MethodNotHandled(_)
    )
}
