//! Hosts that do not keep to the rules, as far as NATS lets them.

use std::time::Duration;

use lattice::bus::Message;
use lattice::call::{Call, CallId, Incarnation};
use lattice::calls::Server;
use lattice::chunk::Signal;
use lattice::limits::{PEERS_MAX, REPLAY_WINDOW};
use lattice::subject::Subject;

use super::scene::{CALLEE, Raw, Scene, call, told};
use crate::twin::{Twin, host, settle, soon, subjects, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_another_host_is_refused() {
    for (scene, twin) in Scene::both().await {
        let (callee, forger) = (twin.join("quiet").await, twin.join("forger").await);
        let mut calls = callee.subscribe(subjects().calls(&host("quiet"))).await.unwrap();
        settle(&*callee).await;
        let answers = async {
            let reply = calls.next().await.unwrap().reply.unwrap();
            // NATS lets the forger publish with its own name only.
            let forged: Subject = reply.as_str().replace(".quiet.", ".forger.").parse().unwrap();
            forger.publish(Message::new(forged, "forged")).unwrap();
            until("it is refused", || scene.caller.stats().forged == 1).await;
            callee.publish(Message::new(reply, "true")).unwrap();
        };
        let (answer, ()) = tokio::join!(scene.call_at("quiet", call("echo", "")), answers);
        assert_eq!(answer.unwrap(), "true");
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_sent_to_the_caller_only() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "evil", CALLEE).await;
        let good = call("echo", "").to_message(raw.subject());
        for reply in [
            "lath.l.re.a.b.1-1",
            "lath.l.re.evil.a.1-1",
            "lath.l.re.evil.b.1",
            "lath.l.re.evil.b.echo",
            "lath.l.re.evil.b.01-1",
            "lath.l.call.a.b",
            "lath.other.re.evil.b.1-1",
            "$JS.API.STREAM.DELETE.KV",
            "_INBOX.evil.1",
        ] {
            // As a hostile host would write it, whatever this crate allows.
            let Ok(reply) = reply.parse() else { continue };
            raw.send(good.clone().wanting(reply));
        }
        raw.send(good.clone());
        raw.send(raw.message(raw.id(1), &call("echo", "me")));
        assert_eq!(raw.told().await, "me");
        assert_eq!(raw.so_far().await.len(), 0);
        let stats = scene.server.stats();
        assert_eq!((stats.forged, stats.garbage, scene.echo.begun()), (8, 1, 1));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_served_once() {
    for (scene, twin) in Scene::both().await {
        let mut tap = scene.tap(&twin).await;
        assert_eq!(scene.call("echo", "once").await.unwrap(), "once");
        let request = scene.messages(&mut tap).await.swap_remove(0);
        for _ in 0..3 {
            scene.here.publish(request.clone()).unwrap();
        }
        until("they are refused", || scene.server.stats().replayed == 3).await;
        // Nobody is told: an answer would be taken for that of the call itself.
        let seen = scene.messages(&mut tap).await;
        assert!(seen.iter().all(|message| message.subject == request.subject), "{seen:?}");
        assert_eq!(scene.echo.begun(), 1);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_may_come_in_any_order_within_the_window() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let latest = REPLAY_WINDOW * 2;
        for (number, served) in [
            (latest, true),
            (latest - REPLAY_WINDOW + 1, true),
            (latest - REPLAY_WINDOW, false),
            (1, false),
            (0, false),
        ] {
            raw.send(raw.message(raw.id(number), &call("echo", "")));
            if served {
                assert_eq!(raw.next().await.subject, raw.reply(raw.id(number)));
            }
        }
        until("the old ones are refused", || scene.server.stats().replayed == 3).await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_latest_life_of_a_host_is_served() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let life = |life| CallId { incarnation: Incarnation(life), sequence: 1 };
        raw.send(raw.message(life(5), &call("hang", "")));
        until("it runs", || scene.echo.begun() == 1).await;
        // It has been started again: nobody waits for what it called before.
        raw.send(raw.message(life(6), &call("echo", "new life")));
        assert_eq!(raw.told().await, "new life");
        until("that is dropped", || scene.echo.dropped() == 1).await;
        raw.send(raw.message(life(5), &call("echo", "")));
        raw.send(raw.message(CallId { sequence: 2, ..life(5) }, &call("echo", "")));
        until("they are refused", || scene.server.stats().replayed == 2).await;
        assert_eq!(scene.echo.begun(), 2);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_idle_host_that_is_silent_longest_is_forgotten() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let bus = twin.join("many").await;
    let mut answers = bus.subscribe("lath.l.re.*.b.*".parse().unwrap()).await.unwrap();
    let from = |number: usize| {
        let from = host(&format!("h{number}"));
        let reply = format!("lath.l.re.{from}.b.1-1").parse().unwrap();
        call("echo", "").to_message(subjects().call(&host(CALLEE), &from)).wanting(reply)
    };
    // One has called before all others, and waits.
    let busy = Raw::new(&twin, "c", CALLEE).await;
    busy.send(busy.message(busy.id(1), &call("hang", "")));
    until("it runs", || scene.echo.begun() == 1).await;
    // The caller of the scene is not among them, and has not called.
    for number in 0..PEERS_MAX - 1 {
        bus.publish(from(number)).unwrap();
        answers.next().await.unwrap();
    }
    bus.publish(from(0)).unwrap();
    until("it is known", || scene.server.stats().replayed == 1).await;
    bus.publish(from(PEERS_MAX)).unwrap();
    answers.next().await.unwrap();
    // Number 0 was heard of last, and something runs for the first, so number 1 had to go.
    bus.publish(from(0)).unwrap();
    until("it is still known", || scene.server.stats().replayed == 2).await;
    bus.publish(from(1)).unwrap();
    assert_eq!(answers.next().await.unwrap().subject.as_str(), "lath.l.re.h1.b.1-1");
    busy.send(Signal::Cancel(busy.id(1)).to_message(busy.subject()));
    until("it is ended", || scene.echo.dropped() == 1).await;
    scene.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_answered_where_that_is_possible() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let header = |value: &str| Message::new(raw.subject(), "").with("lath-call", value);
        let good = call("echo", "").to_message(raw.subject());
        let good_header = good.headers.get("lath-call").unwrap().to_owned();
        let rows = [
            (Message::new(raw.subject(), "?"), "header `lath-call` is missing"),
            (header(""), "header `lath-call` has ``, which is no `name=value`"),
            (header(&good_header.replace("shop/cart", "x")), "`target` in header `lath-call` is `x`, not `app/name`"),
            (header(&good_header.replace("deadline=", "deadline=x")), "`deadline` in header `lath-call` is `x"),
            (good.clone().with("traceparent", "x"), "header `traceparent` is `x`, not W3C Trace Context"),
            (good.clone().with("lath-chunks", "x"), "header `lath-chunks` is `x`, not `bytes=` and `crc32=`"),
        ];
        for (number, (message, reason)) in (1..).zip(rows) {
            raw.send(message.wanting(raw.reply(raw.id(number))));
            let told = raw.told().await;
            assert!(told.starts_with("NotStarted deser: the message on `lath.l.call.b.c` is not "), "{told}");
            assert!(told.contains(reason), "{told}\n{reason}");
        }
        // Without a wish for an answer, or about calls that do not run: nothing happens.
        for message in [
            Message::new(raw.subject(), "?"),
            good.clone(),
            Message::new(raw.subject(), "").with("lath-chunk", "1-1 0"),
            Message::new(raw.subject(), "").with("lath-credit", "1-1 4"),
            Message::new(raw.subject(), "").with("lath-cancel", "1-1"),
            Message::new(raw.subject(), "").with("lath-cancel", "x"),
        ] {
            raw.send(message);
        }
        raw.send(raw.message(raw.id(100), &call("echo", "still there")));
        assert_eq!(raw.told().await, "still there");
        until("nothing runs", || scene.server.stats().running == 0).await;
        assert_eq!(scene.echo.begun(), 1);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_the_calls_of_another() {
    for (scene, twin) in Scene::both().await {
        let raw = Raw::new(&twin, "evil", CALLEE).await;
        let caller = scene.caller.clone();
        let waiting = tokio::spawn(async move {
            let call = Call { deadline: std::time::Instant::now() + Duration::from_millis(500), ..call("hang", "") };
            caller.call(&host(CALLEE), call).await
        });
        until("it runs", || scene.echo.begun() == 1).await;
        // The numbers are easy to guess; the name is not its own to choose.
        for number in 0..10 {
            raw.send(Message::new(raw.subject(), "").with("lath-cancel", format!("1-{number:x}")));
        }
        settle(&*raw.bus).await;
        raw.send(raw.message(raw.id(1), &call("echo", "")));
        until("that is served", || scene.echo.begun() == 2).await;
        assert_eq!((scene.echo.dropped(), scene.server.stats().cancelled), (0, 0));
        assert!(told(waiting.await.unwrap()).starts_with("Unknown deadline-exceeded: "));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_is_behind_all_that_came_before() {
    for (scene, twin) in Scene::both().await {
        let raw = Raw::new(&twin, "c", CALLEE).await;
        for number in 1..=100 {
            raw.send(raw.message(raw.id(1), &call("echo", "")));
            raw.send(Message::new(raw.subject(), format!("{number}")));
        }
        // Nobody else may ask for one.
        raw.send(Message::new(raw.subject(), "").with("lath-echo", "b").wanting(raw.reply(raw.id(2))));
        settle(&*raw.bus).await;
        scene.server.echoes().ask(soon()).await.unwrap();
        let stats = scene.server.stats();
        assert_eq!((stats.replayed, stats.garbage), (99, 101));
        let echoes = scene.server.echoes();
        scene.drain().await;
        let late = echoes.ask(std::time::Instant::now() + Duration::from_millis(50)).await;
        assert!(late.is_err(), "nobody takes it any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn echoes_of_another_process_of_the_same_name_are_not_its_own() {
    for (scene, twin) in Scene::both().await {
        let bus = twin.join(CALLEE).await;
        let other = Server::start(bus, subjects(), host(CALLEE), scene.echo.clone(), 1).await.unwrap();
        for _ in 0..3 {
            other.echoes().ask(soon()).await.unwrap();
        }
        let echoes = scene.server.echoes();
        settle(&*scene.there).await;
        scene.drain().await;
        let late = echoes.ask(std::time::Instant::now() + Duration::from_millis(50)).await;
        assert!(late.is_err(), "those that the other asked for do not count");
    }
}
