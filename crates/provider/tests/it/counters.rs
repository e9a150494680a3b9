//! Both stores count alike.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use model::failure::{Failure, Progress, RpcError};
use provider::limits::{KEY_LEN_MAX, MEMORY_KEYS_DEFAULT, QUEUE_MAX};
use provider::{ConfigValue, Provider};
use tempfile::TempDir;

use crate::client::{Counted, increment, increment_before, open, text};

/// Every way to keep counters.
fn stores(keys_max: i64) -> Vec<(Arc<dyn Provider>, TempDir)> {
    let keys = ("max-keys", ConfigValue::Integer(keys_max));
    let folder = || tempfile::tempdir().unwrap();
    let open_in = |use_: &str, entries: &[(&str, ConfigValue)]| {
        let folder = folder();
        (open(use_, entries, folder.path()), folder)
    };
    vec![
        open_in("keyvalue/memory", std::slice::from_ref(&keys)),
        open_in("keyvalue/embedded", std::slice::from_ref(&keys)),
        open_in("keyvalue/embedded", &[keys.clone(), ("durability", text("interval"))]),
    ]
}

fn message(counted: Counted) -> String {
    counted.unwrap().unwrap_err().to_string()
}

#[tokio::test]
async fn counters_start_at_zero_and_are_apart() {
    for (store, _folder) in stores(10) {
        assert_eq!(increment(&*store, "a", 3).await, Ok(Ok(3)));
        assert_eq!(increment(&*store, "a", -5).await, Ok(Ok(-2)));
        assert_eq!(increment(&*store, "b", 0).await, Ok(Ok(0)));
        assert_eq!(increment(&*store, "", 1).await, Ok(Ok(1)));
        assert_eq!(increment(&*store, "☃", 7).await, Ok(Ok(7)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_increments_are_all_counted_once() {
    const TASKS: usize = 8;
    const EACH: usize = 200;
    for (store, _folder) in stores(10) {
        let tasks = (0..TASKS).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..EACH {
                    seen.push(increment(&*store, "k", 1).await.unwrap().unwrap());
                }
                seen
            })
        });
        let mut seen: Vec<i32> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=i32::try_from(TASKS * EACH).unwrap()).collect::<Vec<_>>(), "each sum is seen once");
    }
}

#[tokio::test]
async fn a_sum_beyond_32_bits_changes_nothing() {
    for (store, _folder) in stores(10) {
        increment(&*store, "k", i32::MAX).await.unwrap().unwrap();
        let refused = message(increment(&*store, "k", 1).await);
        assert_eq!(
            refused,
            "invalid-parameter: counter `k` is 2147483647: adding 1 goes beyond 32 bits, nothing was changed"
        );
        assert_eq!(increment(&*store, "k", -1).await, Ok(Ok(i32::MAX - 1)));
        increment(&*store, "l", i32::MIN).await.unwrap().unwrap();
        assert!(message(increment(&*store, "l", -1).await).starts_with("invalid-parameter: "));
        assert_eq!(increment(&*store, "l", 0).await, Ok(Ok(i32::MIN)));
    }
}

#[tokio::test]
async fn keys_and_their_number_are_bounded() {
    for (store, _folder) in stores(2) {
        assert_eq!(increment(&*store, &"x".repeat(KEY_LEN_MAX), 1).await, Ok(Ok(1)));
        let refused = message(increment(&*store, &"x".repeat(KEY_LEN_MAX + 1), 1).await);
        assert_eq!(refused, "invalid-parameter: the key has 1025 bytes, a store takes 1024 at most");
        assert_eq!(increment(&*store, "second", 1).await, Ok(Ok(1)));
        let refused = message(increment(&*store, "third", 1).await);
        assert_eq!(refused, "host-error: the store is full: it holds 2 keys; raise `max-keys` of the provider");
        assert_eq!(increment(&*store, "second", 1).await, Ok(Ok(2)), "a full store still counts");
    }
}

#[tokio::test]
async fn memory_is_bounded_without_configuration() {
    let store = open("keyvalue/memory", &[], std::path::Path::new("unused"));
    for number in 0..MEMORY_KEYS_DEFAULT {
        increment(&*store, &number.to_string(), 1).await.unwrap().unwrap();
    }
    assert!(message(increment(&*store, "one more", 1).await).starts_with("host-error: the store is full"));
}

#[tokio::test]
async fn a_change_after_its_deadline_is_not_made() {
    for (store, _folder) in stores(10).into_iter().skip(1) {
        let failure = increment_before(&*store, "k", 1, Instant::now()).await.unwrap_err();
        assert_eq!(failure.error.parts().0, "deadline-exceeded");
        assert_eq!(increment(&*store, "k", 1).await, Ok(Ok(1)));
    }
}

#[tokio::test]
async fn a_full_queue_refuses_what_it_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let store = open("keyvalue/embedded", &[("max-keys", ConfigValue::Integer(1_000_000_000))], folder.path());
    let deadline = Instant::now() + Duration::from_secs(60);
    let busy = "store `kv` is busy: 4096 changes wait; try again".to_owned();
    let mut round = 0;
    loop {
        // Long keys, each a new one, cost the writer far more than the task that polls all changes in one go.
        let key = |number| format!("{round}-{number}-{}", "k".repeat(KEY_LEN_MAX - 20));
        let answers = join_all((0..QUEUE_MAX * 4).map(|number| {
            let (store, key) = (&store, key(number));
            async move { increment_before(&**store, &key, 1, deadline).await }
        }))
        .await;
        if let Some((number, refused)) = answers.iter().enumerate().find(|(_, answer)| answer.is_err()) {
            assert_eq!(*refused, Err(Failure::not_started(RpcError::HostError(busy))));
            assert_eq!(increment_before(&*store, &key(number), 0, deadline).await, Ok(Ok(0)), "it was not counted");
            break;
        }
        assert!(Instant::now() < deadline, "the queue was never full");
        round += 1;
    }
}

#[tokio::test]
async fn a_drained_store_refuses_and_keeps_what_it_had() {
    for durability in ["commit", "interval"] {
        let folder = tempfile::tempdir().unwrap();
        let entries = [("durability", text(durability))];
        let store = open("keyvalue/embedded", &entries, folder.path());
        increment(&*store, "k", 5).await.unwrap().unwrap();
        store.drain().await;
        let failure = increment(&*store, "k", 1).await.unwrap_err();
        assert_eq!(failure.progress, Progress::NotStarted);
        assert_eq!(failure.to_string(), "host-error: store `kv` has stopped");
        let again = open("keyvalue/embedded", &entries, folder.path());
        assert_eq!(increment(&*again, "k", 0).await, Ok(Ok(5)));
    }
}
