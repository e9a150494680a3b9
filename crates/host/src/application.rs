//! An application at hand: its manifest, its components read, ready to plan and to compose.

mod bare;
mod build;
mod parts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter::compose::{self, ComposeError};
use adapter::source::SourceError;
use model::blueprint::{Blueprint, CompositePlan};
use model::ids::{ActorName, EnvName};
use model::manifest::{Manifest, ManifestErrors};
use model::wire::Wires;
use plan::{Intent, Inventory, Plan, Problem};

pub use build::{BuildError, Built};
pub use parts::Piece;
pub(crate) use parts::{read_bounded, read_text, read_text_bounded};

use crate::executor::parts::Memory;
use crate::inventory;
use crate::limits::{BUILD_TIME_MAX, COMPONENT_BYTES_MAX, WATCHED_FILES_MAX};

/// The name of the manifest in an application's folder.
pub const MANIFEST: &str = "lath.toml";

/// Why an application cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// There is nothing at the path.
    #[error("there is no application at {}; name a folder with a {MANIFEST}, a manifest, or a component", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest has errors.
    #[error("{} has errors", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Its text, into which the errors point.
        text: String,
        /// The errors.
        source: ManifestErrors,
    },
    /// A component's file is not there.
    #[error(
        "the component of {owner} is not at {}; build it, or say how with `build = {{ run = \"…\" }}`", path.display()
    )]
    NoComponent {
        /// Whose component.
        owner: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// A component's file is not WebAssembly.
    #[error("{} is not WebAssembly; name a component, such as one built for wasm32-wasip2", path.display())]
    NotWasm {
        /// The file.
        path: PathBuf,
    },
    /// A component's file is not a component.
    #[error("the component of {owner} cannot be used")]
    Component {
        /// Whose component.
        owner: String,
        /// Why.
        source: SourceError,
    },
    /// A component's file is a composite, which already holds adapters.
    #[error("the component of {owner} is a composite made by `lath compose`; name the component that it was made of")]
    Composite {
        /// Whose component.
        owner: String,
    },
    /// A component could not be built.
    #[error("actor {actor} could not be built")]
    Build {
        /// The actor.
        actor: ActorName,
        /// Why.
        source: BuildError,
    },
    /// The built-in contracts cannot be read.
    #[error(transparent)]
    BuiltIn(#[from] provider::ProviderError),
}

/// What reading an application may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The time of a build command.
    pub build_time: Duration,
    /// Files that are looked at to tell whether a component is stale.
    pub watched_files: usize,
    /// The size of a component or adapter, in bytes.
    pub component_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { build_time: BUILD_TIME_MAX, watched_files: WATCHED_FILES_MAX, component_bytes: COMPONENT_BYTES_MAX }
    }
}

/// What is being done, for progress on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A component is being built.
    Building {
        /// The actor.
        actor: ActorName,
        /// The command.
        command: String,
    },
    /// A component was built.
    Built {
        /// The actor.
        actor: ActorName,
        /// How long it took.
        elapsed: Duration,
    },
    /// A composite is being compiled.
    Compiling {
        /// The actor.
        actor: ActorName,
    },
    /// A composite is ready.
    Compiled {
        /// The actor.
        actor: ActorName,
        /// Whether the code came from the cache.
        cached: bool,
        /// How long it took.
        elapsed: Duration,
    },
}

/// An application, read whole.
pub struct Application {
    path: PathBuf,
    folder: PathBuf,
    text: String,
    merged: String,
    intent: Intent,
    inventory: Inventory,
    parts: Arc<Memory>,
}

impl Application {
    /// Reads the application at `path`: a folder with a manifest, a manifest, or a lone component, which then gets a
    /// manifest with sensible defaults. Builds what is stale where the manifest says how.
    pub fn open(path: &Path, progress: &mut dyn FnMut(Step)) -> Result<Self, ApplicationError> {
        Self::open_in(None, path, progress)
    }

    /// The same with the manifest's overlay of an environment.
    pub fn open_in(
        env: Option<&EnvName>,
        path: &Path,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Self, ApplicationError> {
        Self::read(&Bounds::default(), env, path, progress)
    }

    /// The same with bounds of the caller's.
    pub fn open_within(bounds: &Bounds, path: &Path, progress: &mut dyn FnMut(Step)) -> Result<Self, ApplicationError> {
        Self::read(bounds, None, path, progress)
    }

    fn read(
        bounds: &Bounds,
        env: Option<&EnvName>,
        path: &Path,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Self, ApplicationError> {
        let inventory = inventory::inventory()?;
        let Asked { path, folder, text, manifest } = asked(bounds, env, path, &inventory)?;
        for (actor, built) in build::all(&manifest, &folder, bounds, progress) {
            if let Built::Failed(source) = built {
                return Err(ApplicationError::Build { actor, source });
            }
        }
        let mut parts = parts::Parts::new(folder.clone(), bounds);
        let intent = parts.intent(manifest)?;
        let merged = model::manifest::merged(&text, env).into_owned();
        Ok(Self { path, folder, text, merged, intent, inventory, parts: Arc::new(Memory(parts.bytes)) })
    }

    /// The manifest, or the lone component.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that the manifest's paths start from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The manifest's text, as read or as made for a lone component.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a manifest that says the same without overlays: what hosts of a lattice are given.
    pub fn merged(&self) -> &str {
        &self.merged
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.intent.manifest
    }

    /// What was asked, for the planner.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The same with other versions of the wire: what is sent, and what is accepted.
    #[must_use]
    pub fn speaking(mut self, wires: Wires) -> Self {
        self.intent.wires = wires;
        self
    }

    /// What there is to plan with.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Plans the application.
    pub fn plan(&self, previous: Option<&Blueprint>) -> Result<Plan, Vec<Problem>> {
        plan::plan(&self.intent, previous, &self.inventory)
    }

    /// The components and adapters, by their digests.
    pub fn parts(&self) -> Arc<Memory> {
        self.parts.clone()
    }

    /// Composes what the planner asks for.
    pub fn compose(&self, plan: &CompositePlan) -> Result<Vec<u8>, ComposeError> {
        compose::compose(plan, &|digest| self.parts.0.get(digest).cloned())
    }
}

/// A manifest, where it is, and its text.
struct Asked {
    path: PathBuf,
    folder: PathBuf,
    text: String,
    manifest: Manifest,
}

/// Reads what is asked for at `path`, and nothing that it names.
fn asked(
    bounds: &Bounds,
    env: Option<&EnvName>,
    path: &Path,
    inventory: &Inventory,
) -> Result<Asked, ApplicationError> {
    let file = if path.is_dir() { path.join(MANIFEST) } else { path.to_owned() };
    if !file.is_file() {
        return Err(ApplicationError::Missing { path: path.to_owned() });
    }
    let is_component = is_wasm(&file)? || file.extension().is_some_and(|extension| extension == "wasm");
    let text = if is_component { bare::manifest(&file, bounds, inventory)? } else { read_text(&file)? };
    let parsed = model::manifest::parse_in(&text, env);
    let manifest =
        parsed.map_err(|source| ApplicationError::Manifest { path: file.clone(), text: text.clone(), source })?;
    Ok(Asked { folder: folder_of(&file), path: file, text, manifest })
}

/// Builds what is stale of the application at `path`, and says what became of the component of each actor.
///
/// # Errors
///
/// There is none, or its manifest has errors. That a component cannot be built is told of that component.
pub fn build(
    env: Option<&EnvName>,
    path: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<(ActorName, Built)>, ApplicationError> {
    let bounds = Bounds::default();
    let Asked { folder, manifest, .. } = asked(&bounds, env, path, &inventory::inventory()?)?;
    Ok(build::all(&manifest, &folder, &bounds, progress))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// True where there is a file at `path` and it is WebAssembly.
///
/// # Errors
///
/// It cannot be read.
pub fn is_wasm_file(path: &Path) -> Result<bool, ApplicationError> {
    Ok(path.is_file() && is_wasm(path)?)
}

/// What a wasm file begins with, whatever it is called.
const WASM: &[u8] = b"\0asm";

/// True where the file is WebAssembly.
fn is_wasm(path: &Path) -> Result<bool, ApplicationError> {
    use std::io::Read as _;
    let read = |source| ApplicationError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(read)?.take(4).read_to_end(&mut start).map_err(read)?;
    Ok(start == WASM)
}
