//! The wires of a member: each import met by what its link asks for.

use std::collections::BTreeSet;

use model::blueprint::{
    AdapterPlan, CompositePlan, DEFAULT_STORE, LinkPlan, Member, NativePlan, SenderPlan, Target, Wire, WireTo,
};
use model::contract::{Contract, ContractName, Room, failure_room};
use model::ids::{ActorName, ProviderName, StoreName};
use model::manifest::{EXTERNAL, Link, LinkTarget, OnFailure, Reach};
use model::view::{Port, Shape};
use model::wire::{Side, WireVersion};

use super::asked::{serves, travels};
use super::chain::Copies;
use super::{Breach, Checker, Violation};
use crate::intent::State;

/// Where a wire is.
#[derive(Clone, Copy)]
struct Site<'b> {
    root: &'b ActorName,
    composite: &'b CompositePlan,
    actor: &'b ActorName,
    port: &'b Port,
    /// What the target meets: the import itself, or that of the last of its chain.
    end: &'b Port,
    copies: &'b Copies,
}

impl Site<'_> {
    fn violation(&self, breach: Breach) -> Violation {
        let (composite, actor, import) = (self.root.clone(), self.actor.clone(), self.port.label.clone());
        Violation::Import { composite, actor, import, breach }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn wires(
        &mut self,
        (root, composite, copies): (&ActorName, &CompositePlan, &Copies),
        (at, member): (usize, &Member),
        imports: &[Port],
    ) {
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
        // Imports by which a copy passes calls on are judged with the chain.
        let own = |port: &&Port| port.shape != Shape::Types && !copies.passes(at, &port.label);
        for port in imports.iter().filter(own) {
            let site = Site { root, composite, actor: &member.actor, port, end: port, copies };
            let chained = self.asked(site.actor, port).filter(|link| !link.via.is_empty());
            match chained {
                Some(link) => self.chained(site, link, at),
                None => self.import(site, member.wires.iter().find(|wire| wire.import == port.label)),
            }
        }
    }

    /// What meets the last of a chain is what would meet the import itself.
    fn chained(&mut self, site: Site<'_>, link: &Link, at: usize) {
        let end = site.copies.end(at, &site.port.label).and_then(|(last, import)| {
            let member = site.composite.members.get(*last)?;
            let port = self.intent.components.get(&member.actor)?.import(import)?;
            Some((port, member.wires.iter().find(|wire| wire.import == *import)))
        });
        match end {
            Some((end, Some(wire))) => self.met(Site { end, ..site }, link, wire),
            Some((_, None)) => self.violations.push(site.violation(Breach::Unmet)),
            None => self.violations.push(site.violation(Breach::Chain)),
        }
    }

    fn import(&mut self, site: Site<'_>, wire: Option<&Wire>) {
        match (self.asked(site.actor, site.port), wire) {
            (None, None) => self.require(self.met_by_host(site.port), || site.violation(Breach::Unmet)),
            (Some(_), None) => self.violations.push(site.violation(Breach::Unmet)),
            (None, Some(_)) => self.violations.push(site.violation(Breach::StrayWire)),
            (Some(link), Some(wire)) => self.met(site, link, wire),
        }
    }

    fn met(&mut self, site: Site<'_>, link: &Link, wire: &Wire) {
        match &wire.to {
            WireTo::Member { member, export } => self.fused(site, link, *member, export),
            WireTo::Sender(sender) => self.sender(site, link, sender),
            WireTo::Native(native) => self.native(site, link, native),
        }
    }

    fn fused(&mut self, site: Site<'_>, link: &Link, member: usize, export: &str) {
        self.require(link.reach == Reach::Fused, || site.violation(Breach::OtherReach));
        let callee = site.composite.members.get(member).map(|member| &member.actor);
        let right =
            callee.is_some_and(|callee| link.to == LinkTarget::Actor(callee.clone())) && !site.copies.is_copy(member);
        self.require(right, || site.violation(Breach::OtherTarget));
        let given = callee.and_then(|callee| self.intent.components.get(callee)?.export(export)).and_then(travels);
        let served = match (travels(site.end), given, &site.end.contract, &link.contract) {
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
        self.require(shows(site.end, link, &sender.contract), || site.violation(Breach::Contract));
        let to = match &plan.target {
            Target::Actor { actor, .. } => LinkTarget::Actor(actor.clone()),
            Target::Provider(provider) => LinkTarget::Provider(provider.clone()),
        };
        self.require(to == link.to, || site.violation(Breach::OtherTarget));
        let answer = self.answer(plan, &sender.contract);
        self.require(answer.is_some(), || site.violation(Breach::Unserved));
        let understood = answer.is_none_or(|wires| wires.contains(&sender.adapter.wire()));
        self.require(understood && self.speaks(sender), || site.violation(Breach::Wire));
        let roomy = sender.contract.functions.values().all(|function| failure_room(function) != Room::None);
        let accepted = link.on_failure == Some(OnFailure::Trap);
        self.require(roomy || accepted || plan.reach != Reach::Lattice, || site.violation(Breach::NoRoom));
        let names = link.open.keys().map(StoreName::as_str).chain([DEFAULT_STORE]);
        let names: BTreeSet<_> = names.filter(|_| self.inventory.names_stores(&sender.contract.name)).collect();
        let opened = sender.open.iter().map(StoreName::as_str).collect::<BTreeSet<_>>() == names;
        let own = link.open.values().all(|provider| plan.target == Target::Provider(provider.clone()));
        self.require(opened && own, || site.violation(Breach::OtherTarget));
        self.adapter(site.root, Side::Sender, &sender.label, &sender.contract, &sender.adapter);
    }

    /// Met by the host itself: by the provider that the link names and those that it opens, each of which has the contract
    /// without messages on every host where the actor runs, or is reached by a bridge.
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
        self.require(labelled && is_label(&native.label, &plan.contract), || site.violation(Breach::LinkTable));
        let own = site.end.contract.as_ref() == Some(&plan.contract);
        self.require(own, || site.violation(Breach::Contract));
        let known = native.bridge.as_ref().is_none_or(|bridge| {
            reach == Reach::Lattice && self.inventory.bridge(&plan.contract).is_some_and(|known| known == bridge)
        });
        self.require(known, || site.violation(Breach::Bridge));
        let served = native.providers().into_iter().all(|provider| self.meets(native, provider));
        self.require(served, || site.violation(Breach::Unserved));
    }

    /// True where a provider has an import's contract wherever the actor runs, or answers its bridge.
    fn meets(&self, native: &NativePlan, provider: &ProviderName) -> bool {
        let Some(planned) = self.blueprint.providers.get(provider) else { return false };
        let bridge = native.bridge.as_ref();
        if planned.kind == EXTERNAL {
            return bridge.is_some_and(|bridge| self.serves_outside(provider, &bridge.contract.name));
        }
        self.inventory.offers.get(&planned.kind).is_some_and(|offer| {
            let near = offer.state == State::Shared || native.link.reach == Reach::Host;
            let far =
                || bridge.is_some_and(|bridge| offer.contracts.iter().any(|given| serves(given, &bridge.contract)));
            offer.natives.iter().any(|given| given.serves(&native.link.contract)) && (near || far())
        })
    }

    /// True where a generated sender speaks the version that is to be sent; programs outside know the first alone.
    fn speaks(&self, sender: &SenderPlan) -> bool {
        let external = match &sender.link.target {
            Target::Provider(name) => self.blueprint.providers.get(name).is_some_and(|known| known.kind == EXTERNAL),
            Target::Actor { .. } => false,
        };
        let wanted = if external { WireVersion::V1 } else { self.intent.wires.send };
        matches!(&sender.adapter, AdapterPlan::Given { .. }) || sender.adapter.version() == Some(wanted)
    }

    /// The wires on which the target serves the contract, if it does.
    fn answer(&self, plan: &LinkPlan, wanted: &Contract) -> Option<Vec<&'a str>> {
        match &plan.target {
            Target::Actor { actor, receiver: label } => {
                let receivers = &self.blueprint.composites.get(actor)?.receivers;
                let receiver = receivers.iter().find(|receiver| receiver.label == *label)?;
                serves(&receiver.contract, wanted).then(|| vec![receiver.adapter.wire()])
            }
            Target::Provider(provider) => {
                let kind = &self.blueprint.providers.get(provider)?.kind;
                if kind == EXTERNAL {
                    return (plan.reach == Reach::Lattice && self.serves_outside(provider, &wanted.name))
                        .then(|| vec![WireVersion::V1.id()]);
                }
                let contracts = &self.inventory.offers.get(kind)?.contracts;
                let wires = || WireVersion::ALL.iter().map(|version| version.id()).collect();
                contracts.iter().any(|given| serves(given, wanted)).then(wires)
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

/// `native{n}:package/interface[@version]`: the interface in a namespace of the import's own.
fn is_label(label: &str, contract: &ContractName) -> bool {
    let Some((own, name)) = label.strip_prefix("native").and_then(|label| label.split_once(':')) else { return false };
    let is_number = own.parse::<u32>().is_ok_and(|number| number.to_string() == own);
    let contract = contract.to_string();
    is_number && contract.split_once(':').is_some_and(|(_, contract)| contract == name)
}
