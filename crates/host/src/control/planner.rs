//! The planner that any host may be: from intents, hosts and leases to a placement that is written.
//!
//! What changes makes a plan due; the planners wait by their rank, so that usually the first has done it before the
//! others begin. A plan begins with what the root says by then; where everything is to run is reckoned beside the loop.
//! Shards are written first, then the root by compare-and-set, then the pointers. Whoever sees a root whose pointers lag
//! behind writes them, so a planner may die at any point.

mod advance;
mod attempt;
mod caution;
mod demands;
mod held;
mod homes;
mod hosts;
mod pointers;
mod readiness;
mod reckoning;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lattice::document::{HostRecord, Incarnation, IntentHead, Pointer, PointerKey, Root};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};

use super::effect::{Effect, Report};
use super::event::{Found, Key, Moment, Op, Outcome, Topic};
use super::library::Library;
use super::turn::Turn;
use crate::limits::{ATTEMPT_TIME_MAX, ORPHANS_MAX, PLAN_PAUSE, PLAN_RETRY_PAUSE, PLANNER_STEP, REPAIR_PAUSE};
use attempt::{Attempt, Stage};
use demands::Demands;
use held::{Held, KnownRoot};
use homes::Homes;
use hosts::Hosts;
use pointers::Pointers;
use reckoning::Placing;
use sync::Sync;

pub use reckoning::{Reckoned, Reckoning};

/// What a planner must know whole before it plans.
const TOPICS: [Topic; 5] = [Topic::Intents, Topic::Hosts, Topic::Leases, Topic::Root, Topic::Pointers];

/// A planner.
#[derive(Debug)]
pub(super) struct Planner {
    hosts: Hosts,
    demands: Demands,
    root: KnownRoot,
    held: Held,
    homes: Homes,
    pointers: Pointers,
    /// What has been told whole since the last connection.
    current: BTreeSet<Topic>,
    phase: Phase,
    /// Shards of attempts that failed, with the generation that these would have had.
    orphans: BTreeMap<Digest, u64>,
    /// The change of a root that stands and cannot be read: nothing is planned over it.
    unreadable: Option<Revision>,
    /// The root could not be read when it was last told whole: until it is told anew it still cannot.
    was_blind: bool,
    /// Applications that are not placed until what stands of some host can be read, and why.
    waiting: BTreeMap<AppName, String>,
    /// Another root is held than when this was last asked: what is no longer needed can be forgotten.
    moved_on: bool,
}

/// What a planner is doing.
#[derive(Debug)]
enum Phase {
    /// Nothing has changed.
    Idle,
    /// It will look at what changed.
    Due(Moment),
    /// It would have looked, and does not know everything yet. Its turn is reckoned from when it does: else all planners
    /// that waited for the same would plan at once.
    Blocked,
    /// It fetches what the root says.
    Syncing(Sync),
    /// It knows what the root says, and gathers what applications demand, since then.
    Gathering(Moment),
    /// It waits for the placement that follows.
    Placing(Placing),
    /// It writes.
    Writing(Box<Attempt>),
}

impl Planner {
    pub(super) fn new(me: HostName) -> Self {
        Self {
            hosts: Hosts::new(me),
            demands: Demands::default(),
            root: KnownRoot::default(),
            held: Held::default(),
            homes: Homes::default(),
            pointers: Pointers::default(),
            current: BTreeSet::new(),
            phase: Phase::Idle,
            orphans: BTreeMap::new(),
            unreadable: None,
            was_blind: false,
            waiting: BTreeMap::new(),
            moved_on: false,
        }
    }

    /// A plan is due, by rank, `pause` from now at the earliest; a plan that is due sooner stays so.
    fn make_due(&mut self, now: Moment, pause: Duration) {
        match &mut self.phase {
            Phase::Idle => self.phase = Phase::Due(self.turn_after(now, pause)),
            Phase::Due(sooner) => {
                let sooner = *sooner;
                self.phase = Phase::Due(self.turn_after(now, pause).min(sooner));
            }
            Phase::Blocked | Phase::Syncing(_) | Phase::Gathering(_) => {}
            Phase::Placing(placing) => placing.outdated = true,
            Phase::Writing(attempt) => attempt.outdated = true,
        }
    }

    /// When it is this planner's turn, by rank, `pause` from now at the earliest.
    fn turn_after(&self, now: Moment, pause: Duration) -> Moment {
        let rank = self.hosts.rank(self.root.root.as_ref().map_or(0, |root| root.generation));
        now.after(pause).after(PLANNER_STEP.saturating_mul(rank))
    }

    pub(super) fn watch_began(&mut self, now: Moment, topic: Topic) {
        let is_blind = self.is_blind();
        self.current.remove(&topic);
        match topic {
            Topic::Intents => self.demands.watch_began(),
            Topic::Hosts => self.hosts.watch_began(),
            Topic::Leases => self.hosts.leases.begin_again(now),
            Topic::Root => {
                self.root = KnownRoot::default();
                self.unreadable = None;
                self.was_blind = is_blind;
            }
            Topic::Pointers => self.pointers.watch_began(),
        }
    }

    pub(super) fn watch_current(&mut self, now: Moment, topic: Topic) {
        self.current.insert(topic);
        match topic {
            Topic::Intents => self.demands.watch_current(),
            Topic::Hosts => self.hosts.watch_current(),
            Topic::Pointers => self.pointers.compare_all(&self.held),
            Topic::Leases | Topic::Root => {}
        }
        self.make_due(now, PLAN_PAUSE);
    }

    /// Everything that was under way is given up: the connection was lost, or the host stood still.
    pub(super) fn interrupted(&mut self, now: Moment) {
        self.hosts.leases.begin_again(now);
        self.pointers.disconnected();
        self.give_up(now);
    }

    fn give_up(&mut self, now: Moment) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        if let Phase::Writing(attempt) = phase {
            let generation = attempt.draft.root.generation;
            let room = ORPHANS_MAX.saturating_sub(self.orphans.len());
            self.orphans.extend(attempt.draft.shards.keys().take(room).map(|digest| (*digest, generation)));
        }
        self.make_due(now, PLAN_RETRY_PAUSE);
    }

    pub(super) fn intent(&mut self, now: Moment, app: AppName, head: Option<IntentHead>) {
        if !self.demands.intent(app, head) {
            return;
        }
        match self.phase {
            // Turns that hosts took when they joined, one after the other, are in no order: a deploy gives new ones.
            Phase::Due(_) => self.phase = Phase::Due(self.turn_after(now, PLAN_PAUSE)),
            _ => self.make_due(now, PLAN_PAUSE),
        }
    }

    pub(super) fn record(&mut self, now: Moment, host: HostName, record: Option<Arc<HostRecord>>) {
        if self.hosts.record(now, host, record) {
            self.make_due(now, PLAN_PAUSE);
        }
    }

    pub(super) fn lease(
        &mut self,
        turn: &mut Turn<'_>,
        host: &HostName,
        revision: Revision,
        incarnation: Option<Incarnation>,
    ) {
        if self.hosts.lease(turn, host, revision, incarnation) {
            self.make_due(turn.now, PLAN_PAUSE);
        }
    }

    /// The root as it stands.
    pub(super) fn root(&mut self, turn: &mut Turn<'_>, revision: Revision, root: Option<Arc<Root>>) {
        if self.root.revision.is_some_and(|known| known >= revision) {
            return;
        }
        self.root = KnownRoot { revision: Some(revision), root };
        self.unreadable = self.unreadable.filter(|unreadable| *unreadable > revision);
        if self.root == self.held.root {
            return;
        }
        match &self.phase {
            Phase::Writing(attempt) if self.root.root.as_ref() == Some(&attempt.draft.root) => self.committed(turn),
            Phase::Writing(_) => self.give_up(turn.now),
            Phase::Syncing(_) | Phase::Gathering(_) | Phase::Placing(_) => {
                self.phase = Phase::Syncing(Sync::new(turn.now, self.root.clone()));
            }
            // Somebody has planned. Whatever else has changed was most likely among it; the order of planners is a new one.
            Phase::Idle | Phase::Due(_) => self.phase = Phase::Due(self.turn_after(turn.now, REPAIR_PAUSE)),
            Phase::Blocked => {}
        }
    }

    /// What stands at a key cannot be read.
    pub(super) fn unreadable(&mut self, turn: &mut Turn<'_>, key: Key, revision: Revision, newer: bool) {
        match key {
            Key::Intent(app) => self.demands.unreadable(app),
            Key::Record(host) => {
                self.hosts.unreadable(turn.now, host);
                self.make_due(turn.now, PLAN_PAUSE);
            }
            // Whoever wrote it lives.
            Key::Lease(host) => {
                let incarnation = self.hosts.leases.incarnation(&host);
                self.lease(turn, &host, revision, Some(incarnation));
            }
            // What is known already was written over it.
            Key::Root if self.root.revision.is_some_and(|known| known >= revision) => {}
            Key::Root => {
                self.unreadable = Some(revision);
                self.give_up(turn.now);
                turn.report(Report::RootUnreadable { newer });
            }
            Key::Pointer(key) => self.pointers.unreadable(&self.held, &key, revision, newer),
        }
    }

    /// True while it cannot read the root.
    pub(super) fn is_blind(&self) -> bool {
        self.unreadable.is_some() || self.was_blind && !self.current.contains(&Topic::Root)
    }

    pub(super) fn pointer(&mut self, key: &PointerKey, revision: Revision, pointer: Option<Pointer>) {
        self.pointers.seen(&self.held, key, revision, pointer);
    }

    /// The answer to a write, if it was one of a planner.
    pub(super) fn written(&mut self, turn: &mut Turn<'_>, op: Op, outcome: Outcome) {
        if self.pointers.written(&self.held, op, outcome) {
            return self.repair(turn);
        }
        let Phase::Writing(attempt) = &mut self.phase else { return };
        if attempt.stored(op, outcome) || attempt.stage != Stage::Root(op) {
            return;
        }
        match outcome {
            Outcome::Done(revision) => {
                self.root = KnownRoot { revision: Some(revision), root: Some(attempt.draft.root.clone()) };
                self.committed(turn);
            }
            Outcome::Conflict => self.give_up(turn.now),
            Outcome::Unknown => attempt.reread(turn),
        }
    }

    /// What a direct look found. Whatever it is, it decides a write whose answer was lost: either it stands, or another
    /// root does, or it is given up, and should it yet arrive, it is a good root like any other.
    pub(super) fn reread(&mut self, turn: &mut Turn<'_>, op: Op, found: Option<&Found>) {
        if let Some((revision, root)) = found.and_then(|found| found.root.as_ref()) {
            self.root(turn, *revision, Some(root.clone()));
        }
        if let Phase::Writing(attempt) = &self.phase
            && attempt.stage == Stage::Unsure(op)
        {
            self.give_up(turn.now);
        }
    }

    /// The root that was attempted stands.
    fn committed(&mut self, turn: &mut Turn<'_>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let Phase::Writing(attempt) = phase else { return };
        let retired = std::mem::take(&mut self.held.retired);
        if !retired.is_empty() {
            turn.emit(Effect::DeleteShards(retired));
        }
        self.hold(attempt.draft.held.at(self.root.clone()));
        turn.report(Report::Planned { generation: self.held.placement.generation, changed: attempt.draft.changed });
        self.arrived(turn);
        self.repair(turn);
        if attempt.outdated {
            self.make_due(turn.now, PLAN_PAUSE);
        }
    }

    fn hold(&mut self, held: Held) {
        self.homes.moved(&self.held.placement, &held.placement);
        self.held = held;
    }

    /// What is held is what the root says.
    fn arrived(&mut self, turn: &mut Turn<'_>) {
        self.moved_on = true;
        self.pointers.compare_all(&self.held);
        // Until its generation is taken an attempt may yet arrive, or somebody may write the same shards.
        let taken = |generation: u64| generation <= self.held.placement.generation;
        if self.orphans.values().any(|generation| taken(*generation)) {
            let needed = self.held.digests();
            let orphans = self.orphans.extract_if(.., |_, generation| taken(*generation)).map(|(digest, _)| digest);
            let orphans: Vec<Digest> = orphans.filter(|digest| !needed.contains(digest)).collect();
            turn.emit(Effect::DeleteShards(orphans));
        }
    }

    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        if self.hosts.judge(turn) {
            self.make_due(turn.now, PLAN_PAUSE);
        }
        if let Phase::Writing(attempt) = &mut self.phase {
            attempt.tick();
            if turn.now.since(attempt.since) >= ATTEMPT_TIME_MAX {
                self.give_up(turn.now);
            }
        }
        if let Phase::Syncing(sync) = &mut self.phase {
            sync.tick(turn);
        }
        self.pointers.tick();
        self.repair(turn);
    }

    /// Writes pointers that lag behind the root, while that is known to be the last.
    fn repair(&mut self, turn: &mut Turn<'_>) {
        if self.in_step() {
            self.pointers.repair(turn, &self.held);
        }
    }

    /// True where what is held is what the root is known to say, and everything else is known as well.
    fn in_step(&self) -> bool {
        self.held.root == self.root && self.all_current()
    }

    fn all_current(&self) -> bool {
        TOPICS.iter().all(|topic| self.current.contains(topic)) && !self.is_blind()
    }

    /// Asks for documents before they are needed.
    pub(super) fn prepare(&mut self, turn: &mut Turn<'_>, library: &mut Library) {
        if self.demands.prepare(turn, library) {
            self.make_due(turn.now, PLAN_PAUSE);
        }
    }

    /// True where nobody else could take anything over, as far as is known.
    pub(super) fn alone(&self) -> bool {
        self.all_current() && self.hosts.all_known() && self.hosts.alone()
    }

    /// True while shards are needed that are not held.
    pub(super) fn fetching(&self) -> bool {
        matches!(self.phase, Phase::Syncing(_))
    }

    /// True where another root is held than when this was last asked.
    pub(super) fn has_moved_on(&mut self) -> bool {
        std::mem::take(&mut self.moved_on)
    }

    /// The applications whose newest version cannot be planned here, with the reason.
    pub(super) fn failing(&self) -> impl Iterator<Item = (&AppName, &str)> {
        self.demands.failing().chain(self.waiting.iter().map(|(app, reason)| (app, reason.as_str())))
    }

    /// The documents that must stay in the library.
    pub(super) fn needs(&self, documents: &mut BTreeSet<Digest>) {
        self.demands.needs(documents);
        let placed = self.held.placement.applications.values();
        documents.extend(placed.flat_map(|app| app.before.iter().map(|before| before.intent).chain([app.intent])));
    }
}
