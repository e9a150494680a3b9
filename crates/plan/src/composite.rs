//! Composites: members, wires, senders and receivers, under labels that depend on the order of names alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::blueprint::{
    AdapterPlan, CompositePlan, HttpExport, HttpVersion, LinkPlan, Member, NativePlan, ReceiverPlan, SenderPlan,
    Target, WIRE_1, Wire, WireTo,
};
use model::contract::{Contract, ContractName};
use model::ids::ActorName;
use model::manifest::Reach;
use model::view::ComponentView;

use crate::adapters::Adapters;
use crate::findings::Findings;
use crate::fuse::guarded_imports;
use crate::grants::{Granted, granted_through};
use crate::intent::{Intent, Inventory, contract_of};
use crate::problem::{Fault, Place, Side};
use crate::resolve::{Links, Resolved, Supplier};

/// Builds the composites of an application.
pub(crate) struct Composer<'a, 'f> {
    pub(crate) intent: &'a Intent,
    pub(crate) inventory: &'a Inventory,
    pub(crate) links: &'f Links<'a>,
    pub(crate) adapters: Adapters<'a>,
    pub(crate) findings: &'f mut Findings,
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

impl<'a> Composer<'a, '_> {
    /// The composite of the first of `members`.
    pub(crate) fn composite(&mut self, members: &[&'a ActorName]) -> Option<CompositePlan> {
        let root = members.first()?;
        let mut draft = Draft::default();
        for actor in members {
            let member = self.member(actor, members, &mut draft)?;
            draft.members.push(member);
        }
        let receivers = self.receivers(root, &mut draft.memories)?;
        self.check_memories(root, &draft.memories);
        let limits = self.intent.manifest.actors.get(*root)?.limits.clone();
        Some(CompositePlan { members: draft.members, receivers, http: self.http(root), limits })
    }

    fn member(&mut self, actor: &'a ActorName, members: &[&ActorName], draft: &mut Draft) -> Option<Member> {
        let view = self.intent.components.get(actor)?;
        draft.memories.members = draft.memories.members.saturating_add(view.memories);
        let links = self.links;
        let mut wires = Vec::new();
        for link in links.get(actor).into_iter().flatten() {
            let to = match link.fused() {
                Some((callee, export)) => {
                    let member = members.iter().position(|member| *member == callee)?;
                    WireTo::Member { member, export: export.to_owned() }
                }
                None if matches!(link.supplier, Supplier::Native(_)) => WireTo::Native(self.native(link, draft)?),
                None => WireTo::Sender(self.sender(link, draft)?),
            };
            wires.push(Wire { import: link.choice.port.label.clone(), to });
        }
        // The host meets an import of a composite once: what one member cannot read, no other shall.
        let guarded = guarded_imports(self.intent, self.inventory, links, actor);
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
        Some(Member { actor: actor.clone(), component, wires, env, http, network, folders, config })
    }

    fn sender(&mut self, link: &Resolved<'a>, draft: &mut Draft) -> Option<SenderPlan> {
        let actor = link.choice.actor;
        let (adapter, memories) = self.adapters.choose(Side::Sender, &link.contract, actor, self.findings);
        draft.memories.senders = draft.memories.senders.saturating_add(memories);
        let label = format!("send{}", draft.senders);
        draft.senders += 1;
        self.check_wire(link, &adapter);
        Some(SenderPlan { label, contract: Arc::clone(&link.contract), adapter, link: self.link(link)? })
    }

    /// An import that the host meets itself. Its label is like the name of an interface, so that imports which share a
    /// resource still find it in one another: those of another actor have labels of their own.
    fn native(&self, link: &Resolved<'a>, draft: &mut Draft) -> Option<NativePlan> {
        let ContractName { package, interface, version, .. } = &link.contract.name;
        let version = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let label = format!("native{}:{package}/{interface}{version}", draft.natives);
        draft.natives += 1;
        let mut planned = self.link(link)?;
        // Without messages there is nothing between `fused` and `host`.
        planned.reach = planned.reach.max(Reach::Host);
        Some(NativePlan { label, link: planned, open: link.choice.link.open.clone() })
    }

    fn link(&self, link: &Resolved<'a>) -> Option<LinkPlan> {
        Some(LinkPlan {
            actor: link.choice.actor.clone(),
            import: link.choice.port.label.clone(),
            contract: link.contract.name.clone(),
            target: self.target(&link.supplier)?,
            reach: link.choice.link.reach,
            deadline: self.intent.manifest.deadline_of(link.choice.link),
            idempotent: idempotent(link),
        })
    }

    fn target(&self, supplier: &Supplier<'_>) -> Option<Target> {
        match supplier {
            Supplier::Provider(provider) | Supplier::Native(provider) => Some(Target::Provider((*provider).clone())),
            Supplier::Actor { actor, export } => {
                let view = self.intent.components.get(*actor)?;
                let mut answered = answered(view);
                let index = answered.position(|(label, _)| label == *export)?;
                Some(Target::Actor { actor: (*actor).clone(), receiver: receiver_label(index) })
            }
        }
    }

    fn receivers(&mut self, root: &ActorName, memories: &mut Memories) -> Option<Vec<ReceiverPlan>> {
        let view = self.intent.components.get(root)?;
        let mut receivers = Vec::new();
        for (index, (export, contract)) in answered(view).enumerate() {
            let (adapter, used) = self.adapters.choose(Side::Receiver, contract, root, self.findings);
            memories.receivers = memories.receivers.saturating_add(used);
            let (label, export) = (receiver_label(index), export.to_owned());
            receivers.push(ReceiverPlan { label, export, contract: Arc::clone(contract), adapter });
        }
        Some(receivers)
    }

    /// The export of `wasi:http` that serves requests: the latest, if there are several.
    fn http(&self, root: &ActorName) -> Option<HttpExport> {
        let exports = self.intent.components.get(root)?.exports.iter();
        let served = exports.filter_map(|port| Some((HttpVersion::of(port.contract.as_ref()?)?, port)));
        served
            .max_by_key(|(version, _)| *version)
            .map(|(version, port)| HttpExport { export: port.label.clone(), version })
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

    /// A native provider speaks the wire of generated adapters only. Two actors use the two halves of one pair.
    fn check_wire(&mut self, link: &Resolved<'_>, sender: &AdapterPlan) {
        let Supplier::Provider(provider) = link.supplier else { return };
        if sender.wire() == WIRE_1 {
            return;
        }
        let fault = Fault::WireOfProvider {
            actor: link.choice.actor.clone(),
            import: link.choice.port.label.clone(),
            sender: sender.wire().to_owned(),
            provider: provider.clone(),
            receiver: WIRE_1,
            contract: link.contract.name.clone(),
        };
        self.findings.problem(link.choice.place(), fault);
    }

    /// The wire on which an actor answers calls of an export.
    pub(crate) fn wire_of(&mut self, actor: &ActorName, export: &str) -> Option<String> {
        let view = self.intent.components.get(actor)?;
        let contract = contract_of(view.export(export)?)?;
        let (adapter, _) = self.adapters.choose(Side::Receiver, contract, actor, self.findings);
        Some(adapter.wire().to_owned())
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

pub(crate) fn receiver_label(index: usize) -> String {
    format!("receive{index}")
}
