//! How streamed calls end other than well.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::call::Call;
use lattice::calls::Heard;
use lattice::limits::{
    STREAM_BEAT_INTERVAL, STREAM_LINGER, STREAM_SILENCE_MAX, STREAM_TIME_MAX, STREAMS_MAX, STREAMS_PER_PEER_MAX,
};
use lattice::stream::{Frame, Outgoing, Part, Told};
use model::failure::Failure;

use super::scene::{CALLEE, CALLER, Raw, Scene, by_hand, call, data, made, rest};
use crate::twin::{Twin, host, settle, until};

fn told(failure: &Failure) -> String {
    format!("{:?} {failure}", failure.progress)
}

fn nothing() -> Outgoing {
    Outgoing::whole(Bytes::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_not_started_gives_its_body_back() {
    for (scene, _twin) in Scene::both().await {
        let (frames, mut body) = by_hand();
        frames.send(data("one ")).await.unwrap();
        let mut refusals = vec!["NotStarted transport: moved away".to_owned()];
        for head in ["refuse", "refuse"] {
            let refused = scene.open(head, body).await.unwrap_err();
            refusals.push(told(&refused.failure));
            body = refused.body.unwrap();
        }
        let gone = scene.caller.stream(&host("gone"), call("echo"), body, &Heard::default()).await.unwrap_err();
        refusals.push(told(&gone.failure));
        let past = Call { deadline: Instant::now(), ..call("echo") };
        let past = scene.caller.stream(&host(CALLEE), past, gone.body.unwrap(), &Heard::default()).await.unwrap_err();
        refusals.push(told(&past.failure));
        assert_eq!(
            refusals[1..],
            [
                "NotStarted transport: moved away",
                "NotStarted transport: moved away",
                "NotStarted transport: nobody answers on `lath.l.call.gone.a`; check that the host there is up and has \
                 joined this lattice",
                "NotStarted deadline-exceeded: the deadline had passed before the call was sent",
            ]
        );
        // All of it is still there, and is sent on.
        let mut answer = scene.open("echo", past.body.unwrap()).await.unwrap();
        frames.send(data("two")).await.unwrap();
        drop(frames);
        assert_eq!(rest(&mut answer.body).await, (b"one two".to_vec(), None, None));
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told() {
    for (scene, _twin) in Scene::both().await {
        for (head, expected) in [
            ("fail", "Unknown actor-handler: trapped"),
            ("panic", "Unknown host-error: host b failed while it served the call; its log says where"),
        ] {
            let failed = scene.open(head, nothing()).await.unwrap_err();
            assert_eq!((told(&failed.failure).as_str(), failed.body.is_none()), (expected, true));
        }
        for (head, expected) in [
            ("broken", "on request"),
            ("late-panic", "host-error: host b failed while it served the call; its log says where"),
        ] {
            assert_eq!(scene.ask(head, "").await, (b"half of it".to_vec(), None, Some(expected.to_owned())), "{head}");
        }
        // A request's body that breaks off is told to whoever reads it; the answer is another matter.
        let (frames, body) = by_hand();
        let (answer, ()) = tokio::join!(scene.open("count", body), async {
            frames.send(data("12345")).await.unwrap();
            frames.send(Err(lattice::stream::Broken("too slow".to_owned()))).await.unwrap();
        });
        let (text, ..) = rest(&mut answer.unwrap().body).await;
        assert_eq!(String::from_utf8(text).unwrap(), r#"5 None Some("too slow")"#);
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_frees_what_served_it() {
    for (scene, _twin) in Scene::both().await {
        // The head does not come in time.
        let late = Call { deadline: Instant::now() + Duration::from_millis(200), ..call("hang") };
        let late = scene.caller.stream(&host(CALLEE), late, nothing(), &Heard::default()).await.unwrap_err();
        let text = "Unknown deadline-exceeded: no answer on `lath.l.call.b.a` within the deadline";
        assert_eq!((told(&late.failure).as_str(), late.body.is_none()), (text, true));
        until("it is dropped", || scene.served.dropped.load(Ordering::SeqCst) == 1).await;
        // Its caller goes before the head, and after it.
        let caller = scene.caller.clone();
        let asking =
            tokio::spawn(async move { caller.stream(&host(CALLEE), call("hang"), nothing(), &Heard::default()).await });
        until("it runs", || scene.served.begun.load(Ordering::SeqCst) == 2).await;
        asking.abort();
        until("it is dropped", || scene.served.dropped.load(Ordering::SeqCst) == 2).await;
        let mut answer = scene.open("quiet", nothing()).await.unwrap();
        assert_eq!(answer.body.next().await, Some(data("tick")));
        drop(answer);
        until("it is dropped", || scene.served.dropped.load(Ordering::SeqCst) == 3).await;
        scene.at_rest().await;
        assert_eq!(scene.server.stats().cancelled, 3);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_is_no_longer_made() {
    for (scene, _twin) in Scene::both().await {
        let (frames, body) = by_hand();
        frames.send(data("first")).await.unwrap();
        let mut answer = scene.open("unread", body).await.unwrap();
        assert_eq!(answer.body.next().await, Some(data("tick")));
        tokio::time::timeout(crate::twin::AMPLE, frames.closed()).await.expect("its maker is dropped");
        // The call goes on.
        assert_eq!(scene.server.stats().streams, 1);
        drop(answer);
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_finishes_first_and_then_cuts_off() {
    for (scene, _twin) in Scene::both().await {
        let (frames, body) = by_hand();
        frames.send(data("one")).await.unwrap();
        let mut echo = scene.open("echo", body).await.unwrap();
        let mut quiet = scene.open("quiet", nothing()).await.unwrap();
        let Scene { server, caller, .. } = scene;
        server.close();
        let refused = caller.stream(&host(CALLEE), call("echo"), nothing(), &Heard::default()).await.unwrap_err();
        assert_eq!(told(&refused.failure), "NotStarted transport: host b is draining");
        assert!(refused.body.is_some());
        frames.send(data("two")).await.unwrap();
        drop(frames);
        assert_eq!(rest(&mut echo.body).await, (b"onetwo".to_vec(), None, None));
        assert_eq!(server.drain(Instant::now() + Duration::from_millis(100)).await, 1);
        let (bytes, _, broken) = rest(&mut quiet.body).await;
        assert_eq!(bytes, b"tick");
        assert!(broken.unwrap().contains("host b stopped while it served the call"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_calls_at_once_are_bounded() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_PER_PEER_MAX {
        open.push(scene.open("quiet", nothing()).await.unwrap());
    }
    let text = "NotStarted host-error: host b already serves 1024 streamed calls, or 512 of host ";
    let refused = scene.open("quiet", nothing()).await.unwrap_err();
    assert_eq!(told(&refused.failure), format!("{text}a; try again later"));
    // Another host has as many; a third has none left.
    let mut others = Vec::new();
    for name in ["c", "d"] {
        let bus = twin.join(name).await;
        let caller =
            lattice::calls::Caller::start(bus, crate::twin::subjects(), host(name), lattice::call::Incarnation(1));
        let caller = caller.await.unwrap();
        while let Ok(answer) = caller.stream(&host(CALLEE), call("quiet"), nothing(), &Heard::default()).await {
            others.push(answer);
        }
        let refused = caller.stream(&host(CALLEE), call("quiet"), nothing(), &Heard::default()).await.unwrap_err();
        assert_eq!(told(&refused.failure), format!("{text}{name}; try again later"));
        assert_eq!(others.len(), STREAMS_MAX - STREAMS_PER_PEER_MAX, "{name}");
    }
    drop(others);
    until("there is room", || scene.server.stats().streams == STREAMS_PER_PEER_MAX).await;
    // Whoever calls is bounded as well, whatever its callees allow.
    let desk = Arc::new(super::scene::Desk(scene.served.clone()));
    let also = lattice::calls::Server::start(scene.there.clone(), crate::twin::subjects(), host("e"), desk, 4096);
    let also = also.await.unwrap();
    while open.len() < STREAMS_MAX {
        open.push(scene.caller_at("e", "quiet").await.unwrap());
    }
    let refused = scene.caller_at("e", "quiet").await.unwrap_err();
    assert_eq!(
        told(&refused.failure),
        "NotStarted host-error: this host already makes 1024 streamed calls; try again later"
    );
    drop(open);
    scene.at_rest().await;
    also.drain(crate::twin::soon()).await;
    scene.drain().await;
}

/// On a clock that jumps ahead where nothing else is to do.
#[tokio::test(start_paused = true)]
async fn silence_ends_a_call_at_either_end() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    // A caller that says nothing any more.
    let raw = Raw::new(&twin, "c", CALLEE).await;
    let begun = tokio::time::Instant::now();
    raw.open(1, "quiet");
    until("it runs", || scene.server.stats().streams == 1).await;
    until("it has ended", || scene.server.stats().streams == 0).await;
    assert!(begun.elapsed() >= STREAM_SILENCE_MAX && begun.elapsed() < 3 * STREAM_SILENCE_MAX, "{:?}", begun.elapsed());
    assert_eq!(scene.served.dropped.load(Ordering::SeqCst), 1);
    // A callee that says nothing any more.
    let mut odd = Raw::new(&twin, "odd", CALLER).await;
    let (answer, ()) = tokio::join!(scene.caller_at("odd", "head"), async {
        let (id, reply) = odd.taken().await;
        odd.tell(id, &reply, &Told::Part(Part { head: "h".into(), data: "half".into(), ..Part::default() }));
    });
    let mut answer = answer.unwrap();
    assert_eq!(answer.body.next().await, Some(Ok(Frame::Data("half".into()))));
    let (_, _, broken) = rest(&mut answer.body).await;
    assert_eq!(broken.unwrap(), "deadline-exceeded: nothing was heard of the other end for 10 s");
}

/// Until the head is there, its deadline is what ends a call.
#[tokio::test(start_paused = true)]
async fn a_callee_that_thinks_about_a_long_request_is_not_silent() {
    let scene = Scene::on(&Twin::memory()).await;
    let mut answer = scene.open("slow", made(8, 65_536, Arc::default())).await.unwrap();
    assert_eq!(rest(&mut answer.body).await, (b"524288".to_vec(), None, None));
    scene.at_rest().await;
}

/// One task sends the request, however early it was asked for: what a call holds is free at its end, not a beat later.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_sent_before_the_head_is_there_has_one_sender() {
    let scene = Scene::on(&Twin::memory()).await;
    let begun = tokio::time::Instant::now();
    let mut answer = scene.open("peek", made(64, 65_536, Arc::default())).await.unwrap();
    assert_eq!(rest(&mut answer.body).await, ((63 * 65_536).to_string().into(), None, None));
    scene.at_rest().await;
    let (frames, body) = by_hand();
    frames.send(data("one")).await.unwrap();
    let answer = scene.open("peek", body).await.unwrap();
    tokio::time::sleep(STREAM_LINGER).await;
    drop(answer);
    scene.at_rest().await;
    assert!(begun.elapsed() < STREAM_BEAT_INTERVAL, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn bodies_do_not_take_for_ever() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let begun = tokio::time::Instant::now();
    let mut answer = scene.open("quiet", nothing()).await.unwrap();
    assert_eq!(answer.body.next().await, Some(data("tick")));
    let broken = match answer.body.next().await {
        Some(Err(broken)) => broken.0,
        other => panic!("{other:?}"),
    };
    assert!(broken.ends_with("the bodies of a streamed call took more than 660 s"), "{broken}");
    assert!(begun.elapsed() >= STREAM_TIME_MAX && begun.elapsed() < 2 * STREAM_TIME_MAX);
    settle(&*scene.here).await;
    drop(answer);
    scene.at_rest().await;
}
