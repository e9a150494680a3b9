//! Calls that fail, and how far they came.

use std::time::Duration;

use futures_util::future::join_all;
use lattice::bus::{Bus as _, Message};
use lattice::call::Incarnation;
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use model::failure::Progress;
use rig::nats::{Options, Server};

use super::scene::{CALLEE, CALLS_MAX, Scene, call, told, within};
use crate::twin::{Twin, connect, host, settle, subjects, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_callee_says_is_what_the_caller_is_told() {
    for (scene, _twin) in Scene::both().await {
        for (method, expected) in [
            ("refuse", "NotStarted transport: moved away"),
            ("trap", "Unknown actor-handler: trapped"),
            ("panic", "Unknown host-error: host b failed while it served the call; its log says where"),
        ] {
            assert_eq!(scene.told(method, "").await, expected);
        }
        until("nothing runs", || scene.server.stats().running == 0).await;
        assert_eq!(scene.call("echo", "still there").await.unwrap(), "still there");
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_not_started() {
    for (scene, _twin) in Scene::both().await {
        let answer = told(scene.call_at("gone", call("echo", "")).await);
        let text = "nobody answers on `lath.l.call.gone.a`; check that the host or provider process there is up and has joined this lattice";
        assert_eq!(answer, format!("NotStarted transport: {text}"));
        // Nor is a call whose deadline has passed.
        let late = scene.call_at(CALLEE, within(0, call("echo", ""))).await;
        assert_eq!(told(late), "NotStarted deadline-exceeded: the deadline had passed before the call was sent");
        assert_eq!((scene.echo.begun(), scene.caller.stats().pending), (0, 0));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_a_call_is_not_started_at_once() {
    let bus = std::sync::Arc::new(MemoryBus::new());
    let caller = Caller::start(bus.clone(), subjects(), host("a"), Incarnation(1)).await.unwrap();
    bus.set_connected(false);
    assert_disconnected(&caller).await;

    let mut server = Server::start(Options { jetstream: false, ..Options::default() }).await.unwrap();
    let bus = std::sync::Arc::new(connect(&server.url(), "a").await);
    let caller = Caller::start(bus.clone(), subjects(), host("a"), Incarnation(1)).await.unwrap();
    settle(&*bus).await;
    let mut connected = bus.connected();
    server.kill().unwrap();
    connected.wait_for(|connected| !connected).await.unwrap();
    assert_disconnected(&caller).await;
    // It calls again once the server is back.
    server.restart().await.unwrap();
    connected.wait_for(|connected| *connected).await.unwrap();
    settle(&*bus).await;
    let answer = told(caller.call(&host("b"), call("echo", "")).await);
    assert!(answer.starts_with("NotStarted transport: nobody answers"), "{answer}");
}

/// The deadline of the call is far away, so that an answer at all means one at once.
async fn assert_disconnected(caller: &Caller) {
    let answer = told(caller.call(&host("b"), call("echo", "")).await);
    let text = "nothing is sent on `lath.l.call.b.a`: the connection to NATS is down";
    assert!(answer.starts_with(&format!("NotStarted transport: {text}")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_at_the_deadline() {
    for (scene, _twin) in Scene::both().await {
        let answer = scene.call_at(CALLEE, within(200, call("hang", ""))).await;
        let text = "Unknown deadline-exceeded: no answer on `lath.l.call.b.a` within the deadline";
        assert_eq!((told(answer).as_str(), scene.caller.stats().pending), (text, 0));
        // The callee is told that nobody waits any more.
        until("it is dropped", || scene.echo.dropped() == 1).await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_whose_caller_has_gone_is_dropped() {
    for (scene, _twin) in Scene::both().await {
        let calls: Vec<_> = (0..CALLS_MAX)
            .map(|_| {
                let caller = scene.caller.clone();
                tokio::spawn(async move { caller.call(&host(CALLEE), call("hang", "")).await })
            })
            .collect();
        until("all run", || scene.echo.begun() == CALLS_MAX).await;
        for call in &calls {
            call.abort();
        }
        until("all are dropped", || scene.echo.dropped() == CALLS_MAX).await;
        until("there is room again", || scene.server.stats().running == 0).await;
        let stats = scene.server.stats();
        assert_eq!((stats.cancelled, scene.caller.stats().pending), (CALLS_MAX as u64, 0));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_served_at_once_are_bounded() {
    for (scene, _twin) in Scene::both().await {
        let hanging = join_all((0..CALLS_MAX).map(|_| scene.call("hang", "")));
        let one_more = async {
            until("all run", || scene.echo.begun() == CALLS_MAX).await;
            scene.told("echo", "").await
        };
        let refused = tokio::select! { _ = hanging => panic!("they hang"), refused = one_more => refused };
        assert_eq!(refused, "NotStarted host-error: host b already serves 8 calls from the bus; try again later");
        until("the others are dropped", || scene.server.stats().running == 0).await;
        assert!(scene.call("echo", "").await.is_ok());
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_counted() {
    for (scene, twin) in Scene::both().await {
        let slow = twin.join("slow").await;
        let mut calls = slow.subscribe(subjects().calls(&host("slow"))).await.unwrap();
        settle(&*slow).await;
        let answer = scene.call_at("slow", within(100, call("echo", ""))).await.unwrap_err();
        assert_eq!(answer.progress, Progress::Unknown);
        let request = calls.next().await.unwrap();
        slow.publish(Message::new(request.reply.clone().unwrap(), "late")).unwrap();
        until("it is counted", || scene.caller.stats().late == 1).await;
        // So is one for an earlier life of this host.
        slow.publish(Message::new("lath.l.re.a.slow.0-1".parse().unwrap(), "very late")).unwrap();
        until("it is counted", || scene.caller.stats().late == 2).await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_unknown() {
    for (scene, twin) in Scene::both().await {
        let strange = twin.join("strange").await;
        let mut calls = strange.subscribe(subjects().calls(&host("strange"))).await.unwrap();
        settle(&*strange).await;
        for (header, value) in [("lath-error", "oops"), ("lath-chunks", "many")] {
            let answer = async {
                let request = calls.next().await.unwrap();
                strange.publish(Message::new(request.reply.unwrap(), "").with(header, value)).unwrap();
            };
            let (told, ()) = tokio::join!(scene.call_at("strange", call("echo", "")), answer);
            let failure = told.unwrap_err();
            assert_eq!((failure.progress, failure.error.parts().0), (Progress::Unknown, "rpc"));
            assert!(failure.to_string().contains(&format!("header `{header}` is `{value}`")), "{failure}");
        }
        // After it has ended nobody is told that the caller has gone.
        settle(&*strange).await;
        assert!(tokio::time::timeout(Duration::ZERO, calls.next()).await.is_err());
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_a_call_runs_does_not_make_it_hang() {
    let Twin::Nats(mut server) = Twin::nats().await else { panic!() };
    let bus = std::sync::Arc::new(connect(&server.url(), "a").await);
    let caller = Caller::start(bus.clone(), subjects(), host("a"), Incarnation(1)).await.unwrap();
    let mut calls = bus.subscribe(subjects().calls(&host("b"))).await.unwrap();
    settle(&*bus).await;
    let killed = async {
        calls.next().await.unwrap();
        server.kill().unwrap();
    };
    let to = host("b");
    let (answer, ()) = tokio::join!(caller.call(&to, within(500, call("echo", ""))), killed);
    assert!(told(answer).starts_with("Unknown deadline-exceeded: "));
    assert_eq!(caller.stats().pending, 0);
}
