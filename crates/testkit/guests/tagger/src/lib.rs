//! Middleware on requests as messages: it adds a header to each answer.

wit_bindgen::generate!({
    world: "test:tagger/tagger",
    path: ["../wit/lath-rpc", "../wit/lath-httpserver", "wit"],
    generate_all,
});

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use lath::httpserver::handler;

struct Tagger;
export!(Tagger);

impl Guest for Tagger {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let HttpRequest { method, path, query_string, header, body } = req;
        let passed = handler::HttpRequest { method, path, query_string, header, body };
        let handler::HttpResponse { status_code, mut header, body } = handler::handle_request(&passed)?;
        header.push(("x-tag".to_owned(), "tagger".to_owned()));
        Ok(HttpResponse { status_code, header, body })
    }
}
