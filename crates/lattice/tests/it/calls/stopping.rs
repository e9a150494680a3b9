//! How a server stops.

use std::time::{Duration, Instant};

use super::scene::{CALLEE, Scene, call, told, within};
use crate::twin::{host, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_finished_and_what_comes_late_goes_elsewhere() {
    for (scene, _twin) in Scene::both().await {
        let caller = scene.caller.clone();
        let running = tokio::spawn(async move { caller.call(&host(CALLEE), within(700, call("hang", ""))).await });
        until("it runs", || scene.echo.begun() == 1).await;
        scene.server.close();
        assert_eq!(scene.told("echo", "").await, "NotStarted transport: host b is draining");
        assert_eq!(scene.server.stats().running, 1);
        // Its caller gives up at its deadline, and with that it has ended.
        let (caller, echo) = (scene.caller.clone(), scene.echo.clone());
        scene.drain().await;
        assert!(told(running.await.unwrap()).starts_with("Unknown deadline-exceeded: "));
        let gone = told(caller.call(&host(CALLEE), call("echo", "")).await);
        assert!(gone.starts_with("NotStarted transport: nobody answers on"), "{gone}");
        assert_eq!(echo.begun(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_too_long_is_cut_off() {
    for (scene, _twin) in Scene::both().await {
        let caller = scene.caller.clone();
        let running = tokio::spawn(async move { caller.call(&host(CALLEE), within(60_000, call("hang", ""))).await });
        until("it runs", || scene.echo.begun() == 1).await;
        let Scene { server, echo, .. } = scene;
        assert_eq!(server.drain(Instant::now() + Duration::from_millis(50)).await, 1);
        until("it is dropped", || echo.dropped() == 1).await;
        let told = told(running.await.unwrap());
        assert!(told.starts_with("Unknown transport: host b stopped while it served the call"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_dropped_stops_as_well() {
    for (scene, _twin) in Scene::both().await {
        let Scene { caller, server, echo, .. } = scene;
        let running = {
            let caller = caller.clone();
            tokio::spawn(async move { caller.call(&host(CALLEE), within(1_000, call("hang", ""))).await })
        };
        until("it runs", || echo.begun() == 1).await;
        drop(server);
        until("it is dropped", || echo.dropped() == 1).await;
        running.await.unwrap().unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_the_server_stops_is_answered_once() {
    for (scene, twin) in Scene::both().await {
        let mut tap = scene.tap(&twin).await;
        let caller = scene.caller.clone();
        let running = tokio::spawn(async move { caller.call(&host(CALLEE), call("wait", "")).await });
        until("it runs", || scene.echo.begun() == 1).await;
        scene.server.close();
        scene.echo.release.notify_one();
        assert_eq!(told(running.await.unwrap()), "done");
        until("it has ended", || scene.server.stats().running == 0).await;
        let answers = scene.messages(&mut tap).await;
        let answers = answers.iter().filter(|message| message.subject.as_str().starts_with("lath.l.re.a.b."));
        assert_eq!(answers.count(), 1);
        scene.drain().await;
    }
}
