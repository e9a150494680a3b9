//! Whoever watches requests: how long each takes, what it meets, and which trace it belongs to.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, Uri};
use model::ids::{ActorName, AppName};
use model::trace::Trace;

use super::{Handler, TRACEPARENT, TRACESTATE};

/// A request that has come.
#[derive(Debug)]
pub struct Arrived<'a> {
    /// Its method.
    pub method: &'a http::Method,
    /// What it asks for.
    pub uri: &'a Uri,
    /// The trace that it belongs to, as its client wrote it.
    pub trace: Option<&'a Arc<Trace>>,
}

/// Watches one request. Dropped without [`Watch::answered`], its client has gone.
pub trait Watch: Send + Sync {
    /// The trace that the calls of the request belong to, where it is not the client's.
    fn trace(&self) -> Option<Arc<Trace>>;

    /// The request has met a route: `route` is its pattern.
    fn routed(&mut self, application: &AppName, actor: &ActorName, route: &str);

    /// The head of its answer is there.
    fn answered(&mut self, status: StatusCode);
}

/// A request in hand, as it is watched.
pub(super) struct Watched {
    watch: Option<Box<dyn Watch>>,
    pub(super) trace: Option<Arc<Trace>>,
}

impl Watched {
    pub(super) fn begin(handler: &dyn Handler, method: &http::Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let trace = trace(headers);
        let watch = handler.watch(&Arrived { method, uri, trace: trace.as_ref() });
        let own = watch.as_ref().and_then(|watch| watch.trace());
        Self { watch, trace: own.or(trace) }
    }

    pub(super) fn routed(&mut self, application: &AppName, actor: &ActorName, route: &str) {
        if let Some(watch) = &mut self.watch {
            watch.routed(application, actor, route);
        }
    }

    pub(super) fn answered(mut self, status: StatusCode) {
        if let Some(watch) = &mut self.watch {
            watch.answered(status);
        }
    }
}

/// The trace of a request: one `traceparent` as W3C Trace Context has it, else none.
fn trace(headers: &HeaderMap) -> Option<Arc<Trace>> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() {
        return None;
    }
    let states = headers.get_all(TRACESTATE).iter();
    let states: Option<Vec<&str>> = states.map(|state| state.to_str().ok()).collect();
    Trace::read(parent, states.unwrap_or_default()).map(Arc::new)
}
