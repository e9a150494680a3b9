//! Why a provider does not start.

use std::path::PathBuf;

use adapter::generate::GenerateError;
use adapter::source::SourceError;
use engine::EngineError;
use lattice::bus::BusError;
use lattice::call::WordError;
use model::ids::ProviderName;

/// Why a provider does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No such kind.
    #[error("provider `{provider}` uses `{kind}`, which does not exist: use one of {known}")]
    UnknownKind {
        /// The provider.
        provider: ProviderName,
        /// What it uses.
        kind: String,
        /// What there is.
        known: String,
    },
    /// A key of its configuration that the kind does not know.
    #[error("provider `{provider}` is configured with `{key}`, which `{kind}` does not know: it knows {known}")]
    UnknownKey {
        /// The provider.
        provider: ProviderName,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: String,
        /// What there is.
        known: String,
    },
    /// A value that the kind cannot take.
    #[error("provider `{provider}`: `{key}` is {given}, but takes {expected}")]
    BadValue {
        /// The provider.
        provider: ProviderName,
        /// The key.
        key: String,
        /// The value.
        given: String,
        /// What it takes.
        expected: String,
    },
    /// A kind that keeps its state in a lattice, on a host that is in none.
    #[error(
        "provider `{provider}` uses `{kind}`, which keeps its state in a lattice: run the application on one with \
         `lath up`, or use a kind such as `keyvalue/embedded` here"
    )]
    NoLattice {
        /// The provider.
        provider: ProviderName,
        /// Its kind.
        kind: &'static str,
    },
    /// A built-in contract does not parse.
    #[error("a contract that comes with this program cannot be read: install the program anew")]
    Contract(#[from] SourceError),
    /// The Rust functions of a provider are not those of its contract.
    #[error("the functions of a provider differ from contract `{contract}`: {difference}; mend the provider")]
    Implementation {
        /// The contract.
        contract: String,
        /// The first difference.
        difference: String,
    },
    /// The folder for its data cannot be made or opened.
    #[error("provider `{provider}` cannot use the folder {}: check that it may be written to", folder.display())]
    Folder {
        /// The provider.
        provider: ProviderName,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Somebody else has its file.
    #[error(
        "provider `{provider}` cannot open {}: another process has it open; stop that process, or give this one a \
         data folder of its own",
        file.display()
    )]
    Locked {
        /// The provider.
        provider: ProviderName,
        /// The file.
        file: PathBuf,
    },
    /// A file that its configuration names.
    #[error("provider `{provider}` cannot read {}: check the path in its configuration", file.display())]
    File {
        /// The provider.
        provider: ProviderName,
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A server that its configuration describes wrongly.
    #[error("provider `{provider}` cannot use its server as it is configured: check `url` and `ca`")]
    Server {
        /// The provider.
        provider: ProviderName,
        /// What is wrong; it never holds the address, which may have a password in it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its file is not what was once written.
    #[error(
        "provider `{provider}` cannot read {}: it is damaged or no store ({reason}); bring it back from a backup, or \
         move it away to begin with an empty store",
        file.display()
    )]
    Damaged {
        /// The provider.
        provider: ProviderName,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Its file was written by another version.
    #[error(
        "provider `{provider}` cannot read {}: it has format {found}, this version reads format {known}; use the \
         version that wrote it",
        file.display()
    )]
    Format {
        /// The provider.
        provider: ProviderName,
        /// The file.
        file: PathBuf,
        /// The file's format.
        found: u32,
        /// The format that this version reads.
        known: u32,
    },
    /// Its file cannot be read or written.
    #[error(
        "provider `{provider}` cannot use {}: check the disk, and that the file may be read and written",
        file.display()
    )]
    Store {
        /// The provider.
        provider: ProviderName,
        /// The file.
        file: PathBuf,
        /// What the store says.
        #[source]
        source: Box<redb::Error>,
    },
    /// Its thread does not start.
    #[error("provider `{provider}` cannot start a thread: raise the limit of threads or stop other programs")]
    Thread {
        /// The provider.
        provider: ProviderName,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// Why a provider's process does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Its contract cannot travel as messages.
    #[error("the contract of the provider has no receiver")]
    Receiver(#[from] Box<GenerateError>),
    /// The engine that runs the receiver.
    #[error("the provider's receiver cannot run")]
    Engine(#[from] EngineError),
    /// The bus.
    #[error("the provider cannot be reached over the bus")]
    Bus(#[from] BusError),
    /// The thread that finds out whether the process stood still.
    #[error("the thread of the pulse cannot be started; raise the limit of threads or stop other programs")]
    Pulse(#[source] std::io::Error),
    /// A wire id that cannot travel.
    #[error("the provider cannot be announced")]
    Word(#[from] WordError),
}
