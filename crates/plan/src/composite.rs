//! Composites: members, wires, senders and receivers, under labels that depend on the order of names alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::blueprint::{
    AdapterPlan, Bridge, CompositePlan, DEFAULT_STORE, LinkPlan, Member, NativePlan, SenderPlan, Target, WIRE_1, Wire,
    WireTo, receiving,
};
use model::contract::{Contract, ContractName};
use model::ids::{ActorName, ProviderName, StoreName};
use model::manifest::{EXTERNAL, Reach};
use model::view::ComponentView;
use model::wire::{Side, WireVersion};

use crate::adapters::Adapters;
use crate::findings::Findings;
use crate::fuse::guarded_imports;
use crate::grants::{Granted, granted_through};
use crate::intent::{Intent, Inventory, State, contract_of};
use crate::layout::{Chains, Entrances, Onward, Seats};
use crate::limits::MEMBERS_MAX;
use crate::problem::{AdapterFault, Fault, Place};
use crate::resolve::{Links, Resolved, Supplier};

/// Builds the composites of an application.
pub(crate) struct Composer<'a, 'f> {
    pub(crate) intent: &'a Intent,
    pub(crate) inventory: &'a Inventory,
    pub(crate) links: &'f Links<'a>,
    pub(crate) adapters: Adapters<'a>,
    pub(crate) findings: &'f mut Findings,
    pub(crate) chains: Chains,
}

/// The composite as far as it is built.
#[derive(Default)]
struct Draft {
    members: Vec<Member>,
    senders: u32,
    natives: u32,
    memories: Memories,
}

#[derive(Default)]
struct Memories {
    members: u32,
    senders: u32,
    receivers: u32,
}

impl<'a, 'f> Composer<'a, 'f> {
    /// The composite of the first of `members`.
    pub(crate) fn composite(&mut self, members: &[&'a ActorName]) -> Option<CompositePlan> {
        let mut seats = Seats::default();
        for actor in members {
            seats.of(actor);
        }
        let composite = self.seated(members.first()?, &mut seats);
        self.check_seats(members.first()?, &seats);
        composite
    }

    fn seated(&mut self, root: &'a ActorName, seats: &mut Seats<'a, 'f>) -> Option<CompositePlan> {
        let mut draft = Draft::default();
        let entrances = self.entrances(root, seats)?;
        // Links lead to further seats; a chain is finite, as no link leads back.
        while draft.members.len() < seats.all.len().min(MEMBERS_MAX) {
            let at = draft.members.len();
            let member = self.member(at, seats, &mut draft)?;
            draft.members.push(member);
            self.note(root, at, seats);
        }
        let Entrances { receivers, http } = entrances;
        draft.memories.receivers = receivers.iter().map(|receiver| self.adapters.memories(receiver)).sum();
        self.check_memories(root, &draft.memories);
        let limits = self.intent.manifest.actors.get(root)?.limits.clone();
        let ready = self.readiness(root, &receivers);
        Some(CompositePlan { members: draft.members, receivers, http, limits, ready })
    }

    fn member(&mut self, at: usize, seats: &mut Seats<'a, 'f>, draft: &mut Draft) -> Option<Member> {
        let seat = seats.all.get(at)?.clone();
        let actor = seat.actor;
        let view = self.intent.components.get(actor)?;
        draft.memories.members = draft.memories.members.saturating_add(view.memories);
        let links = self.links;
        let mut wires = Vec::new();
        for link in links.get(actor).into_iter().flatten() {
            let import = &link.choice.port.label;
            if seat.passes.iter().any(|(passed, _)| passed == import) {
                continue;
            }
            let to = if link.via.is_empty() {
                self.end(link, seats, draft)?
            } else {
                let (member, export) = seats.chain(at, link)?;
                WireTo::Member { member, export: export.to_owned() }
            };
            wires.push(Wire { import: import.clone(), to });
        }
        for (import, onward) in &seat.passes {
            let to = match *onward {
                Onward::Seat { seat, export } => WireTo::Member { member: seat, export: export.to_owned() },
                Onward::End(link) => self.end(link, seats, draft)?,
            };
            wires.push(Wire { import: (*import).to_owned(), to });
        }
        self.check_copy(&seat, view, &wires);
        Some(self.granted(actor, view, wires))
    }

    /// What meets the import of a link, or of the last in its chain.
    fn end(&mut self, link: &Resolved<'a>, seats: &mut Seats<'a, 'f>, draft: &mut Draft) -> Option<WireTo> {
        Some(match link.fused() {
            Some((callee, export)) => WireTo::Member { member: seats.of(callee), export: export.to_owned() },
            None if matches!(link.supplier, Supplier::Native(_)) => WireTo::Native(self.native(link, draft)?),
            None => WireTo::Sender(self.sender(link, draft)?),
        })
    }

    fn granted(&self, actor: &ActorName, view: &ComponentView, wires: Vec<Wire>) -> Member {
        // The host meets an import of a composite once: what one member cannot read, no other shall.
        let guarded = guarded_imports(self.intent, self.inventory, self.links, actor);
        let sees = |granted| guarded.iter().any(|name| granted_through(name) == Some(granted));
        let grants = self.intent.manifest.actors.get(actor).map(|actor| &actor.grants);
        let env = grants.filter(|_| sees(Granted::Env)).map(|grants| grants.env.clone()).unwrap_or_default();
        let http = grants.filter(|_| sees(Granted::Http)).map(|grants| grants.http.clone()).unwrap_or_default();
        let network =
            grants.filter(|_| sees(Granted::Network)).map(|grants| grants.network.clone()).unwrap_or_default();
        let folders =
            grants.filter(|_| sees(Granted::Folders)).map(|grants| grants.folders.clone()).unwrap_or_default();
        let config = grants.filter(|_| sees(Granted::Config)).map(|grants| grants.config.clone()).unwrap_or_default();
        let component = view.digest;
        Member { actor: actor.clone(), component, wires, env, http, network, folders, config }
    }

    fn sender(&mut self, link: &Resolved<'a>, draft: &mut Draft) -> Option<SenderPlan> {
        let actor = link.choice.actor;
        let (adapter, memories) = match self.adapters.choose(Side::Sender, &link.contract, actor, self.findings) {
            given @ (AdapterPlan::Given { .. }, _) => given,
            // Programs outside say which wire they speak only when they run: version 1 is what all of them know.
            _ if self.is_external(link) => self.adapters.generated(Side::Sender, &link.contract, WireVersion::V1),
            chosen => chosen,
        };
        draft.memories.senders = draft.memories.senders.saturating_add(memories);
        let label = format!("send{}", draft.senders);
        draft.senders += 1;
        self.check_wire(link, &adapter);
        let (open, planned) = (self.stores(link), self.link(link, &adapter)?);
        Some(SenderPlan { label, contract: Arc::clone(&link.contract), adapter, link: planned, open })
    }

    /// True where a program of its own answers.
    fn is_external(&self, link: &Resolved<'_>) -> bool {
        let Supplier::Provider(provider) = link.supplier else { return false };
        self.intent.manifest.providers.get(provider).is_some_and(|provider| provider.kind == EXTERNAL)
    }

    /// An import that the host meets itself. Its label is like the name of an interface, so that imports which share a
    /// resource still find it in one another: those of another actor have labels of their own.
    fn native(&self, link: &Resolved<'a>, draft: &mut Draft) -> Option<NativePlan> {
        let ContractName { package, interface, version, .. } = &link.contract.name;
        let version = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let label = format!("native{}:{package}/{interface}{version}", draft.natives);
        draft.natives += 1;
        let mut planned = self.link(link, &AdapterPlan::Generated(WireVersion::V1))?;
        // Without messages there is nothing between `fused` and `host`.
        planned.reach = planned.reach.max(Reach::Host);
        let open = link.choice.link.open.clone();
        let mut native = NativePlan { label, link: planned, open, bridge: None };
        native.bridge = self.bridge(&native).cloned();
        Some(native)
    }

    /// How the import reaches those of its providers that need not be on the same host.
    fn bridge(&self, native: &NativePlan) -> Option<&'a Bridge> {
        let is_shared = |provider: &&ProviderName| {
            let planned = self.intent.manifest.providers.get(*provider);
            let offer = planned.and_then(|planned| self.inventory.offers.get(&planned.kind));
            offer.is_some_and(|offer| offer.state == State::Shared)
        };
        let leaves = native.link.reach == Reach::Lattice && !native.providers().iter().all(is_shared);
        self.inventory.bridge(&native.link.contract).filter(|_| leaves)
    }

    /// The stores that calls over a link may name.
    fn stores(&self, link: &Resolved<'_>) -> BTreeSet<StoreName> {
        if !self.inventory.names_stores(&link.contract.name) {
            return BTreeSet::new();
        }
        link.choice.link.open.keys().cloned().chain(DEFAULT_STORE.parse()).collect()
    }

    fn link(&self, link: &Resolved<'a>, sender: &AdapterPlan) -> Option<LinkPlan> {
        Some(LinkPlan {
            actor: link.choice.actor.clone(),
            import: link.choice.port.label.clone(),
            contract: link.contract.name.clone(),
            target: self.target(&link.supplier, sender)?,
            reach: link.choice.link.reach,
            deadline: self.intent.manifest.deadline_of(link.choice.link),
            idempotent: idempotent(link),
        })
    }

    /// Where calls in the sender's wire go.
    fn target(&self, supplier: &Supplier<'_>, sender: &AdapterPlan) -> Option<Target> {
        match supplier {
            Supplier::Provider(provider) | Supplier::Native(provider) => Some(Target::Provider((*provider).clone())),
            Supplier::Actor { actor, export } => {
                let view = self.intent.components.get(*actor)?;
                let mut answered = answered(view);
                let index = answered.position(|(label, _)| label == *export)?;
                Some(Target::Actor { actor: (*actor).clone(), receiver: receiver_label(index, sender) })
            }
        }
    }

    fn check_memories(&mut self, root: &ActorName, memories: &Memories) {
        let &Memories { members, senders, receivers } = memories;
        let max = self.inventory.memories_max;
        if members.saturating_add(senders).saturating_add(receivers) > max {
            let actor = root.clone();
            self.findings
                .problem(Place::actor(root), Fault::TooManyMemories { actor, members, senders, receivers, max });
        }
    }

    /// The other end speaks the wire of the sender: actors what they accept, or by their half of the same pair; providers
    /// any of generated adapters.
    fn check_wire(&mut self, link: &Resolved<'_>, sender: &AdapterPlan) {
        let provider = match link.supplier {
            Supplier::Provider(provider) => provider,
            Supplier::Native(_) => return,
            Supplier::Actor { actor, export } => return self.check_wire_of_actor(link, sender, actor, export),
        };
        if sender.version().is_some() {
            return;
        }
        let fault = AdapterFault::WireOfProvider {
            actor: link.choice.actor.clone(),
            import: link.choice.port.label.clone(),
            sender: sender.wire().to_owned(),
            provider: provider.clone(),
            receiver: WIRE_1,
            contract: link.contract.name.clone(),
        };
        self.findings.problem(link.choice.place(), fault);
    }

    fn check_wire_of_actor(&mut self, link: &Resolved<'_>, sender: &AdapterPlan, callee: &ActorName, export: &str) {
        if matches!(sender, AdapterPlan::Given { .. }) {
            return; // Its pair is judged by itself, once.
        }
        let accepted = self.wires_of(callee, export);
        if accepted.iter().any(|adapter| adapter.wire() == sender.wire()) {
            return;
        }
        let fault = AdapterFault::WireOfActor {
            actor: link.choice.actor.clone(),
            import: link.choice.port.label.clone(),
            sender: sender.wire().to_owned(),
            callee: callee.clone(),
            receivers: accepted.iter().map(|adapter| adapter.wire().to_owned()).collect(),
            contract: link.contract.name.clone(),
        };
        self.findings.problem(link.choice.place(), fault);
    }

    /// The adapters by which an actor answers calls of an export. What is wrong with them is found with its composite.
    pub(crate) fn wires_of(&mut self, actor: &ActorName, export: &str) -> Vec<AdapterPlan> {
        let contract = self.intent.components.get(actor).and_then(|view| contract_of(view.export(export)?));
        contract.map_or_else(Vec::new, |contract| self.adapters.receivers(contract, actor, &mut Findings::default()))
    }
}

/// The functions of a link's contract that are idempotent: a link may serve several imports, each with functions of its
/// own.
fn idempotent(link: &Resolved<'_>) -> BTreeSet<String> {
    let stated = link.choice.link.idempotent.iter();
    stated.filter(|function| link.contract.functions.contains_key(*function)).cloned().collect()
}

/// The exports of an actor that answer messages, in the order of their labels.
pub(crate) fn answered(view: &ComponentView) -> impl Iterator<Item = (&str, &Arc<Contract>)> {
    view.exports.iter().filter_map(|port| Some((port.label.as_str(), contract_of(port)?)))
}

pub(crate) fn receiver_label(index: usize, adapter: &AdapterPlan) -> String {
    receiving(&format!("receive{index}"), adapter)
}
