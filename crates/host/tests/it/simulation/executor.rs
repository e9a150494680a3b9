//! A model of the executor: it makes ready what the share says, after a while, and lets go what it does not say. What is worse
//! than what serves it goes back from.

use std::collections::BTreeSet;

use host::control::Event;
use model::ids::AppName;
use model::placement::{AppPlacement, Refusal};

use super::process::{Process, part, unready};
use super::scenario::is_bad;
use super::world::{Happening, World};

/// True where a version is tried beside one that serves, and is bad.
fn refuses(host: &Process, app: &AppName, placed: &AppPlacement) -> bool {
    let serves_another = host.ready.get(app).is_some_and(|ready| ready.version != placed.version);
    placed.before.is_some() && serves_another && is_bad(placed.intent)
}

impl World {
    pub fn run_share(&mut self, process: usize) {
        let name = self.machines[self.processes[process].machine].name.clone();
        let host = &mut self.processes[process];
        let wanted: BTreeSet<&AppName> =
            host.share.apps.iter().filter(|(_, app)| app.hosts().contains(&name)).map(|(app, _)| app).collect();
        let gone: Vec<AppName> = host.ready.keys().filter(|app| !wanted.contains(app)).cloned().collect();
        for app in gone {
            self.processes[process].ready.remove(&app);
            self.at(1, Happening::Local { process, event: Event::Readiness { app, ready: None } });
        }
        self.forget_refusals(process);
        for (app, placement) in unready(&self.processes[process], &name) {
            let delay = if self.lot.permille(60) { self.lot.within(600..2_000) } else { self.lot.within(10..300) };
            self.at(delay, Happening::Started { process, app, generation: placement.generation });
        }
    }

    /// What was refused is told of until something else is asked for.
    fn forget_refusals(&mut self, process: usize) {
        let Process { share, refused, .. } = &mut self.processes[process];
        let before = refused.len();
        let asked = |app: &AppName| share.apps.get(app).map(|placement| placement.version);
        refused.retain(|app, last| asked(app) == Some(last.version));
        if refused.len() < before {
            let event = Event::GoneBack(refused.clone());
            self.at(1, Happening::Local { process, event });
        }
    }

    pub fn started(&mut self, process: usize, app: &AppName, generation: u64) {
        let host = &self.processes[process];
        if !host.alive {
            return;
        }
        if host.frozen.is_some() {
            return self.at(100, Happening::Started { process, app: app.clone(), generation });
        }
        let placement = host.share.apps.get(app).filter(|placement| placement.generation == generation).cloned();
        let Some(placement) = placement else { return };
        if refuses(host, app, &placement) {
            let refusal = Refusal { version: placement.version, reason: "it traps".to_owned() };
            let refused = &mut self.processes[process].refused;
            refused.insert(app.clone(), refusal);
            let event = Event::GoneBack(refused.clone());
            return self.deliver(process, event);
        }
        let machine = host.machine;
        let name = self.machines[machine].name.clone();
        let ready = part(&name, &placement);
        self.processes[process].ready.insert(app.clone(), ready.clone());
        let local = self
            .documents
            .get(&placement.intent)
            .and_then(|document| document.demand.as_ref().ok())
            .map(|demand| demand.groups.iter().flat_map(|group| group.local.clone()).collect::<BTreeSet<_>>());
        for provider in local.into_iter().flatten().filter(|provider| ready.providers.contains(provider)) {
            let state = (app.clone(), provider);
            let elsewhere = self.machines.iter().any(|other| other.name != name && other.states.contains(&state));
            if elsewhere {
                self.oracle.violated(format!("state {state:?} is on another host than {name} already"));
            }
            self.machines[machine].states.insert(state);
        }
        let mut facts = self.processes[process].state.record().as_ref().clone();
        facts.states = self.machines[machine].states.clone();
        self.deliver(process, Event::Facts(Box::new(facts)));
        self.deliver(process, Event::Readiness { app: app.clone(), ready: Some(ready) });
    }
}
