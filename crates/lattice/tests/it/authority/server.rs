//! The servers' configuration: its text, what is refused, and that servers hold to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use lattice::authority::{
    Authority, Endpoint, RouteSecret, Scope, Server, ServerError, Servers, Tls, UnixSeconds, accounts_text, server_text,
};
use rig::nats::{Cluster, Config, Options};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::place::{Place, YEAR, host, now, operator, scope, servers, viewer};
use super::raw::{PATIENCE, Raw, Verdict};

fn three(addresses: [&str; 3], tls: Option<Tls>) -> Servers {
    let server = |(at, address): (usize, &str)| {
        let listen: Endpoint = address.parse().unwrap();
        Server { name: format!("nats-{}", at + 1), advertise: listen.clone(), listen, route_port: 6222 }
    };
    Servers {
        servers: addresses.into_iter().enumerate().map(server).collect(),
        folder: PathBuf::from("/var/lib/lath"),
        tls,
        route_secret: RouteSecret::new("SECRET"),
    }
}

fn tls() -> Tls {
    Tls { cert: "/etc/lath/cert.pem".into(), key: "/etc/lath/key.pem".into(), ca: "/etc/lath/ca.pem".into() }
}

#[test]
fn the_text_of_one_server_and_of_three() {
    let one = servers(Path::new("/var/lib/lath"), None);
    insta::assert_snapshot!("server-one", server_text(&scope(), &one, &one.servers[0]).unwrap());

    let mut three = three(["10.0.0.1:4222", "nats2.example.com:4222", "0.0.0.0:4222"], Some(tls()));
    three.servers[2].advertise = "nats3.example.com:4222".parse().unwrap();
    let scope = Scope::with("demo".parse().unwrap(), None, Some("edge".parse().unwrap())).unwrap();
    let texts: Vec<_> = three.servers.iter().map(|server| server_text(&scope, &three, server).unwrap()).collect();
    insta::assert_snapshot!("server-three", texts.join("\n"));
}

#[test]
fn plain_text_is_for_the_loopback_only() {
    let text = |addresses: [&str; 3], tls| {
        let servers = three(addresses, tls);
        server_text(&scope(), &servers, &servers.servers[0])
    };
    for address in ["0.0.0.0:4222", "[::]:4222", "10.1.2.3:4222", "[fe80::1]:4222", "nats.example.com:4222"] {
        let refused = text(["127.0.0.1:4222", "[::1]:4222", address], None).unwrap_err();
        assert!(matches!(refused, ServerError::PlainText { .. }), "{address}");
        let words = refused.to_string();
        for flag in ["--tls-cert", "--tls-key", "--tls-ca"] {
            assert!(words.contains(flag), "{words}");
        }
        assert!(text(["127.0.0.1:4222", "[::1]:4222", address], Some(tls())).is_ok());
    }
    assert!(text(["127.0.0.1:4222", "127.1.2.3:4222", "localhost:4222"], None).is_ok());
}

#[test]
fn what_cannot_be_configured_is_refused() {
    let two = Servers {
        servers: three(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"], None).servers[..2].to_vec(),
        ..servers(Path::new("/x"), None)
    };
    assert_eq!(server_text(&scope(), &two, &two.servers[0]), Err(ServerError::Count { count: 2 }));
    for path in ["/a\"b", "/a\\b", "/a\nb"] {
        let servers = servers(Path::new(path), None);
        let refused = server_text(&scope(), &servers, &servers.servers[0]).unwrap_err();
        assert!(matches!(refused, ServerError::Path { .. }), "{path}");
    }
    for text in [
        "",
        "4222",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:70000",
        "::1:4222",
        "[::1:4222",
        "a b:1",
        "a\"b:1",
        "-a:1",
        "a..b:1",
        "10.0.0.256:1",
        "a}:1",
    ] {
        assert!(text.parse::<Endpoint>().is_err(), "{text}");
    }
}

/// A server that takes two connections, and 100 bytes in a message: the keys have the effect that their names promise.
#[tokio::test]
async fn servers_hold_to_their_limits() -> Result<()> {
    let smaller = |text: String| {
        text.replace("max_payload: 1048576", "max_payload: 100").replace("max_connections: 4096", "max_connections: 2")
    };
    let place = Place::with(scope(), None, smaller).await?;
    let mut first = place.join(&host("h1")).await?;
    let _second = place.join(&host("h2")).await?;
    let third = place.join(&host("h3")).await.err().map(|error| format!("{error:#}"));
    assert!(third.as_ref().is_some_and(|error| error.contains("maximum connections exceeded")), "{third:?}");
    let refused = first.publish("lath.demo.beat.h1", &"x".repeat(101)).await.unwrap_err();
    assert!(refused.to_string().contains("Maximum Payload Violation"), "{refused}");
    Ok(())
}

/// Likewise of a reader that is too slow, who gets 1 MiB of 64.
#[tokio::test]
async fn a_server_does_not_hold_more_for_a_slow_reader() -> Result<()> {
    let smaller = |text: String| text.replace("max_pending: 67108864", "max_pending: 1048576");
    let place = Place::with(scope(), None, smaller).await?;
    let (mut slow, mut fast) = (place.join(&host("h1")).await?, place.join(&host("h2")).await?);
    assert_eq!(slow.subscribe("lath.demo.beat.*").await?, Verdict::Allowed);
    let payload = "x".repeat(1_000_000);
    let give_up = std::time::Instant::now() + PATIENCE;
    // What the sockets hold as well is not the server's to say.
    while !place.server.log().contains("MaxPending of 1048576 Exceeded") {
        assert!(std::time::Instant::now() < give_up, "{}", place.server.log_tail());
        fast.publish("lath.demo.beat.h2", &payload).await?;
    }
    slow.closed().await;
    Ok(())
}

#[tokio::test]
async fn a_host_sees_that_storage_is_safe_and_who_of_its_lattice_has_gone() -> Result<()> {
    let place = Place::start().await?;
    let mut watcher = place.join(&host("h1")).await?;
    assert_eq!(watcher.subscribe("$SYS.ACCOUNT.*.DISCONNECT").await?, Verdict::Allowed);
    for identity in [host("h1"), viewer("vera"), operator("alice")] {
        let answer = place.join(&identity).await?.request("$SYS.REQ.SERVER.PING.STATSZ", "").await?.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer.payload)?;
        assert_eq!(answer["statsz"]["jetstream"]["config"]["sync_always"], true, "{answer:#}");
    }
    let gone = place.grant(&host("h2"));
    drop(Raw::connect(place.server.port(), &gone).await?);
    let subject = format!("$SYS.ACCOUNT.{}.DISCONNECT", place.authority.account());
    loop {
        let event: serde_json::Value = serde_json::from_str(&watcher.next_on(&subject).await?.payload)?;
        if event["client"]["user"] == gone.key().as_str() {
            return Ok(());
        }
    }
}

/// Three servers as `lath lattice init` sets them up, on ports and in folders of the rig.
pub(crate) async fn cluster(authority: &Authority, tls: Option<Tls>) -> Result<Cluster> {
    let servers = three(["127.0.0.1:4222", "127.0.0.1:4223", "127.0.0.1:4224"], tls);
    let text = server_text(&scope(), &servers, &servers.servers[0])?;
    let accounts = accounts_text(&authority.accounts(&scope(), now(), &BTreeMap::new())?);
    let text = text
        .replace("include \"accounts.conf\"", &accounts)
        .replace("/var/lib/lath", "{folder}")
        .replace("listen: \"127.0.0.1:6222\"", "listen: \"127.0.0.1:{route}\"");
    let routes: String = (1..=3).map(|at| format!("\"nats-route://route:SECRET@127.0.0.1:{{route{at}}}\"\n")).collect();
    let (before, rest) = text.split_once("routes: [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    let text = format!("{before}routes: [\n{routes}]{after}");
    Cluster::start(Options { config: Some(Config::Text(text)), ..Options::default() }).await
}

#[tokio::test]
async fn three_servers_form_a_cluster_that_strangers_cannot_join() -> Result<()> {
    let authority = Authority::generate();
    let cluster = cluster(&authority, None).await?;
    let grant = |identity| authority.grant(&scope(), &identity, now(), UnixSeconds(now().0 + YEAR));
    let [first, second] = [0, 1].map(|at: usize| cluster.servers()[at].port());
    let mut here = Raw::connect(first, &grant(host("h1"))?).await?;
    let mut there = Raw::connect(second, &grant(host("h2"))?).await?;
    there.subscribe("lath.demo.beat.*").await?;
    // Interest travels between servers in its own time.
    let deadline = std::time::Instant::now() + PATIENCE;
    while there.drain().await?.is_empty() {
        assert!(std::time::Instant::now() < deadline, "no message crossed the cluster");
        here.publish("lath.demo.beat.h1", "").await?;
    }
    let answer = here.request("$SYS.REQ.SERVER.PING.STATSZ", "").await?.unwrap();
    assert!(answer.payload.contains("\"sync_always\":true"), "{answer:?}");

    let text = std::fs::read_to_string(cluster.servers()[0].folder().join("server.conf"))?;
    let (_, route) = text.split_once("cluster {").unwrap();
    let address = route.split('"').nth(3).unwrap();
    assert_eq!(route_refusal(address, "GUESS").await?, "-ERR 'Authorization Violation'");
    Ok(())
}

/// What a server tells somebody who would like to be one of the cluster.
async fn route_refusal(address: &str, secret: &str) -> Result<String> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let connect = format!(
        "CONNECT {{\"user\":\"route\",\"pass\":\"{secret}\",\"verbose\":false,\"name\":\"x\",\"cluster\":\"lath-demo\"}}\r\n"
    );
    stream.get_mut().write_all(connect.as_bytes()).await?;
    loop {
        let mut line = String::new();
        if timeout(PATIENCE, stream.read_line(&mut line)).await?? == 0 || line.starts_with("-ERR") {
            return Ok(line.trim_end().to_owned());
        }
    }
}
