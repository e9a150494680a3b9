//! Warnings, one by one.

use model::contract::ContractName;
use model::ids::{ActorName, ProviderName};

use super::functions_of;

/// What a plan warns of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Caution {
    /// A failed call will trap.
    #[error(
        "import `{import}` of actor {actor}: the result of {} of `{contract}` has no room for a failure; should a call \
         fail, {actor} traps",
        functions_of(functions)
    )]
    NoRoom {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The contract.
        contract: ContractName,
        /// The functions.
        functions: Vec<String>,
    },
    /// Every import of the link is linked by a more specific key.
    #[error("link `{key}` of actor {actor} links nothing: more specific keys link all of its imports")]
    Shadowed {
        /// The actor.
        actor: ActorName,
        /// The key.
        key: String,
    },
    /// The link's imports hold types only.
    #[error("link `{key}` of actor {actor} links nothing: there are only types in `{key}`")]
    OnlyTypes {
        /// The actor.
        actor: ActorName,
        /// The key.
        key: String,
    },
    /// Nobody links to the provider.
    #[error("no link leads to provider {provider}: it is not started")]
    UnusedProvider {
        /// The provider.
        provider: ProviderName,
    },
    /// Nobody speaks the contract.
    #[error("the adapters of `{contract}` are not used: no link and no export has that contract")]
    UnusedAdapters {
        /// The contract.
        contract: ContractName,
    },
}
