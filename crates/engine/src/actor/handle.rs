//! One request of HTTP: an instance that answers it, and goes on until the body of its answer is out.

use std::future::poll_fn;
use std::sync::Arc;

use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, Uri, header};
use model::failure::{Failure, RpcError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime::component::{Accessor, ComponentExportIndex, InstancePre, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{IncomingRequest, ResponseOutparam, Scheme};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p3};

use super::idle::Warm;
use super::{Actor, Inner};
use crate::call::CallContext;
use crate::error::EngineError;
use crate::http::{Body, Guest, Horizon, HttpVersion, Served, break_off, foreign};
use crate::limits;
use crate::store::{self, State};

/// What guests call the function in logs.
const HANDLE: &str = "handle";

/// A way into a composite that serves requests: the function `handle` of one of its exports.
pub(super) struct Entrance {
    handle: ComponentExportIndex,
    version: HttpVersion,
}

/// A request that got no answer.
#[derive(Debug)]
pub struct Unanswered {
    /// Why.
    pub failure: Failure,
    /// The request as it was, where it was refused: another instance may take it.
    pub request: Option<Box<Request<Body>>>,
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self { failure, request: None }
    }
}

/// The head of an answer, or why the guest has none.
struct Head {
    answer: Result<Response<WasiBody>, String>,
    horizon: Arc<Horizon>,
    out: oneshot::Sender<()>,
}

/// Comes, with an error, once an answer is out or nobody wants it any more.
type IsOut = oneshot::Receiver<()>;

/// Where the head of an answer is waited for.
type HeadSender = oneshot::Sender<Head>;

impl Entrance {
    fn find(instances: &InstancePre<State>, label: &str, version: HttpVersion) -> wasmtime::Result<Self> {
        let component = instances.component();
        let handle = component
            .get_export_index(None, label)
            .and_then(|export| component.get_export_index(Some(&export), HANDLE))
            .ok_or_else(|| wasmtime::format_err!("it does not export `{label}` with function `{HANDLE}`"))?;
        Ok(Self { handle, version })
    }
}

impl Actor {
    /// Serves a request of HTTP by `wasi:http`, on the caller's task until the head of the answer is there; what the
    /// guest still does for the body then has a task of its own. Dropping the future, or the body before its end,
    /// ends the guest. The request's URI or its `host` header must name an authority.
    ///
    /// The call's deadline is that of the head; [`ActorSettings::streaming`](crate::ActorSettings::streaming) bounds
    /// the body. A failure is as in [`call`](Self::call).
    pub async fn handle(&self, request: Request<Body>, call: &CallContext) -> Result<Response<Body>, Unanswered> {
        let (head, mut heard) = oneshot::channel();
        let is_head = *request.method() == Method::HEAD;
        let mut guest = Box::pin(serve((Arc::clone(&self.0), self.1), request, call.clone(), head));
        let head = tokio::select! {
            biased;
            ended = &mut guest => match heard.try_recv() {
                Ok(head) => return self.answer(head, None, is_head),
                Err(_) => return Err(ended.err().unwrap_or_else(|| self.silent().into())),
            },
            head = &mut heard => head,
        };
        // The guest gave away the right to answer: it never will, whatever else it does.
        let Ok(head) = head else { return Err(self.silent().into()) };
        let task = head.answer.is_ok().then(|| tokio::spawn(async move { drop(guest.await) }));
        self.answer(head, task, is_head)
    }

    fn answer(&self, head: Head, task: Option<JoinHandle<()>>, is_head: bool) -> Result<Response<Body>, Unanswered> {
        let settings = &self.0.shared.settings;
        let failed = |reason| RpcError::ActorHandler(format!("actor '{}' answered {reason}", settings.name));
        let response = head.answer.map_err(|reason| Failure::unknown(failed(reason)))?;
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok());
        // RFC 9110, sections 9.3.2, 15.3.5 and 15.4.5: these answers are out with their heads.
        let status = response.status();
        let is_bodiless = is_head || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
        let length = if is_bodiless { Some(0) } else { length };
        let guest = Guest { task, horizon: head.horizon, afterwards: settings.execution, out: Some(head.out) };
        Ok(response.map(|body| Served::body(body, length, settings.body_bytes_max, guest)))
    }

    /// The failure of a guest that ended without an answer.
    fn silent(&self) -> Failure {
        let text = format!("actor '{}' gave no answer to the request", self.name());
        Failure::unknown(RpcError::ActorHandler(text))
    }
}

/// Admits the request, finds it an instance, and runs that to its end. Whatever is borrowed is held inside, so that the
/// whole can become a task.
async fn serve(
    (inner, entrance): (Arc<Inner>, usize),
    request: Request<Body>,
    call: CallContext,
    head: HeadSender,
) -> Result<(), Unanswered> {
    let place = match inner.admit("", &[], &call).await {
        Ok(place) => place,
        Err(failure) => {
            inner.shared.counters.refused();
            return Err(Unanswered { failure, request: Some(Box::new(request)) });
        }
    };
    let inside = call.enter(inner.shared.id, inner.execution_end(place.since));
    let horizon = Arc::new(Horizon::new(inside.deadline()));
    let inside = inside.under(&horizon);
    let served = inner.serve_request(entrance, request, (inside, head), &horizon);
    match horizon.bound(served).await {
        Some(ended) => ended.map_err(Unanswered::from),
        None => Err(inner.shared.late(HANDLE).into()),
    }
}

impl Inner {
    async fn serve_request(
        &self,
        entrance: usize,
        request: Request<Body>,
        (call, head): (CallContext, HeadSender),
        horizon: &Arc<Horizon>,
    ) -> Result<(), Failure> {
        let Some(entrance) = self.entrances.get(entrance) else {
            let text = format!("actor '{}' does not serve requests of HTTP", self.name());
            return Err(Failure::not_started(RpcError::MethodNotHandled(text)));
        };
        let mut warm = match self.idle.take() {
            Some(mut warm) => {
                store::reopen(&mut warm.store, call);
                warm
            }
            None => self.instantiate(HANDLE, call).await?,
        };
        self.shared.counters.called();
        let tell = self.teller(head, horizon);
        let ended = match entrance.version {
            HttpVersion::V02 => warm.handle(&entrance.handle, request, tell).await,
            HttpVersion::V03 => {
                // Dropped before the instance.
                let mut end = End { is_good: false, horizon };
                let ended = warm.handle_concurrent(&entrance.handle, request, tell).await;
                end.is_good = ended.is_ok();
                ended
            }
        };
        match ended {
            Ok(()) => {
                self.rest_after_request(warm);
                Ok(())
            }
            Err(error) => Err(Failure::unknown(self.stopped(&error, warm.store.data(), HANDLE).failure(self.name()))),
        }
    }

    /// Tells the head of the answer to whoever waits for it, and gives the guest its time for the body.
    fn teller(
        &self,
        head: HeadSender,
        horizon: &Arc<Horizon>,
    ) -> impl FnOnce(Result<Response<WasiBody>, String>) -> IsOut + Send + Sync + 'static {
        let (horizon, streaming) = (Arc::clone(horizon), self.shared.settings.streaming);
        move |answer| {
            if answer.is_ok() {
                horizon.extend(streaming);
            }
            let (out, is_out) = oneshot::channel();
            // Nobody may wait any more.
            drop(head.send(Head { answer, horizon, out }));
            is_out
        }
    }

    /// Keeps an instance for another request, unless it holds on to too much of this one.
    fn rest_after_request(&self, mut warm: Warm) {
        if let Some(wasi) = &mut warm.store.data_mut().wasi {
            break_off(&mut wasi.resources);
            if wasi.resources.iter_mut().count() > limits::HTTP_RESOURCES_KEPT_MAX {
                wasi.flush();
                return;
            }
        }
        self.rest(warm);
    }
}

impl Warm {
    async fn handle(
        &mut self,
        handle: &ComponentExportIndex,
        request: Request<Body>,
        tell: impl FnOnce(Result<Response<WasiBody>, String>) -> IsOut + Send + Sync + 'static,
    ) -> wasmtime::Result<()> {
        type Params = (Resource<IncomingRequest>, Resource<ResponseOutparam>);
        let handle = self.instance.get_typed_func::<Params, ()>(&mut self.store, handle)?;
        let scheme = match request.uri().scheme() {
            Some(scheme) if *scheme == http::uri::Scheme::HTTPS => Scheme::Https,
            _ => Scheme::Http,
        };
        let mut http = self.store.data_mut().http();
        let request = http.new_incoming_request(scheme, request.map(foreign))?;
        let outparam =
            http.new_response_outparam_from_callback(|answer| drop(tell(answer.map_err(|code| format!("{code:?}")))))?;
        handle.call_async(&mut self.store, (request, outparam)).await
    }

    /// The same by `wasi:http` 0.3: the guest goes on until all its tasks have ended and its answer is out. The end of that may be
    /// a future of the host that the guest passed on, such as the trailers of what it fetched; it comes only while this runs.
    async fn handle_concurrent(
        &mut self,
        handle: &ComponentExportIndex,
        request: Request<Body>,
        tell: impl FnOnce(Result<Response<WasiBody>, String>) -> IsOut + Send + Sync + 'static,
    ) -> wasmtime::Result<()> {
        type Answer = Result<Resource<p3::Response>, ErrorCode>;
        let handle = self.instance.get_typed_func::<(Resource<p3::Request>,), (Answer,)>(&mut self.store, handle)?;
        let request = absolute(request).map(foreign);
        let (request, sent) = p3::Request::from_http(self.store.data_mut().http().hooks, request);
        let serving = async move |guest: &Accessor<State>| -> wasmtime::Result<()> {
            let request = guest.with(|mut store| store.data_mut().http().table.push(request))?;
            let is_out = match handle.call_concurrent(guest, (request,)).await?.0 {
                Err(code) => tell(Err(format!("{code:?}"))),
                Ok(response) => tell(Ok(guest.with(|mut store| {
                    let response = store.data_mut().http().table.delete(response)?;
                    response.into_http(store, sent)
                })?)),
            };
            poll_fn(|context| guest.poll_no_interesting_tasks(context)).await;
            // It carries nothing: it ends.
            drop(is_out.await);
            Ok(())
        };
        self.store.run_concurrent(serving).await?
    }
}

/// The request with scheme and authority in its URI, where guests of 0.3 look for them; `host` is kept from them.
fn absolute(mut request: Request<Body>) -> Request<Body> {
    let mut parts = request.uri().clone().into_parts();
    let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    parts.authority = parts.authority.or(host);
    parts.scheme = parts.scheme.or(Some(http::uri::Scheme::HTTP));
    // Without an authority it stays as it is.
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// How a guest ends, as the body of its answer must know: what it left unfinished seems whole once its store is gone.
struct End<'a> {
    is_good: bool,
    horizon: &'a Horizon,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if !self.is_good {
            self.horizon.break_off();
        }
    }
}

/// Finds the ways in, where the actor is to serve requests.
pub(super) fn entrances(
    instances: &InstancePre<State>,
    settings: &crate::settings::ActorSettings,
) -> Result<Vec<Entrance>, EngineError> {
    let found = settings.http.iter().map(|(label, version)| Entrance::find(instances, label, *version));
    let found: wasmtime::Result<_> = found.collect();
    found.map_err(|source| EngineError::Link { actor: settings.name.clone(), source: source.into_boxed_dyn_error() })
}
