//! What stands and cannot be read: damaged, or written by a later lath. It is not gone.

use host::control::{Effect, Event, Exit, Key, Report, Topic};
use host::limits::{LEASE_LAPSE, LEASE_RENEWAL, REPAIR_PAUSE};
use lattice::document::{HostRecord, Incarnation, Pointer, PointerKey, Shard};
use lattice::store::Revision;

use super::scene::{
    Scene, TOPICS, app, count, document, free, head, millis, name, on, pinned, placed, record, reports,
};

impl Scene {
    fn unreadable(&mut self, key: Key, newer: bool) -> Vec<Effect> {
        let revision = self.next();
        self.tell(Event::Unreadable { key, revision, newer })
    }

    /// All watches begin anew; `stands` tells what they tell of each topic.
    fn rewatched(&mut self, stands: impl Fn(&mut Self, Topic)) {
        self.tell(Event::Disconnected);
        self.tell(Event::Connected);
        for topic in TOPICS {
            self.tell(Event::Began(topic));
            stands(self, topic);
            self.tell(Event::Current(topic));
        }
    }

    /// What a watch tells of all that was written here.
    fn standing(&mut self, topic: Topic) {
        match topic {
            Topic::Root => {
                let (revision, root) = self.root.clone().unwrap();
                self.tell(Event::Root { revision, root: Some(root) });
            }
            Topic::Pointers => {
                for (key, (revision, pointer)) in self.pointers.clone() {
                    self.tell(Event::Pointer { key, revision, pointer: Some(pointer) });
                }
            }
            Topic::Hosts | Topic::Intents | Topic::Leases => {}
        }
    }
}

fn roots(effects: &[Effect]) -> usize {
    count(effects, |effect| matches!(effect, Effect::ReplaceRoot { .. }))
}

#[test]
fn an_application_whose_intent_cannot_be_read_stays_and_hinders_nobody() {
    for newer in [true, false] {
        let mut scene = Scene::joined(&["h2"]);
        scene.intend(1, &free("shop", document(1), 2));
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        scene.rewatched(|scene, topic| {
            scene.standing(topic);
            match topic {
                Topic::Intents => drop(scene.unreadable(Key::Intent(app("shop")), newer)),
                Topic::Hosts => {
                    scene.told_record(record("h1", 10));
                    scene.told_record(record("h2", 10));
                }
                _ => {}
            }
        });
        scene.intend(1, &free("bank", document(2), 1));
        scene.done.clear();
        scene.pass(LEASE_RENEWAL * 3, &["h2"]);
        assert_eq!(on(&scene, "shop").len(), 2, "newer {newer}");
        assert_eq!((on(&scene, "bank").len(), roots(&scene.done)), (1, 1));
        // Once it can be read again it counts.
        scene.tell(Event::Intent { app: app("shop"), head: Some(head(2, None)) });
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        assert_eq!(on(&scene, "shop").len(), 0);
    }
}

#[test]
fn a_planner_that_never_read_an_intent_keeps_what_is_placed() {
    let mut ahead = Scene::joined(&["h2"]);
    ahead.intend(1, &free("shop", document(1), 2));
    ahead.pass(LEASE_RENEWAL * 2, &["h2"]);

    let mut scene = Scene::joined(&["h2"]);
    scene.shards = ahead.shards.clone();
    scene.documents = ahead.documents.clone();
    scene.tell(Event::Intent { app: app("shop"), head: None });
    scene.unreadable(Key::Intent(app("shop")), true);
    let (revision, root) = ahead.root.clone().unwrap();
    scene.tell(Event::Root { revision, root: Some(root) });
    scene.pass(LEASE_LAPSE, &["h2"]);
    assert_eq!(roots(&scene.done), 0);
}

#[test]
fn a_host_whose_record_cannot_be_read_is_not_taken_for_gone() {
    // Whether this planner had read an earlier record.
    for known in [true, false] {
        let mut ahead = Scene::joined(&["h2", "h3"]);
        ahead.intend(1, &free("shop", document(1), 3));
        ahead.pass(LEASE_RENEWAL * 2, &["h2", "h3"]);
        assert_eq!(on(&ahead, "shop").len(), 3);
        let mut scene = if known { ahead } else { Scene { done: Vec::new(), ..Scene::of(&ahead) } };
        scene.rewatched(|scene, topic| {
            scene.standing(topic);
            match topic {
                Topic::Hosts => {
                    // One that has just begun has not written its own yet.
                    if known {
                        scene.told_record(record("h1", 10));
                    }
                    scene.told_record(record("h3", 10));
                    scene.unreadable(Key::Record(name("h2")), false);
                }
                Topic::Leases => ["h2", "h3"].iter().for_each(|host| scene.renewed(host, 10)),
                Topic::Intents => scene.intend(1, &free("shop", document(1), 3)),
                _ => {}
            }
        });
        scene.done.clear();
        scene.pass(LEASE_LAPSE * 2, &["h2", "h3"]);
        assert_eq!((roots(&scene.done), on(&scene, "shop").len()), (0, 3), "known {known}");
        // Others are placed all the same, and once its lease has lapsed its work moves.
        scene.intend(1, &free("bank", document(2), 1));
        scene.pass(LEASE_RENEWAL * 2, &["h2", "h3"]);
        assert_eq!(roots(&scene.done), 1, "known {known}");
        scene.pass(LEASE_LAPSE + LEASE_RENEWAL * 2, &["h3"]);
        assert_eq!(on(&scene, "shop"), [name("h1"), name("h3")], "known {known}");
    }
}

impl Scene {
    /// A planner that has just begun over what another wrote.
    fn of(other: &Scene) -> Self {
        let mut scene = Scene::new(record("h1", 10));
        scene.revision = other.revision;
        scene.shards = other.shards.clone();
        scene.documents = other.documents.clone();
        scene.root = other.root.clone();
        scene.pointers = other.pointers.clone();
        scene
    }
}

#[test]
fn local_state_gets_no_host_while_one_that_may_have_it_is_unknown() {
    let mut scene = Scene::joined(&["h2"]);
    scene.unreadable(Key::Record(name("h3")), true);
    scene.pass(LEASE_LAPSE * 2, &["h2"]);
    scene.intend(1, &pinned("shop", document(1)));
    scene.intend(1, &free("bank", document(2), 1));
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert_eq!((on(&scene, "shop").len(), on(&scene, "bank").len()), (0, 1));
    let told = |scene: &Scene| scene.state.record().failing.first().map(|failing| failing.reason.clone());
    let reason = told(&scene).unwrap();
    assert!(reason.contains("host h3 cannot be read") && reason.contains("provider kv"), "{reason}");
    let states = [(app("shop"), "kv".parse().unwrap())].into();
    scene.told_record(HostRecord { states, ..record("h3", 10) });
    scene.renewed("h3", 10);
    scene.pass(LEASE_RENEWAL * 2, &["h2", "h3"]);
    assert_eq!((on(&scene, "shop"), told(&scene)), (vec![name("h3")], None));
}

#[test]
fn a_lease_that_cannot_be_read_is_a_sign_of_life() {
    let mut scene = Scene::joined(&["h2"]);
    for _ in 0..10 {
        scene.unreadable(Key::Lease(name("h2")), true);
        scene.pass(LEASE_RENEWAL, &[]);
    }
    let died = |report: &Report| matches!(report, Report::Died(_));
    assert!(!reports(&scene.done).iter().any(died));
    scene.pass(LEASE_LAPSE * 2, &[]);
    assert!(reports(&scene.done).iter().any(died));
}

#[test]
fn nobody_plans_over_a_root_that_cannot_be_read() {
    for newer in [true, false] {
        let mut scene = Scene::joined(&["h2"]);
        scene.intend(1, &free("shop", document(1), 2));
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        scene.done.clear();
        scene.unreadable(Key::Root, newer);
        scene.intend(1, &free("bank", document(2), 1));
        scene.pass(LEASE_LAPSE * 2, &["h2"]);
        let blind = |scene: &mut Scene| {
            assert_eq!(roots(&scene.done), 0, "newer {newer}");
            let touched = |effect: &Effect| {
                matches!(effect, Effect::ReplacePointer { .. } | Effect::PutShard { .. } | Effect::DeleteShards(_))
            };
            assert_eq!(count(&scene.done, touched), 0);
            assert!(reports(&scene.done).contains(&Report::RootUnreadable { newer }));
            assert!(!scene.state.record().planner, "its record says that it does not plan");
            assert!(scene.runs("shop").is_some(), "what runs goes on");
            scene.done.clear();
        };
        blind(&mut scene);
        // Nor does it forget that when it is told anew, here of the root alone.
        scene.tell(Event::Began(Topic::Root));
        scene.unreadable(Key::Root, newer);
        scene.tell(Event::Current(Topic::Root));
        scene.pass(LEASE_LAPSE, &["h2"]);
        blind(&mut scene);
        // One that can be read, say of a planner that knows better, ends it.
        let (_, root) = scene.root.clone().unwrap();
        let revision = scene.next();
        scene.tell(Event::Root { revision, root: Some(root) });
        scene.pass(REPAIR_PAUSE + LEASE_RENEWAL * 2, &["h2"]);
        assert_eq!((roots(&scene.done), scene.state.record().planner), (1, true));
    }
}

#[test]
fn a_planner_does_not_say_that_it_plans_before_it_has_seen_that_the_root_can_be_read() {
    let mut scene = Scene::joined(&["h2"]);
    scene.unreadable(Key::Root, true);
    scene.done.clear();
    let told = |scene: &mut Scene| {
        let tells = |effect: &Effect| matches!(effect, Effect::PutRecord { record, .. } if record.planner);
        let told = (scene.state.record().planner, count(&scene.done, tells) > 0);
        scene.done.clear();
        told
    };
    scene.rewatched(|scene, topic| {
        scene.pass(LEASE_RENEWAL, &["h2"]);
        match topic {
            Topic::Root => drop(scene.unreadable(Key::Root, true)),
            Topic::Hosts => ["h1", "h2"].into_iter().for_each(|host| drop(scene.told_record(record(host, 10)))),
            _ => scene.standing(topic),
        }
        scene.pass(LEASE_RENEWAL, &["h2"]);
        assert_eq!(told(scene), (false, false), "{topic:?}");
    });
    assert_eq!(told(&mut scene), (false, false));
    // Nothing stands there any more.
    scene.tell(Event::Began(Topic::Root));
    assert_eq!(told(&mut scene), (false, false));
    scene.tell(Event::Current(Topic::Root));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(told(&mut scene), (true, true));
}

#[test]
fn an_unreadable_root_that_was_written_over_blinds_nobody() {
    let mut scene = Scene::joined(&["h2"]);
    let revision = scene.next();
    scene.intend(1, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    // A direct look was faster than the watch.
    assert!(scene.root.as_ref().is_some_and(|(known, _)| *known > revision));
    scene.done.clear();
    scene.tell(Event::Unreadable { key: Key::Root, revision, newer: false });
    scene.intend(1, &free("bank", document(2), 1));
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert_eq!((roots(&scene.done), scene.state.record().planner), (1, true));
    assert!(!reports(&scene.done).iter().any(|report| matches!(report, Report::RootUnreadable { .. })));
}

#[test]
fn a_damaged_pointer_is_written_anew_and_a_newer_one_is_left() {
    for newer in [true, false] {
        let mut scene = Scene::joined(&["h2"]);
        scene.intend(1, &free("shop", document(1), 2));
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        scene.done.clear();
        let key = PointerKey::Host(name("h2"));
        scene.unreadable(Key::Pointer(key.clone()), newer);
        let revision = Revision(scene.revision);
        scene.pass(LEASE_LAPSE, &["h2"]);
        let written = scene.done.iter().find_map(|effect| match effect {
            Effect::ReplacePointer { key, expected, .. } => Some((key.clone(), *expected)),
            _ => None,
        });
        assert_eq!(written, (!newer).then_some((key, Some(revision))));
    }
}

#[test]
fn a_host_keeps_what_it_runs_while_its_pointer_cannot_be_read() {
    let mut scene = Scene::new(HostRecord { planner: false, ..record("h1", 10) });
    scene.join(&[]);
    let shop = free("shop", document(1), 1);
    scene.documents.insert(shop.intent, shop.clone());
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    let key = Key::Pointer(PointerKey::Host(name("h1")));
    scene.rewatched(|scene, topic| {
        if topic == Topic::Pointers {
            scene.unreadable(key.clone(), true);
        }
    });
    scene.pass(LEASE_LAPSE, &[]);
    assert_eq!(scene.runs("shop"), Some(1));
    scene.pointed(Pointer { generation: 2, digest: Shard::nothing_digest() });
    assert_eq!(scene.runs("shop"), None);
}

#[test]
fn a_hosts_own_record_is_written_again_unless_a_later_process_wrote_it() {
    let written = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::PutRecord { expected, .. } => Some(*expected),
            _ => None,
        })
    };
    let key = Key::Record(name("h1"));
    for (newer, while_it_runs) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut scene = Scene::new(record("h1", 10));
        scene.tell(Event::Connected);
        scene.tell(Event::Began(Topic::Hosts));
        if !while_it_runs {
            scene.unreadable(key.clone(), newer);
        }
        scene.tell(Event::Current(Topic::Hosts));
        if while_it_runs {
            scene.tick();
            scene.unreadable(key.clone(), newer);
        }
        let stands = Revision(scene.revision);
        let effects = scene.pass(millis(400), &[]);
        let gives_way = newer && while_it_runs;
        assert_eq!(written(&effects), (!gives_way).then_some(Some(stands)), "newer {newer}, running {while_it_runs}");
        let superseded = Report::Superseded { by: Incarnation(11) };
        assert_eq!(reports(&scene.done).contains(&superseded), gives_way);
        assert_eq!(scene.done.contains(&Effect::Exit(Exit::Superseded)), gives_way);
    }
}
