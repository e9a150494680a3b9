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

/// What a guest calls its functions, and what a caller calls a method, begins no line and moves no cursor.
#[tokio::test]
async fn names_are_no_lines_of_their_own() {
    listen();
    let forged = "2026-01-01T00:00:00Z ERROR forged";
    let name = format!("$\"a\\n{forged}\\1b[2J\\u{{202e}}\\r\"");
    let guest = guest::guest(&include_str!("guest.wat").replace("$recurse", &name), "");
    let engine = engine();
    let component = engine.load(&guest).unwrap().component;
    let settings = ActorSettings { log_bytes_per_s: 1 << 20, ..settings("log/forged") };
    let actor = engine.actor(&component, settings, std::sync::Arc::new(Nowhere)).unwrap();
    ask(&actor, "recurse", b"").await.unwrap_err();
    let log = log_of("log/forged").concat();
    assert!(log.contains(&format!("a\\n{forged}\\u{{1b}}[2J\\u{{202e}}")), "{log}");
    assert!(log.lines().skip(1).all(|line| line.starts_with(' ') || line.starts_with("error while")), "{log}");
    assert!(!log.chars().any(|c| c != '\n' && c.is_control()), "{log:?}");
}

/// Logs the payload at the level that the method begins with, in the context of the method.
const LOGGER: &str = r#"(module
    (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (func (export "receive0#receive") (param $m i32) (param $ml i32) (param $a i32) (param $al i32) (result i32)
        (call $log (i32.sub (i32.load8_u (local.get $m)) (i32.const 48))
            (local.get $m) (local.get $ml) (local.get $a) (local.get $al))
        (i64.store (i32.const 64) (i64.const 0))
        (i64.store (i32.const 72) (i64.const 0))
        (i32.const 64))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get 3)))))"#;

fn logger(name: &str, log_bytes_per_s: u64) -> engine::Actor {
    let world = "package test:guest;
        world guest {
            import wasi:logging/logging@0.1.0-draft;
            export receive0: lath:wasmbus/receiver@0.1.0;
        }
        package wasi:logging@0.1.0-draft {
            interface logging {
                enum level { trace, debug, info, warn, error, critical }
                log: func(level: level, context: string, message: string);
            }
        }";
    let engine = engine();
    let component = engine.load(&guest::in_world(LOGGER, world)).unwrap().component;
    let settings = ActorSettings { senders: Vec::new(), log_bytes_per_s, ..settings(name) };
    engine.actor(&component, settings, std::sync::Arc::new(Nowhere)).unwrap()
}

#[tokio::test]
async fn what_is_logged_by_contract_is_one_event_each() {
    listen();
    let actor = logger("logger", u64::MAX);
    let long = "y".repeat(limits::LOG_LINE_BYTES_MAX + 10);
    let context = format!("2{}", "c".repeat(limits::LOG_CONTEXT_BYTES_MAX));
    for (method, message) in [
        ("0", "a"),
        ("1", "b"),
        ("2ctx", "c\td"),
        ("3", ""),
        ("4", "e"),
        ("5", "f"),
        ("2x\ny", "one\ntwo\r\u{1b}[31mred\u{202e}\u{2028}\u{7}\u{9b}"),
        ("2", &long),
        (&context, "g"),
    ] {
        ask(&actor, method, message.as_bytes()).await.unwrap();
    }
    let cut = format!("INFO 2: {}… (10 bytes more)", "y".repeat(limits::LOG_LINE_BYTES_MAX));
    let cut_context = format!("INFO 2{}… (1 bytes more): g", "c".repeat(limits::LOG_CONTEXT_BYTES_MAX - 1));
    let defused = "INFO 2x\\ny: one\\ntwo\\r\\u{1b}[31mred\\u{202e}\\u{2028}\\u{7}\\u{9b}";
    let expected = [
        "TRACE 0: a",
        "DEBUG 1: b",
        "INFO 2ctx: c\td",
        "WARN 3: ",
        "ERROR 4: e",
        "ERROR 5: f",
        defused,
        &cut,
        &cut_context,
    ];
    assert_eq!(log_of("logger"), expected);
}

#[tokio::test]
async fn what_is_logged_by_contract_has_a_rate_too() {
    listen();
    let actor = logger("busy-logger", 2 * limits::LOG_LINE_COST_BYTES as u64 + 10);
    for _ in 0..50 {
        ask(&actor, "2", b"x").await.unwrap();
    }
    drop(actor);
    let told = log_of("busy-logger");
    assert!(told.len() < 40, "{told:?}");
    assert!(told.last().unwrap().ends_with("lines suppressed"), "{told:?}");
}

/// What nobody hears costs the actor nothing of its rate, and nobody is told that it was left out.
#[tokio::test]
async fn what_is_filtered_out_uses_up_no_rate() {
    listen();
    let heard = tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::WARN).with(Recorder);
    let _only_here = tracing::subscriber::set_default(heard);
    let rate = 4 * limits::LOG_LINE_COST_BYTES as u64;
    let logger = logger("filtered-logger", rate);
    let writer = actor(&engine(), ActorSettings { log_bytes_per_s: rate, ..settings("log/filtered") }, Nowhere);
    for _ in 0..50 {
        ask(&logger, "1", b"x").await.unwrap();
        ask(&writer, "out", b"x\n").await.unwrap();
    }
    for _ in 0..2 {
        ask(&logger, "3", b"y").await.unwrap();
    }
    drop((logger, writer));
    assert_eq!(log_of("filtered-logger"), ["WARN 3: y", "WARN 3: y"]);
    assert_eq!(log_of("log/filtered"), [""; 0]);
}
