//! The host's part in the control of the lattice, as a pure state machine: an event and a state give effects.
//!
//! Every host renews its lease and tells of itself in its record (`presence`), and runs what its share of the placement
//! says (`follower`). Any host may also plan (`planner`). A host that stood still rejoins before it does anything
//! (`rejoin`); one that is to stop first lets others take over (`drain`).
//!
//! Nothing here waits, reads a clock or draws lots: whoever calls [`step`] carries out the effects and reports what came
//! of them. Everything that was asked of the lattice may be lost; it is asked for again.

mod drain;
mod effect;
mod event;
mod follower;
mod host_view;
mod leases;
mod library;
mod planner;
mod presence;
mod rejoin;
mod turn;

pub use effect::{Effect, Exit, Report, Share};
pub use event::{Event, Found, Key, Moment, Op, Outcome, Topic, Underivable};
pub use planner::{Reckoned, Reckoning};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::STILL_MAX;

use drain::{Drain, Remainder};
use follower::{Follower, Known};
use lattice::document::{HostRecord, PointerKey};
use lattice::store::Revision;
use library::Library;
use planner::Planner;
use presence::{Claim, Presence};
use rejoin::Rejoin;
use turn::{Ops, Turn};

/// What control knows and is about to do.
#[derive(Debug)]
pub struct State {
    ops: Ops,
    /// When the last event was handled, as far as known with all that followed.
    last: Option<Moment>,
    connected: bool,
    presence: Presence,
    follower: Follower,
    library: Library,
    planner: Option<Planner>,
    rejoin: Rejoin,
    drain: Drain,
    /// Something was adopted or planned: what is no longer needed can be forgotten.
    moved_on: bool,
}

impl State {
    /// A host that has just begun, with the record that it will write; its incarnation is later than any that stood when
    /// it began. `draining`, `ready` and `failing` are kept by control.
    /// It plans where the record says so. One with an ingress also follows every application.
    pub fn new(record: HostRecord, ingress: bool) -> Self {
        let me = record.name.clone();
        Self {
            ops: Ops::default(),
            last: None,
            connected: false,
            follower: Follower::new(me.clone(), ingress),
            library: Library::default(),
            planner: record.planner.then(|| Planner::new(me)),
            presence: Presence::new(record),
            rejoin: Rejoin::default(),
            drain: Drain::default(),
            moved_on: false,
        }
    }

    /// The host's record as it is to stand.
    pub fn record(&self) -> &Arc<HostRecord> {
        self.presence.record()
    }

    /// What the host has adopted.
    pub fn adopted(&self) -> &Share {
        self.follower.adopted()
    }

    /// Work, say carrying out what the last step asked for, took until `now`: that long the host did not stand still.
    pub fn worked_until(&mut self, now: Moment) {
        self.last = self.last.max(Some(now));
    }

    /// True once a lease of this host is known to have stood.
    pub fn has_joined(&self) -> bool {
        self.presence.has_held()
    }

    /// True while every call is to be answered *not started*.
    pub fn quarantined(&self) -> bool {
        !self.rejoin.over()
    }
}

/// What follows from `event`, which happened at `now`. After [`Effect::Exit`] nothing does.
pub fn step(state: &mut State, now: Moment, event: Event) -> Vec<Effect> {
    if matches!(state.drain, Drain::Over) {
        return Vec::new();
    }
    let mut ops = std::mem::take(&mut state.ops);
    let mut turn = Turn::new(now, &mut ops);
    let stood_still = state.last.replace(now).map(|last| now.since(last)).filter(|still| *still >= STILL_MAX);
    if let Some(frozen) = stood_still {
        stood_still_for(state, &mut turn, frozen);
    }
    take_in(state, &mut turn, event);
    go_on(state, &mut turn);
    let effects = turn.into_effects();
    state.ops = ops;
    effects
}

/// Notes what happened.
fn take_in(state: &mut State, turn: &mut Turn<'_>, event: Event) {
    match event {
        Event::Tick => tick(state, turn),
        Event::Connected => state.connected = true,
        Event::Disconnected => disconnected(state, turn),
        Event::Began(topic) => watch_began(state, turn, topic),
        Event::Current(topic) => watch_current(state, turn, topic),
        Event::Intent { app, head } => with(&mut state.planner, |planner| planner.intent(turn.now, app, head)),
        Event::Record { host, revision, record } => {
            if host == state.record().name {
                state.presence.record_seen(revision, record.clone());
                state.follower.look_again();
                let claim = state.presence.claimed();
                claimed(state, turn, claim);
            }
            with(&mut state.planner, |planner| planner.record(turn.now, host, record));
        }
        Event::Lease { host, revision, incarnation } => {
            if let Some(incarnation) = incarnation.filter(|_| host == state.record().name) {
                let claim = state.presence.lease_seen(incarnation);
                claimed(state, turn, claim);
            }
            with(&mut state.planner, |planner| planner.lease(turn, &host, revision, incarnation));
        }
        Event::Root { revision, root } => with(&mut state.planner, |planner| planner.root(turn, revision, root)),
        Event::Pointer { key, revision, pointer } => {
            if let Some(pointer) = pointer {
                state.follower.pointed(turn, &key, revision, pointer);
            }
            with(&mut state.planner, |planner| planner.pointer(&key, revision, pointer));
        }
        Event::Unreadable { key, revision, newer } => unreadable(state, turn, key, revision, newer),
        Event::Derived { .. } | Event::Shard { .. } => fetched(state, turn, event),
        Event::Written { op, outcome } => {
            if state.presence.written(op, outcome) {
                state.follower.look_again();
            }
            let claim = state.presence.claimed();
            claimed(state, turn, claim);
            state.rejoin.written(op, outcome);
            with(&mut state.planner, |planner| planner.written(turn, op, outcome));
        }
        Event::Reread { op, found } => reread(state, turn, op, found.as_ref()),
        Event::Reckoned { op, reckoned } => {
            with(&mut state.planner, |planner| planner.reckoned(turn, op, reckoned.map(|reckoned| *reckoned)));
        }
        Event::Echo(op) => state.rejoin.echoed(op),
        Event::Readiness { app, ready } => state.presence.readiness(app, ready),
        Event::Failing(failing) => state.presence.failing(failing),
        Event::Unwell(unwell) => state.presence.unwell(unwell),
        Event::GoneBack(refused) => state.presence.gone_back(refused),
        Event::Facts(facts) => {
            state.presence.facts(*facts);
            state.follower.look_at_all_again();
        }
        Event::DrainAsked { force } => {
            state.drain.ask(turn.now, force);
            state.presence.tell(|record| record.draining = true);
        }
        Event::Finished => state.drain.finished(turn, !state.presence.record().states.is_empty()),
        Event::Gap { frozen } => stood_still_for(state, turn, frozen),
    }
}

/// Whatever is known or under way may be long out of date.
fn stood_still_for(state: &mut State, turn: &mut Turn<'_>, frozen: Duration) {
    state.rejoin.begin(turn);
    turn.report(Report::Frozen { frozen });
    with(&mut state.planner, |planner| planner.interrupted(turn.now));
}

fn with(planner: &mut Option<Planner>, act: impl FnOnce(&mut Planner)) {
    if let Some(planner) = planner {
        act(planner);
    }
}

fn tick(state: &mut State, turn: &mut Turn<'_>) {
    state.library.tick(turn.now);
    state.follower.look_again();
    let present = state.connected && !matches!(state.drain, Drain::Finishing(Exit::Superseded));
    if present && state.rejoin.may_adopt() {
        state.presence.tell_all(turn);
    }
    if present && state.rejoin.may_renew() {
        state.presence.stay_alive(turn);
    }
    if state.may_plan() {
        with(&mut state.planner, |planner| planner.tick(turn));
    }
}

fn disconnected(state: &mut State, turn: &mut Turn<'_>) {
    state.connected = false;
    state.presence.disconnected();
    state.library.disconnected();
    state.follower.look_again();
    state.rejoin.disconnected();
    with(&mut state.planner, |planner| planner.interrupted(turn.now));
}

fn watch_began(state: &mut State, turn: &mut Turn<'_>, topic: Topic) {
    match topic {
        Topic::Hosts => state.presence.watch_began(),
        Topic::Pointers => state.follower.watch_began(),
        Topic::Intents | Topic::Leases | Topic::Root => {}
    }
    with(&mut state.planner, |planner| planner.watch_began(turn.now, topic));
}

fn watch_current(state: &mut State, turn: &mut Turn<'_>, topic: Topic) {
    if topic == Topic::Hosts {
        state.presence.watch_current();
    }
    with(&mut state.planner, |planner| planner.watch_current(turn.now, topic));
}

/// A later process has this host's name: this one makes room.
fn claimed(state: &mut State, turn: &mut Turn<'_>, claim: Claim) {
    let Claim::Superseded(by) = claim else { return };
    if !matches!(state.drain, Drain::Finishing(_) | Drain::Over) {
        turn.report(Report::Superseded { by });
        state.drain.finish(turn, Exit::Superseded);
    }
}

/// What stands at a key cannot be read: what is known of it stays, and who depends on it goes no further.
fn unreadable(state: &mut State, turn: &mut Turn<'_>, key: Key, revision: Revision, newer: bool) {
    if key == Key::Record(state.record().name.clone()) {
        let claim = state.presence.record_unreadable(revision, newer);
        claimed(state, turn, claim);
    }
    with(&mut state.planner, |planner| planner.unreadable(turn, key, revision, newer));
}

fn fetched(state: &mut State, turn: &mut Turn<'_>, event: Event) {
    match event {
        Event::Derived { document, result } => state.library.derived(turn.now, document, result),
        Event::Shard { digest, shard } => state.library.fetched(turn.now, digest, shard),
        _ => return,
    }
    // Many answers are looked at together, be it with the next tick.
    if state.library.is_idle() {
        state.follower.look_again();
    }
}

fn reread(state: &mut State, turn: &mut Turn<'_>, op: Op, found: Option<&Found>) {
    if let Some((revision, pointer)) = found.and_then(|found| found.pointer) {
        let key = PointerKey::Host(state.record().name.clone());
        state.follower.pointed(turn, &key, revision, pointer);
    }
    with(&mut state.planner, |planner| planner.reread(turn, op, found));
    state.rejoin.reread(op, found.is_some());
}

impl State {
    /// A host plans while it is in touch, has rejoined, and is not about to end.
    fn may_plan(&self) -> bool {
        self.connected && self.rejoin.over() && !matches!(self.drain, Drain::Finishing(_) | Drain::Over)
    }
}

/// Does what has become possible.
fn go_on(state: &mut State, turn: &mut Turn<'_>) {
    if state.connected {
        state.rejoin.advance(turn, &mut state.presence);
        follow(state, turn);
    }
    if state.may_plan()
        && let Some(planner) = &mut state.planner
    {
        planner.prepare(turn, &mut state.library);
        planner.advance(turn, &mut state.library, state.follower.adopted().generation);
    }
    leave(state, turn);
    forget(state);
    let planner = state.planner.as_ref().into_iter().flat_map(Planner::failing);
    state.presence.refused(state.follower.failing().chain(planner));
    // Others need not wait for a planner that cannot plan.
    let plans = state.planner.as_ref().is_some_and(|planner| !planner.is_blind());
    if state.record().planner != plans {
        state.presence.tell(|record| record.planner = plans);
    }
}

fn follow(state: &mut State, turn: &mut Turn<'_>) {
    if state.rejoin.may_adopt() && !matches!(state.drain, Drain::Finishing(_) | Drain::Over) {
        let before = state.follower.adopted().generation;
        let presence = &state.presence;
        let me = || Known { view: host_view::view(presence.record(), true), told: presence.told_states() };
        if state.follower.settle(turn, &mut state.library, me) {
            state.presence.claim(turn, state.follower.claims());
        }
        state.moved_on |= state.follower.adopted().generation != before;
    }
    if state.follower.settled() {
        state.rejoin.caught_up(turn);
    }
}

fn leave(state: &mut State, turn: &mut Turn<'_>) {
    if !matches!(state.drain, Drain::Moving { .. }) {
        return;
    }
    let remainder = Remainder::of(&state.record().name, state.follower.adopted(), &state.library);
    // One that may still stay waits for the connection to come back.
    let cut_off = !state.connected && state.drain.forced();
    let hopeless = cut_off || state.planner.as_ref().is_some_and(Planner::alone);
    state.drain.advance(turn, remainder, hopeless);
    if !state.drain.leaving() {
        state.presence.tell(|record| record.draining = false);
    }
}

fn forget(state: &mut State) {
    state.moved_on |= state.planner.as_mut().is_some_and(Planner::has_moved_on);
    let fetching = state.planner.as_ref().is_some_and(Planner::fetching);
    if !state.moved_on || fetching || !state.follower.settled() {
        return;
    }
    state.moved_on = false;
    let (mut shards, mut documents) = (BTreeSet::new(), BTreeSet::new());
    state.follower.needs(&mut shards, &mut documents);
    if let Some(planner) = &state.planner {
        planner.needs(&mut documents);
    }
    state.library.keep(&shards, &documents);
}
