//! What needs no knowledge of hosts: that the parts are those of intent, and stand together.

use std::collections::BTreeSet;

use model::ids::{HostName, ProviderName};
use model::placement::AppPlacement;

use super::Misplacement;
use crate::placement::{Demand, Group};

/// Finds what is wrong with a part of a placement in itself.
pub(super) fn check(demand: &Demand, placed: &AppPlacement, found: &mut Vec<Misplacement>) {
    let application = || demand.application.clone();
    let asked = (demand.version, demand.intent, demand.share, &demand.refused);
    if asked != (placed.version, placed.intent, placed.share, &placed.refused) {
        found.push(Misplacement::Intent { application: application() });
    }
    let actors: BTreeSet<_> = demand.groups.iter().flat_map(|group| &group.actors).collect();
    let providers: BTreeSet<_> = demand.groups.iter().flat_map(|group| &group.providers).collect();
    let stray_actors = placed.actors.keys().filter(|actor| !actors.contains(actor)).map(ToString::to_string);
    let stray = placed.providers.keys().filter(|provider| !providers.contains(provider)).map(ToString::to_string);
    found.extend(stray_actors.chain(stray).map(|part| Misplacement::Stray { application: application(), part }));
    let absent_actors = actors.iter().filter(|actor| !placed.actors.contains_key(**actor)).map(ToString::to_string);
    let absent = providers.iter().filter(|one| !placed.providers.contains_key(**one)).map(ToString::to_string);
    found.extend(absent_actors.chain(absent).map(|part| Misplacement::Absent { application: application(), part }));
    for group in &demand.groups {
        together(demand, group, placed, found);
    }
    let linked: Vec<_> = demand.groups.iter().filter(|group| !group.providers.is_empty()).collect();
    for (provider, hosts) in &placed.providers {
        idle(demand, &linked, (provider, hosts), placed, found);
    }
}

/// The hosts of a group: those of its actors, else of its provider.
pub(super) fn hosts<'p>(group: &Group, placed: &'p AppPlacement) -> Option<&'p BTreeSet<HostName>> {
    match group.actors.iter().next() {
        Some(actor) => placed.actors.get(actor),
        None => placed.providers.get(group.providers.iter().next()?),
    }
}

/// The name of a group in messages.
pub(super) fn part(group: &Group) -> String {
    let provider = || group.providers.iter().next().map(ToString::to_string);
    group.actors.iter().next().map(ToString::to_string).or_else(provider).unwrap_or_default()
}

fn together(demand: &Demand, group: &Group, placed: &AppPlacement, found: &mut Vec<Misplacement>) {
    let Some(all) = hosts(group, placed) else { return };
    let apart =
        |other: String| Misplacement::Apart { application: demand.application.clone(), part: part(group), other };
    for (actor, hosts) in group.actors.iter().filter_map(|actor| Some((actor, placed.actors.get(actor)?))) {
        if hosts != all {
            found.push(apart(actor.to_string()));
        }
    }
    for (provider, hosts) in group.providers.iter().filter_map(|name| Some((name, placed.providers.get(name)?))) {
        let local = group.local.contains(provider);
        if local && hosts.len() > 1 {
            let (application, provider) = (demand.application.clone(), provider.clone());
            found.push(Misplacement::StateTwice { application, provider });
        }
        // Where the group runs nowhere, the host of local state is remembered.
        if !(all.is_subset(hosts) && (!local || all.is_empty() || hosts == all)) {
            found.push(apart(provider.to_string()));
        }
    }
}

/// A provider runs where something is linked to it; state that is on one host is remembered there.
fn idle(
    demand: &Demand,
    groups: &[&Group],
    (provider, on): (&ProviderName, &BTreeSet<HostName>),
    placed: &AppPlacement,
    found: &mut Vec<Misplacement>,
) {
    let groups = || groups.iter().filter(|group| group.providers.contains(provider));
    if groups().any(|group| group.local.contains(provider)) {
        return;
    }
    let linked: BTreeSet<_> = groups().filter_map(|group| hosts(group, placed)).flatten().collect();
    for host in on.iter().filter(|host| !linked.contains(host)) {
        let (application, provider, host) = (demand.application.clone(), provider.clone(), host.clone());
        found.push(Misplacement::Idle { application, provider, host });
    }
}
