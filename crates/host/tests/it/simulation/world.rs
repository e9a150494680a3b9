//! Hosts, a store, and everything that may go wrong between them, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use host::control::{Effect, Event, Exit, Op, Topic, step};
use lattice::document::Incarnation;
use model::digest::Digest;
use model::ids::AppName;

use super::lot::Lot;
use super::mutant::Mutant;
use super::network;
use super::oracle::Oracle;
use super::process::{Machine, Process, Thawed};
use super::scenario::Document;
use super::store::Store;

/// A host looks at the time less often than a real one: it is cheaper and harder.
pub const TICK: u64 = 400;

/// What happens at a moment.
pub enum Happening {
    Tick(usize),
    /// A request reaches the store.
    AtStore {
        process: usize,
        effect: Effect,
    },
    /// An answer reaches a host.
    Answer {
        process: usize,
        asked: Asked,
        event: Event,
    },
    /// The host stops waiting for an answer.
    Silence {
        process: usize,
        asked: Asked,
    },
    /// A watch tells something.
    Told {
        process: usize,
        topic: Topic,
        session: u64,
        event: Event,
    },
    Watch {
        process: usize,
        topic: Topic,
    },
    /// Something inside a host.
    Local {
        process: usize,
        event: Event,
    },
    Connect(usize),
    Disconnect(usize),
    Started {
        process: usize,
        app: AppName,
        generation: u64,
    },
    Lapse {
        host: usize,
        renewed: u64,
    },
    Trouble,
    Operate,
    /// An operator wants this application up.
    Up(u64),
    /// An operator wants this application down.
    Down(u64),
    Heal(usize),
    Thaw(usize),
    Restart(usize),
}

/// What a host waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    Op(Op),
    Reread(Op),
    Shard(Digest),
    Document(Digest),
}

pub struct World {
    pub now: u64,
    pub lot: Lot,
    agenda: BTreeMap<(u64, u64), Happening>,
    scheduled: u64,
    pub store: Store,
    pub machines: Vec<Machine>,
    pub processes: Vec<Process>,
    pub documents: BTreeMap<Digest, Document>,
    pub oracle: Oracle,
    pub waiting: BTreeSet<(usize, Asked)>,
    pub trace: DefaultHasher,
    /// Messages are neither lost nor late.
    pub calm: bool,
    /// Until then the bucket of leases does not answer.
    pub stalled: u64,
    pub mutant: Option<Mutant>,
    pub verbose: bool,
    pub steps: u64,
}

impl World {
    pub fn new(lot: Lot, mutant: Option<Mutant>, verbose: bool) -> Self {
        Self {
            now: 0,
            lot,
            agenda: BTreeMap::new(),
            scheduled: 0,
            store: Store::new(mutant == Some(Mutant::NoCompare)),
            machines: Vec::new(),
            processes: Vec::new(),
            documents: BTreeMap::new(),
            oracle: Oracle::default(),
            waiting: BTreeSet::new(),
            trace: DefaultHasher::new(),
            calm: false,
            stalled: 0,
            mutant,
            verbose,
            steps: 0,
        }
    }

    pub fn at(&mut self, delay: u64, happening: Happening) {
        self.scheduled += 1;
        self.agenda.insert((self.now + delay, self.scheduled), happening);
    }

    /// True while something outside of the hosts is still to happen.
    pub fn eventful(&self) -> bool {
        let outside = |happening: &Happening| {
            matches!(happening, Happening::Restart(_) | Happening::Heal(_) | Happening::Thaw(_))
        };
        self.agenda.values().any(outside)
    }

    /// The next thing that happens before `end`.
    pub fn next(&mut self, end: u64) -> Option<Happening> {
        let entry = self.agenda.first_entry().filter(|entry| entry.key().0 < end);
        let Some(entry) = entry else {
            self.now = end;
            return None;
        };
        self.now = entry.key().0;
        Some(entry.remove())
    }

    pub fn hash(&self) -> u64 {
        self.trace.finish()
    }

    #[expect(clippy::print_stdout, reason = "the replay of a seed tells what happens")]
    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>7} {}", self.now, text());
        }
    }

    /// The newest living process of a machine.
    pub fn process_of(&self, machine: usize) -> Option<usize> {
        self.processes.iter().rposition(|process| process.alive && process.machine == machine)
    }

    pub fn start(&mut self, machine: usize) {
        let process = self.processes.len();
        // A clock that may go back; whoever starts a host looks at what the lattice remembers of it.
        let clock = if self.lot.permille(150) { 10_000 } else { 30_000 } + self.now;
        let before = self.store.records.get(&self.machines[machine].name).map(|(_, record)| record.incarnation);
        let incarnation = Incarnation::begun(clock, before, self.lot.next());
        self.processes.push(Process::new(machine, &self.machines[machine], self.now, incarnation));
        self.note(|| format!("process {process} of machine {machine} begins"));
        let (tick, connect) = (self.lot.within(1..TICK), self.lot.within(5..200));
        self.at(tick, Happening::Tick(process));
        self.at(connect, Happening::Connect(process));
    }

    pub fn delay(&mut self) -> u64 {
        match self.lot.within(0..1000) {
            _ if self.calm => self.lot.within(1..8),
            0..8 => self.lot.within(300..1_500),
            8..60 => self.lot.within(20..300),
            _ => self.lot.within(1..12),
        }
    }

    pub fn loses(&mut self) -> bool {
        !self.calm && self.lot.permille(12)
    }

    pub fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Tick(process) => {
                if self.processes[process].alive {
                    self.at(TICK, Happening::Tick(process));
                    // Ticks that were missed are not made up for.
                    if self.processes[process].frozen.is_none() {
                        self.deliver(process, Event::Tick);
                    }
                }
            }
            Happening::AtStore { process, effect } => self.at_store(process, effect),
            Happening::Answer { process, asked, event } => {
                if self.waiting.remove(&(process, asked)) {
                    self.deliver(process, event);
                }
            }
            Happening::Silence { process, asked } => {
                if self.waiting.remove(&(process, asked)) {
                    self.deliver(process, network::no_answer(asked));
                }
            }
            Happening::Told { process, topic, session, event } => {
                let watching = self.processes[process].watches.get(&topic);
                if watching.is_some_and(|watching| watching.session == session) {
                    self.deliver(process, event);
                }
            }
            Happening::Watch { process, topic } => self.watch(process, topic),
            Happening::Local { process, event } => self.deliver(process, event),
            Happening::Connect(process) => self.connect(process),
            Happening::Disconnect(process) => self.disconnect(process),
            Happening::Started { process, app, generation } => self.started(process, &app, generation),
            Happening::Lapse { host, renewed } => self.lapse(host, renewed),
            Happening::Heal(machine) => self.heal(machine),
            Happening::Thaw(process) => self.thaw(process),
            Happening::Restart(machine) => {
                if self.process_of(machine).is_none() && !self.machines[machine].removed {
                    self.start(machine);
                }
            }
            Happening::Trouble | Happening::Operate | Happening::Up(_) | Happening::Down(_) => {}
        }
    }

    /// Something reaches a process: it is handled, or piles up while the process stands still.
    pub fn deliver(&mut self, process: usize, event: Event) {
        let host = &mut self.processes[process];
        if !host.alive {
            return;
        }
        if host.frozen.is_some() {
            return host.pile.push(event);
        }
        self.apply(process, event);
    }

    fn apply(&mut self, process: usize, event: Event) {
        self.steps += 1;
        (self.now, process, discriminant(&event)).hash(&mut self.trace);
        if event != Event::Tick {
            self.note(|| format!("p{process} < {event:?}"));
        }
        if let Event::Reread { found: Some(_), .. } = event
            && let Some(thawed) = &mut self.processes[process].thawed
        {
            thawed.reread = true;
        }
        if matches!(event, Event::Echo(_))
            && let Some(thawed) = &mut self.processes[process].thawed
        {
            thawed.echoed = true;
        }
        let moment = self.processes[process].moment(self.now);
        self.processes[process].begun = true;
        let effects = step(&mut self.processes[process].state, moment, event);
        for effect in effects {
            discriminant(&effect).hash(&mut self.trace);
            self.note(|| format!("p{process} > {effect:?}"));
            self.judge(process, &effect);
            self.perform(process, effect);
        }
    }

    fn judge(&mut self, process: usize, effect: &Effect) {
        let mut oracle = std::mem::take(&mut self.oracle);
        oracle.effect(self, process, effect);
        self.oracle = oracle;
    }

    fn perform(&mut self, process: usize, effect: Effect) {
        match effect {
            Effect::Adopt(share) => {
                self.processes[process].share = share;
                self.run_share(process);
            }
            Effect::Quarantine(_) | Effect::Report(_) => {}
            Effect::FinishCalls => {
                let delay = self.lot.within(10..400);
                self.at(delay, Happening::Local { process, event: Event::Finished });
            }
            Effect::Exit(exit) => {
                self.processes[process].alive = false;
                self.processes[process].exited = exit == Exit::Drained;
                let machine = self.processes[process].machine;
                self.machines[machine].troubled = self.now;
                let delay = self.lot.within(500..4_000);
                self.at(delay, Happening::Restart(machine));
            }
            Effect::Reckon { op, reckoning } => {
                let reckoned = Some(Box::new(reckoning.run()));
                let delay = self.lot.within(0..300);
                self.at(delay, Happening::Local { process, event: Event::Reckoned { op, reckoned } });
            }
            Effect::AskEcho(op) => {
                let machine = &self.machines[self.processes[process].machine];
                if machine.up && machine.down && self.processes[process].connected && !self.loses() {
                    let delay = self.delay() * 2;
                    self.at(delay, Happening::Local { process, event: Event::Echo(op) });
                }
            }
            effect => self.send(process, effect),
        }
    }

    /// A process goes on after it stood still: what piled up reaches it, and at some point it notices.
    fn thaw(&mut self, process: usize) {
        let Some(since) = self.processes[process].frozen.take() else { return };
        let frozen = self.now - since;
        self.note(|| format!("process {process} goes on after {frozen} ms"));
        let machine = self.processes[process].machine;
        self.machines[machine].troubled = self.now;
        let mut pile = std::mem::take(&mut self.processes[process].pile);
        if frozen >= 1_000 && self.mutant != Some(Mutant::NoFence) {
            let place = self.lot.within(0..pile.len() as u64 + 1) as usize;
            pile.insert(place, Event::Gap { frozen: std::time::Duration::from_millis(frozen) });
        }
        if self.mutant == Some(Mutant::NoFence) {
            // Its clock stood still as well.
            self.processes[process].began += frozen;
        }
        if frozen > 2_000 && self.processes[process].begun {
            let pointer = self.store.found(&self.machines[machine].name).pointer;
            let pointer = pointer.map_or(0, |(_, pointer)| pointer.generation);
            self.processes[process].thawed = Some(Thawed { pointer, ..Thawed::default() });
        }
        pile.into_iter().for_each(|event| self.deliver(process, event));
    }
}
