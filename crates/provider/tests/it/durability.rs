//! What was acknowledged is there after `kill -9`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::keyvalue::{Answer, Operation};
use futures_util::future::join_all;
use provider::{ConfigValue, Health};

use crate::client::{increment, open, text, try_open};

const KEYS: usize = 8;
/// Tells the child where its store is, and how it keeps it.
const FOLDER: &str = "LATH_TEST_STORE";
const DURABILITY: &str = "LATH_TEST_DURABILITY";

fn entries(durability: &str) -> [(&'static str, ConfigValue); 1] {
    [("durability", text(durability))]
}

/// The child's part: counts on several keys at once, and says what was acknowledged. On its own it counts a little.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_until_it_is_killed() {
    let own = tempfile::tempdir().unwrap();
    let (folder, rounds) = match std::env::var_os(FOLDER) {
        Some(folder) => (folder.into(), i32::MAX),
        None => (own.path().to_owned(), 3),
    };
    let durability = std::env::var(DURABILITY).unwrap_or("commit".to_owned());
    let store = open("keyvalue/embedded", &entries(&durability), &folder);
    let counting = (0..KEYS).map(|key| {
        let store = store.clone();
        async move {
            for round in 1..=rounds {
                let sum = increment(&*store, &key.to_string(), 1).await.unwrap().unwrap();
                assert_eq!(sum, round);
                println!("\nacknowledged {key} {sum}");
            }
        }
    });
    join_all(counting).await;
}

fn spawn_child(folder: &Path, durability: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::counts_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(DURABILITY, durability)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child count, kills it without warning, and gives what it had acknowledged for each key.
fn kill_while_counting(folder: &Path, durability: &str, lines: usize) -> BTreeMap<String, i32> {
    let mut child = spawn_child(folder, durability);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = BTreeMap::new();
    let mut note = |line: String| {
        let mut words = line.split(' ');
        if words.next() == Some("acknowledged") {
            let key = words.next().unwrap().to_owned();
            acknowledged.insert(key, words.next().unwrap().parse::<i32>().unwrap());
        }
    };
    output.by_ref().take(lines).for_each(&mut note);
    child.kill().unwrap();
    output.for_each(&mut note);
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn acknowledged_increments_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = kill_while_counting(folder.path(), "commit", 600);
    assert_eq!(acknowledged.len(), KEYS, "{acknowledged:?}");
    let store = open("keyvalue/embedded", &entries("commit"), folder.path());
    for (key, sum) in acknowledged {
        let kept = increment(&*store, &key, 0).await.unwrap().unwrap();
        // The one change that was under way for each key may have been made.
        assert!((sum..=sum + 1).contains(&kept), "key {key}: {sum} acknowledged, {kept} kept");
    }
}

#[tokio::test]
async fn interval_keeps_the_file_whole_and_never_invents() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = kill_while_counting(folder.path(), "interval", 5_000);
    let store = open("keyvalue/embedded", &entries("interval"), folder.path());
    for (key, sum) in acknowledged {
        let kept = increment(&*store, &key, 0).await.unwrap().unwrap();
        assert!(kept <= sum + 1, "key {key}: {sum} acknowledged, {kept} kept");
    }
}

#[tokio::test]
async fn interval_syncs_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = open("keyvalue/embedded", &entries("interval"), folder.path());
    assert_eq!(increment(&*store, "k", 7).await, Ok(Ok(7)));
    let deadline = Instant::now() + Duration::from_secs(20);
    // What a crash would leave is what the file holds now.
    while kept_after_a_crash(folder.path()).await != Some(7) {
        assert!(Instant::now() < deadline, "the change never reached the file");
        tokio::task::yield_now().await;
    }
}

async fn kept_after_a_crash(folder: &Path) -> Option<i32> {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("kv.redb"), copy.path().join("kv.redb")).unwrap();
    let store = try_open("keyvalue/embedded", &[], copy.path()).ok()?;
    increment(&*store, "k", 0).await.unwrap().ok()
}

/// Tells the child where its store is.
const FULL: &str = "LATH_TEST_FULL_STORE";

/// A full disk is a limit on the size of files here: the child meets it, has it lifted, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_passes() {
    if let Some(folder) = std::env::var_os(FULL) {
        return fills_and_goes_on(folder.as_ref()).await;
    }
    for durability in ["commit", "interval"] {
        let folder = tempfile::tempdir().unwrap();
        // Ignored, so that a write past the limit fails instead of ending the process.
        let script =
            r#"trap '' XFSZ; ulimit -S -f 2048; exec "$0" --exact durability::a_full_disk_loses_nothing_and_passes"#;
        let mut child = Command::new("sh");
        child.args(["-c", script]).arg(std::env::current_exe().unwrap());
        let output = child.env(FULL, folder.path()).env(DURABILITY, durability).output().unwrap();
        assert!(output.status.success(), "{durability}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

async fn fills_and_goes_on(folder: &Path) {
    let durability = std::env::var(DURABILITY).unwrap();
    let store = open("keyvalue/embedded", &entries(&durability), folder);
    let key = |number: i32| format!("{number:0>1000}");
    assert_eq!(store.health(), Health::Well);
    let mut kept = 0;
    while increment(&*store, &key(kept), kept).await.is_ok() {
        kept += 1;
        assert!(kept < 100_000, "the limit was never met");
    }
    let Health::Unwell(why) = store.health() else { panic!("a store that cannot write is well") };
    assert!(why.starts_with("store `kv` could not write when it last tried: "), "{why}");
    let limit = rustix::process::Resource::Fsize;
    let most = rustix::process::getrlimit(limit).maximum;
    rustix::process::setrlimit(limit, rustix::process::Rlimit { current: most, maximum: most }).unwrap();
    // It opens again by itself: whoever only reads finds what was answered.
    let deadline = Instant::now() + Duration::from_secs(30);
    let first = || Operation::Exists("any".to_owned());
    while store.keyvalue("default", first(), deadline).await != Ok(Answer::Exists(false)) {
        assert!(Instant::now() < deadline, "the store never recovered");
        tokio::task::yield_now().await;
    }
    while increment(&*store, "after", 0).await.is_err() || store.health() != Health::Well {
        assert!(Instant::now() < deadline, "the store never recovered");
        tokio::task::yield_now().await;
    }
    // What was answered before it was synced may be lost, the last of it only.
    let mut lost = 0;
    for number in 1..kept {
        match increment(&*store, &key(number), 0).await {
            Ok(Ok(0)) => lost += 1,
            sum => assert_eq!((sum, lost), (Ok(Ok(number)), 0), "{durability}"),
        }
    }
    assert!(durability == "interval" || lost == 0, "{lost} of {kept} were lost");
}
