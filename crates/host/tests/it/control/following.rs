//! From a pointer to what a host runs.

use std::collections::BTreeMap;

use host::control::{Effect, Event, Report, Topic, Underivable};
use host::limits::{FETCH_PAUSE, FETCH_WAIT_MAX, FETCHES_MAX};
use lattice::document::{HostRecord, Pointer, PointerKey, Shard};
use lattice::limits::{FAILING_MAX, REASON_BYTES_MAX};
use model::digest::Digest;

use super::scene::{Scene, app, count, document, free, millis, pinned, placed, record, reports};

fn follower() -> HostRecord {
    HostRecord { planner: false, ..record("h1", 10) }
}

fn scene() -> Scene {
    let mut scene = Scene::new(follower());
    scene.join(&[]);
    scene
}

fn adoptions(effects: &[Effect]) -> usize {
    count(effects, |effect| matches!(effect, Effect::Adopt(_)))
}

#[test]
fn each_application_is_taken_on_by_itself() {
    let mut scene = scene();
    let (shop, bank) = (free("shop", document(1), 1), free("bank", document(2), 1));
    scene.documents.insert(shop.intent, shop.clone());
    let given = [("shop", &placed(&shop, 1, 1, &["h1"])), ("bank", &placed(&bank, 1, 1, &["h1", "h2"]))];
    let effects = scene.given(1, &given);
    assert_eq!((adoptions(&effects), scene.runs("shop"), scene.runs("bank")), (1, Some(1), None));
    assert_eq!(scene.state.adopted().generation, 0, "it has not caught up yet");
    scene.tell(Event::Derived { document: bank.intent, result: Ok(bank.clone()) });
    assert_eq!((scene.runs("bank"), scene.state.adopted().generation), (Some(1), 1));
    scene.given(2, &given[..1]);
    assert_eq!((scene.runs("shop"), scene.runs("bank"), scene.state.adopted().generation), (Some(1), None, 2));
}

#[test]
fn a_stale_generation_is_refused() {
    let mut scene = scene();
    let shop = free("shop", document(1), 1);
    scene.documents.insert(shop.intent, shop.clone());
    scene.given(5, &[("shop", &placed(&shop, 5, 1, &["h1"]))]);
    scene.done.clear();
    assert_eq!(adoptions(&scene.given(4, &[])), 0);
    assert_eq!(reports(&scene.done), [Report::Stale { generation: 4, adopted: 5 }]);
    // Nor is an older part of an application taken out of a newer share.
    scene.given(6, &[("shop", &placed(&shop, 3, 1, &["h1"]))]);
    assert_eq!(scene.runs("shop"), Some(5));
    assert!(matches!(reports(&scene.done).last(), Some(Report::ShareRefused { .. })));
}

#[test]
fn what_the_check_refuses_leaves_the_last_good_one_and_is_reported_once() {
    let mut scene = scene();
    let shop = free("shop", document(1), 1);
    let mut wrong = free("shop", document(2), 1).as_ref().clone();
    wrong.groups[0].on = [("tier".parse().unwrap(), "web".parse().unwrap())].into();
    wrong.groups[0].actors = ["other".parse().unwrap()].into();
    let other = free("bank", document(3), 1);
    scene.documents.insert(shop.intent, shop.clone());
    scene.documents.insert(document(2), std::sync::Arc::new(wrong));
    scene.documents.insert(document(4), other);
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    // Placed by a forged blueprint: another actor than intent has, and the intent of another application.
    let forged = free("shop", document(2), 1);
    let foreign = free("shop", document(4), 1);
    for (generation, demand) in [(2, &forged), (3, &foreign)] {
        scene.done.clear();
        scene.given(generation, &[("shop", &placed(demand, generation, 2, &["h1"]))]);
        scene.pass(millis(2_000), &[]);
        assert_eq!((scene.runs("shop"), scene.state.adopted().generation), (Some(1), generation));
        let reports = reports(&scene.done);
        assert!(matches!(reports.as_slice(), [Report::ShareRefused { .. }]), "{reports:?}");
    }
}

#[test]
fn an_intent_that_cannot_be_derived_leaves_the_version_before() {
    let mut scene = scene();
    let shop = free("shop", document(1), 1);
    scene.documents.insert(shop.intent, shop.clone());
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    scene.answers = false;
    let next = free("shop", document(2), 1);
    scene.given(2, &[("shop", &placed(&next, 2, 2, &["h1"]))]);
    for (digest, shard) in scene.shards.clone() {
        scene.tell(Event::Shard { digest, shard: Some(shard) });
    }
    let refused = Err(Underivable::Refused("no such export".to_owned()));
    scene.tell(Event::Derived { document: document(2), result: refused });
    assert_eq!(scene.runs("shop"), Some(1));
    assert!(matches!(reports(&scene.done).as_slice(), [Report::Underivable { .. }]), "{:?}", reports(&scene.done));
}

/// What the host's record tells to be failing, as application and reason.
fn failing(scene: &Scene) -> Vec<(String, String)> {
    scene.state.record().failing.iter().map(|failing| (failing.app.to_string(), failing.reason.clone())).collect()
}

#[test]
fn the_record_says_why_something_is_not_taken_on() {
    let mut scene = scene();
    let (shop, foreign) = (free("shop", document(1), 1), free("bank", document(2), 1));
    scene.documents.extend([(shop.intent, shop.clone()), (document(2), foreign.clone())]);
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    assert_eq!(failing(&scene), []);
    scene.given(2, &[("shop", &placed(&foreign, 2, 2, &["h1"]))]);
    let reason = "this host refuses it: the shard of shop holds another application";
    assert_eq!(failing(&scene), [("shop".to_owned(), reason.to_owned())]);
    // What the executor tells comes first, and takes nothing of it away.
    let load = lattice::document::Failing::new(app("bank"), None, "no such component");
    scene.tell(Event::Failing(vec![load]));
    let told = failing(&scene);
    assert_eq!(told.iter().map(|(app, _)| app.as_str()).collect::<Vec<_>>(), ["bank", "shop"]);
    scene.tell(Event::Failing(Vec::new()));
    scene.answers = false;
    scene.given(3, &[("shop", &placed(&free("shop", document(3), 1), 3, 3, &["h1"]))]);
    for (digest, shard) in scene.shards.clone() {
        scene.tell(Event::Shard { digest, shard: Some(shard) });
    }
    scene
        .tell(Event::Derived { document: document(3), result: Err(Underivable::Refused("no such export".to_owned())) });
    assert_eq!(failing(&scene), [("shop".to_owned(), "it cannot be planned here: no such export".to_owned())]);
    scene.answers = true;
    scene.given(4, &[("shop", &placed(&shop, 4, 4, &["h1"]))]);
    assert_eq!((failing(&scene), scene.runs("shop")), (Vec::new(), Some(4)));
}

#[test]
fn what_is_refused_is_told_up_to_a_bound_and_written_once() {
    let mut scene = scene();
    let foreign = free("other", document(1), 1);
    scene.documents.insert(document(1), foreign.clone());
    let names: Vec<String> = (0..FAILING_MAX + 8).map(|number| format!("app{number}")).collect();
    let part = placed(&foreign, 1, 1, &["h1"]);
    let parts: Vec<_> = names.iter().map(|name| (name.as_str(), &part)).collect();
    scene.given(1, &parts);
    scene.pass(millis(1_000), &[]);
    assert_eq!(scene.state.record().failing.len(), FAILING_MAX);
    // What is longer than may be told stands as told: it is not written again and again.
    let reason = "x".repeat(2 * REASON_BYTES_MAX);
    let storage = lattice::document::Storage::Unsafe { reason };
    scene.tell(Event::Facts(Box::new(HostRecord { storage, ..follower() })));
    let mut written = 0;
    for _ in 0..20 {
        for effect in scene.tick() {
            if let Effect::PutRecord { record, .. } = effect {
                written += 1;
                // The watch tells what can be read of it.
                let read = lattice::document::Document::decode(&lattice::document::Document::encode(&*record)).unwrap();
                let (host, revision) = (record.name.clone(), scene.next());
                scene.tell(Event::Record { host, revision, record: Some(std::sync::Arc::new(read)) });
            }
        }
    }
    assert_eq!(written, 1);
}

#[test]
fn what_was_refused_is_not_derived_again_because_something_else_changes() {
    let mut scene = scene();
    let (shop, bank) = (free("shop", document(1), 1), free("bank", document(2), 1));
    scene.documents.insert(bank.intent, bank.clone());
    scene.refused.insert(document(1), "no such export".to_owned());
    let asked = |effects: &[Effect]| count(effects, |effect| *effect == Effect::Derive(document(1)));
    let mut all = Vec::new();
    for generation in 1..6 {
        let shop = placed(&shop, 1, 1, &["h1"]);
        let bank = placed(&bank, generation, generation, &["h1"]);
        all.extend(scene.given(generation, &[("shop", &shop), ("bank", &bank)]));
        all.extend(scene.pass(FETCH_PAUSE * 3, &[]));
        assert_eq!(scene.runs("bank"), Some(generation));
    }
    assert_eq!((asked(&all), reports(&all).len()), (1, 1), "{:?}", reports(&all));
}

#[test]
fn what_is_not_there_is_asked_for_again() {
    let mut scene = scene();
    scene.answers = false;
    let missing = Pointer { generation: 1, digest: Digest::of(b"missing") };
    let asked = |effects: &[Effect]| count(effects, |effect| matches!(effect, Effect::FetchShard(_)));
    assert_eq!(asked(&scene.pointed(missing)), 1);
    assert_eq!(asked(&scene.pass(FETCH_WAIT_MAX - millis(1), &[])), 0, "an answer is waited for");
    assert_eq!(asked(&scene.pass(millis(400), &[])), 1);
    scene.tell(Event::Shard { digest: missing.digest, shard: None });
    assert_eq!(asked(&scene.pass(FETCH_PAUSE - millis(200), &[])), 0);
    assert_eq!(asked(&scene.pass(millis(400), &[])), 1);
}

#[test]
fn no_more_is_asked_for_at_once_than_may_be() {
    let mut scene = scene();
    scene.answers = false;
    let apps = (0..FETCHES_MAX + 10).map(|number| (app(&format!("app{number}")), document(number as u64))).collect();
    let shard = Shard::Host { generation: 1, apps };
    let digest = shard.digest();
    scene.pointed(Pointer { generation: 1, digest });
    let effects = scene.tell(Event::Shard { digest, shard: Some(std::sync::Arc::new(shard)) });
    assert_eq!(count(&effects, |effect| matches!(effect, Effect::FetchShard(_))), FETCHES_MAX);
    let demand = free("app0", document(99), 1);
    let shard = Shard::App(placed(&demand, 1, 1, &["h1"]));
    scene.tell(Event::Shard { digest: document(0), shard: Some(std::sync::Arc::new(shard)) });
    let effects = scene.tick();
    let next = count(&effects, |effect| matches!(effect, Effect::FetchShard(_) | Effect::Derive(_)));
    assert_eq!(next, 1);
}

#[test]
fn local_state_is_told_of_before_it_is_opened() {
    let mut scene = scene();
    let shop = pinned("shop", document(1));
    scene.documents.insert(shop.intent, shop.clone());
    scene.answers = false;
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    for (digest, shard) in scene.shards.clone() {
        scene.tell(Event::Shard { digest, shard: Some(shard) });
    }
    scene.answers = true;
    let state = (app("shop"), "kv".parse().unwrap());
    let effects = scene.tell(Event::Derived { document: shop.intent, result: Ok(shop.clone()) });
    let order: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::PutRecord { record, .. } => Some(record.states.contains(&state)),
            Effect::Adopt(share) => Some(share.apps.is_empty()),
            _ => None,
        })
        .collect();
    assert_eq!(order, [true, false]);
    // What the data folder shows later takes nothing back.
    scene.tell(Event::Facts(Box::new(follower())));
    assert!(scene.state.record().states.contains(&state));
}

#[test]
fn local_state_that_comes_to_nothing_is_no_longer_told_of() {
    let mut scene = scene();
    let shop = pinned("shop", document(1));
    scene.documents.insert(shop.intent, shop.clone());
    let state = (app("shop"), "kv".parse().unwrap());
    scene.tell(Event::Began(Topic::Hosts));
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    assert!(scene.state.record().states.contains(&state));
    assert_eq!(scene.runs("shop"), None, "its record cannot be written now");
    scene.given(2, &[]);
    assert!(!scene.state.record().states.contains(&state));
}

#[test]
fn the_share_outlives_the_lattice_and_is_caught_up_with() {
    let mut scene = scene();
    let shop = free("shop", document(1), 1);
    scene.documents.insert(shop.intent, shop.clone());
    scene.given(1, &[("shop", &placed(&shop, 1, 1, &["h1"]))]);
    scene.tell(Event::Disconnected);
    scene.pass(millis(60_000), &[]);
    assert_eq!(scene.runs("shop"), Some(1));
    scene.tell(Event::Connected);
    scene.tell(Event::Began(Topic::Pointers));
    // The bucket may have been made anew: its numbers say nothing about those before.
    let pointer = Pointer { generation: 2, digest: Shard::nothing_digest() };
    let key = PointerKey::Host("h1".parse().unwrap());
    scene.tell(Event::Pointer { key, revision: lattice::store::Revision(1), pointer: Some(pointer) });
    assert_eq!((scene.runs("shop"), scene.state.adopted().generation), (None, 2));
}

#[test]
fn an_ingress_follows_every_application() {
    let mut scene = Scene::new(follower());
    scene.state = host::control::State::new(follower(), true);
    scene.join(&[]);
    let shop = free("shop", document(1), 1);
    scene.documents.insert(shop.intent, shop.clone());
    let point = |scene: &mut Scene, digest, generation| {
        let revision = scene.next();
        let key = PointerKey::App(app("shop"));
        scene.tell(Event::Pointer { key, revision, pointer: Some(Pointer { generation, digest }) })
    };
    let shard = Shard::App(placed(&shop, 1, 1, &["h2"]));
    scene.shards.insert(shard.digest(), std::sync::Arc::new(shard.clone()));
    point(&mut scene, shard.digest(), 1);
    let routed: BTreeMap<_, _> = scene.state.adopted().routed.clone();
    assert_eq!(routed.keys().collect::<Vec<_>>(), [&app("shop")]);
    assert!(scene.state.adopted().apps.is_empty());
    point(&mut scene, Shard::nothing_digest(), 2);
    assert!(scene.state.adopted().routed.is_empty());
}
