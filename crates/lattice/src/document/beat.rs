//! The beat of a host: what it tells twice a second, on the bus.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::ids::HostName;
use serde::{Deserialize, Serialize};

use super::wire::{Kind, Text, write};
use super::{Document, DocumentError, Incarnation};
use crate::call::Target;
use crate::limits::{BEAT_BYTES_MAX, NOT_READY_MAX};

/// What a host tells of itself twice a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Who beats.
    pub host: HostName,
    /// Which life of that host.
    pub incarnation: Incarnation,
    /// The number of the beat in that life.
    pub sequence: u64,
    /// Calls that it runs.
    pub running: u32,
    /// Calls that it could run.
    pub capacity: u32,
    /// How far it is.
    pub phase: Phase,
    /// The newest generation of its share that it has taken up.
    pub generation: u64,
    /// What is placed on it and does not answer yet. The first [`NOT_READY_MAX`] are told; a call to another is
    /// answered *not started*.
    pub not_ready: BTreeSet<Target>,
}

/// How far a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has not joined yet, or must join again: it takes no calls.
    Joining,
    /// It takes calls.
    Open,
    /// It takes calls as long as nobody else can.
    Draining,
}

const KIND: Kind = Kind { name: Beat::NAME, format: 1, bytes_max: BEAT_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Wire {
    format: u32,
    host: Text<HostName>,
    incarnation: u64,
    sequence: u64,
    running: u32,
    capacity: u32,
    phase: Phase,
    generation: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_ready: Vec<Text<Target>>,
}

impl Document for Beat {
    const NAME: &'static str = "beat of a host";

    fn encode(&self) -> Bytes {
        let Self { host, incarnation, sequence, running, capacity, phase, generation, not_ready } = self;
        write(&Wire {
            format: KIND.format,
            host: Text(host.clone()),
            incarnation: incarnation.0,
            sequence: *sequence,
            running: *running,
            capacity: *capacity,
            phase: *phase,
            generation: *generation,
            not_ready: not_ready.iter().take(NOT_READY_MAX).cloned().map(Text).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let wire: Wire = KIND.read(bytes)?;
        let Wire { host, incarnation, sequence, running, capacity, phase, generation, not_ready, .. } = wire;
        Ok(Self {
            host: host.0,
            incarnation: Incarnation(incarnation),
            sequence,
            running,
            capacity,
            phase,
            generation,
            not_ready: not_ready.into_iter().map(|target| target.0).collect(),
        })
    }
}
