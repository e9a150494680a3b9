//! What several tests need: manifests of test guests, and time.

use std::time::{Duration, Instant};

use adapter::value::Value;
use model::failure::Failure;
use testkit::application::{Running, folder, guest, run};
use testkit::caller::{Caller, contract};
use testkit::http::get;

pub const FAULTY: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/faulty.wasm";
pub const FAULTY_HTTP: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/faulty_http.wasm";
pub const RELAY: &str = "{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm";

/// Runs the application of a manifest without its first line.
pub async fn start(manifest: &str) -> Running {
    let folder = folder(&format!("manifest = 1\n{manifest}")).unwrap();
    run(folder.path()).await.unwrap()
}

/// An application of one actor, `faulty` or what else it is called, with these further lines in its table.
pub async fn faulty(actor: &str, lines: &str) -> Running {
    let head = "[application]\nname = \"test\"";
    start(&format!("{head}\n[actors.{actor}]\ncomponent = \"{FAULTY}\"\n{lines}")).await
}

/// A caller of an actor that is the guest `faulty`.
pub fn faults<'a>(running: &'a Running, actor: &str) -> Caller<'a> {
    running.caller(actor, contract(&guest("wasm32-wasip2", "faulty"), "faults").unwrap())
}

/// What a call came to, in words: a value, or how far it came and why it failed.
pub fn told(result: Result<Option<Value>, Failure>) -> String {
    match result {
        Ok(Some(value)) => format!("{value:?}"),
        Ok(None) => "nothing".to_owned(),
        Err(failure) => format!("{:?} {}", failure.progress, failure.error),
    }
}

/// Asserts that a text begins and ends like `expected`, whose `…` stands for anything.
pub fn assert_like(found: &str, expected: &str) {
    let (start, end) = expected.split_once('…').unwrap_or((expected, ""));
    let fits = match expected.contains('…') {
        true => found.len() >= start.len() + end.len() && found.starts_with(start) && found.ends_with(end),
        false => found == start,
    };
    assert!(fits, "found    {found}\nexpected {expected}");
}

/// `GET path` gives this status and body.
pub async fn assert_get(running: &Running, path: &str, status: u16, body: &str) {
    let answer = get(&running.url(path).unwrap()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{path}");
}

/// Waits until `done`, not for ever.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < give_up, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
