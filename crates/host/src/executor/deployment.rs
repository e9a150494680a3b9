//! What is to run of one application on this host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::blueprint::Blueprint;
use model::ids::{ActorName, ProviderName};
use model::placement::Share;

use super::parts::Parts;
use super::state::{PartName, Spec};
use crate::record::Recorder;

/// What is to run of one application on this host.
#[derive(Clone)]
pub struct Deployment {
    /// The version of its intent.
    pub version: u64,
    /// What the whole application runs, on all hosts.
    pub blueprint: Arc<Blueprint>,
    /// The actors to run here. Names that the blueprint does not have are passed over.
    pub actors: BTreeSet<ActorName>,
    /// The providers to run here.
    pub providers: BTreeSet<ProviderName>,
    /// Where the bytes of components come from.
    pub parts: Arc<dyn Parts>,
    /// The share of calls that it has beside the version before it until it is trusted; none where it takes over at once.
    pub trial: Option<Share>,
    /// Records one of its actors, while this runs; not on a lattice.
    pub recorder: Option<Recorder>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, actors, providers, .. } = self;
        write!(f, "version {version} of {}: {actors:?}, {providers:?}", self.blueprint.application)
    }
}

impl Deployment {
    /// All of the application.
    pub fn whole(version: u64, blueprint: Arc<Blueprint>, parts: Arc<dyn Parts>) -> Self {
        let actors = blueprint.composites.keys().cloned().collect();
        let providers = blueprint.providers.keys().cloned().collect();
        Self { version, blueprint, actors, providers, parts, trial: None, recorder: None }
    }

    /// True where nothing follows from the one that does not from the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.version == other.version
            && Arc::ptr_eq(&self.blueprint, &other.blueprint)
            && (&self.actors, &self.providers) == (&other.actors, &other.providers)
    }

    /// The parts, each with what it is made of.
    pub(super) fn specs(&self) -> BTreeMap<PartName, Spec> {
        let actors = self.actors.iter().filter_map(|name| {
            let plan = self.blueprint.composites.get(name)?;
            let recorder = self.recorder.clone().filter(|recorder| recorder.is_of(name));
            Some((PartName::Actor(name.clone()), Spec::Actor(Arc::new(plan.clone()), recorder)))
        });
        // Processes of their own are nothing to start here.
        let providers = self.providers.iter().filter_map(|name| {
            let plan = self.blueprint.providers.get(name).filter(|plan| plan.external.is_none())?.clone();
            let is_local = is_local(&plan.kind);
            Some((PartName::Provider(name.clone()), Spec::Provider { plan, is_local }))
        });
        actors.chain(providers).collect()
    }
}

/// True where the state of a kind of provider is its host's.
fn is_local(kind: &str) -> bool {
    provider::catalogue().iter().any(|known| known.name() == kind && known.state() == provider::State::Local)
}
