//! What an actor's log shows.

use adapter::value::Value;
use testkit::log::{self, Level, Line};

use crate::scene::{faults, faulty};

async fn log_after(actor: &str, lines: &str, calls: &[(&str, Vec<Value>)]) -> Vec<Line> {
    log::listen();
    let running = faulty(actor, lines).await;
    for (function, params) in calls {
        // What the calls come to is other tests' business.
        let _ = faults(&running, actor).call(function, params).await;
    }
    running.host.drain().await.unwrap();
    log::of(actor)
}

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_to_the_log() {
    let print = vec![Value::String("from the guest".to_owned())];
    let log = log_after("printing", "", &[("print", print), ("log", vec![Value::U32(2)])]).await;
    let lines: Vec<_> =
        log.iter().map(|line| (line.level, line.fields["stream"].as_str(), line.text.as_str())).collect();
    assert_eq!(
        lines,
        [
            (Level::INFO, "stdout", "from the guest"),
            (Level::INFO, "stderr", "line 1"),
            (Level::INFO, "stderr", "line 2")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_of_the_log_is_bounded() {
    let log = log_after("chatty", "limits.log = \"1KiB\"", &[("log", vec![Value::U32(2_000)])]).await;
    let told = |line: &Line| line.text.strip_suffix(" lines suppressed").and_then(|count| count.parse::<usize>().ok());
    let suppressed: usize = log.iter().filter_map(told).sum();
    let lines = log.iter().filter(|line| line.fields.contains_key("stream")).count();
    assert_eq!(lines + suppressed, 2_000);
    assert!(lines >= 5 && suppressed > 1_000, "{lines} lines, {suppressed} suppressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_call_is_logged_with_its_source() {
    let (any, limits) = (Vec::new, "limits = { execution = \"100ms\", memory = \"4MiB\", log = \"1MiB\" }");
    let large = vec![Value::Bytes(vec![7; 3_000_000])];
    let calls = [("panic", any()), ("recurse", any()), ("spin", any()), ("echo", large)];
    let log = log_after("stopped", limits, &calls).await;
    let ends: Vec<_> = log.iter().filter(|line| line.fields.contains_key("function")).collect();
    let expected: [(Level, &str, &str, &str); 4] = [
        (Level::ERROR, "panic", "actor-handler: ", "faulty/src/lib.rs:"),
        (Level::ERROR, "recurse", "actor-handler: ", "faulty/src/lib.rs:"),
        (Level::WARN, "spin", "deadline-exceeded: ", "faulty/src/lib.rs:"),
        (Level::WARN, "echo", "host-error: ", "wasm backtrace"),
    ];
    assert_eq!(ends.len(), expected.len(), "{log:#?}");
    for (line, (level, function, error, place)) in ends.iter().zip(expected) {
        assert_eq!((line.level, line.fields["function"].as_str()), (level, function));
        assert!(line.text.starts_with(error) && line.text.contains(place), "{line:#?}");
    }
    // The panic's line is the one in the source.
    let source = include_str!("../../../testkit/guests/faulty/src/lib.rs");
    let number = 1 + source.lines().position(|line| line.contains("panic!(")).unwrap();
    assert!(ends[0].text.contains(&format!("faulty/src/lib.rs:{number}:")), "{}", ends[0].text);
    // What the guest says itself of its panic is output like any other.
    assert!(log.iter().any(|line| line.fields.contains_key("stream") && line.text.contains("a fault on request")));
}
