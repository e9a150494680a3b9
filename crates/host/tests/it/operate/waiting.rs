//! Waiting for a version.

use std::time::{Duration, Instant};

use host::limits::OPERATE_SETTLE;
use host::operate::Waited;
use host::operate::status::Phase;

use super::lattice_world::{World, app, counter};

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(10)
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn a_version_is_waited_for_until_it_serves() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let operator = world.operator.clone();
    let (told, mut phases) = tokio::sync::mpsc::unbounded_channel();
    let waiting =
        tokio::spawn(
            async move { operator.wait(&app(), 1, later(), &mut |status| told.send(status.phase).unwrap()).await },
        );
    assert_eq!(phases.recv().await, Some(Phase::Planning));
    world.plan().await;
    assert_eq!(phases.recv().await, Some(Phase::Starting));
    world.bring_up().await;
    let waited = waiting.await.unwrap().unwrap();
    assert!(matches!(&waited, Waited::Done(status) if status.phase == Phase::Ready), "{waited:?}");
}

#[tokio::test]
async fn what_does_not_serve_in_time_is_told_as_it_is() {
    let world = World::new();
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let waited = world.operator.wait(&app(), 1, soon(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Overdue(status) if status.unplaced.len() == 1), "{waited:?}");
}

#[tokio::test]
async fn a_later_version_ends_the_wait() {
    let world = World::new();
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    world.operator.down(&app()).await.unwrap();
    let waited = world.operator.wait(&app(), 1, later(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Superseded(status) if status.version == 2), "{waited:?}");
    let waited = world.operator.wait(&app(), 2, later(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Done(status) if status.phase == Phase::Down), "{waited:?}");
}

#[tokio::test]
async fn the_version_before_says_nothing_about_the_one_that_is_waited_for() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    let application = counter("", "keyvalue/embedded");
    world.operator.up(&application, &mut |_| {}).await.unwrap();
    world.operator.down(&app()).await.unwrap();
    // Whoever is asked shows the second version still, which is down.
    let waited = world.operator.wait(&app(), 3, soon(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Overdue(status) if status.version == 2), "{waited:?}");
    // Likewise one that serves.
    world.operator.rollback(&app(), None).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let waited = world.operator.wait(&app(), 4, soon(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Overdue(status) if status.phase == Phase::Ready), "{waited:?}");
    // What was gone back to is a version of its own, by which the one before is superseded.
    let waited = world.operator.wait(&app(), 2, later(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Superseded(status) if status.version == 3), "{waited:?}");
    let waited = world.operator.wait(&app(), 3, later(), &mut |_| {}).await.unwrap();
    assert!(matches!(&waited, Waited::Done(status) if status.phase == Phase::Ready), "{waited:?}");
}

/// It serves everywhere, and a host may still go back from it.
#[tokio::test(start_paused = true)]
async fn a_version_is_waited_for_until_no_host_watches_it() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    world.tell("h1", |record| record.ready.get_mut(&app()).unwrap().watched = true).await;
    let operator = world.operator.clone();
    let deadline = (tokio::time::Instant::now() + OPERATE_SETTLE * 100).into_std();
    let waiting = tokio::spawn(async move { operator.wait(&app(), 1, deadline, &mut |_| {}).await });
    for _ in 0..5 {
        tokio::time::sleep(OPERATE_SETTLE).await;
        world.live("h1").await;
    }
    assert!(!waiting.is_finished());
    world.tell("h1", |record| record.ready.get_mut(&app()).unwrap().watched = false).await;
    let waited = waiting.await.unwrap().unwrap();
    assert!(matches!(&waited, Waited::Done(status) if status.watched.is_empty()), "{waited:?}");
}
