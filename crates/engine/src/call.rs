//! What travels with a call: its deadline, its identity, and what its chain holds.

use std::sync::Arc;
use std::time::Instant;

use model::trace::Trace;

use crate::http::Horizon;

/// The context of one call. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CallContext {
    call_id: u128,
    deadline: Instant,
    depth: u32,
    trace: Option<Arc<Trace>>,
    held: Option<Arc<Held>>,
    /// Where the deadline moves: what an instance does for a request of HTTP.
    horizon: Option<Arc<Horizon>>,
}

/// An instance that waits for this call to return.
#[derive(Debug)]
struct Held {
    actor: u64,
    above: Option<Arc<Held>>,
}

impl CallContext {
    /// A call from outside.
    pub fn new(call_id: u128, deadline: Instant) -> Self {
        Self { call_id, deadline, depth: 0, trace: None, held: None, horizon: None }
    }

    /// The same call after `depth` calls on other hosts.
    pub fn at_depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// The same call as part of a trace.
    pub fn traced(mut self, trace: Option<Arc<Trace>>) -> Self {
        self.trace = trace;
        self
    }

    /// The same call with a deadline that is not later than `deadline`.
    pub fn within(mut self, deadline: Instant) -> Self {
        self.deadline = self.deadline().min(deadline);
        self.horizon = None;
        self
    }

    /// What identifies the whole chain of calls.
    pub fn call_id(&self) -> u128 {
        self.call_id
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Instant {
        self.horizon.as_ref().map_or(self.deadline, |horizon| horizon.end())
    }

    /// How many calls wait for this one.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The trace that the call belongs to.
    pub fn trace(&self) -> Option<&Arc<Trace>> {
        self.trace.as_ref()
    }

    /// The context of the calls that an instance of `actor` makes while it serves this one.
    pub(crate) fn enter(&self, actor: u64, deadline: Instant) -> Self {
        Self {
            call_id: self.call_id,
            deadline: self.deadline().min(deadline),
            depth: self.depth.saturating_add(1),
            trace: self.trace.clone(),
            held: Some(Arc::new(Held { actor, above: self.held.clone() })),
            horizon: None,
        }
    }

    /// The same call with a deadline that moves with `horizon`.
    pub(crate) fn under(mut self, horizon: &Arc<Horizon>) -> Self {
        self.horizon = Some(Arc::clone(horizon));
        self
    }

    /// Whether the head of an answer is out, and the deadline no longer that of the call.
    pub(crate) fn is_extended(&self) -> bool {
        self.horizon.as_ref().is_some_and(|horizon| horizon.is_extended())
    }

    /// Whether the chain holds an instance of `actor`.
    pub(crate) fn holds(&self, actor: u64) -> bool {
        let mut next = self.held.as_ref();
        while let Some(held) = next {
            if held.actor == actor {
                return true;
            }
            next = held.above.as_ref();
        }
        false
    }
}
