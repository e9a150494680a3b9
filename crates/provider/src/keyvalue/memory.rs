//! A store in memory.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use model::failure::RpcError;

use super::Room;
use super::store::{Done, Fault, Store, full, full_bytes, sum};
use crate::limits::PAGE_KEYS_MAX;

/// Callers of different keys seldom wait for one another.
const SHARDS: usize = 16;

type Shard = BTreeMap<String, Bytes>;

/// Keys and values in memory; a lock for each of several shards.
pub(super) struct Memory {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    keys: AtomicUsize,
    bytes: AtomicUsize,
    room: Room,
}

impl Memory {
    pub(super) fn new(room: Room) -> Self {
        let (keys, bytes) = Default::default();
        Self { shards: Default::default(), hasher: RandomState::new(), keys, bytes, room }
    }

    fn apply(&self, space: &str, operation: Operation) -> Result<Answer, RpcError> {
        match operation {
            Operation::Read(keys) => {
                let value = |key: String| self.shard(&placed(space, &key)).get(&placed(space, &key)).cloned();
                Ok(Answer::Values(keys.into_iter().map(value).collect()))
            }
            Operation::Exists(key) => {
                let key = placed(space, &key);
                Ok(Answer::Exists(self.shard(&key).contains_key(&key)))
            }
            Operation::List { cursor } => Ok(Answer::Page(self.list(space, cursor.as_deref()))),
            Operation::Write(changes) => {
                self.write(space, changes)?;
                Ok(Answer::Done)
            }
            Operation::Add { key, delta, bounds } => {
                let placed = placed(space, &key);
                let mut shard = self.shard(&placed);
                let (after, text) = sum(&key, shard.get(&placed).map(Bytes::as_ref), delta, &bounds)?;
                self.set(&mut shard, placed, Some(text))?;
                Ok(Answer::Number(after))
            }
            Operation::Swap { key, expected, value } => {
                let key = placed(space, &key);
                let mut shard = self.shard(&key);
                let as_expected = shard.get(&key) == expected.as_ref();
                if as_expected {
                    self.set(&mut shard, key, Some(value))?;
                }
                Ok(Answer::Swapped(as_expected))
            }
        }
    }

    /// All changes or, where one finds no room, none: others may take no room in between.
    fn write(&self, space: &str, changes: Vec<(String, Option<Bytes>)>) -> Result<(), RpcError> {
        let placed = |(key, value): (String, Option<Bytes>)| (placed(space, &key), value);
        if changes.len() == 1 {
            let change = changes.into_iter().map(placed).next();
            return change.map_or(Ok(()), |(key, value)| self.set(&mut self.shard(&key), key, value));
        }
        // Always in this order, and nobody who has one shard waits for another.
        let mut shards = self.shards.each_ref().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        let mut undo: Vec<(String, Option<Bytes>)> = Vec::with_capacity(changes.len());
        for (key, value) in changes.into_iter().map(placed) {
            let Some(shard) = shards.get_mut(self.position(&key)) else { continue };
            let before = shard.get(&key).cloned();
            if let Err(refused) = self.set(shard, key.clone(), value) {
                for (key, before) in undo.into_iter().rev() {
                    if let Some(shard) = shards.get_mut(self.position(&key)) {
                        self.set(shard, key, before)?; // there was room for it, and nobody else took any
                    }
                }
                return Err(refused);
            }
            undo.push((key, before));
        }
        Ok(())
    }

    fn set(&self, shard: &mut Shard, key: String, value: Option<Bytes>) -> Result<(), RpcError> {
        let before = shard.get(&key).map(Bytes::len);
        let size = |value: usize| key.len().saturating_add(value);
        match value {
            Some(value) => {
                let (old, new) = (before.map_or(0, size), size(value.len()));
                if before.is_none() && !claim(&self.keys, 1, self.room.keys_max) {
                    return Err(full(self.room.keys_max));
                }
                if !claim(&self.bytes, new.saturating_sub(old), self.room.bytes_max) {
                    if before.is_none() {
                        self.keys.fetch_sub(1, Ordering::Relaxed);
                    }
                    return Err(full_bytes(self.room.bytes_max));
                }
                self.bytes.fetch_sub(old.saturating_sub(new), Ordering::Relaxed);
                shard.insert(key, value);
            }
            None => {
                if let Some(before) = before {
                    self.keys.fetch_sub(1, Ordering::Relaxed);
                    self.bytes.fetch_sub(size(before), Ordering::Relaxed);
                    shard.remove(&key);
                }
            }
        }
        Ok(())
    }

    /// A page in order of the keys. They are read shard by shard: what changes meanwhile may be missing.
    fn list(&self, space: &str, cursor: Option<&str>) -> Page {
        let from = Bound::Excluded(placed(space, cursor.unwrap_or_default()));
        let from = if cursor.is_some() { from } else { Bound::Included(placed(space, "")) };
        let prefix = placed(space, "");
        let mut keys = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let range = shard.range::<String, _>((from.as_ref(), Bound::Unbounded));
            let own = range.map_while(|(key, _)| key.strip_prefix(&prefix)).map(ToOwned::to_owned);
            keys.extend(own.take(PAGE_KEYS_MAX + 1));
        }
        keys.sort_unstable();
        page(keys)
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        // A map whose holder panicked is whole: each change is one insertion or removal.
        self.shards.get(self.position(key)).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self, key: &str) -> usize {
        usize::try_from(self.hasher.hash_one(key) % (SHARDS as u64)).unwrap_or_default()
    }
}

/// Takes `more` of what there is a bound for, if that is left.
fn claim(used: &AtomicUsize, more: usize, max: usize) -> bool {
    let claimed = |used: usize| used.checked_add(more).filter(|used| more == 0 || *used <= max);
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claimed).is_ok()
}

/// The first page of `keys`, which are in order; the next begins after its last key.
pub(super) fn page(mut keys: Vec<String>) -> Page {
    let more = keys.len() > PAGE_KEYS_MAX;
    keys.truncate(PAGE_KEYS_MAX);
    let cursor = keys.last().filter(|_| more).cloned();
    Page { keys, cursor }
}

/// A key among those of all spaces: the name of a space has no zero byte.
pub(super) fn placed(space: &str, key: &str) -> String {
    format!("{space}\0{key}")
}

impl Store for Memory {
    fn run<'a>(&'a self, space: &'a str, operation: Operation, _: Instant) -> BoxFuture<'a, Done> {
        ready(self.apply(space, operation).map_err(Fault::Refused)).boxed()
    }
}
