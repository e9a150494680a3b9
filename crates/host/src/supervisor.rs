//! The life of an application on a host, as a pure state machine: an event and a state give effects.
//!
//! Start: providers and actors come up side by side; once all are ready they are connected, then the doors open. Stop:
//! the doors finish their requests, then actors their calls, then providers their writes. A failure while starting
//! stops what has started, in the same order.

use std::collections::BTreeSet;

use model::ids::{ActorName, ProviderName};

/// What an application consists of at run time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A provider.
    Provider(ProviderName),
    /// An actor's composite.
    Actor(ActorName),
    /// What calls come in by: the HTTP ingress and the bus.
    Doors,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The host begins.
    Begun,
    /// A part is ready.
    Ready(Part),
    /// A part could not be started; the reason is kept by whoever reports it.
    Failed(Part),
    /// An operator wants the host to stop.
    DrainAsked,
    /// Everything of one stage has finished.
    Drained(Stage),
    /// Draining took longer than it may.
    DrainOverdue,
}

/// What draining takes in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The doors and the requests that came in by them.
    Doors,
    /// Actors and their calls.
    Actors,
    /// Providers and their writes.
    Providers,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start a part.
    Start(Part),
    /// Fill the tables of links: every target is ready.
    Connect,
    /// Tell whoever waits that the application serves.
    ReportReady,
    /// Let a stage finish, and report it drained.
    Drain(Stage),
    /// Begin to measure the time that draining takes.
    StartDrainClock,
    /// All is over. True where everything had finished.
    Stop {
        /// False where work was cut off.
        clean: bool,
    },
}

/// How far the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(Phase);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Starting { waiting: BTreeSet<Part> },
    Serving,
    Draining { stage: Stage },
    Stopped,
}

impl State {
    /// An application of these providers and actors, before [`Event::Begun`].
    pub fn new(parts: BTreeSet<Part>) -> Self {
        Self(Phase::Starting { waiting: parts })
    }
}

/// What follows from `event`. Events that come too late change nothing.
pub fn step(state: &mut State, event: Event) -> Vec<Effect> {
    match (&mut state.0, event) {
        (Phase::Starting { waiting }, Event::Begun) => {
            let starts = waiting.iter().cloned().map(Effect::Start).collect();
            if waiting.is_empty() { connect(state) } else { starts }
        }
        (Phase::Starting { waiting }, Event::Ready(part)) => {
            waiting.remove(&part);
            match (waiting.is_empty(), part) {
                (false, _) => Vec::new(),
                (true, Part::Doors) => serve(state),
                (true, _) => connect(state),
            }
        }
        (Phase::Starting { .. } | Phase::Serving, Event::Failed(_) | Event::DrainAsked) => drain(state),
        (Phase::Draining { stage }, Event::Drained(done)) if *stage == done => next_stage(state, done),
        (Phase::Draining { .. }, Event::DrainOverdue) => stop(state, false),
        _ => Vec::new(),
    }
}

fn connect(state: &mut State) -> Vec<Effect> {
    state.0 = Phase::Starting { waiting: [Part::Doors].into() };
    vec![Effect::Connect, Effect::Start(Part::Doors)]
}

fn serve(state: &mut State) -> Vec<Effect> {
    state.0 = Phase::Serving;
    vec![Effect::ReportReady]
}

fn drain(state: &mut State) -> Vec<Effect> {
    state.0 = Phase::Draining { stage: Stage::Doors };
    vec![Effect::StartDrainClock, Effect::Drain(Stage::Doors)]
}

fn next_stage(state: &mut State, done: Stage) -> Vec<Effect> {
    let stage = match done {
        Stage::Doors => Stage::Actors,
        Stage::Actors => Stage::Providers,
        Stage::Providers => return stop(state, true),
    };
    state.0 = Phase::Draining { stage };
    vec![Effect::Drain(stage)]
}

fn stop(state: &mut State, clean: bool) -> Vec<Effect> {
    state.0 = Phase::Stopped;
    vec![Effect::Stop { clean }]
}
