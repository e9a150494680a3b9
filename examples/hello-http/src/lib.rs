//! Says hello to whom the path names, and echoes what is posted. Nothing here knows of Lath.

use std::io::{Write, copy};

use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

wasip2::http::proxy::export!(Hello);

struct Hello;

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a response has one body");
        ResponseOutparam::set(out, Ok(response));
        // A body that is not finished is broken off: the client sees that it is not whole.
        if answer(&request, &body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn answer(request: &IncomingRequest, body: &OutgoingBody) -> std::io::Result<()> {
    let mut to = body.write().expect("a body has one stream");
    if let Method::Post = request.method() {
        let incoming = request.consume().expect("a request has one body");
        let mut from = incoming.stream().expect("a body has one stream");
        copy(&mut from, &mut to)?;
    } else {
        let path = request.path_with_query().unwrap_or_default();
        let name = match path.trim_matches('/') {
            "" => "world",
            name => name,
        };
        to.write_all(format!("Hello, {name}!\n").as_bytes())?;
    }
    Write::flush(&mut to)
}
