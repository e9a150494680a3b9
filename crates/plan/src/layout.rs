//! Who has a seat in a composite: each actor once, and a copy of each middleware for each place in a chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::blueprint::{HttpExport, HttpVersion, ReceiverPlan, Wire, behind, receiving};
use model::ids::ActorName;
use model::manifest::LinkKey;
use model::view::{ComponentView, Shape};

use crate::chain::{RouteChain, Stage, route_chain};
use crate::composite::{Composer, answered, receiver_label};
use crate::fuse::check_shared;
use crate::intent::contract_of;
use crate::limits::MEMBERS_MAX;
use crate::problem::{Fault, Place};
use crate::resolve::Resolved;

/// A seat in a composite.
#[derive(Clone, Debug)]
pub(crate) struct Seat<'a, 'f> {
    pub(crate) actor: &'a ActorName,
    /// Of a copy: where calls go on, by its import. All its other imports are as the actor's.
    pub(crate) passes: Vec<(&'a str, Onward<'a, 'f>)>,
    is_copy: bool,
}

/// Where calls go on from a place in a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Onward<'a, 'f> {
    /// To an export of another seat.
    Seat { seat: usize, export: &'a str },
    /// To where the link leads.
    End(&'f Resolved<'a>),
}

/// The seats, growing as links are followed.
#[derive(Default)]
pub(crate) struct Seats<'a, 'f> {
    pub(crate) all: Vec<Seat<'a, 'f>>,
    /// The first copy of the chain of a link, by the seat that calls and the link's key: imports of one link share copies, and
    /// so the resources that pass them.
    chains: BTreeMap<(usize, &'a LinkKey), usize>,
}

/// The ways into a composite.
pub(crate) struct Entrances {
    pub(crate) receivers: Vec<ReceiverPlan>,
    pub(crate) http: Vec<HttpExport>,
}

/// A wire: its composite, member and import.
pub(crate) type WireAt = (ActorName, usize, String);

/// How the chain goes on that a wire begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChainEnd {
    /// Its actors.
    pub(crate) via: Vec<ActorName>,
    /// The member at its end.
    pub(crate) member: usize,
    /// The import of that by which the chain ends.
    pub(crate) import: String,
}

/// What of a plan only its explanation needs: which wires are parts of chains.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chains {
    /// Wires by which a copy passes calls on.
    pub(crate) passing: BTreeSet<WireAt>,
    /// Wires that begin a chain.
    pub(crate) ends: BTreeMap<WireAt, ChainEnd>,
}

impl<'a, 'f> Seats<'a, 'f> {
    /// The seat of an actor itself.
    pub(crate) fn of(&mut self, actor: &'a ActorName) -> usize {
        match self.all.iter().position(|seat| seat.actor == actor && !seat.is_copy) {
            Some(seat) => seat,
            None => self.add(actor, false),
        }
    }

    fn add(&mut self, actor: &'a ActorName, is_copy: bool) -> usize {
        self.all.push(Seat { actor, passes: Vec::new(), is_copy });
        self.all.len() - 1
    }

    /// Leads calls of a link through its chain; gives the seat and the export where they enter.
    pub(crate) fn chain(&mut self, caller: usize, link: &'f Resolved<'a>) -> Option<(usize, &'a str)> {
        let key = (caller, link.choice.key);
        let first = match self.chains.get(&key) {
            Some(first) => *first,
            None => self.copies(&link.via),
        };
        self.chains.insert(key, first);
        self.connect(first, &link.via, Onward::End(link))
    }

    fn copies(&mut self, stages: &[Stage<'a>]) -> usize {
        let first = self.all.len();
        for stage in stages {
            self.add(stage.actor, true);
        }
        first
    }

    fn connect(&mut self, first: usize, stages: &[Stage<'a>], end: Onward<'a, 'f>) -> Option<(usize, &'a str)> {
        let nexts = stages.iter().enumerate().skip(1);
        let nexts = nexts.map(|(at, stage)| Onward::Seat { seat: first + at, export: &stage.export.label });
        let onward = nexts.chain([end]);
        for (seat, (stage, onward)) in self.all.iter_mut().skip(first).zip(stages.iter().zip(onward)) {
            seat.passes.push((&stage.import.label, onward));
        }
        stages.first().map(|stage| (first, stage.export.label.as_str()))
    }
}

impl<'a, 'f> Composer<'a, 'f> {
    /// The exports of a composite: those of its actor, then the same behind the chains of routes. The copies of those get
    /// their seats.
    pub(crate) fn entrances(&mut self, root: &'a ActorName, seats: &mut Seats<'a, 'f>) -> Option<Entrances> {
        let mut entrances = Entrances { receivers: self.receivers(root)?, http: self.http(root) };
        let routes = self.intent.manifest.routes.iter().filter(|route| route.to == *root && !route.via.is_empty());
        let chains: BTreeMap<_, _> = routes.map(|route| (&route.via, route)).collect();
        for (via, route) in chains {
            // What is wrong with it is found with the route.
            let Ok(Some(RouteChain { stages, end, http })) = route_chain(self.intent, self.inventory, route) else {
                return None;
            };
            let first = seats.copies(&stages);
            let end = Onward::Seat { seat: seats.of(root), export: &end.label };
            seats.connect(first, &stages, end)?;
            let members = (first..).take(stages.len()).collect();
            self.entrance(root, &mut entrances, (&stages, members, behind("", via)), http)?;
        }
        Some(entrances)
    }

    fn entrance(
        &mut self,
        root: &ActorName,
        entrances: &mut Entrances,
        (stages, via, suffix): (&[Stage<'a>], Vec<usize>, String),
        http: Option<HttpVersion>,
    ) -> Option<()> {
        let outermost = stages.first()?;
        let export = outermost.export.label.clone();
        match http {
            Some(version) => {
                entrances.http.push(HttpExport { label: format!("http{suffix}"), export, via, version });
            }
            None => {
                let contract = contract_of(outermost.export)?;
                for adapter in self.adapters.receivers(contract, root, self.findings) {
                    let label = format!("{}{suffix}", receiving("receive", &adapter));
                    let (export, via, contract) = (export.clone(), via.clone(), Arc::clone(contract));
                    entrances.receivers.push(ReceiverPlan { label, export, via, contract, adapter });
                }
            }
        }
        Some(())
    }

    /// The export of `wasi:http` that serves requests: the latest, if there are several.
    fn http(&self, root: &ActorName) -> Vec<HttpExport> {
        let exports = self.intent.components.get(root).into_iter().flat_map(|view| &view.exports);
        let served = exports.filter_map(|port| Some((HttpVersion::of(port.contract.as_ref()?)?, port)));
        let latest = served.max_by_key(|(version, _)| *version).map(|(version, port)| {
            let label = port.label.clone();
            HttpExport { export: label.clone(), label, via: Vec::new(), version }
        });
        latest.into_iter().collect()
    }

    fn receivers(&mut self, root: &ActorName) -> Option<Vec<ReceiverPlan>> {
        let view = self.intent.components.get(root)?;
        let mut receivers = Vec::new();
        for (index, (export, contract)) in answered(view).enumerate() {
            for adapter in self.adapters.receivers(contract, root, self.findings) {
                let (label, export) = (receiver_label(index, &adapter), export.to_owned());
                receivers.push(ReceiverPlan {
                    label,
                    export,
                    via: Vec::new(),
                    contract: Arc::clone(contract),
                    adapter,
                });
            }
        }
        Some(receivers)
    }

    /// What all seats together may not be: too many, or at odds about what they would share.
    pub(crate) fn check_seats(&mut self, root: &ActorName, seats: &Seats<'a, 'f>) {
        let actors: BTreeSet<_> = seats.all.iter().map(|seat| seat.actor).collect();
        let mut actors: Vec<_> = actors.into_iter().collect();
        actors.sort_by_key(|actor| seats.all.iter().position(|seat| seat.actor == *actor));
        check_shared(self.intent, self.inventory, self.links, &actors, self.findings);
        if seats.all.len() > MEMBERS_MAX {
            let fault = Fault::TooManyMembers { actor: root.clone(), max: MEMBERS_MAX };
            self.findings.problem(Place::actor(root), fault);
        }
    }

    /// Finds imports of a copy that nothing meets: those of a contract that only other chains pass.
    pub(crate) fn check_copy(&mut self, seat: &Seat<'a, 'f>, view: &ComponentView, wires: &[Wire]) {
        for port in view.imports.iter().filter(|_| seat.is_copy) {
            let is_met = wires.iter().any(|wire| wire.import == port.label) || self.inventory.host_satisfies(port);
            if is_met || port.shape == Shape::Types {
                continue;
            }
            let functions = match &port.shape {
                Shape::Contract(contract) => contract.functions.keys().cloned().collect(),
                Shape::Refused(refusal) => refusal.functions.clone(),
                Shape::Types => Vec::new(),
            };
            let (actor, import, contract) = (seat.actor.clone(), port.label.clone(), port.contract.clone());
            let fault = Fault::Unlinked { actor, import, functions, contract, candidates: Vec::new() };
            self.findings.problem(Place::actor(seat.actor).about(&port.label), fault);
        }
    }

    /// Notes what chains begin at, and pass, a seat.
    pub(crate) fn note(&mut self, root: &ActorName, at: usize, seats: &Seats<'a, 'f>) {
        let Some(seat) = seats.all.get(at) else { return };
        let passing = seat.passes.iter().map(|(import, _)| (root.clone(), at, (*import).to_owned()));
        self.chains.passing.extend(passing);
        let links = self.links;
        for link in links.get(seat.actor).into_iter().flatten().filter(|link| !link.via.is_empty()) {
            let first = seats.chains.get(&(at, link.choice.key)).copied();
            let (Some(first), Some(last)) = (first, link.via.last()) else { continue };
            let via = link.via.iter().map(|stage| stage.actor.clone()).collect();
            let member = first + link.via.len() - 1;
            let end = ChainEnd { via, member, import: last.import.label.clone() };
            self.chains.ends.insert((root.clone(), at, link.choice.port.label.clone()), end);
        }
    }
}
