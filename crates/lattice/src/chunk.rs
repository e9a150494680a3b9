//! Payloads that are too large for one message.
//!
//! The first message, a call or an answer, announces how many bytes follow and their checksum. The receiver then grants
//! credit: how many chunks, counted from the first, it is ready to take. Chunks are numbered from 0 and come in order on
//! the subjects of the call and of its answer; a lost, doubled, reordered or damaged one ends the transfer. Nobody waits
//! longer than [`crate::limits::STALL_MAX`] for the next step, nor beyond the deadline of the call.
//!
//! | header | of | content |
//! | --- | --- | --- |
//! | `lath-chunks` | call, answer | `bytes=` and `crc32=`, of the whole payload, which follows in chunks |
//! | `lath-chunk` | chunk | the call's id and the number of the chunk |
//! | `lath-credit` | credit | the call's id and how many chunks may have been sent |
//! | `lath-cancel` | cancel | the call's id: its caller has gone |
//!
//! What follows in these headers after a space is passed over: a later version may add some.

mod assembly;
mod seats;

use bytes::Bytes;

use crate::bus::Message;
use crate::call::{CallId, EnvelopeError, shown};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKED_BYTES_MAX, HEADER_BYTES_MAX, WHOLE_BYTES_MAX};
use crate::subject::Subject;

pub use assembly::{Assembly, ChunkError, Step};
pub(crate) use seats::Seats;

const CHUNKS: &str = "lath-chunks";
const CHUNK: &str = "lath-chunk";
const CREDIT: &str = "lath-credit";
const CANCEL: &str = "lath-cancel";

/// What is said of a payload that follows in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The bytes of the whole; from 1 to [`CHUNKED_BYTES_MAX`].
    pub bytes: usize,
    /// The CRC-32 (IEEE) of the whole.
    pub crc32: u32,
}

impl Announcement {
    /// Announces `payload`; none where it is empty or larger than may be sent.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let allowed = (1..=CHUNKED_BYTES_MAX).contains(&payload.len());
        allowed.then(|| Self { bytes: payload.len(), crc32: crc32fast::hash(payload) })
    }

    /// The same message with the announcement.
    pub fn on(&self, message: Message) -> Message {
        message.with(CHUNKS, format!("bytes={} crc32={:08x}", self.bytes, self.crc32))
    }

    /// Reads the announcement of a message; none where its payload is whole.
    pub fn from_message(message: &Message) -> Result<Option<Self>, EnvelopeError> {
        let Some(header) = message.headers.get(CHUNKS) else { return Ok(None) };
        let read = || {
            let mut fields = header.split(' ');
            let (bytes, crc32) = (fields.next()?.strip_prefix("bytes=")?, fields.next()?.strip_prefix("crc32=")?);
            let (bytes, crc32) = (bytes.parse().ok()?, u32::from_str_radix(crc32, 16).ok()?);
            (1..=CHUNKED_BYTES_MAX).contains(&bytes).then_some(Self { bytes, crc32 })
        };
        read().map(Some).ok_or_else(|| EnvelopeError {
            subject: message.subject.to_string(),
            expected: "the announcement of a payload in chunks",
            reason: format!(
                "header `{CHUNKS}` is `{}`, not `bytes=` and `crc32=` of 1 to {CHUNKED_BYTES_MAX} bytes",
                shown(header)
            ),
        })
    }
}

/// A message about a call that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The payload of the message is this chunk.
    Chunk(CallId, u64),
    /// So many chunks may have been sent.
    Credit(CallId, u64),
    /// The caller has gone.
    Cancel(CallId),
}

impl Signal {
    /// The signal as a message; a chunk still lacks its payload.
    pub fn to_message(&self, subject: Subject) -> Message {
        let message = Message::new(subject, Bytes::new());
        match self {
            Self::Chunk(id, number) => message.with(CHUNK, format!("{id} {number}")),
            Self::Credit(id, count) => message.with(CREDIT, format!("{id} {count}")),
            Self::Cancel(id) => message.with(CANCEL, id.to_string()),
        }
    }

    /// Reads a signal; none where the message is something else.
    pub fn from_message(message: &Message) -> Option<Self> {
        let numbered = |name| {
            let mut fields = message.headers.get(name)?.split(' ');
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        if let Some((id, number)) = numbered(CHUNK) {
            return Some(Self::Chunk(id, number));
        }
        if let Some((id, count)) = numbered(CREDIT) {
            return Some(Self::Credit(id, count));
        }
        message.headers.get(CANCEL)?.split(' ').next()?.parse().ok().map(Self::Cancel)
    }

    /// The call that it is about.
    pub fn id(&self) -> CallId {
        match self {
            Self::Chunk(id, _) | Self::Credit(id, _) | Self::Cancel(id) => *id,
        }
    }
}

/// The largest payload that travels whole over a bus with messages of `payload_max` bytes.
pub fn whole_max(payload_max: usize) -> usize {
    payload_max.saturating_sub(HEADER_BYTES_MAX).min(WHOLE_BYTES_MAX)
}

/// The bytes of a chunk over a bus with messages of `payload_max` bytes.
pub fn chunk_bytes(payload_max: usize) -> usize {
    payload_max.saturating_sub(HEADER_BYTES_MAX).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX)
}

/// The chunk `number` of `payload`; none after the last.
pub fn chunk(payload: &Bytes, number: u64, chunk_bytes: usize) -> Option<Bytes> {
    let start = usize::try_from(number).ok()?.checked_mul(chunk_bytes).filter(|start| *start < payload.len())?;
    Some(payload.slice(start..payload.len().min(start + chunk_bytes)))
}
