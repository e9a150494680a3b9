//! Keys and values that a lattice agrees on.
//!
//! A [`Bucket`] is a JetStream key-value bucket ([`crate::connect::Connection::buckets`]) or its twin inside one process
//! ([`MemoryBucket`]). Reads are answered by whoever leads the bucket, never by a replica that lags behind: of what was
//! acknowledged nothing is missing, as long as the bucket has one leader.

mod key;
mod memory;
pub(crate) mod nats;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use memory::{MemoryBucket, MemoryBuckets, MemoryOptions};

/// The number of a change in a bucket; it grows with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A value as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key: tokens joined by dots.
    pub key: String,
    /// The value; none where the key was deleted.
    pub value: Option<Bytes>,
    /// The change that wrote it.
    pub revision: Revision,
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A key was written or deleted, or stood so when the watch began.
    Entry(Entry),
    /// Everything that stood when the watch began has been told.
    Current,
}

/// Some of a bucket's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys, in the order of their last changes.
    pub keys: Vec<String>,
    /// After which change the next page begins; none where nothing follows.
    pub next: Option<Revision>,
}

/// Why a bucket did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first: the revision that was expected is not the last one.
    #[error("key `{key}` of bucket `{bucket}` has been changed by another; read it again")]
    Conflict {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// No answer, or none in time; whether a write took place is not known, and it may yet do so.
    #[error("bucket `{bucket}` does not answer: {reason}; check that the NATS servers are up and have a leader")]
    Unavailable {
        /// The bucket.
        bucket: String,
        /// What is known of the reason.
        reason: String,
    },
    /// The bucket refuses the key, the value, or this user.
    #[error("bucket `{bucket}` refuses `{key}`: {reason}")]
    Refused {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// Changes of a bucket, in their order. It ends when it is dropped.
pub struct Watch(pub(crate) tokio::sync::mpsc::Receiver<Change>);

impl Watch {
    /// A watch that tells what comes by `changes`, for buckets that are made elsewhere.
    pub fn new(changes: tokio::sync::mpsc::Receiver<Change>) -> Self {
        Self(changes)
    }

    /// The next change. None once the watch is broken, because the connection or the server was, or because changes were
    /// not taken in time: watch again, from the start.
    pub async fn next(&mut self) -> Option<Change> {
        self.0.recv().await
    }
}

/// One bucket. Every operation has a deadline of its own and is tried again within it where that is safe.
pub trait Bucket: Send + Sync {
    /// The value of `key` as it stands; none where there never was one, it was deleted, or it is too old.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// Values that `key` has had and deletions, oldest first, as far back as the bucket keeps them.
    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>>;

    /// Writes `key`, whatever stands there.
    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>>;

    /// Writes `key` if `expected` is the last change of it; none where it must not exist. [`StoreError::Conflict`] means
    /// that nothing was written.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>>;

    /// Deletes `key`.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The keys that have a value, those that `pattern` covers: tokens joined by dots, `*` for one token and a last `>`
    /// for all that follow.
    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;

    /// Some of those keys, and no more work than for them: of the keys whose last change came after `after`, the `most` with
    /// the earliest; deletions may count among them and are left out. From page to page no key is missed that has a value all
    /// along; one that is changed meanwhile may come again.
    fn page<'a>(&'a self, pattern: &'a str, after: Revision, most: usize)
    -> BoxFuture<'a, Result<KeyPage, StoreError>>;

    /// Tells what stands under `pattern`, then [`Change::Current`], then the changes, in their order. A change may be
    /// left out where the same key has been changed again by then; the last one of a key never is. A consumer that is
    /// too slow loses the watch, never a change in the middle of it. That an entry became too old is not told.
    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>>;
}

/// The buckets of a lattice.
#[derive(Clone)]
pub struct Buckets {
    /// Intent, one key per application; written by operators and deployers only. Keeps its history.
    pub intent: Arc<dyn Bucket>,
    /// The agreed blueprint: root, shards, and where each host and application finds its own.
    pub blueprint: Arc<dyn Bucket>,
    /// What hosts tell of themselves, one key per host.
    pub hosts: Arc<dyn Bucket>,
    /// Leases of hosts, in memory: an entry is there as long as its host lives.
    pub leases: Arc<dyn Bucket>,
    /// Values of the key-value providers.
    pub state: Arc<dyn Bucket>,
    /// Secrets, sealed to hosts ([`crate::secrets`]).
    pub secrets: Arc<dyn Bucket>,
}
