//! Groups: what stands together, and whether the place rules of its parts can be met together.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{Blueprint, LinkPlan, Target, WireTo};
use model::ids::{ActorName, ProviderName};
use model::manifest::Reach;
use model::placement::Place;

use super::Group;
use super::rules::Rules;
use crate::findings::Findings;
use crate::intent::{Intent, Inventory, State};

/// What stands on hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part<'a> {
    /// An actor that is called by itself, with all that is fused into it.
    Actor(&'a ActorName),
    /// A provider with local state.
    Local(&'a ProviderName),
}

/// An application as a graph: parts, and the links of reach `host` between them.
pub(super) struct Graph<'a> {
    pub(super) intent: &'a Intent,
    pub(super) blueprint: &'a Blueprint,
    pub(super) inventory: &'a Inventory,
    /// The links in both directions.
    pub(super) ties: BTreeMap<Part<'a>, BTreeSet<Part<'a>>>,
    /// The links as they are: from the one that calls.
    pub(super) calls: BTreeSet<(Part<'a>, Part<'a>)>,
    /// The providers with shared state that each actor is linked to.
    shared: BTreeMap<&'a ActorName, BTreeSet<&'a ProviderName>>,
}

/// The groups of an application, in order of names. Rules that cannot be met together are found.
pub(crate) fn groups(
    intent: &Intent,
    blueprint: &Blueprint,
    inventory: &Inventory,
    findings: &mut Findings,
) -> Vec<Group> {
    let graph = Graph::of(intent, blueprint, inventory);
    let mut left: BTreeSet<Part<'_>> = graph.ties.keys().copied().collect();
    let mut groups = Vec::new();
    while let Some(first) = left.pop_first() {
        let parts = graph.together(first);
        left.retain(|part| !parts.contains(part));
        groups.push(graph.group(&parts, findings));
    }
    groups.sort_by(|one, other| one.name().cmp(other.name()));
    groups
}

impl<'a> Graph<'a> {
    fn of(intent: &'a Intent, blueprint: &'a Blueprint, inventory: &'a Inventory) -> Self {
        let (ties, calls, shared) = Default::default();
        let mut graph = Self { intent, blueprint, inventory, ties, calls, shared };
        for (root, composite) in &blueprint.composites {
            graph.ties.entry(Part::Actor(root)).or_default();
            for wire in composite.members.iter().flat_map(|member| &member.wires) {
                match &wire.to {
                    WireTo::Sender(sender) => graph.link(root, &sender.link),
                    WireTo::Native(native) => {
                        for provider in native.providers() {
                            graph.provider(root, provider, native.link.reach);
                        }
                    }
                    WireTo::Member { .. } => {}
                }
            }
        }
        graph
    }

    fn link(&mut self, root: &'a ActorName, link: &'a LinkPlan) {
        match &link.target {
            Target::Actor { actor, .. } => self.tie(root, Part::Actor(actor), link.reach),
            Target::Provider(provider) => self.provider(root, provider, link.reach),
        }
    }

    fn provider(&mut self, root: &'a ActorName, provider: &'a ProviderName, reach: Reach) {
        match self.state(provider) {
            Some(State::Local) => self.tie(root, Part::Local(provider), reach),
            Some(State::Shared) => {
                self.shared.entry(root).or_default().insert(provider);
            }
            None => {}
        }
    }

    fn tie(&mut self, root: &'a ActorName, callee: Part<'a>, reach: Reach) {
        self.ties.entry(callee).or_default();
        if reach == Reach::Host {
            let caller = Part::Actor(root);
            self.calls.insert((caller, callee));
            self.ties.entry(caller).or_default().insert(callee);
            self.ties.entry(callee).or_default().insert(caller);
        }
    }

    /// Where the state of a provider is that runs in hosts.
    fn state(&self, provider: &ProviderName) -> Option<State> {
        let plan = self.blueprint.providers.get(provider).filter(|plan| plan.external.is_none())?;
        Some(self.inventory.offers.get(&plan.kind)?.state)
    }

    fn together(&self, first: Part<'a>) -> BTreeSet<Part<'a>> {
        let mut parts = BTreeSet::from([first]);
        let mut open = vec![first];
        while let Some(part) = open.pop() {
            open.extend(self.ties.get(&part).into_iter().flatten().copied().filter(|next| parts.insert(*next)));
        }
        parts
    }

    fn group(&self, parts: &BTreeSet<Part<'a>>, findings: &mut Findings) -> Group {
        let rules = Rules::of(self, parts, findings);
        let actors: BTreeSet<_> = parts.iter().filter_map(|part| part.actor()).collect();
        let local: BTreeSet<_> = parts.iter().filter_map(|part| part.local()).collect();
        let shared = actors.iter().filter_map(|actor| self.shared.get(actor)).flatten().copied();
        let providers: BTreeSet<_> = shared.chain(local.iter().copied()).collect();
        let kinds = providers.iter().filter_map(|provider| self.blueprint.providers.get(*provider));
        Group {
            kinds: kinds.map(|plan| plan.kind.clone()).collect(),
            actors: actors.into_iter().cloned().collect(),
            providers: providers.into_iter().cloned().collect(),
            local: local.into_iter().cloned().collect(),
            replicas: rules.replicas(),
            spread: rules.spread(),
            on: rules.on(),
        }
    }

    /// The actors whose rules hold for `root`, with what holds of each. One that is fused in and also stands by itself
    /// has its own hosts: only the labels that it asks for hold wherever a copy of it runs.
    pub(super) fn stated(&self, root: &'a ActorName) -> Vec<(&'a ActorName, Place)> {
        let members = self.blueprint.composites.get(root).map(|composite| composite.members.as_slice());
        let stated = members.unwrap_or_default().iter().filter_map(|member| {
            let asked = &self.intent.manifest.actors.get(&member.actor)?.place;
            let own = member.actor != *root && self.blueprint.composites.contains_key(&member.actor);
            let place = if own { Place { on: asked.on.clone(), ..Place::default() } } else { asked.clone() };
            Some((&member.actor, place))
        });
        stated.collect()
    }
}

impl<'a> Part<'a> {
    pub(super) fn actor(self) -> Option<&'a ActorName> {
        match self {
            Part::Actor(actor) => Some(actor),
            Part::Local(_) => None,
        }
    }

    pub(super) fn local(self) -> Option<&'a ProviderName> {
        match self {
            Part::Local(provider) => Some(provider),
            Part::Actor(_) => None,
        }
    }

    pub(super) fn name(self) -> &'a str {
        match self {
            Part::Actor(actor) => actor.as_str(),
            Part::Local(provider) => provider.as_str(),
        }
    }
}
