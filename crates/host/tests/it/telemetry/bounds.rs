//! What waits for a collector, and what goes to it at once, is bounded.

use std::process::Command;
use std::time::Duration;

use host::limits::{EXPORT_BATCH_MAX, LOGS_QUEUED_MAX};
use host::telemetry::{ActorLines, Settings, Telemetry};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::collector::Collector;

/// What an actor writes to its log: so many lines.
fn log(telemetry: &Telemetry, lines: usize) {
    let exported = ActorLines::default();
    telemetry.hear(&exported);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(exported), || {
        for number in 0..lines {
            tracing::info!(target: "lath::actor", actor = "shop/cart", "{number}");
        }
    });
}

/// Says that this process has the test to itself, and so the filters of the whole process.
const ALONE: &str = "LATH_TEST_ALONE";

/// As `lath` filters: lines are shown from a level on, and exported whatever their level, once that leads anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_neither_shown_nor_exported_are_not_heard() {
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "telemetry::bounds::lines_that_are_neither_shown_nor_exported_are_not_heard"]);
        let ended = alone.env(ALONE, "1").output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        return;
    }
    let (shown, exported) = (ActorLines::default().with_filter(LevelFilter::WARN), ActorLines::default());
    let wanting = exported.clone();
    let exporting = exported.clone().with_filter(filter_fn(move |metadata| wanting.wants(metadata)));
    tracing_subscriber::registry().with(shown).with(exporting).init();
    let heard = || {
        [
            tracing::event_enabled!(target: "lath::actor", tracing::Level::DEBUG),
            tracing::event_enabled!(target: "lath::actor", tracing::Level::WARN),
            tracing::event_enabled!(target: "lath::other", tracing::Level::DEBUG),
        ]
    };
    assert_eq!(heard(), [false, true, false]);
    let collector = Collector::start().await;
    Telemetry::start(&patient(collector.settings("one"))).unwrap().hear(&exported);
    assert_eq!(heard(), [true, true, false]);
}

/// How many lines came to this.
fn count(telemetry: &Telemetry, outcome: &str) -> f64 {
    let label = format!("lath_telemetry_exported_total{{lath_signal=\"logs\",lath_outcome=\"{outcome}\"}} ");
    let text = telemetry.metrics();
    let count = text.lines().find_map(|line| line.strip_prefix(&label)).unwrap_or_else(|| panic!("{text}"));
    count.parse().unwrap()
}

/// The settings as they are, but that nothing is exported before a batch is full.
fn patient(settings: Settings) -> Settings {
    let mut settings = settings;
    settings.export.interval = Duration::from_secs(3_600);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_beyond_the_queue_are_dropped_and_counted() {
    // Somebody takes connections and never answers.
    let deaf = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut settings = patient(Settings { metrics: true, ..Settings::default() });
    let port = deaf.local_addr().unwrap().port();
    settings.export.logs = Some(format!("http://127.0.0.1:{port}/v1/logs").parse().unwrap());
    settings.export.timeout = Duration::from_secs(3_600);
    let telemetry = Telemetry::start(&settings).unwrap();
    log(&telemetry, LOGS_QUEUED_MAX);
    assert_eq!(count(&telemetry, "dropped"), 0.0);
    log(&telemetry, 7);
    assert_eq!(
        (count(&telemetry, "dropped"), count(&telemetry, "taken"), count(&telemetry, "failed")),
        (7.0, 0.0, 0.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_has_a_batch_at_most() {
    let collector = Collector::start().await;
    let mut settings = patient(collector.settings("one"));
    // As many as may wait, and nothing else that makes a request small.
    settings.export.traces = None;
    let telemetry = Telemetry::start(&settings).unwrap();
    log(&telemetry, 2 * EXPORT_BATCH_MAX + 1);
    telemetry.finish().await;
    let mut batches = collector.look(|kept| kept.batches.clone());
    batches.sort_unstable();
    assert_eq!(batches.iter().sum::<usize>(), 2 * EXPORT_BATCH_MAX + 1);
    assert_eq!(batches.last(), Some(&EXPORT_BATCH_MAX), "{batches:?}");
    assert_eq!(count(&telemetry, "dropped"), 0.0);
}
