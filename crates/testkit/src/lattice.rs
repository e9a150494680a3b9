//! Lattices inside one process: several hosts over one in-memory bus and one set of buckets.

mod link;
pub mod processes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::lattice::document::Storage;
use ::lattice::memory::MemoryBus;
use ::lattice::objects::MemoryObjects;
use ::lattice::objects::Objects;
use ::lattice::store::Buckets;
use ::lattice::store::MemoryBuckets;
use ::lattice::subject::Subjects;
use anyhow::{Context as _, Result, anyhow, bail};
use host::Sources;
use host::application::Application;
use host::control::Exit;
use host::node::{Connection, Node, NodeNews, NodeSettings, NodeStatus};
use host::operate::Operator;
use model::ids::AppName;
use tempfile::TempDir;

pub use self::link::Link;

use crate::application::{chain, folder, root};
use crate::caller::word;
use crate::http::{Answer, get};

/// Longer than anything that is waited for may take on a loaded machine.
pub const AMPLE: Duration = Duration::from_secs(60);

/// A lattice inside this process.
pub struct Lattice {
    bus: MemoryBus,
    buckets: Buckets,
    objects: Arc<dyn Objects>,
    /// The store of bytes as hosts see it.
    seen: Arc<dyn Objects>,
    hosts: BTreeMap<String, TestHost>,
}

/// A host of it.
pub struct TestHost {
    /// The host.
    pub node: Node,
    /// Its way to the lattice, which can be cut.
    pub link: Link,
    news: Arc<Mutex<Vec<NodeNews>>>,
    data: TempDir,
}

impl Default for Lattice {
    fn default() -> Self {
        Self::new()
    }
}

impl Lattice {
    /// A lattice without hosts.
    pub fn new() -> Self {
        Self::seen_through(|objects| objects)
    }

    /// A lattice without hosts; these will see its store of bytes through `lens`.
    pub fn seen_through(lens: impl FnOnce(Arc<dyn Objects>) -> Arc<dyn Objects>) -> Self {
        let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::new());
        let (bus, buckets, seen) = (MemoryBus::new(), MemoryBuckets::open(), lens(Arc::clone(&objects)));
        Self { bus, buckets, objects, seen, hosts: BTreeMap::new() }
    }

    /// A lattice with these hosts, each with an ingress.
    pub async fn of(hosts: &[&str]) -> Result<Self> {
        let mut lattice = Self::new();
        for host in hosts {
            lattice.join(host, |_| {}).await?;
        }
        Ok(lattice)
    }

    /// The buckets.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// A way of its own to the bus.
    pub fn bus(&self) -> MemoryBus {
        self.bus.join()
    }

    /// The store of bytes.
    pub fn objects(&self) -> &Arc<dyn Objects> {
        &self.objects
    }

    /// An operator of the lattice.
    pub fn operator(&self) -> Operator {
        Operator::new(self.buckets.clone(), self.objects.clone(), word("operator.test"))
    }

    /// Lets a host join, its settings changed by `change`.
    pub async fn join(&mut self, name: &str, change: impl FnOnce(&mut NodeSettings)) -> Result<&TestHost> {
        let data = tempfile::tempdir()?;
        self.join_with(name, data, change).await
    }

    /// Lets a host join that has been there before, with its data.
    pub async fn join_with(
        &mut self,
        name: &str,
        data: TempDir,
        change: impl FnOnce(&mut NodeSettings),
    ) -> Result<&TestHost> {
        self.enter(name, data, Link::new(self.bus.join()), change).await
    }

    /// Lets a host join whose way to the lattice is cut.
    pub async fn join_cut(&mut self, name: &str) -> Result<&TestHost> {
        let link = Link::new(self.bus.join());
        link.set_open(false);
        self.enter(name, tempfile::tempdir()?, link, |_| {}).await
    }

    /// The same of a host of a later version, whose messages say more than this version knows.
    pub async fn join_later(&mut self, name: &str, data: TempDir) -> Result<&TestHost> {
        self.enter(name, data, Link::later(self.bus.join()), |_| {}).await
    }

    async fn enter(
        &mut self,
        name: &str,
        data: TempDir,
        link: Link,
        change: impl FnOnce(&mut NodeSettings),
    ) -> Result<&TestHost> {
        let mut settings = NodeSettings {
            name: word(name),
            labels: BTreeMap::new(),
            planner: true,
            listen: Some(([127, 0, 0, 1], 0).into()),
            tls: None,
            data: data.path().to_owned(),
            cache: root().join("target/tools"),
            instances: 64,
            version: "test".to_owned(),
            telemetry: host::telemetry::Telemetry::default(),
            sources: Sources::default(),
        };
        change(&mut settings);
        let connection = Connection {
            bus: link.bus(),
            subjects: Subjects::new(&word("test")),
            buckets: link.buckets(&self.buckets),
            objects: link.objects(&self.seen),
            storage: Storage::Safe,
        };
        let news = Arc::<Mutex<Vec<NodeNews>>>::default();
        let told = news.clone();
        let tell = Arc::new(move |item| told.lock().unwrap_or_else(PoisonError::into_inner).push(item));
        let node = Node::start(settings, connection, tell).await.map_err(|error| anyhow!(chain(&error)))?;
        self.hosts.insert(name.to_owned(), TestHost { node, link, news, data });
        self.host(name)
    }

    /// A host.
    pub fn host(&self, name: &str) -> Result<&TestHost> {
        self.hosts.get(name).with_context(|| format!("there is no host {name}"))
    }

    /// The hosts that are there, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &TestHost)> {
        self.hosts.iter().map(|(name, host)| (name.as_str(), host))
    }

    /// Takes a host out of the list; it goes on.
    pub fn take(&mut self, name: &str) -> Result<TestHost> {
        self.hosts.remove(name).with_context(|| format!("there is no host {name}"))
    }

    /// Ends a host as if it had crashed; gives its data.
    pub fn crash(&mut self, name: &str) -> Result<TempDir> {
        let TestHost { node, data, .. } = self.take(name)?;
        drop(node);
        Ok(data)
    }

    /// Lets a host leave; gives its data.
    pub async fn drain(&mut self, name: &str) -> Result<TempDir> {
        let host = self.host(name)?;
        host.node.drain(false).await;
        let exit = tokio::time::timeout(AMPLE, host.node.ended()).await.context("it does not leave")??;
        if exit != Exit::Drained {
            bail!("{name} ended for another reason: {exit:?}");
        }
        self.crash(name)
    }

    /// Deploys the application at `path`; gives its version.
    pub async fn up(&self, path: &Path) -> Result<u64> {
        let application = Application::open(path, &mut |_| {}).map_err(|error| anyhow!(chain(&error)))?;
        let deployed = self.operator().up(&application, &mut |_| {}).await.map_err(|error| anyhow!(chain(&error)))?;
        Ok(deployed.version)
    }

    /// Deploys the application of a manifest without its first line; gives its version.
    pub async fn up_text(&self, manifest: &str) -> Result<u64> {
        self.up(folder(&format!("manifest = 1\n{manifest}"))?.path()).await
    }

    /// Waits until every host that runs some of `app` runs it in `version`, as a whole, and there are `hosts` of them.
    pub async fn running(&self, app: &str, version: u64, hosts: usize) -> Result<()> {
        let app: AppName = word(app);
        let runs = |status: &NodeStatus| {
            let whole = status.apps.get(&app).is_some_and(|app| app.is_whole() && app.version == Some(version));
            status.placed.get(&app).map(|placed| *placed == version && whole)
        };
        self.until(&format!("{app} {version} runs on {hosts}"), |lattice| {
            let placed: Vec<bool> =
                lattice.hosts.values().filter_map(|host| runs(&host.node.status().borrow())).collect();
            placed.len() == hosts && placed.into_iter().all(|whole| whole)
        })
        .await
    }

    /// Waits until `done`, not for ever.
    pub async fn until(&self, what: &str, mut done: impl FnMut(&Self) -> bool) -> Result<()> {
        let give_up = Instant::now() + AMPLE;
        while !done(self) {
            if Instant::now() > give_up {
                let statuses = self.hosts.iter().map(|(name, host)| {
                    let news = host.news();
                    let tail = news.get(news.len().saturating_sub(12)..).unwrap_or_default().to_vec();
                    format!("{name}: {:#?}\n{tail:#?}", *host.node.status().borrow())
                });
                bail!("it never came true: {what}\n{}", statuses.collect::<Vec<_>>().join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// `GET path` at a host's ingress, again until its status is 200.
    pub async fn answer(&self, host: &str, path: &str) -> Result<Answer> {
        let url = self.host(host)?.url(path)?;
        let give_up = Instant::now() + AMPLE;
        loop {
            let answer = get(&url).await;
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(answer),
                other if Instant::now() > give_up => bail!("{url} never answered well: {other:?}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

impl TestHost {
    /// The URL of `path` at its ingress.
    pub fn url(&self, path: &str) -> Result<String> {
        let address = self.node.listen().context("the host does not listen")?;
        Ok(format!("http://{address}{path}"))
    }

    /// What it has told so far.
    pub fn news(&self) -> Vec<NodeNews> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True where something of `app` runs on it.
    pub fn runs(&self, app: &str) -> bool {
        let status = self.node.status();
        let status = status.borrow();
        status.apps.iter().any(|(name, app_status)| name.as_str() == app && !app_status.actors.is_empty())
    }
}
