//! Requests of an actor into the world, to servers that a test states and names that it resolves.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use engine::CallContext;
use engine::http::{Body, HttpError, Patience, Requests};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use provider::http::outgoing::{Client, Resolve, Roots, Settings, System};
use provider::limits::{
    ADDRESSES_TRIED_MAX, BETWEEN_BYTES_TIMEOUT, CONNECT_TIMEOUT, CONNECTIONS_OUT_IDLE_MAX, CONNECTIONS_OUT_MAX,
    FIRST_BYTE_TIMEOUT, HEADER_BYTES_MAX, HEADERS_MAX, IDLE_TIMEOUT, LOOKUPS_OUT_MAX, SIGN_OF_LIFE_TIMEOUT,
};
use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Short enough for a test.
const SHORT: Duration = Duration::from_millis(100);
/// Longer than anything here may take.
const AGES: Duration = Duration::from_secs(30);

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
    let body = answer(client, url, patience).await?.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

async fn answer(client: &Client, url: &str, patience: Patience) -> Result<Response<Body>, HttpError> {
    let body: Body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::builder().uri(url).body(body).unwrap();
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60));
    client.send(request, patience, &call).await
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
    // Where an operator says where to, any address will do.
    let names = Arc::new(Names { answers: vec!["127.0.0.1".parse().unwrap()], ..Names::default() });
    let operators = Client::new(Settings { inside: true, resolver: names, ..settings(&[&granted]) });
    assert_eq!(send(&operators, &format!("{granted}/")).await.unwrap(), "page");
    assert_eq!(send(&operators, &format!("http://127.0.0.1:{port}/")).await, Err(HttpError::Denied));
}

/// What one name may lead to is nothing that another may, nor is the second of several addresses.
#[tokio::test]
async fn an_address_inside_is_passed_over_whoever_else_has_it() {
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\npage";
    let (port, connections) = server(closing).await;
    let (name, ours) = (format!("http://localhost:{port}"), format!("http://api.example.com:{port}"));
    let names = Arc::new(Names { answers: vec!["127.0.0.1".parse().unwrap()], ..Names::default() });
    let client = Client::new(Settings { resolver: names, ..settings(&[&name, &ours]) });
    assert_eq!(send(&client, &format!("{name}/")).await.unwrap(), "page");
    assert_eq!(send(&client, &format!("{ours}/")).await, Err(HttpError::Prohibited));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    let both = Arc::new(Both(["127.0.0.1", "::1", "192.0.2.1"].map(|text| text.parse().unwrap())));
    let client = Client::new(Settings { resolver: both, ..settings(&[&ours]) });
    assert_eq!(send(&client, &format!("{ours}/")).await, Err(HttpError::Prohibited));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// A name with several addresses, none of which is outside.
#[derive(Debug)]
struct Both([IpAddr; 3]);

impl Resolve for Both {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::ready(Ok(self.0.to_vec())))
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_none() {
    let (client, _) = client(&["http://api.example.com"], &[]);
    assert!(matches!(send(&client, "http://api.example.com/").await, Err(HttpError::Dns(_))));
}

/// 16 lookups at once: those that were given up still have their threads.
#[tokio::test]
async fn lookups_are_bounded() {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    let resolver = Arc::new(System::with(|_| {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        drop(GATE.1.wait_timeout_while(GATE.0.lock().unwrap(), Duration::from_secs(60), |is_open| !*is_open));
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }));
    let (port, _) = server(PAGE).await;
    let granted = format!("http://localhost:{port}");
    let client = Client::new(Settings { resolver, ..settings(&[&granted]) });
    let hasty = Patience { connect: Some(SHORT), ..Patience::default() };
    let urls: Vec<_> = (0..2 * LOOKUPS_OUT_MAX).map(|page| format!("{granted}/{page}")).collect();
    let answers = join_all(urls.iter().map(|url| send_with(&client, url, hasty))).await;
    assert!(answers.iter().all(|answer| *answer == Err(HttpError::ConnectTimeout)), "{answers:?}");
    let again = send_with(&client, &granted, hasty).await;
    assert_eq!((again, BEGUN.load(Ordering::Relaxed)), (Err(HttpError::ConnectTimeout), LOOKUPS_OUT_MAX));
    *GATE.0.lock().unwrap() = true;
    GATE.1.notify_all();
    assert_eq!(send(&client, &granted).await.unwrap(), "page");
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

/// Connections that wait for their next request give way to those that are wanted now, and no other does.
#[tokio::test]
async fn idle_connections_give_way() {
    let mut ports = Vec::new();
    for _ in 0..4 {
        ports.push(server(PAGE).await.0);
    }
    let (stuck, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npa").await;
    let granted: Vec<_> = ports.iter().chain([&stuck]).map(|port| format!("http://127.0.0.1:{port}")).collect();
    let granted: Vec<_> = granted.iter().map(String::as_str).collect();
    let client = Client::new(Settings { connections: 2, ..settings(&granted) });
    let url = |port: u16| format!("http://127.0.0.1:{port}/");
    // Twice as many origins as connections, one after the other, with one of the connections in use.
    let half = answer(&client, &url(stuck), Patience::default()).await.unwrap();
    for port in ports.iter().chain(&ports) {
        assert_eq!(send(&client, &url(*port)).await.unwrap(), "page");
    }
    let mut half = half.into_body();
    assert_eq!(half.frame().await.unwrap().unwrap().into_data().unwrap(), "pa");
    assert!(half.frame().now_or_never().is_none(), "the connection in use was cut");
}

/// A request that may have reached a server is not sent again, whatever its method; one that cannot have is.
#[tokio::test]
async fn nothing_is_sent_twice() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, accepted) = (Arc::clone(&heard), Arc::clone(&taken));
    tokio::spawn(async move {
        // The first connection answers once, takes a second request, and goes away; so does each after it.
        while let Ok((mut stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::Relaxed);
            let mut buffer = [0; 1024];
            for answer in [PAGE, ""] {
                if stream.read(&mut buffer).await.unwrap_or(0) == 0 {
                    break;
                }
                counted.fetch_add(1, Ordering::Relaxed);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    let granted = format!("http://127.0.0.1:{port}");
    let client = Client::new(settings(&[&granted]));
    for round in 0..3 {
        assert_eq!(send(&client, &format!("{granted}/")).await.unwrap(), "page");
        assert!(matches!(send(&client, &format!("{granted}/")).await, Err(HttpError::Terminated(_))));
        assert_eq!(heard.load(Ordering::Relaxed), 2 * (round + 1));
        assert_eq!(taken.load(Ordering::Relaxed), round + 1);
    }
}

/// A redirect is an answer like others: who follows it needs the grant for where it leads.
#[tokio::test]
async fn redirects_lead_nowhere_by_themselves() {
    let (inside, connections) = server(PAGE).await;
    let head = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n");
    let (outside, _) = server(head.leak()).await;
    let client = Client::new(settings(&[&format!("http://127.0.0.1:{outside}")]));
    let answer = answer(&client, &format!("http://127.0.0.1:{outside}/"), Patience::default()).await.unwrap();
    assert_eq!(answer.status(), 302);
    let to = answer.headers()["location"].to_str().unwrap();
    assert_eq!(send(&client, to).await, Err(HttpError::Denied));
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

/// What answers may have of headers and trailers is bounded as for requests: 100, and 32 KiB.
#[tokio::test]
async fn headers_of_answers_are_bounded() {
    let answer = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}content-length: 4\r\n\r\npage").leak();
    let many = HEADERS_MAX - 1;
    for (text, is_taken) in [
        (answer(&"a: b\r\n".repeat(many)), true),
        (answer(&"a: b\r\n".repeat(many + 1)), false),
        (answer(&format!("a: {}\r\n", "b".repeat(HEADER_BYTES_MAX / 2))), true),
        (answer(&format!("a: {}\r\n", "b".repeat(2 * HEADER_BYTES_MAX))), false),
    ] {
        let (port, _) = server(text).await;
        let granted = format!("http://127.0.0.1:{port}");
        let got = send(&Client::new(settings(&[&granted])), &format!("{granted}/")).await;
        if is_taken {
            assert_eq!(got.unwrap(), "page");
        } else {
            assert!(matches!(got, Err(HttpError::Protocol(_))), "{got:?}");
        }
    }
    let bomb = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: a\r\n\r\n0\r\n{}\r\n",
        "a: b\r\n".repeat(HEADERS_MAX * 2)
    );
    let (port, _) = server(bomb.leak()).await;
    let granted = format!("http://127.0.0.1:{port}");
    let got = send(&Client::new(settings(&[&granted])), &format!("{granted}/")).await;
    assert!(matches!(got, Err(HttpError::Incomplete(_))), "{got:?}");
}

/// What would let a server read another request than was checked is not sent.
#[tokio::test]
async fn headers_of_the_connection_are_not_the_actors() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
        stream.write_all(PAGE.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    let granted = format!("http://127.0.0.1:{port}");
    let client = Client::new(settings(&[&granted]));
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60));
    let body = || -> Body { Empty::new().map_err(|never| match never {}).boxed_unsync() };
    let request = |headers: &[(&'static str, &'static str)]| {
        let start = Request::builder().uri(format!("{granted}/"));
        headers.iter().fold(start, |request, (name, value)| request.header(*name, *value)).body(body()).unwrap()
    };
    for lengths in [&[("content-length", "4")][..], &[("content-length", "0"), ("content-length", "4")]] {
        let sent = client.send(request(lengths), Patience::default(), &call).await;
        assert!(matches!(sent, Err(HttpError::Protocol(_))), "{lengths:?}");
    }
    let connection = [
        ("host", "other.example"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "1"),
        ("proxy-connection", "1"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("x-end", "1"),
    ];
    client.send(request(&connection), Patience::default(), &call).await.unwrap();
    let heard = server.await.unwrap();
    assert_eq!(heard, format!("GET / HTTP/1.1\r\nx-end: 1\r\nhost: 127.0.0.1:{port}\r\n\r\n"));
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
    // The time for a connection is over once there is one.
    let patience = Patience { connect: Some(AGES), first_byte: Some(SHORT), between_bytes: None };
    let ours = Client::new(Settings { connect: AGES, ..settings(&granted) });
    let answered = tokio::time::timeout(AGES, send_with(&ours, &url(silent), patience)).await;
    assert_eq!(answered, Ok(Err(HttpError::AnswerTimeout)));
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

/// A certificate for `localhost`, and who takes connections with it that speak one of these protocols.
fn tls(protocols: &[&[u8]]) -> (CertificateDer<'static>, TlsAcceptor) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (made.cert.der().clone(), TlsAcceptor::from(Arc::new(config)))
}

/// A server that falls silent is not asked for ever: its connection ends, and the next request has a new one.
#[tokio::test]
async fn a_silent_connection_of_http2_is_given_up() {
    let (certificate, acceptor) = tls(&[b"h2"]);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let (asked, frozen) = (AtomicUsize::new(0), Arc::new(Notify::new()));
            tokio::spawn(async move {
                let service = service_fn(|_: Request<Incoming>| {
                    let freezes = (asked.fetch_add(1, Ordering::Relaxed) > 0).then(|| Arc::clone(&frozen));
                    async move {
                        if let Some(frozen) = freezes {
                            frozen.notify_one();
                            std::future::pending::<()>().await;
                        }
                        Ok::<_, Infallible>(Response::new("page".to_owned()))
                    }
                });
                let mut serving = pin!(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service));
                tokio::select! {
                    _ = serving.as_mut() => {}
                    // It is held, and nobody looks at it any more.
                    () = frozen.notified() => std::future::pending().await,
                }
            });
        }
    });
    let granted = format!("https://localhost:{port}");
    let roots = Roots::with([certificate]);
    let client = Client::new(Settings { roots, sign_of_life: SHORT, ..settings(&[&granted]) });
    for _ in 0..2 {
        assert_eq!(send(&client, &granted).await.unwrap(), "page");
        assert!(matches!(send(&client, &granted).await, Err(HttpError::Terminated(_))));
    }
    assert_eq!(SIGN_OF_LIFE_TIMEOUT, Duration::from_secs(10));
}

#[tokio::test]
async fn certificates_are_checked() {
    let (certificate, acceptor) = tls(&[]);
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
    let roots = Roots::with([certificate]);
    let friend = Client::new(Settings { roots: roots.clone(), ..settings(&[&granted]) });
    assert_eq!(send(&friend, &url).await.unwrap(), "page");
    // Trusted, though for another name: neither the address behind it nor another name is meant by it.
    for other in ["127.0.0.1", "localhost.example.com"] {
        let granted = format!("https://{other}:{port}");
        let resolver = Arc::new(System::with(|_| Ok(vec!["127.0.0.1".parse().unwrap()])));
        let client = Client::new(Settings { roots: roots.clone(), resolver, inside: true, ..settings(&[&granted]) });
        let answer = send(&client, &granted).await;
        assert!(matches!(answer, Err(HttpError::Certificate(_))), "{other}: {answer:?}");
    }
}
