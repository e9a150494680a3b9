//! What is told of a lattice.

use std::sync::Arc;

use host::application::Application;
use host::limits::OPERATE_PROCESSES_MAX;
use host::operate::status::{AppStatus, Load, OnHost, PartStatus, Phase, Status};
use lattice::bus::{Bus as _, Message};
use lattice::call::Incarnation;
use lattice::document::{
    Beat, Document as _, Failing, IntentHead, Part, Phase as BeatPhase, ROOT_KEY, Root, Shard, Storage, shard_key,
};
use lattice::memory::MemoryBus;
use lattice::process::{Announcement, JSON};
use lattice::store::Buckets;
use lattice::subject::Subjects;
use model::digest::Digest;
use model::ids::HostName;
use tokio::task::AbortHandle;

use super::lattice_world::{World, app, counter, opened};

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

/// The lattice with one entry replaced, told in short.
async fn told_with(world: &World, bucket: &dyn lattice::store::Bucket, key: &str, value: &'static str) -> String {
    let before = bucket.get(key).await.unwrap().and_then(|entry| entry.value);
    bucket.put(key, bytes::Bytes::from_static(value.as_bytes())).await.unwrap();
    let status = world.operator.status(None).await.unwrap();
    match before {
        Some(before) => drop(bucket.put(key, before).await.unwrap()),
        None => bucket.delete(key).await.unwrap(),
    }
    let hosts: Vec<&str> = status.hosts.iter().map(|host| host.name.as_str()).collect();
    let applications: Vec<String> =
        status.applications.iter().map(|app| format!("{} {}", app.name, app.phase.as_str())).collect();
    let unreadable: Vec<String> =
        status.unreadable.iter().map(|unreadable| format!("  {unreadable}\n    {}\n", unreadable.mend())).collect();
    format!("{key}: {}; {}\n{}", hosts.join(", "), applications.join(", "), unreadable.concat())
}

#[tokio::test]
async fn what_cannot_be_read_is_told_beside_the_rest() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    world.operator.up(&counter("place = { replicas = 2 }", "keyvalue/nats"), &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let newer = "{\"format\": 99}";
    let blueprint = world.buckets.blueprint.clone();
    let root = Root::decode(&blueprint.get(ROOT_KEY).await.unwrap().unwrap().value.unwrap()).unwrap();
    let index = shard_key(*root.buckets.values().next().unwrap());
    let Shard::Index { entries, .. } =
        Shard::decode(&blueprint.get(&index).await.unwrap().unwrap().value.unwrap()).unwrap()
    else {
        panic!("{index} is no index")
    };
    let shard = shard_key(*entries.values().next().unwrap());
    let Buckets { intent, hosts, .. } = &world.buckets;
    let mut all = String::new();
    for (bucket, key, value) in [
        (intent, "counter", newer),
        (intent, "counter", "{}"),
        (intent, "shop", "{}"),
        (hosts, "h1", newer),
        (hosts, "h1", "no JSON"),
        (intent, "_host.h2", newer),
        (intent, "_host.h2", "{}"),
        (&blueprint, ROOT_KEY, newer),
        (&blueprint, ROOT_KEY, "{}"),
        (&blueprint, &index, newer),
        (&blueprint, &shard, "{}"),
    ] {
        // What the key says of the bytes is their digest.
        let told = told_with(&world, &**bucket, key, value).await;
        all += &told.replace(&index, "index").replace(&shard, "shard");
    }
    insta::assert_snapshot!(all);
    // Of one application what cannot be read of another is left out; of itself it is an error.
    intent.put("shop", bytes::Bytes::from_static(b"{}")).await.unwrap();
    let (_, told) = status(&world).await;
    assert_eq!(told.phase, Phase::Ready);
    let error = world.operator.status(Some(&"shop".parse().unwrap())).await.unwrap_err().to_string();
    assert!(error.starts_with("application shop cannot be understood"), "{error}");
    assert_eq!(world.operator.status(None).await.unwrap().unreadable.len(), 1);
}

/// The first example over a provider that is a process of its own.
fn external() -> Application {
    opened(
        "manifest = 1\n[application]\nname = \"counter\"\n[actors.counter]\n\
         component = \"{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         links.\"lath:keyvalue/counter\" = { to = \"kv\", reach = \"lattice\" }\n\
         [providers]\nkv = { use = \"external\", contract = \"lath:keyvalue/counter\" }\n",
    )
}

/// Announcements of processes, again and again: their instances, and the contract that they serve.
fn announcing(bus: Arc<MemoryBus>, subjects: Subjects, processes: Vec<(String, &'static str, bool)>) -> AbortHandle {
    let announcing = tokio::spawn(async move {
        loop {
            for (instance, contract, leaving) in &processes {
                let (provider, instance) = ("kv".parse().unwrap(), instance.parse().unwrap());
                let subject = subjects.provider_beat(&app(), &provider, &instance);
                let announcement = Announcement {
                    contracts: vec![contract.parse().unwrap()],
                    wire: JSON.parse().unwrap(),
                    calls: Default::default(),
                    leaving: *leaving,
                };
                let _ = bus.publish(announcement.to_message(subject));
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    announcing.abort_handle()
}

const COUNTER: &str = "lath:keyvalue/counter@0.1.0";

#[tokio::test(start_paused = true)]
async fn processes_of_providers_are_heard() {
    let world = World::new();
    world.operator.up(&external(), &mut |_| {}).await.unwrap();
    let (bus, subjects) = (Arc::new(MemoryBus::new()), Subjects::new(&"dev".parse().unwrap()));
    let mut status = world.operator.status(None).await.unwrap();
    assert_eq!(status.applications[0].providers[0].external.as_ref().unwrap().processes, None);
    status.hear(&*bus, &subjects).await.unwrap();
    let told = |status: &Status| {
        let external = status.applications[0].providers[0].external.clone().unwrap();
        let processes = external.processes.unwrap().into_iter();
        processes.map(|(instance, process)| (instance.to_string(), process.serves)).collect::<Vec<_>>()
    };
    assert_eq!(told(&status), []);
    let processes = vec![
        ("one".to_owned(), COUNTER, false),
        ("two".to_owned(), "acme:fx/rates", false),
        ("three".to_owned(), COUNTER, true),
    ];
    let announcing = announcing(bus.clone(), subjects.clone(), processes);
    // What is no announcement is passed over.
    let _ = bus.publish(Message::new("lath.dev.extbeat.counter.kv.four".parse().unwrap(), "no announcement"));
    status.hear(&*bus, &subjects).await.unwrap();
    assert_eq!(told(&status), [("one".to_owned(), true), ("two".to_owned(), false)]);
    announcing.abort();
}

#[tokio::test(start_paused = true)]
async fn so_many_processes_are_told_of_at_most() {
    let world = World::new();
    world.operator.up(&external(), &mut |_| {}).await.unwrap();
    let (bus, subjects) = (Arc::new(MemoryBus::new()), Subjects::new(&"dev".parse().unwrap()));
    let many = (0..OPERATE_PROCESSES_MAX + 5).map(|number| (format!("p{number}"), COUNTER, false)).collect();
    let announcing = announcing(bus.clone(), subjects.clone(), many);
    let mut status = world.operator.status(None).await.unwrap();
    status.hear(&*bus, &subjects).await.unwrap();
    let external = status.applications[0].providers[0].external.clone().unwrap();
    assert_eq!(external.processes.unwrap().len(), OPERATE_PROCESSES_MAX);
    announcing.abort();
}
