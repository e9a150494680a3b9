//! Answers that the ingress gives itself: problem details (RFC 9457).

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use model::failure::RpcError;
use serde::Serialize;

use crate::limits::CAUSE_CHARS_MAX;

/// Why a request has no answer of an actor.
#[derive(Debug)]
pub(super) enum Problem {
    /// The request is not what HTTP asks for; the text says how.
    BadRequest(&'static str),
    /// No route.
    NotRouted,
    /// Routed, for other methods.
    OtherMethods(HeaderValue),
    /// A method that no route can take.
    UnknownMethod,
    /// The connection was to become another.
    Upgrade,
    /// The body is encoded for its way in a manner that is not undone here: where it ends, others may see otherwise.
    TransferCoding,
    /// The body did not come in time.
    SlowBody,
    /// The body is over the bound, in bytes.
    LargeBody(usize),
    /// More headers than the bound.
    ManyHeaders,
    /// The ingress has its hands full.
    Busy,
    /// The call failed.
    Failed(RpcError),
    /// The actor's answer cannot be sent.
    BadAnswer(String),
}

/// The members of a problem.
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Problem::BadRequest(_) => StatusCode::BAD_REQUEST,
            Problem::NotRouted => StatusCode::NOT_FOUND,
            Problem::OtherMethods(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::UnknownMethod | Problem::Upgrade | Problem::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Problem::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Problem::LargeBody(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::ManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Problem::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Failed(error) => StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_GATEWAY),
            Problem::BadAnswer(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The cause, for the log only; what an actor said of it is cut.
    pub(super) fn cause(&self) -> String {
        let cause = match self {
            Problem::Failed(error) => error.to_string(),
            Problem::BadAnswer(reason) => reason.clone(),
            other => other.detail().into_owned(),
        };
        cause.chars().take(CAUSE_CHARS_MAX).collect()
    }

    pub(super) fn response(self, request: &str) -> Response<Full<Bytes>> {
        let status = self.status();
        let body = Bytes::from(self.body(request));
        let mut response = Response::new(Full::new(body.clone()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        match self {
            Problem::OtherMethods(allow) => drop(headers.insert(ALLOW, allow)),
            Problem::TransferCoding => drop(headers.insert(CONNECTION, HeaderValue::from_static("close"))),
            _ => {}
        }
        response
    }

    fn body(&self, request: &str) -> Vec<u8> {
        let status = self.status();
        let details = Details {
            r#type: format!("urn:lath:problem:{}", self.kind()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &self.detail(),
            instance: request,
        };
        serde_json::to_vec(&details).unwrap_or_default()
    }

    fn kind(&self) -> &'static str {
        match self {
            Problem::BadRequest(_) => "bad-request",
            Problem::NotRouted => "not-routed",
            Problem::OtherMethods(_) => "method-not-allowed",
            Problem::UnknownMethod => "method-unknown",
            Problem::Upgrade => "upgrade",
            Problem::TransferCoding => "transfer-coding",
            Problem::SlowBody => "body-timeout",
            Problem::LargeBody(_) => "body-too-large",
            Problem::ManyHeaders => "too-many-headers",
            Problem::Busy => "busy",
            Problem::Failed(error) => error.parts().0,
            Problem::BadAnswer(_) => "bad-answer",
        }
    }

    /// What the client is told: nothing of what is inside.
    fn detail(&self) -> std::borrow::Cow<'static, str> {
        let text = match self {
            Problem::BadRequest(text) => text,
            Problem::NotRouted => "Nothing is served at this address.",
            Problem::OtherMethods(_) => "This address is served for other methods: see the allow header.",
            Problem::UnknownMethod => "This method is not served.",
            Problem::Upgrade => "Connections are not upgraded here.",
            Problem::TransferCoding => "Of transfer codings only chunked is understood, once.",
            Problem::SlowBody => "The request's body did not arrive in time.",
            Problem::LargeBody(max) => return format!("The request's body has more than {max} bytes.").into(),
            Problem::ManyHeaders => "The request has too many headers.",
            Problem::Busy => "The server is busy. Try again.",
            Problem::Failed(error) => failure_text(error),
            Problem::BadAnswer(_) => "The application gave an answer that HTTP cannot carry.",
        };
        text.into()
    }
}

fn failure_text(error: &RpcError) -> &'static str {
    match error {
        RpcError::DeadlineExceeded(_) | RpcError::Timeout(_) => "The application did not answer in time.",
        RpcError::HostError(_) => "The application is at a limit. Try again.",
        RpcError::Transport(_) | RpcError::NotInitialized | RpcError::ProviderInit(_) => {
            "The application cannot be reached at the moment. Try again."
        }
        RpcError::InvalidParameter(_) => "The application may not do this.",
        RpcError::MethodNotHandled(_) | RpcError::NotImplemented => "The application does not serve requests.",
        RpcError::Deser(_) | RpcError::Ser(_) | RpcError::Rpc(_) => "The application was not understood.",
        RpcError::ActorHandler(_) | RpcError::Other(_) => "The application failed while it handled the request.",
    }
}
