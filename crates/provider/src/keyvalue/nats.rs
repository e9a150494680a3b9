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
use lattice::store::{Bucket, Entry, Revision, StoreError};
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;

use super::memory::page;
use super::store::{Done, Fault, Store, before, sum};
use crate::limits::{CONTENDED_TRIES_MAX, COUNTERS_REMEMBERED_MAX};

/// A store in the lattice.
pub(super) struct Shared {
    name: ProviderName,
    bucket: Arc<dyn Bucket>,
    prefix: String,
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
        Self { name, bucket, prefix: prefix.to_owned(), seen: Mutex::default() }
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
            Operation::Write(changes) => {
                for (key, value) in changes {
                    let entry = self.entry(space, &key);
                    match value {
                        Some(value) => self.bucket.put(&entry, value).await.map(drop),
                        None => self.bucket.delete(&entry).await,
                    }
                    .map_err(|error| self.unwritten(&error))?;
                }
                Ok(Answer::Done)
            }
            Operation::Add { key, delta, bounds } => self.add(space, &key, delta, &bounds).await,
            Operation::Swap { key, expected, value } => self.swap(&self.entry(space, &key), expected, value).await,
        }
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
        let text = format!("store `{}`: counter `{key}` is changed by too many others at once; try again", self.name);
        Err(Fault::Failed(Failure::not_started(RpcError::HostError(text))))
    }

    async fn swap(&self, entry: &str, expected: Option<Bytes>, value: Bytes) -> Done {
        let before = self.read(entry).await?;
        if before.value != expected {
            return Ok(Answer::Swapped(false));
        }
        match self.bucket.replace(entry, value, before.revision).await {
            Ok(_) => Ok(Answer::Swapped(true)),
            Err(StoreError::Conflict { .. }) => Ok(Answer::Swapped(false)),
            Err(error) => Err(self.unwritten(&error)),
        }
    }

    async fn list(&self, space: &str, cursor: Option<&str>) -> Result<Page, Fault> {
        let prefix = self.entry(space, "");
        let found = self.bucket.keys(&format!("{}.*", prefix.trim_end_matches(".k"))).await;
        let found = found.map_err(|error| self.unread(&error))?;
        let key = |entry: &String| String::from_utf8(unhex(entry.strip_prefix(&prefix)?)?).ok();
        let mut keys: Vec<String> = found.iter().filter_map(key).collect();
        keys.retain(|key| cursor.is_none_or(|cursor| &**key > cursor));
        keys.sort_unstable();
        Ok(page(keys))
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
        let text = self.told(error);
        Fault::Failed(match error {
            StoreError::Refused { .. } => Failure::not_started(RpcError::HostError(text)),
            _ => Failure::unknown(RpcError::Transport(text)),
        })
    }

    fn told(&self, error: &StoreError) -> String {
        format!("store `{}`: {error}", self.name)
    }

    /// A key in the bucket: any text is one token of letters and digits there.
    fn entry(&self, space: &str, key: &str) -> String {
        match space {
            "" => format!("{}.k{}", self.prefix, hex(key)),
            space => format!("{}.s{}.k{}", self.prefix, hex(space), hex(key)),
        }
    }
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
