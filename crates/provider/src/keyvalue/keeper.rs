//! A store as its provider keeps it: what is asked passes a gate, and a store that failed is looked after.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use engine::keyvalue::Operation;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use tokio::runtime::Handle;

use super::COUNTERS;
use super::store::{self, Done, Fault, Store, told};
use crate::Health;
use crate::gate::Gate;
use crate::limits::{LOOK_INTERVAL, LOOK_TIME_MAX};

/// The owner of a store.
pub(super) struct Keeper {
    name: ProviderName,
    store: Arc<dyn Store>,
    gate: Gate,
    /// Questions that failed, or that nobody waited for any more.
    failures: AtomicU64,
    /// True while a task looks after the store.
    is_looked_after: AtomicBool,
    /// What the store said when it was looked after last; nothing where it answered.
    ailment: Mutex<Option<String>>,
}

impl Keeper {
    pub(super) fn new(name: ProviderName, store: impl Store) -> Arc<Self> {
        let (gate, failures, is_looked_after, ailment) = Default::default();
        Arc::new(Self { name, store: Arc::new(store), gate, failures, is_looked_after, ailment })
    }

    /// Does one thing in a space of the store, within bounds.
    pub(super) async fn run(self: &Arc<Self>, space: &str, operation: Operation, deadline: Instant) -> Done {
        let Some(_pass) = self.gate.enter() else {
            let text = format!("store `{}` has stopped", self.name);
            return Err(Fault::Failed(Failure::not_started(RpcError::HostError(text))));
        };
        let mut question = Question { keeper: self, is_answered: false };
        let done = store::run(&self.store, space, operation, deadline).await;
        question.is_answered = !matches!(done, Err(Fault::Failed(_) | Fault::Denied(_)));
        done
    }

    /// Takes nothing more, waits for what runs, and lets the store go of what it holds.
    pub(super) async fn drain(&self) {
        self.gate.close().await;
        self.store.drain().await;
    }

    /// How the store is, as far as it is known at once.
    pub(super) fn health(&self) -> Health {
        let ailment = || self.ailment.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.store.ailment().or_else(ailment).map_or(Health::Well, Health::Unwell)
    }

    /// Sees to it that the store is asked until it answers, at a rate that has nothing to do with its callers'.
    fn look_after(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        self.failures.fetch_add(1, Ordering::AcqRel);
        if !self.is_looked_after.swap(true, Ordering::AcqRel) {
            runtime.spawn(Look { keeper: Arc::downgrade(self), has_left: false }.run());
        }
    }

    /// Asks the store for what costs it least. True where there is no need to ask again.
    async fn is_settled(&self) -> bool {
        if self.gate.is_closed() {
            return true;
        }
        let asked = self.store.run(COUNTERS, Operation::Exists(String::new()), Instant::now() + LOOK_TIME_MAX);
        let ailment = match tokio::time::timeout(LOOK_TIME_MAX, asked).await {
            Ok(Ok(_) | Err(Fault::Refused(_))) => None,
            Ok(Err(Fault::Denied(text))) => Some(text),
            Ok(Err(Fault::Failed(failure))) => Some(told(&failure.error)),
            Err(_) => Some(format!("store `{}` does not answer", self.name)),
        };
        let mut known = self.ailment.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &ailment) {
            (None, Some(why)) => tracing::warn!(provider = %self.name, why, "a provider is not well"),
            (Some(_), None) => tracing::info!(provider = %self.name, "a provider is well again"),
            _ => {}
        }
        *known = ailment;
        known.is_none()
    }

    /// Lets go of the store, unless something failed since `failures` were counted.
    fn leave(&self, failures: u64) -> bool {
        let has_failed = || self.failures.load(Ordering::Acquire) != failures;
        if has_failed() {
            return false;
        }
        self.is_looked_after.store(false, Ordering::Release);
        // What failed just now found somebody looking after it: that is this task still, unless another has begun.
        !has_failed() || self.is_looked_after.swap(true, Ordering::AcqRel)
    }
}

/// The task that looks after a store that failed. It runs where the store was asked, and ends with that runtime.
struct Look {
    keeper: Weak<Keeper>,
    has_left: bool,
}

impl Look {
    /// Asks the store, while it is there, until it answers.
    async fn run(mut self) {
        let (mut is_settled, mut failures) = (false, 0);
        while let Some(keeper) = self.keeper.upgrade() {
            self.has_left = is_settled && keeper.leave(failures);
            if self.has_left {
                return;
            }
            failures = keeper.failures.load(Ordering::Acquire);
            is_settled = keeper.is_settled().await;
            drop(keeper);
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.upgrade().filter(|_| !self.has_left) {
            keeper.is_looked_after.store(false, Ordering::Release);
        }
    }
}

/// Something that a store is asked. Where it fails, or whoever asked gives up, the store is looked after.
struct Question<'a> {
    keeper: &'a Arc<Keeper>,
    is_answered: bool,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.keeper.look_after();
        }
    }
}
