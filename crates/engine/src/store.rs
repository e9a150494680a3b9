//! What one instance may use, and what it is using.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use model::failure::Failure;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::actor::Shared;
use crate::call::CallContext;
use crate::keyvalue::Handles;
use crate::limits::{self, EPOCH_TICK};
use crate::stop::DeadlinePassed;
use crate::tape::Tape;
use crate::wasi::Wasi;

/// Epochs until a running guest is looked at.
const NEXT_TICK: u64 = 1;

/// The data of one instance's store.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    /// The context of the calls that the guest makes.
    pub(crate) call: CallContext,
    pub(crate) budget: Budget,
    /// Looks at the guest since it last called the host.
    pub(crate) busy_ticks: u32,
    /// Whether it ever sent a message: it may have acted, even before it was wholly there.
    pub(crate) sent: bool,
    /// What a native function of a contract ended the call with.
    pub(crate) failure: Option<Failure>,
    /// Made when the guest first uses it.
    pub(crate) wasi: Option<Box<Wasi>>,
    /// The stores that it has open; made when the guest first uses them.
    pub(crate) keyvalue: Option<Box<Handles>>,
    /// Sees what the instance does, where anybody wants that.
    pub(crate) tape: Option<Arc<dyn Tape>>,
}

/// A store for a fresh instance that serves `call`.
pub(crate) fn open(engine: &wasmtime::Engine, shared: &Arc<Shared>, call: CallContext) -> Store<State> {
    let mut store = Store::new(engine, State::new(shared, call));
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(shared.lift_bytes_max);
    store.set_max_component_handles(limits::HANDLES_MAX);
    store.epoch_deadline_callback(|mut guest| look(guest.data_mut()));
    store.set_epoch_deadline(NEXT_TICK);
    store
}

/// Makes a store ready for its next call.
pub(crate) fn reopen(store: &mut Store<State>, call: CallContext) {
    let state = store.data_mut();
    if let Some(wasi) = &mut state.wasi {
        wasi.enter(&call);
    }
    state.call = call;
    state.busy_ticks = 0;
    state.budget.denied = false;
    store.set_epoch_deadline(NEXT_TICK);
}

/// Looks at a running guest: stops it if its time is over, else lets others on this thread go on first. tokio's own
/// yield also lets the thread look at its sockets and timers, which it does for other busy tasks only now and then.
fn look(guest: &mut State) -> wasmtime::Result<UpdateDeadline> {
    guest.busy_ticks = guest.busy_ticks.saturating_add(1);
    if Instant::now() >= guest.call.deadline() || guest.is_lost() {
        return Err(DeadlinePassed.into());
    }
    Ok(UpdateDeadline::YieldCustom(NEXT_TICK, Box::pin(tokio::task::yield_now())))
}

impl State {
    /// Whether it computes without end after the head of its answer, where no deadline of the call holds any more.
    fn is_lost(&self) -> bool {
        self.call.is_extended() && EPOCH_TICK.saturating_mul(self.busy_ticks) > self.shared.settings.execution
    }

    fn new(shared: &Arc<Shared>, call: CallContext) -> Self {
        shared.live.0.fetch_add(1, Ordering::Relaxed);
        let budget = Budget { bytes_left: shared.settings.memory_bytes, denied: false };
        Self {
            shared: Arc::clone(shared),
            call,
            budget,
            busy_ticks: 0,
            sent: false,
            failure: None,
            wasi: None,
            keyvalue: None,
            tape: shared.settings.tapes.as_ref().map(|tapes| tapes.instance()),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.shared.live.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The memory of one instance: all its linear memories and tables together. What was allowed stays taken even if it
/// then fails: wasmtime also tells of failures that it never asked about.
pub(crate) struct Budget {
    bytes_left: u64,
    denied: bool,
}

impl Budget {
    /// Whether the guest was refused memory.
    pub(crate) fn was_denied(&self) -> bool {
        self.denied
    }

    fn grow(&mut self, current: u64, desired: u64) -> bool {
        let left = self.bytes_left.checked_sub(desired.saturating_sub(current));
        self.denied |= left.is_none();
        self.bytes_left = left.unwrap_or(self.bytes_left);
        left.is_some()
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond the memory's own maximum: the guest's limit, not ours.
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(current as u64, desired as u64))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| (elements as u64).saturating_mul(size_of::<usize>() as u64);
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(bytes(current), bytes(desired)))
    }

    fn instances(&self) -> usize {
        limits::CORE_INSTANCES_PER_COMPONENT_MAX as usize
    }

    fn tables(&self) -> usize {
        limits::TABLES_PER_COMPONENT_MAX as usize
    }

    fn memories(&self) -> usize {
        limits::MEMORIES_PER_COMPONENT_MAX as usize
    }
}

/// Counts stores, so that a test can see a leak.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<AtomicUsize>);

impl Live {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
