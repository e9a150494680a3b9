use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::bus::{Bus, BusError, Message, Subscription};
use lattice::limits::{
    HANDED_MAX, HEADER_BYTES_MAX, HEADERS_MAX, OUTGOING_MAX, PAYLOAD_BYTES_MAX, PENDING_MAX, SUBSCRIBE_TIME_MAX,
};
use lattice::memory::MemoryBus;
use lattice::subject::Subject;
use rig::nats::{Options, Server};
use rig::proxy::Proxy;

use crate::twin::{AMPLE, Twin, connect, settle, soon, until};

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn message(to: &str, payload: &str) -> Message {
    Message::new(subject(to), Bytes::copy_from_slice(payload.as_bytes()))
}

async fn next(subscription: &mut Subscription) -> Message {
    tokio::time::timeout(AMPLE, subscription.next()).await.unwrap().unwrap()
}

/// The payloads that have come by now, in order.
async fn so_far(bus: &dyn Bus, subscription: &mut Subscription) -> Vec<String> {
    settle(bus).await;
    let mut payloads = Vec::new();
    // Nothing, or all that has come, is there at once.
    while let Ok(Some(message)) = tokio::time::timeout(Duration::ZERO, subscription.next()).await {
        payloads.push(String::from_utf8(message.payload.to_vec()).unwrap());
    }
    payloads
}

#[tokio::test]
async fn every_covering_subscription_receives_in_order() {
    for twin in Twin::both().await {
        let (here, there) = (twin.join("here").await, twin.join("there").await);
        let mut all = there.subscribe(subject("news.*")).await.unwrap();
        let mut one = there.subscribe(subject("news.sport")).await.unwrap();
        let mut own = here.subscribe(subject("news.>")).await.unwrap();
        settle(&*there).await;
        for (to, text) in [("news.sport", "1"), ("news.arts", "2"), ("news.sport", "3"), ("olds", "4")] {
            here.publish(message(to, text)).unwrap();
        }
        settle(&*here).await;
        assert_eq!(so_far(&*there, &mut all).await, ["1", "2", "3"]);
        assert_eq!(so_far(&*there, &mut one).await, ["1", "3"]);
        assert_eq!(so_far(&*here, &mut own).await, ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn one_of_a_group_receives() {
    for twin in Twin::both().await {
        let (here, there) = (twin.join("here").await, twin.join("there").await);
        let group = || "workers".parse().unwrap();
        let mut first = there.subscribe_group(subject("jobs.*"), group()).await.unwrap();
        let mut second = here.subscribe_group(subject("jobs.*"), group()).await.unwrap();
        let mut other = there.subscribe_group(subject("jobs.*"), "others".parse().unwrap()).await.unwrap();
        let mut all = here.subscribe(subject("jobs.*")).await.unwrap();
        settle(&*there).await;
        settle(&*here).await;
        let jobs: Vec<String> = (0..100).map(|job| job.to_string()).collect();
        for job in &jobs {
            here.publish(message("jobs.a", job)).unwrap();
        }
        settle(&*here).await;
        let (a, b) = (so_far(&*there, &mut first).await, so_far(&*here, &mut second).await);
        assert!(!a.is_empty() && !b.is_empty(), "both take turns: {} and {}", a.len(), b.len());
        let mut taken: Vec<u32> = a.iter().chain(&b).map(|job| job.parse().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
        assert_eq!(so_far(&*there, &mut other).await, jobs);
        assert_eq!(so_far(&*here, &mut all).await, jobs);
    }
}

#[tokio::test]
async fn a_wish_that_finds_nobody_comes_back() {
    for twin in Twin::both().await {
        let bus = twin.join("here").await;
        let mut answers = bus.subscribe(subject("answers.*")).await.unwrap();
        bus.publish(message("nobody", "x").wanting(subject("answers.1"))).unwrap();
        let back = next(&mut answers).await;
        assert!(back.no_responders);
        assert_eq!((back.subject.as_str(), back.payload.len()), ("answers.1", 0));
        // Somebody is there: what comes is what they say.
        let mut calls = bus.subscribe(subject("somebody")).await.unwrap();
        bus.publish(message("somebody", "x").wanting(subject("answers.2"))).unwrap();
        let reply = next(&mut calls).await.reply.unwrap();
        bus.publish(Message::new(reply, "here")).unwrap();
        let answer = next(&mut answers).await;
        assert!(!answer.no_responders);
        assert_eq!((answer.subject.as_str(), &answer.payload[..]), ("answers.2", &b"here"[..]));
        // Nobody is told of a message that wants no answer.
        bus.publish(message("nobody", "x")).unwrap();
        assert_eq!(so_far(&*bus, &mut answers).await, [""; 0]);
    }
}

#[tokio::test]
async fn headers_travel_as_they_are() {
    for twin in Twin::both().await {
        let bus = twin.join("here").await;
        let mut messages = bus.subscribe(subject("to")).await.unwrap();
        for value in ["", "a", "a: b", "ä ö", "name=value other=x", "\t'\"`$"] {
            bus.publish(message("to", "").with("lath-one", value).with("Two", "2")).unwrap();
            let found = next(&mut messages).await;
            assert_eq!(found.headers.get("lath-one"), Some(value.trim()));
            assert_eq!((found.headers.get("Two"), found.headers.get("two")), (Some("2"), None));
            assert_eq!(found.headers.iter().count(), found.headers.len());
            // Handed on as it came.
            let passed = Message { subject: subject("to"), ..found };
            bus.publish(passed.with("Two", "3")).unwrap();
            let found = next(&mut messages).await;
            assert_eq!((found.headers.get("lath-one"), found.headers.get("Two")), (Some(value.trim()), Some("3")));
        }
        bus.publish(message("to", "x")).unwrap();
        assert!(next(&mut messages).await.headers.is_empty());
        for value in ["a\nb", "a\rb", "x\r\nlath-error: x"] {
            let error = bus.publish(message("to", "").with("lath-one", value)).unwrap_err();
            assert!(
                error.to_string().starts_with("header `lath-one` of the message on `to` cannot be sent"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_message_is_bounded() {
    const NAMES: [&str; 33] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v",
        "w", "x", "y", "z", "A", "B", "C", "D", "E", "F", "G",
    ];
    for twin in Twin::both().await {
        let bus = twin.join("here").await;
        let mut messages = bus.subscribe(subject("to")).await.unwrap();
        assert_eq!(bus.payload_max(), PAYLOAD_BYTES_MAX);
        let payload = |more: usize| Message::new(subject("to"), vec![7; PAYLOAD_BYTES_MAX - 12 - 7 + more]);
        let headers =
            |count: usize| NAMES[..count].iter().fold(message("to", ""), |message, name| message.with(name, ""));
        let header = |more: usize| message("to", "").with("abc", "x".repeat(HEADER_BYTES_MAX - 12 - 7 + more));
        for (fits, too_large, what) in [
            (payload(0).with("abc", ""), payload(1).with("abc", ""), "1048577 bytes; the bus carries 1048576 at most"),
            (headers(HEADERS_MAX), headers(HEADERS_MAX + 1), "33 headers; the bus carries 32 at most"),
            (header(0), header(1), "4097 bytes of headers; the bus carries 4096 at most"),
        ] {
            let (bytes, count) = (fits.payload.len(), fits.headers.len());
            bus.publish(fits).unwrap();
            let found = next(&mut messages).await;
            assert_eq!((found.payload.len(), found.headers.len()), (bytes, count));
            let error = bus.publish(too_large).unwrap_err();
            assert_eq!(error.to_string(), format!("the message on `to` has {what}"));
        }
        assert_eq!(so_far(&*bus, &mut messages).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_closed_subscription_gives_what_has_come_and_ends() {
    for twin in Twin::both().await {
        let bus = twin.join("here").await;
        let mut messages = bus.subscribe(subject("to")).await.unwrap();
        let mut answers = bus.subscribe(subject("answers")).await.unwrap();
        bus.publish(message("to", "1")).unwrap();
        settle(&*bus).await;
        messages.close().await;
        assert_eq!(next(&mut messages).await.payload, "1");
        assert!(tokio::time::timeout(AMPLE, messages.next()).await.unwrap().is_none());
        settle(&*bus).await;
        bus.publish(message("to", "2").wanting(subject("answers"))).unwrap();
        assert!(next(&mut answers).await.no_responders);
        // One that is dropped is gone as well.
        let dropped = bus.subscribe(subject("to")).await.unwrap();
        drop(dropped);
        settle(&*bus).await;
        bus.publish(message("to", "3").wanting(subject("answers"))).unwrap();
        assert!(next(&mut answers).await.no_responders);
    }
}

async fn assert_cut(bus: &dyn Bus) {
    let error = bus.publish(message("to", "lost")).unwrap_err();
    assert_eq!(error, BusError::Disconnected { subject: "to".to_owned() });
    assert!(error.to_string().contains("the connection to NATS is down"), "{error}");
    assert!(bus.flush(Instant::now() + Duration::from_millis(50)).await.is_err());
}

/// After the connection came back: it works, also for the subscription from before.
async fn assert_mended(bus: &dyn Bus, messages: &mut Subscription) {
    let mut connected = bus.connected();
    tokio::time::timeout(AMPLE, connected.wait_for(|connected| *connected)).await.unwrap().unwrap();
    settle(bus).await;
    bus.publish(message("to", "back")).unwrap();
    assert_eq!(next(messages).await.payload, "back");
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent_or_kept() {
    let (bus, other) = (MemoryBus::new(), MemoryBus::new());
    let there = bus.join();
    let mut messages = bus.subscribe(subject("to")).await.unwrap();
    bus.set_connected(false);
    assert!(!*bus.connected().borrow());
    assert_cut(&bus).await;
    there.publish(message("to", "missed")).unwrap();
    bus.set_connected(true);
    assert_mended(&bus, &mut messages).await;
    other.publish(message("to", "elsewhere")).unwrap();
    assert_eq!(so_far(&bus, &mut messages).await, [""; 0]);
}

#[tokio::test]
async fn a_connection_to_a_server_comes_back() {
    let mut server = Server::start(Options { jetstream: false, ..Options::default() }).await.unwrap();
    let bus = connect(&server.url(), "here").await;
    let mut messages = bus.subscribe(subject("to")).await.unwrap();
    settle(&bus).await;
    let mut connected = bus.connected();
    assert!(*connected.borrow_and_update());
    server.kill().unwrap();
    tokio::time::timeout(AMPLE, connected.wait_for(|connected| !connected)).await.unwrap().unwrap();
    assert_cut(&bus).await;
    server.restart().await.unwrap();
    assert_mended(&bus, &mut messages).await;
}

#[tokio::test]
async fn a_full_subscription_keeps_nothing_from_the_others() {
    let bus = MemoryBus::new();
    let mut slow = bus.subscribe(subject("slow")).await.unwrap();
    let mut quick = bus.subscribe(subject("*")).await.unwrap();
    for _ in 0..PENDING_MAX {
        bus.publish(message("slow", "")).unwrap();
        next(&mut quick).await;
    }
    let error = bus.publish(message("slow", "one more")).unwrap_err();
    assert_eq!(error, BusError::Busy { subject: "slow".to_owned() });
    assert_eq!(next(&mut quick).await.payload, "one more");
    next(&mut slow).await;
    bus.publish(message("slow", "room again")).unwrap();
    assert_eq!(next(&mut quick).await.payload, "room again");
}

#[tokio::test]
async fn a_slow_subscriber_of_a_server_is_counted() {
    let Twin::Nats(server) = Twin::nats().await else { panic!() };
    let bus = connect(&server.url(), "here").await;
    let mut slow = bus.subscribe(subject("slow")).await.unwrap();
    for number in 0..PENDING_MAX {
        bus.publish(message("slow", &number.to_string())).unwrap();
    }
    settle(&bus).await;
    assert_eq!(bus.dropped(), 0);
    bus.publish(message("slow", "too much")).unwrap();
    settle(&bus).await;
    until("the loss is counted", || bus.dropped() == 1).await;
    assert_eq!(so_far(&bus, &mut slow).await.len(), PENDING_MAX);
    bus.publish(message("slow", "room again")).unwrap();
    assert_eq!(next(&mut slow).await.payload, "room again");
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_not_waited_for() {
    let Twin::Nats(mut server) = Twin::nats().await else { panic!() };
    let bus = Arc::new(connect(&server.url(), "here").await);
    settle(&*bus).await;
    server.freeze().unwrap();
    // More than the buffers of the system take, which nobody knows exactly.
    let busy = tokio::task::spawn_blocking({
        let bus = bus.clone();
        move || {
            let payload = Bytes::from(vec![0; 64 << 10]);
            let large = || Message::new(subject("to"), payload.clone());
            let sent = (0..OUTGOING_MAX + 10_000).find_map(|_| bus.publish(large()).err());
            sent.map(|error| error.to_string())
        }
    });
    let busy = busy.await.unwrap();
    assert_eq!(busy.as_deref(), Some("too many messages wait on `to`; try again later"));
    // Nor is a subscription waited for without end.
    let begun = Instant::now();
    let error = bus.subscribe(subject("more")).await.unwrap_err();
    assert_eq!(error, BusError::Disconnected { subject: "more".to_owned() });
    assert!(begun.elapsed() >= SUBSCRIBE_TIME_MAX);
    // It goes on where it stopped.
    server.thaw().unwrap();
    let give_up = soon();
    while bus.flush(give_up).await == Err(BusError::Busy { subject: "lath.l.re.here.here.echo".to_owned() }) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    settle(&*bus).await;
}

#[tokio::test]
async fn what_waited_for_a_lost_connection_is_not_sent_late() {
    let Twin::Nats(mut server) = Twin::nats().await else { panic!() };
    let bus = connect(&server.url(), "here").await;
    let mut messages = bus.subscribe(subject("to")).await.unwrap();
    settle(&bus).await;
    server.freeze().unwrap();
    // Some go into the buffers of the system, some into the client; the others wait.
    for _ in 0..OUTGOING_MAX {
        bus.publish(Message::new(subject("to"), vec![0; 4 << 10])).unwrap();
        tokio::task::yield_now().await;
    }
    let mut connected = bus.connected();
    server.kill().unwrap();
    tokio::time::timeout(AMPLE, connected.wait_for(|connected| !connected)).await.unwrap().unwrap();
    server.restart().await.unwrap();
    tokio::time::timeout(AMPLE, connected.wait_for(|connected| *connected)).await.unwrap().unwrap();
    let late = so_far(&bus, &mut messages).await.len();
    assert!(late <= HANDED_MAX + 1, "{late} messages came late");
}

#[tokio::test]
async fn a_flush_has_a_deadline() {
    let Twin::Nats(mut server) = Twin::nats().await else { panic!() };
    let bus = connect(&server.url(), "here").await;
    bus.flush(soon()).await.unwrap();
    server.freeze().unwrap();
    let error = bus.flush(Instant::now() + Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error, BusError::Deadline { subject: "lath.l.re.here.here.echo".to_owned() });
    server.thaw().unwrap();
    bus.flush(soon()).await.unwrap();
}

/// A member of a group that leaves it while its connection is lost gets nothing of what comes for the group any more: not
/// even where the client has told the server of it once more, and forgotten it since.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_a_group_in_the_moment_of_a_lost_connection_is_out_of_it() {
    let server = Server::start(Options { jetstream: false, sync_always: false, config: None }).await.unwrap();
    let proxy = Proxy::to_port(server.port()).await.unwrap();
    let (stays, leaves) = (connect(&server.url(), "s").await, connect(&proxy.nats_url(), "l").await);
    let (to, group) = ("g.a", || "members".parse().unwrap());
    let mut heard = stays.subscribe_group(subject(to), group()).await.unwrap();
    settle(&stays).await;
    for round in 0..40 {
        let mut leaving = leaves.subscribe_group(subject(to), group()).await.unwrap();
        settle(&leaves).await;
        let lost = async {
            tokio::time::sleep(Duration::from_micros(round % 8 * 50)).await;
            proxy.drop_connections();
        };
        let left = async {
            leaving.close().await;
            while leaving.next().await.is_some() {}
        };
        tokio::join!(lost, left);
        let give_up = Instant::now() + AMPLE;
        while leaves.flush(Instant::now() + Duration::from_secs(1)).await.is_err() {
            assert!(Instant::now() < give_up, "it does not come back");
        }
        for number in 0..20 {
            stays.publish(message(to, &number.to_string())).unwrap();
        }
        assert_eq!(so_far(&stays, &mut heard).await.len(), 20, "round {round}");
    }
}
