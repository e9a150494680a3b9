//! All kinds of store do the same, over real servers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page, StoreError};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use lattice::connect::{ConnectSettings, Connection};
use model::failure::Progress;
use provider::limits::{
    BATCH_BYTES_MAX, BATCH_KEYS_MAX, CURSOR_LEN_MAX, KEY_LEN_MAX, PAGE_KEYS_MAX, REDIS_OPERATIONS_MAX,
    REDIS_RESPONSE_TIMEOUT, REDIS_SCANS_MAX, VALUE_BYTES_MAX,
};
use provider::{ConfigValue, Health, Provider};
use tempfile::TempDir;

use crate::client::{ByMessages, increment, increment_before, open, text, try_open_in};

const STRANGE: &str = "the cursor is none that this store gave; begin again without one";

/// A store of each kind, and what keeps it alive.
struct Stores {
    all: Vec<(&'static str, Arc<dyn Provider>)>,
    _nats: rig::nats::Server,
    _redis: rig::redis::Server,
    _folder: TempDir,
}

async fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let nats = rig::nats::Server::start(rig::nats::Options::default()).await.unwrap();
    let redis = rig::redis::Server::start(&[]).await.unwrap();
    let settings = ConnectSettings::new(vec![nats.url().parse().unwrap()], "demo".parse().unwrap());
    let connection = Connection::open(settings).await.unwrap();
    let state = connection.buckets(true).await.unwrap().state;
    let interval = [("durability", text("interval"))];
    let other = [("url", text(&redis.url())), ("prefix", text("other"))];
    let by_messages = open("keyvalue/redis", &other, folder.path());
    std::fs::create_dir(folder.path().join("interval")).unwrap();
    let all = vec![
        ("memory", open("keyvalue/memory", &[], folder.path())),
        ("embedded", open("keyvalue/embedded", &[], folder.path())),
        ("embedded interval", open("keyvalue/embedded", &interval, &folder.path().join("interval"))),
        ("nats", try_open_in("keyvalue/nats", &[], folder.path(), Some(state)).unwrap()),
        ("redis", open("keyvalue/redis", &[("url", text(&redis.url()))], folder.path())),
        ("memory by messages", Arc::new(ByMessages(open("keyvalue/memory", &[], folder.path())))),
        ("redis by messages", Arc::new(ByMessages(by_messages))),
    ];
    Stores { all, _nats: nats, _redis: redis, _folder: folder }
}

/// One store of one provider.
#[derive(Clone, Copy)]
struct Store<'a> {
    kind: &'a str,
    provider: &'a dyn Provider,
    name: &'a str,
}

impl Store<'_> {
    async fn run(&self, operation: Operation) -> Result<Answer, StoreError> {
        self.provider.keyvalue(self.name, operation, Instant::now() + Duration::from_secs(60)).await
    }

    async fn set(&self, key: &str, value: &str) {
        let value = Some(Bytes::copy_from_slice(value.as_bytes()));
        assert_eq!(self.run(Operation::Write(vec![(key.to_owned(), value)])).await, Ok(Answer::Done), "{}", self.kind);
    }

    async fn delete(&self, keys: &[&str]) {
        let changes = keys.iter().map(|key| ((*key).to_owned(), None)).collect();
        assert_eq!(self.run(Operation::Write(changes)).await, Ok(Answer::Done), "{}", self.kind);
    }

    /// The value of a key that nobody else changes.
    async fn get(&self, key: &str) -> Option<String> {
        let value = self.read(key).await;
        let exists = self.run(Operation::Exists(key.to_owned())).await;
        assert_eq!(exists, Ok(Answer::Exists(value.is_some())), "{} {key:?}", self.kind);
        value
    }

    async fn read(&self, key: &str) -> Option<String> {
        match self.run(Operation::Read(vec![key.to_owned()])).await {
            Ok(Answer::Values(values)) => values[0].as_ref().map(|value| String::from_utf8(value.to_vec()).unwrap()),
            other => panic!("{} {key:?}: {other:?}", self.kind),
        }
    }

    async fn add(&self, key: &str, delta: i64) -> Result<i64, String> {
        let bounds = i64::MIN..=i64::MAX;
        match self.run(Operation::Add { key: key.to_owned(), delta, bounds }).await {
            Ok(Answer::Number(sum)) => Ok(sum),
            Ok(other) => panic!("{}: {other:?}", self.kind),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn swap(&self, key: &str, expected: Option<&str>, value: &str) -> bool {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let operation = Operation::Swap { key: key.to_owned(), expected: expected.map(bytes), value: bytes(value) };
        match self.run(operation).await {
            Ok(Answer::Swapped(swapped)) => swapped,
            other => panic!("{}: {other:?}", self.kind),
        }
    }

    /// All keys, and how many pages they came in.
    async fn keys(&self) -> (BTreeSet<String>, usize) {
        let (mut keys, mut pages, mut cursor) = (BTreeSet::new(), 0, None);
        loop {
            let Ok(Answer::Page(page)) = self.run(Operation::List { cursor }).await else { panic!("{}", self.kind) };
            let Page { keys: some, cursor: next } = page;
            assert!(some.len() <= 2 * PAGE_KEYS_MAX, "{}: {} keys in a page", self.kind, some.len());
            keys.extend(some);
            pages += 1;
            match next {
                Some(next) => cursor = Some(next),
                None => return (keys, pages),
            }
        }
    }

    async fn refused(&self, operation: Operation) -> String {
        self.run(operation).await.unwrap_err().to_string()
    }
}

fn each<'a>(stores: &'a Stores, name: &'a str) -> impl Iterator<Item = Store<'a>> {
    stores.all.iter().map(move |(kind, provider)| Store { kind, provider: &**provider, name })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_kinds_do_the_same() {
    let stores = stores().await;
    for store in each(&stores, "default") {
        values(&store).await;
        numbers(&store).await;
        swaps(&store).await;
        apart(&store).await;
        batches(&store).await;
        bounds(&store).await;
        counters(&store).await;
        late(&store).await;
    }
    for store in each(&stores, "pages") {
        pages(&store).await;
        strange_cursors(&store).await;
    }
    for store in each(&stores, "races") {
        races(&store).await;
    }
    for store in each(&stores, "default") {
        assert_eq!(store.provider.health(), Health::Well, "{}", store.kind);
        store.provider.drain().await;
        let told = store.refused(Operation::Exists("k".to_owned())).await;
        assert!(told.ends_with("store `kv` has stopped"), "{}: {told}", store.kind);
        let failure = increment(store.provider, "k", 1).await.unwrap_err();
        assert_eq!(failure.progress, Progress::NotStarted, "{}", store.kind);
        store.provider.drain().await; // which may be asked for again
    }
}

async fn values(store: &Store<'_>) {
    let long = "x".repeat(KEY_LEN_MAX);
    for key in ["", "a", "a.b", "a:b", "☃", "*", "[a]?\\", " ", "\n", "\0", "-", &long] {
        assert_eq!(store.get(key).await, None, "{} {key:?}", store.kind);
        store.set(key, "1").await;
        store.set(key, "two").await;
        assert_eq!(store.get(key).await.as_deref(), Some("two"), "{} {key:?}", store.kind);
        store.set(key, "").await;
        assert_eq!(store.get(key).await.as_deref(), Some(""), "{} {key:?}: empty is not absent", store.kind);
        store.delete(&[key]).await;
        assert_eq!(store.get(key).await, None, "{} {key:?}", store.kind);
        store.delete(&[key]).await;
        assert!(store.keys().await.0.is_empty(), "{} {key:?}", store.kind);
    }
}

async fn numbers(store: &Store<'_>) {
    assert_eq!(store.add("n", 5).await, Ok(5), "{}", store.kind);
    assert_eq!(store.add("n", -7).await, Ok(-2), "{}", store.kind);
    assert_eq!(store.get("n").await.as_deref(), Some("-2"), "{}: a number is a text", store.kind);
    store.set("n", "41").await;
    assert_eq!(store.add("n", 1).await, Ok(42), "{}: what others wrote is seen", store.kind);
    store.set("n", &i64::MAX.to_string()).await;
    assert_eq!(store.add("n", 0).await, Ok(i64::MAX), "{}", store.kind);
    let beyond = "counter `n` is 9223372036854775807: adding 1 goes beyond 64 bits, nothing was changed";
    assert_eq!(store.add("n", 1).await, Err(beyond.to_owned()), "{}", store.kind);
    assert_eq!(store.get("n").await, Some(i64::MAX.to_string()), "{}", store.kind);
    let unsigned = Operation::Add { key: "m".to_owned(), delta: -1, bounds: 0..=i64::MAX };
    let below = "counter `m` is 0: adding -1 goes below 0 or beyond 63 bits, nothing was changed";
    assert_eq!(store.refused(unsigned).await, below, "{}", store.kind);
    assert_eq!(store.get("m").await, None, "{}: what was refused made no key", store.kind);
    store.set("w", "no number").await;
    let no_number = "the value of `w` is no number, nothing was changed".to_owned();
    assert_eq!(store.add("w", 1).await, Err(no_number), "{}", store.kind);
    // What is written otherwise than a store writes it is no number, whoever reads it.
    for text in ["", "+5", "05", "-0", " 5", "5 ", "5.0", "0x5", "9223372036854775808"] {
        store.set("w", text).await;
        let no_number = "the value of `w` is no number, nothing was changed".to_owned();
        assert_eq!(store.add("w", 1).await, Err(no_number), "{} {text:?}", store.kind);
    }
    close_to_bounds(store).await;
    store.delete(&["n", "w"]).await;
}

/// Bounds that no floating-point number tells from their neighbours.
async fn close_to_bounds(store: &Store<'_>) {
    const LARGE: i64 = (1 << 53) + 1;
    let rows = [
        (LARGE - 1, 1, 0..=LARGE, true),
        (LARGE - 1, 1, 0..=LARGE - 1, false),
        (LARGE, -1, LARGE..=i64::MAX, false),
        (LARGE, -1, LARGE - 1..=i64::MAX, true),
        (-LARGE, 1, i64::MIN..=-LARGE, false),
        (-LARGE, 1, i64::MIN..=1 - LARGE, true),
        (1 - LARGE, -1, 1 - LARGE..=0, false),
        (-5, 1, -10..=-5, false),
        (-10, 1, -10..=-9, true),
        (-9, -1, -9..=5, false),
        (9, 1, -10..=9, false),
        (9, 1, -10..=10, true),
    ];
    for (before, delta, bounds, fits) in rows {
        store.set("n", &before.to_string()).await;
        let operation = Operation::Add { key: "n".to_owned(), delta, bounds: bounds.clone() };
        let added = store.run(operation).await;
        let after = if fits { before + delta } else { before };
        assert_eq!(added.is_ok(), fits, "{} {before} {delta} {bounds:?}: {added:?}", store.kind);
        assert_eq!(store.get("n").await, Some(after.to_string()), "{}", store.kind);
    }
}

async fn swaps(store: &Store<'_>) {
    assert!(!store.swap("s", Some("a"), "b").await, "{}", store.kind);
    assert!(store.swap("s", None, "a").await, "{}", store.kind);
    assert!(!store.swap("s", None, "b").await, "{}", store.kind);
    assert!(!store.swap("s", Some(""), "b").await, "{}: absent is not empty", store.kind);
    assert!(store.swap("s", Some("a"), "").await, "{}", store.kind);
    assert!(store.swap("s", Some(""), "c").await, "{}", store.kind);
    store.delete(&["s"]).await;
    assert!(!store.swap("s", Some("c"), "d").await, "{}", store.kind);
    assert!(store.swap("s", None, "e").await, "{}: what was deleted is absent", store.kind);
    assert_eq!(store.get("s").await.as_deref(), Some("e"), "{}", store.kind);
    store.delete(&["s"]).await;
}

/// Stores of one provider do not see each other, whatever they and their keys are called; nor do counters.
async fn apart(store: &Store<'_>) {
    let other = |name| Store { name, ..*store };
    for (name, key) in [("default", "k"), ("d", "efaultk"), ("a", "b.c"), ("a.b", "c"), ("A", "k")] {
        other(name).set(key, name).await;
    }
    assert_eq!(increment(store.provider, "k", 3).await, Ok(Ok(3)), "{}", store.kind);
    for (name, key) in [("default", "k"), ("d", "efaultk"), ("a", "b.c"), ("a.b", "c"), ("A", "k")] {
        assert_eq!(other(name).get(key).await.as_deref(), Some(name), "{}", store.kind);
        assert_eq!(other(name).keys().await.0, BTreeSet::from([key.to_owned()]), "{} {name}", store.kind);
        other(name).delete(&[key]).await;
    }
    assert_eq!(increment(store.provider, "k", -3).await, Ok(Ok(0)), "{}", store.kind);
}

async fn batches(store: &Store<'_>) {
    let name = |number: usize| format!("b{number}");
    let value = |number: usize| Bytes::from(number.to_string());
    let changes = (0..BATCH_KEYS_MAX).map(|number| (name(number), Some(value(number)))).collect();
    assert_eq!(store.run(Operation::Write(changes)).await, Ok(Answer::Done), "{}", store.kind);
    let names: Vec<_> = (0..BATCH_KEYS_MAX).rev().map(|number| name(number * 2)).collect();
    let Ok(Answer::Values(values)) = store.run(Operation::Read(names)).await else { panic!("{}", store.kind) };
    let expected: Vec<_> =
        (0..BATCH_KEYS_MAX).rev().map(|number| (number * 2 < BATCH_KEYS_MAX).then(|| value(number * 2))).collect();
    assert_eq!(values, expected, "{}", store.kind);
    assert_eq!(store.run(Operation::Read(Vec::new())).await, Ok(Answer::Values(Vec::new())), "{}", store.kind);
    assert_eq!(store.run(Operation::Write(Vec::new())).await, Ok(Answer::Done), "{}", store.kind);
    let changes = (0..BATCH_KEYS_MAX).map(|number| (name(number), None)).collect();
    assert_eq!(store.run(Operation::Write(changes)).await, Ok(Answer::Done), "{}", store.kind);
    assert!(store.keys().await.0.is_empty(), "{}", store.kind);
}

async fn bounds(store: &Store<'_>) {
    let (key, long) = (|| "k".to_owned(), || "x".repeat(KEY_LEN_MAX + 1));
    let large = || Bytes::from(vec![b'v'; VALUE_BYTES_MAX + 1]);
    let key_text = "the key has 1025 bytes, a store takes 1024 at most";
    let value_text = "the value has 1000001 bytes, a store takes 1000000 at most";
    let batch_text = "a batch of 257 keys, a store takes 256 at most";
    let cursor_text = "the cursor has 2049 bytes, a store takes 2048 at most";
    let many = || vec![key(); BATCH_KEYS_MAX + 1];
    let rows = [
        (Operation::Read(vec![long()]), key_text),
        (Operation::Exists(long()), key_text),
        (Operation::Write(vec![(long(), None)]), key_text),
        (Operation::Add { key: long(), delta: 1, bounds: 0..=9 }, key_text),
        (Operation::Swap { key: long(), expected: None, value: Bytes::new() }, key_text),
        (Operation::Write(vec![(key(), Some(large()))]), value_text),
        (Operation::Swap { key: key(), expected: None, value: large() }, value_text),
        (Operation::List { cursor: Some("1".repeat(CURSOR_LEN_MAX + 1)) }, cursor_text),
        (Operation::Read(many()), batch_text),
        (Operation::Write(many().into_iter().map(|key| (key, None)).collect()), batch_text),
    ];
    for (operation, expected) in rows {
        assert_eq!(store.refused(operation).await, expected, "{}", store.kind);
    }
    let largest = Bytes::from(vec![b'v'; VALUE_BYTES_MAX]);
    let written = store.run(Operation::Write(vec![(key(), Some(largest.clone()))])).await;
    assert_eq!(written, Ok(Answer::Done), "{}", store.kind);
    let read = store.run(Operation::Read(vec![key()])).await;
    assert!(read == Ok(Answer::Values(vec![Some(largest)])), "{}", store.kind);
    let together = vec![key(); BATCH_BYTES_MAX / VALUE_BYTES_MAX + 1];
    let refused = store.refused(Operation::Read(together)).await;
    assert_eq!(refused, "the values together have more than 8388608 bytes: read fewer at once", "{}", store.kind);
    store.delete(&["k"]).await;
}

async fn counters(store: &Store<'_>) {
    assert_eq!(increment(store.provider, "c", i32::MAX).await, Ok(Ok(i32::MAX)), "{}", store.kind);
    let refused = increment(store.provider, "c", 1).await.unwrap().unwrap_err().to_string();
    let expected = "invalid-parameter: counter `c` is 2147483647: adding 1 goes beyond 32 bits, nothing was changed";
    assert_eq!(refused, expected, "{}", store.kind);
    assert_eq!(increment(store.provider, "c", i32::MIN).await, Ok(Ok(-1)), "{}", store.kind);
    let long = increment(store.provider, &"x".repeat(KEY_LEN_MAX + 1), 1).await.unwrap().unwrap_err().to_string();
    assert_eq!(long, "invalid-parameter: the key has 1025 bytes, a store takes 1024 at most", "{}", store.kind);
}

async fn late(store: &Store<'_>) {
    if store.kind.starts_with("memory") {
        return; // it answers at once
    }
    let failure = increment_before(store.provider, "late", 1, Instant::now()).await.unwrap_err();
    assert_eq!(failure.error.parts().0, "deadline-exceeded", "{}", store.kind);
    assert_eq!(increment(store.provider, "late", 0).await, Ok(Ok(0)), "{}: it was not counted", store.kind);
}

async fn pages(store: &Store<'_>) {
    let names: Vec<_> = (0..PAGE_KEYS_MAX * 2 + 10).map(|number| format!("key {number}")).collect();
    for names in names.chunks(BATCH_KEYS_MAX) {
        let changes = names.iter().map(|name| (name.clone(), Some(Bytes::from_static(b"1")))).collect();
        assert_eq!(store.run(Operation::Write(changes)).await, Ok(Answer::Done), "{}", store.kind);
    }
    let (keys, pages) = store.keys().await;
    assert_eq!(keys, names.into_iter().collect(), "{}", store.kind);
    assert!(pages > 1, "{}: one page", store.kind);
}

/// A cursor that no page gave is refused, or is a place among the keys; it never ends anything.
async fn strange_cursors(store: &Store<'_>) {
    for cursor in ["", "x", "-1", "1.5", "☃", "\0", "18446744073709551616", "18446744073709551615"] {
        match store.run(Operation::List { cursor: Some(cursor.to_owned()) }).await {
            Ok(Answer::Page(_)) => {}
            Err(StoreError::Other(told)) if told == STRANGE => {}
            other => panic!("{} {cursor:?}: {other:?}", store.kind),
        }
    }
    if ["nats", "redis", "redis by messages"].contains(&store.kind) {
        assert_eq!(store.refused(Operation::List { cursor: Some("x".to_owned()) }).await, STRANGE, "{}", store.kind);
    }
}

/// Whoever changes a key at the same time, no change is lost.
async fn races(store: &Store<'_>) {
    const TASKS: i64 = 4;
    const EACH: i64 = 25;
    let counting = (0..TASKS).map(|_| async {
        for _ in 0..EACH {
            while store.add("sum", 1).await.is_err() {}
            loop {
                let before = store.read("text").await;
                let after = before.clone().unwrap_or_default() + "x";
                if store.swap("text", before.as_deref(), &after).await {
                    break;
                }
            }
        }
    });
    join_all(counting).await;
    assert_eq!(store.add("sum", 0).await, Ok(TASKS * EACH), "{}", store.kind);
    let text = store.get("text").await.unwrap();
    assert_eq!(i64::try_from(text.len()).unwrap(), TASKS * EACH, "{}", store.kind);
}

/// A batch that finds no room changes nothing, whatever is written together with it.
#[tokio::test]
async fn a_refused_batch_changes_nothing() {
    let room = [("max-keys", ConfigValue::Integer(3))];
    let folder = tempfile::tempdir().unwrap();
    for kind in ["keyvalue/memory", "keyvalue/embedded"] {
        let provider = open(kind, &room, folder.path());
        let store = Store { kind, provider: &*provider, name: "default" };
        store.set("old", "before").await;
        let batch = async {
            let pair = |key: &str, value: &'static str| (key.to_owned(), Some(Bytes::from_static(value.as_bytes())));
            let pairs = ["a", "b", "c"].map(|key| pair(key, "new"));
            let twice = [("old".to_owned(), None), pair("old", "after"), pair("old", "again")];
            Some(store.refused(Operation::Write(twice.into_iter().chain(pairs).collect())).await)
        };
        // Enough others that some share a transaction with the batch.
        let other = |_| async {
            store.add("n", 1).await.unwrap();
            None
        };
        let all = (0..4).map(|at| other(at).boxed_local());
        let all = all.chain([batch.boxed_local()]).chain((4..16).map(|at| other(at).boxed_local()));
        let refused: Vec<_> = join_all(all).await.into_iter().flatten().collect();
        assert_eq!(refused, ["the store is full: it holds 3 keys; raise `max-keys` of the provider"], "{kind}");
        let expected = BTreeSet::from(["n", "old"].map(ToOwned::to_owned));
        assert_eq!(store.keys().await.0, expected, "{kind}");
        assert_eq!(store.get("old").await.as_deref(), Some("before"), "{kind}");
        store.set("a", "there is room again").await;
        provider.drain().await;
    }
}

#[tokio::test]
async fn room_for_bytes_is_bounded() {
    let room = [("max-bytes", ConfigValue::Integer(100_000))];
    let folder = tempfile::tempdir().unwrap();
    for kind in ["keyvalue/memory", "keyvalue/embedded"] {
        let provider = open(kind, &room, folder.path());
        let store = Store { kind, provider: &*provider, name: "default" };
        let value = Bytes::from(vec![b'v'; 60_000]);
        let write = |key: String| Operation::Write(vec![(key, Some(value.clone()))]);
        let mut number = 0;
        let refused = loop {
            match store.run(write(format!("k{number}"))).await {
                Ok(_) => number += 1,
                Err(error) => break error.to_string(),
            }
            assert!(number < 100, "{kind} was never full");
        };
        let expected = "the store is full: it may hold 100000 bytes; raise `max-bytes` of the provider";
        assert_eq!(refused, expected, "{kind}");
        assert_eq!(store.add("k0", 1).await.unwrap_err(), "the value of `k0` is no number, nothing was changed");
        store.set("k0", "less").await;
        assert_eq!(store.get("k0").await.as_deref(), Some("less"), "{kind}: what is smaller has room");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_is_used_again() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], folder.path());
    let store = Store { kind: "redis", provider: &*provider, name: "default" };
    store.set("k", "v").await;
    server.kill().unwrap();
    let gone = store.refused(Operation::Exists("k".to_owned())).await;
    assert!(gone.starts_with("store `kv`: "), "{gone}");
    server.restart().await.unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    while store.run(Operation::Exists("k".to_owned())).await != Ok(Answer::Exists(true)) {
        assert!(Instant::now() < give_up, "the server was not found again");
    }
    server.freeze().unwrap();
    let soon = Instant::now() + Duration::from_millis(50);
    let failure = increment_before(&*provider, "n", 1, soon).await.unwrap_err();
    assert_eq!(failure.error.parts().0, "deadline-exceeded");
    server.thaw().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_the_host_denies_access() {
    let server = rig::redis::Server::start(&["--requirepass", "secret"]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let with = |url: &str| open("keyvalue/redis", &[("url", text(url))], folder.path());
    let right = with(&server.url().replace("redis://", "redis://:secret@"));
    Store { kind: "redis", provider: &*right, name: "default" }.set("k", "v").await;
    for url in [server.url(), server.url().replace("redis://", "redis://:wrong@")] {
        let provider = with(&url);
        let store = Store { kind: "redis", provider: &*provider, name: "default" };
        let denied = store.run(Operation::Exists("k".to_owned())).await;
        assert_eq!(denied, Err(StoreError::AccessDenied), "{url}");
        let told = increment(&*provider, "k", 1).await.unwrap().unwrap_err().to_string();
        assert!(told.starts_with("host-error: store `kv`: ") && !told.contains("wrong"), "{told}");
    }
}

/// A door of TLS before a server, with this certificate.
async fn tls_before(port: u16, certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let chain = vec![certified.cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let door = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let own = door.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = door.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut inner) = acceptor.accept(stream).await else { return };
                let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut server).await;
            });
        }
    });
    own
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_behind_tls_is_trusted_by_its_certificate() {
    let server = rig::redis::Server::start(&[]).await.unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let port = tls_before(server.port(), &certified).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certified.cert.pem()).unwrap();
    let url = text(&format!("rediss://127.0.0.1:{port}"));
    let trusting = open("keyvalue/redis", &[("url", url.clone()), ("ca", text(ca.to_str().unwrap()))], folder.path());
    Store { kind: "redis", provider: &*trusting, name: "default" }.set("k", "v").await;
    let wary = open("keyvalue/redis", &[("url", url)], folder.path());
    let wary = Store { kind: "redis", provider: &*wary, name: "default" };
    let refused = wary.refused(Operation::Exists("k".to_owned())).await;
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_beyond_what_redis_takes_at_once_wait() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], folder.path());
    assert_eq!(increment(&*provider, "n", 0).await, Ok(Ok(0)));
    server.freeze().unwrap();
    let later = Instant::now() + Duration::from_secs(60);
    let many = i32::try_from(REDIS_OPERATIONS_MAX).unwrap() + 50;
    let all = join_all((0..many).map(|_| increment_before(&*provider, "n", 1, later)));
    let (answers, ()) = futures_util::future::join(all, async {
        tokio::task::yield_now().await;
        server.thaw().unwrap();
    })
    .await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Ok(_)))));
    assert_eq!(increment(&*provider, "n", 0).await, Ok(Ok(many)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_among_many_keys_of_others_may_be_short() {
    let server = rig::redis::Server::start(&[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], folder.path());
    let others = Store { kind: "redis", provider: &*provider, name: "others" };
    let names: Vec<_> = (0..PAGE_KEYS_MAX * (REDIS_SCANS_MAX + 2)).map(|number| number.to_string()).collect();
    for names in names.chunks(BATCH_KEYS_MAX) {
        let changes = names.iter().map(|name| (name.clone(), Some(Bytes::new()))).collect();
        assert_eq!(others.run(Operation::Write(changes)).await, Ok(Answer::Done));
    }
    let few = Store { name: "few", ..others };
    few.set("k", "v").await;
    let (keys, pages) = few.keys().await;
    assert_eq!((keys, pages), (BTreeSet::from(["k".to_owned()]), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_never_answers_is_given_up() {
    if std::env::var_os("LATH_LONG").is_none() {
        return;
    }
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = open("keyvalue/redis", &[("url", text(&server.url()))], folder.path());
    assert_eq!(increment(&*provider, "n", 0).await, Ok(Ok(0)));
    server.freeze().unwrap();
    let failure = increment_before(&*provider, "n", 1, Instant::now() + REDIS_RESPONSE_TIMEOUT * 2).await.unwrap_err();
    assert_eq!(failure.error.parts().0, "transport", "{failure}");
    server.thaw().unwrap();
}
