//! Between hosts and the store: requests, answers and watches, which may be lost, late, doubled, or cut off.

use std::hash::Hash;

use host::control::{Effect, Event, Outcome, Topic, Underivable};
use lattice::document::PointerKey;

use super::process::Process;
use super::world::{Asked, Happening, World};

/// How long a request to the store waits for its answer.
const DEADLINE: u64 = 2_000;
/// How long a lease stands in the store without being renewed.
const LEASE_STANDS: u64 = 3_000;

impl World {
    pub fn send(&mut self, process: usize, effect: Effect) {
        if let Some(asked) = asked(&effect) {
            self.waiting.insert((process, asked));
            self.at(DEADLINE, Happening::Silence { process, asked });
        }
        let Some(effect) = self.mutate(process, effect) else { return };
        if !self.machines[self.processes[process].machine].up || !self.processes[process].connected || self.loses() {
            return;
        }
        let copies = if !self.calm && self.lot.permille(10) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = self.delay();
            self.at(delay, Happening::AtStore { process, effect: effect.clone() });
        }
    }

    pub fn answer(&mut self, process: usize, asked: Asked, event: Event) {
        if !self.machines[self.processes[process].machine].down || self.loses() {
            return;
        }
        let delay = self.delay();
        self.at(delay, Happening::Answer { process, asked, event });
    }

    pub fn at_store(&mut self, process: usize, effect: Effect) {
        let machine = self.processes[process].machine;
        let name = self.machines[machine].name.clone();
        let (op, outcome) = match effect {
            Effect::PutLease { .. } | Effect::DeleteLease if self.now < self.stalled => {
                let delay = self.stalled - self.now;
                return self.at(delay, Happening::AtStore { process, effect });
            }
            Effect::PutLease { .. } if self.now < self.machines[machine].stalled => {
                // It waits for a leader, or nobody hears it.
                if self.lot.permille(500) {
                    let delay = self.machines[machine].stalled - self.now;
                    self.at(delay, Happening::AtStore { process, effect });
                }
                return;
            }
            Effect::PutLease { op, incarnation } => {
                let (outcome, told) = self.store.put_lease(&name, incarnation);
                let renewed = self.store.leases[&name].0.0;
                self.at(LEASE_STANDS, Happening::Lapse { host: machine, renewed });
                self.publish(told);
                (op, outcome)
            }
            Effect::DeleteLease => {
                let told = self.store.delete_lease(&name);
                return self.publish(told);
            }
            Effect::DeleteRecord => {
                let told = self.store.delete_record(&name);
                return self.publish(told);
            }
            Effect::PutRecord { op, expected, record } => {
                let written = self.store.put_record(expected, &record);
                (op, self.told(written))
            }
            Effect::PutShard { op, digest, shard } => (op, self.store.put_shard(digest, &shard)),
            Effect::ReplaceRoot { op, expected, root } => {
                let written = self.store.replace_root(expected, &root);
                if written.is_ok() {
                    (root.generation, &root.buckets).hash(&mut self.trace);
                    self.note(|| format!("root {} of process {process}", root.generation));
                    self.oracle.committed(&self.store, &root, &self.documents);
                }
                (op, self.told(written))
            }
            Effect::ReplacePointer { op, key, expected, pointer } => {
                let written = self.store.replace_pointer(&key, expected, pointer);
                (op, self.told(written))
            }
            Effect::DeleteShards(digests) => {
                digests.iter().for_each(|digest| drop(self.store.shards.remove(digest)));
                return self.oracle.complete(&self.store);
            }
            Effect::FetchShard(digest) => {
                let shard = self.store.shards.get(&digest).cloned();
                return self.answer(process, Asked::Shard(digest), Event::Shard { digest, shard });
            }
            Effect::Derive(document) => {
                let known = self.documents.get(&document).filter(|known| known.available <= self.now);
                let result = match known.map(|known| &known.demand) {
                    Some(Ok(demand)) => Ok(demand.clone()),
                    Some(Err(reason)) => Err(Underivable::Refused(reason.clone())),
                    None => Err(Underivable::Unavailable),
                };
                return self.answer(process, Asked::Document(document), Event::Derived { document, result });
            }
            Effect::Reread(op) => {
                let found = Some(self.store.found(&name));
                return self.answer(process, Asked::Reread(op), Event::Reread { op, found });
            }
            _ => return,
        };
        self.answer(process, Asked::Op(op), Event::Written { op, outcome });
    }

    fn told(&mut self, written: Result<(Outcome, (Topic, Event)), Outcome>) -> Outcome {
        match written {
            Ok((outcome, told)) => {
                self.publish(told);
                outcome
            }
            Err(outcome) => outcome,
        }
    }

    pub fn lapse(&mut self, host: usize, renewed: u64) {
        let name = self.machines[host].name.clone();
        if self.store.leases.get(&name).is_some_and(|(revision, _)| revision.0 == renewed) {
            let told = self.store.delete_lease(&name);
            self.publish(told);
        }
    }

    /// Tells a change to everybody who watches it.
    pub fn publish(&mut self, (topic, event): (Topic, Event)) {
        for process in 0..self.processes.len() {
            if self.processes[process].alive && self.watches(process, topic, &event) {
                self.tell(process, topic, event.clone());
            }
        }
    }

    fn watches(&self, process: usize, topic: Topic, event: &Event) -> bool {
        let machine = &self.machines[self.processes[process].machine];
        let own = match event {
            Event::Record { host, .. } => *host == machine.name,
            Event::Pointer { key: PointerKey::Host(host), .. } => *host == machine.name,
            Event::Pointer { key: PointerKey::App(_), .. } => machine.ingress,
            _ => false,
        };
        self.processes[process].watches.contains_key(&topic) && (machine.planner || own)
    }

    fn tell(&mut self, process: usize, topic: Topic, event: Event) {
        let reachable = self.machines[self.processes[process].machine].down && self.processes[process].connected;
        let lost = !self.calm && self.lot.permille(2);
        let delay = self.delay();
        let now = self.now;
        let Some(watching) = self.processes[process].watches.get_mut(&topic) else { return };
        if watching.broken {
            return;
        }
        if !reachable || lost {
            watching.broken = true;
            if reachable {
                self.at(delay + 100, Happening::Watch { process, topic });
            }
            return;
        }
        watching.last = watching.last.max(now + delay);
        let (session, delay) = (watching.session, watching.last - now);
        self.at(delay, Happening::Told { process, topic, session, event });
    }

    /// A watch begins, or begins again.
    pub fn watch(&mut self, process: usize, topic: Topic) {
        let machine = &self.machines[self.processes[process].machine];
        let reachable = self.processes[process].connected && machine.up && machine.down;
        let now = self.now;
        let watching = self.processes[process].watches.entry(topic).or_default();
        watching.session += 1;
        watching.broken = !reachable;
        if !reachable {
            return;
        }
        watching.last = now;
        self.tell(process, topic, Event::Began(topic));
        for event in self.store.standing(topic) {
            if self.watches(process, topic, &event) {
                self.tell(process, topic, event);
            }
        }
        self.tell(process, topic, Event::Current(topic));
    }

    pub fn connect(&mut self, process: usize) {
        let host = &self.processes[process];
        let machine = &self.machines[host.machine];
        if !host.alive || host.connected || !machine.up || !machine.down {
            return;
        }
        self.processes[process].connected = true;
        self.deliver(process, Event::Connected);
        for topic in Process::topics(&self.machines[self.processes[process].machine]) {
            let delay = self.lot.within(1..40);
            self.at(delay, Happening::Watch { process, topic: *topic });
        }
    }

    pub fn disconnect(&mut self, process: usize) {
        let host = &self.processes[process];
        let machine = &self.machines[host.machine];
        if !host.alive || !host.connected || (machine.up && machine.down) {
            return;
        }
        self.processes[process].connected = false;
        for watching in self.processes[process].watches.values_mut() {
            watching.session += 1;
            watching.broken = true;
        }
        self.waiting.retain(|(waiting, _)| *waiting != process);
        self.deliver(process, Event::Disconnected);
    }

    /// The network of a machine works again.
    pub fn heal(&mut self, machine: usize) {
        self.machines[machine].up = true;
        self.machines[machine].down = true;
        self.machines[machine].troubled = self.now;
        self.note(|| format!("machine {machine} is reachable"));
        for process in 0..self.processes.len() {
            if self.processes[process].machine != machine || !self.processes[process].alive {
                continue;
            }
            let delay = self.lot.within(20..900);
            if !self.processes[process].connected {
                self.at(delay, Happening::Connect(process));
                continue;
            }
            let broken: Vec<Topic> = self.processes[process]
                .watches
                .iter()
                .filter(|(_, watching)| watching.broken)
                .map(|(topic, _)| *topic)
                .collect();
            broken.into_iter().for_each(|topic| self.at(delay, Happening::Watch { process, topic }));
        }
    }
}

/// What a host waits for after an effect.
fn asked(effect: &Effect) -> Option<Asked> {
    match effect {
        Effect::PutLease { op, .. }
        | Effect::PutRecord { op, .. }
        | Effect::PutShard { op, .. }
        | Effect::ReplaceRoot { op, .. }
        | Effect::ReplacePointer { op, .. } => Some(Asked::Op(*op)),
        Effect::Reread(op) => Some(Asked::Reread(*op)),
        Effect::FetchShard(digest) => Some(Asked::Shard(*digest)),
        Effect::Derive(document) => Some(Asked::Document(*document)),
        _ => None,
    }
}

/// What a host is told that waited in vain.
pub fn no_answer(asked: Asked) -> Event {
    match asked {
        Asked::Op(op) => Event::Written { op, outcome: Outcome::Unknown },
        Asked::Reread(op) => Event::Reread { op, found: None },
        Asked::Shard(digest) => Event::Shard { digest, shard: None },
        Asked::Document(document) => Event::Derived { document, result: Err(Underivable::Unavailable) },
    }
}
