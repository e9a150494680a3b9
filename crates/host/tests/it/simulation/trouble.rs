//! What operators do and what goes wrong, drawn by lot.

use host::control::Event;
use lattice::document::{Author, IntentHead, UnixMillis};

use super::process::Machine;
use super::scenario::{app_name, demand, host_name, labels};
use super::world::{Happening, World};

/// The most machines of a lattice.
const MACHINES_MAX: usize = 7;

impl World {
    /// A lattice with its hosts, and all that will happen to it before `end`.
    pub fn furnish(&mut self, end: u64) {
        let machines = self.lot.within(3..6) as usize;
        let all_plan = self.lot.permille(600);
        for index in 0..machines {
            let planner = index == 0 || all_plan || self.lot_coin();
            self.add_machine(planner);
        }
        let apps = self.lot.within(1..4);
        for app in 0..apps {
            let when = self.lot.within(100..1_500);
            self.at(when, Happening::Operate);
            let _ = app;
        }
        for _ in 0..self.lot.within(2..8) {
            let when = self.lot.within(1_500..end);
            self.at(when, Happening::Operate);
        }
        for _ in 0..self.lot.within(1..9) {
            let when = self.lot.within(500..end);
            self.at(when, Happening::Trouble);
        }
    }

    /// A lattice with applications that stay.
    pub fn furnish_plain(&mut self) {
        for index in 0..self.lot.within(2..7) as usize {
            let planner = index == 0 || self.lot_coin();
            self.add_machine(planner);
        }
        for app in 0..3 {
            let when = self.lot.within(500..1_500);
            self.at(when, Happening::Up(app));
        }
    }

    /// A lattice of many hosts, and applications that come one after the other, the first while hosts still join.
    pub fn furnish_crowd(&mut self, hosts: usize, all_plan: bool) {
        for index in 0..hosts {
            self.add_machine(all_plan || index == 0);
        }
        for app in 0..4 {
            let when = 500 + app * 1_000 + self.lot.within(0..900);
            self.at(when, Happening::Up(app));
        }
    }

    /// A lattice whose applications go down and up again, sooner than all have heard of it, until `end`.
    pub fn furnish_restless(&mut self, end: u64) {
        for index in 0..self.lot.within(3..6) as usize {
            let planner = index == 0 || self.lot_coin();
            self.add_machine(planner);
        }
        for app in 0..3 {
            let mut when = self.lot.within(500..1_500);
            while when < end {
                self.at(when, Happening::Up(app));
                when += self.lot.within(20..1_500);
                self.at(when, Happening::Down(app));
                when += self.lot.within(1..300);
            }
            self.at(when, Happening::Up(app));
        }
    }

    fn lot_coin(&mut self) -> bool {
        self.lot.permille(500)
    }

    fn add_machine(&mut self, planner: bool) {
        let index = self.machines.len();
        let machine = Machine {
            name: host_name(index),
            labels: labels(&mut self.lot),
            planner,
            ingress: self.lot.permille(300),
            states: Default::default(),
            up: true,
            down: true,
            stalled: 0,
            removed: false,
            troubled: self.now,
        };
        self.machines.push(machine);
        let delay = self.lot.within(1..500);
        self.at(delay, Happening::Restart(index));
    }

    /// An operator does something.
    pub fn operate(&mut self) {
        let machine = self.lot.within(0..self.machines.len() as u64) as usize;
        match self.lot.within(0..12) {
            0 if self.machines.len() < MACHINES_MAX => {
                let planner = self.lot_coin();
                self.note(|| "an operator adds a host".to_owned());
                self.add_machine(planner);
            }
            1 | 2 => {
                let force = self.lot_coin();
                self.note(|| format!("an operator drains machine {machine}, force {force}"));
                if let Some(process) = self.process_of(machine) {
                    self.deliver(process, Event::DrainAsked { force });
                }
            }
            3 => {
                let labels = labels(&mut self.lot);
                self.note(|| format!("an operator gives machine {machine} {labels:?}"));
                self.machines[machine].labels = labels.clone();
                if let Some(process) = self.process_of(machine) {
                    let mut facts = self.processes[process].state.record().as_ref().clone();
                    facts.labels = labels;
                    facts.states = self.machines[machine].states.clone();
                    self.deliver(process, Event::Facts(Box::new(facts)));
                }
            }
            4 => {
                let number = self.lot.within(0..3);
                self.intend(number, false);
                // Sooner, now and then, than all have heard that it is down.
                if self.lot_coin() {
                    let soon = self.lot.within(1..400);
                    self.at(soon, Happening::Up(number));
                }
            }
            _ => {
                let number = self.lot.within(0..3);
                self.intend(number, true);
            }
        }
    }

    /// A new version of an application, or none.
    pub fn intend(&mut self, number: u64, up: bool) {
        let app = app_name(number);
        let version = self.store.intents.get(&app).map_or(0, |(_, head)| head.version) + 1;
        let mut digest = None;
        if !up {
            self.oracle.downs.insert((app.clone(), version));
        }
        if up {
            let (document, mut content) = demand(&mut self.lot, &app, number, version);
            if self.lot.permille(80) {
                content.available = self.now + self.lot.within(100..4_000);
            }
            digest = Some(document);
            self.documents.insert(document, content);
        }
        self.note(|| format!("an operator wants {app} in version {version}: {digest:?}"));
        let by: Author = "operator".parse().unwrap();
        let head = IntentHead { version, document: digest, share: None, by, at: UnixMillis(self.now) };
        let told = self.store.put_intent(&app, head);
        self.publish(told);
    }

    /// Something goes wrong.
    pub fn trouble(&mut self) {
        let machine = self.lot.within(0..self.machines.len() as u64) as usize;
        let lasting = self.lot.within(300..6_000);
        match self.lot.within(0..10) {
            0..=2 => self.cut(machine, lasting),
            3 | 4 => self.crash(machine, lasting),
            5 | 6 => self.freeze(machine, lasting),
            7 => {
                self.note(|| format!("the leases stall for {lasting} ms"));
                self.stalled = self.now + lasting;
                self.oracle.stall_ended = self.stalled;
            }
            8 => {
                self.note(|| format!("a second process of machine {machine}"));
                if self.process_of(machine).is_some() {
                    self.start(machine);
                    self.machines[machine].troubled = self.now;
                }
            }
            _ => {
                for machine in 0..self.machines.len() {
                    if self.lot.permille(600) {
                        self.cut(machine, lasting);
                    }
                }
            }
        }
    }

    fn cut(&mut self, machine: usize, lasting: u64) {
        let (up, down) = match self.lot.within(0..3) {
            0 => (false, false),
            1 => (false, true),
            _ => (true, false),
        };
        self.note(|| format!("machine {machine} is cut off for {lasting} ms: up {up}, down {down}"));
        self.machines[machine].up = up;
        self.machines[machine].down = down;
        self.machines[machine].troubled = self.now;
        self.at(lasting, Happening::Heal(machine));
        let notices = self.lot.within(100..3_000);
        if let Some(process) = self.process_of(machine)
            && (!up && !down || self.lot_coin())
        {
            self.at(notices, Happening::Disconnect(process));
        }
    }

    fn crash(&mut self, machine: usize, lasting: u64) {
        let Some(process) = self.process_of(machine) else { return };
        self.note(|| format!("process {process} of machine {machine} dies"));
        self.processes[process].alive = false;
        self.machines[machine].troubled = self.now;
        let plans = |machine: &Machine| machine.planner && !machine.removed;
        let others = self.machines.iter().enumerate().filter(|(other, m)| *other != machine && plans(m)).count();
        if self.lot.permille(200) && others > 0 {
            self.machines[machine].removed = true;
        } else {
            self.at(lasting, Happening::Restart(machine));
        }
    }

    fn freeze(&mut self, machine: usize, lasting: u64) {
        let Some(process) = self.process_of(machine) else { return };
        if self.processes[process].frozen.is_none() {
            self.note(|| format!("process {process} of machine {machine} stands still for {lasting} ms"));
            self.processes[process].frozen = Some(self.now);
            self.machines[machine].troubled = self.now;
            self.at(lasting, Happening::Thaw(process));
        }
    }

    /// The last fault is over: from now on everything works.
    pub fn mend(&mut self) {
        self.note(|| "all faults are over".to_owned());
        self.calm = true;
        self.stalled = self.stalled.min(self.now);
        for document in self.documents.values_mut() {
            document.available = document.available.min(self.now);
        }
        for process in 0..self.processes.len() {
            if self.processes[process].alive && self.processes[process].frozen.is_some() {
                self.at(0, Happening::Thaw(process));
            }
        }
        for machine in 0..self.machines.len() {
            self.at(1, Happening::Heal(machine));
            if self.process_of(machine).is_none() {
                self.at(2, Happening::Restart(machine));
            }
        }
    }
}
