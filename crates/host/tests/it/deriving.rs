//! How many documents a host derives at once, and how many it remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::control::Report;
use host::limits::{DERIVED_MAX, DERIVING_MAX};
use host::node::NodeNews;
use lattice::document::{Document as _, IntentDocument, IntentHead};
use lattice::limits::INTENT_BYTES_MAX;
use lattice::objects::{Objects, Stored};
use lattice::store::{Revision, StoreError};
use model::digest::Digest;
use testkit::lattice::Lattice;
use tokio::sync::Semaphore;

/// A store of bytes that counts who reads documents, and lets them wait.
struct Counting {
    objects: Arc<dyn Objects>,
    reading: AtomicUsize,
    most: AtomicUsize,
    read: Mutex<BTreeMap<Digest, usize>>,
    gate: Semaphore,
}

impl Counting {
    fn reads(&self) -> usize {
        self.read.lock().unwrap().values().sum()
    }
}

struct Seen(Arc<Counting>);

impl Objects for Seen {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.0.objects.has(digest)
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.objects.put(digest, bytes)
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            if bytes_max != INTENT_BYTES_MAX as u64 {
                return self.0.objects.get(digest, bytes_max).await;
            }
            let reading = self.0.reading.fetch_add(1, Ordering::Relaxed) + 1;
            self.0.most.fetch_max(reading, Ordering::Relaxed);
            drop(self.0.gate.acquire().await.unwrap());
            let bytes = self.0.objects.get(digest, bytes_max).await;
            *self.0.read.lock().unwrap().entry(digest).or_default() += 1;
            self.0.reading.fetch_sub(1, Ordering::Relaxed);
            bytes
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        self.0.objects.list()
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.objects.delete(digest, last)
    }
}

/// A lattice whose hosts derive documents while `open`.
fn lattice(open: bool) -> (Lattice, Arc<Counting>) {
    let mut counting = None;
    let lattice = Lattice::seen_through(|objects| {
        let (reading, most) = Default::default();
        let gate = Semaphore::new(usize::from(open));
        let count = Arc::new(Counting { objects, reading, most, read: Mutex::default(), gate });
        counting = Some(Arc::clone(&count));
        Arc::new(Seen(count))
    });
    (lattice, counting.unwrap())
}

/// Something that is placed.
const OTHER: &str = r#"
[application]
name = "other"
[actors.counter]
component = "{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm"
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/nats" }
[[routes]]
path = "/*"
to = "counter"
"#;

/// A document that no application is.
const MANIFEST: &str = "manifest = 1\n[application]\nname = \"empty\"\n";

/// Asks for `count` applications, each with a document of its own.
async fn ask(lattice: &Lattice, count: usize, version: u64) {
    for number in 0..count {
        let (components, adapters, written_by) = (BTreeMap::new(), BTreeMap::new(), format!("test {number}"));
        let bytes = IntentDocument {
            manifest: MANIFEST.to_owned(),
            components,
            adapters,
            patched: BTreeSet::new(),
            wires: model::wire::Wires::default(),
            substitutes: Vec::new(),
            written_by,
        }
        .encode();
        let digest = Digest::of(&bytes);
        lattice.objects().put(digest, bytes).await.unwrap();
        let by = "operator.test".parse().unwrap();
        let head =
            IntentHead { version, document: Some(digest), share: None, by, at: lattice::document::UnixMillis(0) };
        lattice.buckets().intent.put(&format!("app{number}"), head.encode()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn few_documents_are_derived_at_once() {
    let (mut lattice, counting) = lattice(false);
    lattice.join("a", |_| {}).await.unwrap();
    let count = DERIVING_MAX * 5;
    ask(&lattice, count, 1).await;
    let reading = || counting.reading.load(Ordering::Relaxed);
    lattice.until("some are being derived", |_| reading() == DERIVING_MAX).await.unwrap();
    counting.gate.add_permits(1);
    lattice.until("all are derived", |_| counting.reads() == count).await.unwrap();
    assert_eq!(counting.most.load(Ordering::Relaxed), DERIVING_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_derived_is_remembered_up_to_a_bound() {
    for (count, all) in [(DERIVED_MAX - 8, true), (DERIVED_MAX + 40, false)] {
        let (mut lattice, counting) = lattice(true);
        lattice.join("a", |_| {}).await.unwrap();
        // None of them can be placed, and each time that one is asked for anew this is told.
        let told = |lattice: &Lattice| {
            let is_told = |news: &&NodeNews| matches!(news, NodeNews::Report(Report::Underivable { .. }));
            lattice.host("a").unwrap().news().iter().filter(is_told).count()
        };
        ask(&lattice, count, 1).await;
        lattice.until("all are told", |lattice| told(lattice) == count).await.unwrap();
        assert_eq!(counting.reads(), count);
        for number in 0..count {
            lattice.buckets().intent.delete(&format!("app{number}")).await.unwrap();
        }
        let version = lattice.up_text(OTHER).await.unwrap();
        lattice.running("other", version, 1).await.unwrap();
        let reads = counting.reads();
        ask(&lattice, count, 3).await;
        lattice.until("all are told again", |lattice| told(lattice) == 2 * count).await.unwrap();
        assert_eq!(counting.reads() == reads, all, "{count}: {reads}, then {}", counting.reads());
    }
}
