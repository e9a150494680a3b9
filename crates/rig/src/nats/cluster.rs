//! Three servers as one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use super::config::{Options, Routes};
use super::server::Server;
use crate::ports;

const SIZE: usize = 3;
const TRIES: usize = 5;
/// An election takes up to nine seconds; a loaded machine needs several.
const READY: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Three servers joined by routes on the loopback, with JetStream over all three. Killed when dropped.
#[derive(Debug)]
pub struct Cluster {
    servers: Vec<Server>,
}

impl Cluster {
    /// Starts three servers with these options, and waits until they have chosen a leader of JetStream and know each
    /// other.
    ///
    /// # Errors
    ///
    /// One of them does not start, or no leader is chosen in time; the message has the end of a log.
    pub async fn start(options: Options) -> Result<Self> {
        for _ in 1..TRIES {
            match Self::begin(&options).await {
                Err(error) if error.to_string().contains("address already in use") => {}
                result => return result,
            }
        }
        Self::begin(&options).await
    }

    async fn begin(options: &Options) -> Result<Self> {
        let all: Vec<u16> = (0..SIZE).map(|_| ports::free()).collect::<Result<_>>()?;
        let mut servers = Vec::new();
        for own in &all {
            let routes = Routes { own: *own, all: all.clone() };
            servers.push(Server::begin(options, ports::free()?, Some(routes))?);
        }
        for server in &servers {
            server.answered().await?;
        }
        let cluster = Self { servers };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// The servers, in their order; a dead one keeps its place.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// One server, to freeze it or to look at its log.
    ///
    /// # Errors
    ///
    /// There is no such one.
    pub fn server(&mut self, at: usize) -> Result<&mut Server> {
        self.servers.get_mut(at).with_context(|| format!("there is no server {at} of {SIZE}"))
    }

    /// Where clients connect: all three, joined by commas.
    pub fn url(&self) -> String {
        self.servers.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    /// Kills one server.
    ///
    /// # Errors
    ///
    /// There is no such one.
    pub fn kill(&mut self, at: usize) -> Result<()> {
        self.server(at)?.kill()
    }

    /// Starts one server again. [`Self::ready`] waits until it has caught up.
    ///
    /// # Errors
    ///
    /// There is no such one, or it does not start.
    pub async fn restart(&mut self, at: usize) -> Result<()> {
        self.server(at)?.restart().await
    }

    /// Waits until the living servers have a leader of JetStream and say that they are healthy.
    ///
    /// # Errors
    ///
    /// It takes longer than a minute.
    pub async fn ready(&self) -> Result<()> {
        if self.meta_leader(READY).await?.is_some() && self.all_healthy().await {
            return Ok(());
        }
        let logs: Vec<String> = self.servers.iter().map(Server::log_tail).collect();
        bail!("the cluster is not ready; the ends of the logs:\n{}", logs.join("\n--\n"))
    }

    /// The server that leads JetStream, waited for until `patience` is over.
    ///
    /// # Errors
    ///
    /// An answer of a server's monitor that cannot be understood.
    pub async fn meta_leader(&self, patience: Duration) -> Result<Option<usize>> {
        self.wait(patience, |text| after(text, "\"leader\": \"", "meta_cluster"), "/jsz").await
    }

    /// The server that leads a stream, in whatever account it is, waited for until `patience` is over.
    ///
    /// # Errors
    ///
    /// An answer of a server's monitor that cannot be understood.
    pub async fn stream_leader(&self, stream: &str, patience: Duration) -> Result<Option<usize>> {
        let stream = format!("\"name\": \"{stream}\"");
        let read = |text: &str| {
            let at = text.find(&stream)?;
            after(text.get(at..)?, "\"leader\": \"", "\"cluster\"")
        };
        self.wait(patience, read, "/jsz?accounts=1&streams=1").await
    }

    async fn wait(
        &self,
        patience: Duration,
        read: impl Fn(&str) -> Option<String>,
        path: &str,
    ) -> Result<Option<usize>> {
        let deadline = Instant::now() + patience;
        loop {
            for server in self.servers.iter().filter(|server| server.id().is_some()) {
                let found = server.monitor(path).await.ok().and_then(|text| read(&text));
                // A living leader only: the others may not have noticed that it is dead.
                let is_found = |server: &Server| found.as_deref() == Some(server.name()) && server.id().is_some();
                if let Some(at) = self.servers.iter().position(is_found) {
                    return Ok(Some(at));
                }
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            sleep(POLL).await;
        }
    }

    async fn all_healthy(&self) -> bool {
        let deadline = Instant::now() + READY;
        for server in self.servers.iter().filter(|server| server.id().is_some()) {
            while server.monitor("/healthz").await.is_err() {
                if Instant::now() > deadline {
                    return false;
                }
                sleep(POLL).await;
            }
        }
        true
    }
}

/// The text in quotes that follows `key`, after the first `within`.
fn after(text: &str, key: &str, within: &str) -> Option<String> {
    let text = text.get(text.find(within)?..)?;
    let start = text.find(key)? + key.len();
    text.get(start..)?.split('"').next().map(str::to_owned)
}
