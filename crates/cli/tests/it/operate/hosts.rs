//! A lattice on a NATS server, with hosts that the test plays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::operate::Operator;
use lattice::bus::Bus as _;
use lattice::call::Incarnation;
use lattice::connect::{ConnectSettings, Connection};
use lattice::document::{
    Document, Failing, HostRecord, Lease, Part, PointerKey, ROOT_KEY, Root, Shard, Storage, shard_key,
};
use lattice::store::Buckets;
use model::digest::Digest;
use model::ids::HostName;
use model::placement::Ready;
use plan::placement::place;
use rig::nats::{Options, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::lath::{Ended, command, ended};

const RENEWAL: Duration = Duration::from_millis(500);

/// A lattice called `dev`, and a user's settings with the context `local` for it.
pub(super) struct Lattice {
    pub(super) folder: TempDir,
    pub(super) server: Server,
    runtime: Runtime,
    buckets: Buckets,
    operator: Operator,
    connection: Connection,
}

impl Lattice {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(Options::default())).unwrap();
        let settings = ConnectSettings::new(vec![server.url().parse().unwrap()], "dev".parse().unwrap());
        let (connection, buckets, operator) = runtime.block_on(async {
            let connection = Connection::open(settings).await.unwrap();
            let (buckets, objects) = (connection.buckets(true).await.unwrap(), connection.objects(true).await.unwrap());
            let operator = Operator::new(buckets.clone(), objects, "operator.test".parse().unwrap());
            (connection, buckets, operator)
        });
        let folder = tempfile::tempdir().unwrap();
        let lattice = Self { folder, server, runtime, buckets, operator, connection };
        let url = lattice.server.url();
        lattice.lath(&["context", "add", "local", "--url", &url, "--lattice", "dev"]).success();
        lattice
    }

    /// Somebody who listens there and answers nothing, until the lattice is dropped.
    pub(super) fn silent(&self, subject: &str) {
        let heard = async { self.connection.bus("nothing".parse().unwrap()).subscribe(subject.parse().unwrap()).await };
        let mut heard = self.runtime.block_on(heard).unwrap();
        self.runtime.spawn(async move { while heard.next().await.is_some() {} });
    }

    /// Waits for something of the rig's.
    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// Runs `lath` in the user's folder, with the user's settings.
    pub(super) fn lath(&self, args: &[&str]) -> Ended {
        let mut lath = command(args);
        lath.env("XDG_CONFIG_HOME", self.folder.path()).env("USER", "alice").current_dir(self.folder.path());
        ended(&mut lath)
    }

    /// Writes the first example into the user's folder `counter`, with these lines for its actor.
    pub(super) fn counter(&self, actor: &str, provider: &str) {
        self.application("counter", &counter(actor, provider));
    }

    /// Writes an application into a folder of the user's.
    pub(super) fn application(&self, folder: &str, manifest: &str) {
        let folder = self.folder.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("lath.toml"), manifest).unwrap();
    }

    /// A host joins.
    pub(super) fn join(&self, name: &str, labels: &[(&str, &str)]) {
        let record = HostRecord {
            name: name.parse().unwrap(),
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
        self.tell(&record);
        self.live(name);
    }

    /// A host says that it lives, and does so until the lattice is dropped.
    fn live(&self, name: &str) {
        let (leases, name) = (self.buckets.leases.clone(), name.to_owned());
        let lease = Lease { incarnation: Incarnation(1) }.encode();
        self.runtime.block_on(leases.put(&name, lease.clone())).unwrap();
        self.runtime.spawn(async move {
            let mut ticks = tokio::time::interval(RENEWAL);
            loop {
                ticks.tick().await;
                let _ = leases.put(&name, lease.clone()).await;
            }
        });
    }

    /// A host tells that what a provider needs fails it.
    pub(super) fn ails(&self, host: &str, app: &str, provider: &str, why: &str) {
        let view = self.runtime.block_on(self.operator.view(None)).unwrap();
        let mut record = view.hosts[&host.parse::<HostName>().unwrap()].record.clone();
        let part = Part::Provider(provider.parse().unwrap());
        record.unwell.push(Failing::new(app.parse().unwrap(), Some(part), why));
        self.tell(&record);
    }

    fn tell(&self, record: &HostRecord) {
        self.runtime.block_on(self.buckets.hosts.put(record.name.as_str(), record.encode())).unwrap();
    }

    /// What hosts do: one plans, each brings up what it was given.
    pub(super) fn settle(&self) {
        let view = self.runtime.block_on(self.operator.view(None)).unwrap();
        let next = place(&view.demands(), &view.placement, &view.host_views());
        let mut root = Root { generation: next.generation, buckets: BTreeMap::new() };
        let mut buckets: BTreeMap<u8, BTreeMap<PointerKey, Digest>> = BTreeMap::new();
        for (name, placed) in &next.applications {
            let key = PointerKey::App(name.clone());
            buckets.entry(key.bucket()).or_default().insert(key, self.put(&Shard::App(placed.clone())));
        }
        for (number, entries) in buckets {
            let index = Shard::Index { generation: next.generation, entries: Arc::new(entries) };
            root.buckets.insert(number, self.put(&index));
        }
        self.runtime.block_on(self.buckets.blueprint.put(ROOT_KEY, root.encode())).unwrap();
        for (name, host) in view.hosts {
            let mut record = host.record;
            record.ready = ready(&next, &name);
            let providers = record.ready.iter().flat_map(|(app, ready)| {
                ready.providers.iter().map(|provider| (app.clone(), provider.clone())).collect::<Vec<_>>()
            });
            record.states.extend(providers);
            self.tell(&record);
        }
    }

    fn put(&self, shard: &Shard) -> Digest {
        let bytes = shard.encode();
        let digest = Digest::of(&bytes);
        self.runtime.block_on(self.buckets.blueprint.put(&shard_key(digest), bytes)).unwrap();
        digest
    }
}

fn ready(placement: &model::placement::Placement, host: &HostName) -> BTreeMap<model::ids::AppName, Ready> {
    let mut all = BTreeMap::new();
    for (app, placed) in &placement.applications {
        let mut ready = Ready { version: placed.version, ..Ready::default() };
        ready.actors.extend(placed.actors.iter().filter(|(_, on)| on.contains(host)).map(|(name, _)| name.clone()));
        ready
            .providers
            .extend(placed.providers.iter().filter(|(_, on)| on.contains(host)).map(|(name, _)| name.clone()));
        if !ready.actors.is_empty() || !ready.providers.is_empty() {
            all.insert(app.clone(), ready);
        }
    }
    all
}

fn counter(actor: &str, provider: &str) -> String {
    let examples = testkit::application::root().canonicalize().unwrap().join("examples");
    let component = component(&examples);
    format!(
        "manifest = 1\n[application]\nname = \"counter\"\n[actors.counter]\ncomponent = \"{component}\"\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n{actor}\n\
         [providers]\nkv = {{ use = \"{provider}\" }}\n[[routes]]\npath = \"/*\"\nto = \"counter\"\n"
    )
}

fn component(examples: &Path) -> String {
    examples.join("kvcounter/target/wasm32-wasip2/release/kvcounter.wasm").to_string_lossy().into_owned()
}
