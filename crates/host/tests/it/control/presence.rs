//! A host's record and its lease.

use host::control::{Effect, Event, Exit, Outcome, Report, Topic};
use host::limits::{LEASE_LAPSE, LEASE_RENEWAL, LEASE_WAIT_MAX, RECORD_WAIT_MAX};
use lattice::document::Incarnation;
use model::placement::Ready;

use super::scene::{Scene, app, count, millis, record, reports};

fn leases(effects: &[Effect]) -> usize {
    count(effects, |effect| matches!(effect, Effect::PutLease { .. }))
}

fn records(effects: &[Effect]) -> usize {
    count(effects, |effect| matches!(effect, Effect::PutRecord { .. }))
}

#[test]
fn a_host_first_reads_its_key_then_tells_of_itself() {
    let mut scene = Scene::new(record("h1", 10));
    assert_eq!(scene.tick(), []);
    scene.tell(Event::Connected);
    scene.tell(Event::Began(Topic::Hosts));
    assert_eq!(scene.tick(), []);
    scene.tell(Event::Current(Topic::Hosts));
    let effects = scene.tick();
    assert_eq!((records(&effects), leases(&effects)), (1, 1));
}

#[test]
fn the_lease_is_renewed_each_second_and_the_record_on_change() {
    let mut scene = Scene::joined(&[]);
    let effects = scene.pass(LEASE_RENEWAL * 10, &[]);
    assert_eq!((records(&effects), leases(&effects)), (0, 10));
    let ready = Ready { version: 1, actors: ["cart".parse().unwrap()].into(), ..Ready::default() };
    scene.tell(Event::Readiness { app: app("shop"), ready: Some(ready) });
    assert_eq!(records(&scene.tick()), 1);
    assert_eq!(records(&scene.tick()), 0);
}

#[test]
fn writes_without_an_answer_are_made_again() {
    let mut scene = Scene::joined(&[]);
    scene.answers = false;
    scene.tell(Event::Readiness { app: app("shop"), ready: Some(Ready::default()) });
    let effects = scene.pass(LEASE_RENEWAL + LEASE_WAIT_MAX - millis(1), &[]);
    assert_eq!((records(&effects), leases(&effects)), (1, 1));
    assert_eq!(leases(&scene.pass(millis(400), &[])), 1);
    let left = RECORD_WAIT_MAX.saturating_sub(LEASE_RENEWAL + LEASE_WAIT_MAX);
    assert_eq!(records(&scene.pass(left, &[])), 1);
}

#[test]
fn a_lease_that_cannot_be_renewed_is_reported_once() {
    let mut scene = Scene::joined(&[]);
    scene.answers = false;
    let reported = reports(&scene.pass(LEASE_LAPSE * 3, &[]));
    assert!(matches!(reported.as_slice(), [Report::LeaseOverdue { .. }]), "{reported:?}");
}

#[test]
fn of_two_processes_that_begin_at_once_the_first_to_write_stays() {
    for (incarnation, conflict) in [(11, false), (10, false), (10, true)] {
        let mut scene = Scene::new(record("h1", 10));
        scene.answers = false;
        scene.tell(Event::Connected);
        scene.tell(Event::Began(Topic::Hosts));
        scene.tell(Event::Current(Topic::Hosts));
        if conflict {
            let written = scene.tick();
            let Some(Effect::PutRecord { op, .. }) = written.first() else { panic!("{written:?}") };
            scene.told_record(record("h1", incarnation));
            assert_eq!(reports(&scene.done), [], "it may be its own");
            scene.tell(Event::Written { op: *op, outcome: Outcome::Conflict });
        } else {
            scene.told_record(record("h1", incarnation));
        }
        assert_eq!(reports(&scene.done), [Report::Superseded { by: Incarnation(incarnation) }]);
    }
}

#[test]
fn the_later_of_two_processes_of_one_name_stays() {
    for by_lease in [true, false] {
        let mut scene = Scene::joined(&[]);
        if by_lease {
            scene.renewed("h1", 11);
        } else {
            scene.told_record(record("h1", 11));
        }
        let superseded = Report::Superseded { by: Incarnation(11) };
        assert_eq!(reports(&scene.done), [superseded]);
        assert_eq!(count(&scene.done, |effect| *effect == Effect::FinishCalls), 1);
        assert_eq!(scene.done.last(), Some(&Effect::Exit(Exit::Superseded)));
        assert_eq!(count(&scene.done, |effect| *effect == Effect::DeleteLease), 0);
        assert_eq!(scene.pass(LEASE_LAPSE, &[]), []);
    }
}

#[test]
fn an_earlier_process_of_the_name_is_overwritten() {
    let mut scene = Scene::joined(&[]);
    scene.told_record(record("h1", 9));
    assert_eq!(records(&scene.tick()), 1);
    assert_eq!(reports(&scene.done), []);
}

#[test]
fn a_record_that_another_wrote_first_is_written_again_once_it_is_known() {
    let mut scene = Scene::joined(&[]);
    scene.answers = false;
    scene.tell(Event::Readiness { app: app("shop"), ready: Some(Ready::default()) });
    let written = scene.tick();
    let Some(Effect::PutRecord { op, .. }) = written.first() else { panic!("{written:?}") };
    scene.tell(Event::Written { op: *op, outcome: Outcome::Conflict });
    scene.told_record(record("h1", 9));
    let revision = scene.revision;
    let again = scene.tick();
    let expected = again.iter().find_map(|effect| match effect {
        Effect::PutRecord { expected, .. } => *expected,
        _ => None,
    });
    assert_eq!(expected.map(|expected| expected.0), Some(revision));
}
