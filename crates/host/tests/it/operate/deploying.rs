//! Versions go up, down and back.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::application::Application;
use host::operate::{OperateError, Operator, Progress};
use lattice::document::{Document as _, IntentHead, UnixMillis};
use lattice::objects::MemoryObjects;
use lattice::store::{Bucket, Buckets, Entry, KeyPage, MemoryBuckets, Revision, StoreError, Watch};

use super::lattice_world::{World, app, counter, opened};

#[tokio::test]
async fn only_what_is_missing_is_sent_and_the_same_makes_no_version() {
    let world = World::new();
    let application = counter("", "keyvalue/embedded");
    let mut told = Vec::new();
    let first = world.operator.up(&application, &mut |step| told.push(step)).await.unwrap();
    assert_eq!((first.version, first.is_new, first.present_bytes), (1, true, 0));
    let Progress::Uploading { what, bytes } = &told[0];
    assert_eq!((what.as_str(), told.len()), ("actor counter", 2));
    assert!(*bytes > 1000 && first.uploaded_bytes > *bytes);

    let same = world.operator.up(&application, &mut |step| panic!("{step:?}")).await.unwrap();
    assert_eq!((same.version, same.is_new, same.uploaded_bytes), (1, false, 0));
    assert_eq!(same.present_bytes, first.uploaded_bytes);

    let more = counter("place = { replicas = 1 }", "keyvalue/embedded");
    let second = world.operator.up(&more, &mut |_| {}).await.unwrap();
    assert_eq!((second.version, second.is_new), (2, true));
    assert!(second.uploaded_bytes < *bytes, "the component was there: {second:?}");
}

#[tokio::test]
async fn bytes_that_vanished_are_sent_again() {
    let world = World::new();
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    let component = *application.intent().components.values().map(|view| &view.digest).next().unwrap();
    world.objects.delete(component, Revision(u64::MAX)).await.unwrap();
    let again = world.operator.up(&application, &mut |_| {}).await.unwrap();
    assert!(!again.is_new && world.objects.has(component).await.unwrap());
}

#[tokio::test]
async fn an_application_that_cannot_be_planned_changes_nothing() {
    let world = World::new();
    let application = counter("place = { replicas = 3 }", "keyvalue/embedded");
    let error = world.operator.up(&application, &mut |_| {}).await.unwrap_err();
    assert!(matches!(&error, OperateError::Unplannable { problems, .. } if problems.len() == 1), "{error:?}");
    assert!(world.objects.list().await.unwrap().is_empty());
    assert!(world.operator.versions(&app()).await.is_err());
}

/// A folder is one machine's: nobody may be given it wherever the actor happens to run.
#[tokio::test]
async fn a_folder_is_refused_where_nothing_says_who_has_it() {
    let world = World::new();
    let application = counter("grants = { folders = [\"/srv/data::/data:rw\"] }", "keyvalue/embedded");
    let error = world.operator.up(&application, &mut |_| {}).await.unwrap_err();
    assert!(matches!(&error, OperateError::Folder { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "actor counter of application counter may use the folder /srv/data::/data:rw, which is one machine's; say in its \
         `place.on` which hosts have it"
    );
    assert!(world.objects.list().await.unwrap().is_empty());
    let place = "grants = { folders = [\"/srv/data::/data:rw\"] }\nplace = { on = { disk = \"big\" } }";
    let placed = world.operator.up(&counter(place, "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!(placed.version, 1);
}

#[tokio::test]
async fn down_is_a_version_and_going_back_brings_it_up_again() {
    let world = World::new();
    let (one, two) = (counter("", "keyvalue/embedded"), counter("", "keyvalue/memory"));
    world.operator.up(&one, &mut |_| {}).await.unwrap();
    world.operator.up(&two, &mut |_| {}).await.unwrap();
    let down = world.other("operator.bob").down(&app()).await.unwrap();
    assert_eq!((down.version, down.is_new), (3, true));
    let again = world.operator.down(&app()).await.unwrap();
    assert_eq!((again.version, again.is_new), (3, false));

    let back = world.operator.rollback(&app(), None).await.unwrap();
    assert_eq!((back.version, back.restored), (4, Some(2)));
    let back = world.operator.rollback(&app(), None).await.unwrap();
    assert_eq!((back.version, back.restored), (5, Some(1)));
    let back = world.operator.rollback(&app(), Some(1)).await.unwrap();
    assert_eq!((back.version, back.is_new), (5, false));

    let versions = world.operator.versions(&app()).await.unwrap();
    let told: Vec<(u64, &str, bool)> =
        versions.iter().map(|version| (version.version, version.by.as_str(), version.document.is_some())).collect();
    let alice = "operator.alice";
    assert_eq!(
        told,
        [(1, alice, true), (2, alice, true), (3, "operator.bob", false), (4, alice, true), (5, alice, true)]
    );
    assert_eq!(versions[0].document, versions[4].document);
    // What stands can be deployed again without a version.
    assert!(!world.operator.up(&one, &mut |_| {}).await.unwrap().is_new);
}

#[tokio::test]
async fn what_cannot_be_gone_back_to_is_told() {
    let world = World::new();
    let message = |error: OperateError| error.to_string();
    assert_eq!(
        message(world.operator.rollback(&app(), None).await.unwrap_err()),
        "the lattice has no application counter; there are none"
    );
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    assert_eq!(
        message(world.operator.down(&"shop".parse().unwrap()).await.unwrap_err()),
        "the lattice has no application shop; it has counter"
    );
    assert_eq!(
        message(world.operator.rollback(&app(), None).await.unwrap_err()),
        "application counter has no earlier version to go back to"
    );
    world.operator.down(&app()).await.unwrap();
    for version in [2, 9] {
        assert_eq!(
            message(world.operator.rollback(&app(), Some(version)).await.unwrap_err()),
            format!("application counter has no version {version} to go back to; there are 1")
        );
    }
    let component = *application.intent().components.values().map(|view| &view.digest).next().unwrap();
    world.objects.delete(component, Revision(u64::MAX)).await.unwrap();
    let gone = message(world.operator.rollback(&app(), Some(1)).await.unwrap_err());
    assert!(gone.contains(&format!("{component} of version 1 of counter is not in the lattice any more")), "{gone}");
}

#[tokio::test]
async fn history_reaches_as_far_as_the_bucket_keeps_it() {
    let world = World::new();
    let (one, two) = (counter("", "keyvalue/embedded"), counter("", "keyvalue/memory"));
    world.operator.up(&one, &mut |_| {}).await.unwrap();
    for _ in 0..40 {
        world.operator.up(&two, &mut |_| {}).await.unwrap();
        world.operator.up(&one, &mut |_| {}).await.unwrap();
    }
    let versions = world.operator.versions(&app()).await.unwrap();
    assert_eq!((versions.len(), versions[0].version, versions[63].version), (64, 18, 81));
    assert!(world.operator.rollback(&app(), Some(17)).await.is_err());
    world.operator.rollback(&app(), Some(18)).await.unwrap();
}

#[tokio::test]
async fn a_damaged_version_can_be_replaced() {
    let world = World::new();
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    let bogus = Bytes::from_static(b"not a document");
    let digest = model::digest::Digest::of(&bogus);
    world.objects.put(digest, bogus).await.unwrap();
    let by = "operator.bob".parse().unwrap();
    let head = IntentHead { version: 2, document: Some(digest), share: None, by, at: UnixMillis(1) };
    world.buckets.intent.put("counter", head.encode()).await.unwrap();
    let error = world.operator.rollback(&app(), Some(2)).await.unwrap_err();
    assert!(matches!(error, OperateError::Damaged { .. }), "{error:?}");
    assert_eq!(world.operator.up(&application, &mut |_| {}).await.unwrap().version, 3);
}

/// A bucket on which somebody else writes at the worst moment.
struct Raced {
    inner: Arc<dyn Bucket>,
    /// What the other writes, once.
    other: Mutex<Option<Bytes>>,
    /// The answer to a write is lost, once.
    deaf: Mutex<bool>,
}

impl Bucket for Raced {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.inner.get(key)
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.inner.history(key)
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
        Box::pin(async move {
            let other = self.other.lock().unwrap().take();
            if let Some(other) = other {
                self.inner.put(key, other).await?;
            }
            let result = self.inner.replace(key, value, expected).await;
            if std::mem::take(&mut *self.deaf.lock().unwrap()) {
                // The store tries again by itself, and finds its own write.
                return Err(StoreError::Conflict { bucket: "intent".to_owned(), key: key.to_owned() });
            }
            result
        })
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
        self.inner.watch(pattern)
    }
}

fn raced(other: Option<Bytes>, deaf: bool) -> Operator {
    let buckets = MemoryBuckets::open();
    let intent = Raced { inner: buckets.intent.clone(), other: Mutex::new(other), deaf: Mutex::new(deaf) };
    let buckets = Buckets { intent: Arc::new(intent), ..buckets };
    World::with(buckets, Arc::new(MemoryObjects::new())).operator
}

#[tokio::test]
async fn of_two_who_deploy_at_once_one_is_told_that_it_lost() {
    let head = IntentHead {
        version: 7,
        document: None,
        share: None,
        by: "deployer.carol".parse().unwrap(),
        at: UnixMillis(1),
    };
    let operator = raced(Some(head.encode()), false);
    let application = counter("", "keyvalue/embedded");
    let error = operator.up(&application, &mut |_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "deployer.carol wrote version 7 of counter at the same moment; look at it, and try again"
    );
    assert_eq!(operator.up(&application, &mut |_| {}).await.unwrap().version, 8);
}

#[tokio::test]
async fn ones_own_write_whose_answer_was_lost_is_no_loss() {
    let operator = raced(None, true);
    assert_eq!(operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap().version, 1);
}

#[tokio::test]
async fn hand_written_adapters_are_part_of_a_version() {
    let world = World::new();
    let folder = "{root}/examples/json-adapters/target/wasm32-wasip2/release";
    let manifest = format!(
        "manifest = 1\n[application]\nname = \"counter\"\n[actors.counter]\n\
         component = \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"answer\" }}\n\
         [actors.answer]\ncomponent = \"{folder}/json_counter_answer.wasm\"\n\
         [adapters.\"lath:keyvalue/counter\"]\nsender = \"{folder}/json_counter_sender.wasm\"\n\
         receiver = \"{folder}/json_counter_receiver.wasm\"\n"
    );
    world.operator.up(&opened(&manifest), &mut |_| {}).await.unwrap();
    assert_eq!(world.objects.list().await.unwrap().len(), 5);
    let view = world.operator.view(None).await.unwrap();
    assert!(view.derived[&app()].is_ok(), "{:?}", view.derived);
}

#[tokio::test]
async fn a_version_that_is_damaged_is_followed_like_any_other() {
    let (one, two) = (counter("", "keyvalue/embedded"), counter("", "keyvalue/memory"));
    let damaged = async || {
        let world = World::new();
        world.operator.up(&one, &mut |_| {}).await.unwrap();
        world.buckets.intent.put("counter", "{".into()).await.unwrap();
        world
    };
    // The damaged one may have been version 2.
    let world = damaged().await;
    let up = world.operator.up(&two, &mut |_| {}).await.unwrap();
    assert_eq!((up.version, up.is_new), (3, true));
    let world = damaged().await;
    let up = world.operator.up(&one, &mut |_| {}).await.unwrap();
    assert_eq!((up.version, up.is_new), (3, true), "nobody can run what is damaged, so the same is new");
    let world = damaged().await;
    let down = world.operator.down(&app()).await.unwrap();
    assert_eq!((down.version, down.is_new), (3, true));
    let world = damaged().await;
    let back = world.operator.rollback(&app(), None).await.unwrap();
    assert_eq!((back.version, back.restored), (3, Some(1)));
    // What a newer lath wrote is not damaged.
    let head = world.buckets.intent.get("counter").await.unwrap().unwrap().value.unwrap();
    let newer = String::from_utf8(head.to_vec()).unwrap().replacen("\"format\":1", "\"format\":99", 1);
    world.buckets.intent.put("counter", newer.into()).await.unwrap();
    for refused in [
        world.operator.up(&one, &mut |_| {}).await,
        world.operator.down(&app()).await,
        world.operator.rollback(&app(), None).await,
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(&error, OperateError::Damaged { reason, .. } if reason.contains("update this one")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_environment_is_merged_into_what_is_deployed() {
    let world = World::new();
    let text =
        format!("{}[env.prod.providers]\nkv = {{ use = \"keyvalue/nats\" }}\n", counter("", "keyvalue/memory").text());
    let folder = testkit::application::folder(&text).unwrap();
    let up = async |env: Option<&str>| {
        let env = env.map(|env| env.parse().unwrap());
        let application = Application::open_in(env.as_ref(), folder.path(), &mut |_| {}).unwrap();
        world.operator.up(&application, &mut |_| {}).await.unwrap().version
    };
    assert_eq!((up(None).await, up(Some("prod")).await, up(Some("prod")).await), (1, 2, 2));
    let derived = world.operator.view(None).await.unwrap().derived;
    let providers = &derived[&app()].as_ref().unwrap().blueprint.providers;
    assert_eq!(providers[&"kv".parse().unwrap()].kind, "keyvalue/nats");
}
