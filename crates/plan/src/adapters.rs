//! Hand-written adapters: whether a pair is one, for which contracts it is, and whether it fits those.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::blueprint::{AdapterPlan, ReceiverPlan, WIRE_1};
use model::contract::{Contract, ContractName};
use model::ids::ActorName;
use model::view::Port;
use model::wire::{Side, WireVersion};

use crate::findings::Findings;
use crate::intent::{AdapterPair, GivenAdapter, Intent, Inventory, contract_of, on_one_track};
use crate::problem::{AdapterFault, Caution, Place, table_key};
use crate::substitutes::substitute_for;

const SENDER: &str = "lath:wasmbus/sender";
const RECEIVER: &str = "lath:wasmbus/receiver";
/// A generated adapter has one memory.
const GENERATED_MEMORIES: u32 = 1;

/// Finds what is wrong with the pairs themselves.
pub(crate) fn check_pairs(intent: &Intent, inventory: &Inventory, findings: &mut Findings) {
    for name in intent.manifest.adapters.keys() {
        match intent.adapters.get(name) {
            None => findings.problem(place(name), AdapterFault::Unread { contract: name.clone() }),
            Some(pair) => {
                check_half(name, Side::Sender, &pair.sender, inventory, findings);
                check_half(name, Side::Receiver, &pair.receiver, inventory, findings);
                check_wires(name, pair, findings);
            }
        }
    }
}

fn check_half(name: &ContractName, side: Side, half: &GivenAdapter, inventory: &Inventory, findings: &mut Findings) {
    let at = place(name);
    let (imported, exported) = match side {
        Side::Sender => (SENDER.to_owned(), name.to_string()),
        Side::Receiver => (name.to_string(), RECEIVER.to_owned()),
    };
    let imports = half.view.imports.iter();
    for (verb, interface, found) in [
        ("import", &imported, port_of(&half.view.imports, &imported).is_some()),
        ("export", &exported, port_of(&half.view.exports, &exported).is_some()),
    ] {
        if !found {
            let (contract, interface) = (name.clone(), interface.clone());
            findings.problem(at.clone(), AdapterFault::Lacks { contract, side, verb, interface });
        }
    }
    for port in imports.filter(|port| !is_named(port, &imported) && needs_more(port, inventory)) {
        let (contract, import) = (name.clone(), port.label.clone());
        findings.problem(at.clone().about(&port.label), AdapterFault::Unmet { contract, side, import });
    }
    if half.wire.is_none() {
        findings.problem(at, AdapterFault::Silent { contract: name.clone(), side });
    }
}

fn needs_more(port: &Port, inventory: &Inventory) -> bool {
    port.shape != model::view::Shape::Types && !inventory.host_satisfies(port)
}

fn check_wires(name: &ContractName, pair: &AdapterPair, findings: &mut Findings) {
    if let (Some(sender), Some(receiver)) = (&pair.sender.wire, &pair.receiver.wire)
        && sender != receiver
    {
        let (sender, receiver) = (sender.clone(), receiver.clone());
        findings.problem(place(name), AdapterFault::Wires { contract: name.clone(), sender, receiver });
    }
}

/// A text names an interface: with a version that one only, else any.
fn is_named(port: &Port, text: &str) -> bool {
    port.contract.as_ref().is_some_and(|name| text == name.to_string() || text == name.unversioned())
}

fn port_of<'a>(ports: &'a [Port], text: &str) -> Option<&'a Port> {
    ports.iter().find(|port| is_named(port, text) && contract_of(port).is_some())
}

fn place(name: &ContractName) -> Place {
    Place::key(table_key("adapters", &name.to_string()))
}

/// The adapters of one end of a call, as the composites use them. It remembers which pairs were used.
pub(crate) struct Adapters<'a> {
    intent: &'a Intent,
    used: BTreeSet<&'a ContractName>,
}

impl<'a> Adapters<'a> {
    pub(crate) fn new(intent: &'a Intent) -> Self {
        Self { intent, used: BTreeSet::new() }
    }

    /// Where the adapter for `actor` comes from, and how many memories it has.
    pub(crate) fn choose(
        &mut self,
        side: Side,
        contract: &Contract,
        actor: &ActorName,
        findings: &mut Findings,
    ) -> (AdapterPlan, u32) {
        let Some((name, pair)) = pair_for(self.intent, &contract.name) else {
            return self.generated(side, contract, self.intent.wires.send);
        };
        self.used.insert(name);
        if let Some(reason) = misfit(side, pair, contract) {
            let at = Place { actor: Some(actor.clone()), ..place(name) };
            findings.problem(
                at,
                AdapterFault::Misfit { contract: contract.name.clone(), side, actor: actor.clone(), reason },
            );
        }
        let half = match side {
            Side::Sender => &pair.sender,
            Side::Receiver => &pair.receiver,
        };
        // A half that declares no wire is a problem of the pair, found once.
        let wire = half.wire.as_deref().unwrap_or(WIRE_1).to_owned();
        (AdapterPlan::Given { component: half.view.digest, wire }, half.view.memories)
    }

    /// The generated adapter that speaks `wire`, or what stands in its place, and how many memories it has.
    pub(crate) fn generated(&self, side: Side, contract: &Contract, wire: WireVersion) -> (AdapterPlan, u32) {
        match substitute_for(self.intent, side, contract, wire) {
            Some(found) => (AdapterPlan::Substitute { component: found.view.digest, wire }, found.view.memories),
            None => (AdapterPlan::Generated(wire), GENERATED_MEMORIES),
        }
    }

    /// Those by which `actor` answers: one for each version of the wire that is accepted, or the one that is given.
    pub(crate) fn receivers(
        &mut self,
        contract: &Contract,
        actor: &ActorName,
        findings: &mut Findings,
    ) -> Vec<AdapterPlan> {
        match self.choose(Side::Receiver, contract, actor, findings) {
            (given @ AdapterPlan::Given { .. }, _) => vec![given],
            (AdapterPlan::Generated(_) | AdapterPlan::Substitute { .. }, _) => {
                let accepted = self.intent.wires.accept.iter();
                accepted.map(|wire| self.generated(Side::Receiver, contract, *wire).0).collect()
            }
        }
    }

    /// The memories of a receiver's adapter.
    pub(crate) fn memories(&self, receiver: &ReceiverPlan) -> u32 {
        match &receiver.adapter {
            AdapterPlan::Generated(_) => GENERATED_MEMORIES,
            AdapterPlan::Substitute { wire, .. } => self.generated(Side::Receiver, &receiver.contract, *wire).1,
            AdapterPlan::Given { .. } => {
                pair_for(self.intent, &receiver.contract.name).map_or(0, |(_, pair)| pair.receiver.view.memories)
            }
        }
    }

    /// Warns of pairs that nothing used.
    pub(crate) fn warn_unused(&self, findings: &mut Findings) {
        for name in self.intent.adapters.keys().filter(|name| !self.used.contains(name)) {
            findings.warn(place(name), Caution::UnusedAdapters { contract: name.clone() });
        }
    }
}

/// The pair for a contract: one of its semver track before one for every version.
fn pair_for<'a>(intent: &'a Intent, contract: &ContractName) -> Option<(&'a ContractName, &'a AdapterPair)> {
    let tracked = intent.adapters.iter().find(|(name, _)| on_one_track(name, contract));
    let any = || intent.adapters.iter().find(|(name, _)| name.version.is_none() && name.same_interface(contract));
    tracked.or_else(any)
}

/// Why one half of a pair cannot stand before an actor that has the contract.
fn misfit(side: Side, pair: &AdapterPair, contract: &Contract) -> Option<String> {
    let ports = match side {
        Side::Sender => &pair.sender.view.exports,
        Side::Receiver => &pair.receiver.view.imports,
    };
    // A lacking port is a problem of the pair itself, found once.
    let made_for: &Arc<Contract> = contract_of(port_of(ports, &contract.name.unversioned())?)?;
    let fits = match side {
        Side::Sender => made_for.name.serves(&contract.name),
        Side::Receiver => contract.name.serves(&made_for.name),
    };
    if !fits {
        return Some(format!("it was built for `{}`", made_for.name));
    }
    // The receiver calls the actor, and must know each function that the actor answers.
    let known = contract.is_served_by(made_for);
    let called = if side == Side::Receiver { made_for.is_served_by(contract) } else { Ok(()) };
    known.and(called).err().map(|mismatch| mismatch.to_string())
}
