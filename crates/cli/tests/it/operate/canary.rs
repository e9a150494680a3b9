//! `lath patch --canary`: the share of calls that a new version begins with.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use testkit::record::{Attempt, Load, Outcome, Record};
use testkit::versions::{Does, versioned};

use super::hosts::Lattice;
use super::processes::Host;

/// Requests a second, to two hosts in turn. The actor is on one of them.
const RATE: u32 = 50;
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

const MANIFEST: &str = "manifest = 1\n[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"../one.wasm\"\n\
    links.\"lath:keyvalue/counter\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/memory\" }\n\
    [[routes]]\npath = \"/*\"\nto = \"counter\"\n";

/// Waits until this version serves.
fn serves(lattice: &Lattice, version: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = lattice.lath(&["status", "count", "--format", "json"]).json();
        let application = &status["applications"][0];
        if application["state"] == "ready" && application["version"] == version {
            return;
        }
        assert!(Instant::now() < deadline, "{status:#}");
        std::thread::sleep(POLL);
    }
}

/// True where the version of this name answered.
fn is_of(attempt: &Attempt, version: &str) -> bool {
    let Outcome::Answered { status: 200, body } = &attempt.outcome else { panic!("{attempt:?}") };
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["version"] == version
}

/// How many of the calls the second version had, of those that began while both were answering.
fn of_both(record: &Record) -> (usize, usize) {
    let of = |version| record.attempts.iter().filter(move |attempt| is_of(attempt, version));
    let first = of("two").map(|attempt| attempt.began).min().unwrap();
    let last = of("one").map(|attempt| attempt.began).max().unwrap();
    let within = |attempt: &&Attempt| (first..=last).contains(&attempt.began);
    (of("two").filter(within).count(), record.attempts.iter().filter(within).count())
}

#[test]
fn the_share_that_is_asked_for_is_that_of_the_calls() {
    let lattice = Lattice::new();
    for (name, version) in [("one.wasm", "one"), ("two.wasm", "two")] {
        std::fs::write(lattice.folder.path().join(name), versioned(version, Does::Good).unwrap()).unwrap();
    }
    lattice.application("count", MANIFEST);
    let hosts = ["h1", "h2"].map(|name| Host::start(&lattice, name));
    lattice.lath(&["up", "count", "--wait", "90s"]).success();
    let addresses = hosts.each_ref().map(|host| host.address.parse::<SocketAddr>().unwrap());
    hosts.iter().for_each(|host| drop(host.get_soon()));
    let load = lattice.wait(async { Load::start(&addresses, "/count", RATE) });
    lattice.lath(&["patch", "count/counter", "two.wasm", "--canary", "20%", "--wait", "0s"]).success();
    serves(&lattice, 2);
    let record = lattice.wait(load.stop());
    let (tried, all) = of_both(&record);
    // Ten were answered before it took over; they are every fifth call, but for those that overtake each other.
    assert!(all >= 30, "{tried} of {all}");
    assert!((all / 10..=all / 3).contains(&tried), "{tried} of {all} calls reached the version that was tried");
}
