//! Passes on the requests that have the token of its configuration, and refuses all others.

wit_bindgen::generate!({ world: "example:middleware/guard", path: "../wit", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::config::store;
use wasi::http::handler;
use wasi::http::types::{ErrorCode, Fields, Request, Response};

struct RequireToken;
export!(RequireToken);

impl Guest for RequireToken {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        // Without a token nobody may pass.
        let token = store::get("token").ok().flatten().ok_or_else(|| failed("no `token` is configured"))?;
        let given = request.get_headers().get("authorization");
        match given.as_slice() {
            [given] if is_same(given, format!("Bearer {token}").as_bytes()) => handler::handle(request).await,
            _ => unauthorized(),
        }
    }
}

/// Compares without telling by its time where they differ.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let differences = given.iter().zip(expected).fold(0, |found, (given, expected)| found | (given ^ expected));
    given.len() == expected.len() && differences == 0
}

fn unauthorized() -> Result<Response, ErrorCode> {
    let headers = Fields::new();
    headers.append("www-authenticate", b"Bearer").map_err(|error| failed(&format!("{error:?}")))?;
    let (trailers, has_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (answer, _) = Response::new(headers, None, has_trailers);
    answer.set_status_code(401).map_err(|()| failed("401 is no status"))?;
    Ok(answer)
}

fn failed(reason: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(reason.to_owned()))
}
