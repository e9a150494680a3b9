//! Why something runs on fewer hosts than it asks for, in words for its user.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::{ActorName, AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Placement, Replicas};

use super::field::Field;
use super::reason::{Obstacle, Reason};
use super::state::{Holder, holder};
use super::{Demand, Group, HostView};
use crate::limits::OBSTACLES_LISTED_MAX;

/// A group that runs on fewer hosts than it asks for. Its text says which, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// The application.
    pub application: AppName,
    /// The actors of the group.
    pub actors: BTreeSet<ActorName>,
    /// The providers of the group.
    pub providers: BTreeSet<ProviderName>,
    /// How many hosts it asks for.
    pub wanted: Replicas,
    /// The hosts that run it and may keep it.
    pub placed: BTreeSet<HostName>,
    /// The hosts that are up and run it because nobody else can take it from them.
    pub stays: BTreeSet<HostName>,
    /// Why there are no more.
    pub reason: Reason,
}

/// The groups that run on fewer hosts than they ask for, with the reason, in the order of applications and groups.
pub fn unplaced(
    demands: &BTreeMap<AppName, Arc<Demand>>,
    placement: &Placement,
    hosts: &BTreeMap<HostName, HostView>,
) -> Vec<Unplaced> {
    let mut field = Field::new(hosts);
    let mut unplaced = Vec::new();
    for (application, demand) in demands {
        let placed = placement.applications.get(application).map(Arc::as_ref);
        let groups = demand.groups.iter();
        unplaced.extend(groups.filter_map(|group| lack(application, group, placed, &mut field)));
    }
    unplaced
}

/// What a group lacks; nothing where it has what it asks for.
fn lack<'a>(
    application: &AppName,
    group: &'a Group,
    placed: Option<&AppPlacement>,
    field: &mut Field<'a>,
) -> Option<Unplaced> {
    let on = hosts_of(group, placed);
    let view = |host: &HostName| field.id(host).and_then(|id| field.view(id));
    let up = on.iter().filter(|host| view(host).is_some_and(|view| view.alive));
    let (keeps, stays): (BTreeSet<_>, BTreeSet<_>) =
        up.cloned().partition(|host| view(host).is_some_and(|view| view.may_take(group)));
    let enough = match group.replicas {
        Replicas::Count(count) => keeps.len() >= usize::try_from(count.get()).unwrap_or(usize::MAX),
        Replicas::Everywhere => !keeps.is_empty(),
    };
    if enough {
        return None;
    }
    let reason = reason(application, group, placed, field)?;
    Some(Unplaced {
        application: application.clone(),
        actors: group.actors.clone(),
        providers: group.providers.clone(),
        wanted: group.replicas,
        placed: keeps,
        stays,
        reason,
    })
}

/// The hosts on which a group runs. Where it has actors, the host of its state alone is not one.
fn hosts_of(group: &Group, placed: Option<&AppPlacement>) -> BTreeSet<HostName> {
    let actor = || placed?.actors.get(group.actors.first()?);
    let local = || placed?.providers.get(group.local.first()?);
    let hosts = if group.actors.is_empty() { local() } else { actor() };
    hosts.cloned().unwrap_or_default()
}

/// Why a group has too few hosts; nothing where that is to change with the next placement.
fn reason<'a>(
    application: &AppName,
    group: &'a Group,
    placed: Option<&AppPlacement>,
    field: &mut Field<'a>,
) -> Option<Reason> {
    if group.pinned() {
        match holder(application, group, placed, field) {
            Holder::Nobody => {}
            Holder::Unclear(reason) => return Some(reason),
            Holder::Host(provider, host) => {
                let obstacle = obstacle(group, field.id(&host).and_then(|id| field.view(id)))?;
                return Some(Reason::State { provider, host, obstacle });
            }
        }
    }
    let wanted = match group.replicas {
        Replicas::Count(count) => count.get(),
        Replicas::Everywhere => 1,
    };
    if u32::try_from(field.fit(group).len()).is_ok_and(|fit| fit >= wanted) {
        return None;
    }
    Some(nowhere(group, field).unwrap_or_else(|| too_few(group, wanted, field)))
}

/// What no host has, where there is such a thing.
fn nowhere(group: &Group, field: &Field<'_>) -> Option<Reason> {
    if !field.all().any(|(_, _, view)| view.alive) {
        return Some(Reason::NoHosts);
    }
    let labels = group.on.iter();
    let label = labels.filter(|(key, value)| !field.all().any(|(_, _, view)| view.labels.get(*key) == Some(*value)));
    let kind = group.kinds.iter().find(|kind| !field.all().any(|(_, _, view)| view.kinds.contains(*kind)));
    let mut lacking = label.map(|(key, value)| Reason::NoLabel { key: key.clone(), value: value.clone() });
    lacking.next().or_else(|| Some(Reason::NoKind { kind: kind?.clone() }))
}

/// The hosts that cannot take a group: first those that only have to come back, last those that were never meant.
fn too_few(group: &Group, wanted: u32, field: &Field<'_>) -> Reason {
    let hosts = field.all();
    let mut others: Vec<_> =
        hosts.filter_map(|(_, host, view)| Some((host.clone(), obstacle(group, Some(view))?))).collect();
    others.sort_by_key(|(_, obstacle)| match obstacle {
        Obstacle::Down | Obstacle::Draining | Obstacle::Unknown => 0,
        Obstacle::Kind { .. } => 1,
        Obstacle::Label { .. } => 2,
    });
    let more = others.len().saturating_sub(OBSTACLES_LISTED_MAX);
    others.truncate(OBSTACLES_LISTED_MAX);
    Reason::TooFew { wanted, others, more }
}

/// Why a host cannot take a group; nothing where it can.
fn obstacle(group: &Group, view: Option<&HostView>) -> Option<Obstacle> {
    let Some(view) = view else { return Some(Obstacle::Unknown) };
    let label = group.on.iter().find(|(key, value)| view.labels.get(*key) != Some(*value));
    let kind = group.kinds.iter().find(|kind| !view.kinds.contains(*kind));
    match (label, kind) {
        (Some((key, value)), _) => Some(Obstacle::Label { key: key.clone(), value: value.clone() }),
        _ if !view.alive => Some(Obstacle::Down),
        (None, Some(kind)) => Some(Obstacle::Kind { kind: kind.clone() }),
        _ if view.draining => Some(Obstacle::Draining),
        _ => None,
    }
}
