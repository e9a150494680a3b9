//! A host that stood still.

use host::control::{Effect, Event, Moment, Outcome, Report};
use host::limits::{LEASE_LAPSE, REJOIN_WAIT_MAX, STILL_MAX};

use super::scene::{Scene, count, document, free, millis, placed, reports};

fn op_of(effects: &[Effect], pick: impl Fn(&Effect) -> Option<host::control::Op>) -> host::control::Op {
    effects.iter().find_map(pick).unwrap_or_else(|| panic!("{effects:?}"))
}

#[test]
fn it_acts_again_only_after_echo_lease_reread_and_share() {
    let mut scene = Scene::joined(&["h2"]);
    let demand = free("shop", document(1), 1);
    scene.documents.insert(demand.intent, demand.clone());
    scene.given(1, &[("shop", &placed(&demand, 1, 1, &["h1"]))]);
    assert_eq!(scene.runs("shop"), Some(1));
    scene.answers = false;

    let effects = scene.tell(Event::Gap { frozen: millis(1_500) });
    assert_eq!(count(&effects, |effect| *effect == Effect::Quarantine(true)), 1);
    let echo = op_of(&effects, |effect| if let Effect::AskEcho(op) = effect { Some(*op) } else { None });
    assert_eq!(scene.pass(millis(600), &[]), [], "neither lease nor record nor plan before the echo");

    let effects = scene.tell(Event::Echo(echo));
    let lease = op_of(&effects, |effect| if let Effect::PutLease { op, .. } = effect { Some(*op) } else { None });
    let revision = scene.next();
    let effects = scene.tell(Event::Written { op: lease, outcome: Outcome::Done(revision) });
    let reread = op_of(&effects, |effect| if let Effect::Reread(op) = effect { Some(*op) } else { None });

    // Meanwhile it was given something else, whose shard is yet to come.
    scene.given(2, &[]);
    assert_eq!(scene.runs("shop"), Some(1), "nothing is adopted before the direct look");
    let found = Some(scene.found());
    let effects = scene.tell(Event::Reread { op: reread, found });
    assert!(scene.state.quarantined());
    let fetched = count(&effects, |effect| matches!(effect, Effect::FetchShard(_)));
    assert_eq!(fetched, 1);
    scene.answers = true;
    scene.tell(Event::Disconnected);
    scene.tell(Event::Connected);
    assert!(!scene.state.quarantined());
    assert_eq!(scene.runs("shop"), None);
    assert!(reports(&scene.done).contains(&Report::Rejoined));
}

#[test]
fn it_notices_by_itself_before_it_acts_on_anything() {
    let mut scene = Scene::joined(&["h2"]);
    scene.answers = false;
    scene.now += STILL_MAX - millis(1);
    scene.tell(Event::Tick);
    assert!(!scene.state.quarantined());
    scene.now += STILL_MAX;
    let effects = scene.tell(Event::Tick);
    assert_eq!(effects.first(), Some(&Effect::Quarantine(true)));
    assert_eq!(count(&effects, |effect| matches!(effect, Effect::PutLease { .. })), 0);
}

#[test]
fn a_step_that_takes_long_is_no_standing_still() {
    let mut scene = Scene::joined(&["h2"]);
    scene.now += STILL_MAX * 2;
    scene.state.worked_until(Moment(scene.now));
    // An answer that is late to tell takes nothing back.
    scene.state.worked_until(Moment(millis(1)));
    scene.now += STILL_MAX - millis(1);
    scene.tell(Event::Tick);
    assert!(!scene.state.quarantined());
    assert_eq!(count(&scene.done, |effect| matches!(effect, Effect::Report(Report::Frozen { .. }))), 0);
}

#[test]
fn answers_that_do_not_come_are_asked_for_again() {
    let mut scene = Scene::joined(&[]);
    scene.answers = false;
    scene.tell(Event::Gap { frozen: millis(1_500) });
    let asked = |effects: &[Effect]| count(effects, |effect| matches!(effect, Effect::AskEcho(_)));
    assert_eq!(asked(&scene.pass(REJOIN_WAIT_MAX - millis(1), &[])), 0);
    assert_eq!(asked(&scene.pass(millis(1), &[])), 1);
    scene.answers = true;
    scene.pass(REJOIN_WAIT_MAX, &[]);
    assert!(!scene.state.quarantined());
}

#[test]
fn without_the_lattice_it_stays_out() {
    let mut scene = Scene::joined(&[]);
    scene.tell(Event::Disconnected);
    scene.tell(Event::Gap { frozen: millis(1_500) });
    scene.pass(LEASE_LAPSE * 3, &[]);
    assert!(scene.state.quarantined());
    scene.tell(Event::Connected);
    assert!(!scene.state.quarantined());
}
