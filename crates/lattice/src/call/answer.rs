//! The answer to a call.

use bytes::Bytes;
use model::failure::{Failure, Progress, RpcError};

use super::{EnvelopeError, shown};
use crate::bus::Message;
use crate::chunk::Announcement;
use crate::limits::ERROR_BYTES_MAX;
use crate::subject::Subject;

const ERROR: &str = "lath-error";
const PROGRESS: &str = "lath-progress";
const NOT_STARTED: &str = "not-started";

/// What the first message on the subject of an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The outcome, whole.
    Whole(Result<Bytes, Failure>),
    /// The result follows in chunks.
    Chunks(Announcement),
}

/// An outcome as a message; a result must fit into one. An error's text is cut at [`ERROR_BYTES_MAX`].
pub fn answer(subject: Subject, result: Result<Bytes, Failure>) -> Message {
    let failure = match result {
        Ok(payload) => return Message::new(subject, payload),
        Err(failure) => failure,
    };
    let (case, text) = failure.error.parts();
    let text = text.unwrap_or_default();
    let end = text.floor_char_boundary(ERROR_BYTES_MAX);
    let payload = Bytes::copy_from_slice(text.get(..end).unwrap_or_default().as_bytes());
    let message = Message::new(subject, payload).with(ERROR, case);
    match failure.progress {
        Progress::NotStarted => message.with(PROGRESS, NOT_STARTED),
        Progress::Unknown => message,
    }
}

impl Answer {
    /// Reads an answer.
    pub fn from_message(message: &Message) -> Result<Self, EnvelopeError> {
        let error = |reason| EnvelopeError { subject: message.subject.to_string(), expected: "an answer", reason };
        if message.headers.is_empty() {
            return Ok(Self::Whole(Ok(message.payload.clone())));
        }
        if let Some(announced) = Announcement::from_message(message)? {
            return Ok(Self::Chunks(announced));
        }
        let Some(case) = message.headers.get(ERROR) else { return Ok(Self::Whole(Ok(message.payload.clone()))) };
        let text =
            std::str::from_utf8(&message.payload).map_err(|_| error("its error text is not UTF-8".to_owned()))?;
        if text.len() > ERROR_BYTES_MAX {
            return Err(error(format!("its error text has {} bytes; {ERROR_BYTES_MAX} is the most", text.len())));
        }
        let rpc = RpcError::from_parts(case, text)
            .ok_or_else(|| error(format!("header `{ERROR}` is `{}`, no case of rpc-error", shown(case))))?;
        let progress = match message.headers.get(PROGRESS) {
            None => Progress::Unknown,
            Some(NOT_STARTED) => Progress::NotStarted,
            Some(other) => {
                return Err(error(format!("header `{PROGRESS}` is `{}`, not `{NOT_STARTED}`", shown(other))));
            }
        };
        Ok(Self::Whole(Err(Failure { error: rpc, progress })))
    }
}
