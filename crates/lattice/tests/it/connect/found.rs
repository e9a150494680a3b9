//! What a connection finds: buckets as they must be, how the servers store, and who has gone.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures_util::StreamExt as _;
use lattice::connect::{ConnectError, ConnectSettings, Connection};
use lattice::document::Storage;
use lattice::limits::{DELETION_KEPT, REFUSALS_MAX, SERVERS_MAX};
use lattice::store::StoreError;
use rig::nats::{Cluster, Config, Options, Server};

use super::place::{Place, host, now, operator};
use crate::store::PATIENCE;

async fn plain(server: &Server) -> Result<Connection> {
    Ok(Connection::open(ConnectSettings::new(vec![server.url().parse()?], "demo".parse()?)).await?)
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_made_only_if_that_is_wanted() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let connection = plain(&server).await?;
    let missing = connection.buckets(false).await.err().expect("no buckets");
    insta::assert_snapshot!("missing", missing);
    let missing = connection.objects(false).await.err().expect("no objects");
    insta::assert_snapshot!("missing-bytes", missing);
    let (one, two) = (connection.buckets(true), connection.buckets(true));
    let (one, two) = tokio::join!(one, two);
    one?.hosts.put("h1", Bytes::from_static(b"1")).await?;
    assert!(two?.hosts.get("h1").await?.is_some());
    connection.objects(true).await?;
    plain(&server).await?.objects(false).await?;
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_is_kept_otherwise_is_refused() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let connection = plain(&server).await?;
    connection.buckets(true).await?;
    let good = stream_config(&connection).await?;
    let mut told = Vec::new();
    for (key, value) in [
        ("max_msgs_per_subject", serde_json::json!(1)),
        ("allow_direct", serde_json::json!(true)),
        ("max_age", serde_json::json!(60_000_000_000_u64)),
        ("republish", serde_json::json!({ "src": "$KV.lath-demo-intent.>", "dest": "lath.demo.call.>" })),
        ("subjects", serde_json::json!(["$KV.lath-demo-intent.>", "lath.demo.call.>"])),
    ] {
        let mut config = good.clone();
        config[key] = value;
        ask(&connection, "STREAM.UPDATE.KV_lath-demo-intent", &config).await?;
        told.push(connection.buckets(true).await.err().expect("a difference").to_string());
        ask(&connection, "STREAM.DELETE.KV_lath-demo-intent", &serde_json::json!({})).await?;
        ask(&connection, "STREAM.CREATE.KV_lath-demo-intent", &good).await?;
        connection.buckets(false).await?;
    }
    insta::assert_snapshot!("differences", told.join("\n"));
    Ok(())
}

async fn ask(connection: &Connection, request: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
    let answer = connection.client().request(format!("$JS.API.{request}"), body.to_string().into()).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
    assert!(answer.get("error").is_none(), "{request}: {answer}");
    Ok(answer)
}

async fn stream_config(connection: &Connection) -> Result<serde_json::Value> {
    let info = ask(connection, "STREAM.INFO.KV_lath-demo-intent", &serde_json::json!({})).await?;
    Ok(info["config"].clone())
}

#[tokio::test]
async fn servers_tell_how_they_store() -> Result<()> {
    let place = Place::start(None, |text| text).await?;
    let connection = place.join(&operator("alice")).await?;
    assert!(matches!(connection.storage().await, Storage::Unknown { .. }), "there are no buckets yet");
    connection.buckets(true).await?;
    assert_eq!(connection.storage().await, Storage::Safe);
    assert_eq!(place.join(&host("h1")).await?.storage().await, Storage::Safe);

    let unsafe_place = Place::start(None, |text| text.replace("sync_interval: always", "")).await?;
    let connection = unsafe_place.join(&operator("alice")).await?;
    connection.buckets(true).await?;
    let Storage::Unsafe { reason } = connection.storage().await else { panic!("{:?}", connection.storage().await) };
    assert!(reason.contains("set `sync_interval: always`"), "{reason}");

    let silent = Server::start(Options::default()).await?;
    let connection = plain(&silent).await?;
    connection.buckets(true).await?;
    let Storage::Unknown { reason } = connection.storage().await else { panic!("{:?}", connection.storage().await) };
    insta::assert_snapshot!("storage-unknown", reason);
    Ok(())
}

/// Answers as these servers would, of a cluster of so many.
async fn pretend(
    connection: &Connection,
    cluster_size: usize,
    servers: Vec<(String, bool)>,
) -> Result<tokio::task::JoinHandle<()>> {
    let mut asked = connection.client().subscribe(lattice::authority::STORAGE).await?;
    connection.client().flush().await?;
    let client = connection.client().clone();
    Ok(tokio::spawn(async move {
        while let Some(question) = asked.next().await {
            for (name, synced) in &servers {
                let answer = serde_json::json!({
                    "server": { "name": name },
                    "statsz": {
                        "jetstream": {
                            "config": { "sync_always": synced },
                            "meta": { "cluster_size": cluster_size },
                        },
                    },
                });
                let reply = question.reply.clone().expect("a reply subject");
                let _ = client.publish(reply, answer.to_string().into()).await;
            }
        }
    }))
}

#[tokio::test]
async fn storage_is_as_safe_as_the_weakest_server() -> Result<()> {
    let mut told = Vec::new();
    for (cluster_size, servers) in
        [(1, synced(1)), (3, vec![("a".to_owned(), true), ("b".to_owned(), false)]), (3, synced(3))]
    {
        let nats = Server::start(Options::default()).await?;
        let connection = plain(&nats).await?;
        connection.buckets(true).await?;
        pretend(&connection, cluster_size, servers).await?;
        told.push(format!("{:?}", connection.storage().await));
    }
    let cluster = Cluster::start(Options::default()).await?;
    let mut settings = ConnectSettings::new(Vec::new(), "demo".parse()?);
    settings.servers = cluster.url().split(',').map(str::parse).collect::<Result<_, _>>()?;
    settings.replicas = 3;
    for (cluster_size, servers) in [(3, synced(3)), (3, synced(2)), (SERVERS_MAX + 10, synced(SERVERS_MAX + 10))] {
        let connection = Connection::open(settings.clone()).await?;
        let begun = Instant::now();
        while let Err(error) = connection.buckets(true).await {
            assert!(begun.elapsed() < PATIENCE, "{error}");
        }
        // It answers until its connection ends, which is before the next begins.
        let pretender = pretend(&connection, cluster_size, servers).await?;
        told.push(format!("{:?}", connection.storage().await));
        pretender.abort();
        let _ = pretender.await;
        connection.client().flush().await?;
    }
    insta::assert_snapshot!("storage", told.join("\n"));
    Ok(())
}

fn synced(count: usize) -> Vec<(String, bool)> {
    (0..count).map(|n| (format!("s{n}"), true)).collect()
}

/// In a domain JetStream has other subjects, and names messages otherwise.
#[tokio::test]
async fn a_domain_is_reached_by_its_name() -> Result<()> {
    let text = "jetstream { store_dir: \"{store}\", domain: hub, sync_interval: always }\n".to_owned();
    let server = Server::start(Options { config: Some(Config::Text(text)), ..Options::default() }).await?;
    let mut settings = ConnectSettings::new(vec![server.url().parse()?], "demo".parse()?);
    settings.domain = Some("hub".parse()?);
    let connection = Connection::open(settings.clone()).await?;
    let buckets = connection.buckets(true).await?;
    let value = Bytes::from_static(b"1");
    let revision = buckets.hosts.replace("h1", value.clone(), None).await?;
    assert_eq!(buckets.hosts.get("h1").await?.map(|entry| entry.revision), Some(revision));
    let mut watch = buckets.hosts.watch(">").await?;
    assert_eq!(crate::store::all_told(&mut watch, 2).await, ["h1=1", "current"]);
    buckets.hosts.delete("h1").await?;
    assert_eq!(crate::store::told(&mut watch).await.as_deref(), Some("h1=-"));
    let (objects, digest) = (connection.objects(true).await?, model::digest::Digest::of(&value));
    objects.put(digest, value.clone()).await?;
    assert_eq!(objects.get(digest, 1).await?, Some(value));

    settings.domain = Some("elsewhere".parse()?);
    let nowhere = Connection::open(settings).await?.buckets(true).await.err().expect("no such domain");
    insta::assert_snapshot!("no-domain", nowhere);
    Ok(())
}

/// A deletion is remembered for a while, so that whoever watches hears of it, and then takes no room any more.
#[tokio::test]
async fn deletions_are_forgotten_in_time() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let connection = plain(&server).await?;
    let buckets = connection.buckets(true).await?;
    buckets.blueprint.put("shard.a", Bytes::from_static(b"1")).await?;
    buckets.blueprint.delete("shard.a").await?;
    let last = serde_json::json!({ "last_by_subj": "$KV.lath-demo-blueprint.shard.a" });
    let kept = ask(&connection, "STREAM.MSG.GET.KV_lath-demo-blueprint", &last).await?;
    let headers = data_encoding::BASE64.decode(kept["message"]["hdrs"].as_str().unwrap().as_bytes())?;
    let headers = String::from_utf8(headers)?;
    assert!(headers.contains(&format!("Nats-TTL: {}s", DELETION_KEPT.as_secs())), "{headers}");

    // The same with a shorter time, to see that the server does it.
    let mut short = async_nats::HeaderMap::new();
    short.insert("KV-Operation", "DEL");
    short.insert("Nats-TTL", "1s");
    let subject = "$KV.lath-demo-blueprint.shard.a";
    connection.client().request_with_headers(subject, short, Bytes::new()).await?;
    let begun = Instant::now();
    let filter = serde_json::json!({ "subjects_filter": ">" });
    while ask(&connection, "STREAM.INFO.KV_lath-demo-blueprint", &filter).await?["state"]["messages"] != 0 {
        assert!(begun.elapsed() < PATIENCE, "the mark stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    buckets.blueprint.replace("shard.a", Bytes::from_static(b"2"), None).await?;
    Ok(())
}

#[tokio::test]
async fn servers_tell_who_has_gone() -> Result<()> {
    let place = Place::start(None, |text| text).await?;
    let watcher = place.join(&host("h1")).await?;
    let mut departures = watcher.departures().await.expect("a subscription");
    watcher.client().flush().await?;
    let leaver = place.join(&host("h2")).await?;
    leaver.client().drain().await?;
    let gone = tokio::time::timeout(PATIENCE, departures.next()).await?.expect("a departure");
    assert_eq!(gone.user, "host.h2");
    Ok(())
}

/// What is not permitted is refused at once and by name, not after a deadline as if nobody were there.
#[tokio::test]
async fn what_is_not_permitted_is_refused() -> Result<()> {
    let place = Place::start(None, |text| text).await?;
    place.join(&operator("alice")).await?.buckets(true).await?;
    let connection = place.join(&host("h1")).await?;
    let buckets = connection.buckets(true).await?;
    let value = Bytes::from_static(b"1");
    buckets.hosts.put("h1", value.clone()).await?;
    let many = futures_util::future::join_all((0..REFUSALS_MAX + 50).map(|n| {
        let (hosts, value) = (buckets.hosts.clone(), value.clone());
        async move { hosts.put(&format!("other{n}"), value).await }
    }));
    for refused in many.await {
        assert!(matches!(refused, Err(StoreError::Refused { .. } | StoreError::Unavailable { .. })), "{refused:?}");
    }
    for refused in [
        buckets.hosts.put("h2", value.clone()).await.map(drop),
        buckets.intent.replace("shop", value, None).await.map(drop),
        buckets.leases.delete("h2").await,
    ] {
        let Err(StoreError::Refused { reason, .. }) = &refused else { panic!("{refused:?}") };
        assert!(reason.to_lowercase().contains("permissions violation"), "{reason}");
    }
    // All the rest of a host's life is permitted.
    buckets.leases.put("h1", Bytes::from_static(b"1")).await?;
    let mut watch = buckets.intent.watch(">").await?;
    assert_eq!(crate::store::told(&mut watch).await.as_deref(), Some("current"));
    connection.objects(true).await?.list().await?;
    buckets.blueprint.put("root", Bytes::from_static(b"{}")).await?;
    assert_eq!(buckets.blueprint.keys(">").await?, ["root"]);
    Ok(())
}

/// Credentials that were renewed are used as soon as there is a new connection, without a restart.
#[tokio::test]
async fn renewed_credentials_are_read_again() -> Result<()> {
    let place = Place::start(None, |text| text).await?;
    place.join(&operator("alice")).await?.buckets(true).await?;
    let settings = place.settings(&host("h1"), now() + 8)?;
    let connection = Connection::open(settings).await?;
    let buckets = connection.buckets(false).await?;
    buckets.hosts.put("h1", Bytes::from_static(b"1")).await?;
    // The file is replaced; the server ends the connection once the first credentials expire.
    place.settings(&host("h1"), now() + 3600)?;
    let connects = connection.client().statistics();
    let begun = Instant::now();
    while connects.connects.load(std::sync::atomic::Ordering::Relaxed) < 2 {
        assert!(begun.elapsed() < PATIENCE, "the server does not end the connection");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    crate::store::put_at_last(&buckets.hosts, "h1", "2").await;
    Ok(())
}

#[tokio::test]
async fn errors_that_pass_are_told_from_those_that_stay() {
    let stays = ConnectError::Expired { user: "host.h1".to_owned() };
    let passes = ConnectError::Unavailable { bucket: "x".to_owned(), reason: "y".to_owned() };
    assert_eq!((stays.is_passing(), passes.is_passing()), (false, true));
}
