//! A planner: when it plans, what it writes in which order, and what it does when that goes wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use host::control::{Effect, Event, Op, Outcome, Report, Topic, Underivable};
use host::limits::{
    ATTEMPT_TIME_MAX, DERIVE_WAIT_MAX, HOMES_MAX, LEASE_LAPSE, LEASE_RENEWAL, ORPHANS_MAX, PLAN_PAUSE,
    PLAN_RETRY_PAUSE, PLANNER_RANKS_MAX, PLANNER_STEP, PLANNER_WRITES_MAX, REPAIR_PAUSE, SYNC_WAIT_MAX,
};
use lattice::document::{HostRecord, PointerKey, Shard};
use lattice::store::Revision;

use super::scene::{Scene, TOPICS, app, count, document, free, head, millis, name, on, pinned, record, reports};

/// What is written, in its order, each kind once.
fn kinds(effects: &[Effect]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for effect in effects {
        let kind = match effect {
            Effect::PutShard { .. } => "shards",
            Effect::ReplaceRoot { .. } => "root",
            Effect::ReplacePointer { .. } => "pointers",
            Effect::DeleteShards(_) => "old shards",
            _ => continue,
        };
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn roots(effects: &[Effect]) -> Vec<(Op, Option<Revision>, u64)> {
    let root = |effect: &Effect| match effect {
        Effect::ReplaceRoot { op, expected, root } => Some((*op, *expected, root.generation)),
        _ => None,
    };
    effects.iter().filter_map(root).collect()
}

#[test]
fn shards_come_first_then_the_root_then_the_pointers() {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 2));
    let effects = scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(kinds(&effects), ["shards", "root", "pointers"]);
    let pointers: BTreeSet<_> = scene.pointers.keys().map(ToString::to_string).collect();
    assert_eq!(pointers, ["app.shop", "host.h1", "host.h2"].map(str::to_owned).into());
    assert_eq!(scene.runs("shop"), Some(1));
    assert_eq!(reports(&effects), [Report::Planned { generation: 1, changed: 1 }]);
    assert_eq!(kinds(&scene.pass(LEASE_LAPSE * 4, &["h2"])), [""; 0], "nothing changes, nothing is written");
}

#[test]
fn only_what_changes_is_written_and_old_shards_go_one_generation_later() {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.intend(1, &free("bank", document(2), 1));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    let first: BTreeSet<_> = scene.shards.keys().copied().collect();
    let bank = scene.pointers[&PointerKey::App(app("bank"))];
    scene.intend(2, &free("shop", document(3), 1));
    let second = scene.pass(LEASE_RENEWAL, &["h2"]);
    assert_eq!(kinds(&second), ["shards", "root", "pointers"]);
    assert_eq!(scene.pointers[&PointerKey::App(app("bank"))], bank);
    scene.intend(3, &free("shop", document(4), 1));
    let third = scene.pass(LEASE_RENEWAL, &["h2"]);
    let deleted = third.iter().find_map(|effect| match effect {
        Effect::DeleteShards(digests) => Some(digests.clone()),
        _ => None,
    });
    let deleted = deleted.unwrap();
    assert!(deleted.iter().all(|digest| first.contains(digest)), "only shards of the first generation go");
    assert!(!deleted.contains(&bank.1.digest));
    assert!(!deleted.is_empty());
}

#[test]
fn nothing_is_planned_before_everything_is_known() {
    for missing in TOPICS {
        let mut scene = Scene::new(record("h1", 10));
        scene.tell(Event::Connected);
        TOPICS.iter().for_each(|topic| drop(scene.tell(Event::Began(*topic))));
        scene.intend(1, &free("shop", document(1), 1));
        for topic in TOPICS.into_iter().filter(|topic| *topic != missing) {
            scene.tell(Event::Current(topic));
        }
        let effects = scene.pass(LEASE_LAPSE * 2, &[]);
        assert_eq!(roots(&effects), [], "{missing:?} is not known");
        scene.tell(Event::Current(missing));
        scene.pass(LEASE_LAPSE, &[]);
        assert_eq!(roots(&scene.done).len(), 1, "{missing:?} is known");
    }
}

#[test]
fn nothing_is_planned_while_it_is_unknown_whether_a_host_lives() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.told_record(record("h2", 10));
    assert_eq!(roots(&scene.pass(LEASE_LAPSE - millis(400), &[])), []);
    assert_eq!(roots(&scene.pass(LEASE_RENEWAL, &[])).len(), 1, "by now it is dead");
}

#[test]
fn planners_wait_by_their_rank_and_by_no_more_than_the_last() {
    let others: Vec<String> = (2..PLANNER_RANKS_MAX + 5).map(|number| format!("h{number}")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let mut waits = BTreeSet::new();
    for me in &others {
        let mut scene = Scene::new(record(me, 10));
        let rest: Vec<&str> = others.iter().copied().filter(|other| other != me).collect();
        scene.join(&rest);
        scene.pass(LEASE_RENEWAL * 6, &rest);
        scene.intend(1, &free("shop", document(1), 1));
        let mut waited = Duration::ZERO;
        while roots(&scene.done).is_empty() {
            waited += millis(200);
            scene.pass(millis(200), &rest);
        }
        waits.insert(waited.as_millis() / PLANNER_STEP.as_millis());
    }
    assert_eq!(waits.len(), PLANNER_RANKS_MAX + 1, "{waits:?}");
    let longest = PLANNER_STEP * PLANNER_RANKS_MAX as u32 + PLAN_PAUSE + millis(200);
    assert!(waits.last().is_some_and(|last| *last <= longest.as_millis() / PLANNER_STEP.as_millis()));
}

#[test]
fn who_is_no_planner_does_not_plan() {
    let mut scene = Scene::new(HostRecord { planner: false, ..record("h1", 10) });
    scene.join(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    assert_eq!(kinds(&scene.pass(LEASE_LAPSE * 2, &[])), [""; 0]);
}

/// A planner that has written its root and waits for the answer.
fn committing() -> (Scene, Op) {
    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.answers = false;
    let mut waiting = scene.pass(LEASE_RENEWAL, &["h2"]);
    while roots(&waiting).is_empty() {
        let stored = waiting.iter().filter_map(|effect| match effect {
            Effect::PutShard { op, .. } => Some(*op),
            _ => None,
        });
        let stored: Vec<Op> = stored.collect();
        assert!(!stored.is_empty(), "{waiting:?}");
        waiting = Vec::new();
        for op in stored {
            let outcome = Outcome::Done(scene.next());
            waiting.extend(scene.tell(Event::Written { op, outcome }));
        }
    }
    let (op, expected, generation) = roots(&waiting)[0];
    assert_eq!((expected, generation), (None, 1));
    scene.done.clear();
    (scene, op)
}

#[test]
fn who_comes_second_gives_up_and_plans_upon_what_stands() {
    let (mut scene, op) = committing();
    assert_eq!(kinds(&scene.tell(Event::Written { op, outcome: Outcome::Conflict })), [""; 0]);
    scene.answers = true;
    let revision = scene.next();
    let root = std::sync::Arc::new(lattice::document::Root { generation: 1, ..Default::default() });
    scene.tell(Event::Root { revision, root: Some(root) });
    let effects = scene.pass(REPAIR_PAUSE + PLANNER_STEP * 2, &["h2"]);
    assert_eq!(
        roots(&effects).iter().map(|(_, expected, generation)| (*expected, *generation)).collect::<Vec<_>>(),
        [(Some(revision), 2)]
    );
    assert_eq!(count(&effects, |effect| matches!(effect, Effect::DeleteShards(_))), 1, "what it stored in vain goes");
}

#[test]
fn an_unknown_outcome_is_decided_by_a_look_at_the_root() {
    for stands in [true, false] {
        let (mut scene, op) = committing();
        let effects = scene.tell(Event::Written { op, outcome: Outcome::Unknown });
        let [Effect::Reread(look)] = effects.as_slice() else { panic!("{effects:?}") };
        let written = scene.shards.len();
        assert_eq!(written, 0);
        let revision = scene.next();
        if stands {
            let root = last_root(&scene.state);
            scene.root = Some((revision, root));
        }
        let found = Some(scene.found());
        let effects = scene.tell(Event::Reread { op: *look, found });
        if stands {
            assert_eq!(kinds(&effects), ["pointers"]);
            assert!(matches!(reports(&effects).as_slice(), [Report::Planned { .. }]));
        } else {
            assert_eq!(kinds(&effects), [""; 0]);
            let again = scene.pass(PLAN_RETRY_PAUSE + PLANNER_STEP * 2, &["h2"]);
            assert_eq!(kinds(&again), ["shards"]);
        }
    }
}

/// The root that a planner of one host more would have written: the same inputs give the same root.
fn last_root(_: &host::control::State) -> std::sync::Arc<lattice::document::Root> {
    let mut twin = Scene::joined(&["h2"]);
    twin.intend(1, &free("shop", document(1), 1));
    twin.pass(LEASE_RENEWAL, &["h2"]);
    twin.root.unwrap().1
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.answers = false;
    let stored = |effects: &[Effect]| count(effects, |effect| matches!(effect, Effect::PutShard { .. }));
    let first = stored(&scene.pass(LEASE_RENEWAL, &[]));
    assert!(first > 0);
    assert_eq!(stored(&scene.pass(ATTEMPT_TIME_MAX - LEASE_RENEWAL * 2, &[])), 0);
    assert_eq!(stored(&scene.pass(LEASE_RENEWAL * 3, &[])), first);
}

#[test]
fn no_more_is_written_at_once_than_may_be() {
    let mut scene = Scene::joined(&[]);
    for number in 0..PLANNER_WRITES_MAX as u64 + 10 {
        scene.intend(1, &free(&format!("app{number}"), document(number), 1));
    }
    scene.answers = false;
    let effects = scene.pass(LEASE_RENEWAL, &[]);
    let stored: Vec<Op> = effects
        .iter()
        .filter_map(|effect| if let Effect::PutShard { op, .. } = effect { Some(*op) } else { None })
        .collect();
    assert_eq!(stored.len(), PLANNER_WRITES_MAX);
    let outcome = Outcome::Done(scene.next());
    let effects = scene.tell(Event::Written { op: stored[0], outcome });
    assert_eq!(count(&effects, |effect| matches!(effect, Effect::PutShard { .. })), 1);
}

#[test]
fn shards_stored_in_vain_are_deleted_as_far_as_they_are_remembered() {
    let mut scene = Scene::joined(&[]);
    for number in 0..ORPHANS_MAX as u64 {
        scene.intend(1, &free(&format!("app{number}"), document(number), 1));
    }
    scene.answers = false;
    let first = scene.pass(LEASE_RENEWAL, &[]);
    assert!(kinds(&first).contains(&"shards"));
    // Another planner's root, of the generation that this one was about to write, and of nothing.
    scene.tell(Event::Disconnected);
    scene.answers = true;
    scene.tell(Event::Connected);
    let revision = scene.next();
    let root = std::sync::Arc::new(lattice::document::Root { generation: 1, ..Default::default() });
    scene.tell(Event::Root { revision, root: Some(root) });
    let effects = scene.pass(LEASE_RENEWAL * 2, &[]);
    let deleted = effects.iter().find_map(|effect| match effect {
        Effect::DeleteShards(digests) => Some(digests.len()),
        _ => None,
    });
    assert_eq!(deleted, Some(ORPHANS_MAX));
}

#[test]
fn a_placement_that_cannot_be_read_is_reported_and_not_planned_upon() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    let lost = lattice::document::Root { generation: 7, buckets: [(3, document(9))].into() };
    let revision = scene.next();
    scene.tell(Event::Root { revision, root: Some(std::sync::Arc::new(lost)) });
    let effects = scene.pass(SYNC_WAIT_MAX * 2, &[]);
    assert_eq!(reports(&effects), [Report::Incomplete { generation: 7, missing: 1 }]);
    assert_eq!(kinds(&effects), [""; 0]);
}

#[test]
fn pointers_that_a_dead_planner_left_behind_are_written() {
    let mut winner = Scene::joined(&["h2"]);
    winner.intend(1, &free("shop", document(1), 2));
    winner.pass(LEASE_RENEWAL, &["h2"]);

    let mut scene = Scene::joined(&["h2"]);
    scene.intend(1, &free("shop", document(1), 2));
    scene.shards = winner.shards.clone();
    let (revision, root) = winner.root.clone().unwrap();
    scene.tell(Event::Root { revision, root: Some(root) });
    let effects = scene.pass(REPAIR_PAUSE + PLANNER_STEP * 2, &["h2"]);
    assert_eq!(kinds(&effects), ["pointers"]);
    let expected: Vec<_> = winner.pointers.iter().map(|(key, (_, pointer))| (key, pointer)).collect();
    let repaired: Vec<_> = scene.pointers.iter().map(|(key, (_, pointer))| (key, pointer)).collect();
    assert_eq!(repaired, expected);
}

#[test]
fn what_goes_down_and_up_again_finds_the_host_of_its_state() {
    // As many as are remembered, and more, which hosts alone know of.
    for more in [0, 40] {
        let mut scene = Scene::new(HostRecord { kinds: BTreeSet::new(), ..record("h1", 10) });
        scene.join(&["h2"]);
        let names: Vec<String> = (0..HOMES_MAX + more).map(|number| format!("app{number}")).collect();
        let demand = |number: usize| pinned(&names[number], document(number as u64));
        (0..names.len()).for_each(|number| scene.intend(1, &demand(number)));
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        assert!(names.iter().all(|name| on(&scene, name) == [super::scene::name("h2")]));
        names.iter().for_each(|name| drop(scene.tell(Event::Intent { app: app(name), head: Some(head(2, None)) })));
        scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        assert!(names.iter().all(|name| on(&scene, name).is_empty()));
        // Another host, which has less to do. That with the state has not told of it yet.
        scene.told_record(record("h3", 10));
        scene.renewed("h3", 10);
        (0..names.len()).for_each(|number| scene.intend(3, &demand(number)));
        scene.pass(LEASE_RENEWAL * 2, &["h2", "h3"]);
        let strayed = names.iter().filter(|name| on(&scene, name) == [super::scene::name("h3")]);
        assert_eq!(strayed.count(), more);
    }
}

#[test]
fn what_went_down_last_is_remembered_whatever_went_down_before() {
    let mut scene = Scene::new(HostRecord { kinds: BTreeSet::new(), ..record("h1", 10) });
    scene.join(&["h2"]);
    let names: Vec<String> = (0..HOMES_MAX).map(|number| format!("app{number}")).chain(["last".to_owned()]).collect();
    // What stays on h2, so that h3 will have less to do.
    scene.intend(1, &pinned("busy", document(9_000)));
    // One that goes down after all others.
    for (number, name) in names.iter().enumerate() {
        if name == "last" {
            scene.pass(LEASE_RENEWAL * 2, &["h2"]);
            names.iter().for_each(|name| drop(scene.tell(Event::Intent { app: app(name), head: Some(head(2, None)) })));
            scene.pass(LEASE_RENEWAL * 2, &["h2"]);
        }
        scene.intend(if name == "last" { 3 } else { 1 }, &pinned(name, document(number as u64)));
    }
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    assert_eq!(on(&scene, "last"), [name("h2")]);
    scene.tell(Event::Intent { app: app("last"), head: Some(head(4, None)) });
    scene.pass(LEASE_RENEWAL * 2, &["h2"]);
    scene.told_record(record("h3", 10));
    scene.renewed("h3", 10);
    scene.intend(5, &pinned("last", document(HOMES_MAX as u64)));
    scene.pass(LEASE_RENEWAL * 2, &["h2", "h3"]);
    assert_eq!(on(&scene, "last"), [name("h2")]);
}

#[test]
fn what_is_gone_leaves_pointers_to_nothing() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.pass(LEASE_RENEWAL, &[]);
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(2, None)) });
    scene.pass(LEASE_RENEWAL, &[]);
    assert!(scene.pointers.values().all(|(_, pointer)| pointer.digest == Shard::nothing_digest()));
    assert_eq!((scene.runs("shop"), scene.state.adopted().generation), (None, 2));
}

#[test]
fn what_cannot_be_derived_stays_in_its_last_version_and_hinders_nobody() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.pass(LEASE_RENEWAL, &[]);
    for answer in [Underivable::Refused("no such export".to_owned()), Underivable::Unavailable] {
        scene.done.clear();
        let version = scene.revision;
        let document = document(version);
        scene.tell(Event::Intent { app: app("shop"), head: Some(head(version, Some(document))) });
        scene.tell(Event::Derived { document, result: Err(answer.clone()) });
        scene.intend(1, &free(&format!("bank{version}"), super::scene::document(version + 1), 1));
        let effects = scene.pass(DERIVE_WAIT_MAX + LEASE_RENEWAL, &[]);
        assert_eq!(roots(&effects).len(), 1, "the other application is placed");
        assert_eq!(scene.runs("shop"), Some(1));
        let told = reports(&effects).iter().any(|report| matches!(report, Report::Underivable { .. }));
        assert_eq!(told, answer != Underivable::Unavailable);
    }
}

#[test]
fn a_version_that_a_planner_cannot_derive_is_told_once_and_stands_in_its_record() {
    let mut scene = Scene::joined(&[]);
    // Neither what is asked for nor what is placed can be derived here.
    for version in 1..4 {
        let document = document(version);
        scene.refused.insert(document, format!("no export {version}"));
        scene.tell(Event::Intent { app: app("shop"), head: Some(head(version, Some(document))) });
        for number in 0..3 {
            scene.intend(1, &free(&format!("bank{version}{number}"), super::scene::document(version * 10 + number), 1));
            scene.pass(LEASE_RENEWAL, &[]);
        }
        let told = scene.state.record().failing.iter().map(|failing| (failing.app.clone(), failing.reason.clone()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(app("shop"), format!("its newest version cannot be planned here: no export {version}"))]
        );
    }
    let told = reports(&scene.done).into_iter().filter(|report| matches!(report, Report::Underivable { .. }));
    assert_eq!(told.count(), 3);
    assert_eq!(
        count(
            &scene.done,
            |effect| matches!(effect, Effect::Derive(document) if *document == super::scene::document(3))
        ),
        1
    );
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(4, None)) });
    assert_eq!(scene.state.record().failing, []);
}

#[test]
fn a_document_that_arrives_late_is_planned_then() {
    let mut scene = Scene::joined(&[]);
    let shop = free("shop", document(1), 1);
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(1, Some(shop.intent))) });
    scene.intend(1, &free("bank", document(2), 1));
    assert_eq!(roots(&scene.pass(DERIVE_WAIT_MAX / 2, &[])), [], "it is waited for");
    assert_eq!(roots(&scene.pass(DERIVE_WAIT_MAX, &[])).len(), 1);
    assert_eq!((scene.runs("bank").is_some(), scene.runs("shop").is_some()), (true, false));
    scene.documents.insert(shop.intent, shop);
    assert_eq!(roots(&scene.pass(LEASE_RENEWAL * 2, &[])).len(), 1);
    assert!(scene.runs("shop").is_some());
}

#[test]
fn a_rollback_is_a_new_version_of_an_old_document() {
    let mut scene = Scene::joined(&[]);
    scene.intend(1, &free("shop", document(1), 1));
    scene.pass(LEASE_RENEWAL, &[]);
    scene.intend(2, &free("shop", document(2), 1));
    scene.pass(LEASE_RENEWAL, &[]);
    scene.tell(Event::Intent { app: app("shop"), head: Some(head(3, Some(document(1)))) });
    scene.pass(LEASE_RENEWAL, &[]);
    let placement = &scene.state.adopted().apps[&app("shop")];
    assert_eq!((placement.version, placement.intent), (3, document(1)));
}

#[test]
fn a_planner_whose_intents_are_behind_takes_nothing_back() {
    let mut ahead = Scene::joined(&["h2"]);
    ahead.intend(2, &free("shop", document(2), 1));
    ahead.intend(1, &free("bank", document(3), 1));
    ahead.pass(LEASE_RENEWAL, &["h2"]);
    let (revision, root) = ahead.root.clone().unwrap();

    let mut scene = Scene::joined(&["h2"]);
    scene.shards = ahead.shards.clone();
    scene.documents = ahead.documents.clone();
    scene.intend(1, &free("shop", document(1), 1));
    scene.tell(Event::Root { revision, root: Some(root) });
    let effects = scene.pass(LEASE_LAPSE, &["h2"]);
    assert_eq!(roots(&effects), [], "the older shop is not placed again, nor is the bank given up");
    scene.tell(Event::Intent { app: app("bank"), head: None });
    let effects = scene.pass(LEASE_LAPSE, &["h2"]);
    assert_eq!(roots(&effects).len(), 1, "now it is known that the bank is deleted");
}

#[test]
fn the_work_of_a_dead_host_moves() {
    let mut scene = Scene::joined(&["h2", "h3"]);
    scene.intend(1, &free("shop", document(1), 2));
    scene.pass(LEASE_RENEWAL * 3, &["h2", "h3"]);
    let before = scene.root.clone();
    let all = ["h1", "h2", "h3"];
    let mut on = BTreeSet::new();
    for (key, (_, pointer)) in &scene.pointers {
        if let PointerKey::Host(host) = key
            && pointer.digest != Shard::nothing_digest()
        {
            on.insert(host.clone());
        }
    }
    assert_eq!(on.len(), 2);
    let victim = all.into_iter().find(|host| on.contains(&name(host)) && *host != "h1").unwrap();
    let alive: Vec<&str> = all.into_iter().filter(|host| *host != victim && *host != "h1").collect();
    scene.pass(LEASE_LAPSE + LEASE_RENEWAL * 2, &alive);
    assert_ne!(scene.root, before);
    assert_eq!(scene.pointers[&PointerKey::Host(name(victim))].1.digest, Shard::nothing_digest());
    assert!(scene.runs("shop").is_some());
}

#[test]
fn an_interrupted_planner_begins_again_from_what_stands() {
    let (mut scene, op) = committing();
    scene.tell(Event::Disconnected);
    scene.answers = true;
    assert_eq!(kinds(&scene.pass(LEASE_LAPSE, &[])), [""; 0]);
    let root = last_root(&scene.state);
    let revision = scene.next();
    scene.tell(Event::Connected);
    for topic in TOPICS {
        scene.tell(Event::Began(topic));
        match topic {
            Topic::Hosts => {
                scene.told_record(record("h1", 10));
                scene.told_record(record("h2", 10));
            }
            Topic::Leases => ["h1", "h2"].iter().for_each(|host| scene.renewed(host, 10)),
            Topic::Intents => scene.intend(1, &free("shop", document(1), 1)),
            Topic::Root => drop(scene.tell(Event::Root { revision, root: Some(root.clone()) })),
            Topic::Pointers => {}
        }
        scene.tell(Event::Current(topic));
    }
    let twin = {
        let mut twin = Scene::joined(&["h2"]);
        twin.intend(1, &free("shop", document(1), 1));
        twin.pass(LEASE_RENEWAL, &["h2"]);
        twin
    };
    scene.shards = twin.shards;
    assert_eq!(scene.tell(Event::Written { op, outcome: Outcome::Conflict }), []);
    let effects = scene.pass(LEASE_LAPSE, &["h2"]);
    assert_eq!(kinds(&effects), ["pointers"], "its root stood all the time");
}
