//! Requests of an actor into the world, to servers that a test states and names that it resolves.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::CallContext;
use engine::http::{Body, HttpError, Patience, Requests};
use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::{BodyExt, Empty};
use provider::http::outgoing::{Client, Resolve, Roots, Settings};
use provider::limits::{
    ADDRESSES_TRIED_MAX, BETWEEN_BYTES_TIMEOUT, CONNECT_TIMEOUT, CONNECTIONS_OUT_IDLE_MAX, CONNECTIONS_OUT_MAX,
    FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT,
};
use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Short enough for a test.
const SHORT: Duration = Duration::from_millis(100);

/// Names lead where a test says: another address each time that one is asked for.
#[derive(Debug, Default)]
struct Names {
    answers: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(asked.min(self.answers.len().saturating_sub(1))).copied();
        Box::pin(std::future::ready(Ok(answer.into_iter().collect())))
    }
}

fn settings(granted: &[&str]) -> Settings {
    Settings::new(granted.iter().map(|text| text.parse().unwrap()).collect(), Roots::web())
}

fn client(granted: &[&str], answers: &[&str]) -> (Client, Arc<Names>) {
    let answers = answers.iter().map(|text| text.parse().unwrap()).collect();
    let names = Arc::new(Names { answers, ..Names::default() });
    (Client::new(Settings { resolver: names.clone(), ..settings(granted) }), names)
}

async fn send(client: &Client, url: &str) -> Result<String, HttpError> {
    send_with(client, url, Patience::default()).await
}

async fn send_with(client: &Client, url: &str, patience: Patience) -> Result<String, HttpError> {
    let body: Body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::builder().uri(url).body(body).unwrap();
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60));
    let answer = client.send(request, patience, &call).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// A server that answers each request with these bytes, if any. Gives its port and counts its connections.
async fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream, answer));
        }
    });
    (port, connections)
}

async fn serve(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, answer: &'static str) {
    let (mut taken, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        taken.extend_from_slice(&buffer[..count]);
        if taken.ends_with(b"\r\n\r\n") {
            taken.clear();
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage";

#[tokio::test]
async fn only_granted_origins_are_asked() {
    let (client, names) = client(&["https://api.example.com", "http://*.internal.example:8080"], &["127.0.0.1"]);
    for url in [
        "http://api.example.com/",
        "https://api.example.com:444/",
        "https://example.com/",
        "https://api.example.com.evil.example/",
        "http://internal.example:8080/",
        "http://127.0.0.1/",
        "http://[::1]:8080/",
    ] {
        assert_eq!(send(&client, url).await, Err(HttpError::Denied), "{url}");
    }
    for url in ["https://user@api.example.com/", "https://api.example.com:/", "https://api.example.com:99999/"] {
        assert!(matches!(send(&client, url).await, Err(HttpError::Address(_))), "{url}");
    }
    // Nobody was even looked up.
    assert_eq!(names.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn names_do_not_lead_inside() {
    let (port, connections) = server(PAGE).await;
    let granted = format!("http://api.example.com:{port}");
    for inside in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"] {
        let (client, names) = client(&[&granted], &[inside]);
        let url = format!("http://api.example.com:{port}/");
        assert_eq!(send(&client, &url).await, Err(HttpError::Prohibited), "{inside}");
        // A name is looked up once for a connection: no second answer is connected to.
        assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 0);
    // The same addresses, where the grant names them.
    let (direct, names) = client(&[&format!("http://127.0.0.1:{port}")], &[]);
    assert_eq!(send(&direct, &format!("http://127.0.0.1:{port}/")).await.unwrap(), "page");
    assert_eq!(names.asked.load(Ordering::Relaxed), 0);
    let (local, _) = client(&[&format!("http://localhost:{port}")], &["127.0.0.1"]);
    assert_eq!(send(&local, &format!("http://localhost:{port}/")).await.unwrap(), "page");
}

#[tokio::test]
async fn a_name_without_an_address_is_none() {
    let (client, _) = client(&["http://api.example.com"], &[]);
    assert!(matches!(send(&client, "http://api.example.com/").await, Err(HttpError::Dns(_))));
}

#[tokio::test]
async fn connections_are_kept_and_counted() {
    let (port, connections) = server(PAGE).await;
    let (granted, url) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
    let (one, other) = (Client::new(settings(&[&granted])), Client::new(settings(&[&granted])));
    for _ in 0..3 {
        assert_eq!(send(&one, &url).await.unwrap(), "page");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    // One actor's connection is not another's.
    assert_eq!(send(&other, &url).await.unwrap(), "page");
    assert_eq!(connections.load(Ordering::Relaxed), 2);
    // A server that never answers holds both connections that there may be.
    let (silent, _) = server("").await;
    let granted = format!("http://127.0.0.1:{silent}");
    let few = Client::new(Settings { connections: 2, connect: SHORT, ..settings(&[&granted]) });
    let url = format!("http://127.0.0.1:{silent}/");
    let never = async || send(&few, &url).await;
    let third = async {
        // Its turn comes after the others have connected, or before: one of the three is refused.
        never().await
    };
    let refused = tokio::select! {
        answer = never() => answer,
        answer = never() => answer,
        answer = third => answer,
    };
    assert_eq!(refused, Err(HttpError::ConnectionLimit));
    assert_eq!((CONNECTIONS_OUT_MAX, CONNECTIONS_OUT_IDLE_MAX, ADDRESSES_TRIED_MAX), (64, 16, 4));
    assert_eq!(IDLE_TIMEOUT, Duration::from_secs(30));
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let (silent, _) = server("").await;
    let (stuck, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npa").await;
    let granted = [format!("http://127.0.0.1:{silent}"), format!("http://127.0.0.1:{stuck}")];
    let granted = granted.each_ref().map(String::as_str);
    let url = |port: u16| format!("http://127.0.0.1:{port}/");
    let ours = Client::new(Settings { connect: SHORT, first_byte: SHORT, between_bytes: SHORT, ..settings(&granted) });
    assert_eq!(send(&ours, &url(silent)).await, Err(HttpError::AnswerTimeout));
    assert_eq!(send(&ours, &url(stuck)).await, Err(HttpError::BodyTimeout));
    // What the actor asks for holds where it is less.
    let theirs = Client::new(settings(&granted));
    let patience = Patience { connect: Some(SHORT), first_byte: Some(SHORT), between_bytes: Some(SHORT) };
    assert_eq!(send_with(&theirs, &url(silent), patience).await, Err(HttpError::AnswerTimeout));
    assert_eq!(send_with(&theirs, &url(stuck), patience).await, Err(HttpError::BodyTimeout));
    let seconds = [CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, BETWEEN_BYTES_TIMEOUT].map(|timeout| timeout.as_secs());
    assert_eq!(seconds, [10, 60, 30]);
}

#[tokio::test]
async fn answers_that_are_none_or_too_large_are_errors() {
    let (nonsense, _) = server("SMTP ready\r\n\r\n").await;
    let (short, _) = server("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").await;
    let (page, _) = server(PAGE).await;
    let granted = [nonsense, short, page].map(|port| format!("http://127.0.0.1:{port}"));
    let granted = granted.each_ref().map(String::as_str);
    let client = Client::new(Settings { body_bytes: 3, ..settings(&granted) });
    let url = |port: u16| format!("http://127.0.0.1:{port}/");
    assert!(matches!(send(&client, &url(nonsense)).await, Err(HttpError::Protocol(_))));
    assert!(matches!(send(&client, &url(short)).await, Err(HttpError::Incomplete(_))));
    assert_eq!(send(&client, &url(page)).await, Err(HttpError::AnswerSize(3)));
}

#[tokio::test]
async fn certificates_are_checked() {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, PAGE).await;
                }
            });
        }
    });
    let (granted, url) = (format!("https://localhost:{port}"), format!("https://localhost:{port}/"));
    let stranger = Client::new(settings(&[&granted]));
    assert!(matches!(send(&stranger, &url).await, Err(HttpError::Certificate(_))));
    let roots = Roots::with([made.cert.der().clone()]);
    let friend = Client::new(Settings { roots, ..settings(&[&granted]) });
    assert_eq!(send(&friend, &url).await.unwrap(), "page");
}
