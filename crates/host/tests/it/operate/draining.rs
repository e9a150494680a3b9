//! Asking hosts to drain.

use std::time::{Duration, Instant};

use bytes::Bytes;
use host::limits::{FORGET_WAIT_MAX, LEASE_LAPSE};
use host::operate::status::Phase;
use host::operate::{Drained, OperateError};
use lattice::call::Incarnation;
use lattice::document::{DRAINS, Document as _, Drain, Lease, drain_key};
use lattice::store::MemoryOptions;

use super::lattice_world::{World, app, counter, leases};

#[tokio::test]
async fn the_life_that_is_up_is_asked_and_waited_for() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let host = "h1".parse().unwrap();
    world.operator.drain(&host, true).await.unwrap();
    let entry = world.buckets.intent.get(&drain_key(&host)).await.unwrap().unwrap();
    let drain = Drain::decode(&entry.value.unwrap()).unwrap();
    assert_eq!((drain.incarnation, drain.force, drain.by.as_str()), (Incarnation(1), true, "operator.alice"));
    assert_eq!(Drain::decode(&drain.encode()).unwrap(), drain);
    // The wish is no application.
    assert_eq!(world.buckets.intent.keys("*").await.unwrap(), [app().to_string()]);
    assert_eq!(world.buckets.intent.keys(DRAINS).await.unwrap(), [drain_key(&host)]);
    assert!(world.operator.status(None).await.unwrap().hosts[0].drain_asked);

    let soon = Instant::now() + Duration::from_millis(10);
    let waited = world.operator.wait_drained(&host, soon, &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Drained::Overdue(status) if status.drain_asked), "{waited:?}");
    world.die("h1").await;
    let later = Instant::now() + Duration::from_secs(60);
    assert_eq!(world.operator.wait_drained(&host, later, &mut |_| {}).await.unwrap(), Drained::Done);
}

#[tokio::test]
async fn a_later_life_of_the_host_was_not_asked() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    world.operator.drain(&"h1".parse().unwrap(), false).await.unwrap();
    world.tell("h1", |record| record.incarnation = Incarnation(2)).await;
    let host = &world.operator.status(None).await.unwrap().hosts[0];
    assert!(host.alive && !host.drain_asked, "{host:?}");
}

#[tokio::test]
async fn an_unknown_host_is_told_with_those_that_there_are() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    let error = world.operator.drain(&"h9".parse().unwrap(), false).await.unwrap_err().to_string();
    assert_eq!(error, "the lattice has no host h9; it has h1");
}

fn h1() -> model::ids::HostName {
    "h1".parse().unwrap()
}

/// Waits for `h1`, and tells whether that ended, and after how many milliseconds.
async fn waited(world: &World, patience: Duration) -> (bool, u128) {
    let begun = tokio::time::Instant::now();
    let drained = world.operator.wait_drained(&h1(), (begun + patience).into_std(), &mut |_| {}).await.unwrap();
    (drained == Drained::Done, begun.elapsed().as_millis())
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_leases_that_begins_anew_ends_no_host() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    world.operator.drain(&h1(), false).await.unwrap();
    // Nobody's lease is seen: that says nothing of this host.
    let patience = LEASE_LAPSE * 3;
    let stalled = leases(&mut world, MemoryOptions::default());
    assert!(!waited(&world, patience).await.0);
    // Another's is seen: this host's has a whole period to come back.
    stalled.put("h2", Lease { incarnation: Incarnation(1) }.encode()).await.unwrap();
    let (ended, after) = waited(&world, patience).await;
    assert!(ended && after >= LEASE_LAPSE.as_millis(), "{after}");
    stalled.put("h1", Lease { incarnation: Incarnation(1) }.encode()).await.unwrap();
    assert!(!waited(&world, patience).await.0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_has_left_is_known_at_once() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    world.operator.drain(&h1(), false).await.unwrap();
    // Its lease was deleted, and did not lapse.
    world.die("h1").await;
    assert_eq!(waited(&world, LEASE_LAPSE).await, (true, 0));
    // Its record is gone with what it had.
    world.live("h1").await;
    world.buckets.hosts.delete("h1").await.unwrap();
    assert_eq!(waited(&world, LEASE_LAPSE).await, (true, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dead_host_is_forgotten_and_a_living_one_is_not() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    let refused = |error: OperateError| error.to_string();
    assert_eq!(
        refused(world.operator.forget(&"h9".parse().unwrap(), true).await.unwrap_err()),
        "the lattice has no host h9; it has h1, h2"
    );
    let alive = "host h1 is alive; `lath drain h1` lets it leave";
    assert_eq!(refused(world.operator.forget(&h1(), true).await.unwrap_err()), alive);

    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let view = world.operator.view(None).await.unwrap();
    let placed = view.placement.applications[&app()].hosts().first().unwrap().to_string();
    let (has, other) = if placed == "h1" { ("h1", "h2") } else { ("h2", "h1") };
    let has = has.parse().unwrap();
    world.operator.drain(&has, false).await.unwrap();
    world.die(has.as_str()).await;
    world.live(other).await;
    let error = refused(world.operator.forget(&has, false).await.unwrap_err());
    assert_eq!(
        error,
        format!("host {has} has the only state of counter/kv; start it again, or give that up with `--force`")
    );
    let passed = format!("key.acme-key.{has}.{other}");
    world.buckets.secrets.put(&passed, "x".into()).await.unwrap();
    let forgotten = world.operator.forget(&has, true).await.unwrap();
    assert_eq!(forgotten.states, ["counter/kv"]);
    assert_eq!(world.buckets.secrets.keys(">").await.unwrap(), Vec::<String>::new());
    assert_eq!(world.buckets.intent.keys(DRAINS).await.unwrap(), Vec::<String>::new());
    let hosts = world.operator.status(None).await.unwrap().hosts;
    assert_eq!(hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), [other]);
    // What was pinned to it waits for it, and starts anew once that was taken down.
    let on = |placement: model::placement::Placement| {
        placement.applications.get(&app()).and_then(|placed| placed.hosts().first().map(ToString::to_string))
    };
    assert_eq!(on(world.plan().await).as_deref(), Some(has.as_str()));
    let told = &world.operator.status(None).await.unwrap().applications[0];
    assert_eq!((told.phase, told.unplaced.len()), (Phase::Short, 1), "{told:?}");
    world.operator.down(&app()).await.unwrap();
    assert_eq!(on(world.plan().await), None);
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!(on(world.plan().await).as_deref(), Some(other));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_may_live_is_not_forgotten() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    leases(&mut world, MemoryOptions::default());
    let begun = tokio::time::Instant::now();
    let error = world.operator.forget(&h1(), true).await.unwrap_err();
    assert!(matches!(&error, OperateError::NotKnownDead { .. }), "{error}");
    assert!(begun.elapsed() >= FORGET_WAIT_MAX);
    // One whose record cannot be read is forgotten by force only.
    world.buckets.hosts.put("h1", Bytes::from_static(b"{}")).await.unwrap();
    let error = world.operator.forget(&h1(), false).await.unwrap_err();
    assert!(matches!(&error, OperateError::Damaged { .. }), "{error}");
}
