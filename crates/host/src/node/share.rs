//! Taking up what is placed: what is to run here, where all else is, and who may call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use lattice::call::Target;
use model::blueprint::{CompositePlan, LinkPlan, Target as To, WireTo};
use model::ids::{ActorName, AppName, HostName, Labels};
use model::manifest::Manifest;
use model::placement::{self, AppPlacement, Replicas};

use crate::authority::{Knowledge, Known};
use crate::control::Share;
use crate::executor::parts::Stored;
use crate::executor::state::PartName;
use crate::executor::{Deployment, Spare, Status};
use crate::ingress::Routed;
use crate::limits::{ROLLOUT_SHARE_PER_MILLE, SUPERSEDED_TIME};
use crate::operate::Derived;

/// An application of a share, with what it runs.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) placement: Arc<AppPlacement>,
    pub(super) derived: Arc<Derived>,
}

impl Placed {
    fn routed(&self) -> Routed {
        Routed {
            blueprint: Arc::clone(&self.derived.blueprint),
            deadline: self.derived.intent.manifest.deadline,
            placement: Some(Arc::clone(&self.placement)),
        }
    }
}

/// The applications of a share that are derived, by name.
pub(super) type Placements = BTreeMap<AppName, Placed>;

/// Every application that a share names, each with its placement; the host's own come first where both name one.
pub(super) fn placements(share: &Share) -> BTreeMap<&AppName, &Arc<AppPlacement>> {
    share.routed.iter().chain(&share.apps).collect()
}

/// What is to run on `me`.
pub(super) fn deployments(
    share: &Share,
    placed: &Placements,
    me: &HostName,
    stored: impl Fn(&Derived) -> Stored,
) -> BTreeMap<AppName, Deployment> {
    let here = share.apps.keys().filter_map(|app| Some((app.clone(), placed.get(app)?)));
    here.map(|(app, placed)| (app, deployment(placed, me, &stored))).collect()
}

fn deployment(placed: &Placed, me: &HostName, stored: &impl Fn(&Derived) -> Stored) -> Deployment {
    let Placed { placement, derived } = placed;
    let actors = placement.actors.iter().filter(|(_, hosts)| hosts.contains(me)).map(|(actor, _)| actor.clone());
    let providers = placement.providers.iter().filter(|(_, hosts)| hosts.contains(me)).map(|(name, _)| name.clone());
    Deployment {
        version: placement.version,
        blueprint: Arc::clone(&derived.blueprint),
        actors: actors.collect(),
        providers: providers.collect(),
        parts: Arc::new(stored(derived)),
        // Where there is nothing to go back to, or it is gone back to this, it takes over at once.
        recorder: None,
        trial: placement.before.and_then(|_| placement.share.or(placement::Share::per_mille(ROLLOUT_SHARE_PER_MILLE))),
    }
}

/// The actors that may have to run on `me` one day: those that its labels allow, of the applications that it knows.
pub(super) fn spares(
    placed: &Placements,
    me: &HostName,
    labels: &Labels,
    stored: impl Fn(&Derived) -> Stored,
) -> Vec<Spare> {
    let mut spares = Vec::new();
    for placed in placed.values() {
        let deployment = deployment(placed, me, &stored);
        let Placed { placement, derived } = placed;
        let elsewhere = placement.actors.iter().filter(|(_, hosts)| !hosts.contains(me) && !hosts.is_empty());
        let possible = elsewhere.filter(|(actor, _)| may_run(&derived.intent.manifest, actor, labels));
        spares.extend(possible.map(|(actor, _)| Spare { deployment: deployment.clone(), actor: actor.clone() }));
    }
    spares
}

/// What the actors on `me` call that is placed on other hosts alone, with those.
pub(super) fn called_elsewhere(placed: &Placed, me: &HostName) -> impl Iterator<Item = (Target, BTreeSet<HostName>)> {
    let Placed { placement, derived } = placed;
    let composites = &derived.blueprint.composites;
    let here = placement.actors.iter().filter(|(_, hosts)| hosts.contains(me));
    let links = here.filter_map(|(actor, _)| composites.get(actor)).flat_map(links);
    links.filter_map(|link| {
        let hosts = match &link.target {
            To::Actor { actor, .. } => placement.actors.get(actor),
            To::Provider(provider) => placement.providers.get(provider),
        };
        let hosts = hosts.filter(|hosts| !hosts.is_empty() && !hosts.contains(me))?;
        let target = match &link.target {
            To::Actor { actor, .. } => Target::actor(&derived.blueprint.application, actor),
            To::Provider(provider) => Target::provider(&derived.blueprint.application, provider),
        };
        Some((target, hosts.clone()))
    })
}

fn links(composite: &CompositePlan) -> impl Iterator<Item = &LinkPlan> {
    composite.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(&sender.link),
        WireTo::Native(native) => Some(&native.link),
        WireTo::Member { .. } => None,
    })
}

fn may_run(manifest: &Manifest, actor: &ActorName, labels: &Labels) -> bool {
    manifest.actors.get(actor).is_some_and(|actor| {
        let has = |(key, value)| labels.get(key) == Some(value);
        actor.place.on.iter().all(has) && actor.place.replicas != Some(Replicas::Everywhere)
    })
}

/// What this host now knows of applications; callers that `before` placed are still believed for a while.
pub(super) fn knowledge(before: &Knowledge, placed: &Placements) -> Knowledge {
    let until = Instant::now() + SUPERSEDED_TIME;
    let known = placed.iter().map(|(app, Placed { placement, derived })| {
        let new = || Known::new(Arc::clone(&derived.blueprint), Arc::clone(placement));
        let known = match before.application(app.as_str()) {
            None => new(),
            Some(old) if old.placement() == placement => old.clone(),
            Some(old) if old.placement().intent == placement.intent => old.placed(Arc::clone(placement), until),
            Some(old) => new().after(old, until),
        };
        (app.clone(), known)
    });
    known.collect()
}

/// The applications whose routes are served.
pub(super) fn routed(share: &Share, placed: &Placements) -> Vec<Routed> {
    share.routed.keys().filter_map(|app| placed.get(app)).map(Placed::routed).collect()
}

/// The applications whose clients are served: all that this host knows.
pub(super) fn all(placed: &Placements) -> Vec<Routed> {
    placed.values().map(Placed::routed).collect()
}

/// What is placed on `me` and does not serve, whatever its version. What a version on trial has serves: whoever calls that
/// in the same version finds it.
pub(super) fn not_ready(share: &Share, status: &Status, me: &HostName) -> BTreeSet<Target> {
    let mut lacking = BTreeSet::new();
    for (app, placement) in &share.apps {
        let serves = |part: PartName| {
            status.apps.get(app).is_some_and(|app| match &part {
                PartName::Actor(actor) => app.actors.contains(actor) || app.tried.contains(&part),
                PartName::Provider(name) => app.providers.contains(name) || app.tried.contains(&part),
            })
        };
        let actors = placement.actors.iter().filter(|(_, hosts)| hosts.contains(me)).map(|(actor, _)| actor);
        let lacks = actors.filter(|actor| !serves(PartName::Actor((*actor).clone())));
        lacking.extend(lacks.map(|actor| Target::actor(app, actor)));
        let providers = placement.providers.iter().filter(|(_, hosts)| hosts.contains(me)).map(|(name, _)| name);
        let lacks = providers.filter(|name| !serves(PartName::Provider((*name).clone())));
        lacking.extend(lacks.map(|name| Target::provider(app, name)));
    }
    lacking
}
