//! What one host can judge by itself.

use std::collections::BTreeSet;

use model::ids::HostName;
use model::placement::AppPlacement;

use super::Misplacement;
use super::structure::{self, hosts, part};
use crate::placement::{Demand, Group, HostView};

/// Judges what one host is given of an application, by what that host knows itself: its own `view`, the `demand` that it
/// derives from intent, and the part `before` this one. So no blueprint, however it came to be, makes a host run what
/// intent does not place there.
///
/// # Errors
///
/// Every way in which `next` is not what `demand` asks for, as far as the host can know.
pub fn check_share(
    host: &HostName,
    view: &HostView,
    demand: &Demand,
    before: Option<&AppPlacement>,
    next: &AppPlacement,
) -> Result<(), Vec<Misplacement>> {
    let mut found = Vec::new();
    structure::check(demand, next, &mut found);
    for group in &demand.groups {
        let here = hosts(group, next).is_some_and(|hosts| hosts.contains(host));
        let was = before.is_some_and(|before| was_here(host, group, before));
        if here {
            of_group(host, view, demand, group, was, &mut found);
        }
        states(demand, group, before, next, &mut found);
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn was_here(host: &HostName, group: &Group, before: &AppPlacement) -> bool {
    let actors = group.actors.iter().filter_map(|actor| before.actors.get(actor));
    let local = group.local.iter().filter_map(|provider| before.providers.get(provider));
    actors.chain(local).any(|hosts| hosts.contains(host))
}

/// A group that this host is given. One that it runs may stay until another host has it, whatever its labels are now, and
/// so may one whose state is here.
fn of_group(
    host: &HostName,
    view: &HostView,
    demand: &Demand,
    group: &Group,
    was: bool,
    found: &mut Vec<Misplacement>,
) {
    let (application, part, host) = (demand.application.clone(), part(group), host.clone());
    // Where local state is, it is remembered, whatever the host offers now.
    let kept = was && !group.local.is_empty();
    if !kept && !group.kinds.iter().all(|kind| view.kinds.contains(kind)) {
        found.push(Misplacement::Kind { application, part, host });
    } else if !was
        && !has_state(view, demand, group)
        && group.on.iter().any(|(key, value)| view.labels.get(key) != Some(value))
    {
        found.push(Misplacement::Label { application, part, host });
    }
}

/// True where state of the group is in this host's data folder: it has been here, and nobody else can have it.
fn has_state(view: &HostView, demand: &Demand, group: &Group) -> bool {
    view.states.iter().any(|(app, provider)| *app == demand.application && group.local.contains(provider))
}

/// Local state stays where it was. Between versions that are further apart the application may have been down, and with it
/// what was remembered: nothing can be said then.
fn states(
    demand: &Demand,
    group: &Group,
    before: Option<&AppPlacement>,
    next: &AppPlacement,
    found: &mut Vec<Misplacement>,
) {
    let before = before.filter(|before| next.version <= before.version.saturating_add(1));
    let none = BTreeSet::new();
    for provider in &group.local {
        let was = before.and_then(|before| before.providers.get(provider)).unwrap_or(&none);
        let moved = was.len() == 1 && next.providers.get(provider) != Some(was);
        if let Some(host) = was.first().filter(|_| moved) {
            let (application, provider, host) = (demand.application.clone(), provider.clone(), host.clone());
            found.push(Misplacement::State { application, provider, host });
        }
    }
}
