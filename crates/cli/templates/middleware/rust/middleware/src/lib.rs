//! Passes requests on, and adds a header to each answer. Bodies stay streams: no byte of them comes through here.

wit_bindgen::generate!({ world: "middleware", path: "../wit", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::handler;
use wasi::http::types::{ErrorCode, Request, Response};

struct Middleware;
export!(Middleware);

impl Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let answer = handler::handle(request).await?;
        let status = answer.get_status_code();
        let headers = answer.get_headers().clone();
        headers.append("x-my-actor", b"passed").map_err(refused)?;
        // The headers of an answer are fixed: a new one gets its body.
        let (received, is_received) = wit_future::new(|| Ok(()));
        drop(received);
        let (body, trailers) = Response::consume_body(answer, is_received);
        let (answer, _) = Response::new(headers, Some(body), trailers);
        answer.set_status_code(status).map_err(refused)?;
        Ok(answer)
    }
}

fn refused(error: impl std::fmt::Debug) -> ErrorCode {
    ErrorCode::InternalError(Some(format!("the answer cannot have the header: {error:?}")))
}
