//! Misbehaves as the path says: `/panic`, `/spin`, `/recurse`, `/exhaust`, `/fail/CASE`. A path under `/next` goes on
//! through the link first; one under `/seen` too, and the answer is what the caller saw.

wit_bindgen::generate!({
    world: "test:faulty-http/faulty-http",
    path: ["../wit/lath-rpc", "../wit/lath-httpserver", "wit"],
    generate_all,
});

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use lath::httpserver::handler;
use std::hint::black_box;

struct FaultyHttp;
export!(FaultyHttp);

impl Guest for FaultyHttp {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let (word, rest) = split(&req.path);
        match word {
            "panic" => panic!("a fault on request"),
            "spin" => loop {
                black_box(());
            },
            "recurse" => Ok(text(deeper(1).to_string())),
            "exhaust" => Ok(text(black_box(vec![1_u8; 1 << 30]).len().to_string())),
            "fail" => Err(error_of(rest)),
            "next" => next(&req, rest),
            "seen" => Ok(text(match next(&req, rest) {
                Ok(answer) => answer.status_code.to_string(),
                Err(error) => format!("{error:?}"),
            })),
            _ => Ok(text(format!("served {}", req.path))),
        }
    }
}

/// `/next/spin` is the word `next` and the path `/spin`.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_at(path.find('/').unwrap_or(path.len()))
}

fn next(req: &HttpRequest, path: &str) -> Result<HttpResponse, RpcError> {
    let answer = handler::handle_request(&handler::HttpRequest {
        method: req.method.clone(),
        path: path.to_owned(),
        query_string: req.query_string.clone(),
        header: req.header.clone(),
        body: req.body.clone(),
    })?;
    Ok(HttpResponse { status_code: answer.status_code, header: answer.header, body: answer.body })
}

fn error_of(path: &str) -> RpcError {
    let said = "as asked".to_owned();
    match path {
        "/deadline-exceeded" => RpcError::DeadlineExceeded(said),
        "/not-initialized" => RpcError::NotInitialized,
        "/method-not-handled" => RpcError::MethodNotHandled(said),
        "/not-implemented" => RpcError::NotImplemented,
        "/host-error" => RpcError::HostError(said),
        "/deser" => RpcError::Deser(said),
        "/ser" => RpcError::Ser(said),
        "/rpc" => RpcError::Rpc(said),
        "/transport" => RpcError::Transport(said),
        "/invalid-parameter" => RpcError::InvalidParameter(said),
        "/actor-handler" => RpcError::ActorHandler(said),
        "/provider-init" => RpcError::ProviderInit(said),
        "/timeout" => RpcError::Timeout(said),
        _ => RpcError::Other(said),
    }
}

fn text(body: String) -> HttpResponse {
    HttpResponse {
        status_code: 200,
        header: vec![("content-type".into(), "text/plain".into())],
        body: body.into_bytes(),
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "that is the fault")]
fn deeper(depth: u64) -> u64 {
    deeper(black_box(depth) + 1) + depth
}
