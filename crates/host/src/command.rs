//! Commands: components that export `wasi:cli/run`, run once as a program of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adapter::source::{SourceError, componentize};
use adapter::view::view;
use engine::{ActorSettings, Engine, EngineError, EngineSettings, Loaded};
pub use engine::{Ended, Pipe, Stdio};
use model::destination::Destination;
use model::folder::Folder;
use model::ids::ByteSize;
use model::secret::{SecretValue, Setting};
use model::view::{ComponentView, Shape};
use tokio::runtime::Handle;

use crate::application::{ApplicationError, read_bounded, read_text_bounded};
use crate::limits::{COMMAND_CONFIG_BYTES_MAX, COMMAND_STOP_GRACE, COMPONENT_BYTES_MAX};

/// The interface, without its version, that makes a component a command.
const RUN: &str = "wasi:cli/run";

/// What a component can be run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worlds {
    /// As a command: it exports `wasi:cli/run`.
    pub command: bool,
    /// As an actor: it exports anything else with functions, or is no command.
    pub actor: bool,
}

/// Why a command cannot run.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Its file cannot be read.
    #[error(transparent)]
    File(#[from] Box<ApplicationError>),
    /// Its file is no component.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It cannot be compiled, imports what there is not, or may use a folder that there is not.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What ran it is gone.
    #[error("the thread of the command broke down; this is an error of lath")]
    Thread(#[source] tokio::task::JoinError),
}

/// A command, and what it may use.
#[derive(Clone, Debug)]
pub struct Request {
    /// The component.
    pub path: PathBuf,
    /// Its arguments, without the name that it is called by: that is its file's.
    pub args: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, Setting<SecretValue>>,
    /// Its configuration, as `wasi:config` shows it.
    pub config: BTreeMap<String, Setting<SecretValue>>,
    /// Folders that it may use.
    pub folders: Vec<Folder>,
    /// Where it may connect to.
    pub network: Vec<Destination>,
    /// All its linear memories and tables together.
    pub memory: ByteSize,
    /// How long it may run, where that is bounded.
    pub time: Option<Duration>,
    /// Where compiled code is kept.
    pub cache: Option<PathBuf>,
}

/// A command that is ready to run.
#[derive(Debug)]
pub struct Command {
    command: engine::Command,
    args: Vec<String>,
    time: Option<Duration>,
    /// Whether its code was taken from the cache.
    pub cached: bool,
    /// How long it took to compile, or to take from the cache.
    pub elapsed: Duration,
}

/// What the component at `path` can be run as.
///
/// # Errors
///
/// The file cannot be read, or holds no component.
pub fn worlds(path: &Path) -> Result<Worlds, CommandError> {
    let subject = path.display().to_string();
    let view = view(&subject, &read(path)?)?;
    Ok(worlds_of(&view))
}

/// The text of the file with a command's configuration.
///
/// # Errors
///
/// The file cannot be read, is larger than [`COMMAND_CONFIG_BYTES_MAX`], or is no text.
pub fn read_config(path: &Path) -> Result<String, CommandError> {
    Ok(read_text_bounded(path, COMMAND_CONFIG_BYTES_MAX).map_err(Box::new)?)
}

fn worlds_of(view: &ComponentView) -> Worlds {
    let functions = || view.exports.iter().filter(|port| !matches!(port.shape, Shape::Types));
    let is_run = |port: &&model::view::Port| port.contract.as_ref().is_some_and(|name| name.unversioned() == RUN);
    let command = functions().any(|port| is_run(&port));
    Worlds { command, actor: !command || functions().any(|port| !is_run(&port)) }
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    Ok(read_bounded(path, COMPONENT_BYTES_MAX).map_err(Box::new)?)
}

impl Command {
    /// Reads and compiles the component, and opens the folders. Blocks the thread.
    ///
    /// # Errors
    ///
    /// It is no command, or imports what no command is given.
    pub fn prepare(request: Request) -> Result<Self, CommandError> {
        let subject = request.path.display().to_string();
        let bytes = read(&request.path)?;
        let component = componentize(&subject, &bytes)?;
        let engine =
            Engine::new(EngineSettings { cache_dir: request.cache, instances_max: 1, ..EngineSettings::default() })?;
        let Loaded { component, cached, elapsed } = engine.load(&component)?;
        let name = request.path.file_name().unwrap_or(request.path.as_os_str()).to_string_lossy().into_owned();
        let settings = ActorSettings {
            memory_bytes: request.memory.0,
            env: request.env,
            config: request.config,
            folders: request.folders,
            network: request.network,
            ..ActorSettings::new(&name)
        };
        let command = engine.command(&component, settings)?;
        let args = std::iter::once(name).chain(request.args).collect();
        Ok(Self { command, args, time: request.time, cached, elapsed })
    }

    /// Runs it on a thread of its own, which blocks where its output does. Dropping the future does not end it: the
    /// end of the process does.
    ///
    /// # Errors
    ///
    /// A folder cannot be opened.
    pub async fn run(self, stdio: Stdio) -> Result<Ended, CommandError> {
        let deadline = self.time.and_then(|time| Instant::now().checked_add(time));
        let runtime = Handle::current();
        let running =
            tokio::task::spawn_blocking(move || runtime.block_on(self.command.run(self.args, stdio, deadline)));
        match deadline {
            None => Ok(running.await.map_err(CommandError::Thread)??),
            Some(deadline) => match tokio::time::timeout_at((deadline + COMMAND_STOP_GRACE).into(), running).await {
                Ok(ended) => Ok(ended.map_err(CommandError::Thread)??),
                // It waits for somebody who reads.
                Err(_) => Ok(Ended::Late { backtrace: None }),
            },
        }
    }
}
