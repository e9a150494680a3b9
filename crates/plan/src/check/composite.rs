//! One composite: its members, its receivers, its bounds.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{CompositePlan, HttpVersion, Member, WireTo};
use model::ids::ActorName;
use model::manifest::Grants;
use model::view::{Port, Shape};
use model::wire::Side;

use super::asked::travels;
use super::chain::Copies;
use super::whole::{natives, senders};
use super::{Checker, Violation};
use crate::grants::{Granted, granted_through};
use crate::ready::is_asked;

impl Checker<'_> {
    pub(super) fn composite(&mut self, root: &ActorName, composite: &CompositePlan) {
        let name = || root.clone();
        let first = composite.members.first().is_some_and(|member| member.actor == *root);
        self.require(first, || Violation::FirstMember { composite: name() });
        let limits = self.intent.manifest.actors.get(root).is_some_and(|actor| actor.limits == composite.limits);
        self.require(limits, || Violation::Limits { composite: name() });
        let copies = self.copies(root, composite);
        for (index, member) in composite.members.iter().enumerate() {
            self.member((root, composite, &copies), index, member);
        }
        self.entries(root, composite);
        self.require(is_acyclic(composite), || Violation::Cycle { composite: name() });
        self.labels(root, composite);
        self.receivers(root, composite);
        let asked = self.intent.manifest.actors.get(root).and_then(|actor| actor.ready.as_ref());
        self.require(is_asked(asked, composite), || Violation::Readiness { composite: name() });
        self.http(root, composite);
        self.memories(root, composite);
        self.grants(root, composite);
    }

    fn member(
        &mut self,
        (root, composite, copies): (&ActorName, &CompositePlan, &Copies),
        index: usize,
        member: &Member,
    ) {
        let (composite_name, actor) = (|| root.clone(), || member.actor.clone());
        let earlier = composite.members.get(..index).unwrap_or_default();
        let called = |caller: &Member| {
            caller.wires.iter().any(|wire| matches!(wire.to, WireTo::Member { member, .. } if member == index))
        };
        let twice = !copies.is_copy(index)
            && earlier.iter().enumerate().any(|(other, one)| one.actor == member.actor && !copies.is_copy(other));
        self.require(!twice, || Violation::MemberTwice { composite: composite_name(), actor: actor() });
        let entered = index == 0 || copies.is_copy(index) || earlier.iter().any(called);
        self.require(entered, || Violation::MemberUncalled { composite: composite_name(), actor: actor() });
        let view = self.intent.components.get(&member.actor);
        let component = view.is_some_and(|view| view.digest == member.component);
        self.require(component, || Violation::Component { composite: composite_name(), actor: actor() });
        let granted = self.intent.manifest.actors.get(&member.actor).map(|asked| &asked.grants);
        let (nothing, guarded) = (Grants::default(), self.guarded(member));
        // What no import shows is left out.
        for grant in Granted::ALL {
            let sees = guarded.values().any(|seen| *seen == grant);
            let expected = if sees { granted } else { Some(&nothing) };
            let faithful = expected.is_some_and(|grants| has(member, grants, grant));
            self.require(faithful, || Violation::Grants { composite: composite_name(), actor: actor(), grant });
        }
        let imports = view.map(|view| view.imports.as_slice()).unwrap_or_default();
        self.wires((root, composite, copies), (index, member), imports);
    }

    fn labels(&mut self, root: &ActorName, composite: &CompositePlan) {
        let mut seen = BTreeSet::new();
        let receivers = composite.receivers.iter().map(|receiver| &receiver.label);
        let natives = natives(composite).map(|native| &native.label);
        let http = composite.http.iter().map(|http| &http.label);
        for label in senders(composite).map(|sender| &sender.label).chain(natives).chain(receivers).chain(http) {
            self.require(seen.insert(label), || Violation::LabelTwice {
                composite: root.clone(),
                label: label.clone(),
            });
        }
    }

    /// One receiver for each export of the first member that can travel and each wire on which it answers, and no other.
    fn receivers(&mut self, root: &ActorName, composite: &CompositePlan) {
        let exports = self.intent.components.get(root).map(|view| view.exports.as_slice()).unwrap_or_default();
        let answered = exports.iter().filter_map(|port| Some((port.label.as_str(), travels(port)?)));
        let asked: BTreeSet<_> = answered
            .flat_map(|(label, contract)| self.answers(&contract.name).into_iter().map(move |wire| (label, wire)))
            .collect();
        let plain = || composite.receivers.iter().filter(|receiver| receiver.via.is_empty());
        let planned: BTreeSet<_> =
            plain().map(|receiver| (receiver.export.as_str(), receiver.adapter.wire())).collect();
        let complete = plain().count() == asked.len() && planned == asked;
        let faithful = plain().all(|receiver| {
            let export = exports.iter().find(|port| port.label == receiver.export);
            export.and_then(travels).is_some_and(|contract| *contract == *receiver.contract)
        });
        self.require(complete && faithful, || Violation::Receivers { composite: root.clone() });
        for receiver in &composite.receivers {
            self.adapter(root, Side::Receiver, &receiver.label, &receiver.contract, &receiver.adapter);
        }
    }

    /// The export of `wasi:http` is one of the actor's, and none of them is later.
    fn http(&mut self, root: &ActorName, composite: &CompositePlan) {
        let exports = self.intent.components.get(root).map(|view| view.exports.as_slice()).unwrap_or_default();
        let version = |port: &Port| port.contract.as_ref().and_then(HttpVersion::of);
        let latest = exports.iter().filter_map(version).max();
        let plain: Vec<_> = composite.http.iter().filter(|http| http.via.is_empty()).collect();
        let right = match plain.as_slice() {
            [planned] => {
                let is_there = exports.iter().any(|port| port.label == planned.export && version(port) == latest);
                is_there && latest == Some(planned.version) && planned.label == planned.export
            }
            none => none.is_empty() && latest.is_none(),
        };
        self.require(right, || Violation::Http { composite: root.clone() });
    }

    fn memories(&mut self, root: &ActorName, composite: &CompositePlan) {
        let views = composite.members.iter().filter_map(|member| self.intent.components.get(&member.actor));
        let own: u64 = views.map(|view| u64::from(view.memories)).sum();
        let plans = senders(composite).map(|sender| &sender.adapter);
        let plans = plans.chain(composite.receivers.iter().map(|receiver| &receiver.adapter));
        let adapters: u64 = plans.map(|plan| u64::from(self.memories_of(plan))).sum();
        let (memories, max) = (own + adapters, self.inventory.memories_max);
        self.require(memories <= u64::from(max), || Violation::Memories { composite: root.clone(), memories, max });
    }

    /// Composition merges equal imports, so members that differ in grants must not share one for which grants matter.
    fn grants(&mut self, root: &ActorName, composite: &CompositePlan) {
        for (index, second) in composite.members.iter().enumerate() {
            for first in composite.members.get(..index).unwrap_or_default() {
                let (ours, theirs) = (self.guarded(first), self.guarded(second));
                let differs = |granted: &Granted| match granted {
                    Granted::Env => first.env != second.env,
                    Granted::Http => first.http != second.http,
                    Granted::Network => first.network != second.network,
                    Granted::Folders => first.folders != second.folders,
                    Granted::Config => first.config != second.config,
                };
                let shared =
                    ours.iter().find(|(_, granted)| theirs.values().any(|other| other == *granted) && differs(granted));
                if let Some((interface, _)) = shared {
                    let interface = interface.clone();
                    let (first, second) = (first.actor.clone(), second.actor.clone());
                    self.violations.push(Violation::SharedGrant { composite: root.clone(), first, second, interface });
                }
            }
        }
    }

    fn guarded(&self, member: &Member) -> BTreeMap<String, Granted> {
        let view = self.intent.components.get(&member.actor);
        let imports = view.map(|view| view.imports.as_slice()).unwrap_or_default().iter();
        let unlinked = |port: &&Port| port.shape != Shape::Types && self.asked(&member.actor, port).is_none();
        let contracts = imports.filter(unlinked).filter_map(|port| port.contract.as_ref());
        contracts.filter_map(|name| Some((name.unversioned(), granted_through(name)?))).collect()
    }
}

/// Whether a member has this part of `grants`, and no more of it.
fn has(member: &Member, grants: &Grants, part: Granted) -> bool {
    match part {
        Granted::Env => member.env == grants.env,
        Granted::Http => member.http == grants.http,
        Granted::Network => member.network == grants.network,
        Granted::Folders => member.folders == grants.folders,
        Granted::Config => member.config == grants.config,
    }
}

/// Takes away members that call none of the rest, until none can be taken: a cycle would be left.
fn is_acyclic(composite: &CompositePlan) -> bool {
    let mut left: BTreeSet<usize> = (0..composite.members.len()).collect();
    while !left.is_empty() {
        let before = left.len();
        let calls = |index: &usize| {
            let wires = composite.members.get(*index).map(|member| member.wires.as_slice()).unwrap_or_default();
            wires.iter().any(|wire| matches!(&wire.to, WireTo::Member { member, .. } if left.contains(member)))
        };
        left = left.iter().copied().filter(calls).collect();
        if left.len() == before {
            return false;
        }
    }
    true
}
