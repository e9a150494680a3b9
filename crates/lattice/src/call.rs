//! A call and its answer as messages: metadata in headers, the value bytes as payload.
//!
//! | header | of | content |
//! | --- | --- | --- |
//! | `lath-actor` | call | the actor called, `app/actor` |
//! | `lath-contract` | call | the contract |
//! | `lath-method` | call | the function |
//! | `lath-wire` | call | the wire id of the payload |
//! | `lath-deadline` | call | what remains of the deadline, in milliseconds |
//! | `lath-error` | answer | the case of `rpc-error`; its message is the payload |
//! | `lath-progress` | answer | `not-started` where the callee's code did not run |

use std::time::{Duration, Instant};

use bytes::Bytes;
use model::failure::{Failure, Progress, RpcError};

use crate::bus::{Bus, BusError, Message};
use crate::subject::Subject;

/// A call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The actor called, `app/actor`.
    pub actor: String,
    /// The contract, in full.
    pub contract: String,
    /// The function.
    pub method: String,
    /// The wire id of the payload.
    pub wire: String,
    /// What remains of the deadline.
    pub remaining: Duration,
    /// The parameters.
    pub payload: Bytes,
}

/// Why a message is not a call or an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message on `{subject}` is not {expected}: {reason}; check the version of its sender")]
pub struct EnvelopeError {
    /// Where it came.
    pub subject: String,
    /// What it should have been.
    pub expected: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl Call {
    /// The call as a message on `subject`.
    pub fn into_message(self, subject: Subject) -> Message {
        let headers = [
            ("lath-actor", self.actor),
            ("lath-contract", self.contract),
            ("lath-method", self.method),
            ("lath-wire", self.wire),
            ("lath-deadline", self.remaining.as_millis().to_string()),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Message { subject, headers, payload: self.payload, reply: None }
    }

    /// Reads a call.
    pub fn from_message(message: &Message) -> Result<Self, EnvelopeError> {
        let error = |reason: String| EnvelopeError { subject: message.subject.to_string(), expected: "a call", reason };
        let wanted = |name: &str| {
            let value = header(message, name).ok_or_else(|| error(format!("header `{name}` is missing")))?;
            Ok::<_, EnvelopeError>(value.to_owned())
        };
        let remaining = wanted("lath-deadline")?;
        let remaining = remaining
            .parse()
            .map_err(|_| error(format!("header `lath-deadline` is `{remaining}`, not a number of milliseconds")))?;
        Ok(Self {
            actor: wanted("lath-actor")?,
            contract: wanted("lath-contract")?,
            method: wanted("lath-method")?,
            wire: wanted("lath-wire")?,
            remaining: Duration::from_millis(remaining),
            payload: message.payload.clone(),
        })
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The answer to a call as a message.
pub fn answer(subject: Subject, result: Result<Vec<u8>, Failure>) -> Message {
    let (headers, payload) = match result {
        Ok(payload) => (Vec::new(), payload.into()),
        Err(failure) => {
            let (case, text) = failure.error.parts();
            let mut headers = vec![("lath-error".to_owned(), case.to_owned())];
            if failure.progress == Progress::NotStarted {
                headers.push(("lath-progress".to_owned(), "not-started".to_owned()));
            }
            (headers, Bytes::from(text.unwrap_or_default().to_owned()))
        }
    };
    Message { subject, headers, payload, reply: None }
}

/// Reads the answer to a call.
pub fn read_answer(message: &Message) -> Result<Result<Bytes, Failure>, EnvelopeError> {
    let Some(case) = header(message, "lath-error") else { return Ok(Ok(message.payload.clone())) };
    let error = |reason: String| EnvelopeError { subject: message.subject.to_string(), expected: "an answer", reason };
    let text = std::str::from_utf8(&message.payload).map_err(|_| error("its error text is not UTF-8".to_owned()))?;
    let rpc = RpcError::from_parts(case, text).ok_or_else(|| error(format!("`{case}` is no case of rpc-error")))?;
    let progress = match header(message, "lath-progress") {
        Some("not-started") => Progress::NotStarted,
        _ => Progress::Unknown,
    };
    Ok(Err(Failure { error: rpc, progress }))
}

/// Sends `call` on `subject` and waits for its answer until its deadline.
pub async fn request(bus: &dyn Bus, subject: Subject, call: Call) -> Result<Bytes, Failure> {
    let deadline = Instant::now() + call.remaining;
    let answer = bus.request(call.into_message(subject), deadline).await.map_err(|error| failure(&error))?;
    match read_answer(&answer) {
        Ok(result) => result,
        Err(error) => Err(Failure::unknown(RpcError::Rpc(error.to_string()))),
    }
}

fn failure(error: &BusError) -> Failure {
    let text = error.to_string();
    match error {
        BusError::NoResponders { .. } => Failure::not_started(RpcError::Transport(text)),
        BusError::Busy { .. } | BusError::TooLarge { .. } => Failure::not_started(RpcError::HostError(text)),
        BusError::Deadline { .. } => Failure::unknown(RpcError::DeadlineExceeded(text)),
        BusError::Dropped { .. } => Failure::unknown(RpcError::Transport(text)),
    }
}
