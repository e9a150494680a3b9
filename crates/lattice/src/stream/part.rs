//! A part of a body as a message.

use bytes::{Bytes, BytesMut};

use super::told::{PART, fields, split};
use crate::bus::Message;
use crate::call::{CallId, EnvelopeError};
use crate::limits::{ERROR_BYTES_MAX, STREAM_HEAD_BYTES_MAX};

/// One message of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Which it is, from 0.
    pub number: u64,
    /// The head, in part 0; else nothing.
    pub head: Bytes,
    /// Bytes of the body.
    pub data: Bytes,
    /// That it is the last.
    pub end: Option<End>,
}

/// How a body ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is whole.
    Whole {
        /// What follows it.
        trailers: Option<Bytes>,
        /// The bytes of all parts.
        bytes: u64,
        /// Their CRC-32 (IEEE).
        crc32: u32,
    },
    /// It ends before its end; why.
    Broken(String),
}

/// The numbers in the header of a part.
#[derive(Default)]
struct Found {
    head: usize,
    trailers: Option<usize>,
    broken: Option<usize>,
    bytes: Option<u64>,
    crc32: Option<u32>,
}

impl Part {
    /// Puts the part into a message of the call `id`.
    pub fn on(&self, id: CallId, mut message: Message) -> Message {
        let mut header = format!("{id} {}", self.number);
        let mut field = |name: &str, value: usize| header.push_str(&format!(" {name}={value}"));
        if !self.head.is_empty() {
            field("head", self.head.len());
        }
        let tail = match &self.end {
            None => &[],
            Some(End::Whole { trailers, bytes, crc32 }) => {
                if let Some(trailers) = trailers {
                    field("trailers", trailers.len());
                }
                header.push_str(&format!(" bytes={bytes} crc32={crc32:08x}"));
                trailers.as_deref().unwrap_or_default()
            }
            Some(End::Broken(reason)) => {
                let reason = reason.as_bytes();
                field("broken", reason.len());
                reason
            }
        };
        message.payload = joined(&self.head, &self.data, tail);
        message.with(PART, header)
    }

    /// Reads the part of a message; none where there is none.
    pub(super) fn from_message(message: &Message) -> Result<Option<(CallId, Self)>, EnvelopeError> {
        let Some(header) = message.headers.get(PART) else { return Ok(None) };
        let read = || {
            let (id, rest) = split(header)?;
            let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let part = Self::read(number.parse().ok()?, &Found::new(rest)?, &message.payload)?;
            Some((id, part))
        };
        read().map(Some).ok_or_else(|| super::told::unreadable(message, PART, header))
    }

    fn read(number: u64, found: &Found, payload: &Bytes) -> Option<Self> {
        let tail = found.trailers.or(found.broken).unwrap_or_default();
        let data_end = payload.len().checked_sub(tail)?;
        let bounded = found.head <= data_end && (number == 0 || found.head == 0);
        if !bounded || found.head > STREAM_HEAD_BYTES_MAX {
            return None;
        }
        let rest = payload.slice(data_end..);
        let end = match (found.bytes.zip(found.crc32), found.broken) {
            (Some(_), Some(_)) => return None,
            (Some(_), None) if tail > STREAM_HEAD_BYTES_MAX => return None,
            (Some((bytes, crc32)), None) => Some(End::Whole { trailers: found.trailers.map(|_| rest), bytes, crc32 }),
            (None, Some(_)) if tail > ERROR_BYTES_MAX || found.trailers.is_some() => return None,
            (None, Some(_)) => Some(End::Broken(String::from_utf8_lossy(&rest).into_owned())),
            (None, None) if found.trailers.is_some() => return None,
            (None, None) => None,
        };
        Some(Self { number, head: payload.slice(..found.head), data: payload.slice(found.head..data_end), end })
    }
}

impl Found {
    fn new(text: &str) -> Option<Self> {
        let mut found = Self::default();
        let mut head = None;
        for (name, value) in fields(text) {
            let twice = match name {
                "head" => head.replace(value.parse().ok()?).is_some(),
                "trailers" => found.trailers.replace(value.parse().ok()?).is_some(),
                "broken" => found.broken.replace(value.parse().ok()?).is_some(),
                "bytes" => found.bytes.replace(value.parse().ok()?).is_some(),
                "crc32" => found.crc32.replace(u32::from_str_radix(value, 16).ok()?).is_some(),
                _ => false,
            };
            if twice {
                return None;
            }
        }
        found.head = head.unwrap_or_default();
        Some(found)
    }
}

/// All of it in one piece; nothing is copied where there is one piece only.
fn joined(head: &Bytes, data: &Bytes, tail: &[u8]) -> Bytes {
    if head.is_empty() && tail.is_empty() {
        return data.clone();
    }
    let mut whole = BytesMut::with_capacity(head.len() + data.len() + tail.len());
    whole.extend_from_slice(head);
    whole.extend_from_slice(data);
    whole.extend_from_slice(tail);
    whole.freeze()
}
