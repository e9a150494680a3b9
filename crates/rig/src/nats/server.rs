//! One server, as a process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::config::{Config, Options, Place};
use crate::process::{freeze, signal};
use crate::{http, ports};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const GREETING: Duration = Duration::from_secs(1);
/// How often another port is tried where somebody took the first.
const PORT_TRIES: usize = 5;
const LOG_LINES: usize = 30;
const NOT_RUNNING: &str = "the NATS server does not run";
const TAKEN: &str = "address already in use";
const RELOADED: &str = "Reloaded server configuration";
const NOT_RELOADED: &str = "Failed to reload server configuration";

/// A running NATS server on a port of the loopback, with its own empty folder. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    place: Place,
    options: Options,
    child: Option<Child>,
    /// Removed after the process has ended.
    _folder: TempDir,
}

impl Server {
    /// Starts a server, and waits until it answers.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not start; the message has the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        for _ in 1..PORT_TRIES {
            let server = Self::begin(&options, ports::free()?, None)?;
            match server.answered().await {
                Err(error) if error.to_string().contains(TAKEN) => {}
                result => return result.map(|()| server),
            }
        }
        let server = Self::begin(&options, ports::free()?, None)?;
        server.answered().await.map(|()| server)
    }

    /// Starts the process, without waiting for it.
    pub(crate) fn begin(options: &Options, port: u16, routes: Option<super::config::Routes>) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let folder = tempfile::Builder::new().prefix("rig-nats-").tempdir()?;
        let name = format!("rig-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let place = Place { name, port, http: ports::free()?, folder: folder.path().to_owned(), routes };
        let mut server = Self { place, options: options.clone(), child: None, _folder: folder };
        server.spawn()?;
        Ok(server)
    }

    /// Where clients connect: `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.place.port)
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// Its name, which a cluster's leaders are called by.
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The process, where it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The folder of the server, for more files: its configuration may name it as `{folder}`.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// What the monitor answers, JSON, to a path such as `/jsz?streams=1` or `/connz?auth=1`.
    ///
    /// # Errors
    ///
    /// The server is not there, or knows no such path.
    pub async fn monitor(&self, path: &str) -> Result<String> {
        http::get(self.place.http, path).await
    }

    /// Ends the server as a crash would, and waits until it is gone. Once is enough.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("cannot kill the NATS server")?;
            child.wait().context("cannot wait for the NATS server")?;
        }
        Ok(())
    }

    /// Kills the server if it still runs, starts it again on its port and its store, and waits until it answers.
    ///
    /// # Errors
    ///
    /// It does not start; the message has the end of its log.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.spawn()?;
        self.answered().await
    }

    /// Stops the process where it is (SIGSTOP): connections stay open, and nothing answers.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn freeze(&mut self) -> Result<()> {
        freeze(self.id().context(NOT_RUNNING)?)
    }

    /// Lets a frozen process go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn thaw(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Replaces the text of the configuration, for the next [`Self::reload`] or [`Self::restart`].
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write_config(&mut self, text: impl Into<String>) -> Result<()> {
        self.options.config = Some(Config::Text(text.into()));
        self.configure().map(drop)
    }

    /// Reads the configuration again (SIGHUP), and waits until that is done.
    ///
    /// # Errors
    ///
    /// It does not run, or the configuration is refused; the message has the end of the log.
    pub async fn reload(&mut self) -> Result<()> {
        let before = self.log().matches(RELOADED).count() + self.log().matches(NOT_RELOADED).count();
        self.configure()?;
        self.signal(Signal::HUP)?;
        let deadline = Instant::now() + START;
        loop {
            let log = self.log();
            let (done, failed) = (log.matches(RELOADED).count(), log.matches(NOT_RELOADED).count());
            if done + failed > before {
                let refused = log.rfind(NOT_RELOADED) > log.rfind(RELOADED);
                return if refused { Err(self.failed("the configuration is refused")) } else { Ok(()) };
            }
            if Instant::now() > deadline {
                return Err(self.failed("the configuration was not read again"));
            }
            sleep(POLL).await;
        }
    }

    /// The whole log.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.place.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of the log.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
    }

    /// Waits until the server answers with its own name: another's answer on the port is not taken for it.
    pub(crate) async fn answered(&self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if self.greets().await {
                return Ok(());
            }
            if self.log().contains(TAKEN) {
                bail!("port {} or {}: {TAKEN}", self.place.port, self.place.http);
            }
            if self.has_ended() {
                return Err(self.failed("the NATS server ended at once"));
            }
            if Instant::now() > deadline {
                return Err(self.failed("the NATS server does not answer"));
            }
            sleep(POLL).await;
        }
    }

    async fn greets(&self) -> bool {
        let name = format!("\"server_name\":\"{}\"", self.place.name);
        let greeting = async {
            let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.port))).await.ok()?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await.ok()?;
            Some(line.contains(&name))
        };
        timeout(GREETING, greeting).await.ok().flatten().unwrap_or(false)
    }

    fn has_ended(&self) -> bool {
        let stat = self.id().and_then(|id| fs::read_to_string(format!("/proc/{id}/stat")).ok());
        // A process that ended is a zombie until it is waited for.
        stat.is_none_or(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
    }

    /// Writes the configuration, and gives its text as it was before the replacements.
    fn configure(&self) -> Result<String> {
        if let Some(config) = &self.options.config {
            config.copy_neighbours(&self.place.folder)?;
        }
        let text = self.options.text()?;
        self.place.write(&text)?;
        Ok(text)
    }

    fn spawn(&mut self) -> Result<()> {
        let text = self.configure()?;
        let log = File::options().create(true).append(true).open(self.place.folder.join("log"))?;
        let mut command = Command::new(super::binary()?);
        command.args(self.place.arguments(&text)).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log).current_dir(&self.place.folder);
        self.child = Some(command.spawn().context("cannot start the NATS server")?);
        Ok(())
    }

    fn signal(&self, which: Signal) -> Result<()> {
        signal(self.id().context(NOT_RUNNING)?, which)
    }

    fn failed(&self, what: &str) -> anyhow::Error {
        anyhow!("{what}; the end of its log:\n{}", self.log_tail())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that cannot be killed has ended.
        let _ = self.kill();
    }
}
