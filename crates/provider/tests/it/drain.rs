//! The end of an ingress.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use provider::http::Ingress;
use tokio::sync::Notify;

use crate::server::{Client, PATIENCE, Seen, all, echo, handler, settings, start};

struct Scene {
    ingress: Ingress,
    /// An actor was called.
    asked: Arc<Notify>,
    /// It may answer.
    answer: Arc<Notify>,
    client: Client,
}

/// An ingress with one request under way and one idle connection.
async fn scene() -> (Scene, Client) {
    let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (asked.clone(), answer.clone());
    let actor = handler(move |seen: Seen| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            if seen.path == "/wait" {
                tell.notify_one();
                wait.notified().await;
            }
            echo(seen).await
        }
    });
    let ingress = start(settings(), all(), actor);
    let mut idle = Client::connect(ingress.address());
    assert_eq!(idle.get("/").status(), 200);
    let mut client = Client::connect(ingress.address());
    client.write("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    asked.notified().await;
    (Scene { ingress, asked, answer, client }, idle)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_requests_finish_and_new_ones_are_refused() {
    let (mut scene, mut idle) = scene().await;
    let address = scene.ingress.address();
    let draining = tokio::spawn(scene.ingress.drain(PATIENCE));
    assert_eq!(idle.read_to_end(), "", "an idle connection is closed");
    while TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!draining.is_finished(), "a request is under way");
    scene.answer.notify_one();
    let reply = scene.client.read();
    assert_eq!((reply.status(), reply.header("connection")), (200, Some("close")));
    assert_eq!(draining.await.unwrap().cut, 0);
    drop(scene.asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patience_ends() {
    let (mut scene, _idle) = scene().await;
    let drained = scene.ingress.drain(Duration::ZERO).await;
    assert_eq!(drained.cut, 1, "the request; an idle connection loses nothing");
    assert_eq!(scene.client.read_to_end(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_ingress_cuts_at_once() {
    let (mut scene, mut idle) = scene().await;
    drop(scene.ingress);
    assert_eq!(scene.client.read_to_end(), "");
    assert_eq!(idle.read_to_end(), "");
}
