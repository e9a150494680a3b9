//! How far an executor is, to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::{ActorName, AppName, ProviderName};
use model::placement::Refusal;

use super::load::LoadError;
use super::state::{PartName, Stage};

/// How far an executor is.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Each application of which something runs, starts or drains.
    pub apps: BTreeMap<AppName, AppStatus>,
    /// Changes of what was asked for that have been taken up.
    pub wishes: u64,
}

/// How far an application is.
#[derive(Clone, Debug, Default)]
pub struct AppStatus {
    /// The version that serves; none where nothing does.
    pub version: Option<u64>,
    /// The actors that serve.
    pub actors: BTreeSet<ActorName>,
    /// The providers that serve.
    pub providers: BTreeSet<ProviderName>,
    /// Parts that serve in a version which has a share of the calls.
    pub tried: BTreeSet<PartName>,
    /// The version that is wanted; none where the application leaves.
    pub wanted: Option<u64>,
    /// Wanted parts that have not started yet.
    pub starting: BTreeSet<PartName>,
    /// Wanted parts that could not be started, with the last reason. They are tried again.
    pub failing: BTreeMap<PartName, Arc<LoadError>>,
    /// Parts that finish what they do.
    pub retiring: usize,
    /// What a version that may be refused has of the calls.
    pub stage: Option<Stage>,
    /// The version that was gone back from, since it was worse than the one that serves.
    pub refused: Option<Refusal>,
}

impl AppStatus {
    /// True where all that is wanted serves.
    pub fn is_whole(&self) -> bool {
        self.wanted.is_some() && self.version == self.wanted && self.starting.is_empty() && self.failing.is_empty()
    }
}
