//! Providers that are processes of their own, which need not be written with Lath: how they announce themselves, and how
//! hosts call them. docs/OUTSIDERS.md is the same for those who write one.
//!
//! | header of a call | content |
//! | --- | --- |
//! | `lath-contract` | the contract as the caller sees it |
//! | `lath-method` | the function |
//! | `lath-wire` | `json`, or the wire id of the payload |
//! | `lath-deadline` | what remains of the deadline, in milliseconds |
//! | `lath-caller` | the actor that calls, `app/name` |
//! | `lath-id` | what identifies the chain of calls, hexadecimal |
//! | `lath-depth` | how many calls wait for this one |
//! | `traceparent`, `tracestate` | W3C Trace Context, where the call is traced |
//!
//! A header each, where a call between hosts has one for all: whoever writes such a process reads them by name. A process
//! that announces [`Calls::Host`] is called as a host is, by [`crate::calls`]: it hears of callers that have gone, and
//! takes and gives payloads in chunks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::contract::ContractName;
use serde::{Deserialize, Serialize};

use crate::bus::Message;
use crate::call::{EnvelopeError, Target, Trace, Word, trace};
use crate::limits::{ANNOUNCED_CONTRACTS_MAX, ANNOUNCEMENT_BYTES_MAX};
use crate::subject::Subject;

/// The wire id of payloads in JSON.
pub const JSON: &str = "json";

const CONTRACT: &str = "lath-contract";
const METHOD: &str = "lath-method";
const WIRE: &str = "lath-wire";
const DEADLINE: &str = "lath-deadline";
const CALLER: &str = "lath-caller";
const ID: &str = "lath-id";
const DEPTH: &str = "lath-depth";

/// What a process says of itself, once a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The contracts on which it answers.
    pub contracts: Vec<ContractName>,
    /// What its payloads are written in: [`JSON`], or a wire id.
    pub wire: Word,
    /// How calls of it are written.
    pub calls: Calls,
    /// It takes no more calls.
    pub leaving: bool,
}

/// How calls of a process are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calls {
    /// With a header each: [`ProcessCall`].
    #[default]
    Headers,
    /// As calls of hosts are: [`crate::call::Call`].
    Host,
}

impl Calls {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_headers(&self) -> bool {
        *self == Self::Headers
    }
}

#[derive(Serialize, Deserialize)]
struct AnnouncementWire {
    contracts: Vec<String>,
    wire: String,
    #[serde(default, skip_serializing_if = "Calls::is_headers")]
    calls: Calls,
    #[serde(default, skip_serializing_if = "is_false")]
    leaving: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Announcement {
    /// The announcement as a message on `subject`.
    pub fn to_message(&self, subject: Subject) -> Message {
        let contracts = self.contracts.iter().map(ToString::to_string).collect();
        let Self { wire, calls, leaving, .. } = self;
        let wire = AnnouncementWire { contracts, wire: wire.to_string(), calls: *calls, leaving: *leaving };
        // Strings and a truth value are always JSON.
        Message::new(subject, serde_json::to_vec(&wire).unwrap_or_default())
    }

    /// Reads an announcement. What is not known here is passed over.
    pub fn from_message(message: &Message) -> Result<Self, EnvelopeError> {
        let error =
            |reason| EnvelopeError { subject: message.subject.to_string(), expected: "an announcement", reason };
        let bytes = message.payload.len();
        if bytes > ANNOUNCEMENT_BYTES_MAX {
            return Err(error(format!("it has {bytes} bytes; {ANNOUNCEMENT_BYTES_MAX} are the most")));
        }
        let wire: AnnouncementWire = serde_json::from_slice(&message.payload).map_err(|e| error(e.to_string()))?;
        if wire.contracts.len() > ANNOUNCED_CONTRACTS_MAX {
            let found = wire.contracts.len();
            return Err(error(format!("it names {found} contracts; {ANNOUNCED_CONTRACTS_MAX} are the most")));
        }
        let contracts = wire.contracts.iter().map(|name| name.parse().map_err(|e| error(format!("contracts: {e}"))));
        Ok(Self {
            contracts: contracts.collect::<Result<_, _>>()?,
            wire: wire.wire.parse().map_err(|e| error(format!("wire: {e}")))?,
            calls: wire.calls,
            leaving: wire.leaving,
        })
    }

    /// Whether the process answers `contract`.
    pub fn serves(&self, contract: &ContractName) -> bool {
        self.contracts.iter().any(|offered| offered == contract || offered.serves(contract))
    }
}

/// A call of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessCall {
    /// The contract as the caller sees it.
    pub contract: ContractName,
    /// The function.
    pub method: Word,
    /// What the payload is written in.
    pub wire: Word,
    /// When the caller stops waiting. On the way it is what remains.
    pub deadline: Instant,
    /// The actor that calls.
    pub caller: Target,
    /// What identifies the chain of calls.
    pub chain: u128,
    /// How many calls wait for this one.
    pub depth: u32,
    /// Trace context.
    pub trace: Option<Arc<Trace>>,
    /// The parameters.
    pub payload: Bytes,
}

impl ProcessCall {
    /// The call as a message on `subject`, which goes off at `now`.
    pub fn to_message(&self, subject: Subject, now: Instant) -> Message {
        // Rounded up: a deadline of less than a millisecond has not passed yet.
        let remaining = self.deadline.saturating_duration_since(now).as_micros().div_ceil(1000);
        let message = Message::new(subject, self.payload.clone())
            .with(CONTRACT, self.contract.to_string())
            .with(METHOD, self.method.to_string())
            .with(WIRE, self.wire.to_string())
            .with(DEADLINE, remaining.to_string())
            .with(CALLER, self.caller.to_string())
            .with(ID, format!("{:032x}", self.chain))
            .with(DEPTH, self.depth.to_string());
        trace::write(message, self.trace.as_deref())
    }

    /// Reads a call that came at `now`. Its deadline is at most [`model::limits::DEADLINE_MAX`] away.
    pub fn from_message(message: &Message, now: Instant) -> Result<Self, EnvelopeError> {
        let error = |reason| EnvelopeError { subject: message.subject.to_string(), expected: "a call", reason };
        let header =
            |name: &'static str| message.headers.get(name).ok_or_else(|| error(format!("header `{name}` is missing")));
        let bad = |name: &str, reason: &dyn std::fmt::Display| error(format!("header `{name}`: {reason}"));
        let millis: u64 = header(DEADLINE)?.parse().map_err(|e| bad(DEADLINE, &e))?;
        let remaining = Duration::from_millis(millis).min(model::limits::DEADLINE_MAX);
        Ok(Self {
            contract: header(CONTRACT)?.parse().map_err(|e| bad(CONTRACT, &e))?,
            method: header(METHOD)?.parse().map_err(|e| bad(METHOD, &e))?,
            wire: header(WIRE)?.parse().map_err(|e| bad(WIRE, &e))?,
            deadline: now.checked_add(remaining).unwrap_or(now),
            caller: header(CALLER)?.parse().map_err(|e| bad(CALLER, &e))?,
            chain: u128::from_str_radix(header(ID)?, 16).map_err(|e| bad(ID, &e))?,
            depth: header(DEPTH)?.parse().map_err(|e| bad(DEPTH, &e))?,
            trace: trace::read(message).map_err(error)?,
            payload: message.payload.clone(),
        })
    }
}
