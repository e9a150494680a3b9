//! Chains of middleware, before links and before routes.

use adapter::value::Value;
use testkit::application::{Running, guest, root, run};
use testkit::caller::{Caller, contract};
use testkit::http::{Answer, request};
use testkit::lattice::Lattice;

use crate::scene::{assert_get, start, told};

const BUILT: &str = "{root}/examples/middleware/target/wasm32-wasip2/release";
const GUESTS: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release";
const KVCOUNTER: &str = "{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm";
const TOKEN: [(&str, &str); 1] = [("authorization", "Bearer open-sesame")];

async fn ask(url: String, headers: &[(&str, &str)]) -> Answer {
    request("GET", &url, headers, "").await.unwrap()
}

/// Status, the header of the one middleware, the header of the other.
fn marks(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("x-middleware"), answer.header("www-authenticate"))
}

async fn served(running: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(running.url(path).unwrap(), headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_guards_and_marks_in_both_orders() {
    let running = run(&root().join("examples/middleware")).await.unwrap();
    let plain = served(&running, "/", &[]).await;
    assert_eq!((marks(&plain), plain.body.as_str()), ((200, None, None), "Hello!\n"));
    let marked = (200, Some("add-header"), None);
    for path in ["/guarded", "/marked"] {
        let passed = served(&running, path, &TOKEN).await;
        assert_eq!((marks(&passed), passed.body.as_str()), (marked, "Hello!\n"), "{path}");
        // Bodies go both ways.
        let body = "0123456789".repeat(30_000);
        let echoed = request("POST", &running.url(path).unwrap(), &TOKEN, &body).await.unwrap();
        assert_eq!(marks(&echoed), marked, "{path}");
        assert!(echoed.body == body, "{path}: {} bytes", echoed.body.len());
    }
    // What the guard refuses has come past the other only where that stands first.
    for wrong in [&[][..], &[("authorization", "Bearer open-sesamE")], &[("authorization", "Bearer open")]] {
        assert_eq!(marks(&served(&running, "/guarded", wrong).await), (401, None, Some("Bearer")), "{wrong:?}");
        assert_eq!(marks(&served(&running, "/marked", wrong).await), (401, Some("add-header"), Some("Bearer")));
    }
}

/// An application of kvcounter, whose count goes through `doubler` to an actor that passes it on to a store.
fn counting(reach: &str, routes: &str, more: &str) -> String {
    format!(
        r#"
        [application]
        name = "test"
        [actors.web]
        component = "{KVCOUNTER}"
        links."lath:keyvalue" = {{ to = "hop", reach = "{reach}", via = ["doubler", "again"] }}
        [actors.doubler]
        component = "{GUESTS}/doubler.wasm"
        [actors.again]
        component = "{GUESTS}/doubler.wasm"
        [actors.tagger]
        component = "{GUESTS}/tagger.wasm"
        [actors.hop]
        component = "{GUESTS}/counter_hop.wasm"
        links."lath:keyvalue" = {{ to = "kv" }}
        {more}
        [providers]
        kv = {{ use = "keyvalue/memory" }}
        [[routes]]
        path = "/plain/*"
        to = "web"
        {routes}
        "#
    )
}

const TAGGED: &str = "[[routes]]\npath = \"/tagged/*\"\nto = \"web\"\nvia = [\"tagger\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_any_reach_has_a_chain() {
    for reach in ["fused", "host", "lattice"] {
        let running = start(&counting(reach, TAGGED, "")).await;
        assert_get(&running, "/plain/a?amount=5", 200, "{\"counter\":20}").await;
        assert_get(&running, "/plain/a", 200, "{\"counter\":24}").await;
        let tagged = served(&running, "/tagged/b?amount=2", &[]).await;
        let seen = (tagged.status, tagged.body.as_str(), tagged.header("x-tag"));
        assert_eq!(seen, (200, "{\"counter\":8}", Some("tagger")), "{reach}");
        assert_eq!(served(&running, "/plain/b", &[]).await.header("x-tag"), None);
    }
}

/// The middleware was built with an early release of 0.2, the actor with a later one.
#[tokio::test(flavor = "multi_thread")]
async fn the_older_handler_has_a_chain() {
    let running = start(&format!(
        "[application]\nname = \"test\"\n[actors.web]\ncomponent = \"{GUESTS}/http_app.wasm\"\n\
         [actors.gate]\ncomponent = \"{GUESTS}/gate.wasm\"\n\
         [[routes]]\npath = \"/*\"\nto = \"web\"\nvia = [\"gate\"]\n"
    ))
    .await;
    assert_eq!(served(&running, "/hello", &[]).await.status, 403);
    let passed = served(&running, "/hello", &[("x-pass", "1")]).await;
    assert_eq!((passed.status, passed.body.as_str()), (200, "hello\n"));
}

/// What passes the chain are resources: one copy serves all imports of the link, or its buckets would not be theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_native_link_has_a_chain() {
    let running = start(&format!(
        r#"
        [application]
        name = "test"
        [actors.outer]
        component = "{GUESTS}/keyvalue_draft.wasm"
        links."wasi:keyvalue" = {{ to = "kv", via = ["scope"] }}
        [actors.bare]
        component = "{GUESTS}/keyvalue_draft.wasm"
        links."wasi:keyvalue" = {{ to = "kv" }}
        [actors.scope]
        component = "{GUESTS}/scope.wasm"
        [providers]
        kv = {{ use = "keyvalue/memory" }}
        "#
    ))
    .await;
    let contract = || contract(&guest("wasm32-wasip2", "keyvalue_draft"), "probe").unwrap();
    let (outer, bare) = (running.caller("outer", contract()), running.caller("bare", contract()));
    let text = |text: &str| Value::String(text.to_owned());
    let increment = async |caller: &Caller<'_>, key: &str, delta| {
        told(caller.call("increment", &[text(""), text(key), Value::U64(delta)]).await)
    };
    let sum = |sum: u64| format!("Result(Ok(Some(U64({sum}))))");
    assert_eq!(increment(&outer, "n", 7).await, sum(7));
    assert_eq!(increment(&bare, "n", 1).await, sum(1));
    assert_eq!(increment(&bare, "scope/n", 2).await, sum(9));
    assert!(told(outer.call("get-second", &[text(""), text("n")]).await).contains("[57]"));
    assert!(told(outer.call("get-second", &[text("none"), text("n")]).await).contains("no-such-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_go_from_host_to_host() {
    let mut lattice = Lattice::new();
    for (name, side) in [("near", "near"), ("far", "far")] {
        let labels = [("side".parse().unwrap(), side.parse().unwrap())].into();
        lattice.join(name, |settings| settings.labels = labels).await.unwrap();
    }
    let place = |actor: &str, side: &str| format!("[actors.{actor}.place]\non = {{ side = \"{side}\" }}\n");
    // Requests come to `near`, where only the ingress is.
    let more = format!("{}{}", place("web", "far"), place("hop", "far"));
    let version = lattice.up_text(&counting("lattice", TAGGED, &more)).await.unwrap();
    lattice.running("test", version, 1).await.unwrap();
    let tagged = lattice.answer("near", "/tagged/a?amount=3").await.unwrap();
    assert_eq!((tagged.body.as_str(), tagged.header("x-tag")), ("{\"counter\":12}", Some("tagger")));
    assert_eq!(lattice.answer("near", "/plain/a").await.unwrap().header("x-tag"), None);

    let streamed = format!(
        "[application]\nname = \"streamed\"\n\
         [actors.hello]\ncomponent = \"{BUILT}/hello.wasm\"\nplace = {{ on = {{ side = \"far\" }} }}\n\
         [actors.add-header]\ncomponent = \"{BUILT}/add_header.wasm\"\n\
         [actors.require-token]\ncomponent = \"{BUILT}/require_token.wasm\"\nconfig = {{ token = \"open-sesame\" }}\n\
         [[routes]]\npath = \"/open\"\nto = \"hello\"\n\
         [[routes]]\npath = \"/guarded\"\nto = \"hello\"\nvia = [\"require-token\", \"add-header\"]\n"
    );
    let version = lattice.up_text(&streamed).await.unwrap();
    lattice.running("streamed", version, 1).await.unwrap();
    let open = lattice.answer("near", "/open").await.unwrap();
    assert_eq!((marks(&open), open.body.as_str()), ((200, None, None), "Hello!\n"));
    let guarded = lattice.host("near").unwrap().url("/guarded").unwrap();
    assert_eq!(marks(&ask(guarded.clone(), &[]).await), (401, None, Some("Bearer")));
    let passed = ask(guarded, &TOKEN).await;
    assert_eq!((marks(&passed), passed.body.as_str()), ((200, Some("add-header"), None), "Hello!\n"));
    let status = lattice.operator().status(None).await.unwrap();
    let chains = status.applications.iter().flat_map(|app| &app.chains);
    let chains = chains.map(|chain| format!("{} → {:?} → {}", chain.of, chain.via, chain.to));
    let links = status.applications.iter().flat_map(|app| &app.links).filter(|link| !link.via.is_empty());
    let links = links.map(|link| format!("{} {} → {:?} → {}", link.actor, link.import, link.via, link.target));
    let chains: Vec<_> = chains.chain(links).collect();
    let names =
        |names: &[&str]| names.iter().map(|name| format!("ActorName(\"{name}\")")).collect::<Vec<_>>().join(", ");
    assert_eq!(
        chains,
        [
            format!("route /guarded → [{}] → actor hello", names(&["require-token", "add-header"])),
            format!("route /tagged/* → [{}] → actor web", names(&["tagger"])),
            format!("web lath:keyvalue/counter@0.1.0 → [{}] → actor hop", names(&["doubler", "again"])),
        ]
    );
}
