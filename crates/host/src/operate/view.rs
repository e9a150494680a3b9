//! A lattice as it stands, read whole or as far as one application is concerned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lattice::document::{
    DRAINS, DocumentError, Drain, HostRecord, IntentHead, PointerKey, ROOT_KEY, Root, Shard, drain_key, shard_key,
};
use lattice::store::{Entry, Revision, StoreError};
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::Placement;
use plan::placement::{Demand, HostView};

use super::derive::{Derived, derive};
use super::status::rolled_back;
use super::unreadable::{Unreadable, What, decoded};
use super::{OperateError, Operator, read};
use crate::limits::{OPERATE_READS_MAX, OPERATE_ROOT_TRIES_MAX};

/// A lattice as it stands.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The newest version of each application.
    pub heads: BTreeMap<AppName, IntentHead>,
    /// What follows from the versions that are to run, for the newest the one before where that was refused; why not, where it cannot be planned.
    pub derived: BTreeMap<AppName, Result<Arc<Derived>, String>>,
    /// Who runs where, as last agreed.
    pub placement: Placement,
    /// The hosts that have told of themselves.
    pub hosts: BTreeMap<HostName, HostFacts>,
    /// What is there and cannot be read; all else is told as it is.
    pub unreadable: Vec<Unreadable>,
}

/// What is known of a host.
#[derive(Clone, Debug)]
pub struct HostFacts {
    /// What it told.
    pub record: HostRecord,
    /// True where its lease stands.
    pub alive: bool,
    /// That it drains, where an operator asked this life of it to.
    pub asked: Option<Drain>,
}

/// Derived intents that were needed before.
pub(super) type Cache = BTreeMap<(AppName, Digest, u64), Result<Arc<Derived>, String>>;

impl View {
    /// True where `what` is there and cannot be read.
    pub fn is_unreadable(&self, what: &What) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable.what == *what)
    }

    /// True where it cannot be told where an application runs.
    pub fn is_place_unreadable(&self, application: &AppName) -> bool {
        self.is_unreadable(&What::Places(None)) || self.is_unreadable(&What::Places(Some(application.clone())))
    }

    /// What the applications ask of hosts, as far as they can be planned.
    pub fn demands(&self) -> BTreeMap<AppName, Arc<Demand>> {
        let planned = self.derived.iter().filter_map(|(name, derived)| Some((name, derived.as_ref().ok()?)));
        planned.map(|(name, derived)| (name.clone(), derived.demand.clone())).collect()
    }

    /// The hosts as a planner sees them.
    pub fn host_views(&self) -> BTreeMap<HostName, HostView> {
        self.hosts.iter().map(|(name, host)| (name.clone(), host.view())).collect()
    }
}

/// The versions that run, or are to: of an application whose newest was refused, the one in its place.
fn running(heads: &BTreeMap<AppName, IntentHead>, placement: &Placement) -> BTreeMap<AppName, IntentHead> {
    let running = heads.iter().map(|(name, head)| {
        let placed = placement.applications.get(name);
        let instead = placed.filter(|placed| rolled_back(head, placed).is_some());
        let instead =
            instead.map(|placed| IntentHead { version: placed.version, document: Some(placed.intent), ..head.clone() });
        (name.clone(), instead.unwrap_or_else(|| head.clone()))
    });
    running.collect()
}

impl HostFacts {
    fn view(&self) -> HostView {
        let record = &self.record;
        HostView {
            labels: record.labels.clone(),
            alive: self.alive,
            draining: record.draining,
            kinds: record.kinds.clone(),
            ready: record.ready.clone(),
            states: record.states.clone(),
        }
    }
}

impl Operator {
    /// Reads the lattice; `only` leaves all other applications out. What cannot be understood is told beside the rest.
    ///
    /// # Errors
    ///
    /// The store.
    pub async fn view(&self, only: Option<&AppName>) -> Result<View, OperateError> {
        self.view_with(only, &mut Cache::new()).await
    }

    pub(super) async fn view_with(&self, only: Option<&AppName>, cache: &mut Cache) -> Result<View, OperateError> {
        let mut unreadable = Vec::new();
        let heads = self.heads(only, &mut unreadable).await?;
        let placement = self.placement(only, &mut unreadable).await?;
        let derived = self.derived(&running(&heads, &placement), cache).await?;
        let hosts = self.hosts(&mut unreadable).await?;
        Ok(View { heads, derived, placement, hosts, unreadable })
    }

    async fn heads(
        &self,
        only: Option<&AppName>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<BTreeMap<AppName, IntentHead>, OperateError> {
        let heads = match only {
            // The server that leads is asked: another may not have heard yet of what was just written.
            Some(name) => {
                let entry = self.buckets.intent.get(name.as_str()).await?;
                heads(entry.into_iter().map(|entry| (entry.key.clone(), entry)), unreadable)
            }
            None => self.standing_heads(unreadable).await?,
        };
        Ok(heads.into_iter().map(|(name, (_, head))| (name, head)).collect())
    }

    /// The newest version of every application, and the change that wrote it.
    pub(super) async fn standing_heads(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<BTreeMap<AppName, (Revision, IntentHead)>, OperateError> {
        let entries = read::all(&*self.buckets.intent, "intent", "*").await?;
        Ok(heads(entries, unreadable))
    }

    pub(super) async fn derived(
        &self,
        heads: &BTreeMap<AppName, IntentHead>,
        cache: &mut Cache,
    ) -> Result<BTreeMap<AppName, Result<Arc<Derived>, String>>, OperateError> {
        let running = heads.iter().filter_map(|(name, head)| Some((name.clone(), head.document?, head.version)));
        let mut derived = BTreeMap::new();
        for (name, digest, version) in running {
            let key = (name.clone(), digest, version);
            let found = match cache.get(&key) {
                Some(found) => found.clone(),
                None => self.derived_of(&name, digest, version).await?,
            };
            cache.insert(key, found.clone());
            derived.insert(name, found);
        }
        Ok(derived)
    }

    pub(super) async fn derived_of(
        &self,
        application: &AppName,
        digest: Digest,
        version: u64,
    ) -> Result<Result<Arc<Derived>, String>, OperateError> {
        let document = match self.document(digest).await {
            Ok(Some(document)) => document,
            Ok(None) => return Ok(Err("its document is not in the lattice any more; deploy it again".to_owned())),
            Err(OperateError::Damaged { reason, .. }) => return Ok(Err(reason)),
            Err(error) => return Err(error),
        };
        let inventory = crate::inventory::inventory()?;
        let derived = derive(&document, digest, version, &inventory).map(Arc::new);
        // Planners refuse it likewise: whoever may write one application must not write another.
        Ok(derived.and_then(|derived| match &derived.demand.application {
            name if name == application => Ok(derived),
            other => Err(format!("it is the intent of {other}")),
        }))
    }

    async fn hosts(&self, unreadable: &mut Vec<Unreadable>) -> Result<BTreeMap<HostName, HostFacts>, OperateError> {
        let records = read::all(&*self.buckets.hosts, "hosts", "*").await?;
        let leases: BTreeSet<String> = self.buckets.leases.keys("*").await?.into_iter().collect();
        let wishes = read::all(&*self.buckets.intent, "intent", DRAINS).await?;
        let mut hosts = BTreeMap::new();
        for (key, entry) in &records {
            let Ok(name) = key.parse::<HostName>() else { continue };
            let record = match decoded::<HostRecord>(entry) {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(error) => {
                    unreadable.push(Unreadable::new(What::Host(name), &error));
                    continue;
                }
            };
            let asked = match wishes.get(&drain_key(&name)).map(decoded::<Drain>).transpose() {
                Ok(asked) => asked.flatten().filter(|drain| drain.incarnation == record.incarnation),
                Err(error) => {
                    unreadable.push(Unreadable::new(What::Drain(name.clone()), &error));
                    None
                }
            };
            hosts.insert(name, HostFacts { alive: leases.contains(key), asked, record });
        }
        Ok(hosts)
    }

    /// The placement that the root reaches. Shards that it does not reach any more may be gone: then it is read again.
    pub(super) async fn placement(
        &self,
        only: Option<&AppName>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Placement, OperateError> {
        let mut tries = 1;
        loop {
            match self.placement_once(only).await? {
                Some((placement, found)) => {
                    unreadable.extend(found);
                    return Ok(placement);
                }
                None if tries < OPERATE_ROOT_TRIES_MAX => tries += 1,
                None => {
                    let reason = "parts of the blueprint are missing; a planner may be writing a new one".to_owned();
                    return Err(StoreError::Unavailable { bucket: "blueprint".to_owned(), reason }.into());
                }
            }
        }
    }

    async fn placement_once(
        &self,
        only: Option<&AppName>,
    ) -> Result<Option<(Placement, Vec<Unreadable>)>, OperateError> {
        let nothing = |error: &DocumentError| (Placement::default(), vec![Unreadable::new(What::Places(None), error)]);
        let root = match self.buckets.blueprint.get(ROOT_KEY).await?.map(|entry| decoded::<Root>(&entry)).transpose() {
            Ok(root) => root.flatten(),
            Err(error) => return Ok(Some(nothing(&error))),
        };
        let Some(root) = root else { return Ok(Some(Default::default())) };
        let bucket = only.map(|name| PointerKey::App(name.clone()).bucket());
        let indexes = root.buckets.iter().filter(|(number, _)| bucket.is_none_or(|bucket| bucket == **number));
        let Some(indexes) = self.shards(indexes.map(|(_, digest)| *digest)).await? else { return Ok(None) };
        let mut listed = BTreeMap::new();
        for index in indexes {
            match index {
                Ok(Shard::Index { entries, .. }) => listed.extend(entries.as_ref().clone()),
                Ok(_) => {}
                // Which applications it names is not known.
                Err(error) => return Ok(Some(nothing(&error))),
            }
        }
        let applications = listed.into_iter().filter_map(|(key, digest)| match key {
            PointerKey::App(name) => only.is_none_or(|only| *only == name).then_some((name, digest)),
            PointerKey::Host(_) => None,
        });
        let (names, digests): (Vec<AppName>, Vec<Digest>) = applications.unzip();
        let Some(shards) = self.shards(digests).await? else { return Ok(None) };
        let mut placement = Placement { generation: root.generation, applications: BTreeMap::new() };
        let mut unreadable = Vec::new();
        for (name, shard) in names.into_iter().zip(shards) {
            match shard {
                Ok(Shard::App(placed)) => drop(placement.applications.insert(name, placed)),
                Ok(_) => {}
                Err(error) => unreadable.push(Unreadable::new(What::Places(Some(name)), &error)),
            }
        }
        Ok(Some((placement, unreadable)))
    }

    /// The shards, in their order; none where one is missing.
    async fn shards(&self, digests: impl IntoIterator<Item = Digest>) -> Result<Option<Vec<ReadShard>>, OperateError> {
        let digests: Vec<Digest> = digests.into_iter().collect();
        let reads = digests.into_iter().map(|digest| async move {
            let entry = self.buckets.blueprint.get(&shard_key(digest)).await?;
            Ok::<_, OperateError>(entry.and_then(|entry| decoded::<Shard>(&entry).transpose()))
        });
        let shards: Vec<Option<ReadShard>> = stream::iter(reads).buffered(OPERATE_READS_MAX).try_collect().await?;
        Ok(shards.into_iter().collect())
    }
}

/// The versions that entries of the intent bucket hold, and the changes that wrote them.
fn heads(
    entries: impl IntoIterator<Item = (String, Entry)>,
    unreadable: &mut Vec<Unreadable>,
) -> BTreeMap<AppName, (Revision, IntentHead)> {
    let mut heads = BTreeMap::new();
    for (key, entry) in entries {
        let Ok(name) = key.parse::<AppName>() else { continue };
        match decoded(&entry) {
            Ok(head) => heads.extend(head.map(|head| (name, (entry.revision, head)))),
            Err(error) => unreadable.push(Unreadable::new(What::Application(name), &error)),
        }
    }
    heads
}

/// A shard that is there, if it can be read.
type ReadShard = Result<Shard, DocumentError>;
