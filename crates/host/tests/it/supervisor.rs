//! The supervisor as a script: events in, effects out.

use host::supervisor::{Effect, Event, Part, Stage, State, step};

fn actor(name: &str) -> Part {
    Part::Actor(name.parse().unwrap())
}

fn provider(name: &str) -> Part {
    Part::Provider(name.parse().unwrap())
}

fn state() -> State {
    State::new([actor("cart"), provider("kv")].into())
}

/// Runs a script of events, each with the effects that must follow.
fn check(mut state: State, script: Vec<(Event, Vec<Effect>)>) {
    for (event, expected) in script {
        let shown = format!("{event:?} in {state:?}");
        assert_eq!(step(&mut state, event), expected, "{shown}");
    }
}

fn start() -> Vec<(Event, Vec<Effect>)> {
    vec![
        (Event::Begun, vec![Effect::Start(provider("kv")), Effect::Start(actor("cart"))]),
        (Event::Ready(actor("cart")), vec![]),
        (Event::Ready(provider("kv")), vec![Effect::Connect, Effect::Start(Part::Doors)]),
        (Event::Ready(Part::Doors), vec![Effect::ReportReady]),
    ]
}

fn stop() -> Vec<(Event, Vec<Effect>)> {
    vec![
        (Event::DrainAsked, vec![Effect::StartDrainClock, Effect::Drain(Stage::Doors)]),
        (Event::Drained(Stage::Doors), vec![Effect::Drain(Stage::Actors)]),
        (Event::DrainAsked, vec![]),
        (Event::Drained(Stage::Actors), vec![Effect::Drain(Stage::Providers)]),
        (Event::Drained(Stage::Providers), vec![Effect::Stop { clean: true }]),
        (Event::DrainOverdue, vec![]),
    ]
}

#[test]
fn parts_start_side_by_side_and_the_doors_last() {
    check(state(), start());
}

#[test]
fn draining_goes_from_the_outside_in() {
    check(state(), [start(), stop()].concat());
}

#[test]
fn nothing_to_start_is_soon_ready() {
    check(
        State::new([].into()),
        vec![
            (Event::Begun, vec![Effect::Connect, Effect::Start(Part::Doors)]),
            (Event::Ready(Part::Doors), vec![Effect::ReportReady]),
        ],
    );
}

#[test]
fn a_failed_start_stops_what_has_started() {
    let mut script = vec![
        (Event::Begun, vec![Effect::Start(provider("kv")), Effect::Start(actor("cart"))]),
        (Event::Failed(actor("cart")), vec![Effect::StartDrainClock, Effect::Drain(Stage::Doors)]),
        (Event::Ready(provider("kv")), vec![]),
    ];
    script.extend(stop().into_iter().skip(1));
    check(state(), script);
}

#[test]
fn overdue_work_is_cut_off_and_said_so() {
    let script = vec![
        (Event::DrainAsked, vec![Effect::StartDrainClock, Effect::Drain(Stage::Doors)]),
        (Event::DrainOverdue, vec![Effect::Stop { clean: false }]),
        (Event::Drained(Stage::Doors), vec![]),
        (Event::Ready(actor("cart")), vec![]),
    ];
    check(state(), [start(), script].concat());
}

#[test]
fn a_stage_that_is_not_due_changes_nothing() {
    let script = vec![
        (Event::Drained(Stage::Actors), vec![]),
        (Event::DrainAsked, vec![Effect::StartDrainClock, Effect::Drain(Stage::Doors)]),
        (Event::Drained(Stage::Providers), vec![]),
    ];
    check(state(), [start(), script].concat());
}
