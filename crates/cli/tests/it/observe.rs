//! What `lath run` and `lath host` tell of themselves.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::Value;
use testkit::application::root;

use crate::lath::{command, lath};

/// Longer than anything that is waited for may take on a loaded machine.
const AMPLE: Duration = Duration::from_secs(60);

/// A `lath` that is observed; killed when dropped.
struct Observed {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Observed {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut observed = Self { child, lines, address: String::new() };
        let event = observed.until("observed");
        event["address"].as_str().unwrap().clone_into(&mut observed.address);
        observed
    }

    /// The next event of this name.
    fn until(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.next().unwrap_or_else(|| panic!("it ended before `{name}`")).unwrap();
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }

    fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    fn end(&mut self) -> bool {
        let sent = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.until("drained");
        self.child.wait().unwrap().success()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What a collector was sent.
pub(crate) struct Exported {
    /// The first line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A collector that takes everything, and tells each request.
pub(crate) fn collector() -> (u16, Receiver<Exported>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, tell) = (stream.unwrap(), tell.clone());
            std::thread::spawn(move || while take(&mut stream, &tell).is_some() {});
        }
    });
    (port, told)
}

fn take(stream: &mut TcpStream, tell: &Sender<Exported>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    tell.send(Exported { head, body }).ok()
}

#[test]
fn an_application_is_observed_and_exports_what_is_left_at_its_end() {
    let (port, told) = collector();
    let app = root().join("examples/hello-http");
    let data = tempfile::tempdir().unwrap();
    let mut run = command(["run".as_ref(), app.as_os_str(), "--data".as_ref(), data.path().as_os_str()]);
    run.args(["--listen", "127.0.0.1:0", "--observe", "127.0.0.1:0", "--format", "json"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=open%20sesame");
    let mut run = Observed::start(&mut run);
    let ready = run.until("ready");
    let ingress = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert!(run.get("/readyz").starts_with("HTTP/1.1 200 OK"));
    assert!(run.get("/healthz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(ingress, "/you").contains("Hello, you!\n"));
    let metrics = run.get("/metrics");
    assert!(metrics.contains("http_route=\"/*\",http_response_status_code=\"200\"} 1\n"), "{metrics}");
    assert!(run.end());
    let exported = told.recv_timeout(AMPLE).unwrap().head;
    assert!(exported.starts_with("post /v1/traces http/1.1\r\n"), "{exported}");
    assert!(exported.contains("content-type: application/x-protobuf\r\n"), "{exported}");
    assert!(exported.contains("x-key: open sesame\r\n"), "{exported}");
}

#[test]
fn a_host_that_waits_for_its_lattice_is_healthy_and_not_ready() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://127.0.0.1:{port}\"]\n[observe]\n\
         listen = \"127.0.0.1:0\"\n"
    );
    std::fs::write(folder.path().join("host.toml"), text).unwrap();
    let mut host = Observed::start(command(["host", "--format", "json"]).current_dir(folder.path()));
    host.until("waiting");
    assert!(host.get("/healthz").starts_with("HTTP/1.1 200 OK"));
    let ready = host.get("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("the host does not serve yet"), "{ready}");
    assert!(host.end());
}

#[test]
fn what_cannot_be_observed_is_refused_at_once() {
    let app = root().join("examples/hello-http");
    let run = || {
        let mut run = command(["run".as_ref(), app.as_os_str()]);
        run.args(["--listen", "127.0.0.1:0"]);
        run
    };
    let wrong = crate::lath::ended(run().env("OTEL_TRACES_SAMPLER", "sometimes"));
    assert_eq!(wrong.code, 2, "{wrong:#?}");
    assert!(wrong.stderr.contains("`sometimes` is no sampler"), "{wrong:#?}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let wrong = crate::lath::ended(run().args(["--observe", &taken]));
    assert_eq!(wrong.code, 1, "{wrong:#?}");
    assert!(wrong.stderr.contains("the host cannot be observed over HTTP"), "{wrong:#?}");
    // A command is over before anybody could look.
    let tool = root().join("crates/testkit/guests/target/wasm32-wasip2/release/command.wasm");
    let wrong = lath(["run".as_ref(), tool.as_os_str(), "--observe".as_ref(), "127.0.0.1:0".as_ref()]);
    assert_eq!(wrong.code, 2, "{wrong:#?}");
}
