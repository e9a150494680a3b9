//! `lath run`: started, asked over HTTP, ended by signals.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::application::{guest, root};

use crate::lath::command;

/// A `lath run` that serves; killed when dropped.
struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
    /// Events up to the one that says where it serves.
    events: Vec<Value>,
}

impl Serving {
    fn start(app: &Path, data: &Path) -> Self {
        let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()];
        let options = ["--data".as_ref(), data.as_os_str(), "--format".as_ref(), "json".as_ref()];
        let mut child =
            command(args.into_iter().chain(options)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut serving = Self { child, lines, url: String::new(), events: Vec::new() };
        loop {
            let Some(event) = serving.next_event() else { panic!("it ended: {}", serving.stderr()) };
            if event["event"] == "ready" {
                serving.url = event["url"].as_str().unwrap().to_owned();
                serving.events.push(event);
                return serving;
            }
            serving.events.push(event);
        }
    }

    fn next_event(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end: the remaining events, and the exit code.
    fn end(mut self) -> (Vec<Value>, i32, String) {
        let mut events = Vec::new();
        while let Some(event) = self.next_event() {
            events.push(event);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        (events, code, self.stderr())
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already in a test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[test]
fn an_example_serves_and_keeps_its_counters() {
    let data = TempDir::new().unwrap();
    let app = root().join("examples/kvcounter");
    for (round, signal) in [(1, "TERM"), (2, "INT")] {
        let serving = Serving::start(&app, data.path());
        let ready = serving.events.last().unwrap();
        assert_eq!(ready["application"], "kvcounter");
        assert_eq!(ready["routes"][0]["path"], "/*");
        let answer = serving.get("/a/b?amount=5");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(body(&answer), format!("{{\"counter\":{}}}", 5 * round));
        serving.signal(signal);
        let (events, code, stderr) = serving.end();
        assert_eq!((names(&events).as_slice(), code), (["draining", "drained"].as_slice(), 0), "{stderr}");
        assert_eq!(events[0]["signal"], format!("SIG{signal}"));
    }
}

#[test]
fn a_lone_component_gets_sensible_defaults() {
    let data = TempDir::new().unwrap();
    let serving = Serving::start(&guest("wasm32-unknown-unknown", "two_counters_labels"), data.path());
    assert_eq!(serving.events.last().unwrap()["application"], "two-counters-labels");
    assert!(serving.get("/").starts_with("HTTP/1.1 200 OK\r\n"));
    serving.signal("TERM");
    assert_eq!(serving.end().1, 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = TempDir::new().unwrap();
    let mut serving = Serving::start(&guest("wasm32-unknown-unknown", "two_counters_labels"), data.path());
    // A request that is being read keeps the host from being drained.
    let mut stream = serving.connect();
    write!(stream, "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    serving.signal("TERM");
    assert_eq!(serving.next_event().unwrap()["event"], "draining");
    serving.signal("INT");
    let (events, code, stderr) = serving.end();
    assert_eq!((events.len(), code), (0, 1), "{stderr}");
    let last: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert!(last["error"]["message"].as_str().unwrap().contains("a second SIGINT"), "{stderr}");
}

#[test]
fn an_address_in_use_is_told() {
    let data = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let app = guest("wasm32-unknown-unknown", "two_counters_labels");
    let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), address.as_ref()];
    let ended = crate::lath::lath(args.into_iter().chain(["--data".as_ref(), data.path().as_os_str()]));
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("HTTP cannot be served"), "{ended:#?}");
    assert!(ended.stderr.contains(&address), "{ended:#?}");
}

#[test]
fn a_reader_that_stands_still_stops_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe holds: the first line would wait for ever.
    writer.write_all(&[b'\n'; 65_536]).unwrap();
    let data = tempfile::tempdir().unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (app, listen) = (root().join("examples/kvcounter"), address.to_string());
    let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), listen.as_ref()];
    let options = ["--data".as_ref(), data.path().as_os_str(), "--format".as_ref(), "json".as_ref()];
    let child = command(args.into_iter().chain(options)).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Killed(child);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(std::time::Instant::now() < until && child.0.try_wait().unwrap().is_none(), "it does not serve");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(Command::new("kill").args(["-s", "TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    drop(reader);
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
