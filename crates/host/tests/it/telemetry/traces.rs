//! Traces and logs, as a collector gets them.

use std::collections::BTreeMap;
use std::time::Duration;

use host::limits::{COLLECTOR_ANSWER_BYTES_MAX, EXPORT_FLUSH_TIME_MAX};
use host::telemetry::{Export, Sampler, Settings, Telemetry};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use testkit::application::root;
use testkit::http::{get, request};
use testkit::lattice::Lattice;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::collector::{Collector, text, texts};
use super::metrics::run;
use crate::scene::until;
use crate::wasi_http::client::Server;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A request to `web`, over reach `host` to `near`, over reach `lattice` to `far`, and from there into the world.
const CHAIN: &str = r#"
[application]
name = "chain"
[actors.web]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/http_counter.wasm"
place = { on = { tier = "web" } }
links."lath:keyvalue/counter" = { to = "near" }
[actors.near]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/counter_hop.wasm"
place = { on = { tier = "web" } }
links."lath:keyvalue/counter" = { to = "far", reach = "lattice" }
[actors.far]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/counter_hop.wasm"
place = { on = { tier = "back" } }
grants.env = { ASK = "127.0.0.1:PORT" }
grants.http = ["http://127.0.0.1:PORT"]
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/memory" }
[[routes]]
path = "/count/{name}"
to = "web"
"#;

fn tier(tier: &str, telemetry: &Telemetry) -> impl FnOnce(&mut host::node::NodeSettings) {
    let labels = [("tier".parse().unwrap(), tier.parse().unwrap())].into();
    let telemetry = telemetry.clone();
    move |settings| {
        settings.labels = labels;
        settings.telemetry = telemetry;
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The headers of a request that an origin got.
fn header(request: &str, name: &str) -> Vec<String> {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_a_request_through_host_and_lattice_into_the_world() {
    let (origin, collector) = (Server::start().await, Collector::start().await);
    let [a, b] = ["a", "b"].map(|name| Telemetry::start(&collector.settings(name)).unwrap());
    let mut lattice = Lattice::new();
    lattice.join("a", tier("web", &a)).await.unwrap();
    lattice.join("b", tier("back", &b)).await.unwrap();
    let version = lattice.up_text(&CHAIN.replace("PORT", &origin.port.to_string())).await.unwrap();
    lattice.running("chain", version, 2).await.unwrap();
    let url = lattice.host("a").unwrap().url("/count/x").unwrap();
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let headers = [("traceparent", parent.as_str()), ("tracestate", "vendor=1")];
    until_counted(&url, &headers).await;
    let mut sent = origin.requests();
    let sent = sent.pop().unwrap();
    let [out] = <[String; 1]>::try_from(header(&sent, "traceparent")).unwrap();
    let state = header(&sent, "tracestate");
    assert!(out.starts_with(&format!("00-{TRACE}-")) && out.ends_with("-01"), "{out}");
    assert_eq!(state, ["vendor=1"]);
    // Each step's parent is the step before it; the last is the parent of whatever the origin does.
    let steps = [
        ("a", "GET /count/{name}", SpanKind::Server),
        ("a", "lath:keyvalue/counter@0.1.0#increment", SpanKind::Internal),
        ("a", "lath:keyvalue/counter@0.1.0#increment", SpanKind::Client),
        ("b", "lath:keyvalue/counter@0.1.0#increment", SpanKind::Server),
        ("b", "GET", SpanKind::Client),
    ];
    let mut found = Vec::new();
    until("the whole trace is there", || {
        found = collector.look(|kept| walk(&kept.spans, "b7ad6b7169203331", out.split('-').nth(2).unwrap()));
        found.len() >= steps.len()
    })
    .await;
    let found_steps: Vec<_> =
        found.iter().map(|(service, span)| (service.as_str(), span.name.as_str(), span.kind())).collect();
    assert_eq!(found_steps, steps);
    let attributes: Vec<BTreeMap<String, String>> = found.iter().map(|(_, span)| texts(&span.attributes)).collect();
    assert_eq!(attributes[0]["http.route"], "/count/{name}");
    assert_eq!(attributes[0]["http.response.status_code"], "200");
    assert_eq!((attributes[1]["lath.actor"].as_str(), attributes[1]["lath.reach"].as_str()), ("web", "host"));
    assert_eq!((attributes[2]["lath.actor"].as_str(), attributes[2]["lath.reach"].as_str()), ("near", "lattice"));
    assert_eq!((attributes[3]["lath.target"].as_str(), attributes[3]["lath.caller"].as_str()), ("far", "chain/near"));
    assert_eq!(attributes[4]["server.port"], origin.port.to_string());
    assert!(found.iter().all(|(_, span)| span.start_time_unix_nano <= span.end_time_unix_nano));
    assert!(collector.look(|kept| kept.keys.iter().all(|key| key == "open sesame")));
    // And the callee's side is counted.
    let text = b.metrics();
    assert!(
        text.contains(r#"rpc_server_call_duration_seconds_count{lath_application="chain",lath_target="far""#),
        "{text}"
    );
    a.finish().await;
    b.finish().await;
}

/// Asks until the count is there: routes may come a moment after what they lead to.
async fn until_counted(url: &str, headers: &[(&str, &str)]) {
    let asking = async {
        while request("GET", url, headers, "").await.unwrap().body.parse::<u32>().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap();
}

/// The spans from the last to the first, turned round: those of the trace alone.
fn walk(spans: &[(String, Span)], first_parent: &str, last: &str) -> Vec<(String, Span)> {
    let mut way = Vec::new();
    let mut wanted = last.to_owned();
    while wanted != first_parent {
        let here = |(_, span): &&(String, Span)| hexadecimal(&span.span_id) == wanted;
        let Some(found) = spans.iter().find(here).filter(|_| way.len() < spans.len()) else { return Vec::new() };
        assert_eq!(hexadecimal(&found.1.trace_id), TRACE);
        wanted = hexadecimal(&found.1.parent_span_id);
        way.push(found.clone());
    }
    way.reverse();
    way
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_begins_where_none_or_a_bad_one_came() {
    let collector = Collector::start().await;
    let telemetry = Telemetry::start(&collector.settings("one")).unwrap();
    let (host, _data) = run(&root().join("examples/hello-http"), &telemetry).await;
    let url = format!("http://{}/", host.ready().listen.unwrap());
    let good = format!("00-{TRACE}-b7ad6b7169203331-01");
    for headers in [
        vec![],
        vec![("traceparent", "garbage")],
        vec![("traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01")],
        vec![("traceparent", good.as_str()), ("traceparent", good.as_str())],
    ] {
        assert_eq!(request("GET", &url, &headers, "").await.unwrap().status, 200);
    }
    // One that its caller does not record is not recorded here.
    let silent = format!("00-{TRACE}-b7ad6b7169203331-00");
    assert_eq!(request("GET", &url, &[("traceparent", &silent)], "").await.unwrap().status, 200);
    host.drain().await.unwrap();
    telemetry.finish().await;
    let traces = collector.look(|kept| {
        assert!(kept.spans.iter().all(|(_, span)| span.parent_span_id.is_empty()), "{:?}", kept.spans);
        kept.spans.iter().map(|(_, span)| hexadecimal(&span.trace_id)).collect::<std::collections::BTreeSet<_>>()
    });
    assert!(traces.len() == 4 && !traces.contains(TRACE), "{traces:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_actors_carry_their_trace() {
    let (origin, collector) = (Server::start().await, Collector::start().await);
    let telemetry = Telemetry::start(&collector.settings("one")).unwrap();
    // Other tests of this process may log too: their lines have other traces.
    testkit::log::listen();
    telemetry.hear(testkit::log::exported());
    let manifest = format!("manifest = 1\n{}", CHAIN.replace("PORT", &origin.port.to_string()))
        .replace("place = { on = { tier = \"web\" } }", "")
        .replace("place = { on = { tier = \"back\" } }", "");
    let folder = testkit::application::folder(&manifest).unwrap();
    let (host, _data) = run(folder.path(), &telemetry).await;
    let url = format!("http://{}/count/x", host.ready().listen.unwrap());
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    assert_eq!(request("GET", &url, &[("traceparent", &parent)], "").await.unwrap().body, "1");
    host.drain().await.unwrap();
    telemetry.finish().await;
    let mut found = collector.look(|kept| {
        let own = kept.lines.iter().filter(|line| hexadecimal(&line.trace_id) == TRACE);
        own.map(|line| {
            let body = texts(&[opentelemetry_proto::tonic::common::v1::KeyValue {
                key: "body".to_owned(),
                value: line.body.clone(),
                ..Default::default()
            }]);
            let actor = text(&line.attributes, "lath.actor").unwrap();
            (actor, body["body"].clone(), line.severity_text.clone(), line.span_id.len())
        })
        .collect::<Vec<_>>()
    });
    found.sort();
    let line = |actor: &str, body: &str| (actor.to_owned(), body.to_owned(), "INFO".to_owned(), 8);
    let answered = format!("127.0.0.1:{} answered 200", origin.port);
    assert_eq!(
        found,
        [line("far", &answered), line("far", "passing /count/x on"), line("near", "passing /count/x on")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_answers_too_much_has_failed() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let talking = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = COLLECTOR_ANSWER_BYTES_MAX + 1;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&vec![0; usize::try_from(length).unwrap()]).await;
        }
    });
    let usual = Settings::default();
    let export = Export {
        traces: Some(format!("http://127.0.0.1:{port}/v1/traces").parse().unwrap()),
        interval: Duration::from_millis(10),
        ..usual.export
    };
    let telemetry = Telemetry::start(&Settings { metrics: true, export, ..usual }).unwrap();
    let (host, _data) = run(&root().join("examples/hello-http"), &telemetry).await;
    assert_eq!(get(&format!("http://{}/", host.ready().listen.unwrap())).await.unwrap().status, 200);
    let failed = "lath_telemetry_exported_total{lath_signal=\"traces\",lath_outcome=\"failed\"} 1.0";
    until("the span has failed", || telemetry.metrics().contains(failed)).await;
    host.drain().await.unwrap();
    telemetry.finish().await;
    talking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_holds_up_nobody() {
    // Nobody listens there; and there somebody takes connections and never answers.
    let gone = { Server::start().await.port };
    let deaf = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    for port in [gone, deaf.local_addr().unwrap().port()] {
        let usual = Settings::default();
        let export = Export {
            traces: Some(format!("http://127.0.0.1:{port}/v1/traces").parse().unwrap()),
            sampler: Sampler::default(),
            interval: Duration::from_millis(10),
            timeout: Duration::from_secs(3_000),
            spans: 8,
            batch: 4,
            ..usual.export
        };
        let telemetry = Telemetry::start(&Settings { metrics: true, export, ..usual }).unwrap();
        let (host, _data) = run(&root().join("examples/hello-http"), &telemetry).await;
        let url = format!("http://{}/", host.ready().listen.unwrap());
        for _ in 0..50 {
            assert_eq!(get(&url).await.unwrap().status, 200);
        }
        host.drain().await.unwrap();
        let count = |outcome: &str| {
            let label = format!("lath_telemetry_exported_total{{lath_signal=\"traces\",lath_outcome=\"{outcome}\"}} ");
            let text = telemetry.metrics();
            let line = text.lines().find_map(|line| line.strip_prefix(label.as_str()));
            line.unwrap_or_else(|| panic!("{text}")).parse::<f64>().unwrap()
        };
        // Whatever was not exported is counted: failed, dropped, or one of the few that wait.
        assert_eq!(count("taken"), 0.0);
        assert!(count("failed") + count("dropped") >= 42.0, "{} {}", count("failed"), count("dropped"));
        // It ends long before the collector's time is over.
        let ended = tokio::time::timeout(EXPORT_FLUSH_TIME_MAX * 20, telemetry.finish()).await;
        ended.expect("nobody waits for a collector for ever");
    }
}
