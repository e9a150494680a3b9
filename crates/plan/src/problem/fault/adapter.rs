//! What keeps adapters from being used: those that are given, and the wires that they speak.

use model::contract::ContractName;
use model::ids::{ActorName, ClientName, ProviderName};

use model::wire::Side;

/// Why adapters cannot be used. The texts are complete sentences without the mend.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AdapterFault {
    /// The components of an adapter pair were not given to the planner.
    #[error("the adapters of `{contract}` were not read")]
    Unread {
        /// The contract.
        contract: ContractName,
    },
    /// A hand-written adapter lacks one of its two interfaces.
    #[error("the {side} of `{contract}` does not {verb} `{interface}`")]
    Lacks {
        /// The contract.
        contract: ContractName,
        /// Which adapter.
        side: Side,
        /// `import` or `export`.
        verb: &'static str,
        /// The interface.
        interface: String,
    },
    /// A hand-written adapter imports what no host meets.
    #[error("the {side} of `{contract}` imports `{import}`, which nothing meets")]
    Unmet {
        /// The contract.
        contract: ContractName,
        /// Which adapter.
        side: Side,
        /// The import.
        import: String,
    },
    /// A hand-written adapter does not say what it speaks.
    #[error("the {side} of `{contract}` declares no wire id")]
    Silent {
        /// The contract.
        contract: ContractName,
        /// Which adapter.
        side: Side,
    },
    /// The adapters of a pair speak differently.
    #[error("the adapters of `{contract}` do not fit: the sender speaks wire `{sender}`, the receiver `{receiver}`")]
    Wires {
        /// The contract.
        contract: ContractName,
        /// The sender's wire id.
        sender: String,
        /// The receiver's wire id.
        receiver: String,
    },
    /// A hand-written adapter was made for another view of the contract.
    #[error("the hand-written {side} of `{contract}` does not fit actor {actor}: {reason}")]
    Misfit {
        /// The contract as the actor has it.
        contract: ContractName,
        /// Which adapter.
        side: Side,
        /// The actor.
        actor: ActorName,
        /// What differs.
        reason: String,
    },
    /// A provider speaks the wire of generated adapters only.
    #[error(
        "import `{import}` of actor {actor} speaks wire `{sender}`, but provider {provider} answers on `{receiver}`"
    )]
    WireOfProvider {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The sender's wire id.
        sender: String,
        /// The provider.
        provider: ProviderName,
        /// The provider's wire id.
        receiver: &'static str,
        /// The contract.
        contract: ContractName,
    },
    /// An actor does not answer in the version of the wire that its callers write.
    #[error(
        "import `{import}` of actor {actor} speaks wire `{sender}`, but actor {callee} answers `{contract}` {}",
        on(receivers)
    )]
    WireOfActor {
        /// The actor that calls.
        actor: ActorName,
        /// Its import.
        import: String,
        /// The sender's wire id.
        sender: String,
        /// The actor that is called.
        callee: ActorName,
        /// The wire ids of its receivers.
        receivers: Vec<String>,
        /// The contract.
        contract: ContractName,
    },
    /// The host's HTTP server speaks otherwise than the actor's hand-written receiver.
    #[error("route `{route}` speaks wire `{sender}`, but actor {actor} answers on wire `{receiver}`")]
    WireOfRoute {
        /// The route.
        route: String,
        /// The actor.
        actor: ActorName,
        /// The server's wire id.
        sender: &'static str,
        /// The receiver's wire id.
        receiver: String,
        /// The contract.
        contract: ContractName,
    },
    /// Clients speak JSON, which hosts turn into the wire of generated adapters.
    #[error("client {client} speaks wire `{sender}`, but actor {actor} answers `{contract}` on wire `{receiver}`")]
    WireOfClient {
        /// The client.
        client: ClientName,
        /// The wire on which hosts pass its calls on.
        sender: &'static str,
        /// The actor.
        actor: ActorName,
        /// The receiver's wire id.
        receiver: String,
        /// The contract.
        contract: ContractName,
    },
}

fn on(wires: &[String]) -> String {
    match wires {
        [] => "on no wire".to_owned(),
        wires => {
            format!("on wire {} only", wires.iter().map(|wire| format!("`{wire}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
