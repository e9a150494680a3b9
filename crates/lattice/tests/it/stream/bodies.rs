//! Bodies as they travel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lattice::limits::{STREAM_HEAD_BYTES_MAX, STREAM_PART_BYTES_MAX, STREAM_WINDOW_BYTES};
use lattice::stream::{Frame, Outgoing};
use rig::nats::{Config, Options, Server};

use super::scene::{Scene, by_hand, data, made, rest};
use crate::twin::{Twin, settle, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_small_request_with_a_small_answer_is_one_message_each() {
    for (scene, twin) in Scene::both().await {
        let (bus, mut tap) = scene.tap(&twin).await;
        for (head, body, answer) in
            [("hello", "", "hello\n"), ("whole", "as it is", "as it is"), ("from", "", "a @ingress")]
        {
            assert_eq!(scene.ask(head, body).await, (answer.into(), None, None), "{head}");
            scene.at_rest().await;
            for bus in [&scene.here, &scene.there, &bus] {
                settle(&**bus).await;
            }
            let mut subjects = Vec::new();
            while let Ok(Some(message)) = tokio::time::timeout(Duration::ZERO, tap.next()).await {
                if !message.subject.as_str().ends_with(".echo") {
                    subjects.push(message.subject.to_string());
                }
            }
            assert_eq!(subjects.len(), 2, "{head}: {subjects:?}");
            assert!(subjects[0].ends_with(".call.b.a") && subjects[1].contains(".re.a.b."), "{subjects:?}");
        }
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_travel_both_ways_at_once_and_nobody_holds_them() {
    // More than any window, buffer and queue together.
    const FRAMES: usize = 640;
    const SIZE: usize = 65_536;
    for (scene, _twin) in Scene::both().await {
        let asked = Arc::new(AtomicUsize::new(0));
        let mut answer = scene.open("echo", made(FRAMES, SIZE, asked.clone())).await.unwrap();
        assert_eq!(answer.head, "echo");
        let mut read = 0;
        while let Some(frame) = answer.body.next().await {
            let Frame::Data(bytes) = frame.unwrap() else { panic!("trailers") };
            for (at, byte) in bytes.iter().enumerate() {
                assert_eq!(usize::from(*byte), (read + at) / SIZE % 251);
            }
            read += bytes.len();
            // Two windows, and what each maker was asked for ahead of them.
            let ahead = asked.load(Ordering::SeqCst) - read;
            assert!(ahead <= 2 * STREAM_WINDOW_BYTES as usize + 4 * SIZE, "{ahead} bytes are on their way");
        }
        assert_eq!(read, FRAMES * SIZE);
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_its_maker_up() {
    for (scene, _twin) in Scene::both().await {
        let mut answer = scene.open("big/1000", Outgoing::whole(Bytes::new())).await.unwrap();
        let most = STREAM_WINDOW_BYTES as usize + 2 * 65_536;
        // It is asked for a window, and for no more while nobody reads.
        until("a window is made", || scene.served.made.load(Ordering::SeqCst) >= STREAM_WINDOW_BYTES as usize).await;
        settle(&*scene.here).await;
        assert!(scene.served.made.load(Ordering::SeqCst) <= most);
        assert_eq!(rest(&mut answer.body).await.0.len(), 1000 * 65_536);
        // So it is the other way round.
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = scene.open("keep", made(1000, 65_536, asked.clone())).await.unwrap();
        settle(&*scene.here).await;
        assert!(asked.load(Ordering::SeqCst) <= 2 * STREAM_PART_BYTES_MAX);
        drop(answer);
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_frame_is_there_before_the_next_is_made() {
    for (scene, _twin) in Scene::both().await {
        let (frames, body) = by_hand();
        frames.send(data("one")).await.unwrap();
        let mut answer = scene.open("echo", body).await.unwrap();
        assert_eq!(answer.body.next().await, Some(data("one")));
        for text in ["two", "three"] {
            frames.send(data(text)).await.unwrap();
            assert_eq!(answer.body.next().await, Some(data(text)));
        }
        drop(frames);
        assert_eq!(rest(&mut answer.body).await, (Vec::new(), None, None));
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_follow_bodies_of_any_size() {
    for (scene, _twin) in Scene::both().await {
        for size in [0, 3, 100_000] {
            let (frames, body) = by_hand();
            let sent = Bytes::from(vec![7; size]);
            let (answer, ()) = tokio::join!(scene.open("echo", body), async {
                // As much as may be on its way without anybody reading the answer.
                for _ in 0..6 {
                    frames.send(Ok(Frame::Data(vec![1; 65_536].into()))).await.unwrap();
                }
                frames.send(Ok(Frame::Trailers(sent.clone()))).await.unwrap();
                drop(frames);
            });
            let (bytes, trailers, broken) = rest(&mut answer.unwrap().body).await;
            assert_eq!((bytes.len(), broken), (6 * 65_536, None));
            assert!(trailers == Some(sent), "{size}");
        }
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_trailers_are_bounded() {
    for (scene, _twin) in Scene::both().await {
        let most = STREAM_HEAD_BYTES_MAX;
        let answer = scene.open(&format!("head/{most}"), Outgoing::whole(Bytes::new())).await.unwrap();
        assert_eq!(answer.head.len(), most);
        drop(answer);
        let over = scene.open(&format!("head/{}", most + 1), Outgoing::whole(Bytes::new())).await.unwrap_err();
        assert_eq!(
            over.failure.to_string(),
            "rpc: the head of the answer has 262145 bytes; 262144 is the most over the lattice"
        );
        let over = scene.open(&"x".repeat(most + 1), Outgoing::whole("kept".into())).await.unwrap_err();
        assert_eq!(over.failure.to_string(), "host-error: a head of 262145 bytes; 262144 is the most over the lattice");
        assert!(over.body.is_some());
        assert_eq!(scene.ask(&format!("trailers/{most}"), "").await.1.unwrap().len(), most);
        let (body, trailers, broken) = scene.ask(&format!("trailers/{}", most + 1), "").await;
        let told = "trailers of 262145 bytes; 262144 is the most over the lattice";
        assert_eq!((body, trailers, broken.as_deref()), (b"body".to_vec(), None, Some(told)));
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_small_messages_gets_small_parts() {
    let text = "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{http}\"\nmax_payload: 16384\n";
    let config = Some(Config::Text(text.to_owned()));
    let twin = Twin::Nats(Server::start(Options { jetstream: false, sync_always: false, config }).await.unwrap());
    let scene = Scene::on(&twin).await;
    let body: Bytes = (0..300_000_usize).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let (echoed, _, broken) = scene.ask("echo", body.clone()).await;
    assert!(echoed == body && broken.is_none(), "{broken:?}");
    // A head that does not fit into a message is refused, and not sent in vain.
    let over = scene.open(&"x".repeat(16_000), Outgoing::whole(Bytes::new())).await.unwrap_err();
    assert_eq!(over.failure.to_string(), "host-error: a head of 16000 bytes; 12288 is the most over the lattice");
    scene.at_rest().await;
    scene.drain().await;
}
