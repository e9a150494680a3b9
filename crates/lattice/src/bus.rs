//! The bus: publish and subscribe. Requests are built above it, in [`crate::calls`], once for every bus.

mod headers;

use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::limits::{CLOSE_TIME_MAX, HEADER_BYTES_MAX, HEADERS_MAX};
use crate::subject::{Subject, Token};

pub use headers::Headers;

/// A message on the bus.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it goes.
    pub subject: Subject,
    /// Where an answer goes, if one is wanted.
    pub reply: Option<Subject>,
    /// Metadata.
    pub headers: Headers,
    /// The bytes that it carries.
    pub payload: Bytes,
    /// True where the bus itself says, on the reply subject of a message, that nobody was there to take it.
    pub no_responders: bool,
}

impl Message {
    /// A message without headers that wants no answer.
    pub fn new(subject: Subject, payload: impl Into<Bytes>) -> Self {
        let (headers, payload) = (Headers::default(), payload.into());
        Self { subject, reply: None, headers, payload, no_responders: false }
    }

    /// The same message with a header more. A name stands once.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same message, to be answered on `reply`.
    pub fn wanting(mut self, reply: Subject) -> Self {
        self.reply = Some(reply);
        self
    }
}

/// Messages of one subscription, in the order of their publication by each publisher. It ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    source: Source,
    /// Once closed: until when what has come is told.
    closed: Option<Instant>,
}

#[derive(Debug)]
pub(crate) enum Source {
    Memory(mpsc::Receiver<Message>),
    Nats(crate::nats::Incoming),
}

impl Subscription {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, closed: None }
    }

    /// The next message; none once the bus is gone, or all is told after [`Self::close`].
    pub async fn next(&mut self) -> Option<Message> {
        match self.closed {
            None => self.source.next().await,
            Some(until) => tokio::time::timeout_at(until.into(), self.source.next()).await.unwrap_or(None),
        }
    }

    /// Takes no more messages; what has come can still be read, for [`CLOSE_TIME_MAX`]: without a connection nobody says
    /// that it was all.
    pub async fn close(&mut self) {
        let until = Instant::now() + CLOSE_TIME_MAX;
        self.closed = Some(until);
        match &mut self.source {
            Source::Memory(messages) => messages.close(),
            Source::Nats(messages) => messages.close(until).await,
        }
    }
}

impl Source {
    async fn next(&mut self) -> Option<Message> {
        match self {
            Source::Memory(messages) => messages.recv().await,
            Source::Nats(messages) => messages.next().await,
        }
    }
}

/// Why the bus did not do what was asked. None of these messages was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// There is no connection to the server now.
    #[error(
        "nothing is sent on `{subject}`: the connection to NATS is down; it comes back by itself once a server does"
    )]
    Disconnected {
        /// The subject.
        subject: String,
    },
    /// Too many messages wait: at a subscriber, or to be sent to the server.
    #[error("too many messages wait on `{subject}`; try again later")]
    Busy {
        /// The subject.
        subject: String,
    },
    /// The server did not answer in time.
    #[error(
        "no echo on `{subject}` within the deadline; the connection to NATS is slow, or the subject is not permitted"
    )]
    Deadline {
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
    /// A header, a subject or a group cannot be written.
    #[error(
        "{what} of the message on `{subject}` cannot be sent: line breaks, spaces and wildcards are not allowed there"
    )]
    Unwritable {
        /// The subject.
        subject: String,
        /// What cannot be written.
        what: String,
    },
}

/// What joins hosts and clients.
///
/// Delivery is at most once: a message is lost where nobody is subscribed, where a subscriber is too slow, and where a
/// connection breaks. A message with a reply subject that finds no subscriber comes back as one with `no_responders`.
pub trait Bus: Send + Sync {
    /// Sends `message` to every subscription that covers its subject, and to one of each group. It never waits, and
    /// needs no async runtime: what cannot be sent soon is refused.
    fn publish(&self, message: Message) -> Result<(), BusError>;

    /// Receives what is published on subjects that `pattern` covers.
    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>>;

    /// Receives its share of what is published on subjects that `pattern` covers: each message goes to one subscription
    /// of those with the same pattern and group.
    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>>;

    /// The most bytes that one message may have, headers and payload together.
    fn payload_max(&self) -> usize;

    /// Waits, until `deadline` at most, until the server has taken all that was published and subscribed here before,
    /// and all that it had sent here before has come to the subscriptions.
    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>>;

    /// Whether there is a connection. A gap too short to be seen as `false` still marks the value as changed.
    fn connected(&self) -> watch::Receiver<bool>;

    /// What has gone over the connection; none where there is nothing between its two ends.
    fn traffic(&self) -> Option<Traffic> {
        None
    }
}

/// What has gone over a connection, since its process made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often it was made.
    pub connects: u64,
    /// Messages that came.
    pub messages_in: u64,
    /// Messages that went.
    pub messages_out: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that went.
    pub bytes_out: u64,
}

/// Refuses a message that is larger than the bus carries.
pub(crate) fn check_size(message: &Message, payload_max: usize) -> Result<(), BusError> {
    let subject = || message.subject.to_string();
    let headers = message.headers.len_bytes();
    for (what, found, most) in [
        ("bytes", message.payload.len() + headers, payload_max),
        ("headers", message.headers.len(), HEADERS_MAX),
        ("bytes of headers", headers, HEADER_BYTES_MAX),
    ] {
        if found > most {
            return Err(BusError::TooLarge { subject: subject(), what, found, most });
        }
    }
    match message.headers.unwritable() {
        Some(name) => Err(BusError::Unwritable { subject: subject(), what: format!("header `{name}`") }),
        None => Ok(()),
    }
}
