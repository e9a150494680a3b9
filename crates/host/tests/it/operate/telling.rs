//! What is told of a lattice.

use std::sync::Arc;

use host::operate::status::{AppStatus, Load, OnHost, PartStatus, Phase, Status};
use lattice::bus::{Bus as _, Message};
use lattice::call::Incarnation;
use lattice::document::{Beat, Document as _, Failing, IntentHead, Part, Phase as BeatPhase, Storage};
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::digest::Digest;
use model::ids::HostName;

use super::lattice_world::{World, app, counter};

async fn status(world: &World) -> (Status, AppStatus) {
    let status = world.operator.status(Some(&app())).await.unwrap();
    let application = status.applications[0].clone();
    (status, application)
}

fn on<'a>(parts: &'a [PartStatus], host: &str) -> &'a OnHost {
    &parts[0].hosts[&host.parse::<HostName>().unwrap()]
}

#[tokio::test]
async fn an_application_goes_through_its_phases() {
    let mut world = World::new();
    assert_eq!(world.operator.status(None).await.unwrap().applications, []);
    let application = counter("place = { replicas = 2 }\n", "keyvalue/nats");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    let (_, told) = status(&world).await;
    assert_eq!((told.phase, told.version, told.by.as_str()), (Phase::Planning, 1, "operator.alice"));
    assert_eq!(told.unplaced.len(), 1, "{told:#?}");

    world.join("h1", &[]).await;
    world.join("h2", &[]).await;
    world.plan().await;
    let (_, told) = status(&world).await;
    assert_eq!((told.phase, on(&told.actors, "h1")), (Phase::Starting, &OnHost::Starting));
    assert_eq!(told.unplaced, []);

    world.bring_up().await;
    let (lattice, told) = status(&world).await;
    assert_eq!((told.phase, lattice.generation), (Phase::Ready, 1));
    assert_eq!(on(&told.actors, "h2"), &OnHost::Ready);
    assert_eq!(lattice.hosts.iter().map(|host| host.parts).collect::<Vec<_>>(), [2, 2]);

    world.operator.up(&counter("place = { replicas = 1 }", "keyvalue/nats"), &mut |_| {}).await.unwrap();
    assert_eq!(status(&world).await.1.phase, Phase::Planning);
    world.plan().await;
    let (_, told) = status(&world).await;
    assert_eq!((told.phase, told.actors[0].hosts.values().next()), (Phase::Starting, Some(&OnHost::Older(1))));

    world.bring_up().await;
    world.operator.down(&app()).await.unwrap();
    assert_eq!(status(&world).await.1.phase, Phase::Stopping);
    world.plan().await;
    world.bring_up().await;
    assert_eq!(status(&world).await.1.phase, Phase::Down);
}

#[tokio::test]
async fn what_does_not_come_up_and_what_is_lost_is_told() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    world.operator.up(&counter("place = { replicas = 2 }", "keyvalue/nats"), &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    world
        .tell("h1", |record| {
            let part = Part::Actor("counter".parse().unwrap());
            record.failing.push(Failing::new(app(), Some(part), "the component is no component"));
        })
        .await;
    let (_, told) = status(&world).await;
    assert_eq!(told.phase, Phase::Failing);
    assert_eq!(on(&told.actors, "h1"), &OnHost::Failing("the component is no component".to_owned()));
    assert_eq!(on(&told.providers, "h1"), &OnHost::Ready);

    world.tell("h1", |record| record.failing.clear()).await;
    world.die("h2").await;
    let (lattice, told) = status(&world).await;
    assert_eq!((told.phase, on(&told.actors, "h2")), (Phase::Short, &OnHost::Lost));
    assert_eq!(lattice.hosts.iter().map(|host| host.alive).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn where_local_state_is_and_why_it_keeps_its_actor_down_is_told() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let (_, told) = status(&world).await;
    let state = told.providers[0].state.clone().unwrap();
    assert!(state.is_local && state.kind == "keyvalue/embedded" && state.hosts.len() == 1, "{state:?}");
    let host = state.hosts.first().unwrap().to_string();
    world.die(&host).await;
    world.plan().await;
    let (_, told) = status(&world).await;
    assert_eq!(told.phase, Phase::Short);
    let why = told.unplaced[0].to_string();
    assert!(why.contains(&host) && why.contains("kv"), "{why}");
}

#[tokio::test]
async fn unsafe_storage_is_told() {
    let mut world = World::new();
    world.join("h1", &[("zone", "a")]).await;
    let storage = Storage::Unsafe { reason: "sync_interval is 2m".to_owned() };
    world.tell("h1", |record| record.storage = storage.clone()).await;
    let host = &world.operator.status(None).await.unwrap().hosts[0];
    assert_eq!((&host.storage, host.labels.len()), (&storage, 1));
}

#[tokio::test]
async fn what_cannot_be_planned_is_told() {
    let world = World::new();
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let head = world.buckets.intent.get("counter").await.unwrap().unwrap().value.unwrap();
    // Another application's document, and one that is not there.
    world.buckets.intent.put("other", head.clone()).await.unwrap();
    let head = IntentHead { document: Some(Digest::of(b"gone")), ..IntentHead::decode(&head).unwrap() };
    world.buckets.intent.put("gone", head.encode()).await.unwrap();
    let told = world.operator.status(None).await.unwrap().applications;
    let refused: Vec<(&str, Phase, Option<&str>)> =
        told.iter().map(|app| (app.name.as_str(), app.phase, app.refused.as_deref())).collect();
    assert_eq!(
        refused,
        [
            ("counter", Phase::Planning, None),
            ("gone", Phase::Refused, Some("its document is not in the lattice any more; deploy it again")),
            ("other", Phase::Refused, Some("it is the intent of counter")),
        ]
    );
}

#[tokio::test]
async fn an_unknown_name_is_told_with_those_that_there_are() {
    let world = World::new();
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let error = world.operator.status(Some(&"shop".parse().unwrap())).await.unwrap_err().to_string();
    assert_eq!(error, "the lattice has no application shop; it has counter");
}

#[tokio::test]
async fn how_busy_hosts_are_is_heard() {
    let mut world = World::new();
    for host in ["h1", "h2", "h3"] {
        world.join(host, &[]).await;
    }
    world.die("h3").await;
    let (bus, subjects) = (Arc::new(MemoryBus::new()), Subjects::new(&"dev".parse().unwrap()));
    let beating = (bus.clone(), subjects.clone());
    let beats = tokio::spawn(async move {
        let (bus, subjects) = beating;
        loop {
            // Each in its own name, and the second host in that of the first too.
            for (from, host, running) in [("h2", "h1", 99), ("h1", "h1", 3)] {
                let beat = Beat {
                    host: host.parse().unwrap(),
                    incarnation: Incarnation(1),
                    sequence: 1,
                    running,
                    capacity: 100,
                    phase: BeatPhase::Open,
                    generation: 1,
                    not_ready: Default::default(),
                };
                let _ = bus.publish(Message::new(subjects.beat(&from.parse().unwrap()), beat.encode()));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let mut status = world.operator.status(None).await.unwrap();
    status.hear(&*bus, &subjects).await.unwrap();
    let loads: Vec<Option<Load>> = status.hosts.iter().map(|host| host.load).collect();
    assert_eq!(loads, [Some(Load { running: 3, capacity: 100 }), None, None]);
    beats.abort();
}
