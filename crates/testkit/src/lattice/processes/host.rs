//! A host as a process.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rig::process::Process;
use serde_json::Value;

use super::place::{LATTICE, Place};
use crate::application::root;

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The server, where it is not reached directly.
    pub server: Option<String>,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// True where it serves HTTP.
    pub ingress: bool,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Further tables of its file.
    pub tables: String,
    /// The file that its log goes to; among its lines where absent.
    pub log: Option<PathBuf>,
    /// Where it keeps components and compiled code; what all share where absent.
    pub cache: Option<PathBuf>,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            server: None,
            labels: Vec::new(),
            ingress: true,
            environment: Vec::new(),
            tables: String::new(),
            log: None,
            cache: None,
        }
    }
}

pub(super) struct HostProcess {
    pub(super) process: Process,
    address: Option<SocketAddr>,
}

impl HostProcess {
    pub(super) fn spawn(
        lath: &Path,
        place: &Place,
        name: &str,
        credentials: &Path,
        options: &HostOptions,
    ) -> Result<Self> {
        let folder = place.folder().join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("host.toml"), host_toml(name, place, credentials, options)?)?;
        let mut command = program(lath, options.log.as_deref());
        command.args(["--format", "json", "host", "--config", "host.toml"]).current_dir(folder);
        for name in ["LATH_LOG", "LATH_CACHE", "LATH_CONTEXT", "NO_COLOR"] {
            command.env_remove(name);
        }
        if let Some(filter) = std::env::var_os("LATH_TEST_LOG") {
            command.env("LATH_LOG", filter);
        }
        command.envs(options.environment.iter().cloned());
        Ok(Self { process: Process::spawn(&mut command)?, address: None })
    }

    /// Waits until it has joined.
    pub(super) async fn ready(&mut self, patience: Duration) -> Result<()> {
        let line = self.process.line("\"event\":\"ready\"", patience).await?;
        let ready: Value = serde_json::from_str(&line).with_context(|| format!("no JSON: {line}"))?;
        let url = ready.get("url").and_then(Value::as_str);
        self.address = url.and_then(|url| url.strip_prefix("http://")).map(str::parse).transpose()?;
        Ok(())
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// The program, its log in a file where one is named: more than is kept of its lines.
fn program(lath: &Path, log: Option<&Path>) -> Command {
    let Some(log) = log else { return Command::new(lath) };
    let mut command = Command::new("sh");
    command.args(["-c", "log=$0; exec \"$@\" 2>\"$log\""]).arg(log).arg(lath);
    command
}

fn host_toml(name: &str, place: &Place, credentials: &Path, options: &HostOptions) -> Result<String> {
    let labels: Vec<String> = options.labels.iter().map(|(key, value)| format!("{key} = \"{value}\"")).collect();
    // What was compiled once is compiled for all.
    let shared = || Ok::<_, anyhow::Error>(root().canonicalize()?.join("target/tools"));
    let cache = options.cache.clone().map_or_else(shared, Ok)?;
    let mut text = format!(
        "[host]\nname = \"{name}\"\ndata = \"data\"\ncache = \"{}\"\nlabels = {{ {} }}\n",
        cache.display(),
        labels.join(", ")
    );
    if options.ingress {
        text.push_str("listen = \"127.0.0.1:0\"\n");
    }
    let servers = options.server.clone().map_or_else(|| place.servers.urls(), |server| vec![server]);
    let (credentials, replicas) = (credentials.display(), place.replicas());
    writeln!(
        text,
        "[lattice]\nname = \"{LATTICE}\"\nservers = {servers:?}\ncredentials = \"{credentials}\"\n\
         storage-replicas = {replicas}"
    )?;
    text.push_str(&options.tables);
    Ok(text)
}
