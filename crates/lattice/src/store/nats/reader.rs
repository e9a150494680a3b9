//! Reads a stream in its order, in batches that this side asks for.

use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use super::bucket::nanoseconds;
use super::ears::Refusals;
use super::jetstream::{Fault, JetStream};
use crate::limits::{WATCH_BATCH, WATCH_SILENCE_MAX};

/// How often the server says that it is there while it has nothing to tell; a third of the silence that is borne.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long one batch is waited for at the server.
const BATCH_WAIT: Duration = Duration::from_secs(30);
/// After how long the server forgets a consumer that does not ask any more.
const FORGET: Duration = Duration::from_secs(30);

/// From where a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deliver {
    /// Every message that is kept.
    All,
    /// The last of each subject that is kept.
    Last,
    /// Every message that is kept after the one with this number.
    After(u64),
}

/// What is read of a stream.
pub(crate) struct Wanted<'a> {
    pub(crate) stream: &'a str,
    /// The subjects.
    pub(crate) filter: &'a str,
    pub(crate) deliver: Deliver,
    pub(crate) headers_only: bool,
}

/// A reading of a stream. It ends where a message may have been missed.
pub(crate) struct Reader {
    jetstream: JetStream,
    /// The stream and the consumer, as requests name them.
    consumer: String,
    inbox: Subscriber,
    inbox_subject: String,
    /// Messages that were asked for and have not come.
    outstanding: usize,
    /// The number of the last message that came, in this reading.
    last: u64,
    /// How many messages were there when the reading began.
    pub(crate) pending: u64,
    connects: watch::Receiver<u64>,
    refusals: Refusals,
}

/// What a reading tells.
pub(crate) enum Told {
    /// A message.
    Read(Read),
    /// Nothing new for a while; the server is there.
    Idle,
}

/// A message that was read.
pub(crate) struct Read {
    pub(crate) subject: String,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
    pub(crate) position: Position,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// In the stream.
    pub(crate) sequence: u64,
    /// In this reading, from 1.
    number: u64,
    /// When it was written, milliseconds of the Unix epoch.
    pub(crate) at: u64,
    /// How many follow that are there already.
    pub(crate) pending: u64,
}

#[derive(Deserialize)]
struct Consumer {
    num_pending: u64,
    delivered: Delivered,
}

#[derive(Deserialize)]
struct Delivered {
    consumer_seq: u64,
}

impl Reader {
    pub(crate) async fn open(jetstream: &JetStream, wanted: Wanted<'_>) -> Result<Self, Fault> {
        let client = jetstream.client();
        let mut connects = jetstream.ears().connects();
        connects.mark_unchanged();
        let refusals = jetstream.ears().refusals();
        let inbox_subject = client.new_inbox();
        let inbox = client.subscribe(inbox_subject.clone()).await;
        let inbox = inbox.map_err(|_| Fault::Nobody("the connection to NATS has ended"))?;
        let name = inbox_subject.rsplit('.').next().unwrap_or_default().to_owned();
        let Wanted { stream, filter, deliver, headers_only } = wanted;
        let mut config = serde_json::json!({
            "name": name,
            "deliver_policy": match deliver {
                Deliver::All => "all",
                Deliver::Last => "last_per_subject",
                Deliver::After(_) => "by_start_sequence",
            },
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": filter,
            "headers_only": headers_only,
            "inactive_threshold": nanoseconds(FORGET),
            "num_replicas": 1,
            "mem_storage": true,
        });
        if let (Deliver::After(number), Some(config)) = (deliver, config.as_object_mut()) {
            config.insert("opt_start_seq".to_owned(), number.saturating_add(1).into());
        }
        let body = serde_json::json!({ "stream_name": stream, "action": "create", "config": config });
        let info: Consumer = jetstream.ask(&format!("CONSUMER.CREATE.{stream}.{name}.{filter}"), &body).await?;
        Ok(Self {
            jetstream: jetstream.clone(),
            consumer: format!("{stream}.{name}"),
            inbox,
            inbox_subject,
            outstanding: 0,
            last: 0,
            pending: info.num_pending,
            connects,
            refusals,
        })
    }

    /// The next message. An error means that one may have been missed: begin anew.
    pub(crate) async fn next(&mut self) -> Result<Told, Fault> {
        let asked = self.jetstream.api(&format!("CONSUMER.MSG.NEXT.{}", self.consumer));
        loop {
            if self.outstanding == 0 {
                self.request(&asked).await?;
            }
            let message = tokio::select! {
                biased;
                _ = self.connects.changed() => return Err(Fault::Nobody("the connection to NATS was lost")),
                text = self.refusals.of(&asked) => return Err(Fault::Denied(text.to_string())),
                message = timeout(WATCH_SILENCE_MAX, self.inbox.next()) => message,
            };
            let message = match message {
                Ok(Some(message)) => message,
                Ok(None) => return Err(Fault::Nobody("the connection to NATS has ended")),
                Err(_) => return Err(Fault::Silent("the server does not say any more that it is there")),
            };
            if let Some(told) = self.told(message)? {
                return Ok(told);
            }
        }
    }

    fn told(&mut self, message: Message) -> Result<Option<Told>, Fault> {
        match message.status {
            None | Some(StatusCode::OK) => self.read(message).map(|read| Some(Told::Read(read))),
            Some(StatusCode::IDLE_HEARTBEAT) => Ok(Some(Told::Idle)),
            Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => {
                self.outstanding = 0;
                Ok(None)
            }
            Some(StatusCode::REQUEST_TERMINATED) if is_batch_end(&message) => {
                self.outstanding = 0;
                Ok(None)
            }
            // The consumer is gone, or moves to another server.
            Some(_) => Err(Fault::Nobody("the server has forgotten what was read")),
        }
    }

    fn read(&mut self, message: Message) -> Result<Read, Fault> {
        let position = message.reply.as_ref().and_then(|reply| Position::of(reply.as_str()));
        let position = position.ok_or(Fault::Silent("a message that is not from a stream"))?;
        if position.number != self.last + 1 {
            return Err(Fault::Silent("a message was missed"));
        }
        self.last = position.number;
        self.outstanding = self.outstanding.saturating_sub(1);
        let Message { subject, headers, payload, .. } = message;
        Ok(Read { subject: subject.to_string(), headers, payload, position })
    }

    async fn request(&mut self, asked: &str) -> Result<(), Fault> {
        let body = serde_json::json!({
            "batch": WATCH_BATCH,
            "expires": nanoseconds(BATCH_WAIT),
            "idle_heartbeat": nanoseconds(HEARTBEAT),
        });
        let (inbox, body) = (self.inbox_subject.clone(), body.to_string());
        let sent = self.jetstream.client().publish_with_reply(asked.to_owned(), inbox, body.into()).await;
        sent.map_err(|_| Fault::Nobody("the connection to NATS has ended"))?;
        self.outstanding = WATCH_BATCH;
        Ok(())
    }

    /// True where nothing follows that is there already. What was counted when the reading began may be gone since, and
    /// then no message says that it is the last.
    pub(crate) async fn is_drained(&self) -> Result<bool, Fault> {
        let request = format!("CONSUMER.INFO.{}", self.consumer);
        let info: Consumer = self.jetstream.ask(&request, &serde_json::json!({})).await?;
        Ok(info.num_pending == 0 && info.delivered.consumer_seq == self.last)
    }

    /// Reads until the end of what is there already.
    pub(crate) async fn rest(self, most: usize) -> Result<Vec<Read>, Fault> {
        let (all, more) = self.part(most).await?;
        if more {
            let text = format!("there are more than {most} entries");
            return Err(Fault::Refused { status: 413, code: 0, text });
        }
        Ok(all)
    }

    /// Reads what is there already, `most` messages of it, and says whether more follow.
    pub(crate) async fn part(mut self, most: usize) -> Result<(Vec<Read>, bool), Fault> {
        let mut all = Vec::new();
        let mut pending = self.pending;
        while pending > 0 && all.len() < most {
            match self.next().await? {
                Told::Read(read) => {
                    pending = read.position.pending;
                    all.push(read);
                }
                Told::Idle if self.is_drained().await? => pending = 0,
                Told::Idle => {}
            }
        }
        Ok((all, pending > 0))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let (jetstream, request) = (self.jetstream.clone(), format!("CONSUMER.DELETE.{}", self.consumer));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // If it fails the server forgets by itself.
                let body = Bytes::from_static(b"{}");
                let _: Result<serde::de::IgnoredAny, _> =
                    jetstream.ask_once(&jetstream.api(&request), None, body, HEARTBEAT).await;
            });
        }
    }
}

/// True where a batch ended early, and the next can be asked for.
fn is_batch_end(message: &Message) -> bool {
    message.description.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("batch completed"))
}

impl Position {
    /// Reads where a message of a consumer came from:
    /// `$JS.ACK[.DOMAIN.ACCOUNT].STREAM.CONSUMER.DELIVERED.SEQUENCE.NUMBER.TIME.PENDING[.TOKEN]`.
    fn of(reply: &str) -> Option<Self> {
        let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let numbers = match tokens.len() {
            7 => tokens.get(3..)?,
            9 | 10 => tokens.get(5..9)?,
            _ => return None,
        };
        let [sequence, number, nanoseconds, pending] = numbers else { return None };
        Some(Self {
            sequence: sequence.parse().ok()?,
            number: number.parse().ok()?,
            at: nanoseconds.parse::<u64>().ok()? / 1_000_000,
            pending: pending.parse().ok()?,
        })
    }
}
