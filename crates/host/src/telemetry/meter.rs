//! Measures calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use engine::CallContext;
use lattice::call::Call;
use model::blueprint::LinkPlan;
use model::failure::Failure;
use model::ids::AppName;
use model::manifest::Reach;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::export::Exporter;
use super::series::{CANCELLED, Family, Series, Table, kind};
use super::span::{Span, Step};

/// Measures the calls of one link, or one call from the lattice.
pub(crate) struct Meter {
    series: Option<Arc<Series>>,
    steps: Option<Steps>,
}

/// What the steps of traces that calls are say of themselves.
struct Steps {
    exporter: Arc<Exporter>,
    kind: SpanKind,
    contract: String,
    attributes: Vec<KeyValue>,
}

/// A call that is measured. Dropped before it [ended](Self::ended), it counts as cancelled.
pub(crate) struct Measured<'a> {
    series: Option<&'a Series>,
    begun: Instant,
    /// Boxed, so that calls that nobody records do not carry the room for it.
    span: Option<Box<Span>>,
    has_ended: bool,
}

impl Meter {
    pub(super) fn link(
        table: Option<&Table>,
        exporter: Option<&Arc<Exporter>>,
        application: &AppName,
        plan: &LinkPlan,
    ) -> Self {
        let (contract, reach) = (plan.contract.to_string(), plan.reach);
        let labels = [application.as_str(), plan.actor.as_str(), plan.import.as_str(), &contract, word(reach)];
        let series = table.map(|table| table.series(Family::Links, &labels));
        let names = ["lath.application", "lath.actor", "lath.link", "lath.contract", "lath.reach"];
        // A call that stays in the process has one step: there is nobody between its two sides.
        let kind = if reach == Reach::Lattice { SpanKind::Client } else { SpanKind::Internal };
        let attributes = names.into_iter().zip(labels).map(|(name, label)| KeyValue::new(name, label.to_owned()));
        let attributes = attributes.chain([KeyValue::new("lath.target", plan.target.to_string())]).collect();
        Self { series, steps: steps(exporter, kind, contract.clone(), attributes) }
    }

    pub(super) fn served(table: Option<&Table>, exporter: Option<&Arc<Exporter>>, call: &Call) -> Self {
        let (application, target, contract) = (call.target.app(), call.target.name(), call.contract.as_str());
        let series = table.map(|table| table.series(Family::Served, &[application, target, contract]));
        let is_recorded = call.trace.as_ref().is_some_and(|trace| trace.parent.is_sampled());
        let exporter = exporter.filter(|_| is_recorded);
        let steps = exporter.and_then(|exporter| {
            let names = ["lath.application", "lath.target", "lath.contract"];
            let labels = names.into_iter().zip([application, target, contract]);
            let attributes = labels.map(|(name, label)| KeyValue::new(name, label.to_owned()));
            let origin = KeyValue::new("lath.caller", call.origin.text().to_string());
            let attributes = attributes.chain([origin]).collect();
            steps(Some(exporter), SpanKind::Server, contract.to_owned(), attributes)
        });
        Self { series, steps }
    }

    /// A call begins, or began at `begun`. What it calls belongs to the context, where there is one.
    #[inline]
    pub(crate) fn begin(
        &self,
        call: &CallContext,
        method: &str,
        begun: Instant,
    ) -> (Measured<'_>, Option<Box<CallContext>>) {
        let span = self.steps.as_ref().and_then(|steps| steps.below(call, method)).map(Box::new);
        let context = span.as_ref().map(|span| Box::new(call.clone().traced(Some(Arc::clone(span.trace())))));
        (Measured { series: self.series.as_deref(), begun, span, has_ended: false }, context)
    }

    /// A call is tried once more.
    pub(crate) fn retried(&self) {
        if let Some(series) = &self.series {
            series.retries.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Steps {
    fn below(&self, call: &CallContext, method: &str) -> Option<Span> {
        let above = call.trace()?;
        Span::below(&self.exporter, above, || {
            let name = format!("{}#{method}", self.contract);
            let mut attributes = self.attributes.clone();
            attributes.push(KeyValue::new("rpc.system.name", "lath"));
            attributes.push(KeyValue::new("rpc.method", name.clone()));
            let is_remote = self.kind == SpanKind::Server;
            Step { kind: self.kind.clone(), name: name.into(), attributes, is_remote }
        })
    }
}

impl Measured<'_> {
    /// The call came to this.
    #[inline]
    pub(crate) fn ended<T>(mut self, answer: &Result<T, Failure>) {
        match answer {
            Ok(_) => {
                if let Some(series) = self.series {
                    series.succeeded(self.begun.elapsed());
                }
                self.has_ended = true;
            }
            Err(failure) => self.fail(kind(&failure.error)),
        }
    }

    #[cold]
    fn fail(&mut self, kind: &'static str) {
        if let Some(series) = self.series {
            series.failed(self.begun.elapsed(), kind);
        }
        if let Some(span) = &mut self.span {
            span.fail(kind);
        }
        self.has_ended = true;
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.fail(CANCELLED);
        }
    }
}

fn steps(
    exporter: Option<&Arc<Exporter>>,
    kind: SpanKind,
    contract: String,
    attributes: Vec<KeyValue>,
) -> Option<Steps> {
    let exporter = exporter.filter(|exporter| exporter.takes_spans())?;
    Some(Steps { exporter: Arc::clone(exporter), kind, contract, attributes })
}

fn word(reach: Reach) -> &'static str {
    match reach {
        Reach::Fused => "fused",
        Reach::Host => "host",
        Reach::Lattice => "lattice",
    }
}
