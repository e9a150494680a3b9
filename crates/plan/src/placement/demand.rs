//! What an application asks of hosts: which of its parts stand together, on how many hosts, and on which.

use std::collections::BTreeSet;

use model::blueprint::Blueprint;
use model::digest::Digest;
use model::ids::{ActorName, AppName, LabelKey, Labels, ProviderName};
use model::placement::{Refusal, Replicas, Share};

use super::groups::groups;
use crate::findings::Findings;
use crate::intent::{Intent, Inventory};
use crate::problem::Problem;

/// What one application asks of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The application.
    pub application: AppName,
    /// The version of its intent.
    pub version: u64,
    /// The document of that intent.
    pub intent: Digest,
    /// The share of calls that it is to have beside the version before, where another than usual is asked for.
    pub share: Option<Share>,
    /// The newer version that was refused, in whose place this one runs again.
    pub refused: Option<Refusal>,
    /// What stands together, in order of names. Each actor that is called by itself is in one group.
    pub groups: Vec<Group>,
}

/// Actors and providers that stand on the same hosts, because messages between them may not leave a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The actors; none where a provider with local state is reached over the lattice alone.
    pub actors: BTreeSet<ActorName>,
    /// The providers that run beside them. One with shared state may be in several groups.
    pub providers: BTreeSet<ProviderName>,
    /// Those of the providers that keep their state on one host: the group never moves from it.
    pub local: BTreeSet<ProviderName>,
    /// The kinds of provider that a host must offer.
    pub kinds: BTreeSet<String>,
    /// How many hosts run it; one where it has local state.
    pub replicas: Replicas,
    /// The label over whose values it is spread.
    pub spread: Option<LabelKey>,
    /// The labels that a host must have.
    pub on: Labels,
}

impl Group {
    /// True where it holds local state: it has one host, and keeps it.
    pub fn pinned(&self) -> bool {
        !self.local.is_empty()
    }

    /// The name of one of its parts, by which it is known among the groups of its application.
    pub(super) fn name(&self) -> &str {
        let provider = || self.local.first().map(ProviderName::as_str);
        self.actors.first().map(ActorName::as_str).or_else(provider).unwrap_or_default()
    }
}

/// What an application asks of hosts. `version` and `document` are those of its intent; `blueprint` is the plan of it.
///
/// # Errors
///
/// Place rules that cannot be met together: of actors that must share hosts, and several replicas beside local state.
/// [`crate::plan()`] finds the same, so there are none for its blueprint.
pub fn demand(
    intent: &Intent,
    blueprint: &Blueprint,
    inventory: &Inventory,
    version: u64,
    document: Digest,
) -> Result<Demand, Vec<Problem>> {
    let mut findings = Findings::default();
    let groups = groups(intent, blueprint, inventory, &mut findings);
    findings.into_result()?;
    let application = blueprint.application.clone();
    Ok(Demand { application, version, intent: document, share: None, refused: None, groups })
}
