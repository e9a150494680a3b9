//! Why there is no connection: every text, with what to do about it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use lattice::authority::{Authority, Scope, Tls, UnixSeconds};
use lattice::connect::{ConnectError, ConnectSettings, Connection, ServerUrl};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rig::nats::{Options, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::place::{Place, host, now};
use crate::store::PATIENCE;

fn settings(url: &str) -> ConnectSettings {
    ConnectSettings::new(vec![url.parse().unwrap()], "demo".parse().unwrap())
}

/// The error, without what differs from run to run.
async fn error(settings: ConnectSettings) -> (ConnectError, String) {
    let ports: Vec<String> =
        settings.servers.iter().map(|s| s.to_string().rsplit(':').next().unwrap().to_owned()).collect();
    let folder = settings.credentials.as_ref().and_then(|path| path.parent()).map(|path| path.display().to_string());
    let error = Connection::open(settings).await.err().expect("no connection");
    let mut text = error.to_string();
    for port in ports {
        text = text.replace(&port, "PORT");
    }
    (error, folder.map_or(text.clone(), |folder| text.replace(&folder, "FOLDER")))
}

/// A server that greets every client with a line and then says nothing.
async fn greeter(line: &'static str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("nats://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(line.as_bytes()).await;
                let mut sink = [0; 1024];
                while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    Ok(url)
}

const OLD: &str = "INFO {\"server_id\":\"A\",\"server_name\":\"old\",\"version\":\"2.9.10\",\"proto\":1,\"max_payload\":1048576,\"headers\":true,\"host\":\"127.0.0.1\",\"port\":4222,\"go\":\"go1\"}\r\n";

#[tokio::test]
async fn nobody_there() -> Result<()> {
    let free = { std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port() };
    let (kind, text) = error(settings(&format!("nats://127.0.0.1:{free}"))).await;
    assert!(kind.is_passing(), "{kind:?}");
    insta::assert_snapshot!("unreachable", text);

    let mut none = settings("nats://127.0.0.1:1");
    none.servers.clear();
    insta::assert_snapshot!("no-servers", error(none).await.1);
    Ok(())
}

#[tokio::test]
async fn something_else_there() -> Result<()> {
    let url = greeter("HTTP/1.1 400 Bad Request\r\n\r\n").await?;
    let (kind, text) = error(settings(&url)).await;
    assert!(!kind.is_passing(), "{kind:?}");
    insta::assert_snapshot!("not-nats", text);
    Ok(())
}

#[tokio::test]
async fn an_old_server() -> Result<()> {
    insta::assert_snapshot!("version", error(settings(&greeter(OLD).await?)).await.1);
    Ok(())
}

/// Each of the servers takes its time; all together may take no longer than the deadline.
#[tokio::test]
async fn servers_that_greet_and_say_no_more() -> Result<()> {
    const SILENT: &str = "INFO {\"server_id\":\"A\",\"server_name\":\"s\",\"version\":\"2.15.1\",\"proto\":1,\"max_payload\":1048576,\"headers\":true,\"host\":\"127.0.0.1\",\"port\":4222,\"go\":\"go1\"}\r\n";
    let mut silent = settings(&greeter(SILENT).await?);
    for _ in 0..7 {
        silent.servers.push(greeter(SILENT).await?.parse()?);
    }
    let (kind, text) = tokio::time::timeout(PATIENCE, error(silent)).await?;
    assert!(kind.is_passing(), "{kind:?}");
    insta::assert_snapshot!("silent", text);
    Ok(())
}

#[tokio::test]
async fn plain_text_off_the_loopback() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    // This address reaches the loopback and is none of it, as far as anybody can tell from its text.
    let url = format!("nats://[::ffff:127.0.0.1]:{}", server.port());
    let (kind, text) = error(settings(&url)).await;
    assert!(matches!(kind, ConnectError::PlainText { .. }), "{kind:?}");
    insta::assert_snapshot!("plain-text", text);
    Connection::open(settings(&format!("nats://localhost:{}", server.port()))).await?;
    Ok(())
}

#[tokio::test]
async fn wrong_credentials() -> Result<()> {
    let place = Place::start(None, |text| text).await?;
    let mut good = place.settings(&host("h1"), now() + 3600)?;
    insta::assert_snapshot!("no-credentials", error(settings(&place.server.url())).await.1);

    // Nobody has revoked it: its time is over.
    let (kind, text) = error(place.settings(&host("h2"), now() - 10)?).await;
    assert!(!kind.is_passing(), "{kind:?}");
    insta::assert_snapshot!("expired", text);

    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| -> Result<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let stranger = Authority::generate();
    let scope = Scope::new("demo".parse()?);
    let stranger = stranger.grant(&scope, &host("h1"), UnixSeconds(now() - 60), UnixSeconds(now() + 3600))?;
    good.credentials = Some(write("stranger.creds", &stranger.reveal())?);
    insta::assert_snapshot!("stranger", error(good.clone()).await.1);

    good.credentials = Some(write("broken.creds", "-----BEGIN NATS USER JWT-----\n")?);
    insta::assert_snapshot!("broken-credentials", error(good.clone()).await.1);
    let too_long = "x".repeat(usize::try_from(lattice::limits::CREDENTIALS_BYTES_MAX)? + 1);
    good.credentials = Some(write("long.creds", &too_long)?);
    insta::assert_snapshot!("long-credentials", error(good.clone()).await.1);
    good.credentials = Some(folder.path().join("none.creds"));
    insta::assert_snapshot!("missing-credentials", error(good).await.1);
    Ok(())
}

/// Writes the certificate of a new signer for `name`, and the signer's own, into `folder`.
fn certify(name: &str, folder: &Path) -> Result<Tls> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signer = KeyPair::generate()?;
    let ca = params.self_signed(&signer)?.pem();
    let (issuer, key) = (Issuer::new(params, signer), KeyPair::generate()?);
    let cert = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &issuer)?;
    let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem"), ca: folder.join("ca.pem") };
    std::fs::write(&tls.cert, cert.pem())?;
    std::fs::write(&tls.key, key.serialize_pem())?;
    std::fs::write(&tls.ca, ca)?;
    Ok(tls)
}

#[tokio::test]
async fn wrong_certificates() -> Result<()> {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let tls = certify("127.0.0.1", folder.path())?;
    let stranger = certify("127.0.0.1", other.path())?;
    let place = Place::start(Some(tls.clone()), |text| text).await?;
    let mut good = place.settings(&host("h1"), now() + 3600)?;
    good.tls.ca = Some(tls.ca);
    let connection = Connection::open(good.clone()).await?;
    assert_eq!(connection.user(), Some("host.h1"));
    connection.buckets(true).await?;

    good.tls.ca = Some(stranger.ca);
    let (kind, text) = error(good).await;
    assert!(matches!(kind, ConnectError::Tls { .. }), "{kind:?}");
    insta::assert_snapshot!("wrong-signer", text);
    Ok(())
}

#[test]
fn addresses_of_servers() {
    for (text, shown, loopback) in [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222", true),
        ("localhost", "nats://localhost:4222", true),
        ("tls://LOCALHOST:1", "tls://localhost:1", true),
        ("nats://[::1]:4222", "nats://[::1]:4222", true),
        ("nats://127.8.9.1:4222", "nats://127.8.9.1:4222", true),
        ("nats://10.0.0.1:4222", "nats://10.0.0.1:4222", false),
        ("nats.example.com:4223", "nats://nats.example.com:4223", false),
        ("nats://localhost.example.com", "nats://localhost.example.com:4222", false),
        ("nats://127.0.0.1.example.com", "nats://127.0.0.1.example.com:4222", false),
        ("nats://[::ffff:127.0.0.1]:4222", "nats://[::ffff:7f00:1]:4222", false),
    ] {
        let url: ServerUrl = text.parse().unwrap();
        assert_eq!((url.to_string().to_lowercase(), url.is_loopback()), (shown.to_owned(), loopback), "{text}");
    }
    let refused = ["", "http://a", "ws://a:80", "nats://me:secret@a:4222", "nats://token@a", "nats://a:x"];
    let errors: Vec<String> = refused.iter().map(|text| text.parse::<ServerUrl>().unwrap_err().to_string()).collect();
    assert!(errors.iter().all(|error| !error.contains("secret") && !error.contains("token")), "{errors:?}");
    insta::assert_snapshot!("addresses", errors.join("\n"));
}
