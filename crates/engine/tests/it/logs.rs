//! What an actor's log shows.

use std::fmt::Debug;
use std::sync::{LazyLock, Mutex};

use engine::{ActorSettings, limits};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::guest;
use crate::scene::{Nowhere, Silence, actor, ask, engine, number, settings, within};

/// Every event of the target `lath::actor` in this process: actor, and level, stream or function, and text.
static EVENTS: LazyLock<Mutex<Vec<(String, String)>>> = LazyLock::new(|| {
    tracing_subscriber::registry().with(Recorder).init();
    Mutex::default()
});

struct Recorder;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "lath::actor" {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let text = format!("{} {}{}", event.metadata().level(), fields.origin, fields.message);
            EVENTS.lock().unwrap().push((fields.actor, text));
        }
    }
}

#[derive(Default)]
struct Fields {
    actor: String,
    origin: String,
    message: String,
}

impl tracing::field::Visit for Fields {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "actor" => self.actor = value.to_owned(),
            _ => self.origin = format!("{value}: "),
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

fn listen() {
    LazyLock::force(&EVENTS);
}

fn log_of(actor: &str) -> Vec<String> {
    let events = EVENTS.lock().unwrap();
    events.iter().filter(|(name, _)| name == actor).map(|(_, text)| text.clone()).collect()
}

#[tokio::test]
async fn output_is_logged_by_the_line() {
    listen();
    let actor = actor(&engine(), ActorSettings { reuse: 10, ..settings("log/lines") }, Nowhere);
    for text in ["one\n", "two\nthr", "four\n\n", "bad \u{fffd}\n"] {
        ask(&actor, "out", text.as_bytes()).await.unwrap();
    }
    ask(&actor, "out", b"\xff\n").await.unwrap();
    let lines = ["one", "two", "thr", "four", "", "bad \u{fffd}", "\u{fffd}"];
    let expected: Vec<_> = lines.iter().map(|line| format!("INFO stdout: {line}")).collect();
    assert_eq!(log_of("log/lines"), expected);
}

#[tokio::test]
async fn long_lines_are_split() {
    listen();
    let actor = actor(&engine(), settings("log/long"), Nowhere);
    // Three times the most that the guest may write at once, without an end of line.
    ask(&actor, "O", "x".repeat(4_096).as_bytes()).await.unwrap();
    let lines: Vec<_> = log_of("log/long").iter().map(|line| line.matches('x').count()).collect();
    assert_eq!(lines, [limits::LOG_LINE_BYTES_MAX, 4_096]);
    assert_eq!(number(ask(&actor, "k", b"").await), limits::LOG_WRITE_BYTES_MAX as u64);
}

#[tokio::test]
async fn the_rate_is_bounded_and_what_is_left_out_is_told() {
    listen();
    let log_bytes_per_s = 10 * (100 + limits::LOG_LINE_COST_BYTES as u64);
    let actor = actor(&engine(), ActorSettings { log_bytes_per_s, ..settings("log/rate") }, Nowhere);
    for _ in 0..30 {
        ask(&actor, "out", &[b'x'; 100]).await.unwrap();
    }
    drop(actor);
    let log = log_of("log/rate");
    let lines = log.iter().filter(|line| line.starts_with("INFO")).count();
    let suppressed: usize = log
        .iter()
        .filter_map(|line| line.strip_prefix("WARN ")?.strip_suffix(" lines suppressed")?.parse::<usize>().ok())
        .sum();
    assert!(lines >= 10 && suppressed > 0, "{log:?}");
    assert_eq!(lines + suppressed, 30, "{log:?}");
}

#[tokio::test]
async fn short_lines_cost_what_a_line_costs() {
    listen();
    let settings = ActorSettings { log_bytes_per_s: 1_000, ..settings("log/short") };
    let actor = actor(&engine(), settings, Nowhere);
    ask(&actor, "out", &[b'\n'; 1_000]).await.unwrap();
    let lines = log_of("log/short").iter().filter(|line| line.starts_with("INFO")).count();
    assert!((10..100).contains(&lines), "{lines} lines");
}

#[tokio::test]
async fn no_log_is_no_log() {
    listen();
    let actor = actor(&engine(), ActorSettings { log_bytes_per_s: 0, ..settings("log/none") }, Nowhere);
    ask(&actor, "out", b"x\n").await.unwrap();
    assert_eq!(log_of("log/none"), Vec::<String>::new());
}

#[tokio::test]
async fn a_stopped_guest_is_logged_with_the_source_of_its_end() {
    listen();
    let engine = engine();
    let component = engine.load(&guest::WITH_DEBUG_INFO).unwrap().component;
    let silence = Silence::default();
    let settings = ActorSettings { log_bytes_per_s: 1 << 20, ..settings("log/traps") };
    let actor = engine.actor(&component, settings, std::sync::Arc::new(silence)).unwrap();
    for method in ["unreachable", "recurse", "Gorge", "spin", "forward"] {
        actor.call(0, method, b"", &within(std::time::Duration::from_millis(50))).await.unwrap_err();
    }
    let log = log_of("log/traps");
    let expected: [(&str, &[&str]); 5] = [
        ("ERROR unreachable: actor-handler: ", &["guest.wat:"]),
        ("ERROR recurse: actor-handler: ", &["recurse", "guest.wat:", "call stack exhausted"]),
        ("WARN Gorge: host-error: ", &["memory limit", "guest.wat:"]),
        ("WARN spin: deadline-exceeded: ", &["spin", "guest.wat:"]),
        ("WARN forward: deadline-exceeded: ", &["no guest code was running"]),
    ];
    assert_eq!(log.len(), expected.len(), "{log:#?}");
    for (line, (start, parts)) in log.iter().zip(expected) {
        assert!(line.starts_with(start), "{line}");
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.lines().count() < 3 * limits::BACKTRACE_FRAMES_MAX, "{line}");
    }
}

#[tokio::test]
async fn names_and_backtraces_are_bounded() {
    listen();
    let engine = engine();
    let long_name = format!("$recurse{}", "r".repeat(1_000));
    let guest = guest::guest(&include_str!("guest.wat").replace("$recurse", &long_name), "");
    let component = engine.load(&guest).unwrap().component;
    let settings = ActorSettings { log_bytes_per_s: 1 << 20, ..settings("log/bounds") };
    let actor = engine.actor(&component, settings, std::sync::Arc::new(Nowhere)).unwrap();
    ask(&actor, &"recurse".repeat(100), b"").await.unwrap_err();
    let log = log_of("log/bounds");
    let (function, backtrace) = log[0].split_once(": actor-handler").unwrap();
    assert_eq!(function.len(), "ERROR ".len() + limits::METHOD_CHARS_MAX);
    assert!((limits::BACKTRACE_CHARS_MAX..limits::BACKTRACE_CHARS_MAX + 200).contains(&backtrace.len()));
}
