//! What stands in the place of generated adapters.

use std::sync::Arc;

use model::blueprint::{AdapterPlan, Blueprint, WireTo};
use model::contract::Contract;
use model::view::Port;
use model::wire::{Side, WireVersion};

use crate::intent::{Intent, Substitute, contract_of};

/// What the names of the two interfaces of the bus begin with.
const BUS: &str = "lath:wasmbus/";

/// An adapter that is generated, or that something stands in the place of.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Which of the two.
    pub side: Side,
    /// The version of the wire that it has to speak.
    pub wire: WireVersion,
    /// The contract, as the actor has it.
    pub contract: Arc<Contract>,
    /// What is used.
    pub adapter: AdapterPlan,
}

impl Substitute {
    /// The contract that it was made for.
    pub fn contract(&self) -> Option<&Arc<Contract>> {
        let ports: &[Port] = match self.side {
            Side::Sender => &self.view.exports,
            Side::Receiver => &self.view.imports,
        };
        let is_bus = |port: &Port| port.contract.as_ref().is_some_and(|name| name.unversioned().starts_with(BUS));
        ports.iter().filter(|port| !is_bus(port)).find_map(contract_of)
    }

    /// True where it can stand before an actor that has `contract`. A sender may have more functions than are called; a
    /// receiver calls each of its own.
    pub fn fits(&self, contract: &Contract) -> bool {
        let Some(made_for) = self.contract() else { return false };
        match self.side {
            Side::Sender => made_for.name.serves(&contract.name) && contract.is_served_by(made_for).is_ok(),
            Side::Receiver => {
                contract.name.serves(&made_for.name)
                    && made_for.is_served_by(contract).is_ok()
                    && contract.is_served_by(made_for).is_ok()
            }
        }
    }
}

/// What stands in the place of a generated adapter: what was made for just this contract, else the first that fits.
pub(crate) fn substitute_for<'a>(
    intent: &'a Intent,
    side: Side,
    contract: &Contract,
    wire: WireVersion,
) -> Option<&'a Substitute> {
    let fitting = || intent.substitutes.iter().filter(|one| one.side == side && one.wire == wire && one.fits(contract));
    let exact = fitting().find(|one| one.contract().is_some_and(|made_for| **made_for == *contract));
    exact.or_else(|| fitting().next())
}

/// Every adapter of a blueprint that is not the manifest's, each once, in the order of composites.
pub fn needs(blueprint: &Blueprint) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    let mut add = |side, contract: &Arc<Contract>, adapter: &AdapterPlan| {
        let (AdapterPlan::Generated(wire) | AdapterPlan::Substitute { wire, .. }) = *adapter else { return };
        let need = Need { side, wire, contract: Arc::clone(contract), adapter: adapter.clone() };
        if !needs.contains(&need) {
            needs.push(need);
        }
    };
    for composite in blueprint.composites.values() {
        for receiver in &composite.receivers {
            add(Side::Receiver, &receiver.contract, &receiver.adapter);
        }
        for wire in composite.members.iter().flat_map(|member| &member.wires) {
            if let WireTo::Sender(sender) = &wire.to {
                add(Side::Sender, &sender.contract, &sender.adapter);
            }
        }
    }
    needs
}
