//! A new version beside the one before it: first with a share of the calls, then in its place while that is kept.

use std::collections::BTreeMap;

use model::ids::ActorName;
use model::placement::{Refusal, Share};

use super::app::{App, Phase, Set};
use super::part::{Ids, PartId, PartName};
use crate::executor::deployment::Deployment;

/// What the newest version and the one before it are to each other.
#[derive(Debug)]
pub(super) enum Change {
    /// These parts of the version that is wanted have a share of the calls.
    Trying(BTreeMap<PartName, PartId>),
    /// The version that is wanted has taken over. What served before it is kept, to go back to.
    Watching(Set),
}

/// A version that has a share of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The version.
    pub version: u64,
    /// Its parts, those that it has in common with the version that serves among them.
    pub parts: BTreeMap<PartName, PartId>,
    /// How many of the calls.
    pub share: Share,
}

/// What is to be compared to judge a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The version.
    pub version: u64,
    /// What it has of the calls.
    pub stage: Stage,
    /// The actors that differ, each with its part of the version before and of this one.
    pub actors: BTreeMap<ActorName, (PartId, PartId)>,
}

/// What a version that is judged has of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A share.
    Trial,
    /// All.
    Watch,
}

impl Change {
    /// What has a share of the calls.
    pub(super) fn tried(&self) -> impl Iterator<Item = &PartName> {
        let parts = match self {
            Change::Trying(parts) => Some(parts),
            Change::Watching(_) => None,
        };
        parts.into_iter().flat_map(BTreeMap::keys)
    }

    /// What is kept to go back to.
    pub(super) fn kept(&self) -> Option<&Set> {
        match self {
            Change::Trying(_) => None,
            Change::Watching(kept) => Some(kept),
        }
    }
}

impl Tried {
    pub(super) fn new(deployment: &Deployment, parts: &BTreeMap<PartName, PartId>) -> Option<Self> {
        Some(Self { version: deployment.version, parts: parts.clone(), share: deployment.trial? })
    }
}

impl Set {
    /// True where this version is to show itself beside `before`: there is something of an actor to compare.
    pub(super) fn is_tried_beside(&self, before: &Set) -> bool {
        self.deployment.trial.is_some() && !replaced(&before.parts, &self.parts).is_empty()
    }
}

impl App {
    /// What is to be compared now.
    pub(super) fn comparison(&self) -> Option<Comparison> {
        let serving = self.serving.as_ref()?;
        match self.change.as_ref()? {
            Change::Trying(parts) => Some(Comparison {
                version: self.wanted.as_ref()?.version(),
                stage: Stage::Trial,
                actors: replaced(&serving.parts, parts),
            }),
            Change::Watching(kept) => Some(Comparison {
                version: serving.version(),
                stage: Stage::Watch,
                actors: replaced(&kept.parts, &serving.parts),
            }),
        }
    }

    /// What a version that may be refused has of the calls. One that changes no actor is not judged.
    pub(super) fn stage(&self) -> Option<Stage> {
        let judged = self.comparison().filter(|comparison| !comparison.actors.is_empty());
        judged.map(|comparison| comparison.stage)
    }

    /// True where a version has yet to show itself good with a share of the calls.
    pub(super) fn is_on_trial(&self, wanted: &Set, before: &Set) -> bool {
        wanted.is_tried_beside(before) && self.proven != Some(wanted.version())
    }

    /// The parts of `wanted`; where one cannot be open beside that of `before`, and is not open yet, the one that is.
    pub(super) fn standing(&self, wanted: &Set, before: &Set) -> BTreeMap<PartName, PartId> {
        let stands = |name: &PartName, id: PartId| {
            let waits = self.parts.get(&id).is_some_and(|part| part.spec.is_local() && part.phase != Phase::Ready);
            before.parts.get(name).copied().filter(|_| waits).unwrap_or(id)
        };
        wanted.parts.iter().map(|(name, id)| (name.clone(), stands(name, *id))).collect()
    }

    /// The version may take over, or is trusted from now on; where it is refused, what served before serves again.
    pub(super) fn judged(&mut self, version: u64, refused: Option<String>, ids: &mut Ids) {
        if self.comparison().is_none_or(|comparison| comparison.version != version) {
            return;
        }
        let Some(change) = self.change.take() else { return };
        let Some(reason) = refused else {
            if let Change::Trying(_) = change {
                (self.proven, self.change) = (Some(version), Some(change));
            }
            return;
        };
        if let Change::Watching(kept) = change {
            self.serving = Some(kept);
        }
        self.refuse(version, reason, ids);
    }

    /// What serves is wanted again.
    pub(super) fn refuse(&mut self, version: u64, reason: String, ids: &mut Ids) {
        self.refused = Some(Refusal { version, reason });
        // What it had that cannot be open twice may have given way already.
        let before = self.serving.as_ref().map(|serving| serving.deployment.clone());
        self.wanted = before.map(|before| self.set(before, ids));
    }
}

/// The actors that are another part in the newer of two versions.
fn replaced(
    before: &BTreeMap<PartName, PartId>,
    after: &BTreeMap<PartName, PartId>,
) -> BTreeMap<ActorName, (PartId, PartId)> {
    let pairs = before.iter().filter_map(|(name, old)| match (name, after.get(name)) {
        (PartName::Actor(actor), Some(new)) if new != old => Some((actor.clone(), (*old, *new))),
        _ => None,
    });
    pairs.collect()
}
