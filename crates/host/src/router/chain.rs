//! Chains of calls over hosts: what identifies one, and what it holds here while it is elsewhere.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use engine::CallContext;

/// Identifies one chain of calls, on all hosts: a number of this process and a number in it.
pub(crate) fn call_id() -> u128 {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(*PROCESS) << 64 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Calls of this host's actors that are on other hosts now. One that comes back finds here which instances its chain
/// holds, so that it does not wait for one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chains(Arc<Mutex<HashMap<u128, Vec<CallContext>>>>);

/// A call that is on another host, while this lives.
#[derive(Debug)]
pub(crate) struct Away {
    chains: Chains,
    id: u128,
    depth: u32,
}

impl Chains {
    fn map(&self) -> MutexGuard<'_, HashMap<u128, Vec<CallContext>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call leaves for another host. One that no actor made holds nothing.
    pub(crate) fn leave(&self, call: &CallContext) -> Option<Away> {
        let (id, depth) = (call.call_id(), call.depth());
        (depth > 0).then(|| {
            self.map().entry(id).or_default().push(call.clone());
            Away { chains: self.clone(), id, depth }
        })
    }

    /// What the chain of a call that comes from another host holds here: that of its deepest call above.
    pub(crate) fn resume(&self, id: u128, depth: u32) -> Option<CallContext> {
        let map = self.map();
        let above = map.get(&id)?.iter().filter(|call| call.depth() < depth);
        above.max_by_key(|call| call.depth()).cloned()
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        let mut map = self.chains.map();
        let Some(calls) = map.get_mut(&self.id) else { return };
        if let Some(at) = calls.iter().position(|call| call.depth() == self.depth) {
            calls.swap_remove(at);
        }
        if calls.is_empty() {
            map.remove(&self.id);
        }
    }
}
