//! Where a host is observed: `/metrics`, `/healthz` and `/readyz` over HTTP.
//!
//! The server is that of the ingress, with a thread of its own: it answers while the rest of the host stands still, which
//! is what it is asked for then.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use engine::http::Body;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, NameError};
use model::manifest::{Method, Route};
use provider::http::{self as ingress, Exchange, Handler, HttpCall, Ingress, IngressError, Router, Settings};
use serde_json::json;

use crate::limits::{OBSERVERS_MAX, REASONS_MAX};
use crate::telemetry::Telemetry;

/// How long an observer may take to send its request.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// How long requests that run may take when the host ends.
const DRAIN_TIME: Duration = Duration::from_millis(500);

/// A server for whoever observes. Dropped, it cuts its connections.
pub struct Observatory(Ingress);

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The address, or the system's limits.
    #[error("the host cannot be observed over HTTP")]
    Ingress(#[from] IngressError),
    /// The routes.
    #[error("the routes of the observe address are not right: this is a fault of Lath, please report it")]
    Routes(String),
}

impl Observatory {
    /// Serves on `address`.
    ///
    /// # Errors
    ///
    /// Where the address cannot be listened on.
    pub fn open(address: SocketAddr, telemetry: Telemetry) -> Result<Self, ObserveError> {
        let listener = ingress::bind(address)?;
        let settings = Settings {
            workers: 1,
            connections: OBSERVERS_MAX,
            requests: OBSERVERS_MAX,
            header_read_timeout: REQUEST_TIME,
            body_read_timeout: REQUEST_TIME,
            ..Settings::default()
        };
        let router = router()?;
        Ok(Self(Ingress::start(listener, settings, router, std::sync::Arc::new(Desk(telemetry)))?))
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Answers what has come, and ends.
    pub async fn close(self) {
        self.0.drain(DRAIN_TIME).await;
    }
}

fn router() -> Result<Router, ObserveError> {
    let wrong = |error: NameError| ObserveError::Routes(error.to_string());
    let (application, actor): (AppName, ActorName) =
        ("lath".parse().map_err(wrong)?, "observe".parse().map_err(wrong)?);
    let route = |path: &str| -> Result<Route, ObserveError> {
        let path = path.parse().map_err(|error| ObserveError::Routes(format!("{error}")))?;
        Ok(Route { host: None, path, methods: [Method::Get].into(), to: actor.clone(), via: Vec::new() })
    };
    let routes = ["/metrics", "/healthz", "/readyz"].into_iter().map(route).collect::<Result<Vec<_>, _>>()?;
    Router::new(&application, &routes).map_err(|error| ObserveError::Routes(error.to_string()))
}

/// Answers observers.
struct Desk(Telemetry);

impl Desk {
    fn answer(&self, path: &str) -> Response<Body> {
        match path {
            "/metrics" => {
                const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                response(StatusCode::OK, OPEN_METRICS, self.0.metrics())
            }
            "/healthz" => {
                let stalled = self.0.stalled();
                let reason = stalled.map(|still| format!("the host's loop has stood still for {} s", still.as_secs()));
                status("healthy", &reason.into_iter().collect::<Vec<_>>(), &[])
            }
            _ => status("ready", &self.0.unready(), &self.0.unwell()),
        }
    }
}

impl Handler for Desk {
    fn call<'a>(&'a self, _: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        // All requests are taken as they come.
        let text = "the observe address answers requests only".to_owned();
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::MethodNotHandled(text)))))
    }

    fn streams(&self, _: &AppName, _: &ActorName, _: &[ActorName]) -> bool {
        true
    }

    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        Box::pin(std::future::ready(Ok(self.answer(exchange.request.uri().path()))))
    }
}

/// What is told of whether something is so, and if not, why: the first [`REASONS_MAX`] reasons, and how many more. What is
/// `unwell` is told beside it, as many, and makes nothing less so: no other host would do better.
pub fn verdict(word: &str, reasons: &[String], unwell: &[String]) -> String {
    let shown = |texts: &[String]| texts.iter().take(REASONS_MAX).cloned().collect::<Vec<_>>();
    let more = reasons.len().saturating_sub(REASONS_MAX);
    let mut told = json!({ word: reasons.is_empty(), "reasons": shown(reasons), "more": more });
    if let (false, Some(told)) = (unwell.is_empty(), told.as_object_mut()) {
        told.insert("unwell".to_owned(), shown(unwell).into());
    }
    format!("{told}\n")
}

/// The same as an answer: 200 or 503.
fn status(word: &str, reasons: &[String], unwell: &[String]) -> Response<Body> {
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(code, "application/json", verdict(word, reasons, unwell))
}

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
