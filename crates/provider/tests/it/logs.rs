//! What failed requests leave in the log.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Instant;

use model::failure::{Failure, RpcError};
use provider::http::Settings;
use provider::limits::{CAUSE_CHARS_MAX, FAILURES_LOGGED_PER_S_MAX};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::server::{Client, all, handler, settings, start};

/// The causes that failed requests of this process had, as logged.
static CAUSES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        event.record(&mut Cause);
    }
}

struct Cause;

impl tracing::field::Visit for Cause {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "cause" {
            CAUSES.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn Debug) {}
}

#[test]
fn failures_are_logged_at_a_bounded_rate_and_length() {
    const REQUESTS: usize = FAILURES_LOGGED_PER_S_MAX * 20;
    tracing_subscriber::registry().with(Recorder).init();
    let mark = "the actor of this test failed ";
    let failure = Failure::unknown(RpcError::Other(mark.repeat(1_000)));
    let ingress =
        start(Settings { workers: 1, ..settings() }, all(), handler(move |_| std::future::ready(Err(failure.clone()))));
    let begun = Instant::now();
    let mut client = Client::connect(ingress.address());
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/").status(), 502);
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let causes: Vec<_> = CAUSES.lock().unwrap().iter().filter(|cause| cause.contains(mark)).cloned().collect();
    assert!((1..=seconds * FAILURES_LOGGED_PER_S_MAX).contains(&causes.len()), "{} in {seconds} s", causes.len());
    assert!(causes.iter().all(|cause| cause.chars().count() == CAUSE_CHARS_MAX));
}
