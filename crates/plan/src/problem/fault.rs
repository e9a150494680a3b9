//! Problems, one by one.

mod adapter;

use model::contract::ContractName;
use model::ids::{ActorName, ClientName, ProviderName, StoreName};
use model::manifest::{Reach, ReadyCall};
use model::view::Refusal;

use super::{Candidate, Consumer, Flaw, Misfit, Tie, Unready, functions_of, listed, told};

pub use adapter::AdapterFault;

/// What cannot be planned. The texts are complete sentences without the mend.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A component of an actor was not given to the planner.
    #[error("the component of actor {actor} was not read")]
    UnreadActor {
        /// The actor.
        actor: ActorName,
    },
    /// The key of a link names no import.
    #[error("actor {actor} has no import `{key}`; it imports {}", listed(imports))]
    UnmatchedKey {
        /// The actor.
        actor: ActorName,
        /// The key.
        key: String,
        /// The imports that could be linked.
        imports: Vec<String>,
        /// The import that may have been meant.
        near: Option<String>,
    },
    /// The import is an inline interface, and the link does not say which contract it is.
    #[error("import `{import}` of actor {actor} has no contract of its own, and its link states none")]
    UnstatedContract {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// Contracts of the target that have the import's structure.
        fitting: Vec<ContractName>,
    },
    /// The link states another contract than the import has.
    #[error("the link of import `{import}` of actor {actor} states contract `{stated}`, but the import is `{own}`")]
    OtherContract {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// What the link states.
        stated: ContractName,
        /// What the import is.
        own: ContractName,
    },
    /// A linked import cannot travel.
    #[error("import `{import}` of actor {actor} cannot be linked: {refusal}")]
    RefusedImport {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// Why.
        refusal: Refusal,
    },
    /// The target does not serve the consumer.
    #[error("{consumer} needs `{wanted}` from {target}, {misfit}")]
    Misfit {
        /// Who calls.
        consumer: Consumer,
        /// The contract that it expects.
        wanted: ContractName,
        /// Who should answer: `actor tax` or `provider kv`.
        target: String,
        /// Why it does not.
        misfit: Box<Misfit>,
    },
    /// An actor of a chain cannot stand there.
    #[error("{consumer} passes `{contract}` via actor {middleware}, {flaw}")]
    Middleware {
        /// Who calls it: the import or the route with the chain, or the import of the one before.
        consumer: Consumer,
        /// What is passed.
        contract: ContractName,
        /// The actor.
        middleware: ActorName,
        /// Why it cannot.
        flaw: Box<Flaw>,
    },
    /// Chains and fused links ask for too many components in one composite.
    #[error("the composite of actor {actor} would have more than {max} components, copies of middleware among them")]
    TooManyMembers {
        /// The actor.
        actor: ActorName,
        /// The bound.
        max: usize,
    },
    /// Functions without room for failure over a lattice.
    #[error(
        "import `{import}` of actor {actor} has reach `lattice`, but the result of {} of `{contract}` has no room for \
         a failure",
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
        /// True where the provider is a process of its own, which no other reach leads to.
        external: bool,
    },
    /// A provider cannot be fused yet.
    #[error("import `{import}` of actor {actor} has reach `fused` to provider {provider}: not supported yet")]
    FusedProvider {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The provider.
        provider: ProviderName,
    },
    /// A link opens stores of a contract that has none.
    #[error("the link of import `{import}` of actor {actor} has `open`, but no stores are opened over it")]
    NothingToOpen {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
    },
    /// A link of plain values opens a store of another provider than the one that its calls go to.
    #[error(
        "the link of import `{import}` of actor {actor} opens store `{store}` of provider {opened}, but its calls go to \
         provider {provider} only"
    )]
    OpensElsewhere {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The store.
        store: StoreName,
        /// The provider that `open` names.
        opened: ProviderName,
        /// The provider that the link names.
        provider: ProviderName,
    },
    /// A contract with resources over a lattice, to state that is on one host.
    #[error(
        "import `{import}` of actor {actor} has reach `lattice` to provider {provider}, which keeps its state on one \
         host; a contract with resources reaches it there only"
    )]
    NativeReach {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The provider.
        provider: ProviderName,
        /// Kinds of provider that have the same with shared state.
        shared: Vec<String>,
    },
    /// An external provider is in no host.
    #[error(
        "import `{import}` of actor {actor} has reach `{reach}` to provider {provider}, which is a process of its own \
         outside of hosts"
    )]
    ExternalReach {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// The provider.
        provider: ProviderName,
        /// The link's reach.
        reach: Reach,
    },
    /// A function that is called idempotent is not there.
    #[error(
        "link `{key}` of actor {actor} says that `{function}` is idempotent, but its contract has {}",
        listed(known)
    )]
    UnknownFunction {
        /// The actor.
        actor: ActorName,
        /// The key of the link.
        key: String,
        /// The function.
        function: String,
        /// The functions that there are.
        known: Vec<String>,
        /// The function that may have been meant.
        near: Option<String>,
    },
    /// A client is granted a contract that its actor does not have.
    #[error("client {client} may call `{contract}` of actor {actor}, which answers on {}", listed(offered))]
    ClientContract {
        /// The client.
        client: ClientName,
        /// The actor.
        actor: ActorName,
        /// The contract.
        contract: ContractName,
        /// The contracts that it has.
        offered: Vec<ContractName>,
        /// The contract that may have been meant.
        near: Option<String>,
    },
    /// An actor cannot be asked whether it is ready.
    #[error("actor {actor} is to be asked `{call}`, {unready}")]
    Unready {
        /// The actor.
        actor: ActorName,
        /// The function.
        call: ReadyCall,
        /// Why it cannot.
        unready: Box<Unready>,
    },
    /// Fused links lead back to where they began.
    #[error("fused links form a cycle: {}", cycle.iter().map(ActorName::as_str).collect::<Vec<_>>().join(" → "))]
    FusedCycle {
        /// The actors, the first again at the end.
        cycle: Vec<ActorName>,
    },
    /// Fused actors share an import of the host for which their grants differ.
    #[error(
        "actors {first} and {second} are fused and both import `{interface}`, but their grants for it differ: \
         {first} has {first_grant}, {second} has {second_grant}"
    )]
    SharedGrant {
        /// The interface.
        interface: ContractName,
        /// An actor.
        first: ActorName,
        /// Its grant as the manifest writes it.
        first_grant: String,
        /// The other actor.
        second: ActorName,
        /// Its grant as the manifest writes it.
        second_grant: String,
    },
    /// A composite would have more memories than a host gives to one component.
    #[error(
        "the composite of actor {actor} would have {} memories, and {max} are allowed: {members} of its components, \
         {senders} of its senders, {receivers} of its receivers", u64::from(*members) + u64::from(*senders) + u64::from(*receivers)
    )]
    TooManyMemories {
        /// The actor.
        actor: ActorName,
        /// Memories of the actor and those fused into it.
        members: u32,
        /// Memories of senders.
        senders: u32,
        /// Memories of receivers.
        receivers: u32,
        /// The bound.
        max: u32,
    },
    /// Nothing meets an import.
    #[error(
        "import `{import}` of actor {actor} ({}) is not linked, and the host does not meet it",
        functions_of(functions)
    )]
    Unlinked {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// Its functions; a method is `bucket.get`.
        functions: Vec<String>,
        /// The contract, where the import has one of its own.
        contract: Option<ContractName>,
        /// Who could meet it.
        candidates: Vec<Candidate>,
    },
    /// Nothing meets an import, and no link could.
    #[error("import `{import}` of actor {actor} is not met by the host, and cannot be linked: {refusal}")]
    Unmeetable {
        /// The actor.
        actor: ActorName,
        /// The import.
        import: String,
        /// Why.
        refusal: Refusal,
    },
    /// Actors that are placed together ask for different places.
    #[error(
        "actors {first} and {second} are placed together ({}), but {first} asks for `{first_asks}` and {second} for \
         `{second_asks}`",
        told(ties)
    )]
    PlacesDiffer {
        /// An actor.
        first: ActorName,
        /// Its rule as the manifest writes it.
        first_asks: String,
        /// The other actor.
        second: ActorName,
        /// Its rule as the manifest writes it.
        second_asks: String,
        /// Why they are placed together.
        ties: Vec<Tie>,
    },
    /// Several replicas would share state that is on one host.
    #[error(
        "provider {provider} keeps its state on one host, and actor {actor} is placed beside it ({}), but asks for \
         `{asks}`",
        told(ties)
    )]
    SeveralBesideState {
        /// The provider.
        provider: ProviderName,
        /// The actor.
        actor: ActorName,
        /// Its rule as the manifest writes it.
        asks: String,
        /// Why they are placed together.
        ties: Vec<Tie>,
        /// Kinds of provider that offer the same with shared state.
        shared: Vec<String>,
    },
    /// No host offers that kind of provider.
    #[error("provider {provider} uses `{kind}`, which no host offers; they offer {}", listed(known))]
    UnofferedKind {
        /// The provider.
        provider: ProviderName,
        /// The kind.
        kind: String,
        /// All kinds.
        known: Vec<String>,
    },
    /// Adapters cannot be used.
    #[error(transparent)]
    Adapter(#[from] AdapterFault),
}
