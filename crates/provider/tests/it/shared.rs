//! Counters in the bucket that all hosts of a lattice share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation};
use futures_util::future::{BoxFuture, join_all};
use lattice::store::{Bucket, Entry, KeyPage, MemoryBuckets, Revision, StoreError, Watch};
use model::failure::Progress;
use provider::limits::{COUNTERS_REMEMBERED_MAX, KEY_LEN_MAX};
use provider::{Provider, Surroundings, kind};

use crate::client::{config, increment, increment_before, text, try_open_in};

fn open(state: &Arc<dyn Bucket>) -> Arc<dyn Provider> {
    let nowhere = std::path::Path::new("unused");
    try_open_in("keyvalue/nats", &[], nowhere, Some(state.clone())).unwrap()
}

fn open_named(state: &Arc<dyn Bucket>, bucket: &str) -> Arc<dyn Provider> {
    let nowhere = std::path::Path::new("unused");
    try_open_in("keyvalue/nats", &[("bucket", text(bucket))], nowhere, Some(state.clone())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_hosts_count_together() {
    const EACH: usize = 50;
    let state = MemoryBuckets::open().state;
    let tasks = (0..4).map(|_| {
        let store = open(&state);
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < EACH {
                match increment(&*store, "k", 1).await {
                    Ok(sum) => seen.push(sum.unwrap()),
                    // Too many others at once: nothing was changed.
                    Err(failure) => assert_eq!(failure.progress, Progress::NotStarted, "{failure}"),
                }
            }
            seen
        })
    });
    let mut seen: Vec<i32> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=i32::try_from(4 * EACH).unwrap()).collect::<Vec<_>>(), "each sum is seen once");
}

#[tokio::test]
async fn counters_are_apart_by_key_and_bucket() {
    let state = MemoryBuckets::open().state;
    let (own, shared, same) = (open(&state), open_named(&state, "all"), open_named(&state, "all"));
    for key in ["", "a", "a.b", "☃", "*", &"x".repeat(KEY_LEN_MAX)] {
        assert_eq!(increment(&*own, key, 3).await, Ok(Ok(3)));
        assert_eq!(increment(&*shared, key, 4).await, Ok(Ok(4)));
        assert_eq!(increment(&*same, key, -1).await, Ok(Ok(3)));
        assert_eq!(increment(&*own, key, 0).await, Ok(Ok(3)));
    }
}

#[tokio::test]
async fn what_would_be_wrong_changes_nothing() {
    let state = MemoryBuckets::open().state;
    let store = open(&state);
    increment(&*store, "k", i32::MAX).await.unwrap().unwrap();
    let refused = increment(&*store, "k", 1).await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("goes beyond 32 bits, nothing was changed"), "{refused}");
    assert_eq!(increment(&*store, "k", 0).await, Ok(Ok(i32::MAX)));
    let long = increment(&*store, &"x".repeat(KEY_LEN_MAX + 1), 1).await.unwrap().unwrap_err().to_string();
    assert!(long.starts_with("invalid-parameter: the key has 1025 bytes"), "{long}");
    let failure = increment_before(&*store, "k", -1, Instant::now()).await.unwrap_err();
    assert_eq!(failure.error.parts().0, "deadline-exceeded");
    state.put("app.kv.k78", Bytes::from_static(b"no number")).await.unwrap();
    let refused = increment(&*store, "x", 1).await.unwrap().unwrap_err().to_string();
    assert_eq!(refused, "invalid-parameter: the value of `x` is no number, nothing was changed");
}

#[tokio::test]
async fn more_counters_than_are_remembered_are_still_counted() {
    let state = MemoryBuckets::open().state;
    let store = open(&state);
    for round in 1..=2 {
        for number in 0..=COUNTERS_REMEMBERED_MAX {
            assert_eq!(increment(&*store, &number.to_string(), 1).await, Ok(Ok(round)));
        }
    }
}

/// A provider may be called like a store of a bucket that is called like its application.
#[tokio::test]
async fn counters_and_stores_never_meet() {
    let state = MemoryBuckets::open().state;
    let path = std::path::Path::new("unused");
    let open = |provider: &str, bucket: Option<&str>| {
        let (application, name) = ("shop".parse().unwrap(), provider.parse().unwrap());
        let surroundings =
            Surroundings { application: &application, name: &name, data: path, state: Some(state.clone()) };
        let entries: Vec<_> = bucket.map(|bucket| ("bucket", text(bucket))).into_iter().collect();
        kind("keyvalue/nats", &name).unwrap().open(&config(&entries), &surroundings).unwrap()
    };
    let shared = open("kv", Some("shop"));
    // The names of stores `a`, `a-`, and of none: `sea`, `s`, `s6` and `sa0`.
    for (provider, store, key) in [
        ("s61", "a", "shop.s61.c6b"),
        ("s612d", "a-", "shop.s612d.c6b"),
        ("sea", "a", "shop.sea.k6b"),
        ("s", "a", "shop.s.k6b"),
        ("s6", "a", "shop.s6.k6b"),
        ("sa0", "a", "shop.sa0.k6b"),
        ("kv", "a", "shop.kv.k6b"),
    ] {
        let own = open(provider, None);
        assert_eq!(increment(&*own, "k", 7).await, Ok(Ok(7)), "{provider}");
        assert!(state.get(key).await.unwrap().is_some(), "{provider}: {key}");
        let write = Operation::Write(vec![("k".to_owned(), Some(Bytes::from_static(b"theirs")))]);
        let deadline = Instant::now() + Duration::from_secs(60);
        assert_eq!(shared.keyvalue(store, write, deadline).await, Ok(Answer::Done));
        assert_eq!(increment(&*open(provider, None), "k", 0).await, Ok(Ok(7)), "{provider}: it was overwritten");
    }
}

/// A bucket that somebody else always writes first, or that does not answer.
pub(crate) struct Trouble(pub(crate) StoreError);

impl Trouble {
    fn fails<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, StoreError>> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

impl Bucket for Trouble {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn history<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.fails()
    }

    fn put<'a>(&'a self, _: &'a str, _: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.fails()
    }

    fn replace<'a>(&'a self, _: &'a str, _: Bytes, _: Option<Revision>) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.fails()
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.fails()
    }

    fn keys<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.fails()
    }

    fn page<'a>(&'a self, _: &'a str, _: Revision, _: usize) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        self.fails()
    }

    fn watch<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.fails()
    }
}

#[tokio::test]
async fn a_bucket_in_trouble_says_whether_the_change_may_have_been_made() {
    let (bucket, key) = ("state".to_owned(), "k".to_owned());
    let reason = "for a reason".to_owned();
    let rows = [
        (StoreError::Conflict { bucket: bucket.clone(), key: key.clone() }, "host-error", Progress::NotStarted),
        (StoreError::Unavailable { bucket: bucket.clone(), reason: reason.clone() }, "transport", Progress::Unknown),
        (StoreError::Refused { bucket, key, reason }, "host-error", Progress::NotStarted),
    ];
    for (error, case, progress) in rows {
        let store = open(&(Arc::new(Trouble(error.clone())) as Arc<dyn Bucket>));
        let failure = increment_before(&*store, "k", 1, Instant::now() + Duration::from_secs(60)).await.unwrap_err();
        assert_eq!((failure.error.parts().0, failure.progress), (case, progress), "{error}");
    }
}
