//! The ingress: HTTP/1.1 and HTTP/2 without TLS, on one port, to calls of `lath:httpserver/handler`.
//!
//! # What an actor sees
//!
//! - `method` as the request has it; `HEAD` as `GET`, unless the route lists `HEAD`. The answer to `HEAD` is sent
//!   without its body and with the body's `content-length`.
//! - `path` and `query-string` as the request writes them, percent-encoding and all; the query without its `?`.
//! - `header` in the request's order of names, in lower case, values as UTF-8 (others are answered 400), without the
//!   headers of the connection itself (RFC 9110, section 7.6.1). HTTP/2's `:authority` is `host`.
//! - `body` whole, up to a bound.
//!
//! Its answer is sent as it is, with `content-length` set here. A status outside 200 to 599, a header that HTTP cannot
//! carry, or bytes that are no answer become 502.
//!
//! # Routes
//!
//! The host is compared first (a route that names the host before those that name none), then the path: exact before
//! parameters before `/*`, and of several `/*` the one with most segments. `/files/*` takes `/files` too. A path that
//! is routed, but not for the request's method, is answered 405 with `allow`; `OPTIONS` is answered 204 with `allow`
//! unless a route takes it. Several applications may share the port: the first of them keeps what two of them want
//! ([`Router::merged`]).
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
mod front;
mod lane;
mod message;
mod problem;
mod pulse;
mod router;
mod server;
mod settings;

use std::time::Instant;

use futures_util::future::BoxFuture;
use model::failure::Failure;
use model::ids::{ActorName, AppName};

pub use router::{LeftOut, Router, RouterError};
pub use server::{Drained, Ingress, IngressError, bind};
pub use settings::Settings;

/// The function of `lath:httpserver/handler` that requests become calls of.
pub const METHOD: &str = "handle-request";

/// A request on its way to an actor.
#[derive(Debug)]
pub struct HttpCall<'a> {
    /// The application that has the route.
    pub application: &'a AppName,
    /// Its actor that answers.
    pub actor: &'a ActorName,
    /// The parameters of [`METHOD`], in wire version 1.
    pub payload: Vec<u8>,
    /// When the answer must be there.
    pub deadline: Instant,
    /// The request's id, for logs and traces.
    pub request: &'a str,
    /// The trace that the request belongs to: its `traceparent`, as the client wrote it.
    pub trace: Option<&'a str>,
}

/// Whoever takes requests to actors.
pub trait Handler: Send + Sync + 'static {
    /// Calls [`METHOD`] of the actor; gives its result in wire version 1, by the deadline. It runs on the task of the
    /// request, which is dropped when the client goes away.
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>>;
}
