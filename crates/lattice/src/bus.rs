//! The bus: publish, subscribe, request.

use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::limits::{HEADERS_MAX, PAYLOAD_BYTES_MAX};
use crate::subject::Subject;

/// A message on the bus.
#[derive(Debug)]
pub struct Message {
    /// Where it goes.
    pub subject: Subject,
    /// Metadata.
    pub headers: Vec<(String, String)>,
    /// The bytes that it carries.
    pub payload: Bytes,
    /// Where the answer goes, if one is wanted.
    pub reply: Option<Reply>,
}

/// Where the one answer to a request goes.
#[derive(Debug)]
pub struct Reply(pub(crate) oneshot::Sender<Message>);

impl Reply {
    /// Answers the request. The answer of a caller that has gone is dropped.
    pub fn send(self, answer: Message) {
        let _ = self.0.send(answer);
    }
}

/// Messages of one subscription, in the order of their publication.
#[derive(Debug)]
pub struct Subscription(pub(crate) mpsc::Receiver<Message>);

impl Subscription {
    /// The next message; none once the bus is gone.
    pub async fn next(&mut self) -> Option<Message> {
        self.0.recv().await
    }
}

/// Why a message could not be sent or answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Nobody is subscribed to the subject.
    #[error("nobody answers on `{subject}`; check that the host is up and has joined this lattice")]
    NoResponders {
        /// The subject.
        subject: String,
    },
    /// The subscriber has too many messages waiting.
    #[error("too many messages wait on `{subject}`; try again later")]
    Busy {
        /// The subject.
        subject: String,
    },
    /// No answer came in time.
    #[error("no answer on `{subject}` within the deadline")]
    Deadline {
        /// The subject.
        subject: String,
    },
    /// The subscriber dropped the request without an answer.
    #[error("the request on `{subject}` was dropped without an answer; the host may be stopping")]
    Dropped {
        /// The subject.
        subject: String,
    },
    /// The message is larger than the bus carries.
    #[error("the message on `{subject}` has {found} {what}; the bus carries {most} at most")]
    TooLarge {
        /// The subject.
        subject: String,
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        most: usize,
    },
}

/// What joins hosts and clients.
pub trait Bus: Send + Sync {
    /// Sends `message` to every subscription that covers its subject.
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), BusError>>;

    /// Receives what is published on subjects that `pattern` covers.
    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>>;

    /// Sends `message` to one subscriber and waits for its answer, until `deadline` at most.
    fn request(&self, message: Message, deadline: Instant) -> BoxFuture<'_, Result<Message, BusError>>;
}

/// Refuses a message that is larger than the bus carries.
pub(crate) fn check_size(message: &Message) -> Result<(), BusError> {
    for (what, found, most) in [
        ("bytes of payload", message.payload.len(), PAYLOAD_BYTES_MAX),
        ("headers", message.headers.len(), HEADERS_MAX),
    ] {
        if found > most {
            return Err(BusError::TooLarge { subject: message.subject.to_string(), what, found, most });
        }
    }
    Ok(())
}
