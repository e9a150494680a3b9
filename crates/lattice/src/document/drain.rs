//! An operator's wish that a host drains.

use bytes::Bytes;
use model::ids::HostName;
use serde::{Deserialize, Serialize};

use super::wire::{Kind, Text, write};
use super::{Author, Document, DocumentError, Incarnation, UnixMillis};
use crate::limits::VALUE_BYTES_MAX;

/// The pattern of the keys of [`Drain`]s in the bucket `intent`.
pub const DRAINS: &str = "_host.*";

/// The key of a host's [`Drain`] in the bucket `intent`, where operators alone write. No application has such a name, and
/// a pattern of one token, such as `*`, passes over it.
pub fn drain_key(host: &HostName) -> String {
    format!("_host.{host}")
}

/// An operator's wish that a host drains and ends. It concerns one life of the host: one that starts later serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The life that is to end.
    pub incarnation: Incarnation,
    /// True where it is to end even though something cannot be moved away.
    pub force: bool,
    /// Who asked.
    pub by: Author,
    /// When, by the clock of whoever asked.
    pub at: UnixMillis,
}

const DRAIN: Kind = Kind { name: Drain::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DrainWire {
    format: u32,
    incarnation: u64,
    force: bool,
    by: Text<Author>,
    at: u64,
}

impl Document for Drain {
    const NAME: &'static str = "wish that a host drains";

    fn encode(&self) -> Bytes {
        let Self { incarnation, force, by, at } = self;
        let by = Text(by.clone());
        write(&DrainWire { format: DRAIN.format, incarnation: incarnation.0, force: *force, by, at: at.0 })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let DrainWire { incarnation, force, by, at, .. } = DRAIN.read(bytes)?;
        Ok(Self { incarnation: Incarnation(incarnation), force, by: by.0, at: UnixMillis(at) })
    }
}
