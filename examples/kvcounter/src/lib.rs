//! Counts visits by path in a key-value store. Plain business logic: no platform code.

wit_bindgen::generate!({ world: "kvcounter", generate_all });

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use lath::keyvalue::counter;

struct KvCounter;
export!(KvCounter);

impl Guest for KvCounter {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let key = key_of(&req.path);
        let (status_code, body) = match counter::increment(&key, amount_of(&req.query_string)) {
            Ok(value) => (200, serde_json::json!({ "counter": value })),
            Err(error) => (500, serde_json::json!({ "error": format!("{error:?}") })),
        };
        Ok(HttpResponse {
            status_code,
            header: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
        })
    }
}

/// `/a/b` is counted under `counter:a:b`.
fn key_of(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    format!("counter:{}", path.replace('/', ":"))
}

/// The query's `amount`, or 1 when it is missing or not a number.
fn amount_of(query: &str) -> i32 {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "amount")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(1)
}
