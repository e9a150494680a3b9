//! Where all sections work: threads, folders, how long to measure, and composites to run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::compose::labels::Labels;
use anyhow::{Context as _, Result, anyhow};
use engine::{Actor, ActorSettings, CallContext, Engine, EngineSettings, Outbound, Outgoing, SendFuture};
use host::application::Application;
use model::blueprint::CompositePlan;
use model::failure::{Failure, RpcError};
use tempfile::TempDir;
use testkit::application::{chain, root};
use tokio::runtime::Runtime;

/// Longer than any measurement: no call of the benchmark may meet its deadline.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Calls that one reused instance serves: the most that a manifest may ask for.
pub(crate) const REUSE: u32 = model::limits::REUSE_MAX;

/// What the sections share.
pub(crate) struct Lab {
    pub(crate) threads: Runtime,
    pub(crate) rounds: usize,
    /// The time for one measurement of calls.
    pub(crate) slot: Duration,
    /// The time for one measurement of a server.
    pub(crate) serving: Duration,
    pub(crate) quick: bool,
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new(quick: bool) -> Result<Self> {
        // On the disk of the project, which a folder for temporary files need not be.
        let target = root().join("target");
        std::fs::create_dir_all(&target).context("cannot make the folder `target`")?;
        let millis = |full: u64, short: u64| Duration::from_millis(if quick { short } else { full });
        Ok(Self {
            threads: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
            rounds: if quick { 3 } else { 5 },
            slot: millis(200, 50),
            serving: millis(3_000, 700),
            quick,
            folder: tempfile::Builder::new().prefix("bench-").tempdir_in(target)?,
        })
    }

    /// A folder of its own for `name`, removed at the end.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A folder with a manifest. `{root}` in the manifest is the repository.
    pub(crate) fn application(&self, name: &str, manifest: &str) -> Result<PathBuf> {
        let folder = self.folder(name)?;
        let root = root().canonicalize()?;
        std::fs::write(folder.join("lath.toml"), manifest.replace("{root}", &root.to_string_lossy()))?;
        Ok(folder)
    }
}

/// An engine that keeps compiled code in `cache`, if anywhere.
pub(crate) fn engine(cache: Option<PathBuf>) -> Result<Engine> {
    Ok(Engine::new(EngineSettings { cache_dir: cache, ..EngineSettings::default() })?)
}

/// Reads the application in `folder`.
pub(crate) fn open(folder: &Path) -> Result<Application> {
    Application::open(folder, &mut |_| {}).map_err(|error| anyhow!("{}; run `cargo x guests`", chain(&error)))
}

/// A composite, ready to compile.
pub(crate) struct Composed {
    pub(crate) plan: CompositePlan,
    pub(crate) bytes: Vec<u8>,
}

/// Plans the application and composes `actor`.
pub(crate) fn compose(application: &Application, actor: &str) -> Result<Composed> {
    let plan = application.plan(None).map_err(|problems| anyhow!("{problems:#?}"))?;
    let composites = plan.blueprint.composites;
    let plan = composites.into_iter().find(|(name, _)| name.to_string() == actor);
    let (_, plan) = plan.with_context(|| format!("the plan has no actor {actor}"))?;
    let bytes = application.compose(&plan)?;
    Ok(Composed { plan, bytes })
}

impl Composed {
    /// The actor, with the limits of its manifest as far as they matter here.
    pub(crate) fn actor(&self, engine: &Engine, outbound: Arc<dyn Outbound>) -> Result<Actor> {
        let labels = Labels::of(&self.plan);
        let settings = ActorSettings {
            execution: PATIENCE,
            reuse: self.plan.limits.reuse,
            receivers: labels.receivers.into_iter().map(|receiver| receiver.label).collect(),
            senders: labels.senders.into_iter().map(|sender| sender.label).collect(),
            ..ActorSettings::new("bench")
        };
        Ok(engine.actor(&engine.load(&self.bytes)?.component, settings, outbound)?)
    }
}

/// The context of a call from outside.
pub(crate) fn context() -> CallContext {
    CallContext::new(1, Instant::now() + PATIENCE)
}

/// No link leads anywhere.
pub(crate) struct Nowhere;

impl Outbound for Nowhere {
    fn send<'a>(&'a self, _: usize, message: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        let text = format!("the benchmark has no target for `{}`", message.method);
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::Transport(text)))))
    }
}
