//! A small HTTP client for tests.

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// An answer, read whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The first header called `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// `GET url`.
pub async fn get(url: &str) -> Result<Answer> {
    send("GET", url, "").await
}

/// Sends a request with a body.
pub async fn send(method: &str, url: &str, body: &str) -> Result<Answer> {
    request(method, url, &[], body).await
}

/// Sends a request with headers and a body.
pub async fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let request = hyper::Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body)?;
    let answer = client.request(request).await?;
    let (parts, body) = answer.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: headers.collect::<Result<_>>()?,
        body: String::from_utf8(body.collect().await?.to_bytes().to_vec())?,
    })
}
