//! The logs of actors, as events of this process.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use host::telemetry::ActorLines;
pub use tracing::Level;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// One line of an actor's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How bad it is.
    pub level: Level,
    /// Fields but the actor's name, such as `function` and `stream`.
    pub fields: BTreeMap<String, String>,
    /// The text.
    pub text: String,
}

static LINES: LazyLock<Mutex<Vec<(String, Line)>>> = LazyLock::new(|| {
    let actors = Recorder.with_filter(filter_fn(|metadata| metadata.target() == "lath::actor"));
    // Where a test has another subscriber the log stays empty, which its assertions show.
    let exported = exported().clone().with_filter(filter_fn(|metadata| exported().wants(metadata)));
    let _ = tracing_subscriber::registry().with(actors).with(exported).try_init();
    Mutex::default()
});

/// What exports lines of this process, once telemetry has led it somewhere.
pub fn exported() -> &'static ActorLines {
    static EXPORTED: LazyLock<ActorLines> = LazyLock::new(ActorLines::default);
    &EXPORTED
}

/// Records from now on.
pub fn listen() {
    LazyLock::force(&LINES);
}

/// What `actor` has logged since [`listen`].
pub fn of(actor: &str) -> Vec<Line> {
    lines().iter().filter(|(name, _)| name == actor).map(|(_, line)| line.clone()).collect()
}

fn lines() -> MutexGuard<'static, Vec<(String, Line)>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Recorder;

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut take = |name: &str| fields.0.remove(name).unwrap_or_default();
        let (actor, text) = (take("actor"), take("message"));
        lines().push((actor, Line { level: *event.metadata().level(), fields: fields.0, text }));
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
