//! Serves `wasi:http`, and counts each path over a link.

wit_bindgen::generate!({
    world: "test:http-counter/links",
    path: ["../wit/lath-rpc", "../wit/lath-keyvalue", "wit"],
    generate_all,
});

use std::io::Write;

use lath::keyvalue::counter::increment;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

wasip2::http::proxy::export!(Counter);

struct Counter;

impl wasip2::exports::http::incoming_handler::Guest for Counter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let counted = increment(&request.path_with_query().unwrap_or_default(), 1);
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a body");
        ResponseOutparam::set(out, Ok(response));
        let mut stream = body.write().expect("a stream");
        let text = counted.map_or_else(|error| format!("{error:?}"), |count| count.to_string());
        stream.write_all(text.as_bytes()).expect("a client");
        drop(stream);
        OutgoingBody::finish(body, None).expect("an end");
    }
}
