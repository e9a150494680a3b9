//! `wasi:http` of actors: requests in, requests out, bodies that stream.
//!
//! A request is served by [`Actor::handle`](crate::Actor::handle): `wasi:http/incoming-handler` 0.2 or
//! `wasi:http/handler` 0.3, whichever the composite exports and [`ActorSettings::http`](crate::ActorSettings::http)
//! names. Requests of the actor go to a [`Requests`], if it was given one; else all of them are denied.

mod body;
mod error;
mod horizon;
mod view;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
pub use model::blueprint::HttpVersion;
use wasmtime::component::Linker;

pub(crate) use self::body::{Guest, Served, foreign};
pub use self::error::HttpError;
pub(crate) use self::horizon::Horizon;
pub(crate) use self::view::{World, break_off};
use crate::call::CallContext;
use crate::store::State;

/// Puts `wasi:http` into a linker.
pub(crate) fn define(linker: &mut Linker<State>, has_concurrency: bool) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    if has_concurrency {
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
    }
    Ok(())
}

/// A body that streams: frames of bytes, then perhaps trailers. Whoever polls it sets the pace of whoever makes it.
pub type Body = UnsyncBoxBody<Bytes, HttpError>;

/// How long an actor is ready to wait for an answer; none where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// Between two frames of the answer's body.
    pub between_bytes: Option<Duration>,
}

/// What [`Requests::send`] returns.
pub type AnswerFuture = Pin<Box<dyn Future<Output = Result<http::Response<Body>, HttpError>> + Send>>;

/// Carries requests of one actor into the world.
pub trait Requests: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`, whose URI has scheme and authority, if the actor may. Redirects are answers like others.
    /// Dropping the future or the answer's body ends the exchange.
    fn send(&self, request: http::Request<Body>, patience: Patience, call: &CallContext) -> AnswerFuture;
}
