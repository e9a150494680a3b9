//! A host that is to leave.

use host::control::{Effect, Event, Exit, Report};
use host::limits::{DRAIN_MOVES_MAX, LEASE_RENEWAL};

use super::scene::{Scene, count, document, free, pinned, placed, record, reports};

/// A host that does not plan, so that it must wait for others, and runs `shop` on these hosts.
fn scene(state: bool, hosts: &[&str]) -> Scene {
    let mut record = record("h1", 10);
    record.planner = false;
    let mut scene = Scene::new(record);
    scene.join(&[]);
    let demand = if state { pinned("shop", document(1)) } else { free("shop", document(1), 1) };
    scene.documents.insert(demand.intent, demand.clone());
    scene.given(1, &[("shop", &placed(&demand, 1, 1, hosts))]);
    scene.tick();
    assert_eq!(scene.runs("shop"), Some(1));
    scene.done.clear();
    scene
}

fn is_out(scene: &Scene) -> bool {
    scene.done.ends_with(&[Effect::DeleteLease, Effect::Exit(Exit::Drained)])
}

#[test]
fn it_waits_until_others_have_taken_over_and_then_finishes_its_calls() {
    let mut scene = scene(false, &["h1"]);
    scene.tell(Event::DrainAsked { force: false });
    scene.pass(LEASE_RENEWAL, &[]);
    assert!(scene.state.record().draining);
    assert!(!is_out(&scene));
    scene.given(2, &[]);
    assert_eq!(count(&scene.done, |effect| *effect == Effect::FinishCalls), 1);
    assert!(is_out(&scene));
    assert_eq!(scene.pass(LEASE_RENEWAL * 3, &[]), []);
}

#[test]
fn what_nobody_takes_keeps_it_unless_it_is_forced() {
    // Local state, force, whether it leaves, and whether it waits.
    let rows = [
        (false, false, false, true),
        (false, true, true, true),
        (true, false, false, false),
        (true, true, true, false),
    ];
    for (state, force, leaves, waits) in rows {
        let mut scene = scene(state, &["h1"]);
        scene.tell(Event::DrainAsked { force });
        let decided = |scene: &Scene| is_out(scene) || !scene.state.record().draining;
        assert_eq!(decided(&scene), !waits, "state {state}, force {force}");
        scene.pass(DRAIN_MOVES_MAX, &[]);
        assert!(decided(&scene));
        assert_eq!(is_out(&scene), leaves);
        let staying =
            if state { vec!["shop/cart".to_owned(), "shop/kv".to_owned()] } else { vec!["shop/cart".to_owned()] };
        let told = match leaves {
            true => Report::LeftBehind { staying },
            false => Report::DrainRefused { staying, local_state: state },
        };
        assert_eq!(reports(&scene.done), [told]);
    }
}

#[test]
fn a_refusal_can_be_followed_by_force() {
    let mut scene = scene(true, &["h1"]);
    scene.tell(Event::DrainAsked { force: false });
    assert!(!scene.state.record().draining);
    scene.tell(Event::DrainAsked { force: true });
    assert!(is_out(&scene));
}

#[test]
fn force_without_the_lattice_does_not_wait() {
    let mut scene = scene(false, &["h1"]);
    scene.tell(Event::Disconnected);
    scene.tell(Event::DrainAsked { force: true });
    assert!(is_out(&scene));
}

#[test]
fn without_force_a_lost_connection_is_waited_for() {
    let mut scene = scene(false, &["h1"]);
    scene.tell(Event::Disconnected);
    scene.tell(Event::DrainAsked { force: false });
    scene.pass(LEASE_RENEWAL, &[]);
    assert!(scene.state.record().draining && !is_out(&scene));
    scene.tell(Event::Connected);
    scene.given(2, &[]);
    assert!(is_out(&scene));
}

#[test]
fn a_planner_that_knows_itself_alone_does_not_wait() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.pass(LEASE_RENEWAL, &[]);
    assert!(scene.runs("shop").is_some());
    scene.tell(Event::DrainAsked { force: true });
    assert!(is_out(&scene));
}

#[test]
fn a_planner_that_leaves_moves_its_own_work_first() {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert!(scene.runs("shop").is_some());
    scene.tell(Event::DrainAsked { force: false });
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert!(!is_out(&scene), "h2 has nothing ready yet");
    let mut other = record("h2", 10);
    let ready = model::placement::Ready {
        version: 1,
        actors: ["cart".parse().unwrap()].into(),
        providers: Default::default(),
        ..Default::default()
    };
    other.ready.insert(super::scene::app("shop"), ready);
    scene.told_record(other);
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert!(is_out(&scene), "{:?}", scene.state.adopted());
}

#[test]
fn it_is_forgotten_unless_it_has_state_of_its_own() {
    for (state, removed) in [(false, 1), (true, 0)] {
        let mut scene = scene(state, &["h1"]);
        scene.tell(Event::DrainAsked { force: true });
        scene.pass(DRAIN_MOVES_MAX, &[]);
        assert!(is_out(&scene));
        assert_eq!(count(&scene.done, |effect| *effect == Effect::DeleteRecord), removed, "state {state}");
    }
}
