//! A lattice as it stands, read whole or as far as one application is concerned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lattice::document::{
    DRAINS, Document, Drain, HostRecord, IntentHead, PointerKey, ROOT_KEY, Root, Shard, shard_key,
};
use lattice::store::{Entry, StoreError};
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement};
use plan::placement::{Demand, HostView};

use super::derive::{Derived, derive};
use super::{OperateError, Operator, deploy, read};
use crate::limits::{OPERATE_READS_MAX, OPERATE_ROOT_TRIES_MAX};

/// A lattice as it stands.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The newest version of each application.
    pub heads: BTreeMap<AppName, IntentHead>,
    /// What follows from the versions that run something; why not, where it cannot be planned.
    pub derived: BTreeMap<AppName, Result<Arc<Derived>, String>>,
    /// Who runs where, as last agreed.
    pub placement: Placement,
    /// The hosts that have told of themselves.
    pub hosts: BTreeMap<HostName, HostFacts>,
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
    /// Reads the lattice; `only` leaves all other applications out.
    ///
    /// # Errors
    ///
    /// The store, or something in it that cannot be understood.
    pub async fn view(&self, only: Option<&AppName>) -> Result<View, OperateError> {
        self.view_with(only, &mut Cache::new()).await
    }

    pub(super) async fn view_with(&self, only: Option<&AppName>, cache: &mut Cache) -> Result<View, OperateError> {
        let heads = self.heads(only).await?;
        let derived = self.derived(&heads, cache).await?;
        let (placement, hosts) = (self.placement(only).await?, self.hosts().await?);
        Ok(View { heads, derived, placement, hosts })
    }

    async fn heads(&self, only: Option<&AppName>) -> Result<BTreeMap<AppName, IntentHead>, OperateError> {
        let entries = match only {
            // The server that leads is asked: another may not have heard yet of what was just written.
            Some(name) => {
                let entry = self.buckets.intent.get(name.as_str()).await?;
                entry.into_iter().map(|entry| (entry.key.clone(), entry)).collect()
            }
            None => read::all(&*self.buckets.intent, "intent", "*").await?,
        };
        let mut heads = BTreeMap::new();
        for (key, entry) in entries {
            if let (Ok(name), Some(head)) = (key.parse(), deploy::head(&entry)?) {
                heads.insert(name, head);
            }
        }
        Ok(heads)
    }

    async fn derived(
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

    async fn derived_of(
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

    async fn hosts(&self) -> Result<BTreeMap<HostName, HostFacts>, OperateError> {
        let records = read::all(&*self.buckets.hosts, "hosts", "*").await?;
        let leases: BTreeSet<String> = self.buckets.leases.keys("*").await?.into_iter().collect();
        let asked = read::all(&*self.buckets.intent, "intent", DRAINS).await?;
        let mut hosts = BTreeMap::new();
        for (key, entry) in &records {
            let Some(record) = decoded::<HostRecord>(entry)? else { continue };
            let asked = asked.get(&lattice::document::drain_key(&record.name));
            let asked = asked.map(decoded::<Drain>).transpose()?.flatten();
            let asked = asked.filter(|drain| drain.incarnation == record.incarnation);
            hosts.insert(record.name.clone(), HostFacts { alive: leases.contains(key), asked, record });
        }
        Ok(hosts)
    }

    /// The placement that the root reaches. Shards that it does not reach any more may be gone: then it is read again.
    async fn placement(&self, only: Option<&AppName>) -> Result<Placement, OperateError> {
        let mut tries = 1;
        loop {
            match self.placement_once(only).await? {
                Some(placement) => return Ok(placement),
                None if tries < OPERATE_ROOT_TRIES_MAX => tries += 1,
                None => {
                    let reason = "parts of the blueprint are missing; a planner may be writing a new one".to_owned();
                    return Err(StoreError::Unavailable { bucket: "blueprint".to_owned(), reason }.into());
                }
            }
        }
    }

    async fn placement_once(&self, only: Option<&AppName>) -> Result<Option<Placement>, OperateError> {
        let root = self.buckets.blueprint.get(ROOT_KEY).await?.map(|entry| decoded::<Root>(&entry)).transpose()?;
        let Some(root) = root.flatten() else { return Ok(Some(Placement::default())) };
        let bucket = only.map(|name| PointerKey::App(name.clone()).bucket());
        let indexes = root.buckets.iter().filter(|(number, _)| bucket.is_none_or(|bucket| bucket == **number));
        let Some(indexes) = self.shards(indexes.map(|(_, digest)| *digest)).await? else { return Ok(None) };
        let is_wanted = |key: &PointerKey| match key {
            PointerKey::App(name) => only.is_none_or(|only| only == name),
            PointerKey::Host(_) => false,
        };
        let listed = indexes.into_iter().flat_map(|shard| match shard {
            Shard::Index { entries, .. } => entries.as_ref().clone(),
            _ => BTreeMap::new(),
        });
        let (names, digests): (Vec<PointerKey>, Vec<Digest>) = listed.filter(|(key, _)| is_wanted(key)).unzip();
        let Some(shards) = self.shards(digests).await? else { return Ok(None) };
        let applications = names.into_iter().zip(shards).filter_map(|(key, shard)| match (key, shard) {
            (PointerKey::App(name), Shard::App(placed)) => Some((name, placed)),
            _ => None,
        });
        let applications: BTreeMap<AppName, Arc<AppPlacement>> = applications.collect();
        Ok(Some(Placement { generation: root.generation, applications }))
    }

    /// The shards, in their order; none where one is missing.
    async fn shards(&self, digests: impl IntoIterator<Item = Digest>) -> Result<Option<Vec<Shard>>, OperateError> {
        let digests: Vec<Digest> = digests.into_iter().collect();
        let reads = digests.into_iter().map(|digest| async move {
            let entry = self.buckets.blueprint.get(&shard_key(digest)).await?;
            entry.map_or(Ok(None), |entry| decoded::<Shard>(&entry))
        });
        let shards: Vec<Option<Shard>> = stream::iter(reads).buffered(OPERATE_READS_MAX).try_collect().await?;
        Ok(shards.into_iter().collect())
    }
}

/// The document that an entry holds; none where the key was deleted.
fn decoded<D: Document>(entry: &Entry) -> Result<Option<D>, OperateError> {
    let damaged = |error: lattice::document::DocumentError| OperateError::Damaged {
        what: format!("`{}` in the lattice", entry.key),
        reason: error.to_string(),
    };
    entry.value.as_ref().map(|value| D::decode(value).map_err(damaged)).transpose()
}
