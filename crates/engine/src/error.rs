//! What can go wrong before the first call.

use std::error::Error;

/// The cause of an error, as wasmtime reports it.
type Cause = Box<dyn Error + Send + Sync>;

/// An engine, a component or an actor that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine itself.
    #[error("the WebAssembly engine cannot start on this machine; check its memory limits (`ulimit -v`)")]
    Start(#[source] Cause),
    /// Bytes that are not a component, or use what is not supported.
    #[error("the component cannot be compiled; check it with `lath inspect`")]
    Compile(#[source] Cause),
    /// Imports that nobody provides.
    #[error("actor '{actor}' imports what the host does not provide: {}; link these imports", imports.join(", "))]
    UnknownImports {
        /// The actor.
        actor: String,
        /// The names of the imports.
        imports: Vec<String>,
    },
    /// Receivers that the composite does not export.
    #[error("the composite of actor '{actor}' exports no `receive` under {}; compose it again", labels.join(", "))]
    MissingReceivers {
        /// The actor.
        actor: String,
        /// The labels without an export.
        labels: Vec<String>,
    },
    /// A component that is no command.
    #[error("`{name}` exports no `wasi:cli/run`: it is no command; build it as a program, with a `main`")]
    NoRun {
        /// The command.
        name: String,
    },
    /// A component that cannot be asked for what it was to compute.
    #[error("{name} does not export `{contract}`; build it for that contract")]
    NoContract {
        /// The component.
        name: String,
        /// The contract.
        contract: String,
    },
    /// A folder that was granted and cannot be opened.
    #[error("actor '{actor}' may use the folder {}, which cannot be opened; create it, or grant another", path.display())]
    Folder {
        /// The actor.
        actor: String,
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Settings that make no sense.
    #[error("actor '{actor}': {setting} must be at least 1")]
    Zero {
        /// The actor.
        actor: String,
        /// The setting.
        setting: &'static str,
    },
    /// Tapes of what tapes cannot order.
    #[error(
        "actor '{actor}' has async functions: its calls overlap in one instance, and cannot be recorded or replayed yet"
    )]
    Concurrent {
        /// The actor.
        actor: String,
    },
    /// Imports or exports of another type than the host's.
    #[error("the composite of actor '{actor}' does not fit this host; compose it again with this version")]
    Link {
        /// The actor.
        actor: String,
        /// What does not fit.
        #[source]
        source: Cause,
    },
}
