//! What a host tells of itself, and its lease.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use model::ids::{ActorName, AppName, HostName, Labels, ProviderName};
use model::placement::{Ready, Refusal};

use super::Incarnation;
use super::wire::clipped;
use crate::limits::REASON_BYTES_MAX;
use crate::secrets::SealingKey;

/// What a host tells of itself, on change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// Its name.
    pub name: HostName,
    /// Which life of that host.
    pub incarnation: Incarnation,
    /// The version of lath that it is.
    pub version: String,
    /// Its labels.
    pub labels: Labels,
    /// What secrets are sealed to for it; none of a host that cannot open any.
    pub sealing: Option<SealingKey>,
    /// Settings that it gives to actors in the place of their manifests', without the values. The first
    /// [`crate::limits::SETTINGS_TOLD_MAX`] are told.
    pub settings: BTreeSet<OwnSetting>,
    /// True where it takes nothing new and gives away what it has.
    pub draining: bool,
    /// True where it may plan.
    pub planner: bool,
    /// Where its ingress listens; none where it has none.
    pub listen: Option<SocketAddr>,
    /// True where the ingress speaks TLS.
    pub secure: bool,
    /// The kinds of provider that it offers, such as `keyvalue/embedded`.
    pub kinds: BTreeSet<String>,
    /// The providers whose state is in its data folder, whether they run or not.
    pub states: BTreeSet<(AppName, ProviderName)>,
    /// Whether what the lattice stores outlives a power cut, as far as this host could find out.
    pub storage: Storage,
    /// What it has ready, by application.
    pub ready: BTreeMap<AppName, Ready>,
    /// Versions that failed here beside the one before, which serves again. The first [`crate::limits::FAILING_MAX`] are told.
    pub refused: BTreeMap<AppName, Refusal>,
    /// What is placed on it and does not come up. The first [`crate::limits::FAILING_MAX`] are told.
    pub failing: Vec<Failing>,
    /// What serves here, though what it needs fails it. The first [`crate::limits::FAILING_MAX`] are told.
    pub unwell: Vec<Failing>,
}

/// A setting that a host gives to an actor in the place of its manifest's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnSetting {
    /// The application.
    pub app: AppName,
    /// The actor.
    pub actor: ActorName,
    /// The key, as the host has it; what is longer than [`REASON_BYTES_MAX`] bytes is cut off.
    pub key: String,
    /// Where the host has it from, such as `file` or `environment`.
    pub from: String,
}

/// Whether what the lattice stores outlives a power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// It does: servers write to the disk before they acknowledge.
    Safe,
    /// It does not.
    Unsafe {
        /// Why, and what to do.
        reason: String,
    },
    /// It could not be found out.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Something of an application that does not come up on a host, or is not well there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The application.
    pub app: AppName,
    /// What of it; none where it is all of it.
    pub part: Option<Part>,
    /// Why; what is longer than [`REASON_BYTES_MAX`] bytes is cut off.
    pub reason: String,
}

impl Failing {
    /// The reason is cut to what is told of it.
    pub fn new(app: AppName, part: Option<Part>, reason: &str) -> Self {
        Self { app, part, reason: clipped(reason, REASON_BYTES_MAX).to_owned() }
    }
}

/// What runs on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// An actor.
    Actor(ActorName),
    /// A provider.
    Provider(ProviderName),
}

/// The value of a host's lease. That it was renewed is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which life of the host holds it.
    pub incarnation: Incarnation,
}
