//! Local state that a host was given, and of which it never told: whether it was opened cannot be known.

use std::collections::BTreeSet;

use host::control::Event;
use host::limits::{LEASE_LAPSE, LEASE_RENEWAL};
use lattice::document::HostRecord;

use super::scene::{Scene, app, document, head, name, on, pinned, record};

/// Taken down and put up again.
fn begun_anew(scene: &mut Scene, version: u64) {
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(version, None)) });
    scene.pass(LEASE_RENEWAL * 2, &["h3"]);
    scene.intend(version + 1, &pinned("shop", document(1)));
    scene.pass(LEASE_RENEWAL * 2, &["h3"]);
}

/// As with seed 704 of the simulation. What its host told last may be on its way; the operator knows whether it comes back.
#[test]
fn it_is_waited_for_until_its_host_is_forgotten_and_the_application_begins_anew() {
    let mut scene = Scene::new(HostRecord { kinds: BTreeSet::new(), ..record("h1", 10) });
    scene.join(&["h2"]);
    scene.intend(1, &pinned("shop", document(1)));
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert_eq!(on(&scene, "shop"), [name("h2")]);
    scene.told_record(record("h3", 10));
    scene.renewed("h3", 10);
    // It dies, and never told that it has the state.
    scene.pass(LEASE_LAPSE * 3, &["h3"]);
    begun_anew(&mut scene, 2);
    assert!(!on(&scene, "shop").contains(&name("h3")));
    // It comes back.
    scene.told_record(record("h2", 11));
    scene.renewed("h2", 11);
    scene.pass(LEASE_RENEWAL * 2, &["h3"]);
    assert_eq!(on(&scene, "shop"), [name("h2")]);
    // It never comes back.
    let revision = scene.next();
    scene.pass(LEASE_LAPSE * 3, &["h3"]);
    scene.tell(Event::Record { host: name("h2"), revision, record: None });
    scene.pass(LEASE_RENEWAL * 2, &["h3"]);
    assert!(!on(&scene, "shop").contains(&name("h3")), "it has only been forgotten");
    begun_anew(&mut scene, 4);
    assert_eq!(on(&scene, "shop"), [name("h3")]);
}
