//! A collector of traces and logs that keeps what it gets.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host::telemetry::{Export, Settings};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// It ends when it is dropped.
pub(crate) struct Collector {
    port: u16,
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

/// What a collector got.
#[derive(Default)]
pub(crate) struct Kept {
    /// Spans, each with the name of its service.
    pub(crate) spans: Vec<(String, Span)>,
    pub(crate) lines: Vec<LogRecord>,
    /// How many lines each request had.
    pub(crate) batches: Vec<usize>,
    /// The header `x-key` of each request.
    pub(crate) keys: Vec<String>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::<Mutex<Kept>>::default();
        let keeping = kept.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = keeping.clone();
                let service = service_fn(move |request| keep(kept.clone(), request));
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::spawn(async move { drop(server.serve_connection(TokioIo::new(stream), service).await) });
            }
        });
        Self { port, kept, task }
    }

    /// Settings that export to it at once, as the service `name`.
    pub(crate) fn settings(&self, name: &str) -> Settings {
        let address = |path: &str| Some(format!("http://127.0.0.1:{}/v1/{path}", self.port).parse().unwrap());
        let usual = Settings::default();
        let export = Export {
            traces: address("traces"),
            logs: address("logs"),
            headers: vec![("x-key".to_owned(), "open sesame".to_owned())],
            resource: vec![("service.name".to_owned(), name.to_owned())],
            interval: Duration::from_millis(20),
            ..usual.export
        };
        Settings { metrics: true, export, ..usual }
    }

    /// Looks at what it has.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.kept.lock().unwrap())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(kept: Arc<Mutex<Kept>>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let mut kept = kept.lock().unwrap();
    kept.keys.push(head.headers.get("x-key").map(|key| key.to_str().unwrap().to_owned()).unwrap_or_default());
    match head.uri.path() {
        "/v1/traces" => {
            for resource in ExportTraceServiceRequest::decode(bytes).unwrap().resource_spans {
                let service = text(&resource.resource.unwrap().attributes, "service.name").unwrap();
                let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                kept.spans.extend(spans.map(|span| (service.clone(), span)));
            }
        }
        "/v1/logs" => {
            let logs = ExportLogsServiceRequest::decode(bytes).unwrap().resource_logs;
            let lines = logs.into_iter().flat_map(|logs| logs.scope_logs).flat_map(|logs| logs.log_records);
            let before = kept.lines.len();
            kept.lines.extend(lines);
            let more = kept.lines.len() - before;
            kept.batches.push(more);
        }
        other => panic!("{other}"),
    }
    Ok(Response::new(Empty::new()))
}

/// An attribute's text.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    texts(attributes).remove(key)
}

/// All attributes, as texts.
pub(crate) fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |pair: &KeyValue| pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text);
    attributes.iter().filter_map(|pair| Some((pair.key.clone(), value(pair)?))).collect()
}
