//! Requests of HTTP and their answers on their way to an actor of `wasi:http` on another host, as streamed calls
//! ([`lattice::stream`]).
//!
//! The head of a request, and of an answer, is the payload of the call, in the wire [`WIRE`]:
//!
//! | head | content |
//! | --- | --- |
//! | of a request | method, URI, headers |
//! | of an answer | the status as 2 bytes, headers |
//! | headers, trailers | how many as 4 bytes, then name and value of each |
//!
//! Every text is its length as 4 bytes and then its bytes; numbers have their most significant byte first. A body that
//! breaks off says why by one word, and a number or a text after a space: `body-timeout`, `request-size N`,
//! `answer-size N`, `protocol TEXT`, `incomplete TEXT`.
//!
//! The same head does for every version of `wasi:http`: the callee serves by the one that its composite exports.

mod body;
mod head;

use bytes::Bytes;
use engine::http::Body;
use http::{Request, Response};
use lattice::stream::{Answered, Incoming, Outgoing, Streamed};
use model::blueprint::HttpVersion;
use model::contract::ContractName;

pub use body::{incoming, outgoing};
pub use head::{HeadError, read_request, read_response, write_request, write_response};

/// The wire of heads.
pub const WIRE: &str = "http/1";

/// The function of `wasi:http` that requests become calls of.
pub const HANDLE: &str = "handle";

/// The contract that a request for an actor of this version is a call of.
pub fn contract(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::V02 => "wasi:http/incoming-handler@0.2.0",
        HttpVersion::V03 => "wasi:http/handler@0.3.0",
    }
}

/// True where a call of this contract is a request of HTTP.
pub(crate) fn is_contract(contract: &str) -> bool {
    contract.parse::<ContractName>().is_ok_and(|contract| HttpVersion::of(&contract).is_some())
}

/// A request for another host: its head, and its body.
pub(crate) fn depart(request: Request<Body>) -> (Bytes, Outgoing) {
    let (parts, body) = request.into_parts();
    (write_request(&parts), outgoing(body))
}

/// The same request as it is here.
pub(crate) fn stay(head: &Bytes, body: Outgoing) -> Result<Request<Body>, HeadError> {
    Ok(Request::from_parts(read_request(head.clone())?, body::kept(body)))
}

/// A request of another host.
pub(crate) fn arrive(head: Bytes, body: Incoming) -> Result<Request<Body>, HeadError> {
    let parts = read_request(head)?;
    let body = incoming(body, &parts.headers);
    Ok(Request::from_parts(parts, body))
}

/// The answer to a request of another host.
pub(crate) fn answer(response: Response<Body>) -> Streamed {
    let (parts, body) = response.into_parts();
    Streamed { head: write_response(&parts), body: outgoing(body) }
}

/// The answer of another host.
pub(crate) fn answered(answered: Answered) -> Result<Response<Body>, HeadError> {
    let parts = read_response(answered.head)?;
    let body = incoming(answered.body, &parts.headers);
    Ok(Response::from_parts(parts, body))
}
