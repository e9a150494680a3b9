//! Requests at the ingress, watched.

use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};
use model::ids::{ActorName, AppName};
use model::trace::Trace;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use provider::http::{Arrived, Watch};

use super::Inner;
use super::series::{CANCELLED, Family};
use super::span::{Span, Step};

/// A request in hand. Dropped without an answer, its client has gone.
pub(super) struct Watched {
    telemetry: Arc<Inner>,
    begun: Instant,
    method: &'static str,
    /// Whose route it met, and which.
    met: Option<(String, String)>,
    trace: Option<Arc<Trace>>,
    span: Option<Span>,
    is_answered: bool,
}

impl Watched {
    pub(super) fn begin(telemetry: &Arc<Inner>, request: &Arrived<'_>) -> Self {
        let method = word(request.method);
        let first = telemetry.exporter.as_ref().filter(|exporter| exporter.takes_spans()).map(|exporter| {
            let step = || Step {
                kind: SpanKind::Server,
                name: method.into(),
                attributes: vec![
                    KeyValue::new("http.request.method", method),
                    KeyValue::new("url.path", request.uri.path().to_owned()),
                    KeyValue::new("url.scheme", request.uri.scheme_str().unwrap_or("http").to_owned()),
                ],
                is_remote: request.trace.is_some(),
            };
            Span::first(exporter, request.trace.map(|trace| &**trace), step)
        });
        let (trace, span) = first.unzip();
        Self {
            telemetry: Arc::clone(telemetry),
            begun: Instant::now(),
            method,
            met: None,
            trace,
            span: span.flatten(),
            is_answered: false,
        }
    }

    fn end(&mut self, status: &str, kind: &str) {
        self.is_answered = true;
        let Some(table) = &self.telemetry.table else { return };
        let (application, route) = self.met.as_ref().map_or(("", ""), |(application, route)| (application, route));
        let series = table.series(Family::Requests, &[application, self.method, route, status, kind]);
        series.succeeded(self.begun.elapsed());
    }
}

impl Watch for Watched {
    fn trace(&self) -> Option<Arc<Trace>> {
        self.trace.clone()
    }

    fn routed(&mut self, application: &AppName, actor: &ActorName, route: &str) {
        self.met = Some((application.to_string(), route.to_owned()));
        if let Some(span) = &mut self.span {
            span.name(format!("{} {route}", self.method));
            span.add("http.route", route.to_owned());
            span.add("lath.application", application.to_string());
            span.add("lath.actor", actor.to_string());
        }
    }

    fn answered(&mut self, status: StatusCode) {
        if let Some(span) = &mut self.span {
            span.add("http.response.status_code", i64::from(status.as_u16()));
            if status.is_server_error() {
                span.fail("server-error");
            }
        }
        self.span = None;
        self.end(status.as_str(), "");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        if let Some(span) = &mut self.span {
            span.fail(CANCELLED);
        }
        self.end("", CANCELLED);
    }
}

/// A method as metrics and traces have it: those that are known, so that nobody makes up more.
pub(super) fn word(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
