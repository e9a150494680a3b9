//! Requests of actors that take them as they come, by `wasi:http`: bodies stream both ways, and whoever reads sets the
//! pace of whoever writes.

use std::sync::Arc;
use std::time::Instant;

use engine::http::Body;
use http::header::{CONTENT_LENGTH, HOST, TRAILER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Incoming};
use model::failure::{Failure, RpcError};
use model::manifest::Method;

use super::Exchange;
use super::inflow::{Breach, Inflow};
use super::lane::Lane;
use super::message::{is_of_connection, named_by_connection};
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
    (method, id): (Method, &str),
) -> Result<Response<Body>, Problem> {
    let is_head = parts.method == http::Method::HEAD;
    let trace = parts.headers.get(super::TRACEPARENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (request, breach) = request(lane, parts, body, method)?;
    let Door { application, actor } = door;
    let deadline = Instant::now() + lane.settings.call_deadline;
    let exchange = Exchange { application, actor, request, deadline, id, trace: trace.as_deref() };
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
    if parts.headers.contains_key(UPGRADE) {
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
    let (body, breach) = Inflow::new(body, settings.streamed_bytes, settings.body_read_timeout);
    Ok((Request::from_parts(parts, body.boxed_unsync()), breach))
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

fn strip(headers: &mut HeaderMap) {
    let named: Vec<String> = named_by_connection(headers).into_iter().map(str::to_ascii_lowercase).collect();
    let dropped = headers.keys().filter(|name| is_of_connection(name) || named.iter().any(|one| one == name.as_str()));
    for name in dropped.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}
