//! Lines of actors' logs, on their way out.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use model::trace::TraceParent;
use opentelemetry::logs::{AnyValue, LogRecord as _, Severity};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::export::Exporter;

/// The target of events that are lines of actors' logs.
const TARGET: &str = "lath::actor";

/// A layer of `tracing` that exports lines of actors' logs, once [`Telemetry::hear`](super::Telemetry::hear) has led it
/// somewhere. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct ActorLines(Arc<OnceLock<Arc<Exporter>>>);

impl ActorLines {
    pub(super) fn lead_to(&self, exporter: &Arc<Exporter>) {
        // A process has one telemetry.
        let _ = self.0.set(Arc::clone(exporter));
        // What `wants` said is remembered for each place that logs.
        tracing::callsite::rebuild_interest_cache();
    }

    /// True for events that it exports: for a filter of the layer. As long as it leads nowhere there are none, so that lines
    /// which are shown nowhere either use up no rate of their actor.
    pub fn wants(&self, metadata: &tracing::Metadata<'_>) -> bool {
        self.0.get().is_some() && metadata.target() == TARGET
    }
}

impl<S: Subscriber> Layer<S> for ActorLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(exporter) = self.0.get().filter(|_| self.wants(event.metadata())) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let level = *event.metadata().level();
        exporter.line(|record| {
            record.set_timestamp(SystemTime::now());
            record.set_severity_number(severity(level, line.is_critical));
            record.set_severity_text(if line.is_critical { "CRITICAL" } else { level.as_str() });
            record.set_target(TARGET);
            record.set_body(AnyValue::from(line.message));
            for (name, value) in line.attributes {
                record.add_attribute(name, value);
            }
            if let Some(TraceParent { trace, parent, flags }) = line.trace {
                let (trace, step) =
                    (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(parent.to_be_bytes()));
                record.set_trace_context(trace, step, Some(TraceFlags::new(flags)));
            }
        });
    }
}

fn severity(level: Level, is_critical: bool) -> Severity {
    match level {
        _ if is_critical => Severity::Fatal,
        Level::ERROR => Severity::Error,
        Level::WARN => Severity::Warn,
        Level::INFO => Severity::Info,
        Level::DEBUG => Severity::Debug,
        Level::TRACE => Severity::Trace,
    }
}

/// The fields of an event.
#[derive(Default)]
struct Line {
    message: String,
    attributes: Vec<(&'static str, String)>,
    trace: Option<TraceParent>,
    is_critical: bool,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "traceparent" => self.trace = value.parse().ok(),
            "actor" => self.attributes.push(("lath.actor", value.to_owned())),
            "stream" => self.attributes.push(("log.iostream", value.to_owned())),
            "context" => self.attributes.push(("lath.log.context", value.to_owned())),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.is_critical |= field.name() == "critical" && value;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
