//! The life of a request: checked, routed, read, called, answered.

use std::sync::Arc;
use std::time::Instant;

use http::header::{ALLOW, HOST};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use model::failure::{Failure, RpcError};
use model::manifest::Method;

use super::lane::Lane;
use super::outflow::Outflow;
use super::problem::Problem;
use super::router::{Door, Found};
use super::server::Routing;
use super::{HttpCall, TRACEPARENT, body, exchange, message};
use crate::limits::{CALL_GRACE, HEADERS_MAX};

type Answer = Response<Outflow>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request, come what may.
pub(super) async fn answer(lane: &Lane, request: Request<Incoming>) -> Answer {
    let id = lane.next_request();
    let is_head = request.method() == http::Method::HEAD;
    let mut response = match serve(lane, request, &id).await {
        Ok(response) => response,
        Err(problem) => refuse(lane, problem, &id, is_head),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
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

async fn serve(lane: &Lane, request: Request<Incoming>, id: &str) -> Result<Answer, Problem> {
    let admitted = lane.admit().ok_or(Problem::Busy)?;
    let (parts, body) = request.into_parts();
    let host = host(&parts)?;
    let Ok(method) = parts.method.as_str().parse::<Method>() else { return Err(Problem::UnknownMethod) };
    let routing: Arc<Routing> = lane.routing();
    let (door, method) = match routing.router.find(host, parts.uri.path(), method) {
        Found::Actor(door, method) => (door, method),
        Found::OtherMethods(allow) if method == Method::Options => return Ok(options(allow)),
        Found::OtherMethods(allow) => return Err(Problem::OtherMethods(allow.clone())),
        Found::Nothing => return Err(Problem::NotRouted),
    };
    if routing.handler.streams(&door.application, &door.actor) {
        let answered = exchange::exchange(lane, &routing, door, (parts, body), (method, id)).await?;
        return Ok(answered.map(|body| Outflow::streamed(body, admitted)));
    }
    let settings = &lane.settings;
    let whole = body::read(body, settings.body_bytes, settings.body_read_timeout, &lane.bodies).await?;
    let payload = message::encode(&lane.function, &parts, method, whole.bytes)?;
    let trace = parts.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let result = call(lane, &routing, door, payload, (id, trace)).await;
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
    (request, trace): (&str, Option<&str>),
) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now() + lane.settings.call_deadline;
    let Door { application, actor } = door;
    let call = routing.handler.call(HttpCall { application, actor, payload, deadline, request, trace });
    // The handler keeps the deadline; a connection must not hang on one that does not.
    tokio::time::timeout_at((deadline + CALL_GRACE).into(), call).await.unwrap_or_else(|_| {
        let text = format!("actor {application}/{actor} gave no answer");
        Err(Failure::unknown(RpcError::DeadlineExceeded(text)))
    })
}

/// The host that the request is for: one and no doubt about it (RFC 9112, section 3.2).
fn host(parts: &Parts) -> Result<Option<&str>, Problem> {
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
    let header = header.map(|value| value.to_str()).transpose();
    let header = header.map_err(|_| Problem::BadRequest("The host header is not ASCII."))?;
    Ok(parts.uri.authority().map(|authority| authority.as_str()).or(header))
}

fn options(allow: &HeaderValue) -> Answer {
    let mut response = Response::new(Outflow::from(Full::default()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}
