//! Where local state was that went down with its application.
//!
//! While an application is placed, its placement remembers; once it has run, the record of its host tells. In between a
//! host may be about to open what it was given, and has not told of it: a planner that saw it placed there remembers.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement};
use plan::placement::{Demand, HostView};

use super::hosts::Hosts;
use crate::limits::HOMES_MAX;

/// The last placements of applications that are not placed any more.
#[derive(Debug, Default)]
pub(super) struct Homes(BTreeMap<AppName, Home>);

#[derive(Debug)]
struct Home {
    /// The last generation in which it was placed.
    until: u64,
    placed: Arc<AppPlacement>,
}

impl Homes {
    /// Another placement is held than before. What went down longest ago makes room.
    pub(super) fn moved(&mut self, before: &Placement, after: &Placement) {
        self.0.retain(|app, _| !after.applications.contains_key(app));
        for (app, placed) in &before.applications {
            if placed.providers.is_empty() || after.applications.contains_key(app) {
                continue;
            }
            if self.0.len() >= HOMES_MAX
                && let Some((oldest, _)) = self.0.iter().min_by_key(|(_, home)| home.until)
            {
                self.0.remove(&oldest.clone());
            }
            self.0.insert(app.clone(), Home { until: before.generation, placed: Arc::clone(placed) });
        }
    }

    /// Adds to `previous` where the state of applications was that are to be placed again, as far as no host tells of it
    /// and the host is known.
    pub(super) fn recall(
        &self,
        demands: &BTreeMap<AppName, Arc<Demand>>,
        previous: &mut Placement,
        hosts: &Hosts,
        views: &BTreeMap<HostName, HostView>,
    ) {
        for (app, demand) in demands {
            let Some(Home { placed, .. }) = self.0.get(app).filter(|_| !previous.applications.contains_key(app)) else {
                continue;
            };
            let local = demand.groups.iter().flat_map(|group| &group.local);
            let homes = local.filter(|provider| !hosts.is_state_told(app, provider)).filter_map(|provider| {
                let on = placed.providers.get(provider).filter(|on| on.iter().all(|host| views.contains_key(host)))?;
                Some((provider.clone(), on.clone()))
            });
            let providers: BTreeMap<_, _> = homes.collect();
            if !providers.is_empty() {
                let home = AppPlacement { actors: BTreeMap::new(), providers, ..placed.as_ref().clone() };
                previous.applications.insert(app.clone(), Arc::new(home));
            }
        }
    }
}
