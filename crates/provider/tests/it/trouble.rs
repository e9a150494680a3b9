//! Stores in trouble: what fails in part, what ends while something runs, and how each tells of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, StoreError};
use lattice::connect::{ConnectSettings, Connection};
use lattice::store::{Bucket, StoreError as BucketError};
use provider::limits::{LOOK_INTERVAL, LOOK_TIME_MAX, PAGE_KEYS_MAX};
use provider::{Health, Provider};
use tokio::sync::Semaphore;

use crate::bucket::Obedient;
use crate::client::{increment, open, text, try_open_in};
use crate::shared::Trouble;

const AMPLE: Duration = Duration::from_secs(60);

fn set(keys: &[&str]) -> Operation {
    Operation::Write(keys.iter().map(|key| ((*key).to_owned(), Some(Bytes::from_static(b"v")))).collect())
}

async fn run(provider: &dyn Provider, operation: Operation) -> Result<Answer, StoreError> {
    provider.keyvalue("default", operation, Instant::now() + AMPLE).await
}

async fn exist(provider: &dyn Provider, keys: &[&str]) -> Vec<bool> {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    match run(provider, Operation::Read(keys)).await {
        Ok(Answer::Values(values)) => values.iter().map(Option::is_some).collect(),
        other => panic!("{other:?}"),
    }
}

/// Polls until a provider is as it should be.
async fn until(provider: &dyn Provider, what: &str, is_so: impl Fn(&Health) -> bool) -> Health {
    let give_up = Instant::now() + AMPLE;
    loop {
        let health = provider.health();
        if is_so(&health) {
            return health;
        }
        assert!(Instant::now() < give_up, "never {what}: {health:?}");
        tokio::task::yield_now().await;
    }
}

fn over(bucket: &Arc<Obedient>) -> Arc<dyn Provider> {
    let state: Arc<dyn Bucket> = bucket.clone();
    try_open_in("keyvalue/nats", &[], std::path::Path::new("unused"), Some(state)).unwrap()
}

#[tokio::test]
async fn a_batch_that_breaks_off_in_a_bucket_says_how_far_it_came() {
    let (bucket, key, reason) = ("state".to_owned(), "k".to_owned(), "for a reason".to_owned());
    let refused = BucketError::Refused { bucket: bucket.clone(), key, reason: reason.clone() };
    let silent = BucketError::Unavailable { bucket, reason };
    let refusal = "store `kv`: bucket `state` refuses `k`: for a reason";
    let silence = "store `kv`: bucket `state` does not answer: for a reason; check that the NATS servers are up and have a \
                   leader; the change may have been made";
    let rows = [
        (0, refused.clone(), format!("{refusal}; 0 of 3 changes were made before"), [false, false, false]),
        (1, refused, format!("{refusal}; 1 of 3 changes were made before"), [true, false, false]),
        (0, silent.clone(), format!("{silence}; 0 of 3 changes were made before"), [false, false, false]),
        (2, silent, format!("{silence}; 2 of 3 changes were made before"), [true, true, false]),
    ];
    for (at, error, expected, made) in rows {
        let bucket = Arc::new(Obedient { fails: Some((at, error)), ..Obedient::new() });
        let provider = over(&bucket);
        let told = run(&*provider, set(&["a", "b", "c"])).await.unwrap_err().to_string();
        assert_eq!(told, expected);
        assert_eq!(exist(&*provider, &["a", "b", "c"]).await, made, "{told}");
    }
}

/// What counts for a swap is the value, not who wrote it when.
#[tokio::test]
async fn a_swap_that_lost_a_race_to_the_same_value_is_made() {
    let conflict = || BucketError::Conflict { bucket: "state".to_owned(), key: "k".to_owned() };
    let swap = || Operation::Swap { key: "k".to_owned(), expected: None, value: Bytes::from_static(b"mine") };
    let bucket = Arc::new(Obedient { fails: Some((0, conflict())), ..Obedient::new() });
    let provider = over(&bucket);
    assert_eq!(run(&*provider, swap()).await, Ok(Answer::Swapped(true)), "the key was absent all along");
    assert_eq!(run(&*provider, swap()).await, Ok(Answer::Swapped(false)));
    let contended: Arc<dyn Bucket> = Arc::new(Trouble(conflict()));
    let provider = try_open_in("keyvalue/nats", &[], std::path::Path::new("unused"), Some(contended)).unwrap();
    let told = run(&*provider, swap()).await.unwrap_err().to_string();
    assert_eq!(told, "store `kv`: the key is changed by too many others at once; try again");
}

/// A Redis with a user `app` of the password `pw`, and these rights.
async fn redis_for(rights: &[&str]) -> (rig::redis::Server, Arc<dyn Provider>) {
    let options: Vec<_> = ["--user", "app", "on", ">pw"].iter().chain(rights).copied().collect();
    let server = rig::redis::Server::start(&options).await.unwrap();
    let url = text(&server.url().replace("redis://", "redis://app:pw@"));
    let provider = open("keyvalue/redis", &[("url", url)], std::path::Path::new("unused"));
    (server, provider)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_redis_refuses_in_part_is_refused_whole() {
    let (server, provider) = redis_for(&["~app.kv:default:a*", "+@all"]).await;
    let keys = ["a1", "b", "a2"];
    assert_eq!(run(&*provider, set(&keys)).await, Err(StoreError::AccessDenied));
    let own = [("url", text(&server.url()))];
    let witness = open("keyvalue/redis", &own, std::path::Path::new("unused"));
    assert_eq!(exist(&*witness, &keys).await, [false, false, false]);
    assert_eq!(run(&*provider, set(&["a1", "a2"])).await, Ok(Answer::Done));
    assert_eq!(exist(&*witness, &keys).await, [true, false, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_without_transactions_is_not_believed() {
    let (_server, provider) = redis_for(&["~*", "+@all", "-multi"]).await;
    let told = run(&*provider, set(&["a", "b"])).await.unwrap_err().to_string();
    assert!(told.ends_with("; the change may have been made"), "{told}");
}

/// Drains a provider while `running` is under way, and lets it end by `go_on`.
async fn drained_while<T: Send + 'static>(
    provider: &Arc<dyn Provider>,
    running: impl Future<Output = T> + Send + 'static,
    is_under_way: impl Fn() -> bool,
    go_on: impl FnOnce(),
) -> T {
    let running = tokio::spawn(running);
    while !is_under_way() {
        tokio::task::yield_now().await;
    }
    let draining = tokio::spawn({
        let provider = provider.clone();
        async move { provider.drain().await }
    });
    let stopped = "store `kv` has stopped";
    let give_up = Instant::now() + AMPLE;
    loop {
        // Until the gate closes; from then on at once, however long the other takes.
        let asked = provider.keyvalue("default", Operation::Exists("k".to_owned()), Instant::now() + AMPLE);
        match tokio::time::timeout(Duration::from_millis(20), asked).await {
            Ok(Err(StoreError::Other(told))) if told == stopped => break,
            _ => assert!(Instant::now() < give_up, "the gate never closed"),
        }
    }
    let refused = increment(&**provider, "k", 1).await.unwrap_err();
    assert_eq!(refused, model::failure::Failure::not_started(model::failure::RpcError::HostError(stopped.to_owned())));
    assert!(!draining.is_finished(), "something is under way");
    go_on();
    let done = running.await.unwrap();
    draining.await.unwrap();
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_finishes_what_runs_and_takes_no_more() {
    let bucket = Arc::new(Obedient { passes: Semaphore::new(0), ..Obedient::new() });
    let provider = over(&bucket);
    let writing = {
        let provider = provider.clone();
        async move { run(&*provider, set(&["a", "b"])).await }
    };
    let is_under_way = || bucket.writes.load(Ordering::SeqCst) == 1;
    let done = drained_while(&provider, writing, is_under_way, || bucket.passes.add_permits(9)).await;
    assert_eq!(done, Ok(Answer::Done), "what had begun was finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_finishes_what_runs_and_takes_no_more() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], std::path::Path::new("unused"));
    assert_eq!(run(&*provider, set(&["k"])).await, Ok(Answer::Done));
    server.freeze().unwrap();
    let begun = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writing = {
        let (provider, begun) = (provider.clone(), begun.clone());
        async move {
            let writing = set(&["a", "b"]);
            let mut writing = std::pin::pin!(run(&*provider, writing));
            futures_util::future::poll_immediate(&mut writing).await;
            begun.store(true, Ordering::SeqCst);
            writing.await
        }
    };
    let done = drained_while(&provider, writing, || begun.load(Ordering::SeqCst), || server.thaw().unwrap()).await;
    assert_eq!(done, Ok(Answer::Done), "what had begun was finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_tells_how_it_is() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], std::path::Path::new("unused"));
    assert_eq!(provider.health(), Health::Well, "nothing was asked of it yet");
    assert_eq!(run(&*provider, set(&["k"])).await, Ok(Answer::Done));
    server.kill().unwrap();
    run(&*provider, set(&["k"])).await.unwrap_err();
    let Health::Unwell(why) = until(&*provider, "unwell", |health| *health != Health::Well).await else { panic!() };
    assert!(why.starts_with("store `kv`: "), "{why}");
    // Nobody asks anything of it: it is looked after.
    server.restart().await.unwrap();
    until(&*provider, "well again", |health| *health == Health::Well).await;
    // A caller that has no patience, and is gone, finds it out as well.
    server.freeze().unwrap();
    let frozen = Instant::now();
    let asked = run(&*provider, Operation::Exists("k".to_owned()));
    assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
    until(&*provider, "unwell", |health| *health != Health::Well).await;
    assert!(frozen.elapsed() >= LOOK_TIME_MAX, "it was not given its time");
    server.thaw().unwrap();
    until(&*provider, "well again", |health| *health == Health::Well).await;
    provider.drain().await;
}

#[tokio::test]
async fn a_bucket_tells_how_it_is() {
    let bucket = Arc::new(Obedient::new());
    let provider = over(&bucket);
    assert_eq!(exist(&*provider, &["k"]).await, [false]);
    assert_eq!(provider.health(), Health::Well);
    bucket.is_silent.store(true, Ordering::SeqCst);
    assert_eq!(provider.health(), Health::Well, "nobody asked yet");
    let told = run(&*provider, Operation::Exists("k".to_owned())).await.unwrap_err().to_string();
    assert_eq!(until(&*provider, "unwell", |health| *health != Health::Well).await, Health::Unwell(told));
    bucket.is_silent.store(false, Ordering::SeqCst);
    until(&*provider, "well again", |health| *health == Health::Well).await;
}

/// Whoever asks, and however its runtime ends: the store is looked after again from the next.
#[test]
fn looks_outlive_the_runtime_of_a_caller() {
    let bucket = Arc::new(Obedient { is_silent: true.into(), ..Obedient::new() });
    let provider = over(&bucket);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime().block_on(run(&*provider, Operation::Exists("k".to_owned()))).unwrap_err();
    runtime().block_on(async {
        run(&*provider, Operation::Exists("k".to_owned())).await.unwrap_err();
        until(&*provider, "unwell", |health| *health != Health::Well).await;
    });
}

/// Callers that give up cost a store no more than a look now and then.
#[tokio::test]
async fn looks_are_few_however_many_give_up() {
    let bucket = Arc::new(Obedient { passes: Semaphore::new(0), ..Obedient::new() });
    let provider = over(&bucket);
    let begun = Instant::now();
    for _ in 0..200 {
        let writing = run(&*provider, set(&["k"]));
        assert_eq!(futures_util::future::poll_immediate(writing).await, None);
        tokio::task::yield_now().await;
    }
    let intervals = begun.elapsed().as_millis() / LOOK_INTERVAL.as_millis();
    let looks = bucket.reads.load(Ordering::SeqCst);
    assert!((1..=2 + intervals).contains(&(looks as u128)), "{looks} looks in {intervals} intervals");
    // Where one failed since the last look there is another.
    let give_up = Instant::now() + AMPLE;
    while bucket.reads.load(Ordering::SeqCst) == looks {
        assert!(Instant::now() < give_up, "the last failures were never looked after");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refusal_is_no_ailment() {
    let room = [("max-keys", provider::ConfigValue::Integer(1))];
    let provider = open("keyvalue/memory", &room, std::path::Path::new("unused"));
    assert_eq!(run(&*provider, set(&["a"])).await, Ok(Answer::Done));
    run(&*provider, set(&["b"])).await.unwrap_err();
    tokio::task::yield_now().await;
    assert_eq!(provider.health(), Health::Well);
}

/// A listing costs messages by the number of keys, whatever the number of pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_bucket_are_read_once() {
    const KEYS: usize = PAGE_KEYS_MAX * 5 + 7;
    let nats = rig::nats::Server::start(rig::nats::Options::default()).await.unwrap();
    let settings = ConnectSettings::new(vec![nats.url().parse().unwrap()], "demo".parse().unwrap());
    let connection = Connection::open(settings).await.unwrap();
    let state = connection.buckets(true).await.unwrap().state;
    let provider = try_open_in("keyvalue/nats", &[], std::path::Path::new("unused"), Some(state)).unwrap();
    let names: Vec<_> = (0..KEYS).map(|number| format!("{number:05}")).collect();
    let writing = names.chunks(64).map(|names| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        run(&*provider, set(&names))
    });
    for written in futures_util::future::join_all(writing).await {
        assert_eq!(written, Ok(Answer::Done));
    }
    let received = || connection.client().statistics().in_messages.load(Ordering::Relaxed);
    let before = received();
    let (mut keys, mut pages, mut cursor) = (std::collections::BTreeSet::new(), 0, None);
    loop {
        let Ok(Answer::Page(page)) = run(&*provider, Operation::List { cursor }).await else { panic!() };
        assert!(page.keys.len() <= PAGE_KEYS_MAX);
        keys.extend(page.keys);
        pages += 1;
        cursor = page.cursor;
        if pages == 2 {
            // One that moves is not missed, one that goes may be.
            assert_eq!(run(&*provider, set(&["00000", "02500"])).await, Ok(Answer::Done));
            let gone = Operation::Write(vec![("02499".to_owned(), None)]);
            assert_eq!(run(&*provider, gone).await, Ok(Answer::Done));
        }
        if cursor.is_none() {
            break;
        }
    }
    let missed: Vec<_> = names.iter().filter(|name| !keys.contains(*name) && *name != "02499").collect();
    assert!(missed.is_empty() && keys.len() <= KEYS, "{missed:?} of {}", keys.len());
    let messages = received() - before;
    println!("{KEYS} keys in {pages} pages: {messages} messages");
    assert!(pages >= 6, "{pages}");
    assert!(messages < 2 * KEYS as u64, "{messages} messages for {KEYS} keys in {pages} pages");
}
