//! Why a lattice was not changed, or cannot be told of.

use lattice::store::StoreError;
use model::digest::Digest;
use model::folder::Folder;
use model::ids::{ActorName, AppName, HostName};
use plan::Problem;
use provider::ProviderError;

/// Why a lattice was not changed, or cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// The application cannot be planned.
    #[error("application {application} cannot be planned; mend its manifest")]
    Unplannable {
        /// The application.
        application: AppName,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
    /// An actor may use a folder, and nothing says which machines have it.
    #[error(
        "actor {actor} of application {application} may use the folder {folder}, which is one machine's; say in its \
         `place.on` which hosts have it"
    )]
    Folder {
        /// The application.
        application: AppName,
        /// The actor.
        actor: ActorName,
        /// The folder.
        folder: Folder,
    },
    /// The lattice's store.
    #[error("the lattice cannot be read or written")]
    Store(#[from] StoreError),
    /// Someone else wrote a version at the same moment; it stands.
    #[error("{by} wrote version {version} of {application} at the same moment; look at it, and try again")]
    Lost {
        /// The application.
        application: AppName,
        /// Who won.
        by: String,
        /// The version that stands.
        version: u64,
    },
    /// There is no such application.
    #[error("the lattice has no application {application}; {}", known("it has", applications))]
    NoApplication {
        /// The name.
        application: AppName,
        /// Those that there are.
        applications: Vec<AppName>,
    },
    /// There is no such version, or it is kept no more.
    #[error("application {application} has no version {version} to go back to; {}", known("there are", versions))]
    NoVersion {
        /// The application.
        application: AppName,
        /// The version.
        version: u64,
        /// Those that there are.
        versions: Vec<u64>,
    },
    /// There is nothing to go back to.
    #[error("application {application} has no earlier version to go back to")]
    NoEarlierVersion {
        /// The application.
        application: AppName,
    },
    /// Bytes of a version are in the lattice's store no more.
    #[error(
        "{missing} of version {version} of {application} is not in the lattice any more; deploy it from its sources"
    )]
    BytesGone {
        /// The application.
        application: AppName,
        /// The version.
        version: u64,
        /// What is missing.
        missing: Digest,
    },
    /// There is no such host.
    #[error("the lattice has no host {host}; {}", known("it has", hosts))]
    NoHost {
        /// The name.
        host: HostName,
        /// Those that there are.
        hosts: Vec<HostName>,
    },
    /// A host that is to be forgotten lives.
    #[error("host {host} is alive; `lath drain {host}` lets it leave")]
    Alive {
        /// The host.
        host: HostName,
    },
    /// It is not known whether a host that is to be forgotten lives.
    #[error(
        "it cannot be told whether host {host} is alive: no host's lease is seen; try again once other hosts are up"
    )]
    NotKnownDead {
        /// The host.
        host: HostName,
    },
    /// A host that is to be forgotten has state that nobody else has.
    #[error("host {host} has the only state of {}; start it again, or give that up with `--force`", states.join(", "))]
    HasState {
        /// The host.
        host: HostName,
        /// The state, as `app/provider`.
        states: Vec<String>,
    },
    /// Something in the lattice cannot be understood.
    #[error("{what} cannot be understood: {reason}")]
    Damaged {
        /// What.
        what: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The built-in contracts cannot be read.
    #[error(transparent)]
    BuiltIn(#[from] ProviderError),
}

fn known<T: ToString>(lead: &str, list: &[T]) -> String {
    match list {
        [] => "there are none".to_owned(),
        list => format!("{lead} {}", list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}
