//! Counts in two stores at once: by 1 in `primary`, by 10 in `backup`.

wit_bindgen::generate!({
    world: "test:two-counters-labels/two-counters",
    path: ["../wit/lath-rpc", "../wit/lath-keyvalue", "../wit/lath-httpserver", "wit"],
    generate_all,
});

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};

struct TwoCounters;
export!(TwoCounters);

impl Guest for TwoCounters {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let primary = primary::increment(&req.path, 1)?;
        let backup = backup::increment(&req.path, 10)?;
        Ok(HttpResponse {
            status_code: 200,
            header: vec![("content-type".into(), "application/json".into())],
            body: format!(r#"{{"primary":{primary},"backup":{backup}}}"#).into_bytes(),
        })
    }
}
