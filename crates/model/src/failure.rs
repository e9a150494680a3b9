//! Failures of calls: what the caller sees, and whether the callee had started.

use std::fmt;

/// `rpc-error` of `lath:rpc/types@1.0.0`, case by case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the cases are those of the WIT type")]
pub enum RpcError {
    DeadlineExceeded(String),
    NotInitialized,
    MethodNotHandled(String),
    NotImplemented,
    HostError(String),
    Deser(String),
    Ser(String),
    Rpc(String),
    Transport(String),
    InvalidParameter(String),
    ActorHandler(String),
    ProviderInit(String),
    Timeout(String),
    Other(String),
}

impl RpcError {
    /// The case's name in WIT, and its message if it carries one.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            RpcError::DeadlineExceeded(text) => ("deadline-exceeded", Some(text)),
            RpcError::NotInitialized => ("not-initialized", None),
            RpcError::MethodNotHandled(text) => ("method-not-handled", Some(text)),
            RpcError::NotImplemented => ("not-implemented", None),
            RpcError::HostError(text) => ("host-error", Some(text)),
            RpcError::Deser(text) => ("deser", Some(text)),
            RpcError::Ser(text) => ("ser", Some(text)),
            RpcError::Rpc(text) => ("rpc", Some(text)),
            RpcError::Transport(text) => ("transport", Some(text)),
            RpcError::InvalidParameter(text) => ("invalid-parameter", Some(text)),
            RpcError::ActorHandler(text) => ("actor-handler", Some(text)),
            RpcError::ProviderInit(text) => ("provider-init", Some(text)),
            RpcError::Timeout(text) => ("timeout", Some(text)),
            RpcError::Other(text) => ("other", Some(text)),
        }
    }

    /// What makes each case of its message, in WIT's order; a case without a message ignores it.
    pub const CASES: [fn(String) -> Self; 14] = [
        RpcError::DeadlineExceeded,
        |_| RpcError::NotInitialized,
        RpcError::MethodNotHandled,
        |_| RpcError::NotImplemented,
        RpcError::HostError,
        RpcError::Deser,
        RpcError::Ser,
        RpcError::Rpc,
        RpcError::Transport,
        RpcError::InvalidParameter,
        RpcError::ActorHandler,
        RpcError::ProviderInit,
        RpcError::Timeout,
        RpcError::Other,
    ];

    /// The error of a case by its name in WIT; a case without a message ignores `text`.
    pub fn from_parts(case: &str, text: &str) -> Option<Self> {
        let make = Self::CASES.iter().find(|make| make(String::new()).parts().0 == case)?;
        Some(make(text.to_owned()))
    }

    /// The HTTP status that this failure becomes at an ingress (DESIGN, "Failure is part of the contract").
    pub fn http_status(&self) -> u16 {
        match self {
            RpcError::HostError(_) | RpcError::Transport(_) => 503,
            RpcError::DeadlineExceeded(_) | RpcError::Timeout(_) => 504,
            RpcError::InvalidParameter(_) => 403,
            _ => 502,
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (case, Some(message)) => write!(f, "{case}: {message}"),
            (case, None) => f.write_str(case),
        }
    }
}

/// A call that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What the caller is told.
    pub error: RpcError,
    /// Whether guest or provider code may have run.
    pub progress: Progress,
}

/// How far a failed call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Refused before any code of the callee ran: it may always be tried elsewhere.
    NotStarted,
    /// The callee may have acted.
    Unknown,
}

impl Failure {
    /// A failure before any code of the callee ran.
    pub fn not_started(error: RpcError) -> Self {
        Self { error, progress: Progress::NotStarted }
    }

    /// A failure after which the callee may have acted.
    pub fn unknown(error: RpcError) -> Self {
        Self { error, progress: Progress::Unknown }
    }
}
