//! Middleware on `wasi:http` 0.2, of an early release: it answers 403 to requests without the header `x-pass`.

wit_bindgen::generate!({ world: "test:gate/gate", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::incoming_handler;
use wasi::http::types::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

struct Gate;
export!(Gate);

impl Guest for Gate {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if request.headers().has("x-pass") {
            return incoming_handler::handle(request, out);
        }
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(403).unwrap();
        ResponseOutparam::set(out, Ok(response));
    }
}
