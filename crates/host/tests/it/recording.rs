//! Recordings of actors, and components that are replayed against them.

mod files;
mod masking;
mod refusals;
mod scene;

use adapter::value::Value;
use host::limits::{DIFFERENCE_CHARS_MAX, RECORDING_BYTES_MAX};
use host::record::{Bounds, Why};
use host::replay::{Verdict, What};
use std::time::Duration;
use testkit::application::root;
use testkit::versions::{Does, versioned};

use self::scene::{Taped, faulty_component, kvcounter, reads, replayed};
use crate::scene::faults;

fn same(calls: u64) -> Verdict {
    Verdict { calls, skipped: 0, difference: None }
}

/// What `faulty` is asked: all that depends on clocks, on random numbers and on what an instance was asked before.
async fn misbehave(taped: &Taped) {
    let faulty = faults(&taped.running, "faulty");
    for (function, params) in [
        ("now", vec![]),
        ("random", vec![]),
        ("calls", vec![]),
        ("calls", vec![]),
        ("print", vec![Value::String("heard".to_owned())]),
        ("random", vec![]),
        ("echo", vec![Value::Bytes(vec![1, 2, 3])]),
        ("panic", vec![]),
        ("calls", vec![]),
    ] {
        let _ = faulty.call(function, &params).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_random_numbers_and_instances_are_replayed() {
    for reuse in [1, 3, 100] {
        let taped = Taped::faulty(&format!("limits.reuse = {reuse}"), Bounds::default()).await;
        misbehave(&taped).await;
        let (text, recorded) = taped.finish().await;
        assert_eq!((recorded.calls, recorded.why), (9, Why::Stopped));
        // A trap ends its instance.
        let instances = match reuse {
            1 => 9,
            3 => 4,
            _ => 2,
        };
        assert_eq!(recorded.instances, instances, "{text}");
        assert_eq!(replayed(&text, &faulty_component()).await, same(9), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_overlap_are_replayed_by_instance() {
    let taped = Taped::faulty("limits.reuse = 10", Bounds::default()).await;
    let faulty = faults(&taped.running, "faulty");
    let calls = (0..40).map(|call| faulty.call(if call % 2 == 0 { "calls" } else { "random" }, &[]));
    futures_util::future::join_all(calls).await;
    let (text, recorded) = taped.finish().await;
    assert_eq!(recorded.calls, 40);
    assert_eq!(replayed(&text, &faulty_component()).await, same(40), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_what_is_compared() {
    let taped = Taped::faulty("", Bounds::default()).await;
    misbehave(&taped).await;
    let (text, _) = taped.finish().await;
    let lines: Vec<&str> = text.lines().collect();
    // Each kind of line that a component sees or makes: another there is another answer, or no replay at all.
    for (of, old, new, call, what) in [
        ("\"wall\":", "\"seconds\":1", "\"seconds\":2", 1, What::Answer),
        ("\"of\":\"secure\"", "\"bytes\":\"", "\"bytes\":\"AAAA", 2, What::Answer),
        ("{\\\"ok\\\":1}", "1}\"", "7}\"", 3, What::Answer),
        (
            "\"call\":{",
            "\"function\":\"echo\",\"params\":\"{\\\"bytes\\\":\\\"AQID",
            "\"function\":\"echo\",\"params\":\"{\\\"bytes\\\":\\\"AQIE",
            7,
            What::Answer,
        ),
        ("\"call\":{", "\"function\":\"echo\"", "\"function\":\"gone\"", 7, What::Call),
        ("\"case\":\"actor-handler\"", "actor-handler", "not-initialized", 8, What::Answer),
    ] {
        let at = lines.iter().position(|line| line.contains(of) && line.contains(old));
        let at = at.unwrap_or_else(|| panic!("no {of} {old} in\n{text}"));
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = changed[at].replacen(old, new, 1);
        let verdict = replayed(&scene::sealed(&changed), &faulty_component()).await;
        let difference = verdict.difference.unwrap_or_else(|| panic!("{old} is {new}, and all is the same"));
        assert_eq!((difference.call, difference.what), (call, what), "{difference:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_come_from_the_recording_and_messages_are_compared() {
    let text = kvcounter(Vec::new()).await;
    let build = |path: &str| std::fs::read(root().join("examples/kvcounter").join(path)).unwrap();
    // Two languages, one behaviour: the same messages, the same answers.
    for component in ["target/wasm32-wasip2/release/kvcounter.wasm", "js/build/kvcounter.wasm"] {
        assert_eq!(replayed(&text, &build(component)).await, same(3), "{component}");
    }
    let verdict = replayed(&text, &versioned("two", Does::Good).unwrap()).await;
    insta::assert_debug_snapshot!("another-message", verdict);
    let verdict = replayed(&text, &versioned("two", Does::Traps).unwrap()).await;
    insta::assert_debug_snapshot!("a-message-that-is-not-sent", verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_bounded() {
    // Less than all: what is there is replayed.
    let taped = Taped::faulty("", Bounds { bytes: 1_000, ..Bounds::default() }).await;
    misbehave(&taped).await;
    taped.recorder.over().await;
    let (text, recorded) = taped.finish().await;
    assert_eq!(recorded.why, Why::Bytes);
    assert!(recorded.calls > 0 && recorded.calls < 9, "{recorded:?}");
    let verdict = replayed(&text, &faulty_component()).await;
    assert_eq!((verdict.calls + verdict.skipped, verdict.difference), (recorded.calls, None));

    let taped = Taped::faulty("", Bounds { time: Duration::ZERO, ..Bounds::default() }).await;
    misbehave(&taped).await;
    taped.recorder.over().await;
    let (text, recorded) = taped.finish().await;
    assert_eq!((recorded.why, recorded.calls), (Why::Time, 0), "{text}");
    assert_eq!(replayed(&text, &faulty_component()).await, same(0));

    // More than there may be is no more than that.
    let taped = Taped::faulty("", Bounds { bytes: u64::MAX, time: Duration::MAX }).await;
    let faulty = faults(&taped.running, "faulty");
    for _ in 0..30 {
        faulty.call("echo", &[Value::Bytes(vec![7; 1_000_000])]).await.unwrap();
    }
    let (_, recorded) = taped.finish().await;
    assert_eq!(recorded.why, Why::Bytes);
    assert!(recorded.bytes < RECORDING_BYTES_MAX + 10_000, "{recorded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_time_ended_are_left_out() {
    let taped = Taped::faulty("limits = { execution = \"50ms\", memory = \"8MiB\" }", Bounds::default()).await;
    let faulty = faults(&taped.running, "faulty");
    faulty.call("spin", &[]).await.unwrap_err();
    faulty.call("now", &[]).await.unwrap();
    let (text, _) = taped.finish().await;
    assert!(text.contains("deadline-exceeded") || reads(&text).is_ok(), "{text}");
    assert_eq!(
        replayed(&text, &faulty_component()).await,
        Verdict { calls: 1, skipped: 1, difference: None },
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_shown_in_part_where_it_is_long() {
    let taped = Taped::faulty("", Bounds::default()).await;
    faults(&taped.running, "faulty").call("echo", &[Value::Bytes(vec![1; 5_000])]).await.unwrap();
    let (text, _) = taped.finish().await;
    let changed: Vec<String> = text.lines().map(|line| line.replace("ok\\\":\\\"AQEB", "ok\\\":\\\"AgEB")).collect();
    let difference = replayed(&scene::sealed(&changed), &faulty_component()).await.difference.unwrap();
    for shown in [difference.expected.unwrap(), difference.got.unwrap()] {
        let chars = shown.chars().count();
        assert!(chars > DIFFERENCE_CHARS_MAX && chars < DIFFERENCE_CHARS_MAX + 40, "{chars}");
    }
}

/// Takes as long as a call may: only where there is time.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_end_is_stopped() {
    if std::env::var_os("LATH_LONG").is_none() {
        return;
    }
    let taped = Taped::faulty("", Bounds::default()).await;
    faults(&taped.running, "faulty").call("now", &[]).await.unwrap();
    let (text, _) = taped.finish().await;
    let changed: Vec<String> = text.lines().map(|line| line.replace("\"now\"", "\"spin\"")).collect();
    let difference = replayed(&scene::sealed(&changed), &faulty_component()).await.difference.unwrap();
    assert!(difference.got.unwrap().contains("deadline-exceeded"));
}
