//! An application, to look at.

use std::collections::{BTreeMap, BTreeSet};

use model::placement::Refusal;

use super::app::{App, Phase, Set};
use super::part::{PartId, PartName};
use super::trial::{Change, Stage};

/// How an application is on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppView {
    /// The version that serves, and its parts that do.
    pub serving: Option<(u64, BTreeSet<PartName>)>,
    /// Parts of the version that has a share of the calls.
    pub tried: BTreeSet<PartName>,
    /// The version that is wanted; none where the application leaves.
    pub wanted: Option<u64>,
    /// Wanted parts that have not started yet, or are asked whether they are ready.
    pub starting: BTreeSet<PartName>,
    /// Wanted parts that could not be started at the last try, or did not say that they are ready.
    pub failed: BTreeMap<PartName, PartId>,
    /// Parts that finish what they do.
    pub retiring: usize,
    /// What a version that may be refused has of the calls.
    pub stage: Option<Stage>,
    /// The version that was gone back from.
    pub refused: Option<Refusal>,
}

impl App {
    pub(super) fn view(&self) -> AppView {
        let wanted = self.wanted.iter().flat_map(|set| &set.parts);
        let in_phase = |is_in: fn(Phase) -> bool| {
            let known = wanted.clone().filter_map(|(name, id)| Some((name.clone(), *id, self.parts.get(id)?.phase)));
            known.filter(move |(_, _, phase)| is_in(*phase)).map(|(name, id, _)| (name, id))
        };
        AppView {
            serving: self.serving.as_ref().map(|set| (set.version(), set.parts.keys().cloned().collect())),
            tried: self.change.iter().flat_map(Change::tried).cloned().collect(),
            wanted: self.wanted.as_ref().map(Set::version),
            starting: in_phase(Phase::is_coming).map(|(name, _)| name).collect(),
            failed: in_phase(|phase| matches!(phase, Phase::Failed | Phase::Unready)).collect(),
            retiring: self.parts.values().filter(|part| part.phase == Phase::Retiring).count(),
            stage: self.stage(),
            refused: self.refused.clone(),
        }
    }
}
