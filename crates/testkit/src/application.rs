//! Applications of the repository, run for a test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use host::application::Application;
use host::telemetry::Telemetry;
use host::{Host, HostSettings, Sources};
use lattice::call::Incarnation;
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::wire::Wires;
use tempfile::TempDir;

use crate::caller::word;

/// The host that runs the application.
pub const HOST: &str = "here";
/// Its lattice.
pub const LATTICE: &str = "local";

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A component of the test guests, built by `cargo x guests`.
pub fn guest(target: &str, name: &str) -> PathBuf {
    root().join(format!("crates/testkit/guests/target/{target}/release/{name}.wasm"))
}

/// A folder with a manifest, removed when dropped. Paths in the manifest that begin with `{root}` start from the
/// repository.
pub fn folder(manifest: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let root = root().canonicalize()?;
    let text = manifest.replace("{root}", &root.to_string_lossy());
    std::fs::write(folder.path().join("lath.toml"), text)?;
    Ok(folder)
}

/// A folder with the manifest of an example, in which these pieces are changed, each of which is there once. Its components are
/// those that `cargo x guests` built.
pub fn example(name: &str, changes: &[(&str, &str)]) -> Result<TempDir> {
    let mut text = std::fs::read_to_string(root().join("examples").join(name).join("lath.toml"))?;
    for (old, new) in changes {
        ensure!(text.matches(old).count() == 1, "there is not one `{old}` in\n{text}");
        text = text.replace(old, new);
    }
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("build = ")).collect();
    folder(&kept.join("\n").replace("component = \"", &format!("component = \"{{root}}/examples/{name}/")))
}

/// A host that runs one application.
pub struct Running {
    /// The host.
    pub host: Host,
    /// The bus that it has joined.
    pub bus: Arc<MemoryBus>,
    /// Calls it as another host would.
    pub peer: Caller,
    /// The application.
    pub application: Arc<Application>,
    _data: Option<TempDir>,
}

/// Reads and runs the application at `path`, with a data folder of its own, on a free port.
pub async fn run(path: &Path) -> Result<Running> {
    let data = tempfile::tempdir()?;
    let running = run_with(path, data.path()).await?;
    Ok(Running { _data: Some(data), ..running })
}

/// Reads and runs the application at `path` with its data in `data`, on a free port.
pub async fn run_with(path: &Path, data: &Path) -> Result<Running> {
    run_observed(path, data, Telemetry::default()).await
}

/// The same with other versions of the wire, in a data folder of its own.
pub async fn run_speaking(path: &Path, wires: &Wires) -> Result<Running> {
    let data = tempfile::tempdir()?;
    let running = run_as(path, data.path(), Telemetry::default(), wires, Sources::default()).await?;
    Ok(Running { _data: Some(data), ..running })
}

/// The same of a host that is observed.
pub async fn run_observed(path: &Path, data: &Path, telemetry: Telemetry) -> Result<Running> {
    run_as(path, data, telemetry, &Wires::default(), Sources::default()).await
}

/// The same with settings, secrets and a recorder, in a data folder of its own.
pub async fn run_given(path: &Path, sources: Sources) -> Result<Running> {
    let data = tempfile::tempdir()?;
    let running = run_as(path, data.path(), Telemetry::default(), &Wires::default(), sources).await?;
    Ok(Running { _data: Some(data), ..running })
}

async fn run_as(path: &Path, data: &Path, telemetry: Telemetry, wires: &Wires, sources: Sources) -> Result<Running> {
    let application = Application::open(path, &mut |_| {}).map_err(|error| anyhow!(chain(&error)))?;
    let application = application.speaking(wires.clone());
    let plan = application.plan(None).map_err(|problems| anyhow!("{problems:#?}"))?;
    let settings = HostSettings {
        name: HOST.to_owned(),
        lattice: LATTICE.to_owned(),
        listen: Some(([127, 0, 0, 1], 0).into()),
        tls: None,
        data: data.to_owned(),
        cache: Some(root().join("target/tools/compiled")),
        telemetry,
        sources,
    };
    let (application, bus) = (Arc::new(application), Arc::new(MemoryBus::new()));
    let host = Host::start(application.clone(), plan.blueprint, settings, bus.clone(), Box::new(|_| {}))
        .await
        .map_err(|error| anyhow!(chain(&error)))?;
    let peer = Caller::start(bus.clone(), Subjects::new(&word(LATTICE)), word("test"), Incarnation(1)).await?;
    Ok(Running { host, bus, peer, application, _data: None })
}

impl Running {
    /// The URL of `path` at the host's ingress.
    pub fn url(&self, path: &str) -> Result<String> {
        let address = self.host.ready().listen.context("the host does not listen")?;
        Ok(format!("http://{address}{path}"))
    }
}

/// An error and its sources in one text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
