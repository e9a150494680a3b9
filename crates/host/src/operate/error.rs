//! Why a lattice was not changed, or cannot be told of.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lattice::secrets::VaultError;
use lattice::store::StoreError;
use model::contract::ContractName;
use model::digest::Digest;
use model::folder::Folder;
use model::ids::{ActorName, AppName, HostName, SecretName};
use model::wire::Side;
use plan::Problem;
use provider::ProviderError;
use provider::http::LeftOut;

use crate::application::ApplicationError;
use crate::generator::GeneratorError;

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
    /// With the patch the application cannot be planned.
    #[error("application {application} cannot run with that component, and stays as it is; mend the component")]
    Unpatchable {
        /// The application.
        application: AppName,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
    /// The application was taken down.
    #[error("application {application} is down; bring it up with `lath up` or `lath rollback` before it is patched")]
    IsDown {
        /// The application.
        application: AppName,
    },
    /// There is no such actor.
    #[error("application {application} has no actor {actor}; {}", known("it has", actors))]
    NoActor {
        /// The application.
        application: AppName,
        /// The name.
        actor: ActorName,
        /// Those that there are.
        actors: Vec<ActorName>,
    },
    /// The sources of an application are not what was patched into it.
    #[error(
        "version {version} of {application} has a patch of {}, which this would undo; build the patch from these sources, \
         or undo it with `--revert`",
        listed(actors)
    )]
    Reverts {
        /// The application.
        application: AppName,
        /// The version that stands.
        version: u64,
        /// The actors that were patched.
        actors: BTreeSet<ActorName>,
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
    /// Other applications have its routes.
    #[error("application {application} cannot have all of its routes: {}", told(taken))]
    Routes {
        /// The application.
        application: AppName,
        /// What is not free, with its owner.
        taken: Vec<LeftOut>,
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
    /// A secret cannot be set, or the secrets cannot be told of.
    #[error("the secrets of the lattice cannot be read or written")]
    Secrets(#[from] VaultError),
    /// Nobody could open a secret that is to be set.
    #[error(
        "secret {name} is not set: no host of the lattice has told of a key that it could be sealed to; start a host, and \
         set it then"
    )]
    NoKeeper {
        /// The name.
        name: SecretName,
    },
    /// There is no such secret.
    #[error("the lattice has no secret {name}; {}", known("it has", secrets))]
    NoSecret {
        /// The name.
        name: SecretName,
        /// Those that there are.
        secrets: Vec<SecretName>,
    },
    /// Something in the lattice cannot be understood.
    #[error("{what} cannot be understood: {reason}")]
    Damaged {
        /// What.
        what: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A generator of adapters does not do.
    #[error("the platform code of the lattice makes no adapter")]
    Generator(#[from] Box<GeneratorError>),
    /// A file of an adapter cannot be read.
    #[error(transparent)]
    Application(#[from] Box<ApplicationError>),
    /// A file is not the adapter that it is to be.
    #[error("{} cannot stand in the place of adapters of {contract}: {reason}; give one that was made for it", path.display())]
    UnfitAdapter {
        /// The file.
        path: PathBuf,
        /// The contract.
        contract: ContractName,
        /// What is wrong with it.
        reason: String,
    },
    /// An adapter does not fit an actor.
    #[error(
        "application {application} has actors for which that {side} does not do: their `{contract}` has other functions; \
         nothing was changed; make one for all functions of the contract"
    )]
    Misfit {
        /// The application.
        application: AppName,
        /// The contract, as the actor has it.
        contract: ContractName,
        /// Which of the two adapters.
        side: Side,
    },
    /// Someone else changed platform code at the same moment.
    #[error(
        "{by} changed the platform code of the lattice at the same moment: applications have this change, new ones get \
         theirs; try again"
    )]
    PlatformLost {
        /// Who.
        by: String,
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

fn listed(actors: &BTreeSet<ActorName>) -> String {
    actors.iter().map(|actor| format!("actor {actor}")).collect::<Vec<_>>().join(", ")
}

/// The first of them, in words.
fn told(taken: &[LeftOut]) -> String {
    let first = taken.first().map(ToString::to_string).unwrap_or_default();
    if taken.len() > 1 { format!("{first} (and {} more)", taken.len() - 1) } else { first }
}
