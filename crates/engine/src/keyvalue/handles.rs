//! What a guest has open.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use wasmtime::component::{Resource, ResourceTable};

use super::wire::WireError;
use super::{Answer, Operation, StoreError, Stores};
use crate::CallContext;
use crate::limits::{KEYVALUE_BUCKETS_MAX, KEYVALUE_CURSORS_MAX, KEYVALUE_SWAPS_MAX};
use crate::store::State;

/// A `bucket`.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(super) stores: Arc<dyn Stores>,
    pub(super) name: Arc<str>,
    /// Operations that the whole actor may have at once.
    pub(super) permits: Arc<Semaphore>,
    /// Where pages begin, for the draft in which a cursor is a number.
    pub(super) cursors: Cursors,
}

/// A `cas`.
pub(crate) struct Swap {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    /// The value that was seen last.
    pub(super) seen: Option<Bytes>,
}

/// The handles of one instance.
pub(crate) struct Handles {
    buckets: ResourceTable,
    swaps: ResourceTable,
}

impl Default for Handles {
    fn default() -> Self {
        let table = |capacity| {
            let mut table = ResourceTable::new();
            table.set_max_capacity(capacity);
            table
        };
        Self { buckets: table(KEYVALUE_BUCKETS_MAX), swaps: table(KEYVALUE_SWAPS_MAX) }
    }
}

impl Handles {
    pub(super) fn open(&mut self, bucket: Bucket) -> Result<Resource<Bucket>, WireError> {
        let full = |_| WireError::Other(format!("{KEYVALUE_BUCKETS_MAX} buckets are open; drop some first"));
        self.buckets.push(bucket).map_err(full)
    }

    pub(super) fn bucket(&self, handle: &Resource<Bucket>) -> wasmtime::Result<Bucket> {
        Ok(self.buckets.get(handle)?.clone())
    }

    pub(super) fn cursors(&mut self, handle: &Resource<Bucket>) -> wasmtime::Result<&mut Cursors> {
        Ok(&mut self.buckets.get_mut(handle)?.cursors)
    }

    pub(super) fn close(&mut self, rep: u32) -> wasmtime::Result<()> {
        self.buckets.delete(Resource::<Bucket>::new_own(rep))?;
        Ok(())
    }

    pub(super) fn begin(&mut self, swap: Swap) -> Result<Resource<Swap>, WireError> {
        let full = |_| WireError::Other(format!("{KEYVALUE_SWAPS_MAX} swaps are begun; end some first"));
        self.swaps.push(swap).map_err(full)
    }

    pub(super) fn swap(&mut self, handle: &Resource<Swap>) -> wasmtime::Result<&mut Swap> {
        Ok(self.swaps.get_mut(handle)?)
    }

    pub(super) fn end(&mut self, rep: u32) -> wasmtime::Result<Swap> {
        Ok(self.swaps.delete(Resource::<Swap>::new_own(rep))?)
    }
}

impl State {
    /// The handles of the instance; made when the guest first uses them.
    pub(super) fn handles(&mut self) -> &mut Handles {
        self.keyvalue.get_or_insert_with(Box::default)
    }
}

impl Bucket {
    /// Does one thing, unless the actor is doing too many at once.
    pub(super) async fn run(&self, operation: Operation, call: &CallContext) -> Result<Answer, WireError> {
        let Ok(_permit) = self.permits.try_acquire() else {
            let text = "the actor has too many operations on stores at once; try again".to_owned();
            return Err(WireError::Other(text));
        };
        Ok(self.stores.run(&self.name, operation, call).await?)
    }
}

/// Cursors that were given out as numbers; the oldest goes first.
#[derive(Clone, Default)]
pub(crate) struct Cursors {
    given: VecDeque<(u64, String)>,
    last: u64,
}

impl Cursors {
    pub(super) fn give(&mut self, cursor: String) -> u64 {
        if self.given.len() >= KEYVALUE_CURSORS_MAX {
            self.given.pop_front();
        }
        self.last = self.last.wrapping_add(1);
        self.given.push_back((self.last, cursor));
        self.last
    }

    pub(super) fn find(&self, number: u64) -> Result<String, WireError> {
        let found = self.given.iter().find(|(given, _)| *given == number);
        let unknown = || WireError::Other(format!("cursor {number} is unknown or too old; begin again without one"));
        found.map(|(_, cursor)| cursor.clone()).ok_or_else(unknown)
    }
}

impl From<StoreError> for WireError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchStore => Self::NoSuchStore,
            StoreError::AccessDenied => Self::AccessDenied,
            StoreError::Other(text) => Self::Other(text),
        }
    }
}
