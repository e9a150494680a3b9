//! What one end of a streamed call tells the other.

use crate::bus::Message;
use crate::call::{CallId, EnvelopeError, shown};
use crate::subject::Subject;

use super::Part;

pub(super) const PART: &str = "lath-part";
const FLOW: &str = "lath-flow";
const STOP: &str = "lath-stop";

/// A message of a streamed call that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A part of a body.
    Part(Part),
    /// How far the other end is.
    Flow(Flow),
    /// Nobody reads the rest of the body that goes there.
    Stop,
}

/// How far one end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The parts that it has sent.
    pub sent: u64,
    /// How many bytes, counted from the first, may have been sent to it.
    pub granted: u64,
}

impl Flow {
    /// Adds to `message` how far the end of the call `id` is that sends it.
    pub fn on(self, id: CallId, message: Message) -> Message {
        message.with(FLOW, format!("{id} sent={} granted={}", self.sent, self.granted))
    }

    /// Reads how far the sender of a message is; none where it does not say.
    pub fn from_message(message: &Message) -> Result<Option<(CallId, Self)>, EnvelopeError> {
        let Some(header) = message.headers.get(FLOW) else { return Ok(None) };
        let read = || {
            let (id, rest) = split(header)?;
            let find = |wanted| fields(rest).find(|(name, _)| *name == wanted)?.1.parse().ok();
            Some((id, Self { sent: find("sent")?, granted: find("granted")? }))
        };
        read().map(Some).ok_or_else(|| unreadable(message, FLOW, header))
    }
}

impl Told {
    /// What is told as a message of the call `id`.
    pub fn to_message(&self, id: CallId, subject: Subject) -> Message {
        let message = Message::new(subject, bytes::Bytes::new());
        match self {
            Self::Part(part) => part.on(id, message),
            Self::Flow(flow) => flow.on(id, message),
            Self::Stop => message.with(STOP, id.to_string()),
        }
    }

    /// Reads what is told, and of which call; none where the message is something else.
    pub fn from_message(message: &Message) -> Result<Option<(CallId, Self)>, EnvelopeError> {
        if let Some((id, part)) = Part::from_message(message)? {
            return Ok(Some((id, Self::Part(part))));
        }
        if let Some((id, flow)) = Flow::from_message(message)? {
            return Ok(Some((id, Self::Flow(flow))));
        }
        Ok(message.headers.get(STOP).and_then(split).map(|(id, _)| (id, Self::Stop)))
    }

    /// The call that a message tells of, without reading the rest.
    pub(crate) fn id(message: &Message) -> Option<CallId> {
        let header = [PART, FLOW, STOP].into_iter().find_map(|name| message.headers.get(name))?;
        split(header).map(|(id, _)| id)
    }

    /// True where a call is a streamed one.
    pub(crate) fn is_opening(message: &Message) -> bool {
        message.headers.get(PART).is_some()
    }
}

/// The id that a header begins with, and the rest.
pub(super) fn split(header: &str) -> Option<(CallId, &str)> {
    let (id, rest) = header.split_once(' ').unwrap_or((header, ""));
    Some((id.parse().ok()?, rest))
}

/// The fields of a header; what is none is passed over.
pub(super) fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(' ').filter_map(|field| field.split_once('='))
}

pub(super) fn unreadable(message: &Message, name: &str, header: &str) -> EnvelopeError {
    EnvelopeError {
        subject: message.subject.to_string(),
        expected: "of a streamed call",
        reason: format!(
            "header `{name}` is `{}`, which says nothing of a payload of {} bytes",
            shown(header),
            message.payload.len()
        ),
    }
}
