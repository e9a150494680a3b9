//! What a planner leaves as it is, since something that decides over it cannot be seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::ids::{AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Placement};
use plan::placement::Demand;

use super::demands::Gathered;
use super::hosts::Hosts;

/// Where records cannot be read: whatever stands on a living host of which nothing is known stays, and local state of
/// which nobody knows where it is gets no host, for one of those may have it.
pub(super) fn leave_alone(gathered: &mut Gathered, placement: &Placement, hosts: &Hosts) {
    let unknown: BTreeSet<&HostName> = hosts.unknown().collect();
    if unknown.is_empty() {
        return;
    }
    let lives_unknown = |host: &HostName| unknown.contains(host) && hosts.leases.is_alive(host);
    let Gathered { demands, kept } = gathered;
    demands.retain(|app, demand| {
        let placed = placement.applications.get(app);
        let stands = placed.is_some_and(|placed| placed.hosts().into_iter().any(lives_unknown));
        let leaves = stands || has_homeless(app, demand, placed, hosts);
        if leaves && let Some(placed) = placed {
            kept.insert(app.clone(), Arc::clone(placed));
        }
        !leaves
    });
}

fn has_homeless(app: &AppName, demand: &Demand, placed: Option<&Arc<AppPlacement>>, hosts: &Hosts) -> bool {
    let is_remembered = |provider: &ProviderName| {
        placed.and_then(|placed| placed.providers.get(provider)).is_some_and(|on| on.len() == 1)
    };
    let mut local = demand.groups.iter().flat_map(|group| &group.local);
    local.any(|provider| !is_remembered(provider) && !hosts.is_state_told(app, provider))
}
