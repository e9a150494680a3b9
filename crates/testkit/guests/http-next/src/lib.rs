//! Answers requests by `wasi:http` 0.3 as the path says: `/hello`; `/visits/home`, as kvcounter answers; `/echo`, the request's body as it comes; `/relay`, the same, its end left to the host; `/head`, its
//! method and path; `/seen`, requests of this instance; `/panic`, and `/late/panic` after the head; `/refuse`; `/fetch?URL`.

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::{StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Next);

struct Next;

static SEEN: AtomicU32 = AtomicU32::new(0);

impl wasip3::exports::http::handler::Guest for Next {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let seen = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => Ok(whole("hello\n".into())),
            "/visits/home" => Ok(whole(r#"{"counter":1}"#.into())),
            "/seen" => Ok(whole(seen.to_string())),
            "/head" => {
                let (method, scheme, authority) = (request.get_method(), request.get_scheme(), request.get_authority());
                Ok(whole(format!("{method:?} {target} {scheme:?} {authority:?}\n")))
            }
            "/echo" => Ok(echo(request)),
            "/relay" => Ok(relay(request)),
            "/panic" => panic!("a fault on request"),
            "/late/panic" => Ok(late_panic()),
            "/refuse" => Err(ErrorCode::InternalError(Some("on request".to_owned()))),
            "/fetch" => match fetch(query).await {
                Ok(response) => Ok(response),
                Err(error) => Ok(whole(format!("{error:?}"))),
            },
            _ => Ok(whole("no such page\n".into())),
        }
    }
}

fn whole(content: String) -> Response {
    let (mut to, from) = wit_stream::new();
    let (end, ended) = wit_future::new(|| Ok(None));
    drop(end);
    let headers = Fields::new();
    headers.append("content-length", content.len().to_string().as_bytes()).expect("a header");
    let (response, _) = Response::new(headers, Some(from), ended);
    wit_bindgen::spawn(async move {
        to.write_all(content.into_bytes()).await;
    });
    response
}

fn late_panic() -> Response {
    let (mut to, from) = wit_stream::new();
    let (end, ended) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(from), ended);
    wit_bindgen::spawn(async move {
        let _end = end;
        to.write_all(b"half of it".to_vec()).await;
        panic!("a fault after the head");
    });
    response
}

fn echo(request: Request) -> Response {
    let (done, is_done) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, is_done);
    let (to, from) = wit_stream::new();
    let (end, ended) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(from), ended);
    wit_bindgen::spawn(async move {
        copy(body, to).await;
        drop(done.write(Ok(())).await);
        drop(end.write(trailers.await).await);
    });
    response
}

fn relay(request: Request) -> Response {
    let (done, is_done) = wit_future::new(|| Ok(()));
    drop(done);
    let (body, trailers) = Request::consume_body(request, is_done);
    let (to, from) = wit_stream::new();
    let (response, _) = Response::new(Fields::new(), Some(from), trailers);
    wit_bindgen::spawn(copy(body, to));
    response
}

async fn copy(mut from: StreamReader<u8>, mut to: StreamWriter<u8>) {
    loop {
        let (result, data) = from.read(Vec::with_capacity(16 << 10)).await;
        if !data.is_empty() && !to.write_all(data).await.is_empty() {
            break;
        }
        if matches!(result, StreamResult::Dropped) {
            break;
        }
    }
}

async fn fetch(url: &str) -> Result<Response, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (end, ended) = wit_future::new(|| Ok(None));
    drop(end);
    let (request, _) = Request::new(Fields::new(), None, ended, None);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(path)).expect("a path");
    client::send(request).await
}
