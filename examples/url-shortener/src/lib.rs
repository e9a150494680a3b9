//! A URL shortener: standard `wasi:http` in front, standard `wasi:keyvalue` behind. Nothing here knows of Lath.

mod links;

use std::io::{Read, Write};

use serde_json::json;
use url::Url;
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

use crate::links::Links;
use crate::wasi::keyvalue::store::Error;

wit_bindgen::generate!({ world: "links", path: "wit", generate_all });
wasip2::http::proxy::export!(Shortener);

/// The longest URL that is kept, in bytes; browsers agree on about as much.
const URL_BYTES_MAX: usize = 2_048;

struct Shortener;

impl wasip2::exports::http::incoming_handler::Guest for Shortener {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let answer = answer(&request).unwrap_or_else(|error| unavailable(&error));
        // A client that is gone needs no answer.
        let _ = answer.send(out);
    }
}

fn answer(request: &IncomingRequest) -> Result<Answer, Error> {
    let path = request.path_with_query().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (Method::Post, [""]) => shorten(request),
        (Method::Get, [""]) => Ok(Answer::text(200, "POST a URL to this address to make it short")),
        (Method::Get | Method::Head, [id]) => follow(id),
        (Method::Get, [id, "stats"]) => stats(id),
        (_, [""]) => Ok(Answer::text(405, "this takes GET and POST").with("allow", "GET, POST")),
        (_, [_] | [_, "stats"]) => Ok(Answer::text(405, "this takes GET").with("allow", "GET")),
        _ => Ok(Answer::text(404, "there is no such page")),
    }
}

/// The body is the URL.
fn shorten(request: &IncomingRequest) -> Result<Answer, Error> {
    let url = match body(request).and_then(|text| parsed(&text)) {
        Ok(url) => url,
        Err(refusal) => return Ok(refusal),
    };
    Ok(match Links::open()?.add(url.as_str(), id_length())? {
        None => Answer::text(503, "all ids that were tried are taken: set a larger ID_LENGTH"),
        Some(id) => Answer::json(201, &json!({ "id": id, "url": url.as_str() })).with("location", &format!("/{id}")),
    })
}

/// The variable `ID_LENGTH`, from 1 to 32; 7 where it says nothing of the kind.
fn id_length() -> usize {
    let set = std::env::var("ID_LENGTH").ok().and_then(|length| length.parse().ok());
    set.filter(|length| (1..=32).contains(length)).unwrap_or(7)
}

/// Leads on, and counts each time that it did.
fn follow(id: &str) -> Result<Answer, Error> {
    let links = Links::open()?;
    let Some(url) = links.find(id)? else { return Ok(unknown(id)) };
    links.count(id, 1)?;
    // A browser that remembered it would not come here again to be counted.
    Ok(Answer::text(302, &url).with("location", &url).with("cache-control", "no-store"))
}

fn stats(id: &str) -> Result<Answer, Error> {
    let links = Links::open()?;
    let Some(url) = links.find(id)? else { return Ok(unknown(id)) };
    Ok(Answer::json(200, &json!({ "id": id, "url": url, "hits": links.count(id, 0)? })))
}

/// The body, as far as one that is a URL can reach.
fn body(request: &IncomingRequest) -> Result<String, Answer> {
    let incoming = request.consume().expect("a request has one body");
    let stream = incoming.stream().expect("a body has one stream");
    let mut bytes = Vec::new();
    let read = stream.take(URL_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    match read {
        Err(_) => Err(Answer::text(400, "the body broke off")),
        Ok(_) if bytes.len() > URL_BYTES_MAX => Err(Answer::text(413, "the URL is longer than 2048 bytes")),
        Ok(_) => String::from_utf8(bytes).map_err(|_| Answer::text(400, "the body is not text")),
    }
}

/// The URL as it is kept: ASCII in its usual form, so that it is safe in a header.
fn parsed(text: &str) -> Result<Url, Answer> {
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(url) => {
            Err(Answer::text(400, &format!("the URL begins with {}:, and not with http: or https:", url.scheme())))
        }
        Err(error) => Err(Answer::text(400, &format!("the body is not a URL: {error}"))),
    }
}

fn unknown(id: &str) -> Answer {
    Answer::text(404, &format!("there is no link {id:?}"))
}

fn unavailable(error: &Error) -> Answer {
    let why = match error {
        Error::NoSuchStore => "the store is not linked",
        Error::AccessDenied => "the store refuses the host",
        Error::Other(why) => why,
    };
    Answer::text(503, why)
}

/// A status, headers and a body.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    fn text(status: u16, text: &str) -> Self {
        let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, body: format!("{text}\n") }
    }

    fn json(status: u16, value: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: format!("{value}\n") }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn send(self, out: ResponseOutparam) -> std::io::Result<()> {
        let fields = Fields::new();
        for (name, value) in self.headers {
            fields.append(name, value.as_bytes()).expect("the value of a header is one line of ASCII");
        }
        let response = OutgoingResponse::new(fields);
        response.set_status_code(self.status).expect("a status of three digits");
        let body = response.body().expect("a response has one body");
        ResponseOutparam::set(out, Ok(response));
        let mut to = body.write().expect("a body has one stream");
        to.write_all(self.body.as_bytes())?;
        Write::flush(&mut to)?;
        drop(to);
        // A body that is not finished is broken off: the client sees that it is not whole.
        let _ = OutgoingBody::finish(body, None);
        Ok(())
    }
}
