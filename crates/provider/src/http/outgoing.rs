//! Requests of an actor into the world: to the origins it was granted, over connections of its own.
//!
//! One pool for each actor: connections are kept for its next request, and no other actor's. HTTP/1.1, and HTTP/2 where
//! the server chooses it over TLS. A name is looked up once; the addresses that were found are checked, and one of them
//! is connected to, so that no answer of a name server leads inside. Redirects are answers like others.

mod connect;
mod line;
mod tls;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use engine::CallContext;
use engine::http::{AnswerFuture, Body, HttpError, Patience, Requests};
use http::header::{CONTENT_LENGTH, HOST, TRAILER};
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use model::destination::Origin;
use tokio::time::sleep_until;

use self::connect::{CONNECT_WITHIN, Connector};
pub use self::connect::{Lookup, Resolve, System};
use self::line::{Line, Use};
pub use self::tls::Roots;
use super::inflow::Inflow;
use super::message::strip;
use super::{TRACEPARENT, TRACESTATE};
use crate::limits::{
    BETWEEN_BYTES_TIMEOUT, CONNECT_TIMEOUT, CONNECTIONS_OUT_IDLE_MAX, CONNECTIONS_OUT_MAX, FIRST_BYTE_TIMEOUT,
    HEADER_BYTES_MAX, IDLE_TIMEOUT, SIGN_OF_LIFE_TIMEOUT, STREAMED_BYTES_MAX,
};

/// What of a [`Client`] can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The origins that the actor was granted.
    pub granted: Vec<Origin>,
    /// Who finds the addresses of names.
    pub resolver: Arc<dyn Resolve>,
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// Whether a granted name may lead inside: where an operator says where to, not a manifest.
    pub inside: bool,
    /// Connections at once.
    pub connections: usize,
    /// The longest time for a connection, name and TLS included.
    pub connect: Duration,
    /// The longest time for the head of an answer.
    pub first_byte: Duration,
    /// The longest time between two parts of an answer's body.
    pub between_bytes: Duration,
    /// How long a connection over HTTP/2 may be silent under a request before its server is asked for a sign of life, and
    /// how long that has for it.
    pub sign_of_life: Duration,
    /// An answer's body, in bytes.
    pub body_bytes: u64,
}

impl Settings {
    /// These origins, with the defaults of [`crate::limits`].
    pub fn new(granted: Vec<Origin>, roots: Roots) -> Self {
        Self {
            granted,
            resolver: Arc::new(System::default()),
            roots,
            inside: false,
            connections: CONNECTIONS_OUT_MAX,
            connect: CONNECT_TIMEOUT,
            first_byte: FIRST_BYTE_TIMEOUT,
            between_bytes: BETWEEN_BYTES_TIMEOUT,
            sign_of_life: SIGN_OF_LIFE_TIMEOUT,
            body_bytes: STREAMED_BYTES_MAX,
        }
    }
}

/// The way of one actor's requests into the world.
pub struct Client {
    pool: legacy::Client<Connector, Body>,
    settings: Settings,
}

impl Client {
    /// A client without connections.
    pub fn new(settings: Settings) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(CONNECTIONS_OUT_IDLE_MAX)
            .http1_max_buf_size(HEADER_BYTES_MAX)
            // Else a server that is gone would get every request to its origin for as long as the system tries.
            .http2_keep_alive_interval(settings.sign_of_life)
            .http2_keep_alive_timeout(settings.sign_of_life)
            .http2_max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX));
        Self { pool: builder.build(Connector::new(&settings)), settings }
    }

    fn check(&self, request: &Request<Body>) -> Result<(), HttpError> {
        if request.method() == Method::CONNECT {
            return Err(HttpError::Method);
        }
        if !is_framed(request) {
            return Err(HttpError::Protocol("its `content-length` is not that of its body".to_owned()));
        }
        let place = Place::of(request.uri())?;
        let is_granted = self.settings.granted.iter().any(|origin| origin.takes(place.is_tls, place.host, place.port));
        if is_granted { Ok(()) } else { Err(HttpError::Denied) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("granted", &self.settings.granted).finish_non_exhaustive()
    }
}

impl Requests for Client {
    fn send(&self, mut request: Request<Body>, patience: Patience, call: &CallContext) -> AnswerFuture {
        if let Err(error) = self.check(&request) {
            return Box::pin(std::future::ready(Err(error)));
        }
        dress(&mut request, call);
        let Settings { connect, first_byte, between_bytes, body_bytes, .. } = self.settings;
        let connect = patience.connect.map_or(connect, |asked| asked.min(connect));
        let first_byte = patience.first_byte.map_or(first_byte, |asked| asked.min(first_byte));
        let between_bytes = patience.between_bytes.map_or(between_bytes, |asked| asked.min(between_bytes));
        let until = Until { first_byte, end: call.deadline() };
        let captured = capture_connection(&mut request);
        let answer = CONNECT_WITHIN.scope(connect, self.pool.request(request));
        Box::pin(async move {
            let (answer, line) = on_line(answer, &captured, connect, until).await?;
            Ok(answer.map(|body| Inflow::new(body, body_bytes, between_bytes, line).boxed_unsync()))
        })
    }
}

/// How long an answer is waited for.
#[derive(Clone, Copy)]
struct Until {
    /// From when the request has a connection.
    first_byte: Duration,
    /// At the latest.
    end: Instant,
}

/// The answer, and its place on its connection, taken as soon as the request has one. Until then `connect` is waited besides:
/// connections are made within that, or come free of other requests.
async fn on_line(
    answer: impl Future<Output = Result<Response<Incoming>, legacy::Error>>,
    captured: &CaptureConnection,
    connect: Duration,
    Until { first_byte, end }: Until,
) -> Result<(Response<Incoming>, Option<Use>), HttpError> {
    let (mut answer, mut place) = (pin!(answer), None);
    let mut late = pin!(sleep_until((Instant::now() + connect + first_byte).min(end).into()));
    let answered = poll_fn(|cx| {
        let polled = answer.as_mut().poll(cx).map(|answer| answer.map_err(|error| explained(&error)));
        if place.is_none() {
            place = Use::of(captured);
            if place.is_some() {
                late.as_mut().reset((Instant::now() + first_byte).min(end).into());
            }
        }
        match polled {
            Poll::Pending => late.as_mut().poll(cx).map(|()| Err(HttpError::AnswerTimeout)),
            polled => polled,
        }
    });
    let mut answer = answered.await?;
    // A request that its first connection did not take went out on another.
    let line: Option<Arc<Line>> = answer.extensions_mut().remove();
    if let Some(line) = line.filter(|line| !place.as_ref().is_some_and(|place| place.is_on(line))) {
        place = Some(line.enter());
    }
    Ok((answer, place))
}

/// Where a request goes.
struct Place<'a> {
    is_tls: bool,
    host: &'a str,
    port: u16,
}

impl<'a> Place<'a> {
    fn of(uri: &'a Uri) -> Result<Self, HttpError> {
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(HttpError::Address("its scheme is neither `https` nor `http`".to_owned())),
        };
        let authority = uri.authority().ok_or_else(|| HttpError::Address("it names no host".to_owned()))?;
        // Who is meant by `user@host` is not always the same to everyone who reads it.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(HttpError::Address("it names a user, or no host".to_owned()));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // `host:` and `host:99999` are no ports, and not the default either.
            None if authority.as_str().len() > authority.host().len() => {
                return Err(HttpError::Address("its port is no number from 1 to 65535".to_owned()));
            }
            None if is_tls => 443,
            None => 80,
        };
        Ok(Self { is_tls, host: authority.host(), port })
    }
}

/// Whether a body is as long as the head says, as far as that is known: else a server would take what comes next on the
/// connection for a part of it.
fn is_framed(request: &Request<Body>) -> bool {
    let mut lengths = request.headers().get_all(CONTENT_LENGTH).iter();
    let (length, second) = (lengths.next(), lengths.next());
    second.is_none() && length.is_none_or(|length| length == "0" || !request.body().is_end_stream())
}

/// Leaves out what belongs to connections and who is meant, which the URI says, and puts in the trace.
fn dress(request: &mut Request<Body>, call: &CallContext) {
    let headers = request.headers_mut();
    // Trailers are sent only where the head names them (RFC 9110, section 6.6.2).
    let trailer = headers.remove(TRAILER);
    strip(headers);
    headers.remove(HOST);
    headers.extend(trailer.map(|trailer| (TRAILER, trailer)));
    // A trace that the actor writes itself is its own, with or without a state.
    let Some(trace) = call.trace().filter(|_| !headers.contains_key(TRACEPARENT)) else { return };
    let value = |text: &str| HeaderValue::from_str(text).ok();
    if let Some(parent) = value(&trace.parent.to_string()) {
        headers.insert(TRACEPARENT, parent);
        headers.remove(TRACESTATE);
        headers.extend(trace.state.as_ref().and_then(|state| Some((TRACESTATE, value(state.as_str())?))));
    }
}

/// Why hyper has no answer.
fn explained(error: &legacy::Error) -> HttpError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut text = error.to_string();
    while let Some(next) = cause {
        if let Some(known) = next.downcast_ref::<HttpError>() {
            return known.clone();
        }
        text = next.to_string();
        if let Some(hyper) = next.downcast_ref::<hyper::Error>() {
            return if hyper.is_parse() { HttpError::Protocol(text) } else { HttpError::Terminated(text) };
        }
        cause = next.source();
    }
    HttpError::Terminated(text)
}
