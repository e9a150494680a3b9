//! The blueprint as a whole: which composites, providers and routes there are.

use std::collections::BTreeSet;

use model::blueprint::{ClientGrant, CompositePlan, NativePlan, ReceiverPlan, SenderPlan, Target, WireTo};
use model::contract::ContractName;
use model::ids::{ClientName, ProviderName};
use model::manifest::{EXTERNAL, MayCall, Route};

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
        let (planned, asked) = (blueprint.wire, intent.wires.send);
        self.require(planned == asked, || Violation::SentWire { planned, asked });
        self.presence();
        self.providers();
        self.require(blueprint.routes == intent.manifest.routes, || Violation::Routes);
        for route in &blueprint.routes {
            self.route(route);
        }
        self.clients();
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
        let sent = self.senders().filter_map(|sender| match &sender.link.target {
            Target::Provider(provider) => Some(provider),
            Target::Actor { .. } => None,
        });
        let met = self.blueprint.composites.values().flat_map(natives).flat_map(NativePlan::providers);
        let linked: BTreeSet<_> = sent.chain(met).collect();
        for (name, planned) in &self.blueprint.providers {
            let asked = self.intent.manifest.providers.get(name);
            let alike = asked.is_some_and(|asked| asked.kind == planned.kind && asked.config == planned.config);
            let known = match &planned.external {
                Some(contracts) => planned.kind == EXTERNAL && *contracts == self.called_of(name),
                None => self.inventory.offers.contains_key(&planned.kind),
            };
            self.require(alike && known, || Violation::Provider { provider: name.clone() });
            self.require(linked.contains(name), || Violation::IdleProvider { provider: name.clone() });
        }
    }

    /// The contracts of the senders that lead to a provider, and of the bridges.
    fn called_of(&self, provider: &ProviderName) -> BTreeSet<ContractName> {
        let to = Target::Provider(provider.clone());
        let sent = self.senders().filter(|sender| sender.link.target == to).map(|sender| &sender.contract);
        let met = self.blueprint.composites.values().flat_map(natives);
        let met = met.filter(|native| native.providers().contains(provider));
        let bridged = met.filter_map(|native| native.bridge.as_ref()).map(|bridge| &bridge.contract);
        sent.chain(bridged).map(|contract| contract.name.clone()).collect()
    }

    /// Each client may call the receivers of the contracts that the manifest grants it, and nothing else.
    fn clients(&mut self) {
        let asked = &self.intent.manifest.clients;
        let strangers = self.blueprint.clients.keys().filter(|client| !asked.contains_key(*client));
        let wrong = asked.iter().filter(|(client, may)| !self.is_granted(client, may)).map(|(client, _)| client);
        let wrong: BTreeSet<_> = strangers.chain(wrong).cloned().collect();
        self.violations.extend(wrong.into_iter().map(|client| Violation::Clients { client }));
    }

    fn is_granted(&self, client: &ClientName, may: &BTreeSet<MayCall>) -> bool {
        let Some(planned) = self.blueprint.clients.get(client) else { return false };
        let meant = |may: &MayCall, name: &ContractName| {
            *name == may.contract || (may.contract.version.is_none() && name.same_interface(&may.contract))
        };
        let right = |grant: &ClientGrant| {
            let composite = self.blueprint.composites.get(&grant.actor);
            let receiver =
                composite.and_then(|composite| composite.receivers.iter().find(|one| one.label == grant.receiver));
            let is_plain = |one: &ReceiverPlan| one.via.is_empty() && one.contract.name == grant.contract;
            receiver.is_some_and(|one| is_plain(one) && one.adapter.version().is_some())
                && may.iter().any(|may| may.actor == grant.actor && meant(may, &grant.contract))
        };
        let met = |may: &MayCall| {
            let receivers = self.blueprint.composites.get(&may.actor).map(|composite| composite.receivers.iter());
            let meant: BTreeSet<_> = receivers
                .into_iter()
                .flatten()
                .filter(|one| one.via.is_empty() && meant(may, &one.contract.name))
                .map(|one| &one.contract.name)
                .collect();
            let granted = planned.iter().filter(|grant| grant.actor == may.actor).map(|grant| &grant.contract);
            !meant.is_empty() && meant.is_subset(&granted.collect())
        };
        planned.iter().all(right) && may.iter().all(met)
    }

    /// Every sender of every composite.
    fn senders(&self) -> impl Iterator<Item = &'a SenderPlan> + use<'a> {
        self.blueprint.composites.values().flat_map(senders)
    }

    fn route(&mut self, route: &Route) {
        let ingress = &self.inventory.ingress;
        let answers = self.blueprint.composites.get(&route.to).is_some_and(|composite| {
            let mut receivers = composite.receivers.iter();
            composite.entrance(&route.via).is_some()
                || receivers.any(|receiver| {
                    serves(&receiver.contract, ingress)
                        && receiver.adapter.version().is_some()
                        && composite.is_chain(&receiver.via, &route.via)
                })
        });
        self.require(answers, || Violation::RouteUnanswered { route: route.path.to_string(), actor: route.to.clone() });
    }
}

/// The senders of a composite.
pub(super) fn senders(composite: &CompositePlan) -> impl Iterator<Item = &SenderPlan> {
    composite.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(sender),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    })
}

/// The imports of a composite that the host meets itself.
pub(super) fn natives(composite: &CompositePlan) -> impl Iterator<Item = &NativePlan> {
    composite.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Native(native) => Some(native),
        WireTo::Member { .. } | WireTo::Sender(_) => None,
    })
}
