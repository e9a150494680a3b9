//! How a host stops.

use std::time::Duration;

use host::HostError;
use model::failure::Progress;
use testkit::application::{HOST, Running};
use testkit::caller::word;
use testkit::http::get;

use crate::scene::{FAULTY_HTTP, assert_like, faults, faulty, start, told, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_finished() {
    let running = faulty("target", "limits.execution = \"1s\"").await;
    let Running { host, peer, .. } = &running;
    let spin = faults(&running, "target").message("spin", vec![]);
    let call = {
        let (peer, spin) = (peer.clone(), spin.clone());
        tokio::spawn(async move { peer.call(&word(HOST), spin).await.map(|_| None) })
    };
    until("it runs", || host.stats().actors.values().any(|actor| actor.running == 1)).await;
    let Running { host, peer, .. } = running;
    host.drain().await.unwrap();
    assert_like(&told(call.await.unwrap()), "Unknown deadline-exceeded: …");
    assert_eq!(peer.call(&word(HOST), spin).await.unwrap_err().progress, Progress::NotStarted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_too_long_is_cut_off_and_said_so() {
    let running = faulty("target", "limits.execution = \"10s\"").await;
    let spin = faults(&running, "target").message("spin", vec![]);
    let Running { host, peer, .. } = running;
    let call = tokio::spawn(async move { peer.call(&word(HOST), spin).await });
    until("it runs", || host.stats().actors.values().any(|actor| actor.running == 1)).await;
    let patience = Duration::from_millis(250);
    let error = host.drain_within(patience).await.unwrap_err();
    assert!(matches!(error, HostError::Overdue { after } if after == patience), "{error:?}");
    assert_eq!(error.to_string(), "calls were still running after 0.25 s and were cut off");
    call.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_drain_is_bounded() {
    // Whatever is asked for: nothing runs, so it is over at once, and nothing overflows.
    faulty("target", "").await.host.drain_within(Duration::MAX).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_come_too_late_are_not_started() {
    let running = faulty("target", "limits = { execution = \"1s\", instances = 1 }").await;
    let caller = faults(&running, "target");
    let (spin, now) = (caller.message("spin", vec![]), caller.message("now", vec![]));
    let Running { host, peer, .. } = running;
    let send = |call| {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call(&word(HOST), call).await })
    };
    let running = send(spin);
    until("it runs", || host.stats().actors.values().any(|actor| actor.running == 1)).await;
    let drain = tokio::spawn(host.drain());
    // Calls are taken until the host has noticed; from then on each is refused before anything ran.
    let mut taken = Vec::new();
    while !drain.is_finished() {
        match tokio::time::timeout(Duration::from_millis(20), send(now.clone())).await {
            Ok(answer) => taken.push(answer.unwrap()),
            Err(_) => continue,
        }
    }
    assert!(taken.iter().any(Result::is_err));
    for failure in taken.into_iter().filter_map(Result::err) {
        assert_eq!((failure.progress, failure.error.parts().0), (Progress::NotStarted, "transport"), "{failure}");
    }
    running.await.unwrap().unwrap_err();
    drain.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_dropped_drains_as_well() {
    let manifest = "[application]\nname = \"test\"\n[actors.self]\ncomponent = \"{guest}\"\nlinks.\"lath:httpserver/handler\" \
                    = { to = \"self\" }\n[[routes]]\npath = \"/*\"\nto = \"self\"";
    let running = start(&manifest.replace("{guest}", FAULTY_HTTP)).await;
    let url = running.url("/next/fine").unwrap();
    assert_eq!(get(&url).await.unwrap().body, "served /fine");
    drop(running);
    let mut open = true;
    while open {
        open = tokio::time::timeout(Duration::from_secs(60), get(&url)).await.unwrap().is_ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_says_why_and_leaves_nothing_open() {
    use testkit::application::{folder, run_with};
    let data = tempfile::tempdir().unwrap();
    let manifest = |config: &str| {
        format!(
            "manifest = 1\n[application]\nname = \"test\"\n[actors.counter]\ncomponent = \
             \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\nlinks.\"lath:keyvalue\" = {{ to \
             = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/embedded\", config = {{ {config} }} }}"
        )
    };
    let broken = folder(&manifest("max-keys = \"many\"")).unwrap();
    let error = run_with(broken.path(), data.path()).await.err().unwrap().to_string();
    assert!(error.starts_with("provider kv cannot be started: "), "{error}");
    let held = run_with(folder(&manifest("")).unwrap().path(), data.path()).await.unwrap();
    let error = run_with(folder(&manifest("")).unwrap().path(), data.path()).await.err().unwrap().to_string();
    assert!(error.starts_with("provider kv cannot be started: "), "{error}");
    held.host.drain().await.unwrap();
    run_with(folder(&manifest("")).unwrap().path(), data.path()).await.unwrap().host.drain().await.unwrap();
}
