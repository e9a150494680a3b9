//! `lath tap`: messages while they pass.

use std::time::{Duration, Instant};

use rig::process::Process;
use serde_json::Value;

use super::hosts::Lattice;
use super::processes::Host;
use crate::lath::command;

const PATIENCE: Duration = Duration::from_secs(90);

fn tap(lattice: &Lattice, args: &[&str]) -> Process {
    let mut lath = command(["tap"].iter().chain(args));
    lath.env("XDG_CONFIG_HOME", lattice.folder.path()).env("USER", "alice").current_dir(lattice.folder.path());
    Process::spawn(&mut lath).unwrap()
}

#[test]
fn messages_are_shown_while_they_pass() {
    let lattice = Lattice::new();
    lattice.counter("", "keyvalue/nats");
    let host = Host::start(&lattice, "h1");
    lattice.lath(&["up", "counter", "--wait", "90s"]).success();
    let mut text = tap(&lattice, &["counter/counter"]);
    let mut json = tap(&lattice, &["--count", "2", "--format", "json"]);
    let deadline = Instant::now() + PATIENCE;
    while json.is_running().unwrap() || text.lines().is_empty() {
        assert!(Instant::now() < deadline, "nothing is shown: {} {}", text.tail(), json.tail());
        host.get_soon();
    }
    assert!(lattice.wait(json.ended(PATIENCE)).unwrap().success(), "{}", json.tail());
    let shown: Vec<Value> = json.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(shown.len(), 2);
    for line in &shown {
        assert_eq!((line["application"].as_str(), line["host"].as_str()), (Some("counter"), Some("h1")), "{line}");
        assert!(line["elapsed_us"].is_u64() && line["answer"]["result"].as_str().unwrap().starts_with("ok("), "{line}");
    }
    let line = text.lines().into_iter().find(|line| line.contains("#increment(")).unwrap();
    assert!(line.contains(" counter/counter -> kv lath:keyvalue/counter@0.1.0#increment(\"counter:"), "{line}");
    assert!(line.contains(") = ok(") && line.ends_with(" ms on h1)"), "{line}");
    text.interrupt().unwrap();
    assert!(lattice.wait(text.ended(PATIENCE)).unwrap().success(), "{}", text.tail());
}

#[test]
fn what_cannot_be_heard_is_told() {
    let lattice = Lattice::new();
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    for (of, expected) in [("other", "other"), ("counter/other", "has no actor other")] {
        let ended = lattice.lath(&["tap", of]);
        assert!(ended.failure().contains(expected), "{ended:#?}");
    }
    let ended = lattice.lath(&["tap", "counter/"]);
    assert_eq!(ended.code, 2, "{ended:#?}");
}
