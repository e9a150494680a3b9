//! Actors that serve `wasi:http`, from the ingress of hosts that do not run them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use host::limits::DRAIN_TIME_MAX;
use http::HeaderMap;
use testkit::application::root;
use testkit::http::{get, request};
use testkit::lattice::Lattice;

use super::client::Exchange;

fn tier(tier: &str) -> impl FnOnce(&mut host::node::NodeSettings) {
    let labels = [("tier".parse().unwrap(), tier.parse().unwrap())].into();
    move |settings| settings.labels = labels
}

/// A route to this guest, on hosts of tier `web`.
fn manifest(guest: &str, more: &str) -> String {
    format!(
        "[application]\nname = \"site\"\n[actors.web]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/{guest}.wasm\"\n\
         place = {{ on = {{ tier = \"web\" }} }}\n{more}\n[[routes]]\npath = \"/*\"\nto = \"web\"\n"
    )
}

/// Hosts `edge` and `web`; the guest runs on the second.
async fn apart(guest: &str, more: &str) -> Lattice {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    lattice.join("web", tier("web")).await.unwrap();
    let version = lattice.up_text(&manifest(guest, more)).await.unwrap();
    lattice.running("site", version, 1).await.unwrap();
    lattice.answer("edge", "/hello").await.unwrap();
    assert!(!lattice.host("edge").unwrap().runs("site"));
    lattice
}

fn begin(lattice: &Lattice, is_h2: bool, path: &str, headers: &[(&str, &str)]) -> Exchange {
    Exchange::begin_at(&lattice.host("edge").unwrap().url(path).unwrap(), is_h2, headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ingress_answers_alike() {
    for guest in ["http_app", "http_next"] {
        let lattice = apart(guest, "limits = { execution = \"1s\" }").await;
        for host in ["edge", "web"] {
            let url = |path: &str| lattice.host(host).unwrap().url(path).unwrap();
            assert_eq!(get(&url("/hello")).await.unwrap().body, "hello\n");
            let head = request("HEAD", &url("/hello"), &[], "").await.unwrap();
            assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("6")));
            let posted = request("POST", &url("/echo"), &[], "as it comes").await.unwrap();
            assert_eq!((posted.status, posted.body.as_str()), (200, "as it comes"));
            let seen = request("POST", &url("/head?a=b%20c"), &[("x-one", "\u{e4}")], "").await.unwrap();
            assert!(seen.body.contains("/head?a=b%20c"), "{seen:?}");
            // A fresh instance for each.
            for _ in 0..2 {
                assert_eq!(get(&url("/seen")).await.unwrap().body, "1");
            }
            for path in ["/panic", "/refuse"] {
                assert_eq!(get(&url(path)).await.unwrap().status, 502, "{guest} {host} {path}");
            }
            let mut exchange = Exchange::begin_at(&url("/late/panic"), true, &[]);
            exchange.end(None).await;
            if let Some(answer) = exchange.perhaps().await {
                let (body, _, is_whole) = answer.rest().await;
                assert!(!is_whole && b"half of it".starts_with(&body), "{guest} {host}: {body:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_trailers_stream_both_ways() {
    let sent: HeaderMap = [("x-check".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
    for guest in ["http_app", "http_next"] {
        let lattice = apart(guest, "").await;
        for is_h2 in [false, true] {
            let mut exchange = begin(&lattice, is_h2, "/echo", &[]);
            // Each part is back before the next is sent: nobody waits for the whole.
            assert!(exchange.send("one").await);
            let mut answer = exchange.answer().await;
            for text in ["one", "two", "three"] {
                assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), text);
                let next = if text == "one" { "two" } else { "three" };
                assert!(text == "three" || exchange.send(next).await);
            }
            exchange.end(None).await;
            assert_eq!(answer.rest().await, (Vec::new(), HeaderMap::new(), true));
        }
    }
    let lattice = apart("http_app", "").await;
    for is_h2 in [false, true] {
        let mut exchange = begin(&lattice, is_h2, "/trailers", &[("te", "trailers"), ("trailer", "x-check")]);
        assert!(exchange.send("1234").await);
        exchange.end(Some(sent.clone())).await;
        let (body, trailers, is_whole) = exchange.answer().await.rest().await;
        assert_eq!(String::from_utf8(body).unwrap(), r#"[("x-check", "7")]"#);
        assert_eq!((&trailers["x-sum"], &trailers["x-back"]), (&"4".parse().unwrap(), &"x-check=7".parse().unwrap()));
        assert!(is_whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn much_travels_both_ways_at_once_and_a_slow_reader_holds_it_up() {
    const PART: usize = 64 << 10;
    const PARTS: usize = 512;
    /// What may be on its way with all that is between: the client, two connections, two ends of the lattice, the guest.
    const ON_ITS_WAY: usize = 12 << 20;
    let lattice = apart("http_app", "limits = { execution = \"300s\" }").await;
    let mut exchange = begin(&lattice, true, "/echo", &[]);
    assert!(exchange.send(vec![0_u8; PART]).await);
    let mut answer = exchange.answer().await;
    // Nobody reads the answer: soon nobody takes the request either.
    let mut parts = 1;
    while exchange.send_within(vec![u8::try_from(parts % 251).unwrap(); PART], Duration::from_secs(2)).await {
        parts += 1;
        assert!(parts * PART <= ON_ITS_WAY, "{parts} parts were taken, and none was read");
    }
    // The one that waited was given up. From here on the answer is read, and all of it comes.
    let sending = async {
        for part in parts..PARTS {
            assert!(exchange.send(vec![u8::try_from(part % 251).unwrap(); PART]).await);
        }
        exchange.end(None).await;
    };
    let reading = async {
        let mut read = 0;
        while let Some(frame) = answer.frame().await {
            for byte in frame.unwrap().into_data().unwrap() {
                assert_eq!(usize::from(byte), read / PART % 251, "at {read}");
                read += 1;
            }
        }
        read
    };
    let ((), read) = tokio::join!(sending, reading);
    assert_eq!(read, PARTS * PART);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_frees_the_instance() {
    // One instance: whoever comes next waits for it.
    let lattice = apart("http_app", "limits = { instances = 1, execution = \"300s\" }").await;
    for is_h2 in [false, true] {
        let mut exchange = begin(&lattice, is_h2, "/endless", &[]);
        exchange.end(None).await;
        let mut answer = exchange.answer().await;
        for _ in 0..100 {
            answer.frame().await.unwrap().unwrap();
        }
        drop(answer);
        assert_eq!(lattice.answer("edge", "/hello").await.unwrap().body, "hello\n");
        // In the middle of its upload, while the guest reads.
        let exchange = begin(&lattice, is_h2, "/count", &[]);
        for _ in 0..8 {
            assert!(exchange.send(vec![0_u8; 64 << 10]).await);
        }
        drop(exchange);
        assert_eq!(lattice.answer("edge", "/hello").await.unwrap().body, "hello\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_or_falls_silent_breaks_the_answer_off() {
    for dies in [true, false] {
        let mut lattice = apart("http_app", "").await;
        let mut exchange = begin(&lattice, false, "/endless", &[]);
        exchange.end(None).await;
        let mut answer = exchange.answer().await;
        for _ in 0..100 {
            answer.frame().await.unwrap().unwrap();
        }
        if dies {
            lattice.crash("web").unwrap();
        } else {
            lattice.host("web").unwrap().link.set_open(false);
        }
        let (_, _, is_whole) = answer.rest().await;
        assert!(!is_whole);
        let refused = get(&lattice.host("edge").unwrap().url("/hello").unwrap()).await.unwrap();
        assert!(matches!(refused.status, 503 | 504), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_streams_on_a_host_that_drains_is_finished_there() {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    for host in ["one", "two"] {
        lattice.join(host, tier("web")).await.unwrap();
    }
    let version = lattice.up_text(&manifest("http_app", "")).await.unwrap();
    lattice.running("site", version, 1).await.unwrap();
    lattice.answer("edge", "/hello").await.unwrap();
    let ran = if lattice.host("one").unwrap().runs("site") { "one" } else { "two" };
    let mut exchange = begin(&lattice, false, "/echo", &[]);
    assert!(exchange.send("before").await);
    let mut answer = exchange.answer().await;
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "before");
    let url = lattice.host("edge").unwrap().url("/hello").unwrap();
    let during = async {
        // Others are served meanwhile, wherever.
        for _ in 0..20 {
            assert_eq!(get(&url).await.unwrap().status, 200);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(exchange.send("after").await);
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "after");
        exchange.end(None).await;
        assert_eq!(answer.rest().await, (Vec::new(), HeaderMap::new(), true));
    };
    let begun = std::time::Instant::now();
    let (drained, ()) = tokio::join!(lattice.drain(ran), during);
    drained.unwrap();
    assert!(begun.elapsed() < DRAIN_TIME_MAX * 2);
    assert_eq!(get(&url).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_one_host_refuses_is_taken_with_its_body_to_another() {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    for host in ["one", "two"] {
        lattice.join(host, tier("web")).await.unwrap();
    }
    let limits = "limits = { instances = 1, queue = 0, execution = \"300s\" }";
    let two = manifest("http_app", limits).replace("place = {", "place = { replicas = 2,");
    let version = lattice.up_text(&two).await.unwrap();
    lattice.running("site", version, 2).await.unwrap();
    lattice.answer("edge", "/hello").await.unwrap();
    // One of the two is taken up.
    let mut endless = begin(&lattice, false, "/endless", &[]);
    endless.end(None).await;
    let mut endless = endless.answer().await;
    endless.frame().await.unwrap().unwrap();
    let url = lattice.host("edge").unwrap().url("/echo").unwrap();
    // Part of the body is there at once, the rest is not read before somebody takes the request.
    let body = "0123456789".repeat(30_000);
    let mut served = 0;
    while served < 12 {
        let answer = request("POST", &url, &[], &body).await.unwrap();
        // The instance that answered last may not be free again yet.
        assert!(answer.status == 503 || answer.status == 200 && answer.body == body, "{:.200}", answer.body);
        served += usize::from(answer.status == 200);
    }
    // Once both are, nobody else is left.
    let _other = loop {
        let mut other = begin(&lattice, false, "/endless", &[]);
        other.end(None).await;
        let mut answer = other.answer().await;
        if answer.status == 200 {
            answer.frame().await.unwrap().unwrap();
            break answer;
        }
    };
    let refused = request("POST", &url, &[], &body).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_switches_without_a_failed_request() {
    let mut lattice = Lattice::new();
    lattice.join("edge", |_| {}).await.unwrap();
    for host in ["one", "two"] {
        lattice.join(host, tier("web")).await.unwrap();
    }
    let both = |guest: &str| manifest(guest, "").replace("place = {", "place = { replicas = 2,");
    let version = lattice.up_text(&both("http_app")).await.unwrap();
    lattice.running("site", version, 2).await.unwrap();
    for host in ["edge", "one", "two"] {
        lattice.answer(host, "/hello").await.unwrap();
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = lattice
        .hosts()
        .map(|(_, host)| (host.url("/echo").unwrap(), stopped.clone()))
        .map(|(url, stopped)| {
            tokio::spawn(async move {
                let (mut asked, mut bad) = (0, Vec::new());
                while !stopped.load(Ordering::SeqCst) {
                    asked += 1;
                    match request("POST", &url, &[], "as it comes").await {
                        Ok(answer) if answer.status == 200 && answer.body == "as it comes" => {}
                        other => bad.push(format!("{other:?}")),
                    }
                }
                (asked, bad)
            })
        })
        .collect();
    // Another version of the contract, and back.
    for guest in ["http_next", "http_app"] {
        let version = lattice.up_text(&both(guest)).await.unwrap();
        lattice.running("site", version, 2).await.unwrap();
    }
    stopped.store(true, Ordering::SeqCst);
    for asking in asking {
        let (asked, bad) = asking.await.unwrap();
        assert!(asked > 0 && bad.is_empty(), "{} of {asked} failed: {bad:#?}", bad.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_reached_from_every_host() {
    let lattice = Lattice::of(&["a", "b", "c"]).await.unwrap();
    let version = lattice.up(&root().join("examples/hello-http")).await.unwrap();
    lattice.running("hello-http", version, 1).await.unwrap();
    for host in ["a", "b", "c"] {
        assert_eq!(lattice.answer(host, "/you").await.unwrap().body, "Hello, you!\n");
        let url = lattice.host(host).unwrap().url("/").unwrap();
        assert_eq!(request("POST", &url, &[], "as it comes").await.unwrap().body, "as it comes");
    }
}
