//! The parts of an application that are started and ended each by itself: composites and providers.

use std::fmt;
use std::sync::Arc;

use model::blueprint::{CompositePlan, LinkPlan, NativePlan, ProviderPlan, SenderPlan, Target, WireTo};
use model::ids::{ActorName, ProviderName};
use model::manifest::Reach;

use crate::record::Recorder;

/// The name of a part within its application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartName {
    /// A provider.
    Provider(ProviderName),
    /// An actor's composite.
    Actor(ActorName),
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartName::Provider(name) => write!(f, "provider {name}"),
            PartName::Actor(name) => write!(f, "actor {name}"),
        }
    }
}

/// Tells parts apart, those of one name too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub u64);

/// Gives ids, each once.
#[derive(Debug, Default)]
pub(super) struct Ids(u64);

impl Ids {
    pub(super) fn next(&mut self) -> PartId {
        self.0 += 1;
        PartId(self.0)
    }
}

/// What a part is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// A composite, and what records it.
    Actor(Arc<CompositePlan>, Option<Recorder>),
    /// A provider.
    Provider {
        /// Its kind and configuration.
        plan: ProviderPlan,
        /// Its state is this host's: it cannot be open twice.
        is_local: bool,
    },
}

impl Spec {
    /// True where a part made of the one serves as well as one made of the other: links can be laid anew without it.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Spec::Actor(one, recorder), Spec::Actor(other, others)) => {
                recorder == others && same_composite(one, other)
            }
            (Spec::Provider { plan: one, .. }, Spec::Provider { plan: other, .. }) => one == other,
            _ => false,
        }
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self, Spec::Provider { is_local: true, .. })
    }

    /// True where it is asked whether it is ready.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Spec::Actor(plan, _) if plan.ready.is_some())
    }

    /// The parts that must answer for this one to serve, as far as they are on this host: targets of links that never
    /// leave it.
    pub(super) fn needs(&self) -> Vec<PartName> {
        let Spec::Actor(plan, _) = self else { return Vec::new() };
        let met = natives(plan).flat_map(NativePlan::providers).cloned().map(PartName::Provider);
        let near = senders(plan).filter(|sender| sender.link.reach == Reach::Host);
        let called = near.filter_map(|sender| match &sender.link.target {
            Target::Actor { actor, .. } => Some(PartName::Actor(actor.clone())),
            Target::Provider(provider) => Some(PartName::Provider(provider.clone())),
            #[allow(unreachable_patterns, reason = "what runs elsewhere is not waited for")]
            _ => None,
        });
        called.chain(met).collect()
    }
}

fn natives(plan: &CompositePlan) -> impl Iterator<Item = &NativePlan> {
    plan.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Native(native) => Some(native),
        WireTo::Member { .. } | WireTo::Sender(_) => None,
    })
}

fn senders(plan: &CompositePlan) -> impl Iterator<Item = &SenderPlan> {
    plan.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(sender),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    })
}

/// Equal but for where messages go, which is a table of the host.
fn same_composite(one: &CompositePlan, other: &CompositePlan) -> bool {
    if one == other {
        return true;
    }
    let mut relinked = one.clone();
    let wires = relinked.members.iter_mut().flat_map(|member| &mut member.wires);
    let others = other.members.iter().flat_map(|member| &member.wires);
    for (wire, other) in wires.zip(others) {
        match (&mut wire.to, &other.to) {
            (WireTo::Sender(SenderPlan { link, open, .. }), WireTo::Sender(other))
                if serves_same_import(link, &other.link) =>
            {
                *link = other.link.clone();
                *open = other.open.clone();
            }
            (WireTo::Native(native), WireTo::Native(other)) if serves_same_import(&native.link, &other.link) => {
                native.link = other.link.clone();
                native.open = other.open.clone();
                native.bridge = other.bridge.clone();
            }
            _ => {}
        }
    }
    relinked == *other
}

fn serves_same_import(one: &LinkPlan, other: &LinkPlan) -> bool {
    (&one.actor, &one.import, &one.contract) == (&other.actor, &other.import, &other.contract)
}
