//! A lattice of real processes: a NATS server as `lath lattice init` sets it up, hosts that are `lath host`, each with
//! its own credentials, and an operator inside this process.
//!
//! What is killed, frozen and cut here is what would be in use. Everything ends with the value that stands for it.

mod host;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::host::application::Application;
use ::host::operate::status::{OnHost, Status};
use ::host::operate::{Operator, Waited};
use ::lattice::authority::Identity;
use ::lattice::connect::{ConnectSettings, Connection};
use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::{StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use host::HostProcess;
use rig::nats::Server;
use rig::process::Process;

pub use self::host::HostOptions;
pub use self::place::LATTICE;

use self::place::{Place, Running};
use super::AMPLE;
use crate::application::{chain, folder};
use crate::caller::word;
use crate::http::{Answer, get};

const POLL: Duration = Duration::from_millis(20);
/// How long one try of an answer may take.
const TRY: Duration = Duration::from_secs(15);

/// Requests under way to many paths.
const AT_ONCE: usize = 16;

/// A NATS server, hosts and an operator.
pub struct Processes {
    hosts: BTreeMap<String, HostProcess>,
    lath: PathBuf,
    operator: Operator,
    _connection: Connection,
    place: Place,
}

impl Processes {
    /// A server without hosts; those will be the program at `lath`.
    pub async fn start(lath: impl Into<PathBuf>) -> Result<Self> {
        Self::at(Place::one().await?, lath.into()).await
    }

    /// Three servers as one, without hosts.
    pub async fn start_cluster(lath: impl Into<PathBuf>) -> Result<Self> {
        Self::at(Place::three().await?, lath.into()).await
    }

    async fn at(place: Place, lath: PathBuf) -> Result<Self> {
        let identity = Identity::Operator(word("test"));
        let settings = ConnectSettings {
            credentials: Some(place.credentials(&identity)?),
            replicas: place.replicas(),
            ..ConnectSettings::new(place.servers.urls().iter().map(|url| word(url)).collect(), word(LATTICE))
        };
        let connection = Connection::open(settings).await.map_err(|error| anyhow!(chain(&error)))?;
        let (buckets, objects) = (connection.buckets(true).await?, connection.objects(true).await?);
        let operator = Operator::new(buckets, objects, word("operator.test"));
        Ok(Self { hosts: BTreeMap::new(), lath, operator, _connection: connection, place })
    }

    /// A server with these hosts, each with an ingress.
    pub async fn of(lath: impl Into<PathBuf>, hosts: &[&str]) -> Result<Self> {
        let mut processes = Self::start(lath).await?;
        processes.join_all(hosts, &HostOptions::default()).await?;
        Ok(processes)
    }

    /// A server, the first of which is 0.
    pub fn server(&mut self, at: usize) -> Result<&mut Server> {
        self.place.servers.get(at)
    }

    /// The server that leads the others.
    pub async fn leader(&self) -> Result<usize> {
        let Running::Three(cluster) = &self.place.servers else { bail!("there is one server only") };
        cluster.meta_leader(AMPLE).await?.context("no server leads")
    }

    /// Where clients of the server connect; of three all, joined by commas.
    pub fn url(&self) -> String {
        self.place.servers.urls().join(",")
    }

    /// The operator.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Makes credentials for someone else: the file that they are in.
    pub fn credentials(&self, identity: &Identity) -> Result<PathBuf> {
        self.place.credentials(identity)
    }

    /// Lets a host join; one of that name that has been there before finds its data.
    pub async fn join(&mut self, name: &str, options: &HostOptions) -> Result<()> {
        self.spawn(name, options)?;
        self.joined(name).await
    }

    /// Lets hosts join, side by side.
    pub async fn join_all(&mut self, names: &[&str], options: &HostOptions) -> Result<()> {
        for name in names {
            self.spawn(name, options)?;
        }
        for name in names {
            self.joined(name).await?;
        }
        Ok(())
    }

    fn spawn(&mut self, name: &str, options: &HostOptions) -> Result<()> {
        let credentials = self.place.host_credentials(name)?;
        let host = HostProcess::spawn(&self.lath, &self.place, name, &credentials, options)?;
        self.hosts.insert(name.to_owned(), host);
        Ok(())
    }

    async fn joined(&mut self, name: &str) -> Result<()> {
        self.hosts.get_mut(name).with_context(|| format!("there is no host {name}"))?.ready(AMPLE).await
    }

    /// A host's process.
    pub fn process(&mut self, name: &str) -> Result<&mut Process> {
        Ok(&mut self.hosts.get_mut(name).with_context(|| format!("there is no host {name}"))?.process)
    }

    /// Where a host serves HTTP.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        self.hosts.get(name).and_then(HostProcess::address).with_context(|| format!("{name} does not serve HTTP"))
    }

    /// The folder with a folder for each host, which has its file and its data.
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }

    /// The names of the hosts that were started.
    pub fn names(&self) -> Vec<String> {
        self.hosts.keys().cloned().collect()
    }

    /// Where all hosts serve HTTP, in the order of their names.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.hosts.values().filter_map(HostProcess::address).collect()
    }

    /// Deploys the application at `path`, and waits until it is ready wherever it is asked for.
    pub async fn up(&self, path: &Path) -> Result<()> {
        let application = Application::open(path, &mut |_| {}).map_err(|error| anyhow!(chain(&error)))?;
        application.plan(None).map_err(|problems| anyhow!("{problems:#?}"))?;
        let deployed = self.operator.up(&application, &mut |_| {}).await.map_err(|error| anyhow!(chain(&error)))?;
        let deadline = Instant::now() + 2 * AMPLE;
        let waited = self.operator.wait(&deployed.application, deployed.version, deadline, &mut |_| {}).await?;
        match waited {
            Waited::Done(_) => Ok(()),
            other => bail!("{} is not ready: {other:#?}\n{}", deployed.application, self.tails()),
        }
    }

    /// Deploys the application of a manifest without its first line, likewise.
    pub async fn up_text(&self, manifest: &str) -> Result<()> {
        self.up(folder(&format!("manifest = 1\n{manifest}"))?.path()).await
    }

    /// What an operator sees, as soon as the servers answer.
    pub async fn status(&self) -> Result<Status> {
        let begun = Instant::now();
        loop {
            match self.operator.status(None).await {
                Ok(status) => return Ok(status),
                Err(error) if begun.elapsed() > TRY => bail!(chain(&error)),
                // They may be choosing a leader.
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// The hosts on which an actor or provider is ready.
    pub async fn ready_on(&self, app: &str, part: &str) -> Result<BTreeSet<String>> {
        Ok(ready_on(&self.status().await?, app, part))
    }

    /// Waits until an operator sees what is `wanted`, and gives how long that took.
    pub async fn seen(&self, what: &str, patience: Duration, wanted: impl Fn(&Status) -> bool) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let status = self.status().await;
            if status.as_ref().is_ok_and(&wanted) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > patience {
                bail!("it never came true: {what}\n{status:#?}\n{}", self.tails());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// `GET path` at a host's ingress, once.
    pub async fn get(&self, host: &str, path: &str) -> Result<Answer> {
        let url = format!("http://{}{path}", self.address(host)?);
        tokio::time::timeout(TRY, get(&url)).await.with_context(|| format!("{url} does not answer"))?
    }

    /// `GET path` at a host's ingress, again until it is answered with 200. The answer, and how long that took.
    pub async fn answered(&self, host: &str, path: &str, patience: Duration) -> Result<(Answer, Duration)> {
        let begun = Instant::now();
        loop {
            let answer = self.get(host, path).await;
            match answer {
                Ok(answer) if answer.status == 200 => return Ok((answer, begun.elapsed())),
                other if begun.elapsed() > patience => {
                    bail!("{path} was never answered well at {host}: {other:?}\n{}", self.tails())
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// The same of many paths, `AT_ONCE` at a time; the answers in the order of their paths.
    pub async fn all_answered(&self, asked: &[(String, String)], patience: Duration) -> Result<Vec<Answer>> {
        let answers = asked.iter().map(|(host, path)| self.answered(host, path, patience).map_ok(|(answer, _)| answer));
        stream::iter(answers.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }

    /// The ends of what the hosts and the server printed.
    pub fn tails(&self) -> String {
        let hosts = self.hosts.iter().map(|(name, host)| format!("-- {name}\n{}", host.process.tail()));
        let server = format!("-- nats-server\n{}", self.place.servers.log_tails());
        hosts.chain([server]).collect::<Vec<_>>().join("\n")
    }
}

/// The hosts on which an actor or provider is ready.
pub fn ready_on(status: &Status, app: &str, part: &str) -> BTreeSet<String> {
    let app = status.applications.iter().find(|status| status.name.as_str() == app);
    let parts = app.into_iter().flat_map(|app| app.actors.iter().chain(&app.providers));
    let part = parts.filter(|status| status.name == part);
    let ready = part.flat_map(|part| part.hosts.iter().filter(|(_, on)| **on == OnHost::Ready));
    ready.map(|(host, _)| host.to_string()).collect()
}
