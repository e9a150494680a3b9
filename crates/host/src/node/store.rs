//! What control asks of the buckets, each request by a task of its own, its answer an event.

use std::fmt::Display;
use std::sync::Arc;

use lattice::document::{
    Document as _, HostRecord, Incarnation, Lease, Pointer, PointerKey, ROOT_KEY, Root, Shard, shard_key,
};
use lattice::store::{Buckets, Entry, Revision, StoreError};
use model::digest::Digest;
use model::ids::HostName;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::run::Input;
use crate::control::{Event, Found, Op, Outcome};
use crate::limits::FETCHES_MAX;

/// The buckets, as the loop uses them.
#[derive(Clone)]
pub(super) struct Store {
    buckets: Buckets,
    me: HostName,
    inputs: mpsc::Sender<Input>,
    /// Requests at once, apart from the host's own record and lease, which never wait.
    turns: Arc<Semaphore>,
}

impl Store {
    pub(super) fn new(buckets: Buckets, me: HostName, inputs: mpsc::Sender<Input>) -> Self {
        Self { buckets, me, inputs, turns: Arc::new(Semaphore::new(FETCHES_MAX)) }
    }

    pub(super) fn put_lease(&self, op: Op, incarnation: Incarnation) {
        let store = self.clone();
        tokio::spawn(async move {
            let written = store.buckets.leases.put(store.me.as_str(), Lease { incarnation }.encode()).await;
            store.written(op, written).await;
        });
    }

    /// The task ends when the lease is deleted, or cannot be.
    pub(super) fn delete_lease(&self) -> JoinHandle<()> {
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(reason) = store.buckets.leases.delete(store.me.as_str()).await {
                tracing::debug!(%reason, "the lease was not deleted; it lapses by itself");
            }
        })
    }

    /// Likewise of the record.
    pub(super) fn delete_record(&self) -> JoinHandle<()> {
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(reason) = store.buckets.hosts.delete(store.me.as_str()).await {
                tracing::warn!(%reason, "the host's record was not deleted; `lath forget` removes it");
            }
        })
    }

    pub(super) fn put_record(&self, op: Op, expected: Option<Revision>, record: Arc<HostRecord>) {
        let store = self.clone();
        tokio::spawn(async move {
            let written = store.buckets.hosts.replace(store.me.as_str(), record.encode(), expected).await;
            store.written(op, written).await;
        });
    }

    pub(super) fn put_shard(&self, op: Op, digest: Digest, shard: Arc<Shard>) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = store.turns.acquire().await else { return };
            // Equal plans of several planners have equal shards: what is there already is not written again.
            let written = match store.buckets.blueprint.replace(&shard_key(digest), shard.encode(), None).await {
                Err(StoreError::Conflict { .. }) => Ok(Revision(0)),
                written => written,
            };
            store.written(op, written).await;
        });
    }

    pub(super) fn replace_root(&self, op: Op, expected: Option<Revision>, root: Arc<Root>) {
        let store = self.clone();
        tokio::spawn(async move {
            let written = store.buckets.blueprint.replace(ROOT_KEY, root.encode(), expected).await;
            store.written(op, written).await;
        });
    }

    pub(super) fn replace_pointer(&self, op: Op, key: PointerKey, expected: Option<Revision>, pointer: Pointer) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = store.turns.acquire().await else { return };
            let written = store.buckets.blueprint.replace(&key.key(), pointer.encode(), expected).await;
            store.written(op, written).await;
        });
    }

    pub(super) fn delete_shards(&self, digests: Vec<Digest>) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = store.turns.acquire().await else { return };
            for digest in digests {
                if let Err(reason) = store.buckets.blueprint.delete(&shard_key(digest)).await {
                    return tracing::debug!(%reason, "old shards were not deleted");
                }
            }
        });
    }

    pub(super) fn fetch_shard(&self, digest: Digest) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = store.turns.acquire().await else { return };
            let found = store.buckets.blueprint.get(&shard_key(digest)).await;
            let shard = match found {
                Ok(entry) => entry.and_then(|entry| entry.value).and_then(|bytes| shard(digest, &bytes)),
                Err(reason) => {
                    tracing::debug!(%digest, %reason, "a shard could not be read");
                    None
                }
            };
            store.tell(Event::Shard { digest, shard }).await;
        });
    }

    pub(super) fn reread(&self, op: Op) {
        let store = self.clone();
        tokio::spawn(async move {
            let found = store.found().await.inspect_err(|reason| tracing::debug!(reason, "the root could not be read"));
            store.tell(Event::Reread { op, found: found.ok() }).await;
        });
    }

    async fn found(&self) -> Result<Found, String> {
        let bucket = &self.buckets.blueprint;
        let told = |error: StoreError| error.to_string();
        let root = bucket.get(ROOT_KEY).await.map_err(told)?;
        let pointer = bucket.get(&PointerKey::Host(self.me.clone()).key()).await.map_err(told)?;
        // What cannot be read changes nothing: what was adopted before goes on.
        Ok(Found {
            root: readable(root, Root::decode).map(|(revision, root)| (revision, Arc::new(root))),
            pointer: readable(pointer, Pointer::decode),
        })
    }

    async fn written(&self, op: Op, written: Result<Revision, StoreError>) {
        let outcome = match written {
            Ok(revision) => Outcome::Done(revision),
            Err(StoreError::Conflict { .. }) => Outcome::Conflict,
            Err(reason @ StoreError::Unavailable { .. }) => {
                tracing::debug!(%reason, "a write has no answer");
                Outcome::Unknown
            }
            Err(reason @ StoreError::Refused { .. }) => {
                tracing::warn!(%reason, "a write was refused");
                Outcome::Unknown
            }
        };
        self.tell(Event::Written { op, outcome }).await;
    }

    async fn tell(&self, event: Event) {
        // A loop that has ended needs no answers.
        let _ = self.inputs.send(Input::Control(event)).await;
    }
}

/// What stands in an entry; none where it was deleted, or cannot be read.
fn readable<T, E: Display>(entry: Option<Entry>, decode: impl Fn(&[u8]) -> Result<T, E>) -> Option<(Revision, T)> {
    let Entry { key, value, revision, .. } = entry?;
    let read =
        decode(&value?).inspect_err(|reason| tracing::warn!(key, %reason, "what stands at a key cannot be read"));
    Some((revision, read.ok()?))
}

fn shard(digest: Digest, bytes: &[u8]) -> Option<Arc<Shard>> {
    if Digest::of(bytes) != digest {
        tracing::warn!(%digest, "a shard has other bytes than its digest says; it is passed over");
        return None;
    }
    let shard = Shard::decode(bytes);
    shard.inspect_err(|reason| tracing::warn!(%digest, %reason, "a shard cannot be read")).ok().map(Arc::new)
}
