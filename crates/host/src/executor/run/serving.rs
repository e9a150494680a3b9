//! What serves: the parts of a version, linked.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::AppName;

use super::Run;
use crate::executor::load::Part;
use crate::executor::state::{PartId, PartName, Tried};
use crate::router::{self, Running, Targets};

impl Run {
    /// What serves: the parts that run, linked as the version's blueprint says.
    pub(super) fn served(&self, app: &AppName, version: u64, parts: &BTreeMap<PartName, PartId>) -> Option<Running> {
        let blueprint = Arc::clone(&self.state.deployment(app, version)?.blueprint);
        let targets = Targets::new(Arc::clone(&blueprint));
        let mut running = Running { version, targets, outboxes: BTreeMap::new(), tried: None };
        for (name, id) in parts {
            match (name, self.running.get(id)) {
                (PartName::Actor(name), Some(Part::Actor { actor, outbox, .. })) => {
                    let Some(plan) = blueprint.composites.get(name).cloned().map(Arc::new) else { continue };
                    running.targets.actors.insert(name.clone(), (actor.clone(), plan));
                    running.outboxes.insert(name.clone(), Arc::clone(outbox));
                }
                (PartName::Provider(name), Some(Part::Provider { provider, .. })) => {
                    running.targets.providers.insert(name.clone(), Arc::clone(provider));
                }
                _ => {}
            }
        }
        Some(running)
    }

    /// The same, with a version that has a share of the calls. What both have in common stays linked as it is.
    pub(super) fn trying(
        &self,
        app: &AppName,
        mut running: Running,
        parts: &BTreeMap<PartName, PartId>,
        tried: Option<Tried>,
    ) -> Running {
        let served = tried.as_ref().and_then(|tried| self.served(app, tried.version, &tried.parts));
        let (Some(Tried { parts: its_parts, share, .. }), Some(mut newer)) = (tried, served) else {
            return running;
        };
        newer.outboxes.retain(|actor, _| {
            let name = PartName::Actor(actor.clone());
            its_parts.get(&name) != parts.get(&name)
        });
        for actor in newer.outboxes.keys().filter(|actor| running.targets.actors.contains_key(*actor)) {
            if let Some((composite, plan)) = newer.targets.actors.get(actor) {
                let tried = router::Tried::new(composite.clone(), Arc::clone(plan), share);
                running.targets.tried.insert(actor.clone(), tried);
            }
        }
        running.targets.other = Some(Arc::new(newer.targets.clone()));
        running.tried = Some(Box::new(newer));
        running
    }
}
