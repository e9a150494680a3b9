//! The blueprint: the immutable, numbered result of planning, and all that hosts act upon.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Contract, ContractName};
use crate::digest::Digest;
use crate::ids::{ActorName, AppName, ClientName, ProviderName};
use crate::manifest::{ConfigValue, Limits, Reach, Route};

/// The wire id of the payloads that generated adapters speak: the component model's value encoding.
pub const WIRE_1: &str = "lath/1";

/// What one application runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// Grows by one with each change; hosts refuse to go back.
    pub generation: u64,
    /// Whose blueprint it is.
    pub application: AppName,
    /// One composite for each actor that can be called by itself.
    pub composites: BTreeMap<ActorName, CompositePlan>,
    /// The providers in use.
    pub providers: BTreeMap<ProviderName, ProviderPlan>,
    /// HTTP routes, in the manifest's order.
    pub routes: Vec<Route>,
    /// What clients, programs outside the lattice, may call; a client that is not here may call nothing.
    pub clients: BTreeMap<ClientName, BTreeSet<ClientGrant>>,
}

/// A contract of an actor that a client may call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientGrant {
    /// The actor.
    pub actor: ActorName,
    /// The label of the receiver in the actor's composite.
    pub receiver: String,
    /// The contract as the actor offers it.
    pub contract: ContractName,
}

/// A provider: one to start, or one that runs by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderPlan {
    /// Which built-in provider, such as `keyvalue/embedded`, or [`crate::manifest::EXTERNAL`].
    pub kind: String,
    /// Its configuration, parsed by the provider itself.
    pub config: BTreeMap<String, ConfigValue>,
    /// For a provider that is a process of its own, which no host starts: the contracts on which it answers, with the
    /// versions of those that call it.
    pub external: Option<BTreeSet<ContractName>>,
}

/// A composite: actor(s) and adapters composed into one component.
#[derive(Clone, Debug, PartialEq)]
pub struct CompositePlan {
    /// The actor itself, then the actors fused into it, each after a member that calls it.
    pub members: Vec<Member>,
    /// The contracts on which the actor answers.
    pub receivers: Vec<ReceiverPlan>,
    /// The actor's limits; fused members are charged to them.
    pub limits: Limits,
}

/// A component in a composite.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The actor.
    pub actor: ActorName,
    /// Its component.
    pub component: Digest,
    /// How its linked imports are met. All other imports are met by the host.
    pub wires: Vec<Wire>,
    /// Environment variables that it may read; none where it imports no interface that shows them.
    pub env: BTreeMap<String, String>,
}

/// One import of a member, met.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// The import's label in the member.
    pub import: String,
    /// What meets it.
    pub to: WireTo,
}

/// What meets an import.
#[derive(Clone, Debug, PartialEq)]
pub enum WireTo {
    /// An export of another member: a fused call.
    Member {
        /// Index into [`CompositePlan::members`].
        member: usize,
        /// The export's label there.
        export: String,
    },
    /// A sender: the call becomes a message.
    Sender(SenderPlan),
}

/// A sender in a composite, with the link that it serves.
#[derive(Clone, Debug, PartialEq)]
pub struct SenderPlan {
    /// The composite's import that the host binds to the link, such as `send0`.
    pub label: String,
    /// The contract as the consumer sees it.
    pub contract: Arc<Contract>,
    /// Where the adapter comes from.
    pub adapter: AdapterPlan,
    /// Where its messages go.
    pub link: LinkPlan,
}

/// A receiver in a composite.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverPlan {
    /// The composite's export, such as `receive0`.
    pub label: String,
    /// The actor's export that it calls.
    pub export: String,
    /// The contract as the actor offers it.
    pub contract: Arc<Contract>,
    /// Where the adapter comes from.
    pub adapter: AdapterPlan,
}

/// Where an adapter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterPlan {
    /// Generated from the contract; speaks [`WIRE_1`].
    Generated,
    /// Written by hand.
    Given {
        /// The component.
        component: Digest,
        /// The wire id that it declares.
        wire: String,
    },
}

impl AdapterPlan {
    /// The wire id of its payloads.
    pub fn wire(&self) -> &str {
        match self {
            AdapterPlan::Generated => WIRE_1,
            AdapterPlan::Given { wire, .. } => wire,
        }
    }
}

/// A link as planned.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkPlan {
    /// The actor that calls.
    pub actor: ActorName,
    /// Its import.
    pub import: String,
    /// The contract.
    pub contract: ContractName,
    /// Who answers.
    pub target: Target,
    /// How far calls may travel; never `fused` here.
    pub reach: Reach,
    /// The longest time a call may take.
    pub deadline: Duration,
    /// Functions whose calls may be tried again after a failure that leaves open whether they ran.
    pub idempotent: BTreeSet<String>,
}

/// Who answers over a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An actor of the application, at one of its receivers.
    Actor {
        /// The actor.
        actor: ActorName,
        /// The label of the receiver in the actor's composite.
        receiver: String,
    },
    /// A provider.
    Provider(ProviderName),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Actor { actor, .. } => write!(f, "actor {actor}"),
            Target::Provider(provider) => write!(f, "provider {provider}"),
        }
    }
}
