//! Versions of the wire: how generated adapters write values into messages.
//!
//! A new version is accepted everywhere before anybody sends it, and an old one is sent nowhere before it is no longer
//! accepted. [`Wires`] is one step of that.

use std::collections::BTreeSet;
use std::fmt;

use crate::blueprint::WIRE_1;
use crate::planted::Bug;

/// The wire id of version 2: as [`WIRE_1`], but elements of lists of numbers have the width that they have in memory.
pub const WIRE_2: &str = "lath/2";

/// One of the two adapters of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Turns typed calls into messages: exports the contract, imports `lath:wasmbus/sender`.
    Sender,
    /// Turns messages into typed calls: imports the contract, exports `lath:wasmbus/receiver`.
    Receiver,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        })
    }
}

/// A version of the wire that generated adapters speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WireVersion {
    /// The component model's value encoding: [`WIRE_1`].
    #[default]
    V1,
    /// The same with elements of a fixed width in lists of numbers: [`WIRE_2`].
    V2,
}

impl WireVersion {
    /// All versions, the oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The wire id, which calls and adapters carry.
    pub const fn id(self) -> &'static str {
        match self {
            Self::V1 => WIRE_1,
            Self::V2 => WIRE_2,
        }
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version with that wire id; none for the wires of hand-written adapters.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.id() == id)
    }

    /// The version with that number.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }
}

impl fmt::Display for WireVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The versions of the wire in which an application's generated adapters speak and listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wires {
    /// What its senders write.
    pub send: WireVersion,
    /// What its actors answer, each in a receiver of its own.
    pub accept: BTreeSet<WireVersion>,
}

impl Wires {
    /// True where each understands what the other sends: both can run at a time.
    pub fn meets(&self, other: &Self) -> bool {
        self.accept.contains(&other.send) && other.accept.contains(&self.send)
    }

    /// The next step on the way to sending and accepting `version` alone; none at the end of it. Each step meets the one
    /// before it.
    #[must_use]
    pub fn towards(&self, version: WireVersion) -> Option<Self> {
        let Self { send, accept } = self;
        if !accept.contains(&version) && !Bug::WireAtOnce.is_planted() {
            return Some(Self::new(*send, accept.iter().copied().chain([version])));
        }
        if *send != version {
            return Some(Self { send: version, accept: accept.clone() });
        }
        (accept.len() > 1).then(|| Self::new(version, [version]))
    }

    /// Senders write `send`, and actors answer each of `accept`.
    pub fn new(send: WireVersion, accept: impl IntoIterator<Item = WireVersion>) -> Self {
        Self { send, accept: accept.into_iter().collect() }
    }
}

impl Default for Wires {
    /// Version 1, both ways.
    fn default() -> Self {
        Self::new(WireVersion::V1, [WireVersion::V1])
    }
}
