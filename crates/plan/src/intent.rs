//! What the planner is given: what was asked, and what is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::blueprint::Bridge;
use model::contract::{Contract, ContractName};
use model::ids::ActorName;
use model::manifest::Manifest;
use model::view::{ComponentView, Port, Shape};
use model::wire::{Side, WireVersion, Wires};

/// What was asked: a manifest, and every component that it names, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The manifest.
    pub manifest: Manifest,
    /// The component of each actor.
    pub components: BTreeMap<ActorName, ComponentView>,
    /// The hand-written adapters, by the contract they are for (a name without version is for every version).
    pub adapters: BTreeMap<ContractName, AdapterPair>,
    /// The versions of the wire that generated adapters speak.
    pub wires: Wires,
    /// What stands in the place of generated adapters.
    pub substitutes: Vec<Substitute>,
}

/// Platform code that stands in the place of a generated adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Substitute {
    /// Which of the two it is.
    pub side: Side,
    /// The version of the wire that it speaks.
    pub wire: WireVersion,
    /// The component. The contract that it is for is the one beside the bus.
    pub view: ComponentView,
}

/// A hand-written sender and receiver of one contract.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterPair {
    /// Exports the contract and imports `lath:wasmbus/sender`.
    pub sender: GivenAdapter,
    /// Imports the contract and exports `lath:wasmbus/receiver`.
    pub receiver: GivenAdapter,
}

/// A hand-written adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenAdapter {
    /// The component.
    pub view: ComponentView,
    /// The wire id that it declares.
    pub wire: Option<String>,
}

/// What there is to plan with.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// What each kind of provider offers, by the name that `use` gives it.
    pub offers: BTreeMap<String, Offer>,
    /// How contracts with resources reach a provider that is not on the same host, by their names; others do not.
    pub bridges: BTreeMap<ContractName, Bridge>,
    /// Interfaces that every host satisfies for every actor.
    pub host_imports: Vec<ContractName>,
    /// The contract that the actor of a route must export.
    pub ingress: Arc<Contract>,
    /// The most memories that a composite may have.
    pub memories_max: u32,
}

impl Offer {
    /// True where it answers the calls that a bridge makes.
    pub(crate) fn answers(&self, bridge: &Bridge) -> bool {
        self.contracts.iter().any(|given| given.name.serves(&bridge.contract.name))
    }

    /// True where it has the contract without messages.
    pub(crate) fn is_native(&self, wanted: &ContractName) -> bool {
        self.natives.iter().any(|given| given.serves(wanted))
    }
}

impl Inventory {
    /// How calls of a contract with resources reach a provider elsewhere.
    pub(crate) fn bridge(&self, wanted: &ContractName) -> Option<&Bridge> {
        self.bridges.iter().find(|(given, _)| given.serves(wanted)).map(|(_, bridge)| bridge)
    }

    /// True where the calls of a contract of plain values name stores.
    pub(crate) fn names_stores(&self, contract: &ContractName) -> bool {
        self.bridges.values().any(|bridge| on_one_track(&bridge.contract.name, contract))
    }

    /// True where every host meets the import itself: same interface, same semver track.
    pub fn host_satisfies(&self, port: &Port) -> bool {
        port.contract.as_ref().is_some_and(|wanted| self.host_imports.iter().any(|given| on_one_track(given, wanted)))
    }
}

/// What a kind of provider offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The contracts on which it answers.
    pub contracts: Vec<Arc<Contract>>,
    /// The contracts with resources that it has for actors in the same process, without messages.
    pub natives: Vec<ContractName>,
    /// Where its state is.
    pub state: State,
}

/// Where the state of a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In its host: one replica on one host.
    Local,
    /// Elsewhere, the same for all replicas.
    Shared,
}

/// True where two names are of one interface and one semver track, whichever is older.
pub(crate) fn on_one_track(left: &ContractName, right: &ContractName) -> bool {
    left.serves(right) || right.serves(left)
}

/// The contract that a port shows, if it can travel.
pub(crate) fn contract_of(port: &Port) -> Option<&Arc<Contract>> {
    match &port.shape {
        Shape::Contract(contract) => Some(contract),
        Shape::Types | Shape::Refused(_) => None,
    }
}
