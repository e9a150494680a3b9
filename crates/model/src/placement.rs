//! Where things run: the half of a blueprint that the hosts of a lattice agree on.
//!
//! What an application runs ([`crate::blueprint::Blueprint`]) follows from its intent alone, so every host derives it;
//! where it runs is decided by a planner, numbered, and the same for all.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
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
    /// The hosts of each actor that is called by itself; none where no host can take it.
    pub actors: BTreeMap<ActorName, BTreeSet<HostName>>,
    /// The hosts of each provider that runs inside hosts. One with state of its own host has one at most.
    pub providers: BTreeMap<ProviderName, BTreeSet<HostName>>,
}

impl AppPlacement {
    /// Every host that runs something of the application.
    pub fn hosts(&self) -> BTreeSet<&HostName> {
        self.actors.values().chain(self.providers.values()).flatten().collect()
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
}
