//! Actors that call each other.

use std::time::{Duration, Instant};

use adapter::value::Value;
use testkit::application::{Running, guest};
use testkit::caller::contract;

use crate::scene::{RELAY, assert_like, start, told};

/// Actors `r0`, `r1`, … that pass calls on in a ring.
async fn ring(actors: usize, limits: &str) -> Running {
    let actor = |index: usize| {
        let next = (index + 1) % actors;
        format!(
            "[actors.r{index}]\ncomponent = \"{RELAY}\"\nlimits = {{ {limits} }}\nlinks.next = {{ to = \"r{next}\" }}\n"
        )
    };
    start(&format!("[application]\nname = \"test\"\n{}", (0..actors).map(actor).collect::<String>())).await
}

async fn check(actors: usize, limits: &str, hops: &[(u32, &str)]) {
    let running = ring(actors, limits).await;
    let relay = running.caller("r0", contract(&guest("wasm32-unknown-unknown", "relay"), "hop").unwrap());
    for (count, expected) in hops {
        assert_like(&told(relay.call("hop", &[Value::U32(*count)]).await), expected);
    }
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_have_a_depth() {
    let deep =
        "Result(Err(Some(String(\"host-error: the chain of calls is longer than 4; look for a cycle of links\"))))";
    let calls = [(0, "Result(Ok(Some(U32(0))))"), (3, "Result(Ok(Some(U32(3))))"), (4, deep), (9, deep)];
    for actors in 1..=3 {
        check(actors, "depth = 4", &calls).await;
    }
    let deep = "Result(Err(Some(String(\"host-error: the chain of calls is longer than 16; …";
    check(2, "", &[(15, "Result(Ok(Some(U32(15))))"), (16, deep)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_does_not_wait_for_itself() {
    let begun = Instant::now();
    let held = |actor: &str| {
        let why = "this call would wait for an instance that its own chain holds";
        format!("Result(Err(Some(String(\"host-error: actor '{actor}': {why}\"))))")
    };
    check(1, "instances = 1", &[(0, "Result(Ok(Some(U32(0))))"), (1, &held("r0"))]).await;
    check(2, "instances = 1", &[(1, "Result(Ok(Some(U32(1))))"), (2, &held("r0"))]).await;
    check(3, "instances = 1", &[(2, "Result(Ok(Some(U32(2))))"), (3, &held("r0")), (4, &held("r0"))]).await;
    check(1, "instances = 2", &[(1, "Result(Ok(Some(U32(1))))"), (2, &held("r0"))]).await;
    // The calls had a minute: refused at once is not refused at the deadline.
    assert!(begun.elapsed() < Duration::from_secs(55), "the calls waited");
}
