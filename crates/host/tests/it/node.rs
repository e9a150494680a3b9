//! A host of a lattice: its file, and how it stays, leaves and is replaced.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use host::config::{self, ConfigError};
use host::control::{Exit, Report};
use host::limits::{NODE_EVENTS_MAX, NODE_START_TIME_MAX, WATCH_PAUSE};
use host::node::NodeNews;
use lattice::bus::Bus as _;
use lattice::document::{Beat, Document as _, HostRecord};
use lattice::store::Change;
use lattice::subject::Subjects;
use model::ids::HostName;
use testkit::caller::word;
use testkit::http::get;
use testkit::lattice::{AMPLE, Lattice};

/// A counter with a store of its host's own.
const PINNED: &str = r#"
[application]
name = "counters"
[actors.counter]
component = "{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm"
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/embedded" }
[[routes]]
path = "/*"
to = "counter"
"#;

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.toml");
    let text = "[host]\nname = \"a1\"\ncache = \"/var/cache/lath\"\n[lattice]\nname = \"prod\"\n\
                servers = [\"nats://127.0.0.1:4222\"]\ncredentials = \"keys/a1.nk\"\n\
                tls = { ca = \"../ca.pem\", cert = \"a1.pem\", key = \"a1.key\" }\n";
    std::fs::write(&file, text).unwrap();
    let read = config::read(&file).unwrap();
    let in_folder = |path: &str| folder.path().join(path);
    assert_eq!(read.host.data, in_folder("data"));
    assert_eq!(config::cache(&read), Path::new("/var/cache/lath"));
    assert_eq!(read.lattice.credentials, Some(in_folder("keys/a1.nk")));
    assert_eq!(read.lattice.tls.ca, Some(in_folder("../ca.pem")));
    assert_eq!(read.lattice.tls.identity, Some((in_folder("a1.pem"), in_folder("a1.key"))));
    std::fs::write(&file, "[host]\nname = 1\n").unwrap();
    assert!(matches!(config::read(&file), Err(ConfigError::Invalid { .. })));
    assert!(matches!(config::read(&in_folder("none.toml")), Err(ConfigError::Read { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_lattice_that_never_answers_is_not_joined() {
    let begun = tokio::time::Instant::now();
    let error = Lattice::new().join_cut("a").await.err().unwrap().to_string();
    assert!(error.starts_with("the host cannot find out what the lattice remembers of it: "), "{error}");
    assert!(
        (NODE_START_TIME_MAX..NODE_START_TIME_MAX + WATCH_PAUSE * 2).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn local_state_keeps_a_host_unless_it_is_forced() {
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let version = lattice.up_text(PINNED).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let name = if lattice.host("a").unwrap().runs("counters") { "a" } else { "b" };
    let host = lattice.host(name).unwrap();
    host.node.drain(false).await;
    let refused = |news: &NodeNews| matches!(news, NodeNews::Report(Report::DrainRefused { local_state: true, .. }));
    lattice.until("it is refused", |lattice| lattice.host(name).unwrap().news().iter().any(refused)).await.unwrap();
    assert_eq!(lattice.answer(name, "/x").await.unwrap().status, 200);
    host.node.drain(true).await;
    assert_eq!(tokio::time::timeout(AMPLE, host.node.ended()).await.unwrap().unwrap(), Exit::Drained);
    get(&host.url("/x").unwrap()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_let_a_host_drain() {
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let manifest = PINNED.replace("keyvalue/embedded", "keyvalue/nats");
    let version = lattice.up_text(&manifest).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let name = if lattice.host("a").unwrap().runs("counters") { "a" } else { "b" };
    let other = if name == "a" { "b" } else { "a" };
    lattice.operator().drain(&name.parse().unwrap(), false).await.unwrap();
    let node = &lattice.host(name).unwrap().node;
    assert_eq!(tokio::time::timeout(AMPLE, node.ended()).await.unwrap().unwrap(), Exit::Drained);
    assert!(lattice.host(other).unwrap().runs("counters"));
    assert_eq!(lattice.answer(other, "/x").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_was_refused_does_not_come_back_with_the_connection() {
    let lattice = Lattice::of(&["a"]).await.unwrap();
    let version = lattice.up_text(PINNED).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let host = lattice.host("a").unwrap();
    let refusals = || {
        let news = host.news();
        news.iter().filter(|news| matches!(news, NodeNews::Report(Report::DrainRefused { .. }))).count()
    };
    let (operator, name) = (lattice.operator(), "a".parse().unwrap());
    operator.drain(&name, false).await.unwrap();
    lattice.until("it is refused", |_| refusals() == 1).await.unwrap();
    for open in [false, true] {
        host.link.set_open(open);
        lattice.until("it is noticed", |_| host.node.status().borrow().connected == open).await.unwrap();
    }
    tokio::time::timeout(AMPLE, lattice.answer("a", "/x")).await.unwrap().unwrap();
    assert!(!host.node.status().borrow().draining);
    // Asked anew it is considered anew.
    operator.drain(&name, false).await.unwrap();
    lattice.until("it is refused again", |_| refusals() >= 2).await.unwrap();
    assert_eq!(refusals(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_process_takes_the_place_of_an_earlier_one() {
    let mut lattice = Lattice::of(&["a"]).await.unwrap();
    let joined = |lattice: &Lattice| lattice.host("a").unwrap().node.status().borrow().joined;
    lattice.until("it has joined", joined).await.unwrap();
    let earlier = lattice.take("a").unwrap();
    lattice.join("a", |_| {}).await.unwrap();
    assert_eq!(tokio::time::timeout(AMPLE, earlier.node.ended()).await.unwrap().unwrap(), Exit::Superseded);
    lattice.until("the later one has joined", joined).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_may_wait_for_the_loop_nothing_is_lost() {
    let mut lattice = Lattice::of(&["a"]).await.unwrap();
    let hosts = lattice.buckets().hosts.clone();
    let mut watch = hosts.watch("a").await.unwrap();
    let mut record = loop {
        if let Some(Change::Entry(entry)) = watch.next().await {
            break HostRecord::decode(&entry.value.unwrap()).unwrap();
        }
    };
    let gone: BTreeSet<HostName> = (0..2 * NODE_EVENTS_MAX).map(|at| word(&format!("gone{at}"))).collect();
    for name in &gone {
        record.name = name.clone();
        hosts.put(name.as_str(), record.encode()).await.unwrap();
    }
    lattice.join("b", |_| {}).await.unwrap();
    let b = lattice.host("b").unwrap();
    let told = || {
        b.news().into_iter().filter_map(|news| match news {
            NodeNews::Report(Report::Died(host)) => Some(host),
            _ => None,
        })
    };
    lattice.until("each is known to be gone", |_| told().collect::<BTreeSet<_>>() == gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_know_what_is_ready_before_planners_do() {
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let mut beats = lattice.bus().subscribe(Subjects::new(&word("test")).beats()).await.unwrap();
    let mut records = lattice.buckets().hosts.watch(">").await.unwrap();
    lattice.up_text(PINNED).await.unwrap();
    let host = loop {
        let Some(Change::Entry(entry)) = records.next().await else { continue };
        let record = HostRecord::decode(&entry.value.unwrap()).unwrap();
        if record.ready.values().any(|ready| !ready.actors.is_empty()) {
            break record.name;
        }
    };
    // What was published before is here before.
    let heard = std::iter::from_fn(|| beats.next().now_or_never().flatten());
    let heard = heard.map(|message| Beat::decode(&message.payload).unwrap()).filter(|beat| beat.host == host);
    let heard: Vec<_> = heard.collect();
    assert!(heard.iter().any(|beat| beat.generation > 0 && beat.not_ready.is_empty()), "{heard:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_are_kept_compiled_where_they_may_have_to_run() {
    let caches = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut lattice = Lattice::new();
    for (name, cache) in ["a", "b"].into_iter().zip(&caches) {
        let folder = cache.path().to_owned();
        lattice.join(name, |settings| settings.cache = folder).await.unwrap();
    }
    let version = lattice.up_text(&PINNED.replace("keyvalue/embedded", "keyvalue/nats")).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let compiled = |folder: &Path| {
        let entries = std::fs::read_dir(folder.join("compiled")).into_iter().flatten().filter_map(Result::ok);
        entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "cwasm")).count()
    };
    lattice.until("both have it compiled", |_| caches.iter().all(|cache| compiled(cache.path()) == 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_gone_and_is_not_overwritten() {
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let version = lattice.up_text(&PINNED.replace("keyvalue/embedded", "keyvalue/nats")).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let buckets = lattice.buckets();
    let rewatched = async || {
        for open in [false, true] {
            for (_, host) in lattice.hosts() {
                host.link.set_open(open);
            }
            let noticed =
                |lattice: &Lattice| lattice.hosts().all(|(_, host)| host.node.status().borrow().connected == open);
            lattice.until("it is noticed", noticed).await.unwrap();
        }
    };
    // Written by a later lath, and damaged; told as news, and when watches begin anew.
    let root = buckets.blueprint.get("root").await.unwrap().unwrap().value.unwrap();
    for bytes in [newer(&root), "{".into()] {
        buckets.blueprint.put("root", bytes.clone()).await.unwrap();
        buckets.intent.put("counters", bytes.clone()).await.unwrap();
        rewatched().await;
        let blind = |news: &NodeNews| matches!(news, NodeNews::Report(Report::RootUnreadable { .. }));
        lattice
            .until("no host plans", |lattice| lattice.hosts().all(|(_, host)| host.news().iter().any(blind)))
            .await
            .unwrap();
        let plans = |bytes: &[u8]| HostRecord::decode(bytes).unwrap().planner;
        let give_up = Instant::now() + AMPLE;
        for host in ["a", "b"] {
            while plans(&buckets.hosts.get(host).await.unwrap().unwrap().value.unwrap()) {
                assert!(Instant::now() < give_up, "its record says that it plans");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(lattice.answer(host, "/x").await.unwrap().status, 200, "what runs goes on");
        }
        let stands = buckets.blueprint.get("root").await.unwrap().unwrap().value;
        assert_eq!(stands, Some(bytes));
    }
    // Once it is right again, all goes on.
    buckets.blueprint.put("root", root).await.unwrap();
    let next = lattice.up_text(&PINNED.replace("keyvalue/embedded", "keyvalue/nats").replace("counters", "more")).await;
    lattice.running("more", next.unwrap(), 1).await.unwrap();
    assert!(lattice.hosts().any(|(_, host)| host.runs("counters")), "its intent cannot be read, and it stays");
}

/// The same of a later format.
fn newer(bytes: &[u8]) -> bytes::Bytes {
    String::from_utf8(bytes.to_vec()).unwrap().replacen("\"format\":1", "\"format\":99", 1).into()
}
