//! The host on the bus: messages that are no calls, and how many it serves.

use std::time::Instant;

use futures_util::future::join_all;
use host::limits::BUS_CALLS_MAX;
use lattice::bus::{Bus as _, Message};
use lattice::call::read_answer;
use lattice::subject::Subject;
use model::failure::Progress;
use testkit::caller::AMPLE;

use crate::scene::{faults, faulty, until};

const HEADERS: [(&str, &str); 5] = [
    ("lath-actor", "test/target"),
    ("lath-contract", "test:faulty/faults@0.1.0"),
    ("lath-method", "now"),
    ("lath-wire", "lath/1"),
    ("lath-deadline", "60000"),
];

fn message(headers: Vec<(&str, &str)>) -> Message {
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let subject = Subject::call("local", "here", "test").unwrap();
    Message { subject, headers, payload: Vec::new().into(), reply: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_call_is_refused() {
    let running = faulty("target", "").await;
    let ask = async |headers| {
        let answer = running.bus.request(message(headers), Instant::now() + AMPLE).await.unwrap();
        read_answer(&answer).unwrap().map_err(|failure| format!("{:?} {}", failure.progress, failure.error))
    };
    let broken = |reason: &str| {
        let text = format!("the message on `lath.local.call.here.test` is not a call: {reason}");
        format!("NotStarted deser: {text}; check the version of its sender")
    };
    for (name, _) in HEADERS {
        let headers = HEADERS.into_iter().filter(|(other, _)| *other != name).collect();
        assert_eq!(ask(headers).await.unwrap_err(), broken(&format!("header `{name}` is missing")));
    }
    for deadline in ["", "-1", "soon", "99999999999999999999"] {
        let headers =
            HEADERS.into_iter().map(|(name, value)| (name, if name == "lath-deadline" { deadline } else { value }));
        let reason = format!("header `lath-deadline` is `{deadline}`, not a number of milliseconds");
        assert_eq!(ask(headers.collect()).await.unwrap_err(), broken(&reason));
    }
    // A deadline beyond all is cut down, not refused.
    let headers = HEADERS
        .into_iter()
        .map(|(name, value)| (name, if name == "lath-deadline" { "18446744073709551615" } else { value }));
    assert!(ask(headers.collect()).await.is_ok());
    // Without a wish for an answer it is no call: nothing happens, and the host goes on.
    running.bus.publish(message(HEADERS.into())).await.unwrap();
    running.bus.publish(message(Vec::new())).await.unwrap();
    assert!(ask(HEADERS.into()).await.is_ok());
    assert_eq!(running.host.stats().actors.values().map(|actor| actor.calls).sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_are_bounded() {
    let running = faulty("target", "limits = { instances = 1, queue = 5000, execution = \"60s\" }").await;
    let faults = faults(&running, "target");
    let (spin, now) = (faults.message("spin", vec![]), faults.message("now", vec![]));
    let state = || {
        let stats = running.host.stats().actors.into_values().next().unwrap();
        (stats.running, stats.waiting)
    };
    let others = async {
        until("one runs", || state() == (1, 0)).await;
        join_all(vec![now.clone(); BUS_CALLS_MAX - 1].into_iter().map(|call| running.send(call))).await
    };
    let one_more = async {
        until("all the others wait", || state() == (1, BUS_CALLS_MAX - 1)).await;
        running.send(now.clone()).await.unwrap_err()
    };
    let refused = tokio::select! {
        spun = running.send(spin) => panic!("it never stops by itself: {spun:?}"),
        answers = others => panic!("they wait: {answers:?}"),
        refused = one_more => refused,
    };
    assert_eq!(refused.progress, Progress::NotStarted);
    assert_eq!(refused.to_string(), "host-error: the host already serves 1024 calls from the bus; try again later");
}
