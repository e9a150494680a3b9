//! Guests that do not come to an end.

use std::time::Duration;

use model::failure::Progress::{NotStarted, Unknown};
use model::failure::{Failure, Progress, RpcError};

use crate::scene::{AMPLE, Nowhere, Road, Silence, actor, ask, engine, lone, settings, until, within};

const SHORT: Duration = Duration::from_millis(30);

fn check_late(failure: &Failure, progress: Progress) {
    assert!(matches!(failure.error, RpcError::DeadlineExceeded(_)), "{failure}");
    assert_eq!(failure.progress, progress, "{failure}");
}

#[tokio::test]
async fn a_guest_is_stopped_at_the_callers_deadline() {
    let silence = Silence::default();
    let actor = actor(&engine(), settings("slow"), silence.clone());
    // It spins, sleeps in the host, waits for another.
    for method in ["spin", "zzz", "forward"] {
        check_late(&actor.call(0, method, b"", &within(SHORT)).await.unwrap_err(), Unknown);
    }
    assert_eq!((silence.waiting(), actor.stats().running, actor.stats().late), (0, 0, 3));
}

#[tokio::test]
async fn a_guest_is_stopped_at_its_own_limit() {
    let settings = engine::ActorSettings { execution: SHORT, ..settings("slow") };
    let actor = actor(&engine(), settings, Nowhere);
    check_late(&ask(&actor, "spin", b"").await.unwrap_err(), Unknown);
}

#[tokio::test]
async fn a_callee_is_stopped_with_its_caller() {
    let engine = engine();
    let road = Road::default();
    let front = actor(&engine, settings("front"), road.clone());
    let back = actor(&engine, settings("back"), Nowhere);
    road.0.set(back.clone()).unwrap();
    check_late(&front.call(0, "fspin", b"", &within(SHORT)).await.unwrap_err(), Unknown);
    assert_eq!((front.stats().running, back.stats().running), (0, 0));
    until(|| engine.stats().instances == 0).await;
}

#[tokio::test]
async fn a_call_that_is_late_before_it_starts_did_not_start() {
    let actor = lone("idle");
    check_late(&actor.call(0, "echo", b"", &within(Duration::ZERO)).await.unwrap_err(), NotStarted);
    assert_eq!(actor.stats().calls, 0);
}

#[tokio::test]
async fn a_call_that_is_late_in_the_queue_did_not_start() {
    let silence = Silence::default();
    let settings = engine::ActorSettings { instances: 1, ..settings("busy") };
    let actor = actor(&engine(), settings, silence.clone());
    let first = {
        let actor = actor.clone();
        tokio::spawn(async move { ask(&actor, "forward", b"").await })
    };
    until(|| silence.waiting() == 1).await;
    check_late(&actor.call(0, "echo", b"", &within(SHORT)).await.unwrap_err(), NotStarted);
    assert_eq!(actor.stats().waiting, 0);
    first.abort();
}

/// One thread: nobody else runs unless the guests let them.
#[tokio::test]
async fn spinning_guests_let_others_on_their_thread_go_on() {
    let engine = engine();
    let spinner = actor(&engine, settings("spinner"), Nowhere);
    let worker = actor(&engine, settings("worker"), Nowhere);
    let spin = |time| {
        let (spinner, call) = (spinner.clone(), within(time));
        tokio::spawn(async move { spinner.call(0, "spin", b"", &call).await })
    };
    let endless: Vec<_> = (0..4).map(|_| spin(AMPLE)).collect();
    until(|| spinner.stats().calls == 4).await;
    for _ in 0..3 {
        ask(&worker, "echo", b"").await.unwrap();
        tokio::task::yield_now().await;
    }
    for short in (0..4).map(|_| spin(SHORT)).collect::<Vec<_>>() {
        // On a busy machine one may be late before it starts.
        assert!(matches!(short.await.unwrap().unwrap_err().error, RpcError::DeadlineExceeded(_)));
    }
    assert_eq!(spinner.stats().running, 4);
    endless.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| engine.stats().instances == 0).await;
}

/// Sockets and timers are looked at only when the thread has nothing else to do, or after many tasks.
#[tokio::test]
async fn a_spinning_guest_does_not_keep_its_thread_from_sockets_and_timers() {
    let spinner = lone("spinner");
    let spinning = {
        let spinner = spinner.clone();
        tokio::spawn(async move { spinner.call(0, "spin", b"", &within(Duration::from_secs(8))).await })
    };
    until(|| spinner.stats().calls == 1).await;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(spinner.stats().running, 1, "the guest was done before sixty milliseconds had been noticed");
    spinning.abort();
}
