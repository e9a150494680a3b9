//! A host's way to its lattice, which can be cut and mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ::lattice::bus::{Bus, BusError, Message, Subscription};
use ::lattice::memory::MemoryBus;
use ::lattice::objects::{Objects, Stored};
use ::lattice::store::{Bucket, Buckets, Change, Entry, KeyPage, Revision, StoreError, Watch};
use ::lattice::subject::{Subject, Token};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::digest::Digest;
use tokio::sync::{mpsc, watch};

/// Changes that may wait at a watch.
const PENDING_MAX: usize = 4096;

/// One host's way to the bus, the buckets and the store of bytes.
#[derive(Clone)]
pub struct Link {
    bus: Arc<MemoryBus>,
    open: watch::Sender<bool>,
    told: Arc<Told>,
    /// Messages that were sent as a later version would, where they are.
    later: Option<Arc<AtomicU64>>,
}

/// What the buckets have told a host, asked or by its watches.
#[derive(Debug, Default)]
struct Told {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl Told {
    fn count(&self, entry: &Entry) {
        let bytes = entry.key.len() + entry.value.as_ref().map_or(0, Bytes::len);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Link {
    pub(super) fn new(bus: MemoryBus) -> Self {
        Self { bus: Arc::new(bus), open: watch::Sender::new(true), told: Arc::default(), later: None }
    }

    /// The way of a host of a later version: its messages have headers, and fields in headers, that this one does not know.
    pub(super) fn later(bus: MemoryBus) -> Self {
        Self { later: Some(Arc::default()), ..Self::new(bus) }
    }

    /// The messages that were sent so.
    pub fn sent_later(&self) -> u64 {
        self.later.as_ref().map_or(0, |sent| sent.load(Ordering::Relaxed))
    }

    /// Cuts the way to the lattice, as if NATS was gone, or mends it.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
        self.bus.set_connected(open);
    }

    /// The entries that the buckets have told this host so far, asked or by its watches, and their bytes.
    pub fn told(&self) -> (u64, u64) {
        (self.told.entries.load(Ordering::Relaxed), self.told.bytes.load(Ordering::Relaxed))
    }

    pub(super) fn bus(&self) -> Arc<dyn Bus> {
        match &self.later {
            Some(sent) => Arc::new(LaterBus { bus: self.bus.clone(), sent: sent.clone() }),
            None => self.bus.clone(),
        }
    }

    pub(super) fn buckets(&self, of: &Buckets) -> Buckets {
        let cut = |bucket: &Arc<dyn Bucket>| -> Arc<dyn Bucket> {
            Arc::new(CutBucket { bucket: bucket.clone(), open: self.open.subscribe(), told: self.told.clone() })
        };
        Buckets {
            intent: cut(&of.intent),
            blueprint: cut(&of.blueprint),
            hosts: cut(&of.hosts),
            leases: cut(&of.leases),
            state: cut(&of.state),
            secrets: cut(&of.secrets),
        }
    }

    pub(super) fn objects(&self, of: &Arc<dyn Objects>) -> Arc<dyn Objects> {
        Arc::new(CutObjects { objects: of.clone(), open: self.open.subscribe() })
    }
}

/// Headers of this version that a later one writes more into.
const HEADERS: [&str; 8] =
    ["lath-call", "lath-chunks", "lath-chunk", "lath-credit", "lath-cancel", "lath-part", "lath-flow", "lath-stop"];

struct LaterBus {
    bus: Arc<MemoryBus>,
    sent: Arc<AtomicU64>,
}

impl Bus for LaterBus {
    fn publish(&self, mut message: Message) -> Result<(), BusError> {
        for name in HEADERS {
            if let Some(value) = message.headers.get(name).map(|value| format!("{value} later=7")) {
                message.headers.insert(name, value);
                self.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.bus.publish(message.with("lath-later", "1"))
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.bus.subscribe(pattern)
    }

    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.bus.subscribe_group(pattern, group)
    }

    fn payload_max(&self) -> usize {
        self.bus.payload_max()
    }

    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>> {
        self.bus.flush(deadline)
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.bus.connected()
    }
}

fn check(open: &watch::Receiver<bool>) -> Result<(), StoreError> {
    if *open.borrow() {
        return Ok(());
    }
    Err(StoreError::Unavailable { bucket: "any".to_owned(), reason: "the way to it is cut".to_owned() })
}

struct CutBucket {
    bucket: Arc<dyn Bucket>,
    open: watch::Receiver<bool>,
    told: Arc<Told>,
}

impl CutBucket {
    fn during<'a, T: Send + 'a>(
        &'a self,
        operation: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            operation.await
        })
    }
}

impl Bucket for CutBucket {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.during(Box::pin(async move {
            let found = self.bucket.get(key).await?;
            found.iter().for_each(|entry| self.told.count(entry));
            Ok(found)
        }))
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.during(self.bucket.history(key))
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.during(self.bucket.put(key, value))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.during(self.bucket.replace(key, value, expected))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.during(self.bucket.delete(key))
    }

    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.during(self.bucket.keys(pattern))
    }

    fn page<'a>(
        &'a self,
        pattern: &'a str,
        after: Revision,
        most: usize,
    ) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        self.during(self.bucket.page(pattern, after, most))
    }

    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            let mut inner = self.bucket.watch(pattern).await?;
            let (changes, watch) = mpsc::channel(PENDING_MAX);
            let (mut open, told) = (self.open.clone(), self.told.clone());
            tokio::spawn(async move {
                loop {
                    let change = tokio::select! {
                        change = inner.next() => change,
                        () = changes.closed() => None,
                        // The watch breaks with the connection.
                        _ = open.wait_for(|open| !open) => None,
                    };
                    let Some(change) = change else { return };
                    if let Change::Entry(entry) = &change {
                        told.count(entry);
                    }
                    if changes.try_send(change).is_err() {
                        return;
                    }
                }
            });
            Ok(Watch::new(watch))
        })
    }
}

struct CutObjects {
    objects: Arc<dyn Objects>,
    open: watch::Receiver<bool>,
}

impl Objects for CutObjects {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            self.objects.has(digest).await
        })
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            self.objects.put(digest, bytes).await
        })
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            self.objects.get(digest, bytes_max).await
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            self.objects.list().await
        })
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check(&self.open)?;
            self.objects.delete(digest, last).await
        })
    }
}
