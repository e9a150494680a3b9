//! What servers and networks do to a bucket.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use lattice::connect::{ConnectSettings, Connection};
use lattice::limits::{WATCH_BATCH, WATCH_PENDING_MAX};
use lattice::store::{Bucket, StoreError};
use rig::nats::{Cluster, Options, Server};
use rig::proxy::{Direction, Proxy};

use super::twins::connect;
use super::{PATIENCE, bytes, put_at_last, text, told};

/// Reads until the watch ends, and gives what it told.
async fn to_the_end(watch: &mut lattice::store::Watch) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(told) = told(watch).await {
        all.push(told);
    }
    all
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_killed_server() -> Result<()> {
    let mut server = Server::start(Options::default()).await?;
    let buckets = connect(&server.url()).await?.buckets(true).await?;
    buckets.leases.put("h1", bytes("1")).await?;
    let mut watch = buckets.state.watch(">").await?;
    let mut leases = buckets.leases.watch(">").await?;
    let writer = {
        let bucket = buckets.state.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0_u32.. {
                match bucket.put(&format!("k{number}"), bytes(number)).await {
                    Ok(_) => acknowledged.push(number),
                    Err(_) => break,
                }
            }
            acknowledged
        })
    };
    while told(&mut watch).await.as_deref() != Some("k50=50") {}
    server.kill()?;
    // The writer gives up: nobody answers.
    let acknowledged = writer.await?;
    assert!(acknowledged.len() > 50);
    server.restart().await?;
    to_the_end(&mut watch).await;
    to_the_end(&mut leases).await;

    put_at_last(&buckets.state, "after", "1").await;
    for number in &acknowledged {
        let entry = buckets.state.get(&format!("k{number}")).await?;
        assert_eq!(entry.as_ref().map(text), Some(number.to_string()), "k{number}");
    }
    let mut again = buckets.state.watch("after").await?;
    assert_eq!(told(&mut again).await.as_deref(), Some("after=1"));
    // The bucket in memory is gone with its server and is made again.
    let mut leases = buckets.leases.watch(">").await?;
    assert_eq!(told(&mut leases).await.as_deref(), Some("current"));
    put_at_last(&buckets.leases, "h1", "2").await;
    assert_eq!(told(&mut leases).await.as_deref(), Some("h1=2"));
    Ok(())
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_takes_place_once() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let proxy = Proxy::to_port(server.port()).await?;
    let connection = connect(&proxy.nats_url()).await?;
    let far = connection.buckets(true).await?.intent;
    let near = connect(&server.url()).await?.buckets(false).await?.intent;
    far.put("shop", bytes("1")).await?;
    for round in 2..5_u32 {
        let last = near.get("shop").await?.map(|entry| entry.revision);
        let sent = connection.client().statistics();
        let before = sent.out_messages.load(Ordering::Relaxed);
        proxy.cut_one_way(Direction::ToClient);
        let write = {
            let bucket = far.clone();
            tokio::spawn(async move { bucket.replace("shop", bytes(round), last).await })
        };
        // It arrives; the answer does not.
        let begun = Instant::now();
        while near.get("shop").await?.map(|entry| text(&entry)) != Some(round.to_string()) {
            assert!(begun.elapsed() < PATIENCE, "the write does not arrive");
        }
        if round == 4 {
            // Meanwhile another changes it: the next try meets something else than it left.
            near.put("shop", bytes("other")).await?;
        }
        // The next try is on its way, or the connection was given up, before the first answer arrives.
        while sent.out_messages.load(Ordering::Relaxed) < before + 2 && !write.is_finished() {
            assert!(begun.elapsed() < PATIENCE, "there is no second try");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        proxy.heal();
        let written = write.await?;
        assert!(matches!(written, Ok(_) | Err(StoreError::Unavailable { .. })), "round {round}: {written:?}");
        // Whoever was told that it stands, was told where.
        if let (Ok(revision), true) = (written, round < 4) {
            assert_eq!(near.get("shop").await?.map(|entry| entry.revision), Some(revision));
        }
    }
    let history: Vec<String> = near.history("shop").await?.iter().map(text).collect();
    assert_eq!(history, ["1", "2", "3", "4", "other"]);
    Ok(())
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_written() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let proxy = Proxy::to_port(server.port()).await?;
    let connection = connect(&proxy.nats_url()).await?;
    let far = connection.buckets(true).await?.intent;
    let close = connect(&server.url()).await?;
    let near = close.buckets(false).await?.intent;
    let sent = connection.client().statistics();
    let before = sent.out_messages.load(Ordering::Relaxed);
    proxy.cut_one_way(Direction::ToClient);
    let write = {
        let bucket = far.clone();
        tokio::spawn(async move { bucket.put("shop", bytes("1")).await })
    };
    let begun = Instant::now();
    while near.get("shop").await?.is_none() {
        assert!(begun.elapsed() < PATIENCE, "the write does not arrive");
    }
    // From now on the stream takes nothing at all, and says so.
    let ask = async |what: &str, body: String| {
        close.client().request(format!("$JS.API.STREAM.{what}.KV_lath-demo-intent"), body.into()).await
    };
    let info: serde_json::Value = serde_json::from_slice(&ask("INFO", String::new()).await?.payload)?;
    let mut config = info["config"].clone();
    config["sealed"] = true.into();
    let updated = String::from_utf8(ask("UPDATE", config.to_string()).await?.payload.to_vec())?;
    assert!(updated.contains(r#""sealed":true"#), "{updated}");
    while sent.out_messages.load(Ordering::Relaxed) < before + 2 && !write.is_finished() {
        assert!(begun.elapsed() < PATIENCE, "there is no second try");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.heal();
    let written = write.await?;
    assert!(matches!(written, Ok(_) | Err(StoreError::Unavailable { .. })), "{written:?}");
    // Without that doubt it is a refusal.
    let refused = near.put("shop", bytes("2")).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_frozen_answers_nothing_and_then_everything() -> Result<()> {
    let mut server = Server::start(Options::default()).await?;
    let buckets = connect(&server.url()).await?.buckets(true).await?;
    put_at_last(&buckets.hosts, "h1", "1").await;
    server.freeze()?;
    let begun = Instant::now();
    let (put, get) = tokio::join!(buckets.hosts.put("h1", bytes("2")), buckets.hosts.get("h1"));
    assert!(matches!(put, Err(StoreError::Unavailable { .. })), "{put:?}");
    assert!(matches!(get, Err(StoreError::Unavailable { .. })), "{get:?}");
    assert!(begun.elapsed() < PATIENCE);
    server.thaw()?;
    put_at_last(&buckets.hosts, "h1", "3").await;
    assert_eq!(text(&buckets.hosts.get("h1").await?.unwrap()), "3");
    Ok(())
}

#[tokio::test]
async fn a_watch_ends_when_its_connection_was_lost() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let proxy = Proxy::to_port(server.port()).await?;
    let far = connect(&proxy.nats_url()).await?.buckets(true).await?;
    for number in 0..3 {
        far.hosts.put(&format!("h{number}"), bytes(number)).await?;
    }
    let mut watch = far.hosts.watch(">").await?;
    assert_eq!(told(&mut watch).await.as_deref(), Some("h0=0"));
    proxy.drop_connections();
    let rest = to_the_end(&mut watch).await;
    assert!(rest.len() <= 3, "{rest:?}");
    put_at_last(&far.hosts, "h3", "3").await;
    let mut watch = far.hosts.watch(">").await?;
    assert_eq!(super::all_told(&mut watch, 5).await, ["h0=0", "h1=1", "h2=2", "h3=3", "current"]);
    Ok(())
}

#[tokio::test]
async fn a_watch_that_nothing_reaches_any_more_ends() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let proxy = Proxy::to_port(server.port()).await?;
    let far = connect(&proxy.nats_url()).await?.buckets(true).await?;
    let mut watch = far.hosts.watch(">").await?;
    assert_eq!(told(&mut watch).await.as_deref(), Some("current"));
    proxy.cut_one_way(Direction::ToClient);
    assert_eq!(told(&mut watch).await, None);
    proxy.heal();
    Ok(())
}

#[tokio::test]
async fn a_watch_that_nobody_reads_is_lost_and_not_torn() -> Result<()> {
    let server = Server::start(Options { sync_always: false, ..Options::default() }).await?;
    let connection = connect(&server.url()).await?;
    let buckets = connection.buckets(true).await?;
    let mut watch = buckets.hosts.watch(">").await?;
    let most = WATCH_PENDING_MAX + 2 * WATCH_BATCH;
    write_many(&buckets.hosts, most).await;
    // Once the watch is lost, the server is told to forget it.
    let begun = Instant::now();
    while consumers(&connection).await? > 0 {
        assert!(begun.elapsed() < PATIENCE, "the watch stands");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let all = to_the_end(&mut watch).await;
    assert_eq!(all.len(), WATCH_PENDING_MAX, "{:?}", all.last());
    assert_eq!(all.first().map(String::as_str), Some("current"));
    let values: Vec<usize> = all.iter().skip(1).map(|told| told.rsplit('=').next().unwrap().parse().unwrap()).collect();
    assert!(values.iter().copied().eq(0..values.len()), "{values:?}");

    let mut again = buckets.hosts.watch(">").await?;
    assert_eq!(told(&mut again).await.as_deref(), Some("h0=0"));
    Ok(())
}

/// How many read the bucket `hosts` just now.
async fn consumers(connection: &Connection) -> Result<u64> {
    let info = connection.client().request("$JS.API.STREAM.INFO.KV_lath-demo-hosts", "".into()).await?;
    let info: serde_json::Value = serde_json::from_slice(&info.payload)?;
    Ok(info["state"]["consumer_count"].as_u64().expect("a count"))
}

async fn write_many(bucket: &Arc<dyn Bucket>, count: usize) {
    for value in 0..count {
        bucket.put(&format!("h{value}"), bytes(value)).await.unwrap();
    }
}

#[tokio::test]
async fn many_keys_stand_at_once() -> Result<()> {
    let server = Server::start(Options { sync_always: false, ..Options::default() }).await?;
    let buckets = connect(&server.url()).await?.buckets(true).await?;
    let count = 3 * WATCH_BATCH + 1;
    for key in 0..count {
        buckets.blueprint.put(&format!("at.host.h{key}"), bytes(key)).await?;
    }
    assert_eq!(buckets.blueprint.keys("at.host.*").await?.len(), count);
    let mut watch = buckets.blueprint.watch("at.>").await?;
    let all = super::all_told(&mut watch, count + 1).await;
    assert_eq!(all.last().map(String::as_str), Some("current"));
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_loses_a_leader_keeps_what_it_acknowledged() -> Result<()> {
    let mut cluster = Cluster::start(Options::default()).await?;
    let mut settings = ConnectSettings::new(Vec::new(), "demo".parse()?);
    settings.servers = cluster.url().split(',').map(str::parse).collect::<Result<_, _>>()?;
    settings.replicas = 3;
    let connection = Connection::open(settings).await?;
    let begun = Instant::now();
    let buckets = loop {
        match connection.buckets(true).await {
            Ok(buckets) => break buckets,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    };
    for number in 0..20 {
        put_at_last(&buckets.state, &format!("k{number}"), &number.to_string()).await;
    }
    let leader = cluster.stream_leader("KV_lath-demo-state", PATIENCE).await?.expect("a leader");
    cluster.kill(leader)?;
    put_at_last(&buckets.state, "after", "1").await;
    for number in 0..20 {
        let entry = buckets.state.get(&format!("k{number}")).await?;
        assert_eq!(entry.as_ref().map(text), Some(number.to_string()), "k{number}");
    }
    Ok(())
}

/// Long, for it writes more keys than may be listed.
#[tokio::test]
async fn too_many_keys_are_not_listed() -> Result<()> {
    if std::env::var_os("LATH_LONG").is_none() {
        return Ok(());
    }
    let server = Server::start(Options { sync_always: false, ..Options::default() }).await?;
    let connection = connect(&server.url()).await?;
    let buckets = connection.buckets(true).await?;
    for key in 0..=lattice::limits::KEYS_MAX {
        connection.client().publish(format!("$KV.lath-demo-hosts.h{key}"), bytes("1")).await?;
    }
    let last = format!("h{}", lattice::limits::KEYS_MAX);
    let begun = Instant::now();
    while buckets.hosts.get(&last).await?.is_none() {
        assert!(begun.elapsed() < PATIENCE, "the keys do not arrive");
    }
    let refused = buckets.hosts.keys(">").await.unwrap_err();
    assert!(refused.to_string().contains("more than 100000 entries"), "{refused}");
    Ok(())
}
