//! How failures arrive: at the caller, at a client of the bus, at a client of HTTP.

use std::time::{Duration, Instant};

use lattice::call::Call;
use model::failure::{Failure, Progress};
use testkit::application::{HOST, Running, guest};
use testkit::caller::{contract, word};
use testkit::http::get;

use crate::scene::{FAULTY_HTTP, assert_get, assert_like, faults, faulty, start};

/// `front` takes requests and passes some on to `back`; both misbehave.
async fn two() -> Running {
    start(&format!(
        r#"
        [application]
        name = "test"
        [actors.front]
        component = "{FAULTY_HTTP}"
        limits = {{ execution = "10s" }}
        links."lath:httpserver/handler" = {{ to = "back", deadline = "5s" }}
        [actors.back]
        component = "{FAULTY_HTTP}"
        limits = {{ execution = "500ms" }}
        links."lath:httpserver/handler" = {{ to = "slow", deadline = "50ms" }}
        [actors.slow]
        component = "{FAULTY_HTTP}"
        limits = {{ execution = "10s" }}
        links."lath:httpserver/handler" = {{ to = "slow" }}
        [[routes]]
        path = "/*"
        to = "front"
        [[routes]]
        path = "/spin"
        to = "back"
        "#
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_has_its_status() {
    let running = two().await;
    for (path, status, kind) in [
        ("/panic", 502, "actor-handler"),
        ("/recurse", 502, "actor-handler"),
        ("/exhaust", 503, "host-error"),
        ("/spin", 504, "deadline-exceeded"),
        ("/next/panic", 502, "actor-handler"),
        ("/next/exhaust", 503, "host-error"),
        ("/next/spin", 504, "deadline-exceeded"),
        ("/next/next/spin", 504, "deadline-exceeded"),
        ("/fail/deadline-exceeded", 504, "deadline-exceeded"),
        ("/fail/not-initialized", 502, "not-initialized"),
        ("/fail/method-not-handled", 502, "method-not-handled"),
        ("/fail/not-implemented", 502, "not-implemented"),
        ("/fail/host-error", 503, "host-error"),
        ("/fail/deser", 502, "deser"),
        ("/fail/ser", 502, "ser"),
        ("/fail/rpc", 502, "rpc"),
        ("/fail/transport", 503, "transport"),
        ("/fail/invalid-parameter", 403, "invalid-parameter"),
        ("/fail/actor-handler", 502, "actor-handler"),
        ("/fail/provider-init", 502, "provider-init"),
        ("/fail/timeout", 504, "timeout"),
        ("/fail/other", 502, "other"),
    ] {
        let answer = get(&running.url(path).unwrap()).await.unwrap();
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert!(answer.body.contains(&format!("{kind}\"")), "{path}: {}", answer.body);
        for inside in ["front", "back", "lib.rs", "trap", "as asked"] {
            assert!(!answer.body.contains(inside), "{path} tells of {inside}: {}", answer.body);
        }
    }
    assert_get(&running, "/fine", 200, "served /fine").await;
    assert_get(&running, "/next/fine", 200, "served /fine").await;
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_sees_every_failure() {
    let running = two().await;
    let exhausted = "RpcError::HostError(\"actor 'back': its memory limit of 67108864 bytes is exhausted\")";
    for (path, seen) in [
        ("/seen/fine", "200"),
        ("/seen/panic", "RpcError::ActorHandler(\"actor 'back' trapped: wasm trap: …\")"),
        ("/seen/recurse", "RpcError::ActorHandler(\"actor 'back' trapped: wasm trap: call stack exhausted\")"),
        ("/seen/exhaust", exhausted),
        ("/seen/spin", "RpcError::DeadlineExceeded(\"actor 'back' did not finish in time\")"),
        ("/seen/next/spin", "RpcError::DeadlineExceeded(\"actor 'slow' did not finish in time\")"),
        ("/seen/next/panic", "RpcError::ActorHandler(\"actor 'slow' trapped: wasm trap: …\")"),
        ("/seen/fail/not-initialized", "RpcError::NotInitialized"),
        ("/seen/fail/other", "RpcError::Other(\"as asked\")"),
    ] {
        let answer = get(&running.url(path).unwrap()).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert_like(&answer.body, seen);
    }
    running.host.drain().await.unwrap();
}

/// A call that works, and one thing about it changed.
fn broken(call: &Call, what: &str, with: &str) -> Call {
    let mut call = call.clone();
    match what {
        "actor" => call.target = with.parse().unwrap(),
        "contract" => call.contract = with.parse().unwrap(),
        "method" => call.method = with.parse().unwrap(),
        "wire" => call.wire = with.parse().unwrap(),
        "payload" => call.payload = with.as_bytes().to_vec().into(),
        _ => call.deadline = Instant::now() + Duration::from_millis(with.parse().unwrap()),
    }
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_bus_is_told_what_is_wrong() {
    let running = faulty("target", "").await;
    let call = faults(&running, "target").message("env", b"\x04PATH".to_vec());
    assert_eq!(running.send(call.clone()).await, Ok(vec![0, 0]));
    let contract = "test:faulty/faults@0.1.0";
    for (what, with, expected) in [
        ("actor", "test/gone", "NotStarted transport: actor test/gone does not run here"),
        ("actor", "other/target", "NotStarted transport: actor other/target does not run here"),
        (
            "contract",
            "test:faulty/faults@0.2.0",
            "NotStarted invalid-parameter: actor test/target does not answer on test:faulty/faults@0.2.0 in lath/1",
        ),
        (
            "wire",
            "json/1",
            "NotStarted invalid-parameter: actor test/target does not answer on test:faulty/faults@0.1.0 in json/1",
        ),
        ("method", "none", "Unknown method-not-handled: …"),
        ("payload", "", "Unknown deser: …"),
        ("payload", "\u{5}PATH", "Unknown deser: …"),
        ("payload", "\u{4}PATH and more", "Unknown deser: …"),
        ("deadline", "0", "NotStarted deadline-exceeded: …"),
    ] {
        let failure = running.send(broken(&call, what, with)).await.unwrap_err();
        assert_like(&format!("{:?} {}", failure.progress, failure.error), expected);
        assert_eq!(running.send(call.clone()).await, Ok(vec![0, 0]), "after a wrong {what}: {contract}");
    }
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_not_started() {
    let running = faulty("target", "").await;
    let call = faults(&running, "target").message("now", vec![]);
    let Running { host, peer, .. } = running;
    host.drain().await.unwrap();
    let Failure { error, progress } = peer.call(&word(HOST), call).await.unwrap_err();
    assert_eq!((error.parts().0, progress), ("transport", Progress::NotStarted));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_answer_is_refused() {
    // The contract of requests over the bus, where the guest can be given any bytes.
    let running = two().await;
    let front = running.caller("front", contract(&guest("wasm32-wasip2", "faulty_http"), "handler").unwrap());
    for payload in [&b""[..], b"\x03GET", &[0xff; 64], b"\x03GET\x05/fine\0\0\0\0"] {
        let failure = running.send(front.message("handle-request", payload.to_vec())).await.unwrap_err();
        assert_eq!(failure.error.parts().0, "deser", "{payload:?}");
    }
    assert!(running.send(front.message("handle-request", b"\x03GET\x05/fine\0\0\0".to_vec())).await.is_ok());
}
