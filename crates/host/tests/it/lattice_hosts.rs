//! Several hosts in one process, with real components: calls over the lattice, hosts that come and go.

use std::time::Duration;

use ::lattice::objects::Stored;
use bytes::Bytes;
use host::control::Report;
use host::node::NodeNews;
use model::digest::Digest;
use testkit::http::get;
use testkit::lattice::Lattice;

/// The counter on every host, with a store that all share.
const COUNTERS: &str = r#"
[application]
name = "counters"
[actors.counter]
component = "{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm"
place = { replicas = 3 }
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/nats" }
[[routes]]
path = "/*"
to = "counter"
"#;

/// The shop, its two actors wherever they like.
const SHOP: &str = r#"
[application]
name = "shop"
[actors.cart]
component = "{root}/examples/shop/cart/target/wasm32-wasip2/release/cart.wasm"
place = { on = { tier = "web" } }
links."acme:tax/rates" = { to = "tax", reach = "lattice" }
[actors.tax]
component = "{root}/examples/shop/tax/build/tax.wasm"
place = { on = { tier = "back" } }
[[routes]]
path = "/cart"
to = "cart"
"#;

fn tier(tier: &str) -> impl FnOnce(&mut host::node::NodeSettings) {
    let labels = [("tier".parse().unwrap(), tier.parse().unwrap())].into();
    move |settings| settings.labels = labels
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ingress_answers_and_all_count_together() {
    let lattice = Lattice::of(&["a", "b", "c"]).await.unwrap();
    let version = lattice.up_text(COUNTERS).await.unwrap();
    lattice.running("counters", version, 3).await.unwrap();
    for (count, host) in (1..=6).zip(["a", "b", "c", "a", "b", "c"]) {
        let answer = lattice.answer(host, "/x").await.unwrap();
        assert_eq!(answer.body, format!(r#"{{"counter":{count}}}"#), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_travel_to_where_their_target_is() {
    let mut lattice = Lattice::new();
    lattice.join("web", tier("web")).await.unwrap();
    lattice.join("back", tier("back")).await.unwrap();
    lattice.join("edge", |_| {}).await.unwrap();
    lattice.up_text(SHOP).await.unwrap();
    let answers: Vec<String> = {
        let mut answers = Vec::new();
        for host in ["web", "back", "edge"] {
            answers.push(lattice.answer(host, "/cart").await.unwrap().body);
        }
        answers
    };
    assert!(answers.iter().all(|answer| *answer == answers[0] && !answer.is_empty()), "{answers:?}");
    let runs = |host: &str| lattice.host(host).unwrap().runs("shop");
    assert_eq!(["web", "back", "edge"].map(runs), [true, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_host_ran_answers_elsewhere() {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    for host in ["one", "two"] {
        lattice.join(host, tier("web")).await.unwrap();
    }
    lattice.join("back", tier("back")).await.unwrap();
    lattice.up_text(SHOP).await.unwrap();
    let before = lattice.answer("edge", "/cart").await.unwrap();
    let ran = if lattice.host("one").unwrap().runs("shop") { "one" } else { "two" };
    let other = if ran == "one" { "two" } else { "one" };
    lattice.crash(ran).unwrap();
    lattice.until("the other host takes over", |lattice| lattice.host(other).unwrap().runs("shop")).await.unwrap();
    assert_eq!(lattice.answer("edge", "/cart").await.unwrap().body, before.body);
    let died = |news: &NodeNews| matches!(news, NodeNews::Report(Report::Died(host)) if host.as_str() == ran);
    assert!(lattice.hosts().any(|(_, host)| host.news().iter().any(died)), "somebody has told of it");
}

/// Asks for `path` again and again until it is stopped; gives the answers that were not good.
fn ask_on(url: String) -> (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<(usize, Vec<String>)>) {
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let asking = tokio::spawn(async move {
        let (mut asked, mut bad) = (0, Vec::new());
        while stopped.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            asked += 1;
            match get(&url).await {
                Ok(answer) if answer.status == 200 => {}
                other => bad.push(format!("{other:?}")),
            }
        }
        (asked, bad)
    });
    (stop, asking)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_drains_loses_no_call() {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    for host in ["one", "two"] {
        lattice.join(host, tier("web")).await.unwrap();
    }
    lattice.join("back", tier("back")).await.unwrap();
    lattice.up_text(SHOP).await.unwrap();
    lattice.answer("edge", "/cart").await.unwrap();
    let ran = if lattice.host("one").unwrap().runs("shop") { "one" } else { "two" };
    let (stop, asking) = ask_on(lattice.host("edge").unwrap().url("/cart").unwrap());
    lattice.drain(ran).await.unwrap();
    // It has left: whoever answers now is the other.
    lattice.answer("edge", "/cart").await.unwrap();
    stop.send(()).unwrap();
    let (asked, bad) = asking.await.unwrap();
    assert!(asked > 0 && bad.is_empty(), "{} of {asked} failed: {bad:#?}", bad.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_switches_without_a_failed_call() {
    let lattice = Lattice::of(&["a", "b", "c"]).await.unwrap();
    let version = lattice.up_text(COUNTERS).await.unwrap();
    lattice.running("counters", version, 3).await.unwrap();
    let asking: Vec<_> = lattice.hosts().map(|(_, host)| ask_on(host.url("/x").unwrap())).collect();
    // Another component, another configuration, and back.
    let javascript = COUNTERS.replace("target/wasm32-wasip2/release/kvcounter.wasm", "js/build/kvcounter.wasm");
    let limited = COUNTERS.replace("place =", "limits.instances = 7\nplace =");
    for manifest in [&limited, COUNTERS, &javascript] {
        let version = lattice.up_text(manifest).await.unwrap();
        lattice.running("counters", version, 3).await.unwrap();
    }
    for (stop, asking) in asking {
        stop.send(()).unwrap();
        let (asked, bad) = asking.await.unwrap();
        assert!(asked > 0 && bad.is_empty(), "{} of {asked} failed: {bad:#?}", bad.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_cannot_be_loaded_leaves_the_one_that_runs() {
    let cache = tempfile::tempdir().unwrap();
    let mut lattice = Lattice::new();
    let folder = cache.path().to_owned();
    lattice.join("a", |settings| settings.cache = folder).await.unwrap();
    let manifest = COUNTERS.replace("replicas = 3", "replicas = 1");
    let version = lattice.up_text(&manifest).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    lattice.answer("a", "/x").await.unwrap();
    // The bytes of the next version are lost before the host has fetched them.
    let javascript = manifest.replace("target/wasm32-wasip2/release/kvcounter.wasm", "js/build/kvcounter.wasm");
    let before: Vec<_> = lattice.objects().list().await.unwrap();
    lattice.host("a").unwrap().link.set_open(false);
    let next = lattice.up_text(&javascript).await.unwrap();
    let lost = lose(&lattice, &before).await;
    assert!(!lost.is_empty());
    lattice.host("a").unwrap().link.set_open(true);
    let fails = |lattice: &Lattice| {
        let status = lattice.host("a").unwrap().node.status();
        let status = status.borrow();
        let app = status.apps.values().next();
        app.is_some_and(|app| app.wanted == Some(next) && app.version == Some(version) && !app.failing.is_empty())
    };
    lattice.until("it fails", fails).await.unwrap();
    assert_eq!(lattice.answer("a", "/x").await.unwrap().body, r#"{"counter":2}"#);
    let record = lattice.buckets().hosts.get("a").await.unwrap();
    assert!(record.is_some(), "its record tells of it");
    // They are found again: the next try succeeds.
    for (digest, bytes) in lost {
        lattice.objects().put(digest, bytes).await.unwrap();
    }
    lattice.running("counters", next, 1).await.unwrap();
    assert_eq!(lattice.answer("a", "/x").await.unwrap().body, r#"{"counter":3}"#);
}

/// A version that calls what does not come up on another host is held back for it, but not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_not_held_back_for_long() {
    let cache = tempfile::tempdir().unwrap();
    let mut lattice = Lattice::new();
    lattice.join("web", tier("web")).await.unwrap();
    let folder = cache.path().to_owned();
    let back = |settings: &mut host::node::NodeSettings| {
        tier("back")(settings);
        settings.cache = folder;
    };
    lattice.join("back", back).await.unwrap();
    let version = lattice.up_text(&SHOP.replace("\"back\"", "\"web\"")).await.unwrap();
    lattice.running("shop", version, 1).await.unwrap();
    // What is called is another actor, on a host that cannot have its bytes.
    lattice.host("back").unwrap().link.set_open(false);
    let far = SHOP.replace("to = \"tax\"", "to = \"far\"").replace("actors.tax", "actors.far");
    let next = lattice.up_text(&far).await.unwrap();
    assert!(!lose(&lattice, &[]).await.is_empty());
    lattice.host("back").unwrap().link.set_open(true);
    let fails = |lattice: &Lattice| {
        let status = lattice.host("back").unwrap().node.status();
        status.borrow().apps.values().any(|app| !app.failing.is_empty())
    };
    lattice.until("what it calls does not come up", fails).await.unwrap();
    let goes_on = |lattice: &Lattice| {
        let status = lattice.host("web").unwrap().node.status();
        status.borrow().apps.values().any(|app| app.version == Some(next))
    };
    lattice.until("it goes on without", goes_on).await.unwrap();
    assert!(fails(&lattice));
}

/// Removes the components from the lattice that are not among `kept`; gives them.
async fn lose(lattice: &Lattice, kept: &[Stored]) -> Vec<(Digest, Bytes)> {
    let mut lost = Vec::new();
    for object in lattice.objects().list().await.unwrap().into_iter().filter(|object| !kept.contains(object)) {
        let Stored { digest, revision, .. } = object;
        let bytes = lattice.objects().get(digest, u64::MAX).await.unwrap().unwrap();
        if bytes.starts_with(b"\0asm") {
            lattice.objects().delete(digest, revision).await.unwrap();
            lost.push((digest, bytes));
        }
    }
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_lattice_calls_inside_a_host_go_on() {
    let manifest = COUNTERS.replace("keyvalue/nats", "keyvalue/embedded").replace("replicas = 3", "replicas = 1");
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let version = lattice.up_text(&manifest).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    let (ran, other) = if lattice.host("a").unwrap().runs("counters") { ("a", "b") } else { ("b", "a") };
    lattice.answer(ran, "/x").await.unwrap();
    lattice.answer(other, "/x").await.unwrap();
    lattice.hosts().for_each(|(_, host)| host.link.set_open(false));
    lattice
        .until("the hosts know", |lattice| lattice.hosts().all(|(_, host)| !host.node.status().borrow().connected))
        .await
        .unwrap();
    for count in 3..=20 {
        let answer = get(&lattice.host(ran).unwrap().url("/x").unwrap()).await.unwrap();
        assert_eq!(answer.body, format!(r#"{{"counter":{count}}}"#));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let far = get(&lattice.host(other).unwrap().url("/x").unwrap()).await.unwrap();
    assert_eq!(far.status, 503, "{far:?}");
    lattice.hosts().for_each(|(_, host)| host.link.set_open(true));
    assert_eq!(lattice.answer(other, "/x").await.unwrap().body, r#"{"counter":21}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_state_is_kept_over_versions_and_lives() {
    let manifest = COUNTERS.replace("keyvalue/nats", "keyvalue/embedded").replace("replicas = 3", "replicas = 1");
    let mut lattice = Lattice::of(&["a"]).await.unwrap();
    let version = lattice.up_text(&manifest).await.unwrap();
    lattice.running("counters", version, 1).await.unwrap();
    assert_eq!(lattice.answer("a", "/x").await.unwrap().body, r#"{"counter":1}"#);
    let (stop, asking) = ask_on(lattice.host("a").unwrap().url("/y").unwrap());
    // Another component keeps the store open; another configuration opens it anew in its place.
    let limited = manifest.replace("place =", "limits.instances = 7\nplace =");
    let configured = limited.replace("\"keyvalue/embedded\"", "\"keyvalue/embedded\", config = { max-keys = 5000 }");
    for manifest in [&limited, &configured] {
        let version = lattice.up_text(manifest).await.unwrap();
        lattice.running("counters", version, 1).await.unwrap();
    }
    stop.send(()).unwrap();
    let (asked, bad) = asking.await.unwrap();
    assert!(asked > 0 && bad.is_empty(), "{} of {asked} failed: {bad:#?}", bad.len());
    assert_eq!(lattice.answer("a", "/x").await.unwrap().body, r#"{"counter":2}"#);
    let data = lattice.crash("a").unwrap();
    lattice.join("b", |_| {}).await.unwrap();
    lattice.join_with("a", data, |_| {}).await.unwrap();
    assert_eq!(lattice.answer("b", "/x").await.unwrap().body, r#"{"counter":3}"#);
}
