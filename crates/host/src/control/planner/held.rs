//! The whole placement as a planner holds it, in step with one root.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{PointerKey, Root, Shard};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement};

/// A root as it stands: its change, and the root itself unless it was deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct KnownRoot {
    /// None where there never was one.
    pub(super) revision: Option<Revision>,
    pub(super) root: Option<Arc<Root>>,
}

/// The placement of one root.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) root: KnownRoot,
    pub(super) placement: Placement,
    buckets: BTreeMap<u8, Bucket>,
    /// Each host's part of the placement: its applications with their shards.
    shares: BTreeMap<HostName, BTreeMap<AppName, Digest>>,
    /// Shards that the last change replaced; they go with the next.
    pub(super) retired: Vec<Digest>,
}

#[derive(Clone, Debug)]
struct Bucket {
    digest: Digest,
    entries: Arc<BTreeMap<PointerKey, Digest>>,
}

/// A placement ready to be written.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) held: Held,
    pub(super) root: Arc<Root>,
    /// The shards that are new.
    pub(super) shards: BTreeMap<Digest, Arc<Shard>>,
    /// How many applications change.
    pub(super) changed: usize,
}

impl Held {
    /// Nothing, in step with a root that there is not.
    pub(super) fn nothing(root: KnownRoot) -> Self {
        Self { root, ..Self::default() }
    }

    /// The same placement, in step with `root`.
    pub(super) fn at(self, root: KnownRoot) -> Self {
        Self { root, ..self }
    }

    /// The shard of a host or an application; that of nothing where it has none.
    pub(super) fn digest_of(&self, key: &PointerKey) -> Digest {
        let bucket = self.buckets.get(&key.bucket());
        bucket.and_then(|bucket| bucket.entries.get(key)).copied().unwrap_or_else(Shard::nothing_digest)
    }

    /// Every host and application that has a shard.
    pub(super) fn keys(&self) -> impl Iterator<Item = &PointerKey> {
        self.buckets.values().flat_map(|bucket| bucket.entries.keys())
    }

    /// Every shard that the root leads to.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        let entries = self.buckets.values().flat_map(|bucket| bucket.entries.values().copied());
        entries.chain(self.buckets.values().map(|bucket| bucket.digest)).collect()
    }

    /// What is to be written so that `next` is in force. Applications that do not change share their part with what is
    /// held.
    pub(super) fn draft(&self, next: &Placement) -> Draft {
        let generation = next.generation;
        let mut held = Self { placement: Placement { generation, ..self.placement.clone() }, ..self.clone() };
        let mut shards = BTreeMap::new();
        let mut entries = BTreeMap::new();
        let mut touched = BTreeSet::new();
        let changed = changed_apps(&self.placement, next);
        for app in &changed {
            let placement = next.applications.get(app);
            let digest = placement.map(|placement| stored(&mut shards, Shard::App(placement.clone())));
            touched.extend(self.hosts_of(app));
            touched.extend(placement.iter().flat_map(|placement| placement.hosts()).cloned());
            held.set_app(app, placement.zip(digest));
            entries.insert(PointerKey::App(app.clone()), digest);
        }
        for host in touched {
            let apps = held.shares.get(&host).filter(|apps| !apps.is_empty()).cloned();
            let digest = apps.map(|apps| stored(&mut shards, Shard::Host { generation, apps }));
            entries.insert(PointerKey::Host(host), digest);
        }
        held.set_entries(generation, entries, &mut shards);
        let buckets = held.buckets.iter().map(|(number, bucket)| (*number, bucket.digest)).collect();
        let (before, after) = (self.digests(), held.digests());
        held.retired = before.difference(&after).copied().collect();
        let root = Arc::new(Root { generation, buckets });
        Draft { held, root, shards, changed: changed.len() }
    }

    fn hosts_of(&self, app: &AppName) -> BTreeSet<HostName> {
        let placement = self.placement.applications.get(app);
        placement.iter().flat_map(|placement| placement.hosts()).cloned().collect()
    }

    /// Takes over the placement of one application, in all its forms but the index.
    pub(super) fn set_app(&mut self, app: &AppName, placed: Option<(&Arc<AppPlacement>, Digest)>) {
        for host in self.hosts_of(app) {
            if let Some(share) = self.shares.get_mut(&host) {
                share.remove(app);
            }
        }
        let Some((placement, digest)) = placed else {
            self.placement.applications.remove(app);
            return;
        };
        for host in placement.hosts() {
            self.shares.entry(host.clone()).or_default().insert(app.clone(), digest);
        }
        self.placement.applications.insert(app.clone(), placement.clone());
    }

    /// Changes entries of the index; its buckets become shards of this generation.
    fn set_entries(
        &mut self,
        generation: u64,
        changes: BTreeMap<PointerKey, Option<Digest>>,
        shards: &mut BTreeMap<Digest, Arc<Shard>>,
    ) {
        let mut buckets: BTreeMap<u8, Vec<(PointerKey, Option<Digest>)>> = BTreeMap::new();
        for (key, digest) in changes {
            buckets.entry(key.bucket()).or_default().push((key, digest));
        }
        for (number, changes) in buckets {
            let mut entries =
                self.buckets.remove(&number).map(|bucket| bucket.entries.as_ref().clone()).unwrap_or_default();
            for (key, digest) in changes {
                match digest {
                    Some(digest) => drop(entries.insert(key, digest)),
                    None => drop(entries.remove(&key)),
                }
            }
            if !entries.is_empty() {
                let entries = Arc::new(entries);
                let digest = stored(shards, Shard::Index { generation, entries: entries.clone() });
                self.buckets.insert(number, Bucket { digest, entries });
            }
        }
    }

    pub(super) fn bucket_digest(&self, number: u8) -> Option<Digest> {
        self.buckets.get(&number).map(|bucket| bucket.digest)
    }

    pub(super) fn set_bucket(&mut self, number: u8, digest: Digest, entries: Arc<BTreeMap<PointerKey, Digest>>) {
        self.buckets.insert(number, Bucket { digest, entries });
    }

    pub(super) fn keep_buckets(&mut self, numbers: &BTreeMap<u8, Digest>) {
        self.buckets.retain(|number, _| numbers.contains_key(number));
    }
}

fn stored(shards: &mut BTreeMap<Digest, Arc<Shard>>, shard: Shard) -> Digest {
    let digest = shard.digest();
    shards.insert(digest, Arc::new(shard));
    digest
}

/// The applications that are not the same in both.
fn changed_apps(before: &Placement, after: &Placement) -> Vec<AppName> {
    let gone = before.applications.keys().filter(|app| !after.applications.contains_key(*app));
    let other = after.applications.iter().filter(|(app, placement)| {
        before.applications.get(*app).is_none_or(|before| !Arc::ptr_eq(before, placement) && before != *placement)
    });
    gone.chain(other.map(|(app, _)| app)).cloned().collect()
}
