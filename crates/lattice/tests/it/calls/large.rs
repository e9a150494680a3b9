//! Payloads that travel in chunks.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::bus::Message;
use lattice::call::Call;
use lattice::chunk::{Announcement, Signal};
use lattice::limits::{
    ASSEMBLIES_BYTES_MAX, ASSEMBLIES_MAX, CHUNK_BYTES_MAX, CHUNK_WINDOW, CHUNKED_BYTES_MAX, STALL_MAX, WHOLE_BYTES_MAX,
};
use lattice::subject::{Subject, Token};
use rig::nats::{Config, Options, Server};

use super::scene::{CALLEE, CALLER, CALLS_MAX, Raw, Scene, call, told, within};
use crate::twin::{Twin, host, settle, subjects, until};

fn payload(bytes: usize) -> Bytes {
    (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_arrives_as_it_was_sent() {
    for (scene, twin) in Scene::both().await {
        let mut tap = scene.tap(&twin).await;
        for (bytes, chunked) in [
            (WHOLE_BYTES_MAX, false),
            (WHOLE_BYTES_MAX + 1, true),
            (2 * CHUNK_BYTES_MAX + 1, true),
            (12 * CHUNK_BYTES_MAX, true),
            (5_000_000, true),
        ] {
            let payload = payload(bytes);
            assert!(scene.call("echo", payload.clone()).await.unwrap() == payload, "{bytes} bytes are not the same");
            let messages = scene.messages(&mut tap).await;
            assert_eq!(messages.len() > 2, chunked, "{bytes} bytes in {} messages", messages.len());
            assert!(messages.iter().all(|message| message.payload.len() <= WHOLE_BYTES_MAX));
        }
        until("all have ended", || scene.server.stats().running == 0).await;
        assert_eq!((scene.caller.stats().pending, scene.server.stats().cancelled), (0, 0));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_payload_is_bounded() {
    for (scene, _twin) in Scene::both().await {
        let answer = scene.call("grow", CHUNKED_BYTES_MAX.to_string()).await.unwrap();
        assert!(answer.len() == CHUNKED_BYTES_MAX && answer.iter().all(|byte| *byte == 7));
        let over = CHUNKED_BYTES_MAX + 1;
        assert_eq!(
            scene.told("grow", over.to_string()).await,
            "Unknown host-error: the result has 67108865 bytes; 67108864 is the most over the lattice"
        );
        let begun = scene.echo.begun();
        assert_eq!(
            scene.told("echo", vec![0; over]).await,
            "NotStarted invalid-parameter: the payload has 67108865 bytes; 67108864 is the most over the lattice"
        );
        assert_eq!(scene.echo.begun(), begun);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_small_messages_gets_small_chunks() {
    let text = "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{http}\"\nmax_payload: 16384\n";
    let config = Some(Config::Text(text.to_owned()));
    let twin = Twin::Nats(Server::start(Options { jetstream: false, sync_always: false, config }).await.unwrap());
    let scene = Scene::on(&twin).await;
    let mut tap = scene.tap(&twin).await;
    let payload = payload(300_000);
    assert!(scene.call("echo", payload.clone()).await.unwrap() == payload);
    assert!(scene.messages(&mut tap).await.iter().all(|message| message.payload.len() <= 16_384 - 4096));
    scene.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_refused_before_it_is_sent() {
    for (scene, twin) in Scene::both().await {
        let mut tap = scene.tap(&twin).await;
        let answer = scene.told("denied", payload(5_000_000)).await;
        assert_eq!(answer, "NotStarted invalid-parameter: denied");
        let sent: usize = scene.messages(&mut tap).await.iter().map(|message| message.payload.len()).sum();
        assert!(sent < 1000, "{sent} bytes were sent for nothing");
        drop(tap);
        settle(&*scene.here).await;
        let gone = told(scene.call_at("gone", call("echo", payload(5_000_000))).await);
        assert!(gone.starts_with("NotStarted transport: nobody answers on"), "{gone}");
        assert_eq!(scene.caller.stats().pending, 0);
        scene.drain().await;
    }
}

/// Announces two chunks and a half, and sends these numbers of them. What the callee says to that.
async fn upload(raw: &mut Raw, number: u64, chunks: &[u64], spoil: bool) -> String {
    let (id, payload) = (raw.id(number), payload(5 * CHUNK_BYTES_MAX / 2));
    let announced = Announcement::of(&payload).unwrap();
    raw.send(announced.on(raw.message(id, &within(2_000, call("echo", "")))));
    let granted = Signal::from_message(&raw.next().await);
    assert_eq!(granted, Some(Signal::Credit(id, CHUNK_WINDOW)));
    for chunk in chunks {
        let start = usize::try_from(*chunk).unwrap() * CHUNK_BYTES_MAX;
        let mut bytes = payload[start.min(payload.len() - 1)..payload.len().min(start + CHUNK_BYTES_MAX)].to_vec();
        bytes[0] ^= u8::from(spoil);
        let mut message = Signal::Chunk(id, *chunk).to_message(raw.subject());
        message.payload = bytes.into();
        raw.send(message);
    }
    loop {
        let message = raw.next().await;
        if Signal::from_message(&message).is_none() {
            return match lattice::call::Answer::from_message(&message).unwrap() {
                lattice::call::Answer::Whole(result) => told(result),
                lattice::call::Answer::Chunks(_) => {
                    raw.send(Signal::Cancel(id).to_message(raw.subject()));
                    "taken".to_owned()
                }
            };
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_doubled_overtaken_or_damaged_chunk_is_an_error() {
    let order = |found: u64, expected: u64| {
        let lost = "it was lost, doubled or overtaken on the way";
        format!("NotStarted transport: chunk {found} came where chunk {expected} was due; {lost}")
    };
    let damaged = "NotStarted transport: the payload is damaged: its CRC-32 is ".to_owned();
    let stalled = "NotStarted deadline-exceeded: a payload in chunks made no progress".to_owned();
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let rows = [
            (&[0, 1, 2][..], false, "taken".to_owned()),
            (&[0, 2], false, order(2, 1)),
            (&[1, 0], false, order(1, 0)),
            (&[0, 0], false, order(0, 1)),
            (&[2], false, order(2, 0)),
            (&[0, 1, 2], true, damaged.clone()),
            (&[0, 1], false, stalled.clone()),
            (&[], false, stalled.clone()),
        ];
        for (number, (chunks, spoil, expected)) in (1..).zip(rows) {
            let told = upload(&mut raw, number, chunks, spoil).await;
            assert!(told.starts_with(&expected), "{chunks:?} {told}");
        }
        // Only the one that came whole was served.
        assert_eq!(scene.echo.begun(), 1);
        until("nothing is left", || scene.server.stats().running == 0).await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_chunks_ends_the_call_and_nothing_else() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let id = raw.id(1);
        let announced = Announcement { bytes: CHUNKED_BYTES_MAX, crc32: 0 };
        raw.send(announced.on(raw.message(id, &call("echo", ""))));
        raw.next().await;
        let flood = |raw: &Raw, count: u64| {
            for number in 0..count {
                let mut message = Signal::Chunk(id, number).to_message(raw.subject());
                message.payload = vec![0; 1024].into();
                raw.send(message);
            }
        };
        // More than the window at once, again and again: whatever is taken of it, the end is an answer and no growth.
        flood(&raw, 1_000);
        let told = loop {
            let message = raw.next().await;
            if Signal::from_message(&message).is_none() {
                break format!("{:?}", lattice::call::Answer::from_message(&message).unwrap());
            }
        };
        assert!(told.contains("NotStarted"), "{told}");
        flood(&raw, 100);
        raw.send(raw.message(raw.id(2), &call("echo", "still there")));
        assert_eq!(raw.told().await, "still there");
        assert_eq!(scene.echo.begun(), 1);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_put_together_at_once_are_bounded() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let many = lattice::calls::Server::start(
        scene.there.clone(),
        subjects(),
        host("many"),
        scene.echo.clone(),
        ASSEMBLIES_MAX * 2,
    );
    let many = many.await.unwrap();
    let mut raw = Raw::new(&twin, "c", "many").await;
    let refused = "NotStarted host-error: host many already takes 16 large payloads, or as many bytes as it may";
    let mut number = 0;
    for (bytes, fit) in [(1_000_000, ASSEMBLIES_MAX), (CHUNKED_BYTES_MAX, ASSEMBLIES_BYTES_MAX / CHUNKED_BYTES_MAX)] {
        let mut open = Vec::new();
        for _ in 0..fit {
            number += 1;
            open.push(raw.id(number));
            raw.send(Announcement { bytes, crc32: 0 }.on(raw.message(raw.id(number), &call("echo", ""))));
            assert!(matches!(Signal::from_message(&raw.next().await), Some(Signal::Credit(..))));
        }
        number += 1;
        raw.send(Announcement { bytes, crc32: 0 }.on(raw.message(raw.id(number), &call("echo", ""))));
        let told = raw.told().await;
        assert!(told.starts_with(refused), "{told}");
        // Their caller goes, and there is room again.
        for id in open {
            raw.send(Signal::Cancel(id).to_message(raw.subject()));
        }
        until("there is room again", || many.stats().running == 0).await;
    }
    many.drain(crate::twin::soon()).await;
    scene.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_at_once_wait_for_each_other() {
    // More than may be put together at once: each waits for its turn, and none fails.
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let answers = (0..CALLS_MAX).map(|_| scene.call("grow", "50000000"));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.unwrap().len(), 50_000_000);
    }
    scene.drain().await;
}

/// Answers one call by hand, with an announcement of two chunks and a half, and these chunks.
async fn download(twin: &Twin, scene: &Scene, chunks: &[u64], spoil: bool, end: Option<Message>) -> String {
    let bus = twin.join("odd").await;
    let mut calls = bus.subscribe(subjects().calls(&host("odd"))).await.unwrap();
    settle(&*bus).await;
    let payload = payload(5 * CHUNK_BYTES_MAX / 2);
    let serve = async {
        // That the call before was given up may come late; it wants no answer.
        let reply: Subject = loop {
            if let Some(reply) = calls.next().await.unwrap().reply {
                break reply;
            }
        };
        let announced = Announcement::of(&payload).unwrap();
        bus.publish(announced.on(Message::new(reply.clone(), ""))).unwrap();
        let Some(Signal::Credit(id, CHUNK_WINDOW)) = Signal::from_message(&calls.next().await.unwrap()) else {
            panic!("no credit")
        };
        for chunk in chunks {
            let start = usize::try_from(*chunk).unwrap() * CHUNK_BYTES_MAX;
            let mut bytes = payload[start..payload.len().min(start + CHUNK_BYTES_MAX)].to_vec();
            bytes[0] ^= u8::from(spoil);
            let mut message = Signal::Chunk(id, *chunk).to_message(reply.clone());
            message.payload = bytes.into();
            bus.publish(message).unwrap();
        }
        if let Some(end) = end {
            bus.publish(Message { subject: reply, ..end }).unwrap();
        }
    };
    let call = within(2_000, call("echo", ""));
    let (answer, ()) = tokio::join!(scene.call_at("odd", call), serve);
    answer.map(|found| (found == payload).to_string()).unwrap_or_else(|failure| told(Err(failure)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_that_is_damaged_is_unknown() {
    for (scene, twin) in Scene::both().await {
        let error = || Message::new(subjects().echo(&host(CALLER)), "gave up").with("lath-error", "host-error");
        for (chunks, spoil, end, expected) in [
            (&[0, 1, 2][..], false, None, "true"),
            (&[0, 2], false, None, "Unknown transport: chunk 2 came where chunk 1 was due"),
            (&[0, 0], false, None, "Unknown transport: chunk 0 came where chunk 1 was due"),
            (&[0, 1, 2], true, None, "Unknown transport: the payload is damaged: its CRC-32 is"),
            (
                &[0, 1],
                false,
                None,
                "Unknown deadline-exceeded: a payload in chunks on `lath.l.call.odd.a` made no progress",
            ),
            (&[0], false, Some(error()), "Unknown host-error: gave up"),
            (&[0], false, Some(Message::new(subjects().echo(&host(CALLER)), "x")), "Unknown rpc: a second answer came"),
        ] {
            let told = download(&twin, &scene, chunks, spoil, end).await;
            assert!(told.starts_with(expected), "{chunks:?} {told}");
        }
        assert_eq!(scene.caller.stats().pending, 0);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_ends_the_transfer() {
    for (scene, twin) in Scene::both().await {
        // While it takes a large answer: it grants, and then goes.
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        raw.send(raw.message(raw.id(1), &call("grow", "5000000")));
        assert!(raw.told().await.starts_with("Announcement"));
        raw.send(Signal::Credit(raw.id(1), 1).to_message(raw.subject()));
        assert_eq!(Signal::from_message(&raw.next().await), Some(Signal::Chunk(raw.id(1), 0)));
        assert_eq!(scene.server.stats().running, 1);
        raw.send(Signal::Cancel(raw.id(1)).to_message(raw.subject()));
        until("it has ended", || scene.server.stats().running == 0).await;
        // While it sends a large payload.
        raw.send(Announcement { bytes: 5_000_000, crc32: 0 }.on(raw.message(raw.id(2), &call("echo", ""))));
        assert_eq!(Signal::from_message(&raw.next().await), Some(Signal::Credit(raw.id(2), CHUNK_WINDOW)));
        raw.send(Signal::Cancel(raw.id(2)).to_message(raw.subject()));
        until("it has ended", || scene.server.stats().running == 0).await;
        assert_eq!((scene.echo.begun(), scene.server.stats().cancelled), (1, 2));
        scene.drain().await;
    }
}

/// On a clock that jumps ahead where nothing else is to do.
#[tokio::test(start_paused = true)]
async fn a_transfer_without_progress_ends_long_before_a_long_deadline() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let begun = tokio::time::Instant::now();
    // The other end never grants.
    let silent = twin.join("silent").await;
    let _calls = silent.subscribe(subjects().calls(&host("silent"))).await.unwrap();
    let hour = Call { deadline: Instant::now() + Duration::from_secs(3600), ..call("echo", payload(1_000_000)) };
    let answer = told(scene.call_at("silent", hour).await);
    let text = "NotStarted deadline-exceeded: a payload in chunks on `lath.l.call.silent.a` made no progress for 5 s";
    assert!(answer.starts_with(text), "{answer}");
    assert!(begun.elapsed() >= STALL_MAX - Duration::from_secs(1) && begun.elapsed() < STALL_MAX * 10);
    // The other end never sends.
    let reply = subjects().reply(&host("c"), &Token::from(&host(CALLEE)), &"1-1".parse().unwrap());
    let mut answers = silent.subscribe(reply.clone()).await.unwrap();
    let request = call("echo", "").to_message(subjects().call(&host(CALLEE), &host("c"))).wanting(reply);
    silent.publish(Announcement { bytes: 1_000_000, crc32: 0 }.on(request)).unwrap();
    assert!(Signal::from_message(&answers.next().await.unwrap()).is_some());
    let answer = answers.next().await.unwrap();
    assert_eq!(answer.headers.get("lath-error"), Some("deadline-exceeded"));
    assert_eq!(answer.payload, "a payload in chunks made no progress for 5 s, or until the deadline");
}
