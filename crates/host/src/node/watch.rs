//! Watching the buckets: each topic by a task of its own, which begins anew whenever its watch breaks.

use std::sync::Arc;
use std::time::Duration;

use lattice::document::{
    Document as _, DocumentError, Drain, HostRecord, IntentHead, Lease, Pointer, PointerKey, ROOT_KEY, Root, drain_key,
};
use lattice::store::{Bucket, Buckets, Change, Entry, StoreError, Watch};
use model::ids::HostName;
use tokio::sync::{mpsc, watch};

use super::run::Input;
use crate::control::{Event, Key, Topic};
use crate::limits::WATCH_PAUSE;

/// What is watched, and where.
struct Topical {
    topic: Topic,
    bucket: Arc<dyn Bucket>,
    patterns: Vec<String>,
}

/// Watches everything that concerns host `me`, into `inputs`. Each change of `epoch` begins all watches anew.
pub(super) fn spawn(
    buckets: &Buckets,
    me: &HostName,
    planner: bool,
    ingress: bool,
    inputs: &mpsc::Sender<Input>,
    epoch: &watch::Receiver<u64>,
) {
    let mut topics = vec![
        (Topic::Hosts, &buckets.hosts, if planner { vec![">".to_owned()] } else { vec![me.to_string()] }),
        (Topic::Pointers, &buckets.blueprint, pointers(me, planner, ingress)),
    ];
    if planner {
        topics.push((Topic::Intents, &buckets.intent, vec!["*".to_owned()]));
        topics.push((Topic::Leases, &buckets.leases, vec![">".to_owned()]));
        topics.push((Topic::Root, &buckets.blueprint, vec![ROOT_KEY.to_owned()]));
    }
    for (topic, bucket, patterns) in topics {
        let topical = Topical { topic, bucket: Arc::clone(bucket), patterns };
        tokio::spawn(follow(topical, inputs.clone(), epoch.clone()));
    }
    tokio::spawn(follow_drains(Arc::clone(&buckets.intent), me.clone(), inputs.clone(), epoch.clone()));
}

fn pointers(me: &HostName, planner: bool, ingress: bool) -> Vec<String> {
    match (planner, ingress) {
        (true, _) => vec!["at.>".to_owned()],
        (false, true) => vec![PointerKey::Host(me.clone()).key(), "at.app.*".to_owned()],
        (false, false) => vec![PointerKey::Host(me.clone()).key()],
    }
}

/// Watches one topic until nobody listens.
async fn follow(topical: Topical, inputs: mpsc::Sender<Input>, mut epoch: watch::Receiver<u64>) {
    while !inputs.is_closed() {
        epoch.borrow_and_update();
        match topical.open().await {
            Ok(watches) => {
                if tell(&inputs, Event::Began(topical.topic)).await.is_err() {
                    return;
                }
                tokio::select! {
                    told = topical.drain(watches, &inputs) => if told.is_err() { return },
                    // The connection was lost and is back: what was missed is told anew.
                    changed = epoch.changed() => if changed.is_err() { return },
                }
            }
            Err(reason) => {
                tracing::debug!(topic = ?topical.topic, %reason, "a bucket cannot be watched; it is tried again");
            }
        }
        pause(&mut epoch).await;
    }
}

/// A watch that breaks at once is not begun in a circle.
async fn pause(epoch: &mut watch::Receiver<u64>) {
    let _ = tokio::time::timeout(WATCH_PAUSE, epoch.changed()).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Nobody listens any more.
struct Closed;

async fn tell(inputs: &mpsc::Sender<Input>, event: Event) -> Result<(), Closed> {
    inputs.send(Input::Control(event)).await.map_err(|_| Closed)
}

impl Topical {
    async fn open(&self) -> Result<Vec<Watch>, StoreError> {
        let mut watches = Vec::new();
        for pattern in &self.patterns {
            watches.push(self.bucket.watch(pattern).await?);
        }
        Ok(watches)
    }

    /// Tells all that the watches tell, until one of them breaks.
    async fn drain(&self, mut watches: Vec<Watch>, inputs: &mpsc::Sender<Input>) -> Result<(), Closed> {
        let mut behind = watches.len();
        loop {
            let nexts = watches.iter_mut().map(|watch| Box::pin(watch.next()));
            let (change, ..) = futures_util::future::select_all(nexts).await;
            let Some(change) = change else { return Ok(()) };
            match change {
                Change::Current => {
                    behind = behind.saturating_sub(1);
                    if behind == 0 {
                        tell(inputs, Event::Current(self.topic)).await?;
                    }
                }
                Change::Entry(entry) => match read(self.topic, &entry) {
                    Ok(event) => tell(inputs, event).await?,
                    Err(reason) => {
                        tracing::warn!(key = entry.key, reason, "a key of nothing that is known was passed over");
                    }
                },
            }
        }
    }
}

/// What an entry says. What cannot be read stands all the same.
///
/// # Errors
///
/// Its key names nothing.
fn read(topic: Topic, entry: &Entry) -> Result<Event, String> {
    let revision = entry.revision;
    let key = key(topic, &entry.key)?;
    Ok(decode(&key, entry).unwrap_or_else(|reason| {
        tracing::warn!(key = entry.key, %reason, "what stands at a key cannot be read; what was known of it stays");
        Event::Unreadable { key, revision, newer: matches!(reason, DocumentError::Newer { .. }) }
    }))
}

fn key(topic: Topic, key: &str) -> Result<Key, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    Ok(match topic {
        Topic::Intents => Key::Intent(key.parse().map_err(|error| told(&error))?),
        Topic::Hosts => Key::Record(key.parse().map_err(|error| told(&error))?),
        Topic::Leases => Key::Lease(key.parse().map_err(|error| told(&error))?),
        Topic::Root => Key::Root,
        Topic::Pointers => Key::Pointer(PointerKey::of_key(key).map_err(|error| told(&error))?),
    })
}

fn decode(key: &Key, entry: &Entry) -> Result<Event, DocumentError> {
    let (value, revision) = (entry.value.as_deref(), entry.revision);
    Ok(match key.clone() {
        Key::Intent(app) => Event::Intent { app, head: value.map(IntentHead::decode).transpose()? },
        Key::Record(host) => {
            Event::Record { host, revision, record: value.map(HostRecord::decode).transpose()?.map(Arc::new) }
        }
        Key::Lease(host) => {
            let lease = value.map(Lease::decode).transpose()?;
            Event::Lease { host, revision, incarnation: lease.map(|lease| lease.incarnation) }
        }
        Key::Root => Event::Root { revision, root: value.map(Root::decode).transpose()?.map(Arc::new) },
        Key::Pointer(key) => Event::Pointer { key, revision, pointer: value.map(Pointer::decode).transpose()? },
    })
}

/// Watches for an operator's wish that host `me` drains.
async fn follow_drains(
    bucket: Arc<dyn Bucket>,
    me: HostName,
    inputs: mpsc::Sender<Input>,
    mut epoch: watch::Receiver<u64>,
) {
    let key = drain_key(&me);
    // The wish stands until another takes its place, and is told anew whenever the watch begins: it counts once.
    let mut handled = None;
    while !inputs.is_closed() {
        epoch.borrow_and_update();
        if let Ok(mut watch) = bucket.watch(&key).await {
            loop {
                let change = tokio::select! {
                    change = watch.next() => change,
                    _ = epoch.changed() => None,
                };
                let Some(change) = change else { break };
                let Change::Entry(Entry { value: Some(value), revision, .. }) = change else { continue };
                if handled.replace(revision) == Some(revision) {
                    continue;
                }
                match Drain::decode(&value) {
                    Ok(drain) => drop(inputs.send(Input::Drain(drain)).await),
                    Err(reason) => tracing::warn!(key, %reason, "a wish to drain was passed over"),
                }
            }
        }
        pause(&mut epoch).await;
    }
}
