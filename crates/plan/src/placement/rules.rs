//! The place rules of a group: those of its actors, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use model::ids::{ActorName, LabelKey, Labels, ProviderName};
use model::placement::{Place as Rule, Replicas};

use super::groups::{Graph, Part};
use crate::findings::Findings;
use crate::intent::State;
use crate::problem::{Fault, Place, Tie, quoted, table_key};

/// Who states rules that hold for a part.
#[derive(Clone, Copy)]
struct Speaker<'a> {
    actor: &'a ActorName,
    /// Itself, or what it is fused into.
    root: &'a ActorName,
}

/// A rule, with the first that states it.
type Stated<'a, T> = Option<(T, Speaker<'a>)>;

/// The rules of a group.
pub(super) struct Rules<'a> {
    replicas: Stated<'a, Replicas>,
    spread: Stated<'a, LabelKey>,
    on: BTreeMap<LabelKey, (String, Speaker<'a>)>,
    labels: Labels,
}

impl<'a> Rules<'a> {
    /// The rules of `parts`. Those that contradict each other are found.
    pub(super) fn of(graph: &Graph<'a>, parts: &BTreeSet<Part<'a>>, findings: &mut Findings) -> Self {
        let mut rules = Self { replicas: None, spread: None, on: BTreeMap::new(), labels: Labels::new() };
        for root in parts.iter().filter_map(|part| part.actor()) {
            for (actor, rule) in graph.stated(root) {
                rules.merge(graph, Speaker { actor, root }, rule, findings);
            }
        }
        if let Some(provider) = parts.iter().find_map(|part| part.local()) {
            rules.check_local(graph, provider, findings);
        }
        rules
    }

    pub(super) fn replicas(&self) -> Replicas {
        self.replicas.map_or(Replicas::Count(NonZeroU32::MIN), |(replicas, _)| replicas)
    }

    pub(super) fn spread(&self) -> Option<LabelKey> {
        self.spread.as_ref().map(|(key, _)| key.clone())
    }

    pub(super) fn on(self) -> Labels {
        self.labels
    }

    fn merge(&mut self, graph: &Graph<'a>, speaker: Speaker<'a>, rule: Rule, findings: &mut Findings) {
        if let Some(replicas) = rule.replicas {
            let (first, by) = *self.replicas.get_or_insert((replicas, speaker));
            if first != replicas {
                let asks = (written(first), written(replicas));
                findings.problem(at(speaker, key_of(replicas)), differ(graph, by, speaker, asks));
            }
        }
        if let Some(spread) = rule.spread {
            let (first, by) = self.spread.get_or_insert_with(|| (spread.clone(), speaker));
            if *first != spread {
                let asks = (format!("spread = \"{first}\""), format!("spread = \"{spread}\""));
                findings.problem(at(speaker, "spread"), differ(graph, *by, speaker, asks));
            }
        }
        for (key, value) in rule.on {
            let asked = format!("on = {{ {} = \"{value}\" }}", quoted(key.as_str()));
            let (first, by) = self.on.entry(key.clone()).or_insert_with(|| (asked.clone(), speaker));
            if *first == asked {
                self.labels.insert(key, value);
            } else {
                let place = at(speaker, &format!("on.{}", quoted(key.as_str())));
                findings.problem(place, differ(graph, *by, speaker, (first.clone(), asked)));
            }
        }
    }

    /// Local state has one host.
    fn check_local(&self, graph: &Graph<'a>, provider: &'a ProviderName, findings: &mut Findings) {
        let Some((replicas, by)) = self.replicas.filter(|(replicas, _)| *replicas != Replicas::Count(NonZeroU32::MIN))
        else {
            return;
        };
        let fault = Fault::SeveralBesideState {
            provider: provider.clone(),
            actor: by.actor.clone(),
            asks: written(replicas),
            ties: graph.ties_between(Some(by), Part::Actor(by.root), Part::Local(provider), None),
            shared: graph.shared_kinds(provider),
        };
        findings.problem(at(by, key_of(replicas)), fault);
    }
}

fn differ<'a>(graph: &Graph<'a>, first: Speaker<'a>, second: Speaker<'a>, asks: (String, String)) -> Fault {
    let ties = graph.ties_between(Some(first), Part::Actor(first.root), Part::Actor(second.root), Some(second));
    Fault::PlacesDiffer {
        first: first.actor.clone(),
        first_asks: asks.0,
        second: second.actor.clone(),
        second_asks: asks.1,
        ties,
    }
}

fn at(speaker: Speaker<'_>, key: &str) -> Place {
    let table = table_key("actors", speaker.actor.as_str());
    Place { actor: Some(speaker.actor.clone()), ..Place::key(format!("{table}.place.{key}")) }
}

fn key_of(replicas: Replicas) -> &'static str {
    match replicas {
        Replicas::Count(_) => "replicas",
        Replicas::Everywhere => "everywhere",
    }
}

fn written(replicas: Replicas) -> String {
    match replicas {
        Replicas::Count(count) => format!("replicas = {count}"),
        Replicas::Everywhere => "everywhere = true".to_owned(),
    }
}

impl<'a> Graph<'a> {
    /// Why two parts stand together: the shortest way over links, and what is fused at its ends.
    fn ties_between(
        &self,
        first: Option<Speaker<'a>>,
        from: Part<'a>,
        to: Part<'a>,
        second: Option<Speaker<'a>>,
    ) -> Vec<Tie> {
        let fused = |speaker: Option<Speaker<'a>>| {
            let speaker = speaker.filter(|speaker| speaker.actor != speaker.root)?;
            Some(Tie::Fused { actor: speaker.actor.clone(), into: speaker.root.clone() })
        };
        let way = self.way(from, to);
        let links = way.iter().zip(way.iter().skip(1)).map(|(one, other)| {
            let called = self.calls.contains(&(*one, *other));
            let (caller, callee) = if called { (one, other) } else { (other, one) };
            Tie::Host { caller: caller.name().to_owned(), callee: callee.name().to_owned() }
        });
        fused(first).into_iter().chain(links).chain(fused(second)).collect()
    }

    /// The parts from one to the other, over the fewest links.
    fn way(&self, from: Part<'a>, to: Part<'a>) -> Vec<Part<'a>> {
        let mut came = BTreeMap::from([(from, from)]);
        let mut open = std::collections::VecDeque::from([from]);
        while let Some(part) = open.pop_front() {
            for next in self.ties.get(&part).into_iter().flatten() {
                came.entry(*next).or_insert_with(|| {
                    open.push_back(*next);
                    part
                });
            }
        }
        let mut way = vec![to];
        while let Some(before) = way.last().filter(|part| **part != from).and_then(|part| came.get(part)) {
            way.push(*before);
        }
        way.reverse();
        way
    }

    /// The kinds with shared state that offer what the kind of `provider` offers.
    fn shared_kinds(&self, provider: &ProviderName) -> Vec<String> {
        let own = self.blueprint.providers.get(provider).and_then(|plan| self.inventory.offers.get(&plan.kind));
        let offers = |contracts: &[std::sync::Arc<model::contract::Contract>]| {
            contracts.iter().map(|contract| contract.name.clone()).collect::<BTreeSet<_>>()
        };
        let needed = own.map(|own| offers(&own.contracts)).unwrap_or_default();
        let kinds = self.inventory.offers.iter();
        kinds
            .filter(|(_, offer)| offer.state == State::Shared && offers(&offer.contracts).is_superset(&needed))
            .map(|(kind, _)| kind.clone())
            .collect()
    }
}
