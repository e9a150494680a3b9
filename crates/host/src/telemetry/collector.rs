//! The way to a collector: OTLP over HTTP, with the client that actors have too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use engine::CallContext;
use engine::http::{Body, HttpError, Patience, Requests as _};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use model::destination::{Origin, OriginError};
use opentelemetry_http::{HttpClient, HttpError as ClientError};
use provider::http::outgoing::{Client, Roots, Settings};
use tokio::runtime::Handle;

use crate::limits::COLLECTOR_ANSWER_BYTES_MAX;

/// Sends what is exported. Whoever exports waits on a thread of its own, outside the runtime.
pub(super) struct Collector {
    client: Client,
    runtime: Handle,
    timeout: Duration,
    /// Whether the last request came to nothing, which is told when it changes.
    is_lost: AtomicBool,
    origin: String,
}

impl Collector {
    /// The way to the collector at `address`, from inside a tokio runtime.
    pub(super) fn new(address: &Uri, timeout: Duration, runtime: Handle) -> Result<Self, OriginError> {
        let scheme = address.scheme_str().unwrap_or("http");
        let authority = address.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let origin = format!("{scheme}://{authority}");
        let granted: Origin = origin.parse()?;
        let settings = Settings {
            // The operator says where to, and a collector is mostly inside.
            inside: true,
            connections: 1,
            connect: timeout,
            first_byte: timeout,
            between_bytes: timeout,
            body_bytes: COLLECTOR_ANSWER_BYTES_MAX,
            ..Settings::new(vec![granted], Roots::web())
        };
        Ok(Self { client: Client::new(settings), runtime, timeout, is_lost: AtomicBool::new(false), origin })
    }

    /// Tells that the collector is lost, and that it is back.
    fn note(&self, failure: Option<&dyn std::fmt::Display>) {
        let was_lost = self.is_lost.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(reason) if !was_lost => {
                let text = "the collector of telemetry does not take what is exported; traces and logs are lost until it \
                            does";
                tracing::warn!(collector = self.origin, %reason, "{text}");
            }
            None if was_lost => tracing::info!(collector = self.origin, "the collector of telemetry answers again"),
            _ => {}
        }
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let request = request.map(|bytes| -> Body { Full::new(bytes).map_err(|never| match never {}).boxed_unsync() });
        let call = CallContext::new(0, Instant::now() + self.timeout);
        let sending = {
            // The client's connections are tasks of the runtime.
            let _inside = self.runtime.enter();
            let (answer, timeout) = (self.client.send(request, Patience::default(), &call), self.timeout);
            self.runtime.spawn(async move { tokio::time::timeout(timeout, whole(answer)).await })
        };
        let answered: Result<Response<Bytes>, ClientError> = match sending.await {
            Ok(Ok(answer)) => answer.map_err(Into::into),
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        match &answered {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&answer.status())),
            Err(error) => self.note(Some(error)),
        }
        answered
    }
}

async fn whole(answer: impl Future<Output = Result<Response<Body>, HttpError>>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = answer.await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
