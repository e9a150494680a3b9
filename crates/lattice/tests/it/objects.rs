//! Bytes by their content, inside a process and in JetStream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use lattice::connect::{ConnectSettings, Connection};
use lattice::limits::{CHUNKS_AT_ONCE, OBJECT_CHUNK_BYTES, OBJECT_DEADLINE};
use lattice::objects::{Bounded, MemoryObjects, Objects, Stored};
use lattice::store::{Revision, StoreError};
use model::digest::Digest;
use rig::nats::{Options, Server};
use rig::proxy::{Direction, Proxy};

const MOST: u64 = 64 << 20;

/// Bytes that differ everywhere.
fn sample(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect::<Vec<_>>().into()
}

async fn cases(objects: &Arc<dyn Objects>) {
    for length in [0, 1, OBJECT_CHUNK_BYTES - 1, OBJECT_CHUNK_BYTES, OBJECT_CHUNK_BYTES + 1] {
        let bytes = sample(length, 7);
        let digest = Digest::of(&bytes);
        assert!(!objects.has(digest).await.unwrap());
        assert_eq!(objects.get(digest, MOST).await.unwrap(), None);
        objects.put(digest, bytes.clone()).await.unwrap();
        assert!(objects.has(digest).await.unwrap());
        assert_eq!(objects.get(digest, MOST).await.unwrap(), Some(bytes), "{length}");
    }
    let bytes = sample(1000, 8);
    let digest = Digest::of(&bytes);
    let wrong = objects.put(Digest::of(b"other"), bytes.clone()).await.unwrap_err();
    assert!(wrong.to_string().contains("not the bytes of that digest"), "{wrong}");
    objects.put(digest, bytes.clone()).await.unwrap();
    objects.put(digest, bytes).await.unwrap();
    let large = objects.get(digest, 999).await.unwrap_err();
    assert!(large.to_string().contains("1000 bytes, 999 are the most"), "{large}");

    let listed = objects.list().await.unwrap();
    assert_eq!(listed.len(), 6);
    assert!(listed.iter().any(|stored| stored.digest == digest && stored.at > 1_600_000_000_000), "{listed:?}");
    objects.delete(digest, Revision(u64::MAX)).await.unwrap();
    objects.delete(digest, Revision(u64::MAX)).await.unwrap();
    assert!(!objects.has(digest).await.unwrap());
    assert_eq!(objects.list().await.unwrap().len(), 5);
    assert_eq!(objects.partial().await.unwrap(), []);

    // What is stored again after it was listed is not what was listed.
    for length in [0, 1, OBJECT_CHUNK_BYTES + 1] {
        let bytes = sample(length, 7);
        let digest = Digest::of(&bytes);
        let listed = objects.list().await.unwrap();
        let listed = listed.iter().find(|stored| stored.digest == digest).unwrap();
        objects.put(digest, bytes.clone()).await.unwrap();
        objects.delete(digest, listed.revision).await.unwrap();
        assert_eq!(objects.get(digest, MOST).await.unwrap(), Some(bytes), "{length}");
        let again = objects.list().await.unwrap().into_iter().find(|stored| stored.digest == digest).unwrap();
        assert!(again.revision > listed.revision);
        objects.delete(digest, again.revision).await.unwrap();
        assert!(!objects.has(digest).await.unwrap());
    }
    assert_eq!(objects.partial().await.unwrap(), []);
}

async fn place() -> Result<(Server, Connection, Arc<dyn Objects>)> {
    let server = Server::start(Options { sync_always: false, ..Options::default() }).await?;
    let connection = Connection::open(ConnectSettings::new(vec![server.url().parse()?], "demo".parse()?)).await?;
    let objects = connection.objects(true).await?;
    Ok((server, connection, objects))
}

#[tokio::test]
async fn bytes_inside_a_process() {
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::new());
    cases(&objects).await;
}

#[tokio::test]
async fn bytes_in_jetstream() -> Result<()> {
    let (_server, _connection, objects) = place().await?;
    cases(&objects).await;
    Ok(())
}

#[tokio::test]
async fn twenty_megabytes_travel_while_others_store_the_same() -> Result<()> {
    let (_server, _connection, objects) = place().await?;
    let bytes = sample(20 << 20, 9);
    let digest = Digest::of(&bytes);
    let puts = (0..4).map(|_| {
        let (objects, bytes) = (objects.clone(), bytes.clone());
        tokio::spawn(async move { objects.put(digest, bytes).await })
    });
    for put in puts.collect::<Vec<_>>() {
        put.await??;
    }
    assert!(objects.get(digest, MOST).await? == Some(bytes), "the bytes differ");
    assert_eq!(objects.list().await?.len(), 1);
    assert_eq!(objects.partial().await?, []);
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_is_refused_until_it_is_stored_again() -> Result<()> {
    let (_server, connection, objects) = place().await?;
    let bytes = sample(3 * OBJECT_CHUNK_BYTES, 10);
    let digest = Digest::of(&bytes);
    let chunk = |number| format!("$O.lath-demo-bytes.C.{}.{number}", digest.hex());
    let whole = format!("$O.lath-demo-bytes.M.{}", digest.hex());
    let half = bytes.slice(..OBJECT_CHUNK_BYTES / 2);
    let other = sample(OBJECT_CHUNK_BYTES, 11);
    for (subject, damage) in [
        (chunk(1), other.clone()),
        (chunk(2), half),
        (chunk(0), sample(OBJECT_CHUNK_BYTES + 1, 12)),
        (whole.clone(), Bytes::from_static(b"{}")),
        (whole.clone(), Bytes::from_static(br#"{"format":1,"size":5,"chunks":1000000000}"#)),
        (whole.clone(), Bytes::from_static(br#"{"format":1,"size":1,"chunks":1}"#)),
        (whole.clone(), Bytes::from_static(br#"{"format":1,"size":1000,"chunks":999}"#)),
    ] {
        objects.put(digest, bytes.clone()).await?;
        connection.client().request(subject.clone(), damage).await?;
        let refused = objects.get(digest, MOST).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused { .. }), "{subject}: {refused}");
        assert!(refused.to_string().contains("damaged; delete it and store it again"), "{subject}: {refused}");
        objects.delete(digest, Revision(u64::MAX)).await?;
        objects.put(digest, bytes.clone()).await?;
        assert!(objects.get(digest, MOST).await? == Some(bytes.clone()), "{subject}");
    }
    connection.client().request(whole, r#"{"format":2,"size":1,"chunks":1}"#.into()).await?;
    let newer = objects.get(digest, MOST).await.unwrap_err();
    assert!(newer.to_string().contains("newer lath; update this one"), "{newer}");
    Ok(())
}

#[tokio::test]
async fn what_is_begun_is_not_there_and_can_be_removed() -> Result<()> {
    let (_server, connection, objects) = place().await?;
    let bytes = sample(3 * OBJECT_CHUNK_BYTES, 13);
    let digest = Digest::of(&bytes);
    for number in 0..2 {
        let chunk = bytes.slice(number * OBJECT_CHUNK_BYTES..(number + 1) * OBJECT_CHUNK_BYTES);
        let subject = format!("$O.lath-demo-bytes.C.{}.{number}", digest.hex());
        connection.client().request(subject, chunk).await?;
    }
    assert!(!objects.has(digest).await?);
    assert_eq!(objects.get(digest, MOST).await?, None);
    assert_eq!(objects.list().await?, []);
    let partial = objects.partial().await?;
    assert_eq!(partial.iter().map(|stored| stored.digest).collect::<Vec<_>>(), [digest]);
    // Its last change is that of its last chunk: nothing is left.
    objects.delete(digest, partial[0].revision).await?;
    assert_eq!(objects.partial().await?, []);
    objects.put(digest, bytes.clone()).await?;
    assert!(objects.get(digest, MOST).await? == Some(bytes), "the bytes differ");
    Ok(())
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_sent() {
    let objects = MemoryObjects::new();
    let bytes = Bytes::from(vec![0; usize::try_from(lattice::limits::OBJECT_BYTES_MAX).unwrap() + 1]);
    let refused = objects.put(Digest::of(b""), bytes).await.unwrap_err();
    assert!(refused.to_string().contains("268435456 are the most"), "{refused}");
}

/// A store of bytes whose operations never end.
struct Silent;

impl Objects for Silent {
    fn has(&self, _: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn put(&self, _: Digest, _: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::pending())
    }

    fn get(&self, _: Digest, _: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn partial(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn delete(&self, _: Digest, _: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn every_operation_ends() {
    let objects = Bounded::new("lath-demo-bytes".to_owned(), Arc::new(Silent));
    let digest = Digest::of(b"x");
    let begun = tokio::time::Instant::now();
    let ended = [
        objects.has(digest).await.map(drop),
        objects.put(digest, Bytes::new()).await,
        objects.get(digest, MOST).await.map(drop),
        objects.list().await.map(drop),
        objects.partial().await.map(drop),
        objects.delete(digest, Revision(1)).await,
    ];
    assert_eq!(begun.elapsed().as_secs(), 6 * OBJECT_DEADLINE.as_secs());
    for ended in ended {
        let error = ended.unwrap_err().to_string();
        assert!(error.contains("lath-demo-bytes") && error.contains("not done within 300 s"), "{error}");
    }
}

#[tokio::test]
async fn chunks_wait_until_those_before_them_are_acknowledged() -> Result<()> {
    let server = Server::start(Options { sync_always: false, ..Options::default() }).await?;
    let proxy = Proxy::to_port(server.port()).await?;
    let open = async |url: String| -> Result<Connection> {
        Ok(Connection::open(ConnectSettings::new(vec![url.parse()?], "demo".parse()?)).await?)
    };
    let (direct, slow) = (open(server.url()).await?, open(proxy.nats_url()).await?);
    let (seen, objects) = (direct.objects(true).await?, slow.objects(false).await?);
    let bytes = sample(5 * CHUNKS_AT_ONCE * OBJECT_CHUNK_BYTES, 13);
    let digest = Digest::of(&bytes);
    // What is written arrives, and nothing comes back.
    proxy.cut_one_way(Direction::ToClient);
    let put = tokio::spawn(async move { objects.put(digest, bytes).await });
    let stored = async || -> Result<usize> {
        let info = direct.client().request("$JS.API.STREAM.INFO.OBJ_lath-demo-bytes", Bytes::new()).await?;
        let info: serde_json::Value = serde_json::from_slice(&info.payload)?;
        Ok(usize::try_from(info["state"]["messages"].as_u64().unwrap())?)
    };
    let give_up = Instant::now() + Duration::from_secs(30);
    while stored().await? < CHUNKS_AT_ONCE {
        assert!(Instant::now() < give_up, "only {} chunks have arrived", stored().await?);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stored().await?, CHUNKS_AT_ONCE);
    proxy.heal();
    proxy.drop_connections();
    put.await??;
    assert!(seen.has(digest).await?);
    Ok(())
}
