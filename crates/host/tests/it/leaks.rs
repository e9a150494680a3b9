//! Nothing is left of failing calls. Files and memory are counted by process, so this one gets a process of its own.

use std::process::Command;
use std::time::Instant;

use futures_util::future::join_all;
use host::HostStats;
use lattice::call::Call;
use model::ids::ActorName;
use testkit::application::Running;
use testkit::caller::AMPLE;
use testkit::http::get;

use crate::scene::{FAULTY, FAULTY_HTTP, assert_get, faults, start, until};

const ALONE: &str = "LATH_TEST_ALONE";
const CALLS: usize = 100_000;
/// Requests that trap: each costs milliseconds, to find the lines of its backtrace.
const TRAPS: usize = 1_000;
/// Enough to keep two cores busy.
const AT_ONCE: usize = 50;

#[test]
fn a_hundred_thousand_failing_calls_leave_nothing() {
    if std::env::var_os(ALONE).is_some() {
        return tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(fail_and_count());
    }
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "leaks::a_hundred_thousand_failing_calls_leave_nothing", "--nocapture"]).env(ALONE, "yes");
    let output = alone.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn fail_and_count() {
    let running = start(&format!(
        r#"
        [application]
        name = "test"
        [actors.target]
        component = "{FAULTY}"
        limits = {{ execution = "10s", log = "1KiB" }}
        [actors.front]
        component = "{FAULTY_HTTP}"
        limits = {{ execution = "10s", log = "1KiB" }}
        links."lath:httpserver/handler" = {{ to = "front" }}
        [[routes]]
        path = "/*"
        to = "front"
        "#
    ))
    .await;
    let listening = sockets();
    fail(&running, CALLS / 10, TRAPS / 10).await;
    let before = held(&running, listening).await;
    fail(&running, CALLS, TRAPS).await;
    let after = held(&running, listening).await;
    assert_eq!((after.files, after.busy), (before.files, (0, 0, 0, 0)));
    assert!(after.threads <= before.threads, "{before:?}, then {after:?}");
    let growth = after.memory_kib.saturating_sub(before.memory_kib);
    assert!(growth < 32 << 10, "the process has grown by {growth} KiB");
    assert_get(&running, "/next/fine", 200, "served /fine").await;
    assert_eq!(failed(&running.host.stats()), ((CALLS + CALLS / 10) as u64, (TRAPS + TRAPS / 10) as u64));
    running.host.drain().await.unwrap();
}

/// Calls of `target`, all of which failed, and traps of `front`.
fn failed(stats: &HostStats) -> (u64, u64) {
    let of = |name: &str| stats.actors[&name.parse::<ActorName>().unwrap()];
    (of("target").calls + of("target").refused, of("front").traps)
}

/// Calls that fail cheaply, and requests that trap, every other one behind a link.
async fn fail(running: &Running, calls: usize, traps: usize) {
    let target = faults(running, "target");
    let cheap = [target.message("none", vec![]), target.message("env", vec![0xff; 8]), target.message("echo", vec![])];
    many(calls, |index| refused(running, cheap[index % cheap.len()].clone())).await;
    many(traps, async |index| {
        let path = if index % 2 == 0 { "/panic" } else { "/next/panic" };
        let answer = get(&running.url(path).unwrap()).await.unwrap();
        assert_eq!(answer.status, 502);
    })
    .await;
}

async fn refused(running: &Running, call: Call) {
    assert!(running.send(Call { deadline: Instant::now() + AMPLE, ..call }).await.is_err());
}

/// Does something so often, some of it at once.
async fn many<F: Future<Output = ()>>(count: usize, act: impl Fn(usize) -> F) {
    let act = &act;
    let lane = async |lane: usize| {
        for index in (lane..count).step_by(AT_ONCE) {
            act(index).await;
        }
    };
    join_all((0..AT_ONCE).map(lane)).await;
}

/// What a process holds.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    memory_kib: usize,
    /// Instances, and calls that run, wait and keep an instance.
    busy: (usize, usize, usize, usize),
}

/// Counts once connections and instances of the last calls are gone.
async fn held(running: &Running, listening: usize) -> Held {
    until("no instance is alive", || running.host.stats().instances == 0).await;
    until("no connection is open", || sockets() == listening).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.split_whitespace().next().unwrap().parse().unwrap()
    };
    let stats = running.host.stats();
    let sum = |count: fn(&engine::ActorStats) -> usize| stats.actors.values().map(count).sum();
    Held {
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        threads: field("Threads:"),
        memory_kib: field("VmRSS:"),
        busy: (stats.instances, sum(|actor| actor.running), sum(|actor| actor.waiting), sum(|actor| actor.idle)),
    }
}

fn sockets() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}
