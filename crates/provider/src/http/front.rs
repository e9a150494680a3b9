//! The life of a request: checked, routed, read, called, answered.

use std::sync::Arc;
use std::time::Instant;

use http::header::{ALLOW, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use model::failure::{Failure, RpcError};
use model::manifest::Method;
use model::trace::Trace;

use super::lane::Lane;
use super::outflow::Outflow;
use super::problem::Problem;
use super::router::{Door, Found};
use super::server::Routing;
use super::watch::Watched;
use super::{HttpCall, body, exchange, message};
use crate::limits::{CALL_GRACE, HEADERS_MAX};

type Answer = Response<Outflow>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request, come what may.
pub(super) async fn answer(lane: &Lane, request: Request<Incoming>) -> Answer {
    let id = lane.next_request();
    let is_head = request.method() == http::Method::HEAD;
    // A request keeps to the routes of the moment when it came.
    let routing = lane.routing();
    let mut watched = Watched::begin(&*routing.handler, request.method(), request.uri(), request.headers());
    let mut response = match serve(lane, &routing, request, (&id, &mut watched)).await {
        Ok(response) => response,
        Err(problem) => refuse(lane, problem, &id, is_head),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    watched.answered(response.status());
    response
}

fn refuse(lane: &Lane, problem: Problem, id: &str, is_head: bool) -> Answer {
    let status = problem.status();
    if status.is_server_error() {
        if let Some(left_out) = lane.failures.admit() {
            let status = status.as_u16();
            tracing::warn!(request = id, status, cause = problem.cause(), left_out, "request failed");
        }
    } else {
        tracing::debug!(request = id, status = status.as_u16(), cause = problem.cause(), "request refused");
    }
    let mut response = problem.response(id);
    if is_head {
        *response.body_mut() = Full::default();
    }
    response.map(Outflow::from)
}

async fn serve(
    lane: &Lane,
    routing: &Routing,
    request: Request<Incoming>,
    (id, watched): (&str, &mut Watched),
) -> Result<Answer, Problem> {
    let admitted = lane.admit().ok_or(Problem::Busy)?;
    let (mut parts, body) = request.into_parts();
    check_coding(&parts)?;
    settle_host(&mut parts)?;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Ok(method) = parts.method.as_str().parse::<Method>() else { return Err(Problem::UnknownMethod) };
    let (door, method) = match routing.router.find(host, parts.uri.path(), method) {
        Found::Actor(door, method) => (door, method),
        Found::OtherMethods(allow) if method == Method::Options => return Ok(options(allow)),
        Found::OtherMethods(allow) => return Err(Problem::OtherMethods(allow.clone())),
        Found::Nothing => return Err(Problem::NotRouted),
    };
    watched.routed(&door.application, &door.actor, &door.route);
    if routing.handler.streams(&door.application, &door.actor, &door.via) {
        let answered =
            exchange::exchange(lane, routing, door, (parts, body), (method, id, watched.trace.clone())).await?;
        return Ok(answered.map(|body| Outflow::streamed(body, admitted)));
    }
    let settings = &lane.settings;
    let whole = body::read(body, settings.body_bytes, settings.body_read_timeout, &lane.bodies).await?;
    let payload = message::encode(&lane.function, &parts, method, whole.bytes)?;
    let result = call(lane, routing, door, payload, (id, watched.trace.clone())).await;
    drop(whole.held);
    let result = result.map_err(|failure| Problem::Failed(failure.error))?;
    let answer = message::decode(&lane.function, &result, parts.method == http::Method::HEAD, &lane.bodies)?;
    Ok(answer.map(Outflow::from))
}

async fn call(
    lane: &Lane,
    routing: &Routing,
    door: &Door,
    payload: Vec<u8>,
    (request, trace): (&str, Option<Arc<Trace>>),
) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now() + lane.settings.call_deadline;
    let Door { application, actor, via, .. } = door;
    let call = routing.handler.call(HttpCall { application, actor, via, payload, deadline, request, trace });
    // The handler keeps the deadline; a connection must not hang on one that does not.
    tokio::time::timeout_at((deadline + CALL_GRACE).into(), call).await.unwrap_or_else(|_| {
        let text = format!("actor {application}/{actor} gave no answer");
        Err(Failure::unknown(RpcError::DeadlineExceeded(text)))
    })
}

/// That nobody in front can have seen another end of the body (RFC 9112, section 6.1).
fn check_coding(parts: &Parts) -> Result<(), Problem> {
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if is_chunked && codings.next().is_none() { Ok(()) } else { Err(Problem::TransferCoding) }
}

/// The host that the request is for, and no doubt about it (RFC 9112, section 3.2): as `host`, where there is one at all.
/// What is routed by and what an actor is told are the same.
fn settle_host(parts: &mut Parts) -> Result<(), Problem> {
    if parts.headers.len() > HEADERS_MAX {
        return Err(Problem::ManyHeaders);
    }
    let mut stated = parts.headers.get_all(HOST).iter();
    let header = stated.next();
    if stated.next().is_some() {
        return Err(Problem::BadRequest("The request has more than one host header."));
    }
    if header.is_none() && parts.version == Version::HTTP_11 {
        return Err(Problem::BadRequest("The request has no host header."));
    }
    let target = parts.uri.authority().map(Authority::as_str);
    let host = target.map(str::as_bytes).or(header.map(HeaderValue::as_bytes));
    if !host.is_none_or(is_host) {
        return Err(Problem::BadRequest("The host of the request is no host."));
    }
    // Section 3.2.2, and for HTTP/2 RFC 9113, section 8.3.1: the target says it, and the header, which may differ, does
    // not.
    if target.is_some_and(|target| header.is_none_or(|header| header != target)) {
        let host = target.and_then(|target| HeaderValue::from_str(target).ok());
        host.and_then(|host| parts.headers.insert(HOST, host));
    }
    Ok(())
}

/// `host[:port]`, or nothing (RFC 9112, section 3.2); nobody logs in by it.
fn is_host(text: &[u8]) -> bool {
    text.is_empty() || (!text.contains(&b'@') && Authority::try_from(text).is_ok())
}

fn options(allow: &HeaderValue) -> Answer {
    let mut response = Response::new(Outflow::from(Full::default()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}
