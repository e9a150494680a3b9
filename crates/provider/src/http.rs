//! The ingress: HTTP/1.1 and HTTP/2, with or without TLS, on one port, to calls of `lath:httpserver/handler`.
//!
//! # What an actor sees
//!
//! - `method` as the request has it; `HEAD` as `GET`, unless the route lists `HEAD`. The answer to `HEAD` is sent
//!   without its body and with the body's `content-length`.
//! - `path` and `query-string` as the request writes them, percent-encoding and all; the query without its `?`.
//! - `header` in the request's order of names, in lower case, values as UTF-8 (others are answered 400), without the
//!   headers of the connection itself (RFC 9110, section 7.6.1). `host` is what was routed by: HTTP/2's `:authority`, or
//!   the host of the target where that has one.
//! - `body` whole, up to a bound.
//!
//! Its answer is sent as it is, with `content-length` set here. A status outside 200 to 599, a header that HTTP cannot
//! carry, or bytes that are no answer become 502.
//!
//! An actor that exports `wasi:http` gets the request as it comes instead: `incoming-handler` 0.2 or `handler` 0.3, of
//! which the later is taken, and either before `lath:httpserver`. Bodies stream both ways, with their trailers, as fast
//! as the slower side goes; each is bounded in size, and in the time between its parts. An upgrade of the connection is
//! answered 501, apart from an offer of `h2c`, which is passed over. An answer whose actor fails after the head is broken
//! off.
//!
//! # Routes
//!
//! The host is compared first (a route that names the host before those that name none), then the path: exact before
//! parameters before `/*`, and of several `/*` the one with most segments. `/files/*` takes `/files` too. A path that
//! is routed, but not for the request's method, is answered 405 with `allow`; `OPTIONS` is answered 204 with `allow`
//! unless a route takes it. Several applications may share the port: the first of them keeps what two of them want
//! ([`Router::merged`]).
//!
//! # TLS
//!
//! With [`TlsFiles`] every connection begins with a handshake, on a task of its own, bounded in time and in number apart
//! from connections. The files are looked at again and again; new connections get what was read last that could be used.
//!
//! # Failures
//!
//! A failure becomes problem details (RFC 9457) with the status that [`RpcError::http_status`] gives, a text that
//! depends on the kind of failure alone, and the request's id as `instance`; the id is also in `x-request-id` of
//! every answer, and in the log beside the cause. 503 comes with `retry-after`.
//!
//! Start at [`Ingress::start`], then `front.rs` for the life of a request.
//!
//! [`RpcError::http_status`]: model::failure::RpcError::http_status

mod acceptor;
mod body;
mod connection;
mod exchange;
mod front;
mod inflow;
mod lane;
mod message;
mod outflow;
pub mod outgoing;
mod problem;
mod pulse;
mod router;
mod server;
mod settings;
mod tls;
mod watch;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::{HeaderName, Request, Response};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName};
use model::trace::Trace;

pub use router::{LeftOut, Router, RouterError};
pub use server::{Drained, Ingress, IngressError, bind};
pub use settings::Settings;
pub use tls::{TlsError, TlsFiles};
pub use watch::{Arrived, Watch};

/// The function of `lath:httpserver/handler` that requests become calls of.
pub const METHOD: &str = "handle-request";

/// A request on its way to an actor.
#[derive(Debug)]
pub struct HttpCall<'a> {
    /// The application that has the route.
    pub application: &'a AppName,
    /// Its actor that answers.
    pub actor: &'a ActorName,
    /// The middleware before it, in order.
    pub via: &'a [ActorName],
    /// The parameters of [`METHOD`], in wire version 1.
    pub payload: Vec<u8>,
    /// When the answer must be there.
    pub deadline: Instant,
    /// The request's id, for logs and traces.
    pub request: &'a str,
    /// The trace that the request belongs to, as the client wrote it.
    pub trace: Option<Arc<Trace>>,
}

/// A request on its way to an actor that takes it as it comes, by `wasi:http`.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The application that has the route.
    pub application: &'a AppName,
    /// Its actor that answers.
    pub actor: &'a ActorName,
    /// The middleware before it, in order.
    pub via: &'a [ActorName],
    /// The request, without the headers of its connection; it names an authority. Over TLS its URI is absolute, with
    /// `https`.
    pub request: Request<engine::http::Body>,
    /// When the head of the answer must be there.
    pub deadline: Instant,
    /// The request's id, for logs and traces.
    pub id: &'a str,
    /// The trace that the request belongs to, as the client wrote it.
    pub trace: Option<Arc<Trace>>,
}

/// W3C Trace Context, sections 3.2 and 3.3.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Whoever takes requests to actors.
pub trait Handler: Send + Sync + 'static {
    /// Calls [`METHOD`] of the actor; gives its result in wire version 1, by the deadline. It runs on the task of the
    /// request, which is dropped when the client goes away.
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>>;

    /// Whoever watches a request that has come; nobody, unless it is said.
    fn watch(&self, _request: &Arrived<'_>) -> Option<Box<dyn Watch>> {
        None
    }

    /// Whether the actor takes requests as they come, by [`exchange`](Self::exchange).
    fn streams(&self, _application: &AppName, _actor: &ActorName, _via: &[ActorName]) -> bool {
        false
    }

    /// Takes a request to its actor, and gives the answer once its head is there, by the deadline. It runs on the task
    /// of the request; where the client goes away, it is dropped, or the answer's body is.
    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<engine::http::Body>, Failure>> {
        let text = format!("actor {}/{} takes no requests as they come", exchange.application, exchange.actor);
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::MethodNotHandled(text)))))
    }
}
