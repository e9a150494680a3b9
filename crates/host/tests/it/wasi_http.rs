//! Actors that serve `wasi:http`, from a client's side.

pub(crate) mod client;
mod elsewhere;

use std::collections::BTreeSet;
use std::sync::Arc;

use host::ingress::{Gate, Routed};
use http::HeaderMap;
use lattice::memory::MemoryBus;
use model::blueprint::{HttpExport, HttpVersion};
use model::manifest::Route;
use testkit::application::{Running, guest};
use testkit::http::{get, request};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use self::client::{Exchange, Server, raw};
use crate::hosts::{AMPLE, Node, placement, shop};
use crate::scene::{start, until};

/// One route, to the guest that serves by the `wasi:http` of this component.
async fn app(component: &str, more: &str) -> Running {
    let component = guest("wasm32-wasip2", component);
    let component = component.canonicalize().unwrap();
    within("2s", &component.display().to_string(), more).await
}

/// A guest that may take its time.
async fn slow() -> Running {
    let component = guest("wasm32-wasip2", "http_app").canonicalize().unwrap();
    within("300s", &component.display().to_string(), "limits = { execution = \"300s\" }").await
}

async fn within(deadline: &str, component: &str, more: &str) -> Running {
    start(&format!(
        r#"
        [application]
        name = "test"
        deadline = "{deadline}"
        [actors.web]
        component = "{component}"
        {more}
        [[routes]]
        path = "/*"
        to = "web"
        "#
    ))
    .await
}

async fn old(more: &str) -> Running {
    app("http_app", more).await
}

async fn answer(running: &Running, path: &str) -> (u16, String) {
    let answer = get(&running.url(path).unwrap()).await.unwrap();
    (answer.status, answer.body)
}

/// Nothing runs any more.
async fn at_rest(running: &Running) {
    until("every instance has ended", || running.host.stats().instances == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered() {
    let running = old("").await;
    assert_eq!(answer(&running, "/hello").await, (200, "hello\n".to_owned()));
    assert_eq!(answer(&running, "/other").await, (404, "no such page\n".to_owned()));
    // A fresh instance for each.
    for _ in 0..3 {
        assert_eq!(answer(&running, "/seen").await, (200, "1".to_owned()));
    }
    let url = running.url("/head?a=b%20c").unwrap();
    let seen = request("POST", &url, &[("x-one", "1"), ("connection", "x-gone"), ("x-gone", "1")], "").await.unwrap();
    let authority = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let expected = format!("POST /head?a=b%20c Some(Scheme::Http) Some({authority:?})\n");
    assert!(seen.body.starts_with(&expected), "{seen:?}");
    assert!(seen.body.contains("\nx-one: 1\n") && !seen.body.contains("x-gone"), "{seen:?}");
    assert!(seen.header("x-request-id").is_some());
    // `HEAD` is answered as `GET`, without the body.
    let head = request("HEAD", &running.url("/hello").unwrap(), &[], "").await.unwrap();
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("6")));
    assert_eq!(answer(&running, "/big/3000000").await.1.len(), 3_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_used_again_where_the_manifest_says() {
    let running = old("limits = { reuse = 3 }").await;
    for seen in ["1", "2", "3", "1"] {
        assert_eq!(answer(&running, "/seen").await, (200, seen.to_owned()));
    }
}

/// Who answers without a body goes on behind its answer like others, and its instance may rest.
#[tokio::test(flavor = "multi_thread")]
async fn guests_end_by_themselves_after_an_empty_answer() {
    let running = old("limits = { reuse = 9 }").await;
    assert_eq!(answer(&running, "/seen").await, (200, "1".to_owned()));
    for (seen, status) in [("3", 200), ("5", 204), ("7", 304)] {
        let is_at_rest = || running.host.stats().actors.values().all(|actor| actor.running == 0);
        until("the one before has ended", is_at_rest).await;
        assert_eq!(answer(&running, &format!("/late/nap/{status}")).await, (status, String::new()));
        until("it has ended", is_at_rest).await;
        assert_eq!(answer(&running, "/seen").await, (200, seen.to_owned()), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways() {
    for is_h2 in [false, true] {
        let running = old("").await;
        let mut exchange = Exchange::begin(&running, is_h2, "/echo", &[]);
        // Each part is back before the next is sent: nobody waits for the whole.
        assert!(exchange.send("one").await);
        let mut answer = exchange.answer().await;
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        assert!(exchange.send("two").await);
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
        exchange.end(None).await;
        assert_eq!(answer.rest().await, (Vec::new(), HeaderMap::new(), true));
        // A body over what is ever held whole, over all windows and buffers.
        let mut exchange = Exchange::begin(&running, is_h2, "/count", &[]);
        for _ in 0..96 {
            assert!(exchange.send(vec![0_u8; 64 << 10]).await);
        }
        exchange.end(None).await;
        assert_eq!(exchange.answer().await.rest().await.0, (96 * (64 << 10)).to_string().as_bytes());
        at_rest(&running).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_travel_both_ways() {
    let running = old("").await;
    let sent: HeaderMap = [("x-check".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
    for is_h2 in [false, true] {
        let mut exchange = Exchange::begin(&running, is_h2, "/trailers", &[("te", "trailers"), ("trailer", "x-check")]);
        assert!(exchange.send("1234").await);
        exchange.end(Some(sent.clone())).await;
        let (body, trailers, is_whole) = exchange.answer().await.rest().await;
        assert_eq!(String::from_utf8(body).unwrap(), r#"[("x-check", "7")]"#);
        assert_eq!((&trailers["x-sum"], &trailers["x-back"]), (&"4".parse().unwrap(), &"x-check=7".parse().unwrap()));
        assert!(is_whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_before_the_head_have_their_status() {
    let running = old("limits = { execution = \"300ms\" }").await;
    for (path, status) in [("/panic", 502), ("/silent", 502), ("/refuse", 502), ("/spin", 504), ("/hello", 200)] {
        assert_eq!(answer(&running, path).await.0, status, "{path}");
    }
    at_rest(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_after_the_head_break_the_answer_off() {
    let running = old("limits = { execution = \"300ms\" }").await;
    for is_h2 in [false, true] {
        for (path, sent) in [("/late/panic", "half of it"), ("/unfinished", "half of it"), ("/late/spin", "")] {
            let mut exchange = Exchange::begin(&running, is_h2, path, &[]);
            exchange.end(None).await;
            // Over HTTP/1.1 the head may be lost with the connection.
            let Some(answer) = exchange.perhaps().await else { continue };
            assert_eq!(answer.status, 200, "{path}");
            let (body, _, is_whole) = answer.rest().await;
            assert!(!is_whole, "{path}: {body:?}");
            assert!(sent.as_bytes().starts_with(&body), "{path}: {body:?}");
        }
    }
    assert_eq!(answer(&running, "/late/work").await, (200, "done\n".to_owned()));
    at_rest(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_guest() {
    let running = old("").await;
    for is_h2 in [false, true] {
        let mut exchange = Exchange::begin(&running, is_h2, "/endless", &[]);
        exchange.end(None).await;
        let mut answer = exchange.answer().await;
        for _ in 0..100 {
            answer.frame().await.unwrap().unwrap();
        }
        assert_eq!(running.host.stats().instances, 1);
        drop(answer);
        at_rest(&running).await;
    }
    // Before the head it ends as well.
    let running = slow().await;
    let mut stream = TcpStream::connect(running.host.ready().listen.unwrap()).await.unwrap();
    stream.write_all(b"GET /spin HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until("it runs", || running.host.stats().instances == 1).await;
    drop(stream);
    at_rest(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_not_upgraded() {
    let running = old("").await;
    let head = "GET /hello HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n\
                GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = raw(&running, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 501 Not Implemented\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_do_not_reach_the_guest() {
    let running = old("").await;
    let cases = [
        // Two lengths, a length beside chunks, a length that is none: who reads which? (RFC 9112, section 6.3)
        ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", "400"),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc", "400"),
        ("POST /echo HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n", "400"),
        ("POST /echo HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nabc", "400"),
        ("POST /echo HTTP/1.1\r\nhost : x\r\n\r\n", "400"),
        // Chunks that are none end the body with an error, which the guest passes on by ending its own.
        ("POST /count HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "200"),
    ];
    for (request, status) in cases {
        let answer = raw(&running, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}\n{answer}");
    }
    // A request hidden behind another's chunks is part of neither (smuggling).
    let hidden = "POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
                  0\r\n\r\nGET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = raw(&running, hidden.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\n\r\n0"), "{answer}");
    let bomb = format!("GET /hello HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert!(raw(&running, bomb.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let bomb = format!("GET /hello HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "b".repeat(40 << 10));
    assert!(raw(&running, bomb.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_concurrent_handler_is_served_too() {
    let running = app("http_next", "limits = { execution = \"1s\" }").await;
    let address = running.host.ready().listen.unwrap();
    let head = format!("Method::Get /head?a=1 Some(Scheme::Http) Some(\"{address}\")\n");
    for (path, status, body) in
        [("/hello", 200, "hello\n"), ("/head?a=1", 200, head.as_str()), ("/seen", 200, "1"), ("/seen", 200, "1")]
    {
        assert_eq!(answer(&running, path).await, (status, body.to_owned()), "{path}");
    }
    for path in ["/panic", "/refuse"] {
        assert_eq!(answer(&running, path).await.0, 502, "{path}");
    }
    for is_h2 in [false, true] {
        let mut exchange = Exchange::begin(&running, is_h2, "/late/panic", &[]);
        exchange.end(None).await;
        if let Some(answer) = exchange.perhaps().await {
            let (body, _, is_whole) = answer.rest().await;
            assert!(!is_whole && b"half of it".starts_with(&body), "{body:?}");
        }
    }
    // Who relays leaves the end of its answer to the host, and ends before it.
    for (is_h2, path) in [(false, "/echo"), (true, "/echo"), (true, "/relay")] {
        let mut exchange = Exchange::begin(&running, is_h2, path, &[]);
        assert!(exchange.send("one").await);
        let mut answer = exchange.answer().await;
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        assert!(exchange.send("two").await);
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
        let sent: HeaderMap = [("x-check".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
        exchange.end(is_h2.then(|| sent.clone())).await;
        let (rest, trailers, is_whole) = answer.rest().await;
        assert_eq!((rest, trailers, is_whole), (Vec::new(), if is_h2 { sent } else { HeaderMap::new() }, true));
    }
    at_rest(&running).await;
    let running = app("http_next", "limits = { reuse = 3 }").await;
    for seen in ["1", "2", "3", "1"] {
        assert_eq!(answer(&running, "/seen").await, (200, seen.to_owned()));
        // It rests a moment after its answer is out.
        until("it rests", || running.host.stats().actors.values().all(|actor| actor.running == 0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_out_only_where_they_were_granted() {
    let (there, elsewhere) = (Server::start().await, Server::start().await);
    for component in ["http_app", "http_next"] {
        let grants = format!("grants = {{ http = [\"http://127.0.0.1:{}\"] }}", there.port);
        let running = app(component, &grants).await;
        let fetch =
            async |port: u16, path: &str| answer(&running, &format!("/fetch?http://127.0.0.1:{port}{path}")).await;
        assert_eq!(fetch(there.port, "/page").await, (200, "the page\n".to_owned()), "{component}");
        // One connection for all of an actor's requests to one origin.
        assert_eq!(fetch(there.port, "/page").await.0, 200);
        for _ in 0..2 {
            let (status, body) = fetch(elsewhere.port, "/page").await;
            assert!(status == 200 && body.contains("HttpRequestDenied"), "{body}");
        }
        // A redirect is an answer like others: nobody goes there.
        assert_eq!(fetch(there.port, &format!("/to/{}", elsewhere.port)).await.0, 302);
        assert_eq!(elsewhere.requests(), Vec::<String>::new());
        // Nothing is granted by default.
        let running = app(component, "").await;
        let (_, body) = answer(&running, &format!("/fetch?http://127.0.0.1:{}/page", there.port)).await;
        assert!(body.contains("HttpRequestDenied"), "{body}");
    }
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let grants = format!("grants = {{ http = [\"http://127.0.0.1:{}\"] }}", there.port);
    let running = old(&grants).await;
    let url = running.url(&format!("/post?http://127.0.0.1:{}/page", there.port)).unwrap();
    let answer = request("POST", &url, &[("traceparent", trace)], "what is sent").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "the page\n"));
    let last = there.requests().pop().unwrap();
    assert!(
        last.starts_with("POST /page HTTP/1.1\r\n") && last.contains(&format!("traceparent: {trace}\r\n")),
        "{last}"
    );
    assert!(last.contains("what is sent"), "{last}");
    // A port that nobody listens on.
    let gone = { Server::start().await.port };
    let running = old(&format!("grants = {{ http = [\"http://127.0.0.1:{gone}\"] }}")).await;
    let (_, body) = self::answer(&running, &format!("/fetch?http://127.0.0.1:{gone}/")).await;
    assert!(body.contains("ConnectionRefused"), "{body}");
}

/// What a guest does behind its answer is a call that runs, as long as others may.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_answer_is_finished_before_the_host_ends() {
    let there = Server::start().await;
    let running = old(&format!("grants = {{ http = [\"http://127.0.0.1:{}\"] }}", there.port)).await;
    let path = format!("/late/nap/200?http://127.0.0.1:{}/page", there.port);
    assert_eq!(answer(&running, &path).await, (200, String::new()));
    running.host.drain().await.unwrap();
    assert_eq!(there.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_says_hello() {
    let running = testkit::application::run(&testkit::application::root().join("examples/hello-http")).await.unwrap();
    assert_eq!(answer(&running, "/you").await, (200, "Hello, you!\n".to_owned()));
    let posted = request("POST", &running.url("/").unwrap(), &[], "as it comes").await.unwrap();
    assert_eq!((posted.status, posted.body.as_str()), (200, "as it comes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_serves_http_has_links_like_any_other() {
    let links = "links.\"lath:keyvalue/counter\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/memory\" }";
    let running = app("http_counter", links).await;
    for count in ["1", "2", "3"] {
        assert_eq!(answer(&running, "/a").await, (200, count.to_owned()));
    }
    assert_eq!(answer(&running, "/b").await, (200, "1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_component_is_served() {
    let component = guest("wasm32-wasip2", "http_app").canonicalize().unwrap();
    let running = testkit::application::run(&component).await.unwrap();
    assert_eq!(answer(&running, "/hello").await, (200, "hello\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_run_the_actor_refuses_its_requests() {
    let bus = MemoryBus::new();
    let a = Node::start("a", &bus).await;
    let mut blueprint = shop();
    let label = "wasi:http/incoming-handler@0.2.6".to_owned();
    let http = HttpExport { label: label.clone(), export: label, via: vec![], version: HttpVersion::V02 };
    blueprint.composites.values_mut().for_each(|composite| composite.http = vec![http.clone()]);
    let (path, to) = ("/*".parse().unwrap(), "cart".parse().unwrap());
    blueprint.routes = vec![Route { host: None, path, methods: BTreeSet::new(), to, via: vec![] }];
    let (blueprint, placement) = (Arc::new(blueprint), placement(1, "b c", "b"));
    a.take_up(&blueprint, &placement);
    let gate = Gate::open(([127, 0, 0, 1], 0).into(), None, a.switchboard.clone(), None).unwrap();
    gate.serve(&[Routed { blueprint, deadline: AMPLE, placement: Some(placement) }]);
    let refused = get(&format!("http://{}/", gate.address())).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.body.contains("urn:lath:problem:transport"), "{}", refused.body);
}
