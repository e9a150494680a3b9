//! The blueprint: the immutable, numbered result of planning, and all that hosts act upon.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Contract, ContractName};
use crate::destination::{Destination, Origin};
use crate::digest::Digest;
use crate::folder::Folder;
use crate::ids::{ActorName, AppName, ClientName, ProviderName, StoreName};
use crate::manifest::{ConfigValue, Limits, Reach, Route};
use crate::secret::Setting;
use crate::wire::WireVersion;

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
    /// The version of the wire that generated senders write. Hosts call for routes and clients in the same one, where it is
    /// answered: what runs beside this understands that.
    pub wire: WireVersion,
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
    /// The actor itself, then the actors fused into it, each after a member that calls it, then the middleware: a copy for
    /// each place in a chain.
    pub members: Vec<Member>,
    /// The contracts on which the actor answers; one on which it also does behind a chain of middleware is there again.
    pub receivers: Vec<ReceiverPlan>,
    /// How the actor serves requests of HTTP without messages, where it does: first by itself, then behind each chain of
    /// middleware that routes have.
    pub http: Vec<HttpExport>,
    /// The actor's limits; fused members are charged to them.
    pub limits: Limits,
    /// What the actor is asked before it takes calls.
    pub ready: Option<Readiness>,
}

impl CompositePlan {
    /// The way into the actor, or into this chain of middleware before it.
    pub fn entrance(&self, via: &[ActorName]) -> Option<usize> {
        self.http.iter().position(|http| self.is_chain(&http.via, via))
    }

    /// True where the members that `indices` mean are the actors of `via`.
    pub fn is_chain(&self, indices: &[usize], via: &[ActorName]) -> bool {
        let named =
            |(index, name): (&usize, &ActorName)| self.members.get(*index).is_some_and(|one| one.actor == *name);
        indices.len() == via.len() && indices.iter().zip(via).all(named)
    }
}

/// What a composite is asked before it takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The label of the receiver by which it is asked: one of [`CompositePlan::receivers`], of a generated adapter.
    pub receiver: String,
    /// The function: it takes nothing, and what it answers says whether the actor is ready unless it says nothing at all.
    pub function: String,
    /// How long it may take to become ready.
    pub within: Duration,
}

/// An export of `wasi:http`, which the composite has as the actor has it: bodies stream, and no adapter stands between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpExport {
    /// The composite's export: the actor's own, or `http` [behind a chain](behind).
    pub label: String,
    /// The export's label in the member that takes requests first, such as `wasi:http/incoming-handler@0.2.6`.
    pub export: String,
    /// The chain of middleware before the actor, as indices into [`CompositePlan::members`]; the first takes requests.
    pub via: Vec<usize>,
    /// Which `wasi:http` it is.
    pub version: HttpVersion,
}

/// A version of `wasi:http` that serves requests; of two, the later one is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpVersion {
    /// `wasi:http/incoming-handler@0.2`.
    V02,
    /// `wasi:http/handler@0.3`.
    V03,
}

impl HttpVersion {
    /// The version that an export of this name has; none where it does not serve requests.
    pub fn of(contract: &ContractName) -> Option<Self> {
        let version = contract.version.as_ref().filter(|version| version.pre.is_empty() && version.major == 0)?;
        match (contract.unversioned().as_str(), version.minor) {
            ("wasi:http/incoming-handler", 2) => Some(Self::V02),
            ("wasi:http/handler", 3) => Some(Self::V03),
            _ => None,
        }
    }
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
    pub env: BTreeMap<String, Setting>,
    /// Where it may send requests of HTTP; nowhere where it imports no interface that sends any.
    pub http: Vec<Origin>,
    /// Where it may connect to with sockets; nowhere where it imports no interface of them.
    pub network: Vec<Destination>,
    /// Folders that it may use; none where it imports no interface that shows them.
    pub folders: Vec<Folder>,
    /// Its configuration; none where it imports no interface that shows it.
    pub config: BTreeMap<String, Setting>,
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
    /// Functions of the host itself, over a provider: no message.
    Native(NativePlan),
}

/// An import that the host meets itself with what a provider has: a contract with resources.
#[derive(Clone, Debug, PartialEq)]
pub struct NativePlan {
    /// The composite's import that the host binds to the link, such as `native0:keyvalue/store@0.2.0-draft2`.
    pub label: String,
    /// Where its calls go: always to a provider.
    pub link: LinkPlan,
    /// The stores that the actor may open besides [`DEFAULT_STORE`], each with the provider that has it.
    pub open: BTreeMap<StoreName, ProviderName>,
    /// How calls reach a provider that is not on the same host; none where each always is.
    pub bridge: Option<Bridge>,
}

/// How a contract with resources reaches a provider elsewhere: the host keeps the resources, and speaks a contract of plain
/// values over the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Bridge {
    /// The contract of plain values.
    pub contract: Arc<Contract>,
    /// Its functions that change nothing, and so are idempotent.
    pub reads: BTreeSet<String>,
}

/// The store that the provider of a link itself has, unless `open` says another; the empty name means the same.
pub const DEFAULT_STORE: &str = "default";

impl NativePlan {
    /// The store that the actor means by `name`, and the provider that has it; none where it may not open it.
    pub fn store<'a>(&'a self, name: &'a str) -> Option<(&'a ProviderName, &'a str)> {
        let name = if name.is_empty() { DEFAULT_STORE } else { name };
        if let Some(provider) = self.open.get(name) {
            return Some((provider, name));
        }
        match &self.link.target {
            Target::Provider(provider) if name == DEFAULT_STORE => Some((provider, name)),
            _ => None,
        }
    }

    /// The stores that the actor may open of one provider.
    pub fn stores_of(&self, provider: &ProviderName) -> BTreeSet<StoreName> {
        let default = DEFAULT_STORE.parse().ok().filter(|default| !self.open.contains_key(default));
        let own = default.filter(|_| self.link.target == Target::Provider(provider.clone()));
        let opened = self.open.iter().filter(|(_, opened)| *opened == provider).map(|(name, _)| name.clone());
        own.into_iter().chain(opened).collect()
    }

    /// What its bridge stands for: a sender for each provider, under the same link.
    pub fn bridged(&self) -> Vec<SenderPlan> {
        let bridge = self.bridge.iter();
        bridge.flat_map(|bridge| self.providers().into_iter().map(move |to| self.sender(bridge, to))).collect()
    }

    fn sender(&self, bridge: &Bridge, to: &ProviderName) -> SenderPlan {
        let link = LinkPlan {
            contract: bridge.contract.name.clone(),
            target: Target::Provider(to.clone()),
            idempotent: bridge.reads.clone(),
            ..self.link.clone()
        };
        SenderPlan {
            label: self.label.clone(),
            contract: Arc::clone(&bridge.contract),
            adapter: AdapterPlan::Generated(WireVersion::V1),
            link,
            open: self.stores_of(to),
        }
    }

    /// The providers that its calls can reach.
    pub fn providers(&self) -> BTreeSet<&ProviderName> {
        let linked = match &self.link.target {
            Target::Provider(provider) => Some(provider),
            Target::Actor { .. } => None,
        };
        linked.into_iter().chain(self.open.values()).collect()
    }
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
    /// The stores that the actor may name in calls, where the contract has any.
    pub open: BTreeSet<StoreName>,
}

/// A receiver in a composite.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverPlan {
    /// The composite's export, such as `receive0`.
    pub label: String,
    /// The export that it calls: the actor's, or that of the first of the chain.
    pub export: String,
    /// The chain of middleware before the actor, as indices into [`CompositePlan::members`]; mostly there is none.
    pub via: Vec<usize>,
    /// The contract as whoever it calls offers it.
    pub contract: Arc<Contract>,
    /// Where the adapter comes from.
    pub adapter: AdapterPlan,
}

/// What stands between the names in a label; names of actors have no capitals.
const BEHIND: &str = "-VIA-";

/// The label of what is otherwise called `label`, behind a chain of middleware. It depends on nothing but the names, so that
/// a call that means one chain never gets another of a later version.
pub fn behind(label: &str, via: &[ActorName]) -> String {
    let parts: Vec<&str> = std::iter::once(label).chain(via.iter().map(ActorName::as_str)).collect();
    parts.join(BEHIND)
}

/// The names of the chain in a label that [`behind`] made, in one text; empty where it is behind none.
pub fn chain_of(label: &str) -> &str {
    label.split_once(BEHIND).map_or("", |(_, chain)| chain)
}

/// The label of a receiver that is called `label` in version 1 of the wire, and on the wire of a hand-written adapter.
pub fn receiving(label: &str, adapter: &AdapterPlan) -> String {
    match adapter {
        AdapterPlan::Given { .. } => label.to_owned(),
        AdapterPlan::Generated(version) | AdapterPlan::Substitute { wire: version, .. } => match version {
            WireVersion::V1 => label.to_owned(),
            later => format!("{label}-wire{}", later.number()),
        },
    }
}

/// Where an adapter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterPlan {
    /// Generated from the contract; speaks this version of the wire.
    Generated(WireVersion),
    /// Stands in the place of the generated one, by an operator's wish.
    Substitute {
        /// The component.
        component: Digest,
        /// The version of the wire that it speaks.
        wire: WireVersion,
    },
    /// Written by hand.
    Given {
        /// The component.
        component: Digest,
        /// The wire id that it declares.
        wire: String,
    },
}

impl AdapterPlan {
    /// The version of the wire, where it is one that hosts and providers speak as well.
    pub fn version(&self) -> Option<WireVersion> {
        match self {
            AdapterPlan::Generated(version) | AdapterPlan::Substitute { wire: version, .. } => Some(*version),
            AdapterPlan::Given { wire, .. } => WireVersion::of_id(wire),
        }
    }

    /// The component that is not made from the contract, but stored.
    pub fn component(&self) -> Option<Digest> {
        match self {
            AdapterPlan::Generated(_) => None,
            AdapterPlan::Substitute { component, .. } | AdapterPlan::Given { component, .. } => Some(*component),
        }
    }

    /// The wire id of its payloads.
    pub fn wire(&self) -> &str {
        match self {
            AdapterPlan::Generated(version) | AdapterPlan::Substitute { wire: version, .. } => version.id(),
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
