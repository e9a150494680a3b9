//! Buckets inside one process: the twin of those of JetStream.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::key::{check_key, check_pattern, check_value, covers};
use super::{Bucket, Buckets, Change, Entry, KeyPage, Revision, StoreError, Watch};
use crate::limits::{INTENT_HISTORY, LEASE_AGE_MAX, WATCH_PENDING_MAX};

/// A bucket inside this process. Its operations take effect one after another.
pub struct MemoryBucket {
    name: String,
    options: MemoryOptions,
    state: Mutex<State>,
}

/// How a bucket keeps what is written.
#[derive(Clone, Copy, Debug)]
pub struct MemoryOptions {
    /// How many changes of a key are kept; at least the last one is.
    pub history: usize,
    /// When an entry is too old and gone, by the clock of tokio; none for never.
    pub age_max: Option<Duration>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { history: 1, age_max: None }
    }
}

#[derive(Default)]
struct State {
    revision: u64,
    keys: BTreeMap<String, VecDeque<Kept>>,
    watches: Vec<Watching>,
}

struct Kept {
    value: Option<Bytes>,
    revision: Revision,
    written: Instant,
}

struct Watching {
    pattern: String,
    changes: mpsc::Sender<Change>,
}

/// Makes the buckets of a lattice inside this process.
pub struct MemoryBuckets;

impl MemoryBuckets {
    /// Empty buckets, with the history and the age of those of a lattice.
    pub fn open() -> Buckets {
        let bucket = |name: &str, options| -> Arc<dyn Bucket> { Arc::new(MemoryBucket::new(name, options)) };
        let plain = MemoryOptions::default();
        Buckets {
            intent: bucket("intent", MemoryOptions { history: INTENT_HISTORY, ..plain }),
            blueprint: bucket("blueprint", plain),
            hosts: bucket("hosts", plain),
            leases: bucket("leases", MemoryOptions { age_max: Some(LEASE_AGE_MAX), ..plain }),
            state: bucket("state", plain),
            secrets: bucket("secrets", plain),
        }
    }
}

impl MemoryBucket {
    /// An empty bucket.
    pub fn new(name: impl Into<String>, options: MemoryOptions) -> Self {
        Self { name: name.into(), options, state: Mutex::default() }
    }

    /// What stands, without what is too old.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(age_max) = self.options.age_max {
            let now = Instant::now();
            state.keys.retain(|_, kept| {
                kept.retain(|kept| now.duration_since(kept.written) < age_max);
                !kept.is_empty()
            });
        }
        state
    }

    fn write(&self, state: &mut State, key: &str, value: Option<Bytes>) -> Revision {
        state.revision += 1;
        let revision = Revision(state.revision);
        let kept = state.keys.entry(key.to_owned()).or_default();
        kept.push_back(Kept { value: value.clone(), revision, written: Instant::now() });
        while kept.len() > self.options.history.max(1) {
            kept.pop_front();
        }
        let entry = Entry { key: key.to_owned(), value, revision };
        // Whoever is too slow, or gone, is told no more.
        state.watches.retain(|watching| {
            !covers(&watching.pattern, key) || watching.changes.try_send(Change::Entry(entry.clone())).is_ok()
        });
        revision
    }

    fn begin_watch(&self, pattern: &str) -> Result<Watch, StoreError> {
        check_pattern(&self.name, pattern)?;
        let mut state = self.state();
        let mut standing: Vec<Entry> = state.standing(pattern).collect();
        standing.sort_by_key(|entry| entry.revision);
        let (changes, watch) = mpsc::channel(standing.len() + 1 + WATCH_PENDING_MAX);
        let told = standing.into_iter().map(Change::Entry).chain([Change::Current]);
        // There is room for all of it, and the receiver is here.
        told.for_each(|change| drop(changes.try_send(change)));
        state.watches.retain(|watching| !watching.changes.is_closed());
        state.watches.push(Watching { pattern: pattern.to_owned(), changes });
        Ok(Watch(watch))
    }
}

impl State {
    fn last(&self, key: &str) -> Option<&Kept> {
        self.keys.get(key).and_then(VecDeque::back)
    }

    /// The entries under `pattern` that have a value.
    fn standing<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = Entry> + 'a {
        let covered = self.keys.iter().filter(|(key, _)| covers(pattern, key));
        let last = covered.filter_map(|(key, kept)| Some((key, kept.back()?)));
        last.filter(|(_, kept)| kept.value.is_some()).map(|(key, kept)| kept.entry(key))
    }
}

impl Kept {
    fn entry(&self, key: &str) -> Entry {
        Entry { key: key.to_owned(), value: self.value.clone(), revision: self.revision }
    }
}

/// An operation that takes effect at once, as soon as it is awaited.
fn at_once<'a, T: Send + 'a>(operation: impl FnOnce() -> T + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(async move { operation() })
}

impl Bucket for MemoryBucket {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        at_once(move || {
            check_key(&self.name, key)?;
            let state = self.state();
            Ok(state.last(key).filter(|kept| kept.value.is_some()).map(|kept| kept.entry(key)))
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        at_once(move || {
            check_key(&self.name, key)?;
            let state = self.state();
            Ok(state.keys.get(key).into_iter().flatten().map(|kept| kept.entry(key)).collect())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        at_once(move || {
            check_key(&self.name, key)?;
            check_value(&self.name, key, &value)?;
            Ok(self.write(&mut self.state(), key, Some(value)))
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        at_once(move || {
            check_key(&self.name, key)?;
            check_value(&self.name, key, &value)?;
            let mut state = self.state();
            let stands = match (state.last(key), expected) {
                (None, None) => true,
                (Some(kept), None) => kept.value.is_none(),
                (last, Some(expected)) => last.is_some_and(|kept| kept.revision == expected),
            };
            if stands {
                Ok(self.write(&mut state, key, Some(value)))
            } else {
                Err(StoreError::Conflict { bucket: self.name.clone(), key: key.to_owned() })
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        at_once(move || {
            check_key(&self.name, key)?;
            self.write(&mut self.state(), key, None);
            Ok(())
        })
    }

    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        at_once(move || {
            check_pattern(&self.name, pattern)?;
            Ok(self.state().standing(pattern).map(|entry| entry.key).collect())
        })
    }

    fn page<'a>(
        &'a self,
        pattern: &'a str,
        after: Revision,
        most: usize,
    ) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        at_once(move || {
            check_pattern(&self.name, pattern)?;
            let state = self.state();
            let mut standing: Vec<Entry> = state.standing(pattern).filter(|entry| entry.revision > after).collect();
            standing.sort_by_key(|entry| entry.revision);
            let more = standing.len() > most;
            standing.truncate(most);
            let next = standing.last().filter(|_| more).map(|entry| entry.revision);
            Ok(KeyPage { keys: standing.into_iter().map(|entry| entry.key).collect(), next })
        })
    }

    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        at_once(move || self.begin_watch(pattern))
    }
}
