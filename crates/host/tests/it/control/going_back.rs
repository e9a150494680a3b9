//! A planner and a version that hosts refuse: the one before runs again, until there is a newer one.

use std::sync::Arc;

use lattice::document::HostRecord;
use model::digest::Digest;
use model::placement::{AppPlacement, Earlier, Ready, Refusal};

use super::scene::{Scene, app, document, free, head, name, record};
use host::control::Event;
use host::limits::LEASE_RENEWAL;
use lattice::document::{PointerKey, Shard};

/// What is placed of `shop`.
fn placed(scene: &Scene) -> Arc<AppPlacement> {
    let (_, pointer) = scene.pointers[&PointerKey::App(app("shop"))];
    match scene.shards[&pointer.digest].as_ref() {
        Shard::App(placement) => placement.clone(),
        other => panic!("{other:?}"),
    }
}

/// The version that runs, its document, and the version that was refused.
fn runs(scene: &Scene) -> (u64, Digest, Option<u64>) {
    let placed = placed(scene);
    (placed.version, placed.intent, placed.refused.as_ref().map(|refused| refused.version))
}

/// `h2`, where this version of `shop` was refused.
fn refusing(version: u64) -> HostRecord {
    let refusal = Refusal { version, reason: "it traps".to_owned() };
    HostRecord { refused: [(app("shop"), refusal)].into(), ..record("h2", 10) }
}

/// Two versions were deployed, and the second was refused.
fn gone_back() -> Scene {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!((runs(&scene), placed(&scene).before), ((1, document(1), None), None));
    scene.intend(2, &free("shop", document(2), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    let before = Some(Earlier { version: 1, intent: document(1) });
    assert_eq!((runs(&scene), placed(&scene).before), ((2, document(2), None), before));
    scene.told_record(refusing(2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    scene
}

#[test]
fn what_a_host_refuses_gives_way_to_the_version_before() {
    let mut scene = gone_back();
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
    let placed = placed(&scene);
    assert_eq!(placed.before, None, "there is nothing to go back to from it");
    assert_eq!(placed.refused.as_ref().unwrap().reason, "on h2: it traps");
    // The host runs the version before now, and tells of the refusal no longer.
    scene.told_record(record("h2", 10));
    scene.pass(LEASE_RENEWAL * 4, &["h2"]);
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
}

#[test]
fn a_newer_version_takes_the_place_of_one_that_was_refused() {
    let mut scene = gone_back();
    scene.intend(3, &free("shop", document(3), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    // What `h2` still says is about another version.
    assert_eq!(runs(&scene), (3, document(3), None));
    assert_eq!(placed(&scene).before, Some(Earlier { version: 1, intent: document(1) }));
}

#[test]
fn a_refusal_of_another_version_says_nothing() {
    let mut scene = Scene::joined(&["h2"]);
    for version in [1, 2] {
        scene.intend(version, &free("shop", document(version), 2));
        scene.pass(LEASE_RENEWAL, &["h2"]);
    }
    for version in [1, 3] {
        scene.told_record(refusing(version));
        scene.pass(LEASE_RENEWAL, &["h2"]);
        assert_eq!(runs(&scene), (2, document(2), None));
    }
}

#[test]
fn the_first_version_has_nothing_to_give_way_to() {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    scene.told_record(refusing(1));
    scene.pass(LEASE_RENEWAL * 4, &["h2"]);
    assert_eq!(runs(&scene), (1, document(1), None));
}

/// Another host still refuses what would be gone back to.
#[test]
fn what_is_refused_as_well_is_not_gone_back_to() {
    let mut scene = Scene::joined(&["h2", "h3"]);
    for version in [1, 2] {
        scene.intend(version, &free("shop", document(version), 3));
        scene.pass(LEASE_RENEWAL, &["h2", "h3"]);
    }
    scene.told_record(HostRecord { name: name("h3"), ..refusing(1) });
    scene.told_record(refusing(2));
    scene.pass(LEASE_RENEWAL, &["h2", "h3"]);
    assert_eq!(runs(&scene), (2, document(2), None));
    scene.told_record(record("h3", 10));
    scene.pass(LEASE_RENEWAL, &["h2", "h3"]);
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
}

/// The newest version cannot be planned, so the one before it runs; and that is bad.
#[test]
fn what_is_not_the_newest_gives_way_as_well() {
    let mut scene = Scene::joined(&["h2"]);
    scene.refused.insert(document(3), "it was planned badly".to_owned());
    for version in [1, 2] {
        scene.intend(version, &free("shop", document(version), 2));
        scene.pass(LEASE_RENEWAL, &["h2"]);
    }
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(3, Some(document(3)))) });
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(runs(&scene), (2, document(2), None));
    scene.told_record(refusing(2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
    scene.told_record(record("h2", 10));
    scene.pass(LEASE_RENEWAL * 4, &["h2"]);
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
}

/// An operator goes back: what ran before is known to be good.
#[test]
fn what_ran_before_takes_over_at_once() {
    let mut scene = Scene::joined(&["h2"]);
    for version in [1, 2] {
        scene.intend(version, &free("shop", document(version), 2));
        scene.pass(LEASE_RENEWAL, &["h2"]);
    }
    scene.intend(3, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!((runs(&scene), placed(&scene).before), ((3, document(1), None), None));
}

/// `h2`, which runs what is placed of `shop` as `ready` says.
fn running(ready: Ready) -> HostRecord {
    HostRecord { ready: [(app("shop"), ready)].into(), ..record("h2", 10) }
}

/// The version before, when a third version comes and `h2` runs the two as `ready` says.
fn good(ready: Ready) -> Option<u64> {
    let mut scene = Scene::joined(&["h2"]);
    for version in [1, 2] {
        scene.intend(version, &free("shop", document(version), 2));
        scene.pass(LEASE_RENEWAL, &["h2"]);
    }
    scene.told_record(running(ready));
    scene.intend(3, &free("shop", document(3), 2));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(runs(&scene), (3, document(3), None));
    scene.told_record(refusing(3));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(runs(&scene).2, Some(3));
    Some(runs(&scene).0)
}

#[test]
fn only_a_version_that_is_trusted_is_gone_back_to() {
    let ready = Ready { version: 2, ..Ready::default() };
    assert_eq!(good(ready.clone()), Some(2));
    assert_eq!(good(Ready { watched: true, ..ready }), Some(1), "it may yet be refused");
    assert_eq!(good(Ready { version: 1, tried: Some(2), ..Ready::default() }), Some(1), "it has a share of the calls");
    assert_eq!(good(Ready { version: 1, ..Ready::default() }), Some(1), "it was refused, or has not begun");
}

/// The planner that went back dies; another knows it from the root.
#[test]
fn what_was_refused_stays_so_for_other_planners() {
    let mut scene = gone_back();
    scene.told_record(record("h2", 10));
    scene.tell(Event::Disconnected);
    scene.tell(Event::Connected);
    scene.pass(LEASE_RENEWAL * 8, &["h2"]);
    assert_eq!(runs(&scene), (1, document(1), Some(2)));
}
