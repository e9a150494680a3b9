//! What a host knows of the applications that concern it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use model::blueprint::{Blueprint, LinkPlan, SenderPlan, WireTo};
use model::ids::{ActorName, AppName, HostName};
use model::placement::AppPlacement;
use provider::Opens;

use crate::limits::SUPERSEDED_MAX;

/// Every application that runs here, or that the ingress here leads to.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    applications: HashMap<String, Known>,
}

/// An application: what runs, and where.
#[derive(Clone, Debug)]
pub struct Known {
    now: Version,
    /// The newest first.
    before: Vec<Before>,
}

/// What was agreed before: callers that it placed may finish their work.
#[derive(Clone, Debug)]
struct Before {
    version: Version,
    until: Instant,
}

#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) placement: Arc<AppPlacement>,
    links: Arc<Links>,
}

/// Links by the actor that calls, then by its import.
type Links = HashMap<String, HashMap<String, Vec<LinkAt>>>;

/// A link in one of the composites that its caller is a member of; one that opens stores of several providers is there for
/// each.
#[derive(Clone, Debug)]
pub(super) struct LinkAt {
    pub(super) composite: ActorName,
    pub(super) plan: LinkPlan,
    pub(super) contract: String,
    pub(super) wire: String,
    /// The stores that its calls may name.
    pub(super) opens: Opens,
}

impl Known {
    /// An application as it stands.
    pub fn new(blueprint: Arc<Blueprint>, placement: Arc<AppPlacement>) -> Self {
        let links = Arc::new(links(&blueprint));
        Self { now: Version { blueprint, placement, links }, before: Vec::new() }
    }

    /// The same application after `old`, whose callers are still accepted until `until`.
    pub fn after(self, old: &Known, until: Instant) -> Self {
        Self { before: old.superseded(until), ..self }
    }

    /// The same application placed otherwise: the blueprint, and what was made of it, is kept.
    pub fn placed(&self, placement: Arc<AppPlacement>, until: Instant) -> Self {
        Self { now: Version { placement, ..self.now.clone() }, before: self.superseded(until) }
    }

    fn superseded(&self, until: Instant) -> Vec<Before> {
        let last = Before { version: self.now.clone(), until };
        [last].into_iter().chain(self.before.iter().cloned()).take(SUPERSEDED_MAX).collect()
    }

    /// What runs.
    pub fn blueprint(&self) -> &Arc<Blueprint> {
        &self.now.blueprint
    }

    /// Where it runs.
    pub fn placement(&self) -> &Arc<AppPlacement> {
        &self.now.placement
    }

    pub(super) fn now(&self) -> &Version {
        &self.now
    }

    /// What was agreed before, as far as it still counts.
    pub(super) fn before(&self, now: Instant) -> impl Iterator<Item = &Version> {
        self.before.iter().filter(move |before| now <= before.until).map(|before| &before.version)
    }
}

impl FromIterator<(AppName, Known)> for Knowledge {
    fn from_iter<I: IntoIterator<Item = (AppName, Known)>>(applications: I) -> Self {
        Self { applications: applications.into_iter().map(|(name, known)| (name.to_string(), known)).collect() }
    }
}

impl Knowledge {
    /// What is known of an application.
    pub fn application(&self, name: &str) -> Option<&Known> {
        self.applications.get(name)
    }

    /// The generation that is known of an application; 0 where it is not known.
    pub fn generation(&self, name: &str) -> u64 {
        self.application(name).map_or(0, |known| known.now.placement.generation)
    }
}

impl Version {
    /// The link of an actor's import, in each composite that has it.
    pub(super) fn links(&self, actor: &str, import: &str) -> &[LinkAt] {
        self.links.get(actor).and_then(|links| links.get(import)).map_or(&[], Vec::as_slice)
    }

    /// True where `composite` runs on `host`.
    pub(super) fn runs(&self, composite: &ActorName, host: &HostName) -> bool {
        self.placement.actors.get(composite).is_some_and(|hosts| hosts.contains(host))
    }
}

fn links(blueprint: &Blueprint) -> Links {
    let mut links = Links::new();
    for (composite, plan) in &blueprint.composites {
        let wires = plan.members.iter().flat_map(|member| &member.wires);
        let senders = wires.flat_map(|wire| match &wire.to {
            WireTo::Sender(sender) => vec![sender.clone()],
            WireTo::Native(native) => native.bridged(),
            WireTo::Member { .. } => Vec::new(),
        });
        for SenderPlan { adapter, link: plan, open, .. } in senders {
            let of_actor = links.entry(plan.actor.to_string()).or_default();
            of_actor.entry(plan.import.clone()).or_default().push(LinkAt {
                composite: composite.clone(),
                contract: plan.contract.to_string(),
                wire: adapter.wire().to_owned(),
                opens: Opens::Only(Arc::new(open)),
                plan,
            });
        }
    }
    links
}
