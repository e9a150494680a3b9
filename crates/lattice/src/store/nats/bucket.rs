//! One bucket in JetStream.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::jetstream::{Fault, JetStream, Kept, StreamConfig, Tries, code};
use super::reader::{Deliver, Read, Reader, Wanted};
use super::watch;
use crate::limits::{DELETION_KEPT, KEYS_MAX, WATCH_PENDING_MAX};
use crate::store::key::{check_key, check_pattern, check_value};
use crate::store::{Bucket, Entry, KeyPage, Revision, StoreError, Watch};

const OPERATION: &str = "KV-Operation";
const MESSAGE_ID: &str = "Nats-Msg-Id";
const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
const TIME_TO_LIVE: &str = "Nats-TTL";
const MARKER: &str = "Nats-Marker-Reason";

/// How a bucket is kept.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Its name.
    pub(crate) bucket: String,
    /// Its stream.
    pub(crate) stream: StreamConfig,
}

/// A bucket in JetStream.
pub(crate) struct NatsBucket {
    jetstream: JetStream,
    layout: Layout,
    /// What the subjects of its keys begin with.
    prefix: String,
    /// True where it is in memory and may be made again: it is gone once its servers were.
    remade: bool,
}

/// What is written to a key.
enum Write {
    Value(Bytes),
    Deletion,
}

impl NatsBucket {
    pub(crate) fn new(jetstream: JetStream, layout: Layout, remade: bool) -> Self {
        let prefix = format!("$KV.{}.", layout.bucket);
        Self { jetstream, prefix, remade, layout }
    }

    fn subject(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn conflict(&self, key: &str) -> StoreError {
        StoreError::Conflict { bucket: self.layout.bucket.clone(), key: key.to_owned() }
    }

    fn error(&self, key: &str, fault: &Fault) -> StoreError {
        let (bucket, reason) = (self.layout.bucket.clone(), fault.text());
        if fault.is_passing() {
            return StoreError::Unavailable { bucket, reason };
        }
        StoreError::Refused { bucket, key: key.to_owned(), reason }
    }

    async fn last(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        let last = self.jetstream.last(&self.layout.stream.name, &self.subject(key)).await;
        match last {
            // What is not there has no entries.
            Err(fault) if self.remade && fault.is_no_stream() => self.remake().await.map(|()| None),
            last => last.map_err(|fault| self.error(key, &fault)),
        }
    }

    /// Makes a bucket again that was in memory. It may be that it is there, without a leader.
    async fn remake(&self) -> Result<(), StoreError> {
        let made = self.jetstream.make_stream(&self.layout.stream).await;
        made.map_err(|fault| self.error("", &fault))
    }

    /// Writes a key, once, however often it takes.
    async fn write(&self, key: &str, write: &Write, expected: Option<u64>) -> Result<Revision, StoreError> {
        let subject = self.jetstream.key_subject(&self.subject(key));
        let id = self.message_id();
        let headers = self.headers(write, expected, &id);
        let tries = Tries::begin();
        let mut in_doubt = false;
        loop {
            let payload = match write {
                Write::Value(value) => value.clone(),
                Write::Deletion => Bytes::new(),
            };
            let fault = match self.jetstream.publish_once(&subject, &headers, payload, tries.patience()).await {
                Ok(sequence) => return Ok(Revision(sequence)),
                Err(fault) => fault,
            };
            match &fault {
                Fault::Refused { code, .. } if code::is_conflict(*code) => {
                    return if in_doubt { self.settle(key, &id).await } else { Err(self.conflict(key)) };
                }
                Fault::Refused { code, .. } if code::is_in_process(*code) => in_doubt = true,
                Fault::Silent(_) => in_doubt = true,
                fault if self.remade && fault.is_no_stream() => {
                    self.remake().await.map_err(|error| if in_doubt { doubtful(error) } else { error })?;
                }
                fault if fault.is_passing() => {}
                fault if in_doubt => return Err(doubtful(self.error(key, fault))),
                fault => return Err(self.error(key, fault)),
            }
            if !tries.again().await {
                let reason = fault.text();
                return Err(StoreError::Unavailable { bucket: self.layout.bucket.clone(), reason });
            }
        }
    }

    /// A write was refused after an earlier try of it got no answer: it may be that try that stands in the way.
    async fn settle(&self, key: &str, id: &str) -> Result<Revision, StoreError> {
        let last = self.last(key).await.map_err(doubtful)?;
        match last.filter(|kept| kept.header(MESSAGE_ID) == Some(id)) {
            Some(kept) => Ok(Revision(kept.sequence)),
            None => Err(StoreError::Unavailable {
                bucket: self.layout.bucket.clone(),
                reason: format!("there was no answer in time, and by now key `{key}` has been changed by another"),
            }),
        }
    }

    /// Whatever has this id is one message to the server, within its window.
    fn message_id(&self) -> String {
        let inbox = self.jetstream.client().new_inbox();
        inbox.rsplit('.').next().unwrap_or_default().to_owned()
    }

    fn headers(&self, write: &Write, expected: Option<u64>, id: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, id);
        if let Some(expected) = expected {
            headers.insert(EXPECTED, expected.to_string());
        }
        if let Write::Deletion = write {
            headers.insert(OPERATION, "DEL");
            // What is deleted for good must not stay as a mark for ever; a history keeps its marks.
            if self.layout.stream.max_msgs_per_subject == 1 && self.layout.stream.allow_msg_ttl {
                headers.insert(TIME_TO_LIVE, format!("{}s", DELETION_KEPT.as_secs()));
            }
        }
        headers
    }

    /// Writes a key that must not exist. A deletion counts as a change, so it has to be named.
    async fn create(&self, key: &str, write: &Write) -> Result<Revision, StoreError> {
        match self.write(key, write, Some(0)).await {
            Err(StoreError::Conflict { .. }) => {}
            other => return other,
        }
        match self.last(key).await? {
            Some(kept) if !is_kept_value(&kept) => self.write(key, write, Some(kept.sequence)).await,
            _ => Err(self.conflict(key)),
        }
    }

    /// The keys of those messages that are values.
    fn keys_of(&self, read: Vec<Read>) -> Vec<String> {
        read.into_iter().filter(is_value).filter_map(|read| entry(read, &self.prefix)).map(|entry| entry.key).collect()
    }

    async fn read(&self, pattern: &str, deliver: Deliver, headers_only: bool) -> Result<Reader, StoreError> {
        let open = || {
            let (stream, filter) = (&self.layout.stream.name, self.subject(pattern));
            let jetstream = &self.jetstream;
            async move { Reader::open(jetstream, Wanted { stream, filter: &filter, deliver, headers_only }).await }
        };
        match open().await {
            Err(fault) if self.remade && fault.is_no_stream() => self.remake().await?,
            opened => return opened.map_err(|fault| self.error(pattern, &fault)),
        }
        open().await.map_err(|fault| self.error(pattern, &fault))
    }
}

/// A refusal after a try without an answer: it says nothing of that try, which may have written or may yet do so.
fn doubtful(error: StoreError) -> StoreError {
    match error {
        StoreError::Refused { bucket, reason, .. } => {
            StoreError::Unavailable { bucket, reason: format!("there was no answer in time, and then: {reason}") }
        }
        error => error,
    }
}

/// The entry that a message is; none where its subject is of another bucket.
pub(super) fn entry(read: Read, prefix: &str) -> Option<Entry> {
    let key = read.subject.strip_prefix(prefix)?.to_owned();
    let value = is_value(&read).then_some(read.payload);
    Some(Entry { key, value, revision: Revision(read.position.sequence) })
}

/// True where a message is a value, and no deletion.
pub(super) fn is_value(read: &Read) -> bool {
    let header = |name| read.headers.as_ref().and_then(|headers| headers.get(name)).map(|value| value.as_str());
    is_put(header(OPERATION), header(MARKER))
}

fn is_kept_value(kept: &Kept) -> bool {
    is_put(kept.header(OPERATION), kept.header(MARKER))
}

fn is_put(operation: Option<&str>, marker: Option<&str>) -> bool {
    marker.is_none() && operation.is_none_or(|operation| operation == "PUT")
}

impl Bucket for NatsBucket {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            check_key(&self.layout.bucket, key)?;
            let last = self.last(key).await?.filter(is_kept_value);
            Ok(last.map(|kept| {
                let Kept { sequence, payload, .. } = kept;
                Entry { key: key.to_owned(), value: Some(payload), revision: Revision(sequence) }
            }))
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            check_key(&self.layout.bucket, key)?;
            let reader = self.read(key, Deliver::All, false).await?;
            let all = reader.rest(KEYS_MAX).await.map_err(|fault| self.error(key, &fault))?;
            Ok(all.into_iter().filter_map(|read| entry(read, &self.prefix)).collect())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(async move {
            check_key(&self.layout.bucket, key)?;
            check_value(&self.layout.bucket, key, &value)?;
            self.write(key, &Write::Value(value), None).await
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(async move {
            check_key(&self.layout.bucket, key)?;
            check_value(&self.layout.bucket, key, &value)?;
            let write = Write::Value(value);
            match expected {
                // The server takes 0 for "nothing yet".
                Some(Revision(0)) => Err(self.conflict(key)),
                Some(Revision(expected)) => self.write(key, &write, Some(expected)).await,
                None => self.create(key, &write).await,
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            check_key(&self.layout.bucket, key)?;
            self.write(key, &Write::Deletion, None).await.map(drop)
        })
    }

    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            check_pattern(&self.layout.bucket, pattern)?;
            let reader = self.read(pattern, Deliver::Last, true).await?;
            let all = reader.rest(KEYS_MAX).await.map_err(|fault| self.error(pattern, &fault))?;
            let mut keys = self.keys_of(all);
            keys.sort();
            Ok(keys)
        })
    }

    fn page<'a>(
        &'a self,
        pattern: &'a str,
        after: Revision,
        most: usize,
    ) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        Box::pin(async move {
            check_pattern(&self.layout.bucket, pattern)?;
            let Revision(after) = after;
            // Where a key has one message, all that come after a number are the last of their keys. A history has others,
            // and is read from its beginning.
            let read = match self.layout.stream.max_msgs_per_subject {
                1 => self.read(pattern, Deliver::After(after), true).await?.part(most).await,
                _ => self.read(pattern, Deliver::Last, true).await?.rest(KEYS_MAX).await.map(|all| (all, false)),
            };
            let (mut read, mut more) = read.map_err(|fault| self.error(pattern, &fault))?;
            read.retain(|read| read.position.sequence > after);
            more |= read.len() > most;
            read.truncate(most);
            let next = read.last().filter(|_| more).map(|read| Revision(read.position.sequence));
            Ok(KeyPage { keys: self.keys_of(read), next })
        })
    }

    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        Box::pin(async move {
            check_pattern(&self.layout.bucket, pattern)?;
            let reader = self.read(pattern, Deliver::Last, false).await?;
            let (changes, watch) = mpsc::channel(WATCH_PENDING_MAX);
            tokio::spawn(watch::tell(reader, self.prefix.clone(), changes, self.layout.bucket.clone()));
            Ok(Watch(watch))
        })
    }
}

/// Nanoseconds, as JetStream writes durations.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
