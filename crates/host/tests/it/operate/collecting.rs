//! Unused bytes go, and no others.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::limits::{COLLECT_AGE_MIN, COLLECT_DOCUMENTS_MAX, COLLECT_PIECES_MAX};
use lattice::document::{Document as _, IntentHead, UnixMillis};
use lattice::limits::INTENT_HISTORY;
use lattice::objects::{MemoryObjects, Objects, Stored};
use lattice::store::{Buckets, MemoryBuckets, Revision, StoreError};
use model::digest::Digest;

use super::lattice_world::{World, app, counter};

/// A store in which everything there is at first is older than the rest.
pub(super) struct Aged {
    inner: MemoryObjects,
    old: std::sync::Mutex<Vec<Digest>>,
    age: u64,
    /// Who may not delete.
    refuses: bool,
}

impl Objects for Aged {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.has(digest)
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put(digest, bytes)
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        self.inner.get(digest, bytes_max)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let all = self.inner.list().await?;
            let old = self.old.lock().unwrap();
            let at = |digest| if old.contains(&digest) { 1_000 } else { 1_000 + self.age };
            Ok(all.into_iter().map(|stored| Stored { at: at(stored.digest), ..stored }).collect())
        })
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        if self.refuses {
            let (bucket, key) = ("bytes".to_owned(), digest.to_string());
            return Box::pin(async { Err(StoreError::Refused { bucket, key, reason: "no permission".to_owned() }) });
        }
        self.inner.delete(digest, last)
    }
}

fn world(old: usize, age: u64, refuses: bool) -> (World, Arc<Aged>, Vec<Digest>) {
    aged(MemoryBuckets::open(), old, age, refuses)
}

/// A lattice, its store of bytes, and the digests of what will be old in it.
pub(super) fn aged(buckets: Buckets, old: usize, age: u64, refuses: bool) -> (World, Arc<Aged>, Vec<Digest>) {
    let junk: Vec<Bytes> = (0..old).map(|number| Bytes::from(format!("junk {number}"))).collect();
    let digests: Vec<Digest> = junk.iter().map(|bytes| Digest::of(bytes)).collect();
    let aged =
        Arc::new(Aged { inner: MemoryObjects::new(), old: std::sync::Mutex::new(digests.clone()), age, refuses });
    (World::with(buckets, aged.clone()), aged, digests)
}

pub(super) async fn fill(objects: &dyn Objects, count: usize) {
    for number in 0..count {
        let bytes = Bytes::from(format!("junk {number}"));
        objects.put(Digest::of(&bytes), bytes).await.unwrap();
    }
}

pub(super) fn old_age() -> u64 {
    u64::try_from(COLLECT_AGE_MIN.as_millis()).unwrap() + 1
}

#[tokio::test]
async fn what_no_kept_version_needs_goes_when_it_is_old() {
    for (age, expected) in [(old_age(), 3), (old_age() - 1, 0)] {
        let (world, aged, junk) = world(3, age, false);
        fill(&*world.objects, 3).await;
        let deployed = world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
        assert_eq!(deployed.collected, expected);
        let left = aged.inner.list().await.unwrap();
        assert_eq!(left.iter().filter(|stored| junk.contains(&stored.digest)).count(), 3 - expected);
        assert_eq!(left.len(), 2 + 3 - expected);
    }
}

#[tokio::test]
async fn what_any_kept_version_needs_stays() {
    let (world, aged, _) = world(0, old_age(), false);
    let (one, two) = (counter("", "keyvalue/embedded"), counter("", "keyvalue/memory"));
    world.operator.up(&one, &mut |_| {}).await.unwrap();
    world.operator.up(&two, &mut |_| {}).await.unwrap();
    *aged.old.lock().unwrap() = aged.inner.list().await.unwrap().into_iter().map(|stored| stored.digest).collect();
    // Something young, by which the others are old.
    world.objects.put(Digest::of(b"young"), Bytes::from_static(b"young")).await.unwrap();
    assert_eq!(world.operator.down(&app()).await.unwrap().collected, 0);
    world.operator.rollback(&app(), Some(1)).await.unwrap();
    // Once its key is gone, so is what it needed.
    world.buckets.intent.delete("counter").await.unwrap();
    assert_eq!(world.operator.collect().await.unwrap(), 3);
}

/// So many versions were refused one after the other that the one in their place is kept no more.
#[tokio::test]
async fn what_runs_stays_however_old_it_is() {
    let (mut world, aged, _) = world(0, old_age(), false);
    world.join("h1", &[]).await;
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let placement = world.plan().await;
    world.operator.up(&counter("", "keyvalue/memory"), &mut |_| {}).await.unwrap();
    let last = world.operator.versions(&app()).await.unwrap().pop().unwrap();
    for version in 3..3 + INTENT_HISTORY as u64 {
        let (document, by, at) = (last.document, last.by.clone(), last.at);
        let head = IntentHead { version, document, share: None, by, at };
        world.buckets.intent.put("counter", head.encode()).await.unwrap();
    }
    *aged.old.lock().unwrap() = aged.inner.list().await.unwrap().into_iter().map(|stored| stored.digest).collect();
    world.objects.put(Digest::of(b"young"), Bytes::from_static(b"young")).await.unwrap();
    let runs = placement.applications[&app()].intent;
    assert!(world.operator.versions(&app()).await.unwrap().iter().all(|version| version.document != Some(runs)));
    assert_eq!(world.operator.collect().await.unwrap(), 0);
    assert!(world.objects.has(runs).await.unwrap());
}

#[tokio::test]
async fn one_look_removes_so_many_at_most() {
    let (world, _, _) = world(COLLECT_PIECES_MAX + 5, old_age(), false);
    fill(&*world.objects, COLLECT_PIECES_MAX + 5).await;
    world.objects.put(Digest::of(b"young"), Bytes::from_static(b"young")).await.unwrap();
    assert_eq!(world.operator.collect().await.unwrap(), COLLECT_PIECES_MAX);
    assert_eq!(world.operator.collect().await.unwrap(), 5);
}

#[tokio::test]
async fn who_may_not_remove_bytes_deploys_all_the_same() {
    let (world, _, _) = world(3, old_age(), true);
    fill(&*world.objects, 3).await;
    let deployed = world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!((deployed.version, deployed.collected), (1, 0));
    // Who knows that they may not does not try.
    let deployer = world.operator.clone().without_collecting();
    assert_eq!(deployer.down(&app()).await.unwrap().collected, 0);
}

#[tokio::test]
async fn nothing_goes_while_a_version_cannot_be_understood() {
    let (world, aged, _) = world(3, old_age(), false);
    fill(&*world.objects, 3).await;
    world.buckets.intent.put("strange", Bytes::from_static(b"{}")).await.unwrap();
    let deployed = world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!((deployed.collected, aged.inner.list().await.unwrap().len()), (0, 5));
}

#[tokio::test]
async fn a_lattice_with_too_many_versions_keeps_everything() {
    let (world, _, _) = world(1, old_age(), false);
    fill(&*world.objects, 1).await;
    world.objects.put(Digest::of(b"young"), Bytes::from_static(b"young")).await.unwrap();
    for number in 0..=COLLECT_DOCUMENTS_MAX as u64 {
        let (application, version) = (number / 64, number % 64 + 1);
        let head = IntentHead {
            version,
            document: Some(Digest::of(&number.to_le_bytes())),
            share: None,
            by: "operator.alice".parse().unwrap(),
            at: UnixMillis(1),
        };
        world.buckets.intent.put(&format!("a{application}"), head.encode()).await.unwrap();
    }
    assert_eq!(world.operator.collect().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_deployed_while_unused_bytes_are_looked_for_stays() {
    let (world, aged, _) = world(0, old_age(), false);
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    world.buckets.intent.delete("counter").await.unwrap();
    *aged.old.lock().unwrap() = aged.inner.list().await.unwrap().into_iter().map(|stored| stored.digest).collect();
    world.objects.put(Digest::of(b"young"), Bytes::from_static(b"young")).await.unwrap();
    // What was listed is unused, and is stored again before it is removed.
    let listed = world.objects.list().await.unwrap();
    world.operator.clone().without_collecting().up(&application, &mut |_| {}).await.unwrap();
    for stored in &listed {
        world.objects.delete(stored.digest, stored.revision).await.unwrap();
    }
    world.operator.rollback(&app(), Some(1)).await.unwrap();
    assert_eq!(aged.inner.list().await.unwrap().len(), 2);
}
