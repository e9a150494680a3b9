//! Each limit, and what happens beyond it.

use std::sync::Arc;

use engine::limits;
use engine::{Engine, EngineSettings};
use model::failure::Progress::{NotStarted, Unknown};
use model::failure::{Failure, Progress, RpcError};
use model::limits::DEPTH_DEFAULT;

use crate::guest;
use crate::scene::{
    Mirror, Nowhere, Road, Silence, Together, actor, ask, call, engine, number, settings, small, until,
};

const PAGE: u64 = 65_536;
const MIB: u64 = 1 << 20;

fn check_refused(failure: &Failure, progress: Progress, part: &str) {
    assert_eq!(failure.progress, progress, "{failure}");
    assert!(matches!(&failure.error, RpcError::HostError(text) if text.contains(part)), "{failure}");
}

#[tokio::test]
async fn memory_is_bounded_over_all_memories() {
    let engine = engine();
    let actor = |bytes| {
        let settings = engine::ActorSettings { memory_bytes: bytes, ..settings("hoarder") };
        actor(&engine, settings, Nowhere)
    };
    for bytes in [3 * MIB, 9 * MIB] {
        for method in ["grow", "Both", "Astray"] {
            let pages = number(ask(&actor(bytes), method, b"").await);
            let used = pages * PAGE;
            assert!(used <= bytes && used > bytes - 2 * MIB, "{method}: {used} of {bytes}");
        }
    }
    // One page of memory and room for less than a table of 16,384 elements.
    let failure = ask(&actor(3 * PAGE), "Table", b"").await.unwrap_err();
    check_refused(&failure, Unknown, "memory limit of 196608 bytes");
    let failure = ask(&actor(PAGE / 2), "echo", b"").await.unwrap_err();
    check_refused(&failure, NotStarted, "memory limit of 32768 bytes");
    // The same once a message was sent: who knows what it did.
    let early = engine.load(&guest::component(include_str!("early.wat"))).unwrap().component;
    let settings = engine::ActorSettings { memory_bytes: MIB, ..settings("early") };
    let early = engine.actor(&early, settings, Arc::new(Mirror)).unwrap();
    check_refused(&ask(&early, "", b"").await.unwrap_err(), Unknown, "memory limit of 1048576 bytes");
    // The guest's own allocator gives up: the limit is what the caller hears of.
    let failure = ask(&actor(MIB), "echo", &vec![0; 2 * MIB as usize]).await.unwrap_err();
    check_refused(&failure, Unknown, "memory limit");
}

#[tokio::test]
async fn messages_are_bounded_in_every_direction() {
    let settings = engine::ActorSettings { message_bytes_max: 1_000, ..settings("small") };
    let road = Road::default();
    let front = actor(&engine(), settings, road.clone());
    road.0.set(front.clone()).unwrap();
    assert_eq!(ask(&front, "e", &[0; 999]).await.unwrap().len(), 999);
    check_refused(&ask(&front, "e", &[0; 1_000]).await.unwrap_err(), NotStarted, "message of 1001 bytes");
    // A reply just beyond, and one beyond what the host would even lift.
    for bytes in [1_001_u32, 200_000] {
        let failure = ask(&front, "big", &bytes.to_le_bytes()).await.unwrap_err();
        assert!(matches!(failure.error, RpcError::HostError(_)), "{bytes}: {failure}");
        assert_eq!(failure.progress, Unknown);
    }
}

#[tokio::test]
async fn an_outgoing_message_is_bounded() {
    let small = engine::ActorSettings { message_bytes_max: 1_000, ..settings("small") };
    let engine = engine();
    let road = Road::default();
    road.0.set(actor(&engine, small, Nowhere)).unwrap();
    let front = actor(&engine, settings("front"), road);
    check_refused(&ask(&front, "fe", &[0; 2_000]).await.unwrap_err(), Unknown, "'small'");
}

#[tokio::test]
async fn instances_and_queue_are_bounded() {
    let silence = Silence::default();
    let settings = engine::ActorSettings { instances: 2, queue: 3, ..settings("busy") };
    let actor = actor(&engine(), settings, silence.clone());
    let mut calls = Vec::new();
    for _ in 0..5 {
        let actor = actor.clone();
        calls.push(tokio::spawn(async move { ask(&actor, "forward", b"").await }));
    }
    until(|| silence.waiting() == 2 && actor.stats().waiting == 3).await;
    assert_eq!(actor.stats().running, 2);
    check_refused(&ask(&actor, "echo", b"").await.unwrap_err(), NotStarted, "the queue is full");
    assert_eq!(actor.stats().refused, 1);
    // Who leaves makes room, in order of arrival.
    calls.remove(0).abort();
    until(|| actor.stats().waiting == 2 && silence.waiting() == 2).await;
    for call in calls {
        call.abort();
    }
    until(|| actor.stats().running == 0).await;
    assert_eq!(ask(&actor, "echo", b"free").await.unwrap(), b"free");
}

#[tokio::test]
async fn a_chain_does_not_wait_for_itself() {
    let road = Road::default();
    let settings = engine::ActorSettings { instances: 1, ..settings("narrow") };
    let actor = actor(&engine(), settings, road.clone());
    road.0.set(actor.clone()).unwrap();
    let failure = ask(&actor, "fe", b"").await.unwrap_err();
    check_refused(&failure, Unknown, "its own chain holds");
    assert_eq!(actor.stats().waiting, 0);
}

#[tokio::test]
async fn chains_are_bounded() {
    let road = Road::default();
    let actor = actor(&Engine::new(EngineSettings::default()).unwrap(), settings("deep"), road.clone());
    road.0.set(actor.clone()).unwrap();
    let calls = DEPTH_DEFAULT as usize;
    let method = |calls: usize| format!("{}e", "f".repeat(calls - 1));
    assert_eq!(ask(&actor, &method(calls), b"deep").await.unwrap(), b"deep");
    check_refused(&ask(&actor, &method(calls + 1), b"").await.unwrap_err(), Unknown, "longer than 16");
    let failure = actor.call(0, "echo", b"", &call().at_depth(DEPTH_DEFAULT)).await.unwrap_err();
    check_refused(&failure, NotStarted, "longer than 16");
}

#[tokio::test]
async fn the_pool_is_bounded_and_idle_instances_give_way() {
    let engine = Engine::new(EngineSettings { instances_max: 2, ..EngineSettings::default() }).unwrap();
    let silence = Silence::default();
    let busy = actor(&engine, settings("busy"), silence.clone());
    let kept = actor(&engine, engine::ActorSettings { reuse: 10, ..settings("kept") }, Nowhere);
    ask(&kept, "echo", b"").await.unwrap();
    assert_eq!(kept.stats().idle, 1);
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let busy = busy.clone();
            tokio::spawn(async move { ask(&busy, "forward", b"").await })
        })
        .collect();
    until(|| silence.waiting() == 2).await;
    assert_eq!(kept.stats().idle, 0);
    check_refused(&ask(&kept, "echo", b"").await.unwrap_err(), NotStarted, "this host cannot run more instances");
    calls.into_iter().for_each(|call| call.abort());
    until(|| engine.stats().instances == 0).await;
    ask(&kept, "echo", b"").await.unwrap();
}

#[tokio::test]
async fn both_engines_have_room_for_all_instances() {
    // Each of the guest's has two memories, one more than stated.
    const INSTANCES: usize = 40;
    let room = EngineSettings { instances_max: INSTANCES as u32, memories_per_instance: 1, ..small() };
    let engine = Engine::new(room).unwrap();
    for guest in [&guest::PLAIN, &guest::CONCURRENT] {
        let component = engine.load(guest).unwrap().component;
        let together = Arc::new(Together(tokio::sync::Barrier::new(INSTANCES)));
        let actor = engine.actor(&component, settings("wide"), together).unwrap();
        let calls = (0..INSTANCES).map(|_| {
            let actor = actor.clone();
            tokio::spawn(async move { ask(&actor, "forward", b"").await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn what_the_host_holds_for_a_guest_is_bounded() {
    let actor = actor(&engine(), settings("greedy"), Nowhere);
    check_refused(&ask(&actor, "Streams", b"").await.unwrap_err(), Unknown, "1024 resources");
    // Random bytes beyond the bound are refused before they are made.
    assert!(matches!(ask(&actor, "Q", b"").await.unwrap_err().error, RpcError::ActorHandler(_)));
}

#[tokio::test]
async fn handles_are_bounded() {
    let engine = engine();
    let hoarder = guest::in_world(
        r#"(module
            (import "[export]test:guest/things" "[resource-new]thing" (func $new (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "receive0#receive") (param i32 i32 i32 i32) (result i32)
                (loop $again (drop (call $new (i32.const 0))) (br $again))
                unreachable)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))"#,
        "package test:guest;
         interface things { resource thing; }
         world guest { export things; export receive0: lath:wasmbus/receiver@0.1.0; }",
    );
    let hoarder = engine.load(&hoarder).unwrap().component;
    let actor = engine.actor(&hoarder, settings("hoarder"), Arc::new(Nowhere)).unwrap();
    check_refused(&ask(&actor, "", b"").await.unwrap_err(), Unknown, "handle limit exceeded");
}

#[test]
fn composites_are_bounded() {
    let engine = engine();
    let composite = |module: &str, instances: u32| {
        let instances = "(core instance (instantiate $m))".repeat(instances as usize);
        guest::component(&format!("(component (core module $m {module}) {instances})"))
    };
    let globals = "(global i64 (i64.const 0))".repeat(4_000);
    let table = |elements: usize| format!("(table {elements} funcref)");
    let most_elements = table(limits::TABLE_ELEMENTS_MAX);
    let too_many_elements = table(limits::TABLE_ELEMENTS_MAX + 1);
    for (module, most) in [
        ("(memory 1)", limits::MEMORIES_PER_COMPONENT_MAX),
        ("(table 1 funcref)", limits::TABLES_PER_COMPONENT_MAX),
        ("", limits::CORE_INSTANCES_PER_COMPONENT_MAX),
        (most_elements.as_str(), limits::TABLES_PER_COMPONENT_MAX),
    ] {
        engine.load(&composite(module, most)).unwrap();
        let error = engine.load(&composite(module, most + 1)).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(&(most + 1).to_string()) && cause.contains(&most.to_string()), "{cause}");
    }
    for (module, instances) in [(globals.as_str(), 300), (too_many_elements.as_str(), 1)] {
        engine.load(&composite(module, instances)).unwrap_err();
    }
}

#[test]
fn settings_are_checked() {
    let engine = engine();
    let component = engine.load(&guest::PLAIN).unwrap().component;
    for (name, change) in [
        ("instances", (|settings| settings.instances = 0) as fn(&mut engine::ActorSettings)),
        ("reuse", |settings| settings.reuse = 0),
    ] {
        let mut settings = settings("a");
        change(&mut settings);
        let error = engine.actor(&component, settings, Arc::new(Nowhere)).unwrap_err();
        assert_eq!(error.to_string(), format!("actor 'a': {name} must be at least 1"));
    }
}
