//! One step of a trace, from its begin to its end.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use model::trace::{Trace, TraceParent, TraceState};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::export::{Exporter, SCOPE};

/// A step that is recorded. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Span {
    exporter: Arc<Exporter>,
    trace: Arc<Trace>,
    /// The step that made this one; 0 where it is the first of its trace.
    parent: u64,
    is_parent_remote: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    at: SystemTime,
    begun: Instant,
    attributes: Vec<KeyValue>,
    status: Status,
}

/// What a step is.
pub(crate) struct Step {
    pub(crate) kind: SpanKind,
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Vec<KeyValue>,
    /// Whether what made it is in another process.
    pub(crate) is_remote: bool,
}

impl Span {
    /// The next step of `above`, where that trace is recorded.
    pub(super) fn below(exporter: &Arc<Exporter>, above: &Trace, step: impl FnOnce() -> Step) -> Option<Self> {
        let is_recorded = above.parent.is_sampled() && exporter.takes_spans();
        is_recorded.then(|| Self::begin(exporter, above.step(random()), above.parent.parent, step()))
    }

    /// The first step here, of a trace that somebody may have begun: which trace it is, and the step where it is recorded.
    pub(super) fn first(
        exporter: &Arc<Exporter>,
        above: Option<&Trace>,
        step: impl FnOnce() -> Step,
    ) -> (Arc<Trace>, Option<Self>) {
        let number =
            || above.map_or_else(|| u128::from(random()) << 64 | u128::from(random()), |above| above.parent.trace);
        let number = number();
        let caller = above.map(|above| above.parent.is_sampled());
        let is_recorded = exporter.sampler.decide(number, caller);
        let parent = TraceParent::root(number, random(), is_recorded);
        let trace = Trace { parent, state: above.and_then(|above| above.state.clone()) };
        let span = is_recorded.then(|| {
            let parent = above.map_or(0, |above| above.parent.parent);
            Self::begin(exporter, trace.clone(), parent, step())
        });
        (span.as_ref().map_or_else(|| Arc::new(trace), |span| Arc::clone(&span.trace)), span)
    }

    fn begin(exporter: &Arc<Exporter>, trace: Trace, parent: u64, step: Step) -> Self {
        Self {
            exporter: Arc::clone(exporter),
            trace: Arc::new(trace),
            parent,
            is_parent_remote: step.is_remote,
            kind: step.kind,
            name: step.name,
            at: SystemTime::now(),
            begun: Instant::now(),
            attributes: step.attributes,
            status: Status::Unset,
        }
    }

    /// The trace, as the steps below this one see it.
    pub(crate) fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    pub(crate) fn name(&mut self, name: String) {
        self.name = name.into();
    }

    /// Adds something that is known by now.
    pub(crate) fn add(&mut self, key: &'static str, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(key, value));
    }

    /// It failed, so.
    pub(crate) fn fail(&mut self, kind: &'static str) {
        self.add("error.type", kind);
        self.status = Status::error(kind);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let TraceParent { trace, parent, flags } = self.trace.parent;
        let state = self.trace.state.as_ref().map(TraceState::as_str);
        let state = state.and_then(|state| state.parse().ok()).unwrap_or_default();
        let (trace, id) = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(parent.to_be_bytes()));
        self.exporter.span(SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::new(flags), false, state),
            parent_span_id: SpanId::from_bytes(self.parent.to_be_bytes()),
            parent_span_is_remote: self.is_parent_remote,
            span_kind: self.kind.clone(),
            name: std::mem::take(&mut self.name),
            start_time: self.at,
            // The clock may be set meanwhile.
            end_time: self.at + self.begun.elapsed(),
            attributes: std::mem::take(&mut self.attributes),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: std::mem::take(&mut self.status),
            instrumentation_scope: InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION")).build(),
        });
    }
}

/// A number that nobody else has made; never 0.
fn random() -> u64 {
    static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    PROCESS.hash_one(NEXT.fetch_add(1, Ordering::Relaxed)).max(1)
}
