//! Bounds on reading a lattice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::limits::{
    COLLECT_TIME_MAX, OPERATE_POLL, OPERATE_READ_TIME_MAX, OPERATE_READS_MAX, OPERATE_ROOT_TRIES_MAX, OPERATE_SETTLE,
};
use host::operate::{OperateError, Waited};
use lattice::document::{Document as _, PointerKey, ROOT_KEY, Root, Shard, shard_key};
use lattice::objects::MemoryObjects;
use lattice::store::{Bucket, Buckets, Entry, KeyPage, MemoryBuckets, Revision, StoreError, Watch};
use model::digest::Digest;
use tokio::time::Instant;

use super::collecting::{aged, fill, old_age};
use super::lattice_world::{World, counter};

/// A bucket that counts what is asked of it, and answers late or never.
struct Slow {
    inner: Arc<dyn Bucket>,
    /// Reads of one key wait for another, so that as many as may be are under way.
    is_late: bool,
    watches_never: bool,
    history_never: bool,
    reading: AtomicUsize,
    reading_most: AtomicUsize,
    read: AtomicUsize,
    watched: AtomicUsize,
}

impl Slow {
    fn new(inner: Arc<dyn Bucket>) -> Self {
        Self {
            inner,
            is_late: false,
            watches_never: false,
            history_never: false,
            reading: AtomicUsize::new(0),
            reading_most: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            watched: AtomicUsize::new(0),
        }
    }
}

impl Bucket for Slow {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            self.read.fetch_add(1, Ordering::Relaxed);
            let reading = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
            self.reading_most.fetch_max(reading, Ordering::Relaxed);
            if self.is_late {
                tokio::time::sleep(OPERATE_POLL).await;
            }
            self.reading.fetch_sub(1, Ordering::Relaxed);
            self.inner.get(key).await
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        if self.history_never { Box::pin(std::future::pending()) } else { self.inner.history(key) }
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.inner.put(key, value)
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.inner.replace(key, value, expected)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.delete(key)
    }

    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.inner.keys(pattern)
    }

    fn page<'a>(
        &'a self,
        pattern: &'a str,
        after: Revision,
        most: usize,
    ) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        self.inner.page(pattern, after, most)
    }

    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.watched.fetch_add(1, Ordering::Relaxed);
        if self.watches_never { Box::pin(std::future::pending()) } else { self.inner.watch(pattern) }
    }
}

fn over(change: impl FnOnce(&mut Slow), which: fn(&mut Buckets) -> &mut Arc<dyn Bucket>) -> (World, Arc<Slow>) {
    let mut buckets = MemoryBuckets::open();
    let mut slow = Slow::new(which(&mut buckets).clone());
    change(&mut slow);
    let slow = Arc::new(slow);
    *which(&mut buckets) = slow.clone();
    (World::with(buckets, Arc::new(MemoryObjects::new())), slow)
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_does_not_answer_is_given_up() {
    let (world, _) = over(|slow| slow.watches_never = true, |buckets| &mut buckets.hosts);
    let start = Instant::now();
    let error = world.operator.status(None).await.unwrap_err();
    assert!(matches!(error, OperateError::Store(StoreError::Unavailable { .. })), "{error:?}");
    assert!(start.elapsed() >= OPERATE_READ_TIME_MAX && start.elapsed() < OPERATE_READ_TIME_MAX * 2);
}

#[tokio::test(start_paused = true)]
async fn unused_bytes_are_not_looked_for_for_ever() {
    let mut buckets = MemoryBuckets::open();
    buckets.intent = Arc::new(Slow { history_never: true, ..Slow::new(buckets.intent) });
    let (world, _, _) = aged(buckets, 1, old_age(), false);
    fill(&*world.objects, 1).await;
    let start = Instant::now();
    let deployed = world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!((deployed.collected, start.elapsed()), (0, COLLECT_TIME_MAX));
}

#[tokio::test(start_paused = true)]
async fn so_many_shards_are_read_at_once() {
    let (world, slow) = over(|slow| slow.is_late = true, |buckets| &mut buckets.blueprint);
    let mut root = Root { generation: 1, ..Root::default() };
    for bucket in 0..40 {
        let shard = Shard::Index { generation: u64::from(bucket), entries: Arc::default() };
        let (bytes, digest) = (shard.encode(), Digest::of(&shard.encode()));
        world.buckets.blueprint.put(&shard_key(digest), bytes).await.unwrap();
        root.buckets.insert(bucket, digest);
    }
    world.buckets.blueprint.put(ROOT_KEY, root.encode()).await.unwrap();
    assert_eq!(world.operator.status(None).await.unwrap().generation, 1);
    assert_eq!(slow.reading_most.load(Ordering::Relaxed), OPERATE_READS_MAX);
}

#[tokio::test]
async fn a_blueprint_whose_parts_are_missing_is_read_so_many_times() {
    let (world, slow) = over(|_| {}, |buckets| &mut buckets.blueprint);
    let buckets = [(PointerKey::App("counter".parse().unwrap()).bucket(), Digest::of(b"gone"))].into();
    let root = Root { generation: 1, buckets };
    world.buckets.blueprint.put(ROOT_KEY, root.encode()).await.unwrap();
    let error = world.operator.status(None).await.unwrap_err();
    assert!(matches!(error, OperateError::Store(StoreError::Unavailable { .. })), "{error:?}");
    assert_eq!(slow.read.load(Ordering::Relaxed), 2 * OPERATE_ROOT_TRIES_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_looked_at_so_often_while_it_is_waited_for() {
    let (world, slow) = over(|_| {}, |buckets| &mut buckets.hosts);
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    let name = application.manifest().application.clone();
    let deadline = Instant::now() + OPERATE_POLL * 10 - OPERATE_POLL / 2;
    world.operator.wait(&name, 1, deadline.into_std(), &mut |_| {}).await.unwrap();
    assert_eq!(slow.watched.load(Ordering::Relaxed), 11);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_done_once_all_hosts_have_heard_of_it() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let name = application.manifest().application.clone();
    for (patience, least) in [(OPERATE_SETTLE * 10, OPERATE_SETTLE), (OPERATE_SETTLE / 10, OPERATE_SETTLE / 10)] {
        // The lease of a host that does nothing would lapse.
        world.live("h1").await;
        let start = Instant::now();
        let waited = world.operator.wait(&name, 1, (start + patience).into_std(), &mut |_| {}).await.unwrap();
        assert!(matches!(waited, Waited::Done(_)), "{waited:?}");
        assert!(start.elapsed() >= least && start.elapsed() < least + OPERATE_POLL * 2, "{:?}", start.elapsed());
    }
}
