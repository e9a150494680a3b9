//! Parts that are asked whether they are ready.

use std::collections::BTreeMap;

use model::ids::AppName;

use super::Effect;
use super::app::{App, Linked, Part, Phase, Set};
use super::part::{Ids, PartId, PartName};

impl App {
    pub(super) fn proved(&mut self, id: PartId) {
        if let Some(part) = self.asked(id) {
            part.phase = Phase::Ready;
        }
    }

    /// A version that was to take over from another on trial is refused; else the part is asked again after a pause.
    pub(super) fn unready(&mut self, id: PartId, reason: String, ids: &mut Ids) {
        let Some(part) = self.asked(id) else { return };
        part.phase = Phase::Unready;
        let (Some(wanted), Some(serving)) = (&self.wanted, &self.serving) else { return };
        let is_tried = wanted.deployment.trial.is_some() && wanted.version() != serving.version();
        if is_tried && wanted.parts.values().any(|part| *part == id) {
            self.refuse(wanted.version(), reason, ids);
        }
    }

    fn asked(&mut self, id: PartId) -> Option<&mut Part> {
        self.parts.get_mut(&id).filter(|part| part.phase == Phase::Asked)
    }

    /// Asks what has started, once nothing else of what is wanted is starting: parts may call each other to find out.
    pub(super) fn prove(&mut self, app: &AppName) -> Vec<Effect> {
        let mut asked = Vec::new();
        if !self.wants(Phase::Starting) {
            for id in self.wanted.iter().flat_map(|wanted| wanted.parts.values()) {
                if let Some(part) = self.parts.get_mut(id).filter(|part| part.phase == Phase::Started) {
                    part.phase = Phase::Asked;
                    asked.push(*id);
                }
            }
        }
        let linked = self.links().filter(|_| self.wants(Phase::Asked));
        if linked == self.linked && asked.is_empty() {
            return Vec::new();
        }
        self.linked = linked.clone();
        let effect =
            linked.map(|((version, parts), beside)| Effect::Prove { app: app.clone(), version, parts, beside, asked });
        effect.into_iter().collect()
    }

    /// True where something that is wanted is in that phase.
    fn wants(&self, phase: Phase) -> bool {
        let mut wanted = self.wanted.iter().flat_map(|wanted| wanted.parts.values());
        wanted.any(|id| self.parts.get(id).is_some_and(|part| part.phase == phase))
    }

    /// How what is wanted is linked before it serves.
    fn links(&self) -> Option<Linked> {
        let wanted = self.wanted.as_ref()?;
        let is_up = |id: &PartId| self.parts.get(id).is_some_and(|part| part.phase.is_up());
        let parts: BTreeMap<PartName, PartId> =
            wanted.parts.iter().filter(|(_, id)| is_up(id)).map(|(name, id)| (name.clone(), *id)).collect();
        Some(((wanted.version(), parts), self.serving.as_ref().map(Set::told)))
    }
}
