//! Instances and actors come and go, and leave nothing behind.

use std::time::{Duration, Instant};

use engine::ActorSettings;
use model::failure::{Progress, RpcError};

use crate::scene::{AMPLE, Nowhere, Silence, Together, actor, ask, engine, number, settings, until, within};

#[tokio::test]
async fn an_instance_serves_as_many_calls_as_it_may() {
    for (reuse, expected) in [(1, [1, 1, 1, 1, 1]), (3, [1, 2, 3, 1, 2])] {
        let engine = engine();
        let actor = actor(&engine, ActorSettings { reuse, ..settings("counted") }, Nowhere);
        for expected in expected {
            assert_eq!(number(ask(&actor, "n", b"").await), expected, "reuse {reuse}");
        }
        assert_eq!(actor.stats().idle, usize::from(reuse > 1));
        drop(actor);
        assert_eq!(engine.stats().instances, 0);
    }
}

#[tokio::test]
async fn an_instance_that_failed_is_not_used_again() {
    let silence = Silence::default();
    let actor = actor(&engine(), ActorSettings { reuse: 1_000, ..settings("failing") }, silence.clone());
    for method in ["unreachable", "recurse", "Gorge", "spin", "forward"] {
        number(ask(&actor, "n", b"").await);
        actor.call(0, method, b"", &within(Duration::from_millis(20))).await.unwrap_err();
        assert_eq!(number(ask(&actor, "n", b"").await), 1, "after {method}");
    }
    // An error that the guest itself returns is a good end.
    ask(&actor, "x", b"").await.unwrap_err();
    assert_eq!(number(ask(&actor, "n", b"").await), 3);
}

#[tokio::test]
async fn idle_instances_are_bounded() {
    let most = engine::limits::IDLE_INSTANCES_MAX;
    let engine = engine::Engine::new(engine::EngineSettings::default()).unwrap();
    let together = Together(tokio::sync::Barrier::new(most + 8));
    let actor = actor(&engine, ActorSettings { reuse: 9, instances: most + 8, ..settings("wide") }, together);
    let calls = (0..most + 8).map(|_| {
        let actor = actor.clone();
        tokio::spawn(async move { ask(&actor, "forward", b"").await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!((actor.stats().idle, engine.stats().instances), (most, most));
}

#[tokio::test]
async fn draining_refuses_new_calls_and_waits_for_the_others() {
    let silence = Silence::default();
    let settings = ActorSettings { instances: 1, reuse: 5, ..settings("leaving") };
    let actor = actor(&engine(), settings, silence.clone());
    assert!(actor.has_room());
    let running = {
        let actor = actor.clone();
        tokio::spawn(async move { ask(&actor, "forward", b"").await })
    };
    until(|| silence.waiting() == 1).await;
    assert!(!actor.has_room(), "its only instance is taken");
    let queued = {
        let actor = actor.clone();
        tokio::spawn(async move { ask(&actor, "echo", b"accepted").await })
    };
    until(|| actor.stats().waiting == 1).await;

    let error = actor.drain(Instant::now() + Duration::from_millis(10)).await.unwrap_err();
    assert_eq!((error.actor.as_str(), error.calls), ("leaving", 2));
    let refused = ask(&actor, "echo", b"").await.unwrap_err();
    assert_eq!(refused.progress, Progress::NotStarted);
    assert_eq!(refused.error, RpcError::Transport("actor 'leaving' is draining".into()));

    running.abort();
    actor.drain(Instant::now() + AMPLE).await.unwrap();
    assert_eq!(queued.await.unwrap().unwrap(), b"accepted");
    assert_eq!(actor.stats().idle, 0);
    assert!(!actor.has_room(), "it takes nobody any more");
}

#[tokio::test]
async fn an_instance_that_ends_after_its_actor_is_not_kept() {
    let engine = engine();
    let together = std::sync::Arc::new(Together(tokio::sync::Barrier::new(2)));
    let component = engine.load(&crate::guest::PLAIN).unwrap().component;
    let settings = ActorSettings { reuse: 5, ..settings("late") };
    let actor = engine.actor(&component, settings, together.clone()).unwrap();
    let running = {
        let actor = actor.clone();
        tokio::spawn(async move { ask(&actor, "forward", b"").await })
    };
    until(|| actor.stats().calls == 1).await;
    actor.drain(Instant::now()).await.unwrap_err();
    together.0.wait().await;
    running.await.unwrap().unwrap();
    assert_eq!((actor.stats().idle, engine.stats().instances), (0, 0));
}

#[tokio::test]
async fn a_caller_that_goes_away_frees_everything() {
    let engine = engine();
    let silence = Silence::default();
    let actor = actor(&engine, ActorSettings { reuse: 5, ..settings("left") }, silence.clone());
    for method in ["forward", "spin", "zzz"] {
        let call = {
            let actor = actor.clone();
            tokio::spawn(async move { ask(&actor, method, b"").await })
        };
        until(|| engine.stats().instances == 1).await;
        call.abort();
        until(|| engine.stats().instances == 0).await;
        assert_eq!((actor.stats().running, actor.stats().idle, silence.waiting()), (0, 0, 0), "{method}");
    }
    assert_eq!(ask(&actor, "echo", b"on").await.unwrap(), b"on");
}

#[tokio::test]
async fn a_hundred_thousand_failures_leave_nothing_behind() {
    let engine = engine();
    let actor = actor(&engine, ActorSettings { log_bytes_per_s: 0, ..settings("unlucky") }, Nowhere);
    for _ in 0..25_000 {
        for method in ["unreachable", "forward", "x", "invalid"] {
            ask(&actor, method, b"?").await.unwrap_err();
        }
    }
    let stats = actor.stats();
    assert_eq!((stats.calls, stats.traps), (100_000, 50_000));
    assert_eq!((stats.running, stats.waiting, stats.idle, engine.stats().instances), (0, 0, 0, 0));
    assert_eq!(ask(&actor, "echo", b"on").await.unwrap(), b"on");
}
