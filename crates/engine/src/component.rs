//! Compiled composites.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Flavour;

/// A compiled composite. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    pub(crate) code: wasmtime::component::Component,
    pub(crate) flavour: Arc<Flavour>,
}

impl Component {
    /// Whether it needed the engine with concurrency support, because it uses async types.
    pub fn is_concurrent(&self) -> bool {
        self.flavour.concurrent
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("concurrent", &self.is_concurrent()).finish_non_exhaustive()
    }
}

/// A component, and how it was come by.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The component.
    pub component: Component,
    /// Whether its code was taken from the cache.
    pub cached: bool,
    /// How long that took.
    pub elapsed: Duration,
}
