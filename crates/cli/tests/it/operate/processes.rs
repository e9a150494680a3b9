//! The commands over real hosts, as processes.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rig::process::Process;
use serde_json::Value;

use super::hosts::Lattice;
use crate::lath::command;
use crate::tls::{certify, get_securely};

const PATIENCE: Duration = Duration::from_secs(90);

/// A host, as a process.
pub(super) struct Host {
    process: Process,
    pub(super) address: String,
}

impl Host {
    pub(super) fn start(lattice: &Lattice, name: &str) -> Self {
        Self::start_with(lattice, name, "")
    }

    /// The same with a further line of its table.
    fn start_with(lattice: &Lattice, name: &str, further: &str) -> Self {
        let cache = testkit::application::root().join("target/tools/hosts").display().to_string();
        let text = format!(
            "[host]\nname = \"{name}\"\ndata = \"{name}\"\ncache = \"{cache}\"\nlisten = \"127.0.0.1:0\"\n\
             {further}\n[lattice]\nname = \"dev\"\nservers = [\"{}\"]\n",
            lattice.server.url()
        );
        let file = lattice.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        let args = ["host".as_ref(), "--format".as_ref(), "json".as_ref(), "--config".as_ref(), file.as_os_str()];
        let mut process = Process::spawn(command(args).current_dir(lattice.folder.path())).unwrap();
        let ready = lattice.wait(process.line("\"event\":\"ready\"", PATIENCE)).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let (_, address) = ready["url"].as_str().unwrap().split_once("://").unwrap();
        let address = address.to_owned();
        Self { process, address }
    }

    /// The body of what its ingress answers, where it may not know yet who serves: what was not started did nothing.
    pub(super) fn get_soon(&self) -> String {
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
        self.try_ask().unwrap()
    }

    fn try_ask(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /demo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
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

#[test]
fn a_host_serves_over_tls_with_a_certificate_that_may_change() {
    let lattice = Lattice::new();
    let folder = lattice.folder.path();
    let old = certify(folder);
    let mut host = Host::start_with(&lattice, "h1", "tls = { cert = \"www.pem\", key = \"www.key\" }");
    lattice.counter("", "keyvalue/memory");
    let up = lattice.lath(&["up", "counter", "--wait", "90s"]);
    assert!(up.success().contains("counter  ready on 1 of 1 host"), "{up:#?}");
    let shown = format!("https://{}", host.address);
    let status = lattice.lath(&["status"]);
    assert!(status.success().contains(&shown), "{status:#?}");
    let answer = soon(|| get_securely(&host.address, "/demo", &old).ok().filter(|answer| is_answered(answer)));
    assert!(answer.ends_with("{\"counter\":1}"), "{answer}");
    // Whoever speaks without TLS is told nothing, and a stranger's certificate is not taken for the host's.
    assert!(!host.try_ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")));
    let stranger = tempfile::tempdir().unwrap();
    get_securely(&host.address, "/demo", &certify(stranger.path())).unwrap_err();

    let new = certify(folder);
    let answer = soon(|| get_securely(&host.address, "/demo", &new).ok());
    assert!(answer.ends_with("{\"counter\":2}"), "{answer}");
    get_securely(&host.address, "/demo", &old).unwrap_err();
    // Half of a pair changes nothing.
    std::fs::write(folder.join("www.key"), "half").unwrap();
    let told = lattice.wait(host.process.line("www.key holds no private key", PATIENCE)).unwrap();
    assert!(told.contains("the certificate is not replaced"), "{told}");
    assert!(get_securely(&host.address, "/demo", &new).unwrap().ends_with("{\"counter\":3}"));
}

/// What comes true before long.
fn soon<T>(look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it does not come true");
    }
}

fn is_answered(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200")
}
