//! What an instance has of `wasi:http`: the resources of its bodies, and the way out for its requests.

use std::future::Future;
use std::sync::Arc;

use http::uri::Scheme;
use http_body_util::BodyExt;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use super::body::foreign;
use super::{HttpError, Patience, Requests};
use crate::call::CallContext;
use crate::limits;
use crate::store::State;
use crate::wasi::Wasi;

/// The part of an instance's world that is HTTP.
pub(crate) struct World {
    context: WasiHttpCtx,
    way_out: WayOut,
}

/// Where the requests of an instance go.
struct WayOut {
    requests: Option<Arc<dyn Requests>>,
    call: CallContext,
}

impl World {
    pub(crate) fn new(requests: Option<Arc<dyn Requests>>, call: CallContext) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(limits::HTTP_FIELDS_BYTES_MAX);
        Self { context, way_out: WayOut { requests, call } }
    }

    /// From now on the requests of the instance belong to this call.
    pub(crate) fn enter(&mut self, call: &CallContext) {
        self.way_out.call = call.clone();
    }
}

/// Breaks off the bodies that a guest left unfinished; else whoever reads them would take them for whole.
pub(crate) fn break_off(resources: &mut ResourceTable) {
    for entry in resources.iter_mut() {
        let entry: &mut dyn std::any::Any = entry;
        if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
            let (spent, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
            std::mem::replace(body, spent).abort();
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Wasi { http, resources, .. } = self.world();
        WasiHttpCtxView { hooks: &mut http.way_out, table: resources, ctx: &mut http.context }
    }
}

impl WasiHttpHooks for WayOut {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<
        dyn Future<Output = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>)>>
            + Send,
    > {
        let options = options.unwrap_or_default();
        let patience = Patience {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        };
        let request = request.map(|body| body.map_err(HttpError::from).boxed_unsync());
        let sent = self.requests.as_ref().map(|requests| requests.send(request, patience, &self.call));
        Box::new(async move {
            let answer = sent.ok_or(HttpError::Denied)?.await?;
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((answer.map(foreign), done))
        })
    }

    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        limits::HTTP_CHUNK_BYTES_MAX
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        limits::HTTP_CHUNK_BYTES_MAX
    }
}
