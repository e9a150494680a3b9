//! Where things run: the half of a blueprint that the hosts of a lattice agree on.
//!
//! What an application runs ([`crate::blueprint::Blueprint`]) follows from its intent alone, so every host derives it;
//! where it runs is decided by a planner, numbered, and the same for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use crate::digest::Digest;
use crate::ids::{ActorName, AppName, HostName, LabelKey, Labels, ProviderName};

/// Where an actor may run, as its manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How many hosts run it; where absent one, or as many as an actor has that it is co-located with.
    pub replicas: Option<Replicas>,
    /// The label over whose values replicas are spread as evenly as can be.
    pub spread: Option<LabelKey>,
    /// The labels that a host must have.
    pub on: Labels,
}

/// How many hosts run an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// So many.
    Count(NonZeroU32),
    /// Every host that has the labels.
    Everywhere,
}

/// Who runs where, in a whole lattice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Grows by one with each change; nobody goes back.
    pub generation: u64,
    /// Each application's part.
    pub applications: BTreeMap<AppName, Arc<AppPlacement>>,
}

/// Who runs where, of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPlacement {
    /// The generation in which this last changed.
    pub generation: u64,
    /// The version of intent that is placed.
    pub version: u64,
    /// The document of that intent.
    pub intent: Digest,
    /// The last version that is known to be good, to go back to; none where this one is, or was gone back to.
    pub before: Option<Earlier>,
    /// The share of calls that it has beside the version before until it is trusted, where another than usual is asked for.
    pub share: Option<Share>,
    /// The newer version that a host refused, and that this one runs in place of.
    pub refused: Option<Refusal>,
    /// The hosts of each actor that is called by itself; none where no host can take it.
    pub actors: BTreeMap<ActorName, BTreeSet<HostName>>,
    /// The hosts of each provider that runs inside hosts. One with state of its own host has one at most.
    pub providers: BTreeMap<ProviderName, BTreeSet<HostName>>,
}

/// How many of a thousand calls a new version has until it is trusted: 1 at least, 1,000 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u16);

/// What a share is of.
const WHOLE: u16 = 1_000;

/// Why a text is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no share of calls: write a percentage from 0.1% to 100%, such as `5%`")]
pub struct ShareError {
    /// The refused text.
    pub text: String,
}

impl Share {
    /// So many of a thousand; none where that is nothing or more than all.
    pub const fn per_mille(calls: u16) -> Option<Self> {
        if calls == 0 || calls > WHOLE { None } else { Some(Self(calls)) }
    }

    /// True where the call after so many others is one of the share: they are spread evenly, and the first is one of them.
    pub const fn picks(self, earlier: u64) -> bool {
        let (whole, share) = (WHOLE as u64, self.0 as u64);
        (earlier % whole) * share % whole < share
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let error = || ShareError { text: text.to_owned() };
        let number = text.strip_suffix('%').ok_or_else(error)?;
        let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(tenths) || tenths.len() != 1 {
            return Err(error());
        }
        let calls = format!("{whole}{tenths}").parse().map_err(|_| error())?;
        Self::per_mille(calls).ok_or_else(error)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}%", self.0 / 10),
            tenths => write!(f, "{}.{tenths}%", self.0 / 10),
        }
    }
}

/// A version that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its number.
    pub version: u64,
    /// The document of its intent.
    pub intent: Digest,
}

/// A version that failed where it ran beside the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its number.
    pub version: u64,
    /// Why, in words.
    pub reason: String,
}

impl AppPlacement {
    /// Every host that runs something of the application.
    pub fn hosts(&self) -> BTreeSet<&HostName> {
        self.actors.values().chain(self.providers.values()).flatten().collect()
    }

    /// The version that runs, with its document.
    pub fn runs(&self) -> Earlier {
        Earlier { version: self.version, intent: self.intent }
    }
}

/// What a host has ready of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The version of intent.
    pub version: u64,
    /// The actors.
    pub actors: BTreeSet<ActorName>,
    /// The providers.
    pub providers: BTreeSet<ProviderName>,
    /// The version that has a share of the calls beside this one.
    pub tried: Option<u64>,
    /// True while the version before it is kept, to go back to.
    pub watched: bool,
}
