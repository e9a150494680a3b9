//! A lattice in memory whose hosts the test plays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use host::application::Application;
use host::operate::Operator;
use lattice::call::Incarnation;
use lattice::document::{Document, HostRecord, Lease, PointerKey, ROOT_KEY, Root, Shard, Storage, shard_key};
use lattice::objects::{MemoryObjects, Objects};
use lattice::store::{Bucket, Buckets, MemoryBucket, MemoryBuckets, MemoryOptions};
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement, Ready};
use plan::placement::place;

pub(crate) struct World {
    pub(crate) buckets: Buckets,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) operator: Operator,
    records: BTreeMap<HostName, HostRecord>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(MemoryBuckets::open(), Arc::new(MemoryObjects::new()))
    }

    pub(crate) fn with(buckets: Buckets, objects: Arc<dyn Objects>) -> Self {
        let operator = Operator::new(buckets.clone(), objects.clone(), "operator.alice".parse().unwrap());
        Self { buckets, objects, operator, records: BTreeMap::new() }
    }

    /// Somebody else in the same lattice.
    pub(crate) fn other(&self, name: &str) -> Operator {
        Operator::new(self.buckets.clone(), self.objects.clone(), name.parse().unwrap())
    }

    /// A host joins, with labels such as `zone=a`.
    pub(crate) async fn join(&mut self, host: &str, labels: &[(&str, &str)]) {
        let record = HostRecord {
            name: host.parse().unwrap(),
            incarnation: Incarnation(1),
            version: "0.1.0".to_owned(),
            sealing: None,
            settings: BTreeSet::new(),
            labels: labels.iter().map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap())).collect(),
            draining: false,
            planner: true,
            listen: Some(([127, 0, 0, 1], 8080).into()),
            secure: false,
            kinds: provider::catalogue().iter().map(|kind| kind.name().to_owned()).collect(),
            states: BTreeSet::new(),
            storage: Storage::Safe,
            ready: BTreeMap::new(),
            refused: BTreeMap::new(),
            failing: Vec::new(),
            unwell: Vec::new(),
        };
        self.records.insert(record.name.clone(), record);
        self.tell(host, |_| {}).await;
        self.live(host).await;
    }

    /// A host says that it lives, once.
    pub(crate) async fn live(&self, host: &str) {
        let lease = Lease { incarnation: Incarnation(1) };
        self.buckets.leases.put(host, lease.encode()).await.unwrap();
    }

    /// A host tells something new of itself.
    pub(crate) async fn tell(&mut self, host: &str, change: impl FnOnce(&mut HostRecord)) {
        let record = self.records.get_mut(&host.parse::<HostName>().unwrap()).unwrap();
        change(record);
        self.buckets.hosts.put(host, record.encode()).await.unwrap();
    }

    /// A host dies.
    pub(crate) async fn die(&self, host: &str) {
        self.buckets.leases.delete(host).await.unwrap();
    }

    /// A planner places what was asked for.
    pub(crate) async fn plan(&self) -> Placement {
        let view = self.operator.view(None).await.unwrap();
        let next = place(&view.demands(), &view.placement, &view.host_views());
        self.agree(&next).await;
        next
    }

    /// Every living host brings up what it was given.
    pub(crate) async fn bring_up(&mut self) {
        let placement = self.operator.view(None).await.unwrap().placement;
        for host in self.records.keys().cloned().collect::<Vec<_>>() {
            let given = placement.applications.iter().map(|(app, placed)| {
                let actors = placed.actors.iter().filter(|(_, hosts)| hosts.contains(&host));
                let providers = placed.providers.iter().filter(|(_, hosts)| hosts.contains(&host));
                let (actors, providers): (BTreeSet<_>, BTreeSet<_>) =
                    (actors.map(|(name, _)| name.clone()).collect(), providers.map(|(name, _)| name.clone()).collect());
                (app.clone(), Ready { version: placed.version, actors, providers, ..Ready::default() })
            });
            let given: BTreeMap<AppName, Ready> =
                given.filter(|(_, ready)| !ready.actors.is_empty() || !ready.providers.is_empty()).collect();
            self.tell(host.as_str(), |record| {
                record.states.extend(
                    given.iter().flat_map(|(app, ready)| {
                        ready.providers.iter().map(|provider| (app.clone(), provider.clone()))
                    }),
                );
                record.ready = given;
            })
            .await;
        }
    }

    /// One application is placed so.
    pub(crate) async fn agree_to(&self, generation: u64, placed: AppPlacement) {
        let mut placement = self.operator.view(None).await.unwrap().placement;
        placement.generation = generation;
        placement.applications.insert(app(), Arc::new(placed));
        self.agree(&placement).await;
    }

    /// Writes a placement as planners do: shards, the index, and the root at last.
    async fn agree(&self, placement: &Placement) {
        let mut buckets: BTreeMap<u8, BTreeMap<PointerKey, Digest>> = BTreeMap::new();
        for (name, placed) in &placement.applications {
            let digest = self.put(&Shard::App(placed.clone())).await;
            let key = PointerKey::App(name.clone());
            buckets.entry(key.bucket()).or_default().insert(key, digest);
        }
        let mut root = Root { generation: placement.generation, buckets: BTreeMap::new() };
        for (number, entries) in buckets {
            let index = Shard::Index { generation: placement.generation, entries: Arc::new(entries) };
            root.buckets.insert(number, self.put(&index).await);
        }
        self.buckets.blueprint.put(ROOT_KEY, root.encode()).await.unwrap();
    }

    async fn put(&self, shard: &Shard) -> Digest {
        let bytes = shard.encode();
        let digest = Digest::of(&bytes);
        self.buckets.blueprint.put(&shard_key(digest), bytes).await.unwrap();
        digest
    }
}

/// Takes all leases away, as servers do that begin anew; the bucket that now keeps them.
pub(crate) fn leases(world: &mut World, options: MemoryOptions) -> Arc<dyn Bucket> {
    let leases: Arc<dyn Bucket> = Arc::new(MemoryBucket::new("leases", options));
    world.buckets.leases = leases.clone();
    world.operator = Operator::new(world.buckets.clone(), world.objects.clone(), "operator.alice".parse().unwrap());
    leases
}

/// The first example, with these lines in the table of its actor and this kind of provider.
pub(crate) fn counter(actor: &str, provider: &str) -> Application {
    let manifest = format!(
        "manifest = 1\n[application]\nname = \"counter\"\n[actors.counter]\n\
         component = \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n{actor}\n\
         [providers]\nkv = {{ use = \"{provider}\" }}\n[[routes]]\npath = \"/*\"\nto = \"counter\"\n"
    );
    opened(&manifest)
}

pub(crate) fn opened(manifest: &str) -> Application {
    let folder = testkit::application::folder(manifest).unwrap();
    Application::open(folder.path(), &mut |_| {}).unwrap()
}

pub(crate) fn app() -> AppName {
    "counter".parse().unwrap()
}
