//! The wires of a member: each import met by what its link asks for.

use model::blueprint::{CompositePlan, LinkPlan, Member, NativePlan, SenderPlan, Target, WIRE_1, Wire, WireTo};
use model::contract::{Contract, ContractName, Room, failure_room};
use model::ids::{ActorName, ProviderName};
use model::manifest::{EXTERNAL, Link, LinkTarget, OnFailure, Reach};
use model::view::{Port, Shape};

use super::asked::{serves, travels};
use super::{Breach, Checker, Violation};
use crate::intent::State;
use crate::problem::Side;

/// Where a wire is.
#[derive(Clone, Copy)]
struct Site<'b> {
    root: &'b ActorName,
    composite: &'b CompositePlan,
    actor: &'b ActorName,
    port: &'b Port,
}

impl Site<'_> {
    fn violation(&self, breach: Breach) -> Violation {
        let (composite, actor, import) = (self.root.clone(), self.actor.clone(), self.port.label.clone());
        Violation::Import { composite, actor, import, breach }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn wires(&mut self, root: &ActorName, composite: &CompositePlan, member: &Member, imports: &[Port]) {
        for (index, wire) in member.wires.iter().enumerate() {
            let again = member.wires.iter().take(index).any(|earlier| earlier.import == wire.import);
            let known = imports.iter().any(|port| port.label == wire.import && port.shape != Shape::Types);
            self.require(known && !again, || Violation::Import {
                composite: root.clone(),
                actor: member.actor.clone(),
                import: wire.import.clone(),
                breach: Breach::StrayWire,
            });
        }
        for port in imports.iter().filter(|port| port.shape != Shape::Types) {
            let site = Site { root, composite, actor: &member.actor, port };
            self.import(site, member.wires.iter().find(|wire| wire.import == port.label));
        }
    }

    fn import(&mut self, site: Site<'_>, wire: Option<&Wire>) {
        match (self.asked(site.actor, site.port), wire) {
            (None, None) => self.require(self.met_by_host(site.port), || site.violation(Breach::Unmet)),
            (Some(_), None) => self.violations.push(site.violation(Breach::Unmet)),
            (None, Some(_)) => self.violations.push(site.violation(Breach::StrayWire)),
            (Some(link), Some(wire)) => match &wire.to {
                WireTo::Member { member, export } => self.fused(site, link, *member, export),
                WireTo::Sender(sender) => self.sender(site, link, sender),
                WireTo::Native(native) => self.native(site, link, native),
            },
        }
    }

    fn fused(&mut self, site: Site<'_>, link: &Link, member: usize, export: &str) {
        self.require(link.reach == Reach::Fused, || site.violation(Breach::OtherReach));
        let callee = site.composite.members.get(member).map(|member| &member.actor);
        let right = callee.is_some_and(|callee| link.to == LinkTarget::Actor(callee.clone()));
        self.require(right, || site.violation(Breach::OtherTarget));
        let given = callee.and_then(|callee| self.intent.components.get(callee)?.export(export)).and_then(travels);
        let served = match (travels(site.port), given, &site.port.contract, &link.contract) {
            (Some(wanted), Some(given), Some(_), _) => serves(given, wanted),
            (Some(wanted), Some(given), None, Some(stated)) => {
                given.name.same_interface(stated) && wanted.is_served_by(given).is_ok()
            }
            _ => false,
        };
        self.require(served, || site.violation(Breach::Unserved));
    }

    fn sender(&mut self, site: Site<'_>, link: &Link, sender: &SenderPlan) {
        let plan = &sender.link;
        self.require(plan.reach == link.reach && plan.reach != Reach::Fused, || site.violation(Breach::OtherReach));
        self.require(plan.deadline == self.intent.manifest.deadline_of(link), || site.violation(Breach::Deadline));
        let idempotent = plan.idempotent.iter().all(|function| link.idempotent.contains(function))
            && link
                .idempotent
                .iter()
                .all(|function| plan.idempotent.contains(function) == sender.contract.functions.contains_key(function));
        self.require(idempotent, || site.violation(Breach::Idempotent));
        let labelled =
            plan.actor == *site.actor && plan.import == site.port.label && plan.contract == sender.contract.name;
        self.require(labelled, || site.violation(Breach::LinkTable));
        self.require(shows(site.port, link, &sender.contract), || site.violation(Breach::Contract));
        let to = match &plan.target {
            Target::Actor { actor, .. } => LinkTarget::Actor(actor.clone()),
            Target::Provider(provider) => LinkTarget::Provider(provider.clone()),
        };
        self.require(to == link.to, || site.violation(Breach::OtherTarget));
        let answer = self.answer(plan, &sender.contract);
        self.require(answer.is_some(), || site.violation(Breach::Unserved));
        self.require(answer.is_none_or(|wire| wire == sender.adapter.wire()), || site.violation(Breach::Wire));
        let roomy = sender.contract.functions.values().all(|function| failure_room(function) != Room::None);
        let accepted = link.on_failure == Some(OnFailure::Trap);
        self.require(roomy || accepted || plan.reach != Reach::Lattice, || site.violation(Breach::NoRoom));
        self.adapter(site.root, Side::Sender, &sender.label, &sender.contract, &sender.adapter);
    }

    /// Met by the host itself: by the provider that the link names and those that it opens, each of which has the contract
    /// without messages, on every host where the actor runs.
    fn native(&mut self, site: Site<'_>, link: &Link, native: &NativePlan) {
        let plan = &native.link;
        let to_provider = match &plan.target {
            Target::Provider(provider) => link.to == LinkTarget::Provider(provider.clone()),
            Target::Actor { .. } => false,
        };
        self.require(to_provider && native.open == link.open, || site.violation(Breach::OtherTarget));
        let reach = if link.reach == Reach::Fused { Reach::Host } else { link.reach };
        self.require(plan.reach == reach, || site.violation(Breach::OtherReach));
        self.require(plan.deadline == self.intent.manifest.deadline_of(link), || site.violation(Breach::Deadline));
        self.require(plan.idempotent.is_empty(), || site.violation(Breach::Idempotent));
        let labelled = plan.actor == *site.actor && plan.import == site.port.label;
        self.require(labelled, || site.violation(Breach::LinkTable));
        let own = site.port.contract.as_ref() == Some(&plan.contract);
        self.require(own, || site.violation(Breach::Contract));
        let has_it = |provider: &ProviderName| {
            let kind = self.blueprint.providers.get(provider).map(|planned| planned.kind.as_str());
            kind.and_then(|kind| self.inventory.offers.get(kind)).is_some_and(|offer| {
                let near = offer.state == State::Shared || reach == Reach::Host;
                near && offer.natives.iter().any(|given| given.serves(&plan.contract))
            })
        };
        let served = native.providers().into_iter().all(has_it);
        self.require(served, || site.violation(Breach::Unserved));
    }

    /// The wire on which the target serves the contract, if it does.
    fn answer(&self, plan: &LinkPlan, wanted: &Contract) -> Option<&'a str> {
        match &plan.target {
            Target::Actor { actor, receiver: label } => {
                let receivers = &self.blueprint.composites.get(actor)?.receivers;
                let receiver = receivers.iter().find(|receiver| receiver.label == *label)?;
                serves(&receiver.contract, wanted).then(|| receiver.adapter.wire())
            }
            Target::Provider(provider) => {
                let kind = &self.blueprint.providers.get(provider)?.kind;
                if kind == EXTERNAL {
                    return (plan.reach == Reach::Lattice && self.serves_outside(provider, &wanted.name))
                        .then_some(WIRE_1);
                }
                let contracts = &self.inventory.offers.get(kind)?.contracts;
                contracts.iter().any(|given| serves(given, wanted)).then_some(WIRE_1)
            }
        }
    }
}

impl Checker<'_> {
    /// True where an external provider states a contract of that name; a version that it does not state is any.
    fn serves_outside(&self, provider: &ProviderName, wanted: &ContractName) -> bool {
        let stated = self.intent.manifest.providers.get(provider).and_then(|provider| provider.contract.as_ref());
        stated.is_some_and(|stated| match stated.version {
            Some(_) => stated.serves(wanted),
            None => stated.same_interface(wanted),
        })
    }
}

/// True where the planned contract is the import's own, or the import's structure under the name that the link states.
fn shows(port: &Port, link: &Link, planned: &Contract) -> bool {
    match (travels(port), &port.contract, &link.contract) {
        (Some(own), Some(_), _) => own == planned,
        (Some(own), None, Some(stated)) => {
            let alike = own.is_served_by(planned).is_ok() && planned.is_served_by(own).is_ok();
            let version = stated.version.is_none() || stated.version == planned.name.version;
            alike && version && planned.name.same_interface(stated)
        }
        _ => false,
    }
}
