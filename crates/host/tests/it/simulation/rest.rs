//! What must be true some time after the last fault: everything is where it should be, and everybody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{HostRecord, Shard};
use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Replicas};
use plan::placement::Group;

use super::oracle::{digest_of, placement_of};
use super::process::{Machine, part};
use super::scenario::is_bad;
use super::world::World;

/// The version that was gone back from.
fn refused(placed: &AppPlacement) -> Option<u64> {
    placed.refused.as_ref().map(|refused| refused.version)
}

impl World {
    /// What is not yet as it should be.
    pub fn unrest(&self) -> Result<(), String> {
        if self.eventful() {
            return Err("something is still to happen".to_owned());
        }
        let placements = match &self.store.root {
            Some((_, root)) => placement_of(&self.store, root)?.applications,
            None => BTreeMap::new(),
        };
        self.intents_are_placed(&placements)?;
        self.pointers_agree()?;
        for machine in &self.machines {
            self.host_agrees(machine, &placements)?;
        }
        Ok(())
    }

    fn intents_are_placed(&self, placements: &BTreeMap<AppName, Arc<AppPlacement>>) -> Result<(), String> {
        for (app, (_, head)) in &self.store.intents {
            let placed = placements.get(app);
            let Some(document) = head.document else {
                if placed.is_some() {
                    return Err(format!("{app} is down and placed"));
                }
                continue;
            };
            let derivable = self.documents[&document].demand.is_ok();
            match placed {
                None if derivable => return Err(format!("{app} is not placed")),
                None => continue,
                Some(placed) if is_bad(document) && refused(placed) == Some(head.version) => {
                    self.app_is_placed(app, placed)?;
                }
                Some(placed) if derivable && (placed.intent, placed.version) != (document, head.version) => {
                    return Err(format!("{app} is placed in version {}, not {}", placed.version, head.version));
                }
                Some(placed) => self.app_is_placed(app, placed)?,
            }
        }
        Ok(())
    }

    fn app_is_placed(&self, app: &AppName, placed: &AppPlacement) -> Result<(), String> {
        let demand = self.documents[&placed.intent].demand.as_ref().map_err(|reason| reason.clone())?;
        for group in &demand.groups {
            let hosts = group.actors.first().and_then(|actor| placed.actors.get(actor)).cloned().unwrap_or_default();
            let fit = (0..self.machines.len()).filter(|machine| self.takes(*machine, group));
            let fit: BTreeSet<HostName> = fit.map(|machine| self.machines[machine].name.clone()).collect();
            let home = self.home(app, group);
            let right = match (group.replicas, home) {
                (_, Some(home)) => hosts == [home.clone()].into() || (hosts.is_empty() && !fit.contains(&home)),
                // State that was never opened stays where it was placed, even on a host that is gone.
                _ if group.pinned() => {
                    let placed = group.local.iter().filter_map(|provider| placed.providers.get(provider)).flatten();
                    let is_gone = fit.is_empty() || placed.into_iter().any(|host| !fit.contains(host));
                    hosts.len() == 1 || (hosts.is_empty() && is_gone)
                }
                _ if fit.is_empty() => true,
                (Replicas::Everywhere, _) => hosts == fit,
                (Replicas::Count(count), _) => {
                    hosts.is_subset(&fit) && hosts.len() == fit.len().min(count.get() as usize)
                }
            };
            if !right {
                let actors = &group.actors;
                return Err(format!("{app} {actors:?} is on {hosts:?}; fit: {fit:?}; asked: {:?}", group.replicas));
            }
        }
        Ok(())
    }

    fn takes(&self, machine: usize, group: &Group) -> bool {
        self.process_of(machine).is_some_and(|process| {
            let record = self.processes[process].state.record();
            !record.draining
                && group.on.iter().all(|(key, value)| record.labels.get(key) == Some(value))
                && group.kinds.is_subset(&record.kinds)
        })
    }

    /// True where a host may refuse what it is given of an application: it lacks a label, and was perhaps not told that it
    /// was to keep this until others are ready.
    pub fn misfits(&self, record: &HostRecord, app: &AppPlacement) -> bool {
        let Ok(demand) = &self.documents[&app.intent].demand else { return true };
        demand.groups.iter().any(|group| {
            let here =
                group.actors.iter().filter_map(|actor| app.actors.get(actor)).any(|on| on.contains(&record.name));
            here && group.on.iter().any(|(key, value)| record.labels.get(key) != Some(value))
        })
    }

    /// The host that has the state of a group, or has told that it will.
    fn home(&self, app: &AppName, group: &Group) -> Option<HostName> {
        let holds = |machine: &&Machine| {
            let told = self.store.records.get(&machine.name);
            group.local.iter().any(|provider| {
                let state = (app.clone(), provider.clone());
                machine.states.contains(&state) || told.is_some_and(|(_, record)| record.states.contains(&state))
            })
        };
        self.machines.iter().find(holds).map(|machine| machine.name.clone())
    }

    fn pointers_agree(&self) -> Result<(), String> {
        let Some((_, root)) = &self.store.root else { return Ok(()) };
        for (key, (_, pointer)) in &self.store.pointers {
            let wanted = digest_of(&self.store, root, key).unwrap_or_else(Shard::nothing_digest);
            if pointer.digest != wanted {
                return Err(format!("the pointer of {key} lags behind root {}", root.generation));
            }
        }
        Ok(())
    }

    fn host_agrees(&self, machine: &Machine, placements: &BTreeMap<AppName, Arc<AppPlacement>>) -> Result<(), String> {
        let name = &machine.name;
        let living: Vec<_> =
            self.processes.iter().filter(|p| p.alive && self.machines[p.machine].name == *name).collect();
        if living.len() > 1 {
            return Err(format!("{name} has several processes"));
        }
        let Some(process) = living.first() else { return Ok(()) };
        if process.state.quarantined() {
            return Err(format!("{name} is quarantined"));
        }
        let mine: BTreeMap<_, _> = placements
            .iter()
            .filter(|(_, app)| app.hosts().contains(name))
            .map(|(app, placement)| (app.clone(), placement.clone()))
            .collect();
        if process.share.apps != mine {
            return Err(format!("{name} runs {:?}, not {mine:?}", process.share.apps));
        }
        if machine.ingress && process.share.routed != *placements {
            return Err(format!("{name} does not know where all applications are"));
        }
        for (app, placement) in &process.share.apps {
            if process.ready.get(app) != Some(&part(name, placement)) {
                return Err(format!("{name} does not have {app} ready"));
            }
        }
        let stands = self.store.records.get(name).map(|(_, record)| record);
        if stands != Some(process.state.record()) || process.state.record().ready != process.ready {
            return Err(format!("the record of {name} is not what it is"));
        }
        let lease = self.store.leases.get(name).map(|(_, incarnation)| *incarnation);
        if lease != Some(process.state.record().incarnation) {
            return Err(format!("{name} does not hold its lease"));
        }
        Ok(())
    }
}
