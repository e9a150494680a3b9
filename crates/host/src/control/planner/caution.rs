//! What a planner leaves as it is, since something that decides over it cannot be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::{AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Placement};
use plan::placement::Demand;

use super::demands::Gathered;
use super::hosts::Hosts;

/// Where records cannot be read: whatever stands on a living host of which nothing is known stays, and local state of
/// which nobody knows where it is gets no host, for one of those may have it. Gives the applications that wait for that, and
/// why.
pub(super) fn leave_alone(gathered: &mut Gathered, placement: &Placement, hosts: &Hosts) -> BTreeMap<AppName, String> {
    let unknown: BTreeSet<&HostName> = hosts.unknown().collect();
    let mut waiting = BTreeMap::new();
    if unknown.is_empty() {
        return waiting;
    }
    let lives_unknown = |host: &HostName| unknown.contains(host) && hosts.leases.is_alive(host);
    let Gathered { demands, kept } = gathered;
    demands.retain(|app, demand| {
        let placed = placement.applications.get(app);
        let stands = placed.is_some_and(|placed| placed.hosts().into_iter().any(lives_unknown));
        let homeless = homeless(app, demand, placed, hosts);
        if let Some(provider) = homeless {
            waiting.insert(app.clone(), reason(provider, &unknown));
        }
        let leaves = stands || homeless.is_some();
        if leaves && let Some(placed) = placed {
            kept.insert(app.clone(), Arc::clone(placed));
        }
        !leaves
    });
    waiting
}

fn reason(provider: &ProviderName, unknown: &BTreeSet<&HostName>) -> String {
    let more = match unknown.len() {
        0 | 1 => String::new(),
        many => format!(" and of {} more", many - 1),
    };
    let first = unknown.first().map_or("", |host| host.as_str());
    format!(
        "the record of host {first}{more} cannot be read, and the state of provider {provider} may be there: update this \
         host if a newer lath wrote the record, or remove the host by `lath forget`"
    )
}

/// A local provider of which nobody tells where its state is.
fn homeless<'a>(
    app: &AppName,
    demand: &'a Demand,
    placed: Option<&Arc<AppPlacement>>,
    hosts: &Hosts,
) -> Option<&'a ProviderName> {
    let is_remembered = |provider: &ProviderName| {
        placed.and_then(|placed| placed.providers.get(provider)).is_some_and(|on| on.len() == 1)
    };
    let mut local = demand.groups.iter().flat_map(|group| &group.local);
    local.find(|provider| !is_remembered(provider) && !hosts.is_state_told(app, provider))
}
