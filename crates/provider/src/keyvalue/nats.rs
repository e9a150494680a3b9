//! Counters in a bucket that all hosts of the lattice share.
//!
//! Each counter is an entry, changed by compare-and-set: whoever loses a race reads again and adds to what is there then.
//! A store remembers the entries that it wrote last, so that a counter which nobody else changes takes one message for
//! each addition. The configuration's `bucket` is a part of the keys; without it the application and the provider are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use lattice::store::{Bucket, Entry, Revision, StoreError};
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;

use super::{Counted, bounded_key, sum};
use crate::limits::{CONTENDED_TRIES_MAX, COUNTERS_REMEMBERED_MAX};
use crate::service::Backend;

/// A store in the lattice.
pub struct Shared {
    name: ProviderName,
    bucket: Arc<dyn Bucket>,
    prefix: String,
    /// What each entry was when it was last seen, by its key in the bucket.
    seen: Mutex<HashMap<String, Counter>>,
}

/// A counter as it stands; it has no revision where it was never written.
#[derive(Clone, Copy)]
struct Counter {
    value: i32,
    revision: Option<Revision>,
}

impl Shared {
    /// The counters under `prefix` of `bucket`.
    pub fn new(name: ProviderName, bucket: Arc<dyn Bucket>, prefix: &str) -> Self {
        Self { name, bucket, prefix: prefix.to_owned(), seen: Mutex::default() }
    }

    /// Adds `value` to the counter of `key` and gives the new value.
    ///
    /// # Errors
    ///
    /// `transport` where the bucket does not answer, not started if nothing can have been written; `host-error` where
    /// others change the counter all the time; `deadline-exceeded`.
    pub async fn increment(&self, key: &str, value: i32, deadline: Instant) -> Counted {
        if let Err(error) = bounded_key(key) {
            return Ok(Err(error));
        }
        if Instant::now() >= deadline {
            let text = format!("store `{}`: the deadline had passed before the change, nothing was changed", self.name);
            return Err(Failure::not_started(RpcError::DeadlineExceeded(text)));
        }
        match tokio::time::timeout_at(deadline.into(), self.add(key, value)).await {
            Ok(counted) => counted,
            Err(_) => {
                let text = format!("store `{}` did not answer in time, the change may have been made", self.name);
                Err(Failure::unknown(RpcError::DeadlineExceeded(text)))
            }
        }
    }

    async fn add(&self, key: &str, value: i32) -> Counted {
        let entry = self.entry(key);
        let mut known = self.seen().remove(&entry);
        for _ in 0..CONTENDED_TRIES_MAX {
            let counter = match known.take() {
                Some(counter) => counter,
                None => self.read(&entry).await?,
            };
            let after = match sum(key, counter.value, value) {
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused)),
            };
            match self.bucket.replace(&entry, Bytes::from(after.to_string()), counter.revision).await {
                Ok(revision) => {
                    self.remember(entry, Counter { value: after, revision: Some(revision) });
                    return Ok(Ok(after));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(self.unwritten(&error)),
            }
        }
        let text = format!("store `{}`: counter `{key}` is changed by too many others at once; try again", self.name);
        Err(Failure::not_started(RpcError::HostError(text)))
    }

    async fn read(&self, entry: &str) -> Result<Counter, Failure> {
        let found = self.bucket.get(entry).await;
        let found = found.map_err(|error| Failure::not_started(RpcError::Transport(self.told(&error))))?;
        let Some(Entry { value: Some(value), revision, .. }) = found else {
            return Ok(Counter { value: 0, revision: None });
        };
        let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
        let value = number.ok_or_else(|| {
            let text =
                format!("store `{}`: entry `{entry}` of its bucket is no counter; name another `bucket`", self.name);
            Failure::not_started(RpcError::HostError(text))
        })?;
        Ok(Counter { value, revision: Some(revision) })
    }

    fn remember(&self, entry: String, counter: Counter) {
        let mut seen = self.seen();
        if seen.len() >= COUNTERS_REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(entry, counter);
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Counter>> {
        // A map whose holder panicked is whole: each change is one insertion or removal.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A refused entry was not written; of one without an answer that is not known.
    fn unwritten(&self, error: &StoreError) -> Failure {
        let text = self.told(error);
        match error {
            StoreError::Refused { .. } => Failure::not_started(RpcError::HostError(text)),
            _ => Failure::unknown(RpcError::Transport(text)),
        }
    }

    fn told(&self, error: &StoreError) -> String {
        format!("store `{}`: {error}", self.name)
    }

    /// A counter's key in the bucket: any text is one token of letters and digits there.
    fn entry(&self, key: &str) -> String {
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.k{hex}", self.prefix)
    }
}

impl Backend for Shared {}
