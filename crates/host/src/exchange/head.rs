//! Heads as bytes.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, request, response};

/// Why bytes are no head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the head of {what} cannot be read: {reason}; check the version of the other host")]
pub struct HeadError {
    /// What it should be the head of.
    pub what: &'static str,
    /// What is wrong.
    pub reason: &'static str,
}

/// The head of a request.
pub fn write_request(parts: &request::Parts) -> Bytes {
    let mut head = BytesMut::new();
    put(&mut head, parts.method.as_str().as_bytes());
    put(&mut head, parts.uri.to_string().as_bytes());
    put_headers(&mut head, &parts.headers);
    head.freeze()
}

/// The head of an answer.
pub fn write_response(parts: &response::Parts) -> Bytes {
    let mut head = BytesMut::new();
    head.put_u16(parts.status.as_u16());
    put_headers(&mut head, &parts.headers);
    head.freeze()
}

pub(super) fn write_trailers(trailers: &HeaderMap) -> Bytes {
    let mut bytes = BytesMut::new();
    put_headers(&mut bytes, trailers);
    bytes.freeze()
}

/// Reads the head of a request.
///
/// # Errors
///
/// Where it is none, has more after it, or names no authority, which `wasi:http` asks for.
pub fn read_request(head: Bytes) -> Result<request::Parts, HeadError> {
    let what = "a request";
    let mut reader = Reader { bytes: head, what };
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(&reader.text()?).map_err(|_| reader.wrong("its method is none"))?;
    parts.uri = Uri::from_maybe_shared(reader.text()?).map_err(|_| reader.wrong("its URI is none"))?;
    parts.headers = reader.headers()?;
    if parts.uri.authority().is_none() && !parts.headers.contains_key(HOST) {
        return Err(reader.wrong("it names no authority"));
    }
    reader.end().map(|()| parts)
}

/// Reads the head of an answer.
///
/// # Errors
///
/// Where it is none, or has more after it.
pub fn read_response(head: Bytes) -> Result<response::Parts, HeadError> {
    let mut reader = Reader { bytes: head, what: "an answer" };
    let (mut parts, ()) = Response::new(()).into_parts();
    let status = reader.bytes.try_get_u16().map_err(|_| reader.wrong(CUT))?;
    parts.status = StatusCode::from_u16(status).map_err(|_| reader.wrong("its status is none"))?;
    parts.headers = reader.headers()?;
    reader.end().map(|()| parts)
}

pub(super) fn read_trailers(trailers: Bytes) -> Result<HeaderMap, HeadError> {
    let mut reader = Reader { bytes: trailers, what: "trailers" };
    let headers = reader.headers()?;
    reader.end().map(|()| headers)
}

fn put(head: &mut BytesMut, text: &[u8]) {
    head.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    head.put_slice(text);
}

fn put_headers(head: &mut BytesMut, headers: &HeaderMap) {
    head.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
    for (name, value) in headers {
        put(head, name.as_str().as_bytes());
        put(head, value.as_bytes());
    }
}

const CUT: &str = "it is cut off";

struct Reader {
    bytes: Bytes,
    what: &'static str,
}

impl Reader {
    fn wrong(&self, reason: &'static str) -> HeadError {
        HeadError { what: self.what, reason }
    }

    fn count(&mut self) -> Result<usize, HeadError> {
        let count = self.bytes.try_get_u32().map_err(|_| self.wrong(CUT))?;
        usize::try_from(count).map_err(|_| self.wrong(CUT))
    }

    fn text(&mut self) -> Result<Bytes, HeadError> {
        let length = self.count()?;
        if length > self.bytes.len() {
            return Err(self.wrong(CUT));
        }
        Ok(self.bytes.split_to(length))
    }

    fn headers(&mut self) -> Result<HeaderMap, HeadError> {
        let mut headers = HeaderMap::new();
        for _ in 0..self.count()? {
            let (name, value) = (self.text()?, self.text()?);
            let name = HeaderName::from_bytes(&name).map_err(|_| self.wrong("a header has no name"))?;
            let value = HeaderValue::from_maybe_shared(value).map_err(|_| self.wrong("a header has no value"))?;
            headers.try_append(name, value).map_err(|_| self.wrong("it has too many headers"))?;
        }
        Ok(headers)
    }

    fn end(&self) -> Result<(), HeadError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(self.wrong("something follows it")) }
    }
}
