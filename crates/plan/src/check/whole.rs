//! The blueprint as a whole: which composites, providers and routes there are.

use std::collections::BTreeSet;

use model::blueprint::{CompositePlan, SenderPlan, Target, WIRE_1, WireTo};
use model::manifest::Route;

use super::asked::serves;
use super::{Checker, Violation};

impl<'a> Checker<'a> {
    pub(super) fn whole(&mut self) {
        let (intent, blueprint) = (self.intent, self.blueprint);
        let (planned, asked) = (&blueprint.application, &intent.manifest.application);
        self.require(blueprint.generation > 0, || Violation::Generation);
        self.require(planned == asked, || Violation::Application {
            planned: planned.to_string(),
            asked: asked.to_string(),
        });
        self.presence();
        self.providers();
        self.require(blueprint.routes == intent.manifest.routes, || Violation::Routes);
        for route in &blueprint.routes {
            self.route(route);
        }
    }

    fn presence(&mut self) {
        let called = self.called();
        for actor in &called {
            let present = self.blueprint.composites.contains_key(*actor);
            self.require(present, || Violation::Absent { actor: (*actor).clone() });
        }
        for actor in self.blueprint.composites.keys() {
            self.require(called.contains(actor), || Violation::Surplus { actor: actor.clone() });
        }
    }

    fn providers(&mut self) {
        let linked: BTreeSet<_> = self
            .senders()
            .filter_map(|sender| match &sender.link.target {
                Target::Provider(provider) => Some(provider),
                Target::Actor { .. } => None,
            })
            .collect();
        for (name, planned) in &self.blueprint.providers {
            let asked = self.intent.manifest.providers.get(name);
            let alike = asked.is_some_and(|asked| asked.kind == planned.kind && asked.config == planned.config);
            let known = self.inventory.offers.contains_key(&planned.kind);
            self.require(alike && known, || Violation::Provider { provider: name.clone() });
            self.require(linked.contains(name), || Violation::IdleProvider { provider: name.clone() });
        }
    }

    /// Every sender of every composite.
    fn senders(&self) -> impl Iterator<Item = &'a SenderPlan> + use<'a> {
        self.blueprint.composites.values().flat_map(senders)
    }

    fn route(&mut self, route: &Route) {
        let ingress = &self.inventory.ingress;
        let receivers = self.blueprint.composites.get(&route.to).map(|composite| composite.receivers.as_slice());
        let answers = receivers
            .unwrap_or_default()
            .iter()
            .any(|receiver| serves(&receiver.contract, ingress) && receiver.adapter.wire() == WIRE_1);
        self.require(answers, || Violation::RouteUnanswered { route: route.path.to_string(), actor: route.to.clone() });
    }
}

/// The senders of a composite.
pub(super) fn senders(composite: &CompositePlan) -> impl Iterator<Item = &SenderPlan> {
    composite.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(sender),
        WireTo::Member { .. } => None,
    })
}
