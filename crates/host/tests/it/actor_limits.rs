//! What an actor may use, as its manifest says.

use std::time::{Duration, Instant};

use adapter::value::Value;

use crate::scene::{assert_like, faults, faulty, told, until};

/// The answers of one actor with these limits, in order.
async fn check(limits: &str, calls: &[(&str, Vec<Value>, &str)]) {
    let running = faulty("limited", &format!("limits = {{ {limits} }}")).await;
    for (function, params, expected) in calls {
        assert_like(&told(faults(&running, "limited").call(function, params).await), expected);
    }
    running.host.drain().await.unwrap();
}

fn bytes(count: usize) -> Vec<Value> {
    vec![Value::Bytes(vec![7; count])]
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded() {
    let allocate = |mib: u64| vec![Value::U64(mib << 20)];
    let calls = [
        ("allocate", allocate(4), "Result(Ok(Some(U64(4194304))))"),
        ("allocate", allocate(16), "Result(Err(Some(String(\"memory allocation failed…"),
        // The message itself takes more than there is.
        (
            "echo",
            bytes(4_000_000),
            "Unknown host-error: actor 'limited': its memory limit of 8388608 bytes is exhausted",
        ),
        ("allocate", allocate(4), "Result(Ok(Some(U64(4194304))))"),
    ];
    check(r#"memory = "8MiB""#, &calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn execution_time_is_bounded() {
    let begun = Instant::now();
    let late = "Unknown deadline-exceeded: actor 'limited' did not finish in time";
    check(r#"execution = "50ms""#, &[("spin", vec![], late), ("now", vec![], "Result(Ok(Some(U64(…)")]).await;
    assert!(begun.elapsed() < Duration::from_secs(60), "it was stopped long after its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_is_bounded() {
    let full = "Unknown actor-handler: actor 'limited' trapped: wasm trap: call stack exhausted";
    check(r#"execution = "60s""#, &[("recurse", vec![], full), ("now", vec![], "Result(Ok(Some(U64(…)")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_bounded() {
    let running =
        faulty("limited", &format!("limits.message = \"1KiB\"\ngrants.env.LONG = \"{}\"", "x".repeat(2_000))).await;
    let name = vec![Value::String("LONG".to_owned())];
    for (function, params, expected) in [
        ("echo", bytes(1_000), "Result(Ok(Some(Bytes(…))))"),
        (
            "echo",
            bytes(2_000),
            "NotStarted host-error: actor 'limited': a message of 2006 bytes is over its limit of 1024",
        ),
        ("env", name, "Unknown host-error: actor 'limited': a message of 2004 bytes is over its limit of 1024"),
    ] {
        assert_like(&told(faults(&running, "limited").call(function, &params).await), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_and_their_queue_are_bounded() {
    let running = faulty("limited", r#"limits = { instances = 1, queue = 1, execution = "2s" }"#).await;
    let faults = faults(&running, "limited");
    let state = || {
        let stats = running.host.stats().actors.into_values().next().unwrap();
        (stats.running, stats.waiting)
    };
    let script = async {
        until("one runs", || state() == (1, 0)).await;
        let next = faults.call("now", &[]);
        let refused = async {
            until("one waits", || state() == (1, 1)).await;
            told(faults.call("now", &[]).await)
        };
        let (next, refused) = tokio::join!(next, refused);
        (told(next), refused)
    };
    let (first, (next, refused)) = tokio::join!(faults.call("spin", &[]), script);
    assert_like(&told(first), "Unknown deadline-exceeded: …");
    assert_like(&next, "Result(Ok(Some(U64(…");
    assert_eq!(refused, "NotStarted host-error: actor 'limited': all instances are busy and the queue is full");
    assert_eq!(state(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_instance_serves_so_many_calls_and_none_after_a_trap() {
    let count = |calls: &'static str| ("calls", vec![], calls);
    let [one, two, three] = [1, 2, 3].map(|calls| &*format!("Result(Ok(Some(U32({calls}))))").leak());
    check("reuse = 1", &[count(one), count(one)]).await;
    let trapped = ("panic", vec![], "Unknown actor-handler: …");
    let calls = [count(one), count(two), count(three), count(one), count(two), trapped, count(one)];
    check("reuse = 3", &calls).await;
}
