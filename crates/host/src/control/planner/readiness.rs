//! Whether a change of what is ready can change a placement.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement, Replicas};
use plan::placement::{Demand, Group, HostView};

/// True where something stays on a host that it is to leave, or on more hosts than it asks for, until others are ready.
/// Else what becomes ready changes nothing, and needs no new plan.
pub(super) fn is_awaited(
    demands: &BTreeMap<AppName, Arc<Demand>>,
    placement: &Placement,
    hosts: &BTreeMap<HostName, HostView>,
) -> bool {
    demands.iter().any(|(name, demand)| {
        let app = placement.applications.get(name);
        app.is_some_and(|app| demand.groups.iter().any(|group| is_moving(app, group, hosts)))
    })
}

fn is_moving(app: &AppPlacement, group: &Group, hosts: &BTreeMap<HostName, HostView>) -> bool {
    group.actors.iter().filter_map(|actor| app.actors.get(actor)).any(|on| {
        let wanted = match group.replicas {
            Replicas::Count(count) => usize::try_from(count.get()).unwrap_or(usize::MAX),
            Replicas::Everywhere => usize::MAX,
        };
        on.len() > wanted || on.iter().filter_map(|host| hosts.get(host)).any(|host| leaves(host, group))
    })
}

/// True where a living host is not one that would be chosen.
fn leaves(host: &HostView, group: &Group) -> bool {
    host.alive && (host.draining || group.on.iter().any(|(key, value)| host.labels.get(key) != Some(value)))
}
