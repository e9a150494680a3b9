//! The bounds of requests that go to their actor as they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use engine::http::{Body, HttpError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Response;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName};
use provider::http::{Exchange, Handler, HttpCall, Ingress, Settings};
use provider::limits::{STREAMED_BYTES_MAX, STREAMS_MAX};

use crate::server::{Client, all, settings, start};

/// An actor that reads its request to the end and answers its length; with a body that is broken off it fails, or where
/// the path is `/told`, it tells why.
struct Reader;

impl Handler for Reader {
    fn call<'a>(&'a self, _: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        unreachable!("it takes requests as they come")
    }

    fn streams(&self, _: &AppName, _: &ActorName, _: &[ActorName]) -> bool {
        true
    }

    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        async move {
            let tells = exchange.request.uri().path() == "/told";
            let status = match exchange.request.uri().path() {
                "/switch" => 101,
                _ => 200,
            };
            let text = match exchange.request.into_body().collect().await {
                Ok(body) => body.to_bytes().len().to_string(),
                Err(error) if tells => error.to_string(),
                Err(error) => return Err(Failure::unknown(RpcError::ActorHandler(error.to_string()))),
            };
            let body = Full::from(text).map_err(|never| -> HttpError { match never {} }).boxed_unsync();
            Ok(Response::builder().status(status).body(body).unwrap())
        }
        .boxed()
    }
}

fn reader(settings: Settings) -> Ingress {
    start(settings, all(), Arc::new(Reader))
}

/// What comes of these bytes, until the connection ends.
fn ask(ingress: &Ingress, bytes: &str) -> String {
    let mut client = Client::connect(ingress.address());
    client.write(bytes);
    client.read_to_end()
}

fn chunked(path: &str, chunks: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")
}

#[test]
fn bodies_have_a_bound() {
    assert_eq!(settings().streamed_bytes, STREAMED_BYTES_MAX);
    let ingress = reader(Settings { streamed_bytes: 4, ..settings() });
    let stated = "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 5\r\n\r\n";
    for (request, status) in [
        (chunked("/", "4\r\nabcd\r\n0\r\n\r\n"), "200"),
        (chunked("/", "5\r\nabcde\r\n0\r\n\r\n"), "413"),
        (chunked("/", "zz\r\n"), "400"),
        (stated.to_owned(), "413"),
        // An actor that bears it says what it likes.
        (chunked("/told", "5\r\nabcde\r\n0\r\n\r\n"), "200"),
        (chunked("/switch", "0\r\n\r\n"), "502"),
    ] {
        let answer = ask(&ingress, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}\n{answer}");
    }
}

#[test]
fn slow_bodies_are_broken_off() {
    let ingress = reader(Settings { body_read_timeout: Duration::from_millis(100), ..settings() });
    let answer = ask(&ingress, &chunked("/", "4\r\nabcd\r\n"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// An actor that never answers; counts the requests that it has, and has had.
#[derive(Default)]
struct Sleeper {
    now: Arc<()>,
    begun: AtomicUsize,
    most: AtomicUsize,
}

impl Handler for Sleeper {
    fn call<'a>(&'a self, _: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        unreachable!("it takes requests as they come")
    }

    fn streams(&self, _: &AppName, _: &ActorName, _: &[ActorName]) -> bool {
        true
    }

    fn exchange<'a>(&'a self, _: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        async move {
            let held = Arc::clone(&self.now);
            self.begun.fetch_add(1, Ordering::Relaxed);
            self.most.fetch_max(Arc::strong_count(&held) - 1, Ordering::Relaxed);
            std::future::pending().await
        }
        .boxed()
    }
}

/// A client that resets its requests as soon as they run has no more of them at once than others have.
#[tokio::test]
async fn rapid_resets_leave_nothing_behind() {
    let sleeper = Arc::new(Sleeper::default());
    let ingress = start(settings(), all(), sleeper.clone());
    let stream = tokio::net::TcpStream::connect(ingress.address()).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    for round in 1..=10 {
        let requests = (0..STREAMS_MAX).map(|_| {
            let request = http::Request::get("http://h/").body(Empty::<Bytes>::new()).unwrap();
            sender.clone().send_request(request)
        });
        let mut requests: Vec<_> = requests.map(Box::pin).collect();
        let wanted = round * STREAMS_MAX as usize;
        while sleeper.begun.load(Ordering::Relaxed) < wanted {
            assert!(tokio::time::Instant::now() < deadline, "{round}");
            requests.iter_mut().for_each(|request| assert!(request.now_or_never().is_none()));
            tokio::task::yield_now().await;
        }
        drop(requests);
        while Arc::strong_count(&sleeper.now) > 1 {
            assert!(tokio::time::Instant::now() < deadline, "{round}");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(sleeper.most.load(Ordering::Relaxed), STREAMS_MAX as usize);
}

#[test]
fn connections_are_not_upgraded() {
    let ingress = reader(settings());
    let upgrade = "GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n";
    // Clients that offer HTTP/2 beside their request get their answer.
    for offered in ["h2c", "H2C", "h2c, h2c"] {
        let answer = ask(&ingress, &upgrade.replace("websocket", offered));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{offered}: {answer}");
    }
    let answer = ask(&ingress, &upgrade.replace("websocket", "h2c, websocket"));
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    let answer = ask(&ingress, upgrade);
    assert!(answer.starts_with("HTTP/1.1 501 ") && answer.contains("urn:lath:problem:upgrade"), "{answer}");
}
