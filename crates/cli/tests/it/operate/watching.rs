//! `lath status --watch`: a frame with each change, until it is ended.

use std::time::{Duration, Instant};

use rig::process::Process;
use serde_json::Value;

use super::hosts::Lattice;
use super::processes::Host;
use crate::lath::command;

const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// `lath status counter --watch` with these arguments.
fn watch(lattice: &Lattice, args: &[&str]) -> Process {
    let mut lath = command(["status", "counter", "--watch"].iter().chain(args));
    lath.env("XDG_CONFIG_HOME", lattice.folder.path()).env("USER", "alice").current_dir(lattice.folder.path());
    Process::spawn(&mut lath).unwrap()
}

fn parsed(frame: &str) -> Value {
    serde_json::from_str(frame).unwrap()
}

/// How the application of a frame is, and in which version.
fn told(frame: &Value) -> (String, u64) {
    let application = &frame["applications"][0];
    (application["state"].as_str().unwrap().to_owned(), application["version"].as_u64().unwrap())
}

#[test]
fn each_change_is_a_frame_until_ctrl_c() {
    let lattice = Lattice::new();
    lattice.counter("", "keyvalue/nats");
    let _host = Host::start(&lattice, "h1");
    lattice.lath(&["up", "counter", "--wait", "90s"]).success();
    let (mut text, mut json) = (watch(&lattice, &[]), watch(&lattice, &["--format", "json"]));
    for (change, state, version) in [(None, "ready", 1), (Some("down"), "down", 2), (Some("rollback"), "ready", 3)] {
        if let Some(change) = change {
            lattice.lath(&[change, "counter", "--wait", "90s"]).success();
        }
        let shown = format!("counter  {state}, version {version} by alice");
        lattice.wait(text.line(&shown, PATIENCE)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while json.lines().last().map(|frame| told(&parsed(frame))) != Some((state.to_owned(), version)) {
            assert!(Instant::now() < deadline && json.is_running().unwrap(), "{}", json.tail());
            std::thread::sleep(POLL);
        }
    }
    for process in [&mut text, &mut json] {
        assert!(process.is_running().unwrap(), "nothing but a signal ends it");
        process.interrupt().unwrap();
        let status = lattice.wait(process.ended(PATIENCE)).unwrap();
        assert!(status.success(), "{status}: {}", process.tail());
    }
    let frames: Vec<Value> = json.lines().iter().map(|line| parsed(line)).collect();
    for (number, pair) in frames.windows(2).enumerate() {
        assert_ne!(pair[0], pair[1], "frame {} shows no change", number + 1);
    }
    // How busy hosts are is heard by whoever asks once: here each word of it would be a frame.
    assert!(frames.iter().all(|frame| frame["hosts"][0]["running"].is_null()), "{}", json.tail());
}
