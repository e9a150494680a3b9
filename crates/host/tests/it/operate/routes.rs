//! Routes of several applications: each is the first one's that took it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::application::Application;
use host::operate::OperateError;
use lattice::objects::{MemoryObjects, Objects, Stored};
use lattice::store::{MemoryBuckets, Revision, StoreError};
use model::digest::Digest;
use model::ids::AppName;

use super::lattice_world::{World, opened};

/// An application with one route.
fn routed(name: &str, route: &str) -> Application {
    opened(&format!(
        "manifest = 1\n[application]\nname = \"{name}\"\n[actors.counter]\n\
         component = \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n\
         [providers]\nkv = {{ use = \"keyvalue/memory\" }}\n[[routes]]\n{route}\nto = \"counter\"\n"
    ))
}

fn name(name: &str) -> AppName {
    name.parse().unwrap()
}

/// Who of the two has a version that runs something.
async fn running(world: &World) -> Vec<&'static str> {
    let mut running = Vec::new();
    for app in ["aaa", "zzz"] {
        let versions = world.operator.versions(&name(app)).await.unwrap_or_default();
        if versions.last().is_some_and(|last| last.document.is_some()) {
            running.push(app);
        }
    }
    running
}

#[tokio::test]
async fn what_another_application_has_is_refused() {
    for (first, second, free) in [
        ("path = \"/a/{x}\"", "path = \"/a/{y}\"", false),
        ("path = \"/a\"", "path = \"/a\"\nmethods = [\"GET\"]", false),
        ("path = \"/a\"\nmethods = [\"GET\"]", "path = \"/a\"\nmethods = [\"POST\"]", true),
        ("path = \"/a\"\nhost = \"one.example\"", "path = \"/a\"\nhost = \"two.example\"", true),
        ("path = \"/a\"\nhost = \"one.example\"", "path = \"/a\"\nhost = \"one.example\"", false),
        // The more specific one has its requests.
        ("path = \"/a/*\"", "path = \"/a/b\"", true),
    ] {
        let world = World::new();
        let (zzz, aaa) = (routed("zzz", first), routed("aaa", second));
        world.operator.up(&zzz, &mut |_| {}).await.unwrap();
        let previewed = world.operator.preview(&aaa).await.map(drop);
        let up = world.operator.up(&aaa, &mut |_| {}).await.map(drop);
        if free {
            previewed.unwrap();
            up.unwrap();
            continue;
        }
        for refused in [previewed, up] {
            let error = refused.unwrap_err();
            assert!(matches!(&error, OperateError::Routes { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("application aaa") && text.contains("`zzz` has"), "{text}");
        }
        assert_eq!(running(&world).await, ["zzz"], "{second}");
        // Its owner may deploy again, and gives it up by going down.
        assert!(!world.operator.up(&zzz, &mut |_| {}).await.unwrap().is_new);
        world.operator.down(&name("zzz")).await.unwrap();
        world.operator.up(&aaa, &mut |_| {}).await.unwrap();
        let back = world.operator.rollback(&name("zzz"), None).await.unwrap_err();
        assert!(matches!(&back, OperateError::Routes { .. }), "{back}");
        assert_eq!(running(&world).await, ["aaa"]);
    }
}

#[tokio::test]
async fn of_two_at_the_same_moment_one_gives_way() {
    let world = World::new();
    let (aaa, zzz) = (routed("aaa", "path = \"/a\""), routed("zzz", "path = \"/a\""));
    let (operator, other) = (&world.operator, world.other("operator.bob"));
    let (mut to_one, mut to_other) = (|_| {}, |_| {});
    let (one, two) = tokio::join!(operator.up(&aaa, &mut to_one), other.up(&zzz, &mut to_other));
    assert_ne!(one.is_ok(), two.is_ok(), "{one:?} {two:?}");
    let expected = if one.is_ok() { "aaa" } else { "zzz" };
    assert_eq!(running(&world).await, [expected]);
}

/// A store of bytes that counts how often any are read.
#[derive(Default)]
struct Counted {
    objects: MemoryObjects,
    reads: AtomicUsize,
}

impl Objects for Counted {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.objects.has(digest)
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        self.objects.put(digest, bytes)
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.objects.get(digest, bytes_max)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        self.objects.list()
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        self.objects.delete(digest, last)
    }
}

#[tokio::test]
async fn what_another_application_asks_for_is_read_once() {
    let mut reads = Vec::new();
    // Without routes there is nothing to compare, and no document of another is read for that.
    for application in [without_routes("aaa"), routed("aaa", "path = \"/a\"")] {
        let objects = Arc::new(Counted::default());
        let world = World::with(MemoryBuckets::open(), objects.clone());
        world.operator.up(&routed("zzz", "path = \"/z\""), &mut |_| {}).await.unwrap();
        let before = objects.reads.load(Ordering::Relaxed);
        world.operator.up(&application, &mut |_| {}).await.unwrap();
        reads.push(objects.reads.load(Ordering::Relaxed) - before);
    }
    assert_eq!(reads[1] - reads[0], 1, "{reads:?}");
}

fn without_routes(name: &str) -> Application {
    opened(&format!(
        "manifest = 1\n[application]\nname = \"{name}\"\n[actors.counter]\n\
         component = \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/memory\" }}\n"
    ))
}
