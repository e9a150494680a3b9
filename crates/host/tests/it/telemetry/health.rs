//! `/healthz` and `/readyz`.

use std::time::Duration;

use host::limits::{OBSERVERS_MAX, REASONS_MAX};
use host::observe::{Observatory, verdict};
use host::operate::status::Phase;
use host::telemetry::{Settings, Telemetry};
use testkit::application::root;
use testkit::http::{Answer, get, send};
use testkit::lattice::Lattice;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::metrics::run;
use crate::keyvalue::APP;

fn observed(settings: &Settings) -> (Telemetry, Observatory) {
    let telemetry = Telemetry::start(settings).unwrap();
    let observatory = Observatory::open(([127, 0, 0, 1], 0).into(), telemetry.clone()).unwrap();
    (telemetry, observatory)
}

fn counted() -> Settings {
    Settings { metrics: true, ..Settings::default() }
}

async fn at(observatory: &Observatory, path: &str) -> Answer {
    get(&format!("http://{}{path}", observatory.address())).await.unwrap()
}

/// Asks until the status is this one.
async fn until(observatory: &Observatory, path: &str, status: u16) -> Answer {
    let asking = async {
        loop {
            let answer = at(observatory, path).await;
            if answer.status == status {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap_or_else(|_| panic!("{path} is never {status}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_ready_while_it_serves() {
    let (telemetry, observatory) = observed(&counted());
    let before = at(&observatory, "/readyz").await;
    assert_eq!(before.status, 503);
    assert_eq!(
        before.body,
        "{\"more\":0,\"ready\":false,\"reasons\":[\"the host does not serve yet, or no longer\"]}\n"
    );
    // It is starting, which is no reason to end it.
    assert_eq!(at(&observatory, "/healthz").await.status, 200);
    let (host, _data) = run(&root().join("examples/hello-http"), &telemetry).await;
    let ready = at(&observatory, "/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "{\"more\":0,\"ready\":true,\"reasons\":[]}\n"));
    assert_eq!(at(&observatory, "/healthz").await.body, "{\"healthy\":true,\"more\":0,\"reasons\":[]}\n");
    host.drain().await.unwrap();
    assert_eq!(at(&observatory, "/readyz").await.status, 503);
    assert_eq!(at(&observatory, "/other").await.status, 404);
    assert_eq!(send("POST", &format!("http://{}/metrics", observatory.address()), "").await.unwrap().status, 405);
    observatory.close().await;
}

#[test]
fn a_loop_that_stands_still_fails_the_health() {
    let settings = Settings { stall: Duration::from_millis(200), ..counted() };
    let (telemetry, observatory) = observed(&settings);
    // One thread: whoever blocks it holds up everything that the host does.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asking = tokio::runtime::Runtime::new().unwrap();
    let (_host, _data) = runtime.block_on(run(&root().join("examples/hello-http"), &telemetry));
    asking.block_on(until(&observatory, "/healthz", 200));
    let (release, held) = std::sync::mpsc::channel::<()>();
    runtime.spawn(async move {
        let _ = held.recv();
    });
    let stuck = asking.block_on(until(&observatory, "/healthz", 503));
    assert!(stuck.body.contains("the host's loop has stood still for"), "{}", stuck.body);
    drop(release);
    asking.block_on(until(&observatory, "/healthz", 200));
    // Its workers are joined on a thread that may block.
    asking.block_on(observatory.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_a_lattice_is_ready_once_it_has_joined_and_until_it_drains() {
    let (telemetry, observatory) = observed(&counted());
    let mut lattice = Lattice::new();
    lattice.join("a", |settings| settings.telemetry = telemetry.clone()).await.unwrap();
    until(&observatory, "/readyz", 200).await;
    assert_eq!(at(&observatory, "/healthz").await.status, 200);
    let metrics = at(&observatory, "/metrics").await.body;
    assert!(metrics.contains("\nlath_lattice_connected 1.0\n"), "{metrics}");
    // Cut off, it goes on as it was.
    lattice.host("a").unwrap().link.set_open(false);
    until_metric(&observatory, "\nlath_lattice_connected 0.0\n").await;
    assert_eq!(at(&observatory, "/readyz").await.status, 200);
    lattice.host("a").unwrap().link.set_open(true);
    until_metric(&observatory, "\nlath_lattice_connected 1.0\n").await;
    lattice.drain("a").await.unwrap();
    let left = until(&observatory, "/readyz", 503).await;
    assert!(left.body.contains("\"ready\":false"), "{}", left.body);
    observatory.close().await;
}

/// What a provider needs fails it: that is told, and takes the host from nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_well_is_told_of() {
    let mut redis = rig::redis::Server::start(&[]).await.unwrap();
    let (telemetry, observatory) = observed(&counted());
    let mut lattice = Lattice::new();
    lattice.join("a", |settings| settings.telemetry = telemetry.clone()).await.unwrap();
    let manifest = format!(
        "[application]\nname = \"test\"\n[actors.app]\ncomponent = \"{APP}\"\nlinks.\"wasi:keyvalue\" = {{ to = \"kv\" }}\n\
         [[routes]]\npath = \"/*\"\nto = \"app\"\n\
         [providers]\nkv = {{ use = \"keyvalue/redis\", config = {{ url = \"{}\" }} }}\n",
        redis.url()
    );
    let version = lattice.up_text(&manifest).await.unwrap();
    lattice.running("test", version, 1).await.unwrap();
    assert_eq!(lattice.answer("a", "/default/n").await.unwrap().status, 200);
    let well =
        |is_well| format!("\nlath_provider_well{{lath_application=\"test\",lath_provider=\"kv\"}} {is_well}.0\n");
    until_metric(&observatory, &well(1)).await;
    assert!(!at(&observatory, "/readyz").await.body.contains("unwell"));
    redis.kill().unwrap();
    let failed = get(&lattice.host("a").unwrap().url("/default/n").unwrap()).await.unwrap();
    assert!(failed.body.contains("store `kv`: "), "{failed:?}");
    until_metric(&observatory, &well(0)).await;
    let ready = at(&observatory, "/readyz").await;
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("\"unwell\":[\"application test: kv: store `kv`: "), "{}", ready.body);
    let told = told_of_kv(&lattice, |why| why.is_some()).await.unwrap();
    assert!(told.starts_with("store `kv`: "), "{told}");
    redis.restart().await.unwrap();
    until_metric(&observatory, &well(1)).await;
    told_of_kv(&lattice, |why| why.is_none()).await;
    observatory.close().await;
}

/// What `status` tells of provider `kv`, once it is as wanted.
async fn told_of_kv(lattice: &Lattice, is_so: impl Fn(&Option<String>) -> bool) -> Option<String> {
    let operator = lattice.operator();
    let asking = async {
        loop {
            let status = operator.status(None).await.unwrap();
            let application = &status.applications[0];
            assert_eq!(application.phase, Phase::Ready, "it serves all the same");
            let told = application.providers[0].unwell.values().next().cloned();
            if is_so(&told) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is never told so")
}

async fn until_metric(observatory: &Observatory, line: &str) {
    let asking = async {
        while !at(observatory, "/metrics").await.body.contains(line) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap_or_else(|_| panic!("never{line}"));
}

#[test]
fn reasons_are_bounded() {
    let reasons = vec!["a reason".to_owned(); REASONS_MAX + 2];
    let told = verdict("ready", &reasons, &reasons);
    assert_eq!(told.matches("a reason").count(), 2 * REASONS_MAX);
    assert!(told.starts_with("{\"more\":2,\"ready\":false,"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn observers_are_few_and_others_wait() {
    let (_, observatory) = observed(&counted());
    let mut held = Vec::new();
    for _ in 0..OBSERVERS_MAX {
        let mut stream = TcpStream::connect(observatory.address()).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        held.push(stream);
    }
    let mut further = TcpStream::connect(observatory.address()).await.unwrap();
    further.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = [0; 64];
    let early = tokio::time::timeout(Duration::from_millis(300), further.read(&mut answer)).await;
    assert!(early.is_err(), "one too many was served: {early:?}");
    drop(held);
    let late = tokio::time::timeout(Duration::from_secs(60), further.read(&mut answer)).await.unwrap().unwrap();
    assert!(answer[..late].starts_with(b"HTTP/1.1 200 OK"), "{:?}", &answer[..late]);
    observatory.close().await;
}
