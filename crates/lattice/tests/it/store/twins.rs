//! Both kinds of bucket go through the same cases; and what only the one inside a process can show.

use anyhow::Result;
use lattice::connect::{ConnectSettings, Connection};
use lattice::limits::WATCH_PENDING_MAX;
use lattice::store::{Bucket as _, MemoryBucket, MemoryBuckets, MemoryOptions};
use rig::nats::{Options, Server};

use super::{bytes, cases, told};

pub(crate) async fn connect(url: &str) -> Result<Connection> {
    let settings = ConnectSettings::new(vec![url.parse()?], "demo".parse()?);
    Ok(Connection::open(settings).await?)
}

#[tokio::test]
async fn buckets_inside_a_process() {
    cases::all(&MemoryBuckets::open()).await;
}

#[tokio::test]
async fn buckets_in_jetstream() -> Result<()> {
    let server = Server::start(Options::default()).await?;
    let connection = connect(&server.url()).await?;
    cases::all(&connection.buckets(true).await?).await;
    // Whoever comes second finds the same buckets.
    let second = connect(&server.url()).await?.buckets(false).await?;
    assert_eq!(second.intent.history("other").await?.len(), 64);
    Ok(())
}

#[tokio::test]
async fn a_watch_that_is_too_slow_is_lost_behind_what_it_was_told() {
    let bucket = MemoryBucket::new("x", MemoryOptions::default());
    bucket.put("a", bytes("standing")).await.unwrap();
    let mut watch = bucket.watch(">").await.unwrap();
    for value in 0..WATCH_PENDING_MAX + 10 {
        bucket.put("a", bytes(value)).await.unwrap();
    }
    let mut all = Vec::new();
    while let Some(told) = told(&mut watch).await {
        all.push(told);
    }
    let first: Vec<&str> = all.iter().map(String::as_str).take(3).collect();
    assert_eq!(first, ["a=standing", "current", "a=0"]);
    assert_eq!(all.len(), WATCH_PENDING_MAX + 2);
    assert_eq!(all.last(), Some(&format!("a={}", WATCH_PENDING_MAX - 1)));
}

#[tokio::test(start_paused = true)]
async fn age_is_counted_by_the_clock_of_tokio() {
    let bucket = MemoryBuckets::open().leases;
    bucket.put("h1", bytes("1")).await.unwrap();
    tokio::time::advance(lattice::limits::LEASE_AGE_MAX - std::time::Duration::from_millis(1)).await;
    assert!(bucket.get("h1").await.unwrap().is_some());
    tokio::time::advance(std::time::Duration::from_millis(1)).await;
    assert_eq!(bucket.get("h1").await.unwrap(), None);
}
