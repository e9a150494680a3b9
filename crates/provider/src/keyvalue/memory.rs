//! Counters in memory.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use model::failure::RpcError;

use super::{bounded_key, full, sum};
use crate::service::Backend;

/// Callers of different keys seldom wait for one another.
const SHARDS: usize = 16;

type Shard = Mutex<HashMap<String, i32>>;

/// A store in memory; a lock for each of several shards.
pub(super) struct Memory {
    shards: [Shard; SHARDS],
    hasher: RandomState,
    keys: AtomicUsize,
    keys_max: usize,
}

impl Memory {
    pub(super) fn new(keys_max: usize) -> Self {
        Self { shards: Default::default(), hasher: RandomState::new(), keys: AtomicUsize::new(0), keys_max }
    }

    pub(super) fn increment(&self, key: String, value: i32) -> Result<i32, RpcError> {
        bounded_key(&key)?;
        let shard = self.shard(&key).ok_or_else(|| full(self.keys_max))?;
        // A map whose holder panicked is whole: each change is one write of one number.
        let mut counters = shard.lock().unwrap_or_else(PoisonError::into_inner);
        match counters.entry(key) {
            Entry::Occupied(mut entry) => {
                let after = sum(entry.key(), *entry.get(), value)?;
                *entry.get_mut() = after;
                Ok(after)
            }
            Entry::Vacant(entry) => {
                self.claim_key()?;
                Ok(*entry.insert(value))
            }
        }
    }

    fn shard(&self, key: &str) -> Option<&Shard> {
        let position = self.hasher.hash_one(key) % (SHARDS as u64);
        self.shards.get(usize::try_from(position).ok()?)
    }

    fn claim_key(&self) -> Result<(), RpcError> {
        self.keys
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |keys| (keys < self.keys_max).then_some(keys + 1))
            .map(drop)
            .map_err(|_| full(self.keys_max))
    }
}

impl Backend for Memory {}
