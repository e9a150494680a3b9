//! A call and its answer as messages: metadata in headers, the value bytes as payload.
//!
//! | header | of | content |
//! | --- | --- | --- |
//! | `lath-call` | call | what is called, by whom, and how: the fields below, `name=value`, joined by spaces |
//! | `lath-chunks` | call, answer | that the payload follows in chunks: how many bytes, and their checksum |
//! | `lath-error` | answer | the case of `rpc-error`; its message is the payload |
//! | `lath-progress` | answer | `not-started` where the callee's code did not run |
//! | `traceparent` | call | W3C Trace Context, where the call is traced |
//! | `tracestate` | call | the same, where there is one |
//!
//! | field | content |
//! | --- | --- |
//! | `target` | the actor or provider called, `app/name` |
//! | `caller` | the actor that calls, `app/name`; or `@ingress`, `@client/name`, `@operator` |
//! | `link` | the caller's import; absent where the caller is no actor |
//! | `contract` | the contract, in full |
//! | `method` | the function |
//! | `wire` | the wire id of the payload |
//! | `deadline` | what remains of the deadline, in milliseconds |
//! | `chain` | what identifies the chain of calls, hexadecimal |
//! | `depth` | how many calls wait for this one |
//! | `generation` | the generation of the blueprint by which the caller calls |
//!
//! One header, because each costs a hash, a lookup and three allocations at either end, and a call has ten fields.
//! A field that is not known here is passed over: a later version may add some.

mod answer;
mod fields;
mod id;
mod names;
pub(crate) mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::bus::Message;
use crate::subject::Subject;

pub use answer::{Answer, answer};
pub use id::{CallId, Incarnation};
pub use model::trace::{Trace, TraceParent};
pub use names::{Origin, Target, TargetError, Word, WordError};
pub use trace::read as trace_of;

/// The header of a call.
pub(crate) const CALL: &str = "lath-call";

/// A call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The actor or provider called.
    pub target: Target,
    /// Who calls.
    pub origin: Origin,
    /// The caller's import; none where the caller is no actor.
    pub link: Option<Word>,
    /// The contract, in full.
    pub contract: Word,
    /// The function.
    pub method: Word,
    /// The wire id of the payload.
    pub wire: Word,
    /// When the caller stops waiting. On the way it is what remains, so that clocks need not agree.
    pub deadline: Instant,
    /// What identifies the chain of calls.
    pub chain: u128,
    /// How many calls wait for this one.
    pub depth: u32,
    /// The generation of the blueprint by which the caller calls.
    pub generation: u64,
    /// Trace context.
    pub trace: Option<Arc<Trace>>,
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
    /// The call as a message on `subject`, with all of its payload.
    pub fn to_message(&self, subject: Subject) -> Message {
        let message = Message::new(subject, self.payload.clone()).with(CALL, fields::write(self, Instant::now()));
        trace::write(message, self.trace.as_deref())
    }

    /// Reads a call that came at `now`. Its deadline is at most [`model::limits::DEADLINE_MAX`] away.
    pub fn from_message(message: &Message, now: Instant) -> Result<Self, EnvelopeError> {
        let error = |reason| EnvelopeError { subject: message.subject.to_string(), expected: "a call", reason };
        let header = message.headers.get(CALL).ok_or_else(|| error(format!("header `{CALL}` is missing")))?;
        let trace = trace::read(message).map_err(error)?;
        fields::read(header, trace, message.payload.clone(), now).map_err(error)
    }

    /// What remains of the deadline at `now`; nothing where it has passed.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
    }
}

/// A value as an error shows it: its beginning.
pub(crate) fn shown(value: &str) -> String {
    const SHOWN: usize = 80;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default().escape_debug()),
        None => value.escape_debug().to_string(),
    }
}
