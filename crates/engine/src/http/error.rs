//! What goes wrong with a request or a body, in the words of `wasi:http`.

use wasmtime_wasi_http::Error as Wasi;

/// Why a request has no answer, or a body no end. Each is a case of `error-code` in `wasi:http/types`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The actor was not granted the destination.
    #[error("the actor may not send requests there; grant it by `grants.http`")]
    Denied,
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Dns(String),
    /// Resolving the name took too long.
    #[error("the name was not resolved in time")]
    DnsTimeout,
    /// The address is inside, and the grant does not name it.
    #[error("the name leads to an address inside, which the grant does not name")]
    Prohibited,
    /// Nobody listens.
    #[error("the connection was refused: {0}")]
    Refused(String),
    /// There was no connection in time.
    #[error("no connection in time")]
    ConnectTimeout,
    /// All connections that the actor may have are taken.
    #[error("the actor has as many connections as it may have")]
    ConnectionLimit,
    /// The other side went away.
    #[error("the connection ended early: {0}")]
    Terminated(String),
    /// The certificate is not trusted.
    #[error("the certificate is not trusted: {0}")]
    Certificate(String),
    /// TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The head of the answer did not come in time.
    #[error("no answer in time")]
    AnswerTimeout,
    /// The next part of a body did not come in time.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// The request's body is over the bound of so many bytes.
    #[error("the request's body is over {0} bytes")]
    RequestSize(u64),
    /// The answer's body is over the bound of so many bytes.
    #[error("the answer's body is over {0} bytes")]
    AnswerSize(u64),
    /// The body ends before its end.
    #[error("the body is incomplete: {0}")]
    Incomplete(String),
    /// What was said is not HTTP.
    #[error("this is not HTTP as it should be: {0}")]
    Protocol(String),
    /// The method cannot be sent.
    #[error("requests of this method are not sent")]
    Method,
    /// The other address cannot be a destination.
    #[error("the address of the request is no good: {0}")]
    Address(String),
}

impl From<HttpError> for Wasi {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied => Self::HttpRequestDenied,
            HttpError::Dns(reason) => Self::DnsError { rcode: Some(reason), info_code: None },
            HttpError::DnsTimeout => Self::DnsTimeout,
            HttpError::Prohibited => Self::DestinationIpProhibited,
            HttpError::Refused(_) => Self::ConnectionRefused,
            HttpError::ConnectTimeout => Self::ConnectionTimeout,
            HttpError::ConnectionLimit => Self::ConnectionLimitReached,
            HttpError::Terminated(_) => Self::ConnectionTerminated,
            HttpError::Certificate(_) => Self::TlsCertificateError,
            HttpError::Tls(_) => Self::TlsProtocolError,
            HttpError::AnswerTimeout => Self::HttpResponseTimeout,
            HttpError::BodyTimeout => Self::ConnectionReadTimeout,
            HttpError::RequestSize(bytes) => Self::HttpRequestBodySize(Some(bytes)),
            HttpError::AnswerSize(bytes) => Self::HttpResponseBodySize(Some(bytes)),
            HttpError::Incomplete(_) => Self::HttpResponseIncomplete,
            HttpError::Protocol(_) => Self::HttpProtocolError,
            HttpError::Method => Self::HttpRequestMethodInvalid,
            HttpError::Address(_) => Self::HttpRequestUriInvalid,
        }
    }
}

impl From<Wasi> for HttpError {
    fn from(error: Wasi) -> Self {
        match error {
            Wasi::HttpRequestBodySize(bytes) => Self::RequestSize(bytes.unwrap_or_default()),
            Wasi::HttpResponseBodySize(bytes) => Self::AnswerSize(bytes.unwrap_or_default()),
            other => Self::Incomplete(other.to_string()),
        }
    }
}
