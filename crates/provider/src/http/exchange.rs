//! Requests of actors that take them as they come, by `wasi:http`: bodies stream both ways, and whoever reads sets the
//! pace of whoever writes.

use std::sync::Arc;
use std::time::Instant;

use engine::http::Body;
use http::header::{CONTENT_LENGTH, HOST, TRAILER, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Incoming};
use model::failure::{Failure, RpcError};
use model::manifest::Method;
use model::trace::Trace;

use super::Exchange;
use super::inflow::{Breach, Inflow};
use super::lane::Lane;
use super::message::strip;
use super::problem::Problem;
use super::router::Door;
use super::server::Routing;
use crate::limits::{CALL_GRACE, HEADERS_MAX};

/// Takes a request to its actor, and its answer back.
pub(super) async fn exchange(
    lane: &Lane,
    routing: &Routing,
    door: &Door,
    (parts, body): (Parts, Incoming),
    (method, id, trace): (Method, &str, Option<Arc<Trace>>),
) -> Result<Response<Body>, Problem> {
    let is_head = parts.method == http::Method::HEAD;
    let (request, breach) = request(lane, parts, body, method)?;
    let Door { application, actor, via, .. } = door;
    let deadline = Instant::now() + lane.settings.call_deadline;
    let exchange = Exchange { application, actor, via, request, deadline, id, trace };
    let answered = routing.handler.exchange(exchange);
    // The handler keeps the deadline; a connection must not hang on one that does not.
    let answered = tokio::time::timeout_at((deadline + CALL_GRACE).into(), answered).await.unwrap_or_else(|_| {
        let text = format!("actor {application}/{actor} gave no answer");
        Err(Failure::unknown(RpcError::DeadlineExceeded(text)))
    });
    match answered {
        Ok(response) => answer(response, is_head),
        // What the actor made of a body that was broken off says less than why it was.
        Err(failure) => Err(breach.problem().unwrap_or(Problem::Failed(failure.error))),
    }
}

/// The request as the actor sees it: without the headers of the connection, with an authority.
fn request(
    lane: &Lane,
    mut parts: Parts,
    body: Incoming,
    method: Method,
) -> Result<(Request<Body>, Arc<Breach>), Problem> {
    if is_upgrade(&parts.headers) {
        return Err(Problem::Upgrade);
    }
    let settings = &lane.settings;
    if body.size_hint().lower() > settings.streamed_bytes {
        return Err(Problem::LargeBody(usize::try_from(settings.streamed_bytes).unwrap_or(usize::MAX)));
    }
    strip(&mut parts.headers);
    if parts.method == http::Method::HEAD && method == Method::Get {
        parts.method = http::Method::GET;
    }
    if parts.uri.authority().is_none() && !parts.headers.contains_key(HOST) {
        // HTTP/1.0 may leave it out (RFC 9112, section 3.2); the actor must be told something.
        parts.headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    if lane.tls.is_some() {
        parts.uri = secure(parts.uri, &parts.headers);
    }
    let breach = Breach::none(settings.streamed_bytes);
    let body = Inflow::new(body, settings.streamed_bytes, settings.body_read_timeout, Arc::clone(&breach));
    Ok((Request::from_parts(parts, body.boxed_unsync()), breach))
}

/// The URI with the scheme that says how the request came, and with an authority, as both go together.
fn secure(uri: Uri, headers: &HeaderMap) -> Uri {
    let mut parts = uri.clone().into_parts();
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    parts.authority = parts.authority.or(host);
    parts.scheme = Some(Scheme::HTTPS);
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Whether the client wants another protocol than those that are spoken here. An offer of HTTP/2 beside a request is
/// passed over (RFC 9113, section 3.1), as many clients make it who go on without.
fn is_upgrade(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(UPGRADE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    offered.map(<[u8]>::trim_ascii).any(|protocol| !protocol.eq_ignore_ascii_case(b"h2c"))
}

/// The answer as HTTP can carry it.
fn answer(mut response: Response<Body>, is_head: bool) -> Result<Response<Body>, Problem> {
    let status = response.status();
    if !(200..600).contains(&status.as_u16()) {
        let status = status.as_u16();
        return Err(Problem::BadAnswer(format!("the actor answered status {status}; 200 to 599 can be sent")));
    }
    let count = response.headers().len();
    if count > HEADERS_MAX {
        return Err(Problem::BadAnswer(format!("the actor answered {count} headers; {HEADERS_MAX} can be sent")));
    }
    // Trailers are sent only where the head names them (RFC 9110, section 6.6.2).
    let trailer = response.headers_mut().remove(TRAILER);
    strip(response.headers_mut());
    if let Some(trailer) = trailer {
        response.headers_mut().insert(TRAILER, trailer);
    }
    // RFC 9110, section 8.6 and 15.4.5: these two have no body, and 204 no length.
    let is_bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if is_head || is_bodiless {
        return Ok(response.map(|_| Empty::new().map_err(|never| match never {}).boxed_unsync()));
    }
    Ok(response)
}
