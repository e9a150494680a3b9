//! Metrics as they are read.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::application::Application;
use host::telemetry::{Histogram, METRICS, Room, Settings, Telemetry};
use host::{Host, HostSettings};
use lattice::memory::MemoryBus;
use tempfile::TempDir;
use testkit::application::{chain, folder, root};
use testkit::http::{get, send};

use crate::wasi_http::client::Server;

/// Runs the application at `path`, observed.
pub(crate) async fn run(path: &Path, telemetry: &Telemetry) -> (Host, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let application = Application::open(path, &mut |_| {}).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let plan = application.plan(None).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let settings = HostSettings {
        name: "local".to_owned(),
        lattice: "local".to_owned(),
        listen: Some(([127, 0, 0, 1], 0).into()),
        tls: None,
        data: data.path().to_owned(),
        cache: Some(root().join("target/tools/compiled")),
        sources: host::Sources::default(),
        telemetry: telemetry.clone(),
    };
    let bus = Arc::new(MemoryBus::new());
    let host = Host::start(Arc::new(application), plan.blueprint, settings, bus, Box::new(|_| {})).await;
    (host.unwrap_or_else(|error| panic!("{}", chain(&error))), data)
}

fn counted(room: Room) -> Telemetry {
    Telemetry::start(&Settings { metrics: true, room, ..Settings::default() }).unwrap()
}

fn url(host: &Host, path: &str) -> String {
    format!("http://{}{path}", host.ready().listen.unwrap())
}

/// The lines of a metric with a label, without those of buckets.
fn lines(text: &str, metric: &str) -> Vec<String> {
    let is_own = |line: &&str| line.starts_with(metric) && !line.contains("_bucket{");
    text.lines().filter(is_own).filter(|line| !line.contains("_sum{")).map(str::to_owned).collect()
}

const COUNTER: &str = r#"
manifest = 1
[application]
name = "counted"
[actors.web]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/http_counter.wasm"
links."lath:keyvalue/counter" = { to = "hop" }
[actors.hop]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/counter_hop.wasm"
grants.env = { ASK = "127.0.0.1:PORT" }
grants.http = ["http://127.0.0.1:PORT"]
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/memory" }
[[routes]]
path = "/count/{name}"
to = "web"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_requests_are_counted_by_what_they_are() {
    let origin = Server::start().await;
    let folder = folder(&COUNTER.replace("PORT", &origin.port.to_string())).unwrap();
    let telemetry = counted(Room::default());
    let (host, _data) = run(folder.path(), &telemetry).await;
    for name in ["a", "b", "c"] {
        assert_eq!(get(&url(&host, &format!("/count/{name}"))).await.unwrap().body, "1");
    }
    assert_eq!(get(&url(&host, "/nowhere")).await.unwrap().status, 404);
    assert_eq!(send("DELETE", &url(&host, "/nowhere"), "").await.unwrap().status, 404);
    let text = telemetry.metrics();
    let requests = "http_server_request_duration_seconds_count";
    // The route, never the path.
    assert_eq!(
        lines(&text, requests),
        [
            format!(r#"{requests}{{http_request_method="DELETE",http_response_status_code="404"}} 1"#),
            format!(r#"{requests}{{http_request_method="GET",http_response_status_code="404"}} 1"#),
            format!(
                r#"{requests}{{lath_application="counted",http_request_method="GET",http_route="/count/{{name}}",http_response_status_code="200"}} 3"#
            ),
        ]
    );
    let calls = "rpc_client_call_duration_seconds_count";
    let contract = "lath:keyvalue/counter@0.1.0";
    let link = |actor: &str| {
        format!(
            r#"{calls}{{lath_application="counted",lath_actor="{actor}",lath_link="{contract}",lath_contract="{contract}",lath_reach="host"}} 3"#
        )
    };
    assert_eq!(lines(&text, calls), [link("hop"), link("web")]);
    let outgoing = format!(
        r#"http_client_request_duration_seconds_count{{lath_application="counted",lath_actor="hop",http_request_method="GET",server_address="127.0.0.1",server_port="{}",http_response_status_code="200"}} 3"#,
        origin.port
    );
    assert_eq!(lines(&text, "http_client_request_duration_seconds_count"), [outgoing]);
    assert!(text.contains("\nlath_actor_calls_total{lath_application=\"counted\",lath_actor=\"hop\"} 3"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    // What is written is what is listed.
    let listed: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let written: BTreeSet<&str> = telemetry.names().into_iter().collect();
    assert!(written.is_subset(&listed), "{written:?}");
    host.drain().await.unwrap();
    // Its application is gone, and its series with it.
    let text = telemetry.metrics();
    assert!(!text.contains("lath_application"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_their_kind() {
    let gone = { Server::start().await.port };
    let folder = folder(&COUNTER.replace("PORT", &gone.to_string())).unwrap();
    let telemetry = counted(Room::default());
    let (host, _data) = run(folder.path(), &telemetry).await;
    let answer = get(&url(&host, "/count/a")).await.unwrap();
    assert!(answer.body.contains("does not answer"), "{answer:?}");
    let text = telemetry.metrics();
    let refused = lines(&text, "http_client_request_duration_seconds_count");
    assert!(refused.len() == 1 && refused[0].contains(r#"error_type="refused""#), "{refused:?}");
    host.drain().await.unwrap();
    // What an actor only wished for is no label: it may wish for anything.
    let granted = format!("grants.http = [\"http://127.0.0.1:{gone}\"]");
    let elsewhere =
        COUNTER.replace("PORT", &gone.to_string()).replace(&granted, "grants.http = [\"http://127.0.0.2\"]");
    let telemetry = counted(Room::default());
    let (host, _data) = run(testkit::application::folder(&elsewhere).unwrap().path(), &telemetry).await;
    assert!(get(&url(&host, "/count/a")).await.unwrap().body.contains("does not answer"));
    let denied = lines(&telemetry.metrics(), "http_client_request_duration_seconds_count");
    assert!(denied.len() == 1 && denied[0].contains(r#"error_type="denied""#), "{denied:?}");
    assert!(!denied[0].contains("server_address"), "{denied:?}");
    host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_without_room_count_as_other() {
    let telemetry = counted(Room { all: 3, application: 2 });
    let (host, _data) = run(&root().join("examples/hello-http"), &telemetry).await;
    let known = telemetry.metrics();
    assert!(known.contains("\nlath_telemetry_series 0.0\n"), "{known}");
    // Of no application there may be two; of hello one more is in the room of all.
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        assert_eq!(send(method, &url(&host, "/"), "").await.unwrap().status, 200);
    }
    let text = telemetry.metrics();
    let own = lines(&text, "http_server_request_duration_seconds_count{lath_application=\"hello");
    assert_eq!(own.len(), 2, "{text}");
    let other = lines(&text, "http_server_request_duration_seconds_count{lath_application=\"other\"");
    assert!(other.len() == 1 && other[0].ends_with("} 2"), "{text}");
    assert!(text.contains("\nlath_telemetry_series_collapsed_total 2.0\n"), "{text}");
    host.drain().await.unwrap();
}

#[test]
fn a_histogram_puts_durations_where_they_belong() {
    let histogram = Arc::new(Histogram::default());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let histogram = histogram.clone();
            std::thread::spawn(move || {
                for micros in [1, 10, 11, 5_000, 20_000_000] {
                    histogram.record(Duration::from_micros(micros));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let reading = histogram.read();
    let full: Vec<(f64, u64)> = reading.buckets.iter().copied().filter(|(_, count)| *count > 0).collect();
    // A bound belongs to its bucket.
    assert_eq!(full, [(0.000_01, 16), (0.000_1, 8), (0.005, 8), (f64::INFINITY, 8)]);
    assert_eq!(reading.count, 40);
    assert!((reading.sum_s - 160.040_176).abs() < 1e-6, "{}", reading.sum_s);
}
