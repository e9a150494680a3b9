//! A store in a bucket that all hosts of the lattice share.
//!
//! Each key is an entry, changed by compare-and-set where it must be: whoever loses a race reads again and goes on from
//! what is there then. A store remembers the numbers that it wrote last, so that a counter which nobody else changes takes
//! one message for each addition. The configuration's `bucket` is a part of the keys; without it the application and the
//! provider are.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lattice::store::{Bucket, Entry, KeyPage, Revision, StoreError};
use model::failure::{Failure, RpcError};
use model::ids::{ProviderName, StoreName};

use super::store::{Done, Fault, Store, before, strange_cursor, sum};
use crate::limits::{CONTENDED_TRIES_MAX, COUNTERS_REMEMBERED_MAX, PAGE_KEYS_MAX};

/// A store in the lattice.
pub(super) struct Shared {
    name: ProviderName,
    bucket: Arc<dyn Bucket>,
    prefix: String,
    /// What the keys of counters begin with.
    counters: char,
    /// What each number was when it was last seen, by its key in the bucket.
    seen: Mutex<HashMap<String, Known>>,
}

/// A value as it stands; it has no revision where it is not there.
#[derive(Clone)]
struct Known {
    value: Option<Bytes>,
    revision: Option<Revision>,
}

impl Shared {
    /// The keys under `prefix` of `bucket`.
    pub(super) fn new(name: ProviderName, bucket: Arc<dyn Bucket>, prefix: &str) -> Self {
        Self { name, bucket, counters: counters_of(prefix), prefix: prefix.to_owned(), seen: Mutex::default() }
    }

    async fn apply(&self, space: &str, operation: Operation) -> Done {
        match operation {
            Operation::Read(keys) => {
                let reads = keys.iter().map(|key| async move { self.read(&self.entry(space, key)).await });
                let read = futures_util::future::try_join_all(reads).await?;
                Ok(Answer::Values(read.into_iter().map(|known| known.value).collect()))
            }
            Operation::Exists(key) => Ok(Answer::Exists(self.read(&self.entry(space, &key)).await?.value.is_some())),
            Operation::List { cursor } => Ok(Answer::Page(self.list(space, cursor.as_deref()).await?)),
            Operation::Write(changes) => self.write(space, changes).await,
            Operation::Add { key, delta, bounds } => self.add(space, &key, delta, &bounds).await,
            Operation::Swap { key, expected, value } => self.swap(&self.entry(space, &key), expected, value).await,
        }
    }

    /// One after the other: a bucket has no transactions. A failure says how far it came.
    async fn write(&self, space: &str, changes: Vec<(String, Option<Bytes>)>) -> Done {
        let all = changes.len();
        for (done, (key, value)) in changes.into_iter().enumerate() {
            let entry = self.entry(space, &key);
            let written = match value {
                Some(value) => self.bucket.put(&entry, value).await.map(drop),
                None => self.bucket.delete(&entry).await,
            };
            written.map_err(|error| self.broken_off(&error, done, all))?;
        }
        Ok(Answer::Done)
    }

    async fn add(&self, space: &str, key: &str, delta: i64, bounds: &RangeInclusive<i64>) -> Done {
        let entry = self.entry(space, key);
        let mut known = self.seen().remove(&entry);
        for _ in 0..CONTENDED_TRIES_MAX {
            let remembered = known.is_some();
            let before = match known.take() {
                Some(known) => known,
                None => self.read(&entry).await?,
            };
            let (after, text) = match sum(key, before.value.as_deref(), delta, bounds) {
                Ok(sum) => sum,
                Err(_) if remembered => continue, // it may be another by now
                Err(refused) => return Err(Fault::Refused(refused)),
            };
            match self.bucket.replace(&entry, text.clone(), before.revision).await {
                Ok(revision) => {
                    self.remember(entry, Known { value: Some(text), revision: Some(revision) });
                    return Ok(Answer::Number(after));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(self.unwritten(&error)),
            }
        }
        Err(self.contended(&format!("counter `{key}`")))
    }

    /// Another may write the same value again meanwhile: what counts is the value.
    async fn swap(&self, entry: &str, expected: Option<Bytes>, value: Bytes) -> Done {
        for _ in 0..CONTENDED_TRIES_MAX {
            let before = self.read(entry).await?;
            if before.value != expected {
                return Ok(Answer::Swapped(false));
            }
            match self.bucket.replace(entry, value.clone(), before.revision).await {
                Ok(_) => return Ok(Answer::Swapped(true)),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(self.unwritten(&error)),
            }
        }
        Err(self.contended("the key"))
    }

    /// A page of the keys by the order of their last changes: the cursor is the number of the last one.
    async fn list(&self, space: &str, cursor: Option<&str>) -> Result<Page, Fault> {
        let after = Revision(cursor.unwrap_or("0").parse().map_err(|_| strange_cursor())?);
        let prefix = self.entry(space, "");
        let page = self.bucket.page(&format!("{}.*", prefix.trim_end_matches(".k")), after, PAGE_KEYS_MAX).await;
        let KeyPage { keys, next } = page.map_err(|error| self.unread(&error))?;
        let key = |entry: &String| String::from_utf8(unhex(entry.strip_prefix(&prefix)?)?).ok();
        let mut keys: Vec<String> = keys.iter().filter_map(key).collect();
        keys.sort_unstable();
        Ok(Page { keys, cursor: next.map(|Revision(next)| next.to_string()) })
    }

    async fn read(&self, entry: &str) -> Result<Known, Fault> {
        let found = self.bucket.get(entry).await.map_err(|error| self.unread(&error))?;
        Ok(match found {
            Some(Entry { value: Some(value), revision, .. }) => Known { value: Some(value), revision: Some(revision) },
            _ => Known { value: None, revision: None },
        })
    }

    fn remember(&self, entry: String, known: Known) {
        let mut seen = self.seen();
        if seen.len() >= COUNTERS_REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(entry, known);
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        // A map whose holder panicked is whole: each change is one insertion or removal.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unread(&self, error: &StoreError) -> Fault {
        Fault::Failed(Failure::not_started(RpcError::Transport(self.told(error))))
    }

    /// A refused entry was not written; of one without an answer that is not known.
    fn unwritten(&self, error: &StoreError) -> Fault {
        self.broken_off(error, 0, 1)
    }

    /// Of `all` changes, `done` were made before one failed.
    fn broken_off(&self, error: &StoreError, done: usize, all: usize) -> Fault {
        let is_refused = matches!(error, StoreError::Refused { .. });
        let before = if all > 1 { format!("; {done} of {all} changes were made before") } else { String::new() };
        let doubt = if is_refused { "" } else { "; the change may have been made" };
        let text = format!("{}{doubt}{before}", self.told(error));
        let error = if is_refused { RpcError::HostError(text) } else { RpcError::Transport(text) };
        Fault::Failed(if is_refused && done == 0 { Failure::not_started(error) } else { Failure::unknown(error) })
    }

    fn contended(&self, what: &str) -> Fault {
        let text = format!("store `{}`: {what} is changed by too many others at once; try again", self.name);
        Fault::Failed(Failure::not_started(RpcError::HostError(text)))
    }

    fn told(&self, error: &StoreError) -> String {
        format!("store `{}`: {error}", self.name)
    }

    /// A key in the bucket: any text is one token of letters and digits there.
    fn entry(&self, space: &str, key: &str) -> String {
        match space {
            "" => format!("{}.{}{}", self.prefix, self.counters, hex(key)),
            space => format!("{}.s{}.k{}", self.prefix, hex(space), hex(key)),
        }
    }
}

/// What the keys of counters begin with, under `prefix`. A provider without a bucket of its own may be called like a store
/// (`s61` like store `a`) of the bucket that is called like its application: its counters have a letter that stores have not.
fn counters_of(prefix: &str) -> char {
    let store = prefix.rsplit_once('.').and_then(|(_, provider)| unhex(provider.strip_prefix('s')?));
    let store = store.filter(|store| !store.is_empty()).and_then(|store| String::from_utf8(store).ok());
    if store.is_some_and(|store| store.parse::<StoreName>().is_ok()) { 'c' } else { 'k' }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(byte).collect()
}

impl Store for Shared {
    fn run<'a>(&'a self, space: &'a str, operation: Operation, deadline: Instant) -> BoxFuture<'a, Done> {
        before(&self.name, deadline, self.apply(space, operation)).boxed()
    }
}
