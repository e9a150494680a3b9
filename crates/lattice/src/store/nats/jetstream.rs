//! Requests to JetStream: each with a short deadline of its own, tried again until a longer one is over.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Request, RequestErrorKind};
use bytes::Bytes;
use data_encoding::BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::ears::Ears;
use crate::limits::{STORE_DEADLINE, STORE_TRY_MAX};

/// The pause before a request is tried again that was not taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Error codes of JetStream.
pub(crate) mod code {
    use async_nats::jetstream::ErrorCode;

    /// True where the last change of a subject is not the one that was expected.
    pub(crate) fn is_conflict(code: u64) -> bool {
        [ErrorCode::STREAM_WRONG_LAST_SEQUENCE, ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT]
            .iter()
            .any(|known| known.0 == code)
    }

    pub(crate) fn is_no_stream(code: u64) -> bool {
        code == ErrorCode::STREAM_NOT_FOUND.0
    }

    pub(crate) fn is_no_message(code: u64) -> bool {
        code == ErrorCode::NO_MESSAGE_FOUND.0
    }

    /// True where the same message is being written just now.
    pub(crate) fn is_in_process(code: u64) -> bool {
        code == ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT.0
    }
}

/// Why a request got no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// JetStream says no. Nothing was done.
    Refused {
        /// As in HTTP.
        status: u16,
        /// What exactly.
        code: u64,
        /// The same in words.
        text: String,
    },
    /// The servers do not let this user. Nothing was done.
    Denied(String),
    /// There was no connection, or nobody to take it. Nothing was done.
    Nobody(&'static str),
    /// No answer in time. It may have been done, and may yet be.
    Silent(&'static str),
}

impl Fault {
    /// The same in words.
    pub(crate) fn text(&self) -> String {
        match self {
            Fault::Refused { text, .. } => format!("JetStream says: {text}"),
            Fault::Denied(text) => format!("the server says: {text}"),
            Fault::Nobody(text) | Fault::Silent(text) => (*text).to_owned(),
        }
    }

    /// True where the same request may have another answer soon.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Fault::Refused { status, .. } => *status == 503,
            Fault::Denied(_) => false,
            Fault::Nobody(_) | Fault::Silent(_) => true,
        }
    }

    /// True where there is no stream. A request to one that is not there often finds nobody to take it.
    pub(crate) fn is_no_stream(&self) -> bool {
        match self {
            Fault::Refused { code, .. } => code::is_no_stream(*code),
            Fault::Nobody(_) => true,
            Fault::Denied(_) | Fault::Silent(_) => false,
        }
    }
}

/// JetStream, as one connection reaches it.
#[derive(Clone)]
pub(crate) struct JetStream {
    client: Client,
    /// What its subjects begin with: `$JS.API`, or that of a domain.
    api: String,
    in_domain: bool,
    ears: Ears,
}

/// A message as a stream keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) sequence: u64,
    pub(crate) payload: Bytes,
    headers: String,
}

/// What is asked of a stream: the fields that matter here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamConfig {
    pub(crate) name: String,
    pub(crate) subjects: Vec<String>,
    pub(crate) storage: String,
    pub(crate) max_msgs_per_subject: i64,
    /// Nanoseconds; 0 for never.
    #[serde(default)]
    pub(crate) max_age: u64,
    pub(crate) num_replicas: usize,
    /// Nanoseconds.
    #[serde(default)]
    pub(crate) duplicate_window: u64,
    pub(crate) discard: String,
    #[serde(default)]
    pub(crate) allow_direct: bool,
    #[serde(default)]
    pub(crate) allow_msg_ttl: bool,
    #[serde(default)]
    pub(crate) deny_delete: bool,
    #[serde(default)]
    pub(crate) deny_purge: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) republish: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sources: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject_transform: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct StreamInfo {
    config: StreamConfig,
}

#[derive(Deserialize)]
struct ErrorWire {
    code: u16,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Failed {
    error: Option<ErrorWire>,
}

#[derive(Deserialize)]
struct Written {
    seq: u64,
}

#[derive(Deserialize)]
struct Got {
    message: GotMessage,
}

#[derive(Deserialize)]
struct GotMessage {
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

impl Kept {
    /// A header, where there is one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

impl JetStream {
    pub(crate) fn new(client: Client, domain: Option<&str>, ears: Ears) -> Self {
        let api = domain.map_or_else(|| "$JS.API".to_owned(), |domain| format!("$JS.{domain}.API"));
        Self { client, api, in_domain: domain.is_some(), ears }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// The subject of a request.
    pub(crate) fn api(&self, request: &str) -> String {
        format!("{}.{request}", self.api)
    }

    /// The subject on which a key of a bucket is written: in another domain it is reached through that one's interface.
    pub(crate) fn key_subject(&self, subject: &str) -> String {
        if self.in_domain { self.api(subject) } else { subject.to_owned() }
    }

    /// Asks once.
    pub(crate) async fn ask_once<T: DeserializeOwned>(
        &self,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: Bytes,
        patience: Duration,
    ) -> Result<T, Fault> {
        if self.client.connection_state() != State::Connected {
            return Err(Fault::Nobody("there is no connection to NATS"));
        }
        let mut refusals = self.ears.refusals();
        let mut request = Request::new().payload(payload).timeout(Some(patience));
        if let Some(headers) = headers {
            request = request.headers(headers.clone());
        }
        let answer = tokio::select! {
            answer = self.client.send_request(subject.to_owned(), request) => answer,
            text = refusals.of(subject) => return Err(Fault::Denied(text.to_string())),
        };
        let message = answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => {
                Fault::Nobody("JetStream or what it stores is not there, or has no leader")
            }
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => Fault::Denied(error.to_string()),
            RequestErrorKind::TimedOut => Fault::Silent("no answer within the deadline"),
            RequestErrorKind::Other => Fault::Silent("the connection ended before the answer"),
        })?;
        read(&message.payload)
    }

    /// Asks what may be asked twice, until there is an answer or the deadline is over.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, request: &str, body: &impl Serialize) -> Result<T, Fault> {
        let subject = self.api(request);
        // The bodies have keys of text and no other reason to fail.
        let payload: Bytes = serde_json::to_vec(body).unwrap_or_default().into();
        let tries = Tries::begin();
        loop {
            let fault = match self.ask_once(&subject, None, payload.clone(), tries.patience()).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if !fault.is_passing() || !tries.again().await {
                return Err(fault);
            }
        }
    }

    /// Writes a message once, to a stream that captures `subject`, and gives its sequence.
    pub(crate) async fn publish_once(
        &self,
        subject: &str,
        headers: &HeaderMap,
        payload: Bytes,
        patience: Duration,
    ) -> Result<u64, Fault> {
        self.ask_once::<Written>(subject, Some(headers), payload, patience).await.map(|written| written.seq)
    }

    /// The last message on `subject`, from the stream's leader.
    pub(crate) async fn last(&self, stream: &str, subject: &str) -> Result<Option<Kept>, Fault> {
        let body = serde_json::json!({ "last_by_subj": subject });
        match self.ask::<Got>(&format!("STREAM.MSG.GET.{stream}"), &body).await {
            Ok(got) => kept(&got.message).map(Some),
            Err(Fault::Refused { code, .. }) if code::is_no_message(code) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// How a stream is configured; none where there is none.
    pub(crate) async fn stream(&self, name: &str) -> Result<Option<StreamConfig>, Fault> {
        match self.ask::<StreamInfo>(&format!("STREAM.INFO.{name}"), &serde_json::json!({})).await {
            Ok(info) => Ok(Some(info.config)),
            Err(Fault::Refused { code, .. }) if code::is_no_stream(code) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Makes a stream, or finds it as it is to be.
    pub(crate) async fn make_stream(&self, config: &StreamConfig) -> Result<(), Fault> {
        self.ask::<StreamInfo>(&format!("STREAM.CREATE.{}", config.name), config).await.map(drop)
    }

    /// Removes the messages whose subjects `filter` covers, up to the one with the number `last`.
    pub(crate) async fn purge(&self, stream: &str, filter: &str, last: u64) -> Result<(), Fault> {
        let body = serde_json::json!({ "filter": filter, "seq": last.saturating_add(1) });
        self.ask::<serde::de::IgnoredAny>(&format!("STREAM.PURGE.{stream}"), &body).await.map(drop)
    }
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Fault> {
    // An answer that cannot be read came from something else, or was cut off: what was done is not known.
    let unreadable = |_| Fault::Silent("an answer that cannot be read");
    if let Failed { error: Some(error) } = serde_json::from_slice(payload).map_err(unreadable)? {
        return Err(Fault::Refused { status: error.code, code: error.err_code, text: error.description });
    }
    serde_json::from_slice(payload).map_err(unreadable)
}

fn kept(message: &GotMessage) -> Result<Kept, Fault> {
    let unreadable = |_| Fault::Silent("a stored message that cannot be read");
    let headers = BASE64.decode(message.hdrs.as_bytes()).map_err(unreadable)?;
    let payload = BASE64.decode(message.data.as_bytes()).map_err(unreadable)?;
    let headers = String::from_utf8_lossy(&headers).into_owned();
    Ok(Kept { sequence: message.seq, payload: payload.into(), headers })
}

/// The tries of one operation, and the deadline of them all.
pub(crate) struct Tries {
    deadline: Instant,
}

impl Tries {
    pub(crate) fn begin() -> Self {
        Self { deadline: Instant::now() + STORE_DEADLINE }
    }

    /// How long the next try may wait.
    pub(crate) fn patience(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).min(STORE_TRY_MAX)
    }

    /// Pauses, and says whether there is time for another.
    pub(crate) async fn again(&self) -> bool {
        timeout_at(self.deadline, sleep(PAUSE)).await.is_ok()
    }
}
