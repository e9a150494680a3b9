//! What the roles need of the library is allowed to them, through the library itself; what they must not do is refused
//! at once, and not by a deadline.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use lattice::authority::{Identity, Scope};
use lattice::connect::{ConnectSettings, Connection};
use lattice::document::Storage;
use lattice::objects::Objects;
use lattice::store::{Bucket, Buckets, Change, Revision, StoreError};
use model::digest::Digest;
use tempfile::TempDir;

use super::place::{Place, deployer, host, operator, provider, scope, viewer};

/// What `identity` sees of a lattice.
struct Seat {
    connection: Connection,
    buckets: Buckets,
    objects: Arc<dyn Objects>,
    _credentials: TempDir,
}

async fn connect(place: &Place, identity: &Identity) -> Result<(Connection, TempDir)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("user.creds");
    std::fs::write(&path, place.grant(identity).reveal())?;
    let mut settings = ConnectSettings::new(vec![place.server.url().parse()?], place.scope.lattice.clone());
    settings.credentials = Some(path);
    settings.domain = place.scope.domain.clone();
    Ok((Connection::open(settings).await?, folder))
}

impl Seat {
    /// Takes a seat; `create` where the buckets may have to be made.
    async fn take(place: &Place, identity: &Identity, create: bool) -> Result<Self> {
        let (connection, credentials) = connect(place, identity).await?;
        let (buckets, objects) = (connection.buckets(create).await?, connection.objects(create).await?);
        Ok(Self { connection, buckets, objects, _credentials: credentials })
    }

    fn bucket(&self, name: &str) -> &dyn Bucket {
        match name {
            "intent" => &*self.buckets.intent,
            "blueprint" => &*self.buckets.blueprint,
            "hosts" => &*self.buckets.hosts,
            "leases" => &*self.buckets.leases,
            _ => &*self.buckets.state,
        }
    }
}

/// True where it was done, false where the servers do not let this user.
fn allowed<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(StoreError::Refused { reason, .. }) if reason.contains("Permissions Violation") => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Bucket, key, who may write it, who may read it.
const KEYS: &[(&str, &str, &str, &str)] = &[
    ("intent", "shop", "od", "odvh"),
    ("intent", "game", "o", "odvh"),
    ("blueprint", "root", "h", "odvh"),
    ("blueprint", "at.host.h2", "h", "odvh"),
    ("hosts", "h1", "ho", "odvh"),
    ("hosts", "h2", "o", "odvh"),
    ("leases", "h1", "h", "odvh"),
    ("leases", "h2", "", "odvh"),
    ("state", "shop.count", "h", "oh"),
];

async fn current(bucket: &dyn Bucket) -> Result<(), StoreError> {
    let mut watch = bucket.watch(">").await?;
    while !matches!(watch.next().await, Some(Change::Current) | None) {}
    Ok(())
}

#[tokio::test]
async fn each_role_reads_and_writes_what_it_needs_and_no_more() -> Result<()> {
    let place = Place::start().await?;
    let everyone =
        [('h', host("h1")), ('o', operator("alice")), ('d', deployer("dan", &["shop"])), ('v', viewer("vera"))];
    let mut wrong = Vec::new();
    for (letter, identity) in everyone {
        // The first one makes the buckets.
        let seat = Seat::take(&place, &identity, letter == 'h').await?;
        for (name, key, writers, readers) in KEYS {
            let bucket = seat.bucket(name);
            let (may_write, may_read) = (writers.contains(letter), readers.contains(letter));
            let value = Bytes::from_static(b"value");
            for (verb, expected, found) in [
                ("get", may_read, allowed(bucket.get(key).await)?),
                ("history", may_read, allowed(bucket.history(key).await)?),
                ("keys", may_read, allowed(bucket.keys(">").await)?),
                ("watch", may_read, allowed(current(bucket).await)?),
                ("put", may_write, allowed(bucket.put(key, value.clone()).await)?),
                ("delete", may_write, allowed(bucket.delete(key).await)?),
                // Whoever may not write does not learn whether it would have been in time either.
                ("replace", may_write, allowed(bucket.replace(key, value, None).await)?),
            ] {
                if found != expected {
                    wrong.push(format!("{} may {verb} {name}/{key}: {found}", identity.user()));
                }
            }
        }
        assert_eq!(seat.connection.storage().await, Storage::Safe, "{}", identity.user());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn bytes_are_put_by_those_who_deploy_and_removed_by_operators() -> Result<()> {
    let place = Place::start().await?;
    Seat::take(&place, &host("h1"), true).await?;
    let kept = Bytes::from_static(b"kept");
    Seat::take(&place, &operator("alice"), false).await?.objects.put(Digest::of(&kept), kept.clone()).await?;
    for (identity, puts, deletes) in [
        (host("h1"), false, false),
        (viewer("vera"), false, false),
        (deployer("dan", &["shop"]), true, false),
        (operator("alice"), true, true),
    ] {
        let objects = Seat::take(&place, &identity, false).await?.objects;
        let user = identity.user();
        assert_eq!(objects.get(Digest::of(&kept), 100).await?, Some(kept.clone()), "{user}");
        assert_eq!(objects.list().await?.len(), 1, "{user}");
        let more = Bytes::from(user.clone());
        let digest = Digest::of(&more);
        assert_eq!(allowed(objects.put(digest, more).await)?, puts, "{user} puts");
        assert_eq!(allowed(objects.delete(digest, Revision(u64::MAX)).await)?, deletes, "{user} deletes");
        if puts && !deletes {
            Seat::take(&place, &operator("alice"), false).await?.objects.delete(digest, Revision(u64::MAX)).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn processes_of_providers_and_clients_see_nothing_that_is_stored() -> Result<()> {
    let place = Place::start().await?;
    Seat::take(&place, &host("h1"), true).await?;
    for identity in [provider("shop", "rates"), super::place::client("shop", "nightly")] {
        let (connection, _credentials) = connect(&place, &identity).await?;
        assert!(connection.buckets(false).await.is_err(), "{}", identity.user());
        assert!(connection.objects(false).await.is_err(), "{}", identity.user());
        assert!(matches!(connection.storage().await, Storage::Unknown { .. }), "{}", identity.user());
    }
    Ok(())
}

/// Headers of JetStream that reach beyond the key that is written.
#[tokio::test]
async fn a_deployer_wipes_out_no_other_application() -> Result<()> {
    let place = Place::start().await?;
    Seat::take(&place, &host("h1"), true).await?;
    let alice = Seat::take(&place, &operator("alice"), false).await?;
    alice.buckets.intent.put("game", Bytes::from_static(b"1")).await?;
    let mut dan = place.join(&deployer("dan", &["shop"])).await?;
    for header in ["Nats-Rollup: all", "Nats-Rollup: sub", "Nats-TTL: 1s", "Nats-Schedule: @at 2026-01-01T00:00:00Z"] {
        let inbox = dan.fresh_inbox();
        dan.subscribe(&inbox).await?;
        dan.send_with("$KV.lath-demo-intent.shop", &inbox, &format!("{header}\r\n"), "x").await?;
        let refused = dan.next_on(&inbox).await?;
        assert!(refused.payload.contains("\"error\""), "{header}: {refused:?}");
    }
    assert!(alice.buckets.intent.get("game").await?.is_some_and(|entry| entry.value.is_some()));
    Ok(())
}

/// In a JetStream domain, subjects are others.
#[tokio::test]
async fn a_domain_and_a_prefix_change_nothing_of_that() -> Result<()> {
    let scope = Scope::with(scope().lattice, Some(&"acme.lath".parse()?), Some("edge".parse()?))?;
    let place = Place::with(scope, None, |text| text).await?;
    let (h1, bytes) = (Seat::take(&place, &host("h1"), true).await?, Bytes::from_static(b"bytes"));
    h1.buckets.hosts.put("h1", bytes.clone()).await?;
    assert!(!allowed(h1.buckets.hosts.put("h2", bytes.clone()).await)?);
    let alice = Seat::take(&place, &operator("alice"), false).await?;
    alice.buckets.intent.put("shop", bytes.clone()).await?;
    alice.objects.put(Digest::of(&bytes), bytes.clone()).await?;
    assert_eq!(h1.objects.get(Digest::of(&bytes), 100).await?, Some(bytes));
    current(&*h1.buckets.intent).await?;
    Ok(())
}
