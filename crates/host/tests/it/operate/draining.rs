//! Asking hosts to drain.

use std::time::{Duration, Instant};

use host::operate::Drained;
use lattice::call::Incarnation;
use lattice::document::{DRAINS, Document as _, Drain, drain_key};

use super::lattice_world::{World, app, counter};

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
