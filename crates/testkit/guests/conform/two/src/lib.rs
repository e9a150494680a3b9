//! The conformance component in Rust, with the published crate `wasip2`.

wit_bindgen::generate!({ world: "base", path: "../wit", generate_all });

#[path = "../../shared.rs"]
mod shared;

use std::io::{Read, Write};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};

pub struct Conform;
export!(Conform);
wasip2::http::proxy::export!(Conform);

impl wasip2::exports::http::incoming_handler::Guest for Conform {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, content) = match path {
            "/echo" => (201, whole(request.consume().expect("a body"))),
            "/fetch" => (200, fetched(query).into_bytes()),
            _ => {
                let (status, text) = shared::answer(path, query);
                (status, text.into_bytes())
            }
        };
        let headers = Fields::new();
        headers.append("x-conform", b"yes").expect("a header");
        let response = OutgoingResponse::new(headers);
        response.set_status_code(status).expect("a status");
        let body = response.body().expect("a body");
        ResponseOutparam::set(out, Ok(response));
        let mut stream = body.write().expect("a stream");
        stream.write_all(&content).expect("a client");
        drop(stream);
        OutgoingBody::finish(body, None).expect("an end");
    }
}

fn whole(body: IncomingBody) -> Vec<u8> {
    let mut content = Vec::new();
    let mut stream = body.stream().expect("a stream");
    stream.read_to_end(&mut content).expect("a whole body");
    content
}

fn fetched(url: &str) -> String {
    match fetch(url) {
        Ok(response) => {
            let status = response.status();
            format!("{status} {}", String::from_utf8_lossy(&whole(response.consume().expect("a body"))))
        }
        Err(ErrorCode::HttpRequestDenied) => "denied".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn fetch(url: &str) -> Result<IncomingResponse, ErrorCode> {
    let rest = url.strip_prefix("http://").expect("a URL of http");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(path)).expect("a path");
    let answer = outgoing_handler::handle(request, None)?;
    answer.subscribe().block();
    answer.get().expect("it is there").expect("it is taken once")
}
