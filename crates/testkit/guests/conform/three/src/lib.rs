//! The conformance component in Rust, with the published crate `wasip3`.

wit_bindgen::generate!({ world: "base", path: "../wit", generate_all });

#[path = "../../shared.rs"]
mod shared;

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen as bindings;
use wasip3::{wit_future, wit_stream};

pub struct Conform;
export!(Conform);
wasip3::http::service::export!(Conform);

impl wasip3::exports::http::handler::Guest for Conform {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, content) = match path {
            "/echo" => {
                let (_done, is_done) = wit_future::new(|| Ok(()));
                let (body, _trailers) = Request::consume_body(request, is_done);
                (201, body.collect().await)
            }
            "/fetch" => (200, fetched(query).await.into_bytes()),
            _ => {
                let (status, text) = shared::answer(path, query);
                (status, text.into_bytes())
            }
        };
        Ok(answer(status, content))
    }
}

fn answer(status: u16, content: Vec<u8>) -> Response {
    let (mut to, from) = wit_stream::new();
    let (_end, ended) = wit_future::new(|| Ok(None));
    let headers = Fields::new();
    headers.append("x-conform", b"yes").expect("a header");
    let (response, _) = Response::new(headers, Some(from), ended);
    response.set_status_code(status).expect("a status");
    bindings::spawn(async move {
        to.write_all(content).await;
    });
    response
}

async fn fetched(url: &str) -> String {
    match fetch(url).await {
        Ok(response) => {
            let status = response.get_status_code();
            let (_done, is_done) = wit_future::new(|| Ok(()));
            let (body, _trailers) = Response::consume_body(response, is_done);
            format!("{status} {}", String::from_utf8_lossy(&body.collect().await))
        }
        Err(ErrorCode::HttpRequestDenied) => "denied".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

async fn fetch(url: &str) -> Result<Response, ErrorCode> {
    let rest = url.strip_prefix("http://").expect("a URL of http");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (_end, ended) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, ended, None);
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(path)).expect("a path");
    client::send(request).await
}
