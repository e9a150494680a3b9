//! Requests of actors into the world, watched.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use engine::CallContext;
use engine::http::{AnswerFuture, Body, HttpError, Patience, Requests};
use http::{Request, Response, Uri};
use model::ids::{ActorName, AppName};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::Inner;
use super::requests::word;
use super::series::{CANCELLED, Family};
use super::span::{Span, Step};

/// What a request to a server that was not granted came to, and one to what is no server.
const DENIED: &str = "denied";
const ADDRESS: &str = "address";

/// The way of one actor's requests into the world.
pub(super) struct Watched {
    telemetry: Arc<Inner>,
    application: String,
    actor: String,
    requests: Arc<dyn Requests>,
}

/// A request on its way. Dropped without an answer, nobody waits for it any more.
struct Sent {
    telemetry: Arc<Inner>,
    application: String,
    actor: String,
    method: &'static str,
    address: String,
    port: String,
    begun: Instant,
    span: Option<Span>,
    has_ended: bool,
}

impl Watched {
    pub(super) fn new(
        telemetry: &Arc<Inner>,
        application: &AppName,
        actor: &ActorName,
        requests: Arc<dyn Requests>,
    ) -> Self {
        let (application, actor) = (application.to_string(), actor.to_string());
        Self { telemetry: Arc::clone(telemetry), application, actor, requests }
    }

    fn begin(&self, request: &Request<Body>, call: &CallContext) -> Sent {
        let (method, (address, port)) = (word(request.method()), place(request.uri()));
        // Of a trace that the actor writes itself nothing is known here.
        let above = call.trace().filter(|_| !request.headers().contains_key("traceparent"));
        let span = above.zip(self.telemetry.exporter.as_ref()).and_then(|(above, exporter)| {
            let step = || Step {
                kind: SpanKind::Client,
                name: method.into(),
                attributes: vec![
                    KeyValue::new("http.request.method", method),
                    KeyValue::new("server.address", address.clone()),
                    KeyValue::new("server.port", port.parse::<i64>().unwrap_or_default()),
                    KeyValue::new("lath.application", self.application.clone()),
                    KeyValue::new("lath.actor", self.actor.clone()),
                ],
                is_remote: false,
            };
            Span::below(exporter, above, step)
        });
        Sent {
            telemetry: Arc::clone(&self.telemetry),
            application: self.application.clone(),
            actor: self.actor.clone(),
            method,
            address,
            port,
            begun: Instant::now(),
            span,
            has_ended: false,
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requests.fmt(f)
    }
}

impl Requests for Watched {
    fn send(&self, request: Request<Body>, patience: Patience, call: &CallContext) -> AnswerFuture {
        let mut sent = self.begin(&request, call);
        let answer = match &sent.span {
            Some(span) => {
                let call = call.clone().traced(Some(Arc::clone(span.trace())));
                self.requests.send(request, patience, &call)
            }
            None => self.requests.send(request, patience, call),
        };
        Box::pin(async move {
            let answer = answer.await;
            sent.answered(&answer);
            answer
        })
    }
}

impl Sent {
    fn answered(&mut self, answer: &Result<Response<Body>, HttpError>) {
        match answer {
            Ok(response) => {
                let status = response.status();
                if let Some(span) = &mut self.span {
                    span.add("http.response.status_code", i64::from(status.as_u16()));
                }
                self.end(status.as_str(), "");
            }
            Err(error) => self.fail(kind(error)),
        }
    }

    fn fail(&mut self, kind: &'static str) {
        if let Some(span) = &mut self.span {
            span.fail(kind);
        }
        self.end("", kind);
    }

    fn end(&mut self, status: &str, kind: &str) {
        self.has_ended = true;
        self.span = None;
        let Some(table) = &self.telemetry.table else { return };
        // An actor may write any name; only those that it was granted are labels.
        let is_granted = ![DENIED, ADDRESS].contains(&kind);
        let (address, port) = if is_granted { (&*self.address, &*self.port) } else { ("", "") };
        let labels = [&self.application, &self.actor, self.method, address, port, status, kind];
        table.series(Family::Outgoing, &labels).succeeded(self.begun.elapsed());
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if !self.has_ended {
            self.fail(CANCELLED);
        }
    }
}

/// The server that a request is for.
fn place(uri: &Uri) -> (String, String) {
    let port = uri.port_u16().or_else(|| match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    });
    (uri.host().unwrap_or_default().to_ascii_lowercase(), port.map(|port| port.to_string()).unwrap_or_default())
}

fn kind(error: &HttpError) -> &'static str {
    match error {
        HttpError::Denied => DENIED,
        HttpError::Dns(_) => "dns",
        HttpError::DnsTimeout => "dns-timeout",
        HttpError::Prohibited => "prohibited",
        HttpError::Refused(_) => "refused",
        HttpError::ConnectTimeout => "connect-timeout",
        HttpError::ConnectionLimit => "connection-limit",
        HttpError::Terminated(_) => "terminated",
        HttpError::Certificate(_) => "certificate",
        HttpError::Tls(_) => "tls",
        HttpError::AnswerTimeout => "answer-timeout",
        HttpError::BodyTimeout => "body-timeout",
        HttpError::RequestSize(_) => "request-size",
        HttpError::AnswerSize(_) => "answer-size",
        HttpError::Incomplete(_) => "incomplete",
        HttpError::Protocol(_) => "protocol",
        HttpError::Method => "method",
        HttpError::Address(_) => ADDRESS,
    }
}
