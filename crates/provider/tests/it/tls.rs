//! TLS of the ingress: both protocols, certificates that change, and clients that take their time.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::http::{Body, HttpError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::failure::Failure;
use model::ids::{ActorName, AppName};
use provider::http::{Exchange, Handler, HttpCall, Ingress, Settings, TlsError, TlsFiles};
use provider::limits::{HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, TLS_FILE_BYTES_MAX, TLS_LOOK_INTERVAL};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::server::{Client, PATIENCE, all, settings, start, start_echo};

/// A certificate and its key, as PEM.
struct Pair {
    cert: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        Self { cert: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap()
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { cert: folder.join("www.pem"), key: folder.join("www.key") }
}

fn write(files: &TlsFiles, pair: &Pair) {
    std::fs::write(&files.cert, &pair.cert).unwrap();
    std::fs::write(&files.key, &pair.key).unwrap();
}

/// A folder with a pair, the pair, and the settings of an ingress that has it.
fn secured() -> (TempDir, Pair, Settings) {
    let (folder, pair) = (TempDir::new().unwrap(), Pair::new());
    write(&files(folder.path()), &pair);
    let settings = Settings { tls: Some(files(folder.path())), ..settings() };
    (folder, pair, settings)
}

/// A connection of a client that trusts these pairs alone.
async fn connect(address: SocketAddr, trusted: &[&Pair], alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|pair| roots.add(pair.der()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let connected = connector.connect(ServerName::try_from("localhost").unwrap(), stream);
    tokio::time::timeout(PATIENCE, connected).await.unwrap()
}

/// The chain that an ingress shows.
async fn shown(address: SocketAddr, trusted: &[&Pair]) -> CertificateDer<'static> {
    let stream = connect(address, trusted, &[]).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

async fn get(stream: TlsStream<TcpStream>) -> String {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().uri("/a?b").header("host", "shop.example.com");
    text(sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap()).await
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// An actor that answers the URI of its request.
struct Told;

impl Handler for Told {
    fn call<'a>(&'a self, _: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        unreachable!("it takes requests as they come")
    }

    fn streams(&self, _: &AppName, _: &ActorName, _: &[ActorName]) -> bool {
        true
    }

    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        let uri = exchange.request.uri().to_string();
        let body = Full::from(uri).map_err(|never| -> HttpError { match never {} }).boxed_unsync();
        std::future::ready(Ok(Response::new(body))).boxed()
    }
}

#[tokio::test]
async fn both_protocols_are_spoken_and_actors_are_told_the_scheme() {
    let (_folder, pair, settings) = secured();
    let ingress = start(settings, all(), Arc::new(Told));
    for alpn in [&[][..], &[&b"http/1.1"[..]]] {
        let stream = connect(ingress.address(), &[&pair], alpn).await.unwrap();
        assert_eq!(get(stream).await, "https://shop.example.com/a?b");
    }
    let stream = connect(ingress.address(), &[&pair], &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let stream = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for scheme in ["https", "http"] {
        let request = Request::builder().uri(format!("{scheme}://shop.example.com/a?b"));
        let response = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(text(response).await, "https://shop.example.com/a?b");
    }
}

#[tokio::test]
async fn requests_that_are_calls_work_as_without() {
    let (_folder, pair, settings) = secured();
    let ingress = start_echo(settings);
    let stream = connect(ingress.address(), &[&pair], &[]).await.unwrap();
    assert_eq!(get(stream).await, "web GET /a ?b [host=shop.example.com] ");
}

#[tokio::test]
async fn who_speaks_no_tls_is_sent_away() {
    let (_folder, pair, settings) = secured();
    let ingress = start_echo(settings);
    let address = ingress.address();
    let plain = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(address);
        client.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.read_to_end()
    });
    assert!(!plain.await.unwrap().contains("HTTP/1.1"));
    assert!(get(connect(address, &[&pair], &[]).await.unwrap()).await.starts_with("web"));
}

/// A client that sends nothing, and the others that are served meanwhile.
#[tokio::test]
async fn a_slow_handshake_is_cut_off_and_holds_up_nobody() {
    assert_eq!(settings().handshake_timeout, HANDSHAKE_TIMEOUT);
    let (_folder, pair, settings) = secured();
    let timeout = Duration::from_millis(500);
    let ingress = start_echo(Settings { handshake_timeout: timeout, ..settings });
    let address = ingress.address();
    let mut slow: Vec<_> = (0..8).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    // The beginning of a handshake.
    slow[0].write_all(&[0x16, 0x03, 0x01]).unwrap();
    assert!(get(connect(address, &[&pair], &[]).await.unwrap()).await.starts_with("web"));
    let cut = tokio::task::spawn_blocking(move || {
        slow.iter_mut().for_each(|stream| {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // The end, or a reset: not the client's own patience.
            let ended = stream.read(&mut [0; 64]);
            assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
        });
    });
    cut.await.unwrap();
}

#[tokio::test]
async fn handshakes_have_a_bound_of_their_own() {
    assert_eq!(settings().handshakes, HANDSHAKES_MAX);
    let (_folder, pair, settings) = secured();
    let ingress = start_echo(Settings { handshakes: 1, handshake_timeout: PATIENCE * 10, ..settings });
    let address = ingress.address();
    let served = connect(address, &[&pair], &[]).await.unwrap();
    let slow = TcpStream::connect(address).await.unwrap();
    // It may not have been accepted yet.
    let begun = Instant::now();
    while connect(address, &[&pair], &[]).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the bound does not hold");
    }
    // A connection that is past its handshake does not count.
    assert!(get(served).await.starts_with("web"));
    drop(slow);
    while connect(address, &[&pair], &[]).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the place is not given back");
    }
}

/// Asks without a pause, each time on a new connection, and counts.
fn traffic(ingress: &Ingress, trusted: [Pair; 2], until: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let (address, until) = (ingress.address(), until.clone());
    tokio::spawn(async move {
        let mut answers = 0;
        while !until.load(Ordering::Relaxed) {
            let [one, two] = &trusted;
            assert!(get(connect(address, &[one, two], &[]).await.unwrap()).await.starts_with("web"));
            answers += 1;
        }
        answers
    })
}

fn copy(pair: &Pair) -> Pair {
    Pair { cert: pair.cert.clone(), key: pair.key.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_without_a_failed_request() {
    let (folder, old, settings) = secured();
    let (files, new, ended) = (files(folder.path()), Pair::new(), Arc::new(AtomicBool::new(false)));
    let ingress = start_echo(settings);
    let traffic = traffic(&ingress, [copy(&old), copy(&new)], &ended);
    assert_eq!(shown(ingress.address(), &[&old]).await, old.der());
    let held = connect(ingress.address(), &[&old], &[]).await.unwrap();
    // Half of it: the certificate has a key that is not its own for a while, and then none.
    let begun = Instant::now();
    for (path, text) in [(&files.cert, &*new.cert), (&files.key, "no key"), (&files.cert, "-----BEGIN CERT")] {
        std::fs::write(path, text).unwrap();
        let seen = Instant::now();
        while seen.elapsed() < TLS_LOOK_INTERVAL * 3 / 2 {
            assert_eq!(shown(ingress.address(), &[&old, &new]).await, old.der());
        }
    }
    write(&files, &new);
    while shown(ingress.address(), &[&old, &new]).await != new.der() {
        assert!(begun.elapsed() < PATIENCE, "the new certificate is not taken");
    }
    assert!(get(held).await.starts_with("web"));
    ended.store(true, Ordering::Relaxed);
    assert!(traffic.await.unwrap() > 0);
}

#[test]
fn files_that_cannot_be_used_end_the_start() {
    type Case = (&'static str, fn(&TlsFiles), fn(&TlsError) -> bool, &'static str);
    let cases: [Case; 6] = [
        (
            "no chain",
            |files| std::fs::remove_file(&files.cert).unwrap(),
            |e| matches!(e, TlsError::Read { .. }),
            "www.pem",
        ),
        (
            "no key",
            |files| std::fs::remove_file(&files.key).unwrap(),
            |e| matches!(e, TlsError::Read { .. }),
            "www.key",
        ),
        (
            "an empty chain",
            |files| std::fs::write(&files.cert, "").unwrap(),
            |e| matches!(e, TlsError::Chain { .. }),
            "www.pem",
        ),
        (
            "a wrong key",
            |files| std::fs::write(&files.key, "key").unwrap(),
            |e| matches!(e, TlsError::Key { .. }),
            "www.key",
        ),
        (
            "the key of another",
            |files| std::fs::write(&files.key, Pair::new().key).unwrap(),
            |e| matches!(e, TlsError::Pair { .. }),
            "www.key",
        ),
        (
            "a long file",
            |files| {
                let length = usize::try_from(TLS_FILE_BYTES_MAX).unwrap() + 1;
                std::fs::write(&files.cert, vec![b'x'; length]).unwrap();
            },
            |e| matches!(e, TlsError::Read { .. }),
            "www.pem",
        ),
    ];
    for (name, spoil, is_expected, file) in cases {
        let (folder, _, settings) = secured();
        spoil(&files(folder.path()));
        let listener = provider::http::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let Err(provider::http::IngressError::Tls(error)) = Ingress::start(listener, settings, all(), Arc::new(Told))
        else {
            panic!("{name}: it starts")
        };
        assert!(is_expected(&error) && error.to_string().contains(file), "{name}: {error}");
    }
}
