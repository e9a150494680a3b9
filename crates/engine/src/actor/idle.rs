//! Instances that wait for another call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::limits::IDLE_INSTANCES_MAX;
use crate::settings::ActorSettings;
use crate::store::State;

/// An instance with its store.
pub(super) struct Warm {
    pub(super) store: Store<State>,
    pub(super) instance: Instance,
    /// Calls it has served.
    pub(super) uses: u32,
}

/// The idle instances of one actor.
pub(crate) struct Idle {
    instances: Mutex<VecDeque<Warm>>,
    instances_max: usize,
    uses_max: u32,
}

impl Idle {
    pub(super) fn new(settings: &ActorSettings) -> Arc<Self> {
        let instances_max = settings.instances.min(IDLE_INSTANCES_MAX);
        Arc::new(Self { instances: Mutex::default(), instances_max, uses_max: settings.reuse })
    }

    /// The one used last, which is warmest.
    pub(super) fn take(&self) -> Option<Warm> {
        if self.uses_max == 1 { None } else { self.lock().pop_back() }
    }

    /// Keeps an instance that served a call well, unless it is worn out. The oldest goes if there are too many.
    pub(super) fn put(&self, mut warm: Warm) {
        warm.uses = warm.uses.saturating_add(1);
        if warm.uses >= self.uses_max {
            return;
        }
        let oldest = {
            let mut instances = self.lock();
            instances.push_back(warm);
            if instances.len() > self.instances_max { instances.pop_front() } else { None }
        };
        drop(oldest);
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn clear(&self) {
        let instances = std::mem::take(&mut *self.lock());
        drop(instances);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Warm>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The idle instances of all actors of an engine: they give way when the pool is full.
#[derive(Default)]
pub(crate) struct IdleInstances(Mutex<Vec<Weak<Idle>>>);

impl IdleInstances {
    pub(super) fn add(&self, idle: &Arc<Idle>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|idle| idle.strong_count() > 0);
        all.push(Arc::downgrade(idle));
    }

    /// Drops every idle instance.
    pub(super) fn clear(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for idle in all.iter().filter_map(Weak::upgrade) {
            idle.clear();
        }
    }
}
