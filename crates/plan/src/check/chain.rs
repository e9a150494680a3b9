//! Chains of middleware: which members are copies, for what, and whether each passes calls on as it must.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{CompositePlan, HttpExport, HttpVersion, ReceiverPlan, WireTo, behind, receiving};
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::{Link, LinkTarget};
use model::view::{Port, Shape};

use super::asked::{serves, travels};
use super::{Checker, Violation};

/// The copies in a composite, by member: the imports by which each passes calls on.
#[derive(Debug, Default)]
pub(super) struct Copies {
    passes: BTreeMap<usize, BTreeSet<String>>,
    claims: BTreeMap<usize, Claim>,
    /// The end of the chain of an import: the member there, and its import.
    ends: BTreeMap<(usize, String), (usize, String)>,
}

/// For what a copy is there: one place of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Claim {
    /// Of a link, which several imports of a member share.
    Link {
        caller: usize,
        key: *const Link,
        place: usize,
    },
    Route {
        via: Vec<ActorName>,
        place: usize,
    },
}

impl Copies {
    pub(super) fn is_copy(&self, member: usize) -> bool {
        self.claims.contains_key(&member)
    }

    /// True where a copy passes calls on by this import.
    pub(super) fn passes(&self, member: usize, import: &str) -> bool {
        self.passes.get(&member).is_some_and(|imports| imports.contains(import))
    }

    /// Where the chain of an import ends.
    pub(super) fn end(&self, member: usize, import: &str) -> Option<&(usize, String)> {
        self.ends.get(&(member, import.to_owned()))
    }

    /// False where the member is taken for something else.
    fn claim(&mut self, member: usize, claim: &Claim) -> bool {
        *self.claims.entry(member).or_insert_with(|| claim.clone()) == *claim
    }
}

/// Where a chain is entered, or goes on: a member, and the export of it that is called.
type Entry<'b> = (usize, &'b str);

impl<'a> Checker<'a> {
    /// The copies in a composite. Members come after those that call them, so that one walk finds all.
    pub(super) fn copies(&mut self, root: &ActorName, composite: &CompositePlan) -> Copies {
        let mut copies = Copies::default();
        for (via, entry, http) in entrances(composite) {
            let names = self.names(composite, via);
            let claims = |place| Claim::Route { via: names.clone(), place };
            let first = self.export(composite, entry);
            let ingress = &self.inventory.ingress.name;
            let asked = if http { first.and_then(|port| port.contract.clone()) } else { Some(ingress.clone()) };
            let end = asked.and_then(|asked| self.follow(composite, &mut copies, (&names, entry, &asked), &claims));
            let right = end.is_some_and(|(last, import, members)| {
                members == via && self.leads_back(composite, last, &import, http)
            });
            self.require(right, || Violation::RouteChain { composite: root.clone(), via: joined(&names) });
        }
        for (at, member) in composite.members.iter().enumerate() {
            let ports = self.intent.components.get(&member.actor).into_iter().flat_map(|view| &view.imports);
            for port in ports.filter(|port| port.shape != Shape::Types) {
                let Some(link) = self.asked(&member.actor, port).filter(|link| !link.via.is_empty()) else { continue };
                if copies.passes(at, &port.label) {
                    continue;
                }
                let claims = |place| Claim::Link { caller: at, key: std::ptr::from_ref(link), place };
                let wire = member.wires.iter().find(|wire| wire.import == port.label).map(|wire| &wire.to);
                let asked = port.contract.as_ref().or(link.contract.as_ref());
                let chain = match (wire, asked) {
                    (Some(WireTo::Member { member: first, export }), Some(asked)) if *first > at => {
                        let strangers = !link.via.contains(&member.actor) && !ends_with(link);
                        self.follow(composite, &mut copies, (&link.via, (*first, export), asked), &claims)
                            .filter(|_| strangers)
                    }
                    _ => None,
                };
                if let Some((last, import, _)) = chain {
                    copies.ends.insert((at, port.label.clone()), (last, import));
                }
            }
        }
        copies
    }

    /// Follows a chain of `via` from where it is entered; gives its last member, the import by which that goes on, and all its
    /// members.
    fn follow(
        &self,
        composite: &CompositePlan,
        copies: &mut Copies,
        (via, mut entry, asked): (&[ActorName], Entry<'_>, &ContractName),
        claim: &dyn Fn(usize) -> Claim,
    ) -> Option<(usize, String, Vec<usize>)> {
        let (mut asked, mut shape) = (asked.clone(), None);
        let mut members = Vec::with_capacity(via.len());
        for (place, actor) in via.iter().enumerate() {
            let (at, _) = entry;
            let member = composite.members.get(at).filter(|member| member.actor == *actor)?;
            let export = self.export(composite, entry)?;
            if at == 0 || !copies.claim(at, &claim(place)) || !meets(export, &asked, shape) {
                return None;
            }
            let import = self.onward(actor, &asked)?;
            copies.passes.entry(at).or_default().insert(import.label.clone());
            members.push(at);
            (asked, shape) = (import.contract.clone()?, Some(import));
            if place + 1 == via.len() {
                return Some((at, import.label.clone(), members));
            }
            match &member.wires.iter().find(|wire| wire.import == import.label)?.to {
                WireTo::Member { member, export } => entry = (*member, export),
                WireTo::Sender(_) | WireTo::Native(_) => return None,
            }
        }
        None
    }

    /// The export of a member's component.
    fn export(&self, composite: &CompositePlan, (member, export): Entry<'_>) -> Option<&'a Port> {
        let actor = &composite.members.get(member)?.actor;
        self.intent.components.get(actor)?.export(export)
    }

    /// The only import of the interface that a middleware gets calls of.
    fn onward(&self, actor: &ActorName, asked: &ContractName) -> Option<&'a Port> {
        let view = self.intent.components.get(actor)?;
        let same = |port: &&Port| {
            let own = port.contract.as_ref().filter(|_| port.shape != Shape::Types);
            own.is_some_and(|own| own.same_interface(asked) && HttpVersion::of(own) == HttpVersion::of(asked))
        };
        let mut imports = view.imports.iter().filter(same);
        imports.next().filter(|_| imports.next().is_none())
    }

    /// True where the chain of a route ends at the actor itself, at an export that meets it.
    fn leads_back(&self, composite: &CompositePlan, last: usize, import: &str, http: bool) -> bool {
        let Some(member) = composite.members.get(last) else { return false };
        let wire = member.wires.iter().find(|wire| wire.import == *import).map(|wire| &wire.to);
        let Some(WireTo::Member { member: 0, export }) = wire else { return false };
        let asked = self.intent.components.get(&member.actor).and_then(|view| view.import(import));
        let given = self.export(composite, (0, export));
        asked.zip(given).is_some_and(|(asked, given)| {
            let name = asked.contract.as_ref();
            name.is_some_and(|name| http == HttpVersion::of(name).is_some() && meets(given, name, Some(asked)))
        })
    }

    /// The chains before an actor are those of its routes, each once.
    pub(super) fn entries(&mut self, root: &ActorName, composite: &CompositePlan) {
        let routes = self.intent.manifest.routes.iter().filter(|route| route.to == *root && !route.via.is_empty());
        let asked: BTreeSet<_> = routes.map(|route| route.via.clone()).collect();
        let planned: Vec<_> = entrances(composite).map(|(via, ..)| self.names(composite, via)).collect();
        let distinct: BTreeSet<_> = planned.iter().cloned().collect();
        let right = distinct == asked && distinct.iter().all(|via| self.is_whole(composite, via));
        self.require(right, || Violation::RouteChain { composite: root.clone(), via: "its routes".to_owned() });
        for receiver in composite.receivers.iter().filter(|receiver| !receiver.via.is_empty()) {
            let names = self.names(composite, &receiver.via);
            let right = self.is_entry(composite, receiver, &names);
            self.require(right, || Violation::RouteChain { composite: root.clone(), via: joined(&names) });
        }
        for http in composite.http.iter().filter(|http| !http.via.is_empty()) {
            let names = self.names(composite, &http.via);
            let first = http.via.first().and_then(|first| self.export(composite, (*first, &http.export)));
            let version = first.and_then(|port| port.contract.as_ref()).and_then(HttpVersion::of);
            let right = version == Some(http.version) && http.label == behind("http", &names);
            self.require(right, || Violation::RouteChain { composite: root.clone(), via: joined(&names) });
        }
    }

    /// True where a chain is entered once by `wasi:http`, or once on each wire on which its first answers.
    fn is_whole(&self, composite: &CompositePlan, via: &[ActorName]) -> bool {
        let http = composite.http.iter().filter(|one| composite.is_chain(&one.via, via)).count();
        let receivers: Vec<_> = composite.receivers.iter().filter(|one| composite.is_chain(&one.via, via)).collect();
        let wires: BTreeSet<_> = receivers.iter().map(|one| one.adapter.wire()).collect();
        match receivers.first() {
            None => http == 1,
            Some(first) => http == 0 && wires.len() == receivers.len() && wires == self.answers(&first.contract.name),
        }
    }

    fn is_entry(&self, composite: &CompositePlan, receiver: &ReceiverPlan, names: &[ActorName]) -> bool {
        let first = receiver.via.first().and_then(|first| self.export(composite, (*first, &receiver.export)));
        let own = first.and_then(travels).is_some_and(|contract| *contract == *receiver.contract);
        let answers = serves(&receiver.contract, &self.inventory.ingress) && receiver.adapter.version().is_some();
        let label = behind(&receiving("receive", &receiver.adapter), names);
        own && answers && receiver.label == label
    }

    fn names(&self, composite: &CompositePlan, via: &[usize]) -> Vec<ActorName> {
        via.iter().filter_map(|at| composite.members.get(*at)).map(|member| member.actor.clone()).collect()
    }
}

/// The ways in through chains: their members, the first with its export, and whether by `wasi:http`.
fn entrances(composite: &CompositePlan) -> impl Iterator<Item = (&[usize], Entry<'_>, bool)> {
    let receivers =
        composite.receivers.iter().map(|one: &ReceiverPlan| (one.via.as_slice(), one.export.as_str(), false));
    let http = composite.http.iter().map(|one: &HttpExport| (one.via.as_slice(), one.export.as_str(), true));
    receivers.chain(http).filter_map(|(via, export, http)| Some((via, (*via.first()?, export), http)))
}

/// True where the export is of the interface that is asked for, in a version that serves it; plain values in their types too.
fn meets(given: &Port, asked: &ContractName, shape: Option<&Port>) -> bool {
    let Some(name) = &given.contract else { return false };
    if HttpVersion::of(asked).is_some() {
        return HttpVersion::of(name) == HttpVersion::of(asked);
    }
    let named = name.serves(asked) || (asked.version.is_none() && name.same_interface(asked));
    named
        && match (shape.map(travels), travels(given)) {
            (Some(Some(wanted)), given) => given.is_some_and(|given| wanted.is_served_by(given).is_ok()),
            (Some(None), given) => given.is_none(),
            (None, _) => true,
        }
}

/// True where a link's chain has the actor that it leads to.
fn ends_with(link: &Link) -> bool {
    matches!(&link.to, LinkTarget::Actor(actor) if link.via.contains(actor))
}

fn joined(names: &[ActorName]) -> String {
    names.iter().map(ActorName::as_str).collect::<Vec<_>>().join(" → ")
}
