//! `wasi:keyvalue`: components as they are published, over real stores.

use adapter::value::Value;
use engine::limits::KEYVALUE_OPERATIONS_MAX;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use model::failure::Failure;
use provider::limits::{BATCH_KEYS_MAX, CURSOR_LEN_MAX, KEY_LEN_MAX};
use testkit::application::{Running, guest};
use testkit::caller::{Caller, contract};
use testkit::lattice::Lattice;

use crate::scene::{start, told};

pub const APP: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_app.wasm";
const DRAFT: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_draft.wasm";

fn probe<'a>(running: &'a Running, actor: &str) -> Caller<'a> {
    running.caller(actor, contract(&guest("wasm32-wasip2", "keyvalue_app"), "probe").unwrap())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn bytes(text: &str) -> Value {
    Value::Bytes(text.as_bytes().to_vec())
}

async fn shown(probe: &Caller<'_>, function: &str, params: &[Value]) -> String {
    told(probe.call(function, params).await)
}

/// One actor with these links and providers.
async fn app(links: &str, providers: &str) -> Running {
    start(&format!(
        "[application]\nname = \"test\"\n[actors.app]\ncomponent = \"{APP}\"\nlinks.\"wasi:keyvalue\" = {links}\n[providers]\n{providers}"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_are_opened_by_the_names_that_the_link_maps() {
    let running = app(
        r#"{ to = "kv", open = { sessions = "other", carts = "kv" } }"#,
        "kv = { use = \"keyvalue/embedded\" }\nother = { use = \"keyvalue/memory\" }",
    )
    .await;
    let app = probe(&running, "app");
    for store in ["", "default", "sessions", "carts"] {
        let set = shown(&app, "set", &[text(store), text("k"), bytes(store)]).await;
        assert_eq!(set, "Result(Ok(None))", "{store:?}");
    }
    for (store, value) in [("", "default"), ("default", "default"), ("sessions", "sessions"), ("carts", "carts")] {
        let got = app.call("get", &[text(store), text("k")]).await.unwrap().unwrap();
        assert!(format!("{got:?}").contains(&format!("{:?}", value.as_bytes())), "{store:?}: {got:?}");
    }
    for store in ["kv", "other", "Default", "sessions "] {
        let got = shown(&app, "get", &[text(store), text("k")]).await;
        assert_eq!(got, "Result(Err(Some(String(\"no-such-store\"))))", "{store:?}");
    }
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_draft_runs_as_it_is() {
    let running = start(&format!(
        "[application]\nname = \"test\"\n[actors.draft]\ncomponent = \"{DRAFT}\"\nlinks.\"wasi:keyvalue\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/memory\" }}"
    ))
    .await;
    let draft = running.caller("draft", contract(&guest("wasm32-wasip2", "keyvalue_draft"), "probe").unwrap());
    let pages = shown(&draft, "pages", &[text(""), Value::U32(1_201)]).await;
    assert_eq!(pages.matches("String(\"k").count(), 1_201);
    assert_eq!(pages.matches("List([String").count(), 3, "in pages of 500");
    assert_eq!(shown(&draft, "increment", &[text(""), text("n"), Value::U64(7)]).await, "Result(Ok(Some(U64(7))))");
    let beyond = shown(&draft, "increment", &[text(""), text("n"), Value::U64(u64::MAX)]).await;
    assert!(beyond.contains("is beyond 63 bits, nothing was changed"), "{beyond}");
    assert!(shown(&draft, "get-second", &[text(""), text("n")]).await.contains("[55]"));
    assert!(shown(&draft, "lost", &[text("")]).await.contains("cursor 77 is unknown or too old"));
    assert_eq!(shown(&draft, "first-again", &[text("")]).await, "Result(Ok(Some(U32(500))))");
    let more = u32::try_from(500 * (engine::limits::KEYVALUE_CURSORS_MAX + 2)).unwrap();
    shown(&draft, "pages", &[text(""), Value::U32(more)]).await;
    assert!(shown(&draft, "first-again", &[text("")]).await.contains("cursor 1 is unknown or too old"));
    running.host.drain().await.unwrap();
}

/// One call of the probe, and what it comes to.
pub type Row = (&'static str, Vec<Value>, &'static str);

const LONG_KEY: &str = "err \"other: the key has 1025 bytes, a store takes 1024 at most\"";
const MANY_KEYS: &str = "err \"other: a batch of 257 keys, a store takes 256 at most\"";

/// What every kind of store answers a component, in this order.
pub fn rows() -> Vec<Row> {
    let long = "k".repeat(KEY_LEN_MAX + 1);
    let key = |key: &str| vec![text(""), text(key)];
    let page = |cursor: &str| vec![text(""), Value::Option(Some(Box::new(text(cursor))))];
    let keys = |keys: &[&str]| vec![text(""), Value::List(keys.iter().map(|key| text(key)).collect())];
    let pair = |key: &str, value: &str| Value::Tuple(vec![text(key), bytes(value)]);
    let set = |key: &str, value: &str| vec![text(""), text(key), bytes(value)];
    let some = |value: &str| Value::Option(Some(Box::new(bytes(value))));
    vec![
        ("get", key("a"), "ok none"),
        ("set", set("a", "1"), "ok"),
        ("get", key("a"), "ok some \"1\""),
        ("exists", key("a"), "ok true"),
        ("exists", key("b"), "ok false"),
        ("increment", vec![text(""), text("a"), Value::S64(-3)], "ok -2"),
        ("get", key("a"), "ok some \"-2\""),
        ("swap", vec![text(""), text("a"), Value::Option(None), bytes("x")], "ok (some \"-2\", 0)"),
        ("swap", vec![text(""), text("a"), some("y"), bytes("z")], "ok (some \"x\", 1)"),
        ("swap", vec![text(""), text("new"), Value::Option(None), bytes("n")], "ok (none, 0)"),
        ("get-many", keys(&["new", "b", "a"]), "ok [some \"n\", none, some \"z\"]"),
        ("set-many", vec![text(""), Value::List(vec![pair("b", "2"), pair("c", "")])], "ok"),
        ("pages", vec![text("")], "ok [[\"a\", \"b\", \"c\", \"new\"]]"),
        (
            "page",
            page(&"1".repeat(CURSOR_LEN_MAX + 1)),
            "err \"other: the cursor has 2049 bytes, a store takes 2048 at most\"",
        ),
        ("set", set(&long, "v"), LONG_KEY),
        ("get", key(&long), LONG_KEY),
        ("exists", key(&long), LONG_KEY),
        ("delete", key(&long), LONG_KEY),
        ("increment", vec![text(""), text(&long), Value::S64(1)], LONG_KEY),
        ("swap", vec![text(""), text(&long), Value::Option(None), bytes("x")], LONG_KEY),
        ("get-many", keys(&["a", &long]), LONG_KEY),
        ("set-many", vec![text(""), Value::List(vec![pair("a", "3"), pair(&long, "3")])], LONG_KEY),
        ("delete-many", keys(&["a", &long]), LONG_KEY),
        ("get-many", keys(&["a"; BATCH_KEYS_MAX + 1]), MANY_KEYS),
        ("set-many", vec![text(""), Value::List(vec![pair("a", "3"); BATCH_KEYS_MAX + 1])], MANY_KEYS),
        ("delete-many", keys(&["a"; BATCH_KEYS_MAX + 1]), MANY_KEYS),
        // Nothing of what was refused was done.
        ("get", key("a"), "ok some \"z\""),
        ("delete", key("a"), "ok"),
        ("delete-many", keys(&["b", "new", "absent"]), "ok"),
        ("pages", vec![text("")], "ok [[\"c\"]]"),
        (
            "increment",
            vec![text(""), text("c"), Value::S64(1)],
            "err \"other: the value of `c` is no number, nothing was changed\"",
        ),
        ("open-many", vec![text(""), Value::U32(64)], "ok"),
        ("open-many", vec![text(""), Value::U32(65)], "err \"other: 64 buckets are open; drop some first\""),
        ("begin-many", vec![text(""), Value::U32(16)], "ok"),
        ("begin-many", vec![text(""), Value::U32(17)], "err \"other: 16 swaps are begun; end some first\""),
        ("set-large", vec![text(""), text("l"), Value::U32(1_000_000)], "ok"),
        (
            "set-large",
            vec![text(""), text("l"), Value::U32(1_000_001)],
            "err \"other: the value has 1000001 bytes, a store takes 1000000 at most\"",
        ),
        ("get-large", keys(&["l"; 8]), "ok 8000000"),
        (
            "get-large",
            keys(&["l"; 9]),
            "err \"other: the values together have more than 8388608 bytes: read fewer at once\"",
        ),
        ("get", vec![text("other"), text("a")], "err \"no-such-store\""),
    ]
}

fn brief(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Value::String(text) => format!("{text:?}"),
        Value::Option(None) => "none".to_owned(),
        Value::Option(Some(value)) => format!("some {}", brief(value)),
        Value::Result(Ok(None)) => "ok".to_owned(),
        Value::Result(Ok(Some(value))) => format!("ok {}", brief(value)),
        Value::Result(Err(Some(value))) => format!("err {}", brief(value)),
        Value::List(values) => format!("[{}]", values.iter().map(brief).collect::<Vec<_>>().join(", ")),
        Value::Tuple(values) => format!("({})", values.iter().map(brief).collect::<Vec<_>>().join(", ")),
        Value::Bool(value) => value.to_string(),
        Value::S64(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

async fn check_rows(kind: &str, app: &Caller<'_>) {
    for (step, (function, params, expected)) in rows().into_iter().enumerate() {
        let found = outcome(app.call(function, &params).await);
        assert_eq!(found, expected, "{kind}, step {step}: {function}");
    }
}

/// What a call of the probe comes to, in few words.
pub fn outcome(answer: Result<Option<Value>, Failure>) -> String {
    match answer {
        Ok(Some(value)) => brief(&value),
        other => told(other),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_finds_all_kinds_alike() {
    let redis = rig::redis::Server::start(&[]).await.unwrap();
    let redis = format!("kv = {{ use = \"keyvalue/redis\", config = {{ url = \"{}\" }} }}", redis.url());
    let kinds = [
        ("memory", "kv = { use = \"keyvalue/memory\" }"),
        ("embedded", "kv = { use = \"keyvalue/embedded\" }"),
        ("redis", &redis),
    ];
    for (kind, provider) in kinds {
        let running = app("{ to = \"kv\" }", provider).await;
        check_rows(kind, &probe(&running, "app")).await;
        running.host.drain().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_outlive_the_host() {
    let (folder, data) = (
        testkit::application::folder(&format!(
            "manifest = 1\n[application]\nname = \"test\"\n[actors.app]\ncomponent = \"{APP}\"\n\
             links.\"wasi:keyvalue\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/embedded\" }}\n"
        ))
        .unwrap(),
        tempfile::tempdir().unwrap(),
    );
    for count in 1..=3 {
        let running = testkit::application::run_with(folder.path(), data.path()).await.unwrap();
        let app = probe(&running, "app");
        let counted = app.call("increment", &[text(""), text("n"), Value::S64(1)]).await.unwrap().unwrap();
        assert_eq!(brief(&counted), format!("ok {count}"));
        running.host.drain().await.unwrap();
    }
}

/// One actor over a Redis server, with room for many instances.
async fn over_redis(server: &rig::redis::Server, deadline: &str) -> Running {
    start(&format!(
        "[application]\nname = \"test\"\n[actors.app]\ncomponent = \"{APP}\"\n\
         limits = {{ instances = 300, queue = 0, execution = \"60s\" }}\n\
         links.\"wasi:keyvalue\" = {{ to = \"kv\", deadline = \"{deadline}\" }}\n\
         [providers]\nkv = {{ use = \"keyvalue/redis\", config = {{ url = \"{}\" }} }}\n",
        server.url()
    ))
    .await
}

async fn got(app: &Caller<'_>) -> String {
    brief(&app.call("get", &[text(""), text("k")]).await.unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_at_once_are_bounded() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let running = over_redis(&server, "50s").await;
    let app = probe(&running, "app");
    assert_eq!(got(&app).await, "ok none");
    server.freeze().unwrap();
    let mut answers: FuturesUnordered<_> = (0..300).map(|_| got(&app)).collect();
    let first = answers.next().await.unwrap();
    assert_eq!(first, "err \"other: the actor has too many operations on stores at once; try again\"");
    server.thaw().unwrap();
    let others: Vec<String> = answers.collect().await;
    assert!(others.iter().filter(|answer| *answer == "ok none").count() >= KEYVALUE_OPERATIONS_MAX);
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_ends_with_the_deadline_of_its_link() {
    let mut server = rig::redis::Server::start(&[]).await.unwrap();
    let running = over_redis(&server, "100ms").await;
    server.freeze().unwrap();
    let late = got(&probe(&running, "app")).await;
    assert!(late.contains("did not answer in time"), "{late}");
    server.thaw().unwrap();
    running.host.drain().await.unwrap();
}

/// `/STORE/KEY` counts, in the store that the link of this version maps.
fn lattice_app(place: &str, link: &str) -> String {
    format!(
        "[application]\nname = \"test\"\n[actors.app]\ncomponent = \"{APP}\"\nplace = {place}\n\
         links.\"wasi:keyvalue\" = {link}\n[[routes]]\npath = \"/*\"\nto = \"app\"\n[providers]\n\
         all = {{ use = \"keyvalue/nats\" }}\nlocal = {{ use = \"keyvalue/embedded\" }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_a_lattice_share_a_store() {
    let lattice = Lattice::of(&["a", "b", "c"]).await.unwrap();
    let link = "{ to = \"all\", reach = \"lattice\" }";
    let version = lattice.up_text(&lattice_app("{ replicas = 3 }", link)).await.unwrap();
    lattice.running("test", version, 3).await.unwrap();
    for (count, host) in (1..=6).zip(["a", "b", "c", "a", "b", "c"]) {
        assert_eq!(lattice.answer(host, "/default/k").await.unwrap().body, count.to_string(), "{host}");
    }
    assert_eq!(lattice.answer("a", "/other/k").await.unwrap().body, "no-such-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_name_leads_elsewhere_from_one_version_to_the_next() {
    let lattice = Lattice::of(&["a"]).await.unwrap();
    let both = |default: &str, other: &str| format!("{{ to = \"{default}\", open = {{ s = \"{other}\" }} }}");
    for (default, other, count) in [("all", "local", "1"), ("local", "all", "1"), ("all", "local", "2")] {
        let version = lattice.up_text(&lattice_app("{}", &both(default, other))).await.unwrap();
        lattice.running("test", version, 1).await.unwrap();
        for path in ["/default/k", "/s/k"] {
            assert_eq!(lattice.answer("a", path).await.unwrap().body, count, "{version} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_component_finds_a_store() {
    let running = testkit::application::run(&guest("wasm32-wasip2", "keyvalue_app")).await.unwrap();
    check_rows("alone", &probe(&running, "keyvalue-app")).await;
    running.host.drain().await.unwrap();
}
