//! Requests as parameters and results as responses, of `lath:httpserver/handler`.

use std::sync::Arc;

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use model::contract::Function;
use model::failure::RpcError;
use model::manifest::Method;

use super::body::Budget;
use super::problem::Problem;
use crate::limits::HEADERS_MAX;
use crate::service::Wire;

/// Headers that belong to a connection, not to a message (RFC 9110, section 7.6.1).
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// The parameters of the call that a request becomes.
pub(super) fn encode(function: &Function, parts: &Parts, method: Method, body: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let text = |text: &str| Value::String(text.to_owned());
    let request = Value::Record(vec![
        text(method.as_str()),
        text(parts.uri.path()),
        text(parts.uri.query().unwrap_or_default()),
        Value::List(request_headers(parts)?),
        Value::Bytes(body),
    ]);
    encode_params(function, &[request]).map_err(|error| Problem::Failed(RpcError::Ser(error.to_string())))
}

fn request_headers(parts: &Parts) -> Result<Vec<Value>, Problem> {
    let mut headers = Vec::with_capacity(parts.headers.len());
    let dropped = named_by_connection(&parts.headers);
    for (name, value) in &parts.headers {
        if is_of_connection(name) || dropped.iter().any(|dropped| name.as_str().eq_ignore_ascii_case(dropped)) {
            continue;
        }
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Problem::BadRequest("A header of the request is not UTF-8."))?;
        headers.push(pair(name.as_str(), value));
    }
    Ok(headers)
}

fn pair(name: &str, value: &str) -> Value {
    Value::Tuple(vec![Value::String(name.to_owned()), Value::String(value.to_owned())])
}

/// The headers that `connection` names; empty in most requests.
fn named_by_connection(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim)).collect()
}

/// Takes away the headers of the connection.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<String> = named_by_connection(headers).into_iter().map(str::to_ascii_lowercase).collect();
    let dropped = headers.keys().filter(|name| is_of_connection(name) || named.iter().any(|one| one == name.as_str()));
    for name in dropped.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

fn is_of_connection(name: &HeaderName) -> bool {
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name)
}

/// The response that a result becomes; without its body for `HEAD`. A body counts against the budget until it is sent.
pub(super) fn decode(
    function: &Function,
    result: &[u8],
    is_head: bool,
    budget: &Arc<Budget>,
) -> Result<Response<Full<Bytes>>, Problem> {
    let value = decode_result(function, result)
        .map_err(|error| Problem::Failed(RpcError::Deser(format!("the answer of the actor: {error}"))))?;
    match value {
        Some(Value::Result(Ok(Some(answer)))) => response(*answer, is_head, budget),
        Some(Value::Result(Err(Some(error)))) => {
            Err(RpcError::lift(*error).map_or_else(|| mistyped("an error"), Problem::Failed))
        }
        _ => Err(mistyped("no result")),
    }
}

fn mistyped(what: &str) -> Problem {
    Problem::BadAnswer(format!("the actor answered {what} that the contract does not know"))
}

fn response(answer: Value, is_head: bool, budget: &Arc<Budget>) -> Result<Response<Full<Bytes>>, Problem> {
    let Value::Record(fields) = answer else { return Err(mistyped("a value")) };
    let Ok([Value::U16(status), Value::List(headers), Value::Bytes(body)]) = <[Value; 3]>::try_from(fields) else {
        return Err(mistyped("a record"));
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| Problem::BadAnswer(format!("the actor answered status {status}; 200 to 599 can be sent")))?;
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let stated = response_headers(headers, response.headers_mut())?;
    // RFC 9110, section 8.6 and 15.4.5: these two have no body, and 204 no length.
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let length = stated.filter(|_| is_head && body.is_empty()).unwrap_or_else(|| HeaderValue::from(body.len()));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    if !is_head {
        *response.body_mut() = Full::new(budget.keep(body)?);
    }
    Ok(response)
}

/// Fills in the actor's headers; gives the length that it states, where that is a number.
fn response_headers(headers: Vec<Value>, into: &mut HeaderMap) -> Result<Option<HeaderValue>, Problem> {
    if headers.len() > HEADERS_MAX {
        let count = headers.len();
        return Err(Problem::BadAnswer(format!("the actor answered {count} headers; {HEADERS_MAX} can be sent")));
    }
    into.reserve(headers.len() + 2);
    let mut length = None;
    for header in headers {
        let (name, value) = response_header(header)?;
        if name == CONTENT_LENGTH {
            length = value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok()).then_some(value);
        } else if !is_of_connection(&name) {
            into.append(name, value);
        }
    }
    Ok(length)
}

fn response_header(header: Value) -> Result<(HeaderName, HeaderValue), Problem> {
    let Value::Tuple(pair) = header else { return Err(mistyped("a header")) };
    let Ok([Value::String(name), Value::String(value)]) = <[Value; 2]>::try_from(pair) else {
        return Err(mistyped("a header"));
    };
    let refused = || Problem::BadAnswer(format!("the actor answered header {name:?}, which HTTP cannot carry"));
    let value = HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| refused())?;
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?, value))
}
