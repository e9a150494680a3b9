//! Answers requests by `wasi:http` 0.2 as the path says, well or badly:
//!
//! - `/hello`; `/visits/home`, as kvcounter answers; `/echo`, the request's body as it comes; `/count`, its length; `/trailers`, the request's trailers sent
//!   back; `/head`, what of the request is seen; `/big/N`, N bytes; `/endless`
//! - `/panic`, `/spin`, `/silent`, `/refuse`, `/unfinished`; after the head: `/late/panic`, `/late/spin`, `/late/work`,
//!   `/late/nap/STATUS?URL`
//! - `/fields/N`, a header of N bytes made; `/keep/N`, N resources of the host kept
//! - `/fetch?URL` and `/post?URL`: the answer, or the error, of a request to there; `/seen`, requests of this instance

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureTrailers, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};

wasip2::http::proxy::export!(App);

struct App;

static SEEN: AtomicU32 = AtomicU32::new(0);

impl wasip2::exports::http::incoming_handler::Guest for App {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let seen = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => whole(out, 200, b"hello\n"),
            "/visits/home" => whole(out, 200, br#"{"counter":1}"#),
            "/seen" => whole(out, 200, seen.to_string().as_bytes()),
            "/head" => whole(out, 200, head(&request).as_bytes()),
            "/echo" => echo(&request, out),
            "/count" => whole(out, 200, count(&request).as_bytes()),
            "/trailers" => trailers(&request, out),
            "/endless" => endless(out),
            "/panic" => panic!("a fault on request"),
            "/spin" | "/late/spin" => spin(path, out),
            "/silent" => drop(out),
            "/refuse" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("on request".to_owned())))),
            "/unfinished" => unfinished(out),
            "/late/panic" => late_panic(out),
            "/late/work" => late_work(out),
            "/fetch" => fetch(query, out, None),
            "/post" => fetch(query, out, Some(&request)),
            _ => match path.rsplit_once('/').and_then(|(word, size)| Some((word, size.parse().ok()?))) {
                Some(("/big", size)) => big(out, size),
                Some(("/late/nap", status)) => nap(out, status as u16, query),
                Some(("/fields", size)) => whole(out, 200, fields(size).as_bytes()),
                Some(("/keep", count)) => {
                    (0..count).for_each(|_| std::mem::forget(Fields::new()));
                    whole(out, 200, seen.to_string().as_bytes());
                }
                _ => whole(out, 404, b"no such page\n"),
            },
        }
    }
}

/// What comes of a header of so many bytes.
fn fields(size: usize) -> String {
    let taken = Fields::new().append("x-large", &vec![b'a'; size]);
    taken.map_or_else(|error| format!("{error:?}"), |()| "taken".to_owned())
}

/// Sends the head of an answer, and gives its body.
fn begin(out: ResponseOutparam, status: u16, fields: &[(&str, &str)]) -> OutgoingBody {
    let headers = Fields::new();
    for (name, value) in fields {
        headers.append(name, value.as_bytes()).expect("a header");
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("a body");
    ResponseOutparam::set(out, Ok(response));
    body
}

fn whole(out: ResponseOutparam, status: u16, content: &[u8]) {
    let body = begin(out, status, &[("content-length", &content.len().to_string())]);
    let mut stream = body.write().expect("a stream");
    // A client may go away at any time.
    if !content.is_empty() && (stream.write_all(content).is_err() || Write::flush(&mut stream).is_err()) {
        return;
    }
    drop(stream);
    drop(OutgoingBody::finish(body, None));
}

fn head(request: &IncomingRequest) -> String {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        other => format!("{other:?}"),
    };
    let mut text = format!(
        "{method} {} {:?} {:?}\n",
        request.path_with_query().unwrap_or_default(),
        request.scheme(),
        request.authority()
    );
    for (name, value) in request.headers().entries() {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    text
}

fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("a body");
    let mut from = incoming.stream().expect("a stream");
    let body = begin(out, 200, &[]);
    let mut to = body.write().expect("a stream");
    let mut buffer = vec![0; 16 << 10];
    loop {
        match Read::read(&mut from, &mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                if to.write_all(&buffer[..count]).is_err() || Write::flush(&mut to).is_err() {
                    return;
                }
            }
            // The body stays unfinished.
            Err(_) => return,
        }
    }
    drop(to);
    drop(OutgoingBody::finish(body, None));
}

fn count(request: &IncomingRequest) -> String {
    let incoming = request.consume().expect("a body");
    let mut from = incoming.stream().expect("a stream");
    let mut buffer = vec![0; 16 << 10];
    let mut total = 0;
    loop {
        match Read::read(&mut from, &mut buffer) {
            Ok(0) => return total.to_string(),
            Ok(count) => total += count,
            Err(error) => return format!("after {total}: {error}"),
        }
    }
}

fn trailers(request: &IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("a body");
    let mut ignored = Vec::new();
    let mut stream = incoming.stream().expect("a stream");
    drop(Read::read_to_end(&mut stream, &mut ignored));
    drop(stream);
    let received = received(IncomingBody::finish(incoming));
    let body = begin(out, 200, &[("trailer", "x-sum, x-back")]);
    let mut stream = body.write().expect("a stream");
    drop(stream.write_all(format!("{received:?}").as_bytes()));
    drop(Write::flush(&mut stream));
    drop(stream);
    let trailers = Fields::new();
    trailers.append("x-sum", ignored.len().to_string().as_bytes()).expect("a trailer");
    for (name, value) in received {
        trailers.append("x-back", format!("{name}={value}").as_bytes()).expect("a trailer");
    }
    drop(OutgoingBody::finish(body, Some(trailers)));
}

fn received(future: FutureTrailers) -> Vec<(String, String)> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(Some(fields)))) => {
            let entries = fields.entries().into_iter();
            entries.map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())).collect()
        }
        _ => Vec::new(),
    }
}

fn endless(out: ResponseOutparam) {
    let body = begin(out, 200, &[]);
    let mut stream = body.write().expect("a stream");
    while stream.write_all(&[b'x'; 4096]).and_then(|()| Write::flush(&mut stream)).is_ok() {}
}

fn big(out: ResponseOutparam, size: usize) {
    let body = begin(out, 200, &[("content-length", &size.to_string())]);
    let mut stream = body.write().expect("a stream");
    let mut left = size;
    while left > 0 {
        let chunk = left.min(32 << 10);
        if stream.write_all(&vec![b'b'; chunk]).is_err() {
            return;
        }
        left -= chunk;
    }
    drop(Write::flush(&mut stream));
    drop(stream);
    drop(OutgoingBody::finish(body, None));
}

fn spin(path: &str, out: ResponseOutparam) {
    // Who gives the right to answer away has answered.
    let _kept = if path == "/spin" { Ok(out) } else { Err(begin(out, 200, &[])) };
    loop {
        black_box(());
    }
}

/// A body without an end: the host must not take it for whole.
fn unfinished(out: ResponseOutparam) {
    let body = begin(out, 200, &[]);
    let mut stream = body.write().expect("a stream");
    drop(stream.write_all(b"half of it"));
    drop(Write::flush(&mut stream));
    drop(stream);
    std::mem::forget(body);
}

fn late_panic(out: ResponseOutparam) {
    let body = begin(out, 200, &[]);
    let mut stream = body.write().expect("a stream");
    drop(stream.write_all(b"half of it"));
    drop(Write::flush(&mut stream));
    panic!("a fault after the head");
}

/// Goes on after its answer.
fn late_work(out: ResponseOutparam) {
    whole(out, 200, b"done\n");
    println!("worked after the answer");
}

/// Answers nothing, and goes on a moment later, where the query has a URL by asking for it.
fn nap(out: ResponseOutparam, status: u16, url: &str) {
    let body = begin(out, status, &[("content-length", "0")]);
    drop(OutgoingBody::finish(body, None));
    std::thread::sleep(std::time::Duration::from_millis(20));
    if !url.is_empty() {
        drop(answer_of(url, None));
    }
}

fn fetch(url: &str, out: ResponseOutparam, from: Option<&IncomingRequest>) {
    match answer_of(url, from) {
        Ok(response) => pass(&response, out),
        Err(error) => whole(out, 200, format!("{error:?}").as_bytes()),
    }
}

fn answer_of(url: &str, from: Option<&IncomingRequest>) -> Result<IncomingResponse, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).expect("a scheme");
    if request.set_authority(Some(authority)).is_err() || request.set_path_with_query(Some(path)).is_err() {
        return Err(ErrorCode::HttpRequestUriInvalid);
    }
    if from.is_some() {
        request.set_method(&Method::Post).expect("a method");
    }
    let body = request.body().expect("a body");
    let future = outgoing_handler::handle(request, None)?;
    if let Some(from) = from {
        let incoming = from.consume().expect("a body");
        let mut stream = incoming.stream().expect("a stream");
        let mut to = body.write().expect("a stream");
        drop(std::io::copy(&mut stream, &mut to));
        drop(Write::flush(&mut to));
    }
    OutgoingBody::finish(body, None)?;
    future.subscribe().block();
    future.get().expect("it is ready").expect("it is taken once")
}

/// Passes an answer on: its status, its body as it comes.
fn pass(response: &IncomingResponse, out: ResponseOutparam) {
    let location = response.headers().get("location").pop().unwrap_or_default();
    let location = String::from_utf8_lossy(&location).into_owned();
    let incoming = response.consume().expect("a body");
    let mut from = incoming.stream().expect("a stream");
    let body = begin(out, response.status(), &[("x-location", &location)]);
    let mut to = body.write().expect("a stream");
    if std::io::copy(&mut from, &mut to).is_err() || Write::flush(&mut to).is_err() {
        return;
    }
    drop(to);
    drop(OutgoingBody::finish(body, None));
}
