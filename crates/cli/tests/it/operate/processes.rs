//! The commands over real hosts, as processes.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rig::process::Process;
use serde_json::Value;

use super::hosts::Lattice;
use crate::lath::command;

const PATIENCE: Duration = Duration::from_secs(90);

/// A host, as a process.
struct Host {
    process: Process,
    address: String,
}

impl Host {
    fn start(lattice: &Lattice, name: &str) -> Self {
        let cache = testkit::application::root().join("target/tools/hosts").display().to_string();
        let text = format!(
            "[host]\nname = \"{name}\"\ndata = \"{name}\"\ncache = \"{cache}\"\nlisten = \"127.0.0.1:0\"\n\
             [lattice]\nname = \"dev\"\nservers = [\"{}\"]\n",
            lattice.server.url()
        );
        let file = lattice.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        let args = ["host".as_ref(), "--format".as_ref(), "json".as_ref(), "--config".as_ref(), file.as_os_str()];
        let mut process = Process::spawn(command(args).current_dir(lattice.folder.path())).unwrap();
        let ready = lattice.wait(process.line("\"event\":\"ready\"", PATIENCE)).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { process, address }
    }

    /// The body of what its ingress answers, where it may not know yet who serves: what was not started did nothing.
    fn get_soon(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask();
            if !answer.starts_with("HTTP/1.1 503") || Instant::now() > deadline {
                return self.body(&answer);
            }
        }
    }

    /// The body of what its ingress answers.
    fn get(&self) -> String {
        self.body(&self.ask())
    }

    fn body(&self, answer: &str) -> String {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}\n{}", self.process.tail());
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn ask(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /demo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// The host of the actor, once the application is ready on one that is not `gone`.
fn ready_on(lattice: &Lattice, gone: &[&str]) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = lattice.lath(&["status", "counter", "--format", "json"]).json();
        let application = &status["applications"][0];
        let on = application["actors"][0]["hosts"].as_object().unwrap().keys().next();
        if application["state"] == "ready" && on.is_some_and(|on| !gone.contains(&on.as_str())) {
            return on.unwrap().clone();
        }
        assert!(Instant::now() < deadline, "{status:#}");
    }
}

#[test]
fn an_application_outlives_its_hosts() {
    let lattice = Lattice::new();
    let names = ["h1", "h2", "h3"];
    let mut hosts: BTreeMap<String, Host> =
        names.into_iter().map(|name| (name.to_owned(), Host::start(&lattice, name))).collect();
    lattice.counter("place = { replicas = 1 }", "keyvalue/nats");
    let up = lattice.lath(&["up", "counter", "--wait", "90s"]);
    assert!(up.success().contains("counter  ready on 1 of 1 host"), "{up:#?}");
    // A request finds the actor from any host.
    let bodies: Vec<String> = hosts.values().map(Host::get).collect();
    assert_eq!(bodies, ["{\"counter\":1}", "{\"counter\":2}", "{\"counter\":3}"]);

    let first = ready_on(&lattice, &[]);
    hosts.remove(&first).unwrap().process.kill().unwrap();
    let second = ready_on(&lattice, &[&first]);
    let bodies: Vec<String> = hosts.values().map(Host::get_soon).collect();
    assert_eq!(bodies, ["{\"counter\":4}", "{\"counter\":5}"]);

    let drained = lattice.lath(&["drain", &second, "--wait", "90s"]);
    assert_eq!(drained.success(), format!("{second} has drained and ended\n"));
    let mut ended = hosts.remove(&second).unwrap();
    assert!(lattice.wait(ended.process.ended(PATIENCE)).unwrap().success(), "{}", ended.process.tail());
    ready_on(&lattice, &[&first, &second]);
    assert_eq!(hosts.values().next().unwrap().get_soon(), "{\"counter\":6}");

    assert!(lattice.lath(&["down", "counter", "--wait", "90s"]).success().contains("counter  down"));
    let back = lattice.lath(&["rollback", "counter", "--wait", "90s"]);
    assert!(back.success().contains("ready, version 3"), "{back:#?}");
    assert_eq!(hosts.values().next().unwrap().get(), "{\"counter\":7}");
}
